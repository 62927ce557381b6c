"""Line attractor: one direction of a network holds its value, so that it adds up its input; the rest forgets.

Seung 1996, PNAS 93, doi 10.1073/pnas.93.23.13339, in linear form with a connection matrix of rank one.

    tau dh/dt = -h + gain r (l . h) + V x,   l . r = 1;  in steps of one, with y_t = h_t:
    h_t = h_{t-1} + (-h_{t-1} + gain r (l . h_{t-1}) + V x_t) / tau

r is the line and l reads the place on it, z = l . h. Along the line z_t = (1 - (1 - gain) / tau) z_{t-1} +
l . V x_t / tau: time constant tau / (1 - gain), and for gain = 1 every point of the line is a fixed point and
z is the sum of the input. Off the line h decays by 1 - 1 / tau a step. So the network is two convolutions,
with weights lambda^(t-s): the operator has two Toeplitz heads, each of rank one below its diagonal, and
`forward` is one scan. Gain starts at 1 and nothing holds it there: 1% off, and with tau = 20 ms the memory
lasts 2 s. Left out: units that saturate, whose line bends and breaks up.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain import scan
from wavetrain.core import Card, Layer, Operator, State
from wavetrain.errors import BadInput


class LineAttractor(Layer):
    """x (B, T, inputs) to h (B, T, width); the state is h (B, width).

    `tau` is in steps, at least 1; `gain` is where the eigenvalue of the line starts. l starts as r (the
    connections are symmetric); `tilt` is what is learned to l beside that.

    >>> from wavetrain.layers import LineAttractor
    >>> layer = LineAttractor(4, inputs=1, tau=10.0)
    >>> pulse = torch.zeros(1, 300, 1)
    >>> pulse[0, 0] = 1
    >>> h = layer(pulse)[0][0]
    >>> torch.allclose(h[200], h[299], atol=1e-5)  # what was added stays
    True
    """

    splits = True
    card = Card(
        title="How the brain keeps the eyes still",
        authors="Seung, H. Sebastian",
        year=1996,
        source="PNAS 93, doi 10.1073/pnas.93.23.13339",
        family="recurrence",
        topic="Rings and line attractors",
    )

    def __init__(self, width: int, inputs: int | None = None, tau: float = 10.0, gain: float = 1.0):
        super().__init__(width, inputs)
        if not tau >= 1:
            raise BadInput(f"LineAttractor: tau must be at least 1 step, got {tau}")
        self.tau = tau
        self.encode = nn.Linear(self.inputs, width, bias=False)
        self.line = nn.Parameter(F.normalize(torch.randn(width), dim=0))
        self.tilt = nn.Parameter(torch.zeros(width))
        self.gain = nn.Parameter(torch.tensor(float(gain)))

    def begin(self, batch: int) -> Float[Tensor, "batch width"]:
        return self.line.new_zeros(batch, self.width)

    def step(
        self, x: Float[Tensor, "batch inputs"], state: Float[Tensor, "batch width"]
    ) -> tuple[Float[Tensor, "batch width"], Float[Tensor, "batch width"]]:
        r, left = self.directions()
        recur = self.gain * torch.outer(r, left)  # (D, D)
        h = state + (-state + state @ recur.T + self.encode(x)) / self.tau
        return h, h

    def whole(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        on, off = self._split(self.encode(x) / self.tau)
        z, rest = self._split(state)
        decay = torch.cat([self.decays()[:1], self.decays()[1:].expand(self.width)])
        modes, last = scan.linear(decay, torch.cat([on, off], -1), torch.cat([z, rest], -1))
        return self._join(modes), self._join(last)

    def operator(self, x: Tensor) -> Operator:
        age = torch.arange(x.shape[1], device=x.device)
        weight = scan.toeplitz(self.decays()[:, None] ** age)  # (2, T, T)
        on, off = self._split(self.encode(x) / self.tau)
        value = torch.stack([on * self.directions()[0], off], 2)  # (B, T, 2, D)
        return Operator(weight.expand(len(x), -1, -1, -1), value)

    def read(self, mixed: Tensor) -> Tensor:
        return mixed.sum(-2)

    def directions(self) -> tuple[Tensor, Tensor]:
        """The line r, of length 1, and the read-out l along it, with l . r = 1; (D,) each."""
        r = self.line / self.line.norm()
        return r, r + self.tilt - (r @ self.tilt) * r

    def decays(self) -> Tensor:
        """What a step leaves of the place on the line, and of what is off it, (2,)."""
        return 1 - torch.stack([1 - self.gain, torch.ones_like(self.gain)]) / self.tau

    def _split(self, h: Tensor) -> tuple[Tensor, Tensor]:
        """The place on the line (..., 1), and what is off it (..., D)."""
        r, left = self.directions()
        z = (h @ left)[..., None]
        return z, h - z * r

    def _join(self, modes: Tensor) -> Tensor:
        return modes[..., :1] * self.directions()[0] + modes[..., 1:]
