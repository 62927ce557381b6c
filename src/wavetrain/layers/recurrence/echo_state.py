"""Echo state network: a random recurrence that is never trained; only what reads it learns.

Jaeger 2001, GMD report 148; with the leaky units of Jaeger, Lukoševičius, Popovici and Siewert 2007.

    h_t = (1 - a) h_{t-1} + a tanh(V x_t + b + U h_{t-1}),  y_t = h_t,  h_0 = 0

U starts uniform and is scaled to a spectral radius; V and b are uniform in +/- `scale`. All three are fixed.
The state is then an echo of the inputs: for a largest singular value of U below 1 two states that are driven
alike come together at least by the factor 1 - a (1 - that value) at every step, and radii up to about 1 do
well in practice. The read-out is linear and left to whoever uses the layer: ridge regression, or recursive
least squares in a stream. Left out: sparse weights, feedback from the output, noise in the state.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wavetrain import scan
from wavetrain.core import Card, Nonlinear, State
from wavetrain.errors import BadInput


class EchoState(Nonlinear):
    """x (B, T, inputs) to h (B, T, width); the state is h (B, width). It has no trainable parameters.

    >>> from wavetrain.layers import EchoState
    >>> layer = EchoState(100, inputs=1, radius=0.9)
    >>> round(torch.linalg.eigvals(layer.recur.weight).abs().max().item(), 2)
    0.9
    >>> sum(p.numel() for p in layer.parameters() if p.requires_grad)  # only a read-out is left to train
    0
    """

    card = Card(
        title="Optimization and applications of echo state networks with leaky-integrator neurons",
        authors="Jaeger, Herbert and Lukoševičius, Mantas and Popovici, Dan and Siewert, Udo",
        year=2007,
        source="Neural Networks 20, doi 10.1016/j.neunet.2007.04.016",
        family="recurrence",
        topic="Online sequence learning",
    )

    def __init__(
        self,
        width: int,
        inputs: int | None = None,
        radius: float = 0.9,
        leak: float = 1.0,  # a, 1 for units that keep nothing of their own
        scale: float = 1.0,
    ):
        super().__init__(width, inputs)
        if radius < 0 or not 0 < leak <= 1 or scale <= 0:
            raise BadInput(
                f"EchoState: expected a radius of at least 0, a leak in (0, 1] and a scale above 0, "
                f"got {radius}, {leak} and {scale}"
            )
        self.leak = leak
        self.encode = nn.Linear(self.inputs, width).requires_grad_(False)
        self.recur = nn.Linear(width, width, bias=False).requires_grad_(False)
        for parameter in self.encode.parameters():
            nn.init.uniform_(parameter, -scale, scale)
        with torch.no_grad():
            drawn = torch.empty(width, width).uniform_(-1, 1)
            largest = torch.linalg.eigvals(drawn.double()).abs().max()
            self.recur.weight.copy_(drawn * (radius / largest))

    def begin(self, batch: int) -> Float[Tensor, "batch width"]:
        return self.recur.weight.new_zeros(batch, self.width)

    def step(
        self, x: Float[Tensor, "batch inputs"], state: Float[Tensor, "batch width"]
    ) -> tuple[Float[Tensor, "batch width"], Float[Tensor, "batch width"]]:
        return self._next(self.encode(x), state)

    def whole(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        drive = scan.affine(x, self.encode.weight, self.encode.bias)
        return scan.unroll(self._next, drive, state)

    def _next(self, drive: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """One step from the drive (B, width) of the inputs."""
        new = (drive + self.recur(h)).tanh()
        h = h + self.leak * (new - h)
        return h, h
