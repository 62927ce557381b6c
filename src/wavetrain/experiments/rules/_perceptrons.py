"""Perceptrons of two hidden layers for images, without biases: rectified or firing."""

import itertools

from torch import Tensor, nn

from wavetrain.spiking.lif import LIF

MEAN, DEVIATION = 0.1307, 0.3081  # of the pixels of MNIST
TAU = 2.0  # steps, of the units that fire


class Perceptron(nn.Sequential):
    """Images (B, T, C), whatever their steps, to scores of ten classes; without biases."""

    def __init__(self, pixels: int, width: int):
        sizes = (pixels, width, width, 10)
        maps = [nn.Linear(one, other, bias=False) for one, other in itertools.pairwise(sizes)]
        super().__init__(maps[0], nn.ReLU(), maps[1], nn.ReLU(), maps[2])

    def forward(self, x: Tensor) -> Tensor:
        return super().forward((x.flatten(1) - MEAN) / DEVIATION)


class SpikingPerceptron(nn.Module):
    """The same with units that fire, an image being a current for so many steps."""

    def __init__(self, pixels: int, width: int, time: int):
        super().__init__()
        self.first, self.second = LIF(width, pixels, tau=TAU), LIF(width, width, tau=TAU)
        self.read, self.time = nn.Linear(width, 10, bias=False), time
        for layer in (self.first, self.second):
            nn.init.zeros_(layer.encode.bias)
            layer.encode.bias.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        current = ((x.flatten(1) - MEAN) / DEVIATION).unsqueeze(1).expand(-1, self.time, -1)
        return self.read(self.second(self.first(current)[0])[0]).mean(1)
