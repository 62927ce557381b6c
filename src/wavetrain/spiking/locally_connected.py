"""Units that see one window of an image each and compete with those of the same window.

Saunders, Patel, Hazan, Siegelmann and Kozma 2019, Neural Networks 119, arXiv 1904.06269. Between a fully
connected layer and a convolution: every window has units of its own, which hear its pixels alone, inhibit one
another, and share no weights with those of other windows.

    v_t = exp(-dt / tau) v_{t-1} + W x_t - inhibition (spikes of the others of the window in the last step)
    crossed where v_t > threshold + raised,    v_t <- reset where crossed
    s_t = 1 for the one of each window that is furthest above its threshold

A step: units that are silent keep their potential; the others decay and take the current of the inputs and of
the last step's spikes; those above their thresholds are reset and silent for the refractory time; in each
window the one furthest above its threshold is let through as a spike, and inhibits the others of the window
in the next step. So windows know nothing of one another. The authors let one unit through in the whole layer,
by which windows compete after all, and draw which.

Windows are sets of inputs of one size (`parts/windows.py`); with one that holds all inputs it is `DiehlCook`.
Weights and thresholds learn by `rules.MinibatchSTDP`. What is read from the spikes, without which labels say
nothing here, is in `parts/votes.py` and `parts/ngrams.py`. Times are in ms, potentials in mV above rest.
"""

import torch
from jaxtyping import Int
from torch import Tensor, nn

from wavetrain.core import Card
from wavetrain.core.check import check_width
from wavetrain.parts.competition import Competition
from wavetrain.parts.windows import connected
from wavetrain.spiking._competing import Competing

CELL = Competition()


class LocallyConnected(Competing):
    """x (B, T, inputs) to spikes (B, T, width), at most one of each window in a step; times in ms.

    `windows` (places, taps) are the inputs of each window, by default one window of all; `width` units are
    split among them, those of the first window first. Weights begin between 0 and 1. The state is that of
    `DiehlCook`.

    >>> from wavetrain.parts.windows import Windows
    >>> from wavetrain.spiking import LocallyConnected
    >>> windows = Windows(side=8, kernel=5, stride=3)  # four of 25 pixels
    >>> layer = LocallyConnected(80, inputs=64, windows=windows.pixels())
    >>> layer.groups, layer.synapses
    (4, 2000)
    >>> spikes, _ = layer((torch.rand(2, 50, 64) < 0.2).float())
    >>> spikes.unflatten(-1, (4, 20)).sum(-1).max()  # one of each window
    tensor(1., grad_fn=<MaxBackward1>)
    """

    card = Card(
        title="Locally connected spiking neural networks for unsupervised feature learning",
        authors="Saunders, Daniel J. and Patel, Devdhar and Hazan, Hananel and Siegelmann, Hava T. and "
        "Kozma, Robert",
        year=2019,
        source="Neural Networks 119, doi 10.1016/j.neunet.2019.08.016, arXiv 1904.06269",
        family="spiking",
        topic="Waves in spiking networks",
    )

    def __init__(
        self,
        width: int,
        inputs: int | None = None,
        windows: Int[Tensor, "places taps"] | None = None,
        cell: Competition = CELL,
        dt: float = 1.0,
    ):
        inputs = width if inputs is None else inputs
        check_width(type(self).__name__, width=width, inputs=inputs)
        mask, groups = None, 1
        if windows is not None:
            mask, groups = connected(windows, width, inputs, type(self).__name__), len(windows)
            mask = mask.to(torch.get_default_device())
        super().__init__(width, inputs, cell=cell, dt=dt, groups=groups, mask=mask)
        nn.init.uniform_(self.encode.weight)
        if mask is not None:
            self.encode.weight.data.mul_(mask)

    @property
    def synapses(self) -> int:
        """Connections that there are: places x taps x units of a place."""
        return self.width * self.inputs if self.mask is None else int(self.mask.sum())
