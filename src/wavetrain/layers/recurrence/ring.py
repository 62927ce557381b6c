"""Ring: activity that moves on at constant speed turns "how long ago" into "where", so reading is convolving.

White, Lee and Sompolinsky 2004, arXiv cond-mat/0402452 (the distributed shift register), as a layer: each
channel is a line of n cells that its input enters at cell 0, read through a learned profile c.

    h_t = keep ((1 - v) + v S) h_{t-1} + e_0 u_t,   y_t = c . h_t,   u_t = W x_t,   (S h)_k = h_{k-1}

Cell k holds what came k / v steps ago, so y is the convolution of u with c (exactly for v = 1; at a lower
speed the past also spreads, with variance t v (1 - v) after t steps). The operator is a Toeplitz matrix for
each channel. The ring is cut before the cell where input enters, and what reaches the cut is gone: the
kernel has n taps. `closed` joins the ends; then nothing is ever gone unless keep < 1, and new is added to
old. `forward` is one convolution by FFT. Left out: a direct path from u to y (cell 0 is one), speeds above
one cell a step, and bumps that hold themselves up (the ring attractor).
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain import scan
from wavetrain.core import Card, Layer, Operator, State, check_width
from wavetrain.errors import BadInput
from wavetrain.scan.over_slices import Passing, in_slices


class Ring(Layer):
    """x (B, T, inputs) to y (B, T, width), a ring for each channel; the state is h (B, width, cells).

    `speed` is in cells per step and `keep` is the share of activity that is left after a step, both above 0
    and at most 1.

    >>> from wavetrain.layers import Ring
    >>> layer, x = Ring(1, cells=5), torch.arange(1.0, 8).reshape(1, 7, 1)
    >>> layer.encode.weight.data = torch.ones(1, 1)
    >>> layer.profile.data = torch.tensor([[0.0, 0, 0, 1, 0]])  # read at cell 3
    >>> layer(x)[0].flatten().round().tolist()  # what came 3 steps ago
    [0.0, 0.0, 0.0, 1.0, 2.0, 3.0, 4.0]
    """

    splits = True
    card = Card(
        title="Short-term memory in orthogonal neural networks",
        authors="White, Olivia L. and Lee, Daniel D. and Sompolinsky, Haim",
        year=2004,
        source="Physical Review Letters 92, arXiv cond-mat/0402452",
        family="recurrence",
        topic="Rings and line attractors",
    )

    def __init__(
        self,
        width: int,
        inputs: int | None = None,
        cells: int = 64,
        closed: bool = False,
        speed: float = 1.0,
        keep: float = 1.0,
    ):
        super().__init__(width, inputs)
        check_width("Ring", cells=cells)
        for name, value in (("speed", speed), ("keep", keep)):
            if not 0 < value <= 1:
                raise BadInput(f"Ring: {name} must be above 0 and at most 1, got {value}")
        self.cells = cells
        self.closed, self.speed, self.keep = closed, speed, keep
        self.encode = nn.Linear(self.inputs, width, bias=False)
        self.profile = nn.Parameter(torch.randn(width, cells) * cells**-0.5)

    def begin(self, batch: int) -> Float[Tensor, "batch width cells"]:
        return self.profile.new_zeros(batch, self.width, self.cells)

    def step(
        self, x: Float[Tensor, "batch inputs"], state: Float[Tensor, "batch width cells"]
    ) -> tuple[Float[Tensor, "batch width"], Float[Tensor, "batch width cells"]]:
        h = self._move(state) + F.pad(self.encode(x)[..., None], (0, self.cells - 1))
        return (self.profile * h).sum(-1), h

    def whole(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        u = self.encode(x)  # (B, T, D)
        places = self._places(x.shape[1] + 1)  # (T + 1, n)
        return in_slices(
            "ring",
            lambda before: self._turn(u, places, before),
            lambda: Passing(self._shifts(places[-1]), matrix=True),
            state,
            [part for part in (u, self.profile, state) if part is not None],
        )

    def _turn(self, u: Tensor, places: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
        """y (B, T, D) and the last activity, of u (B, T, D)."""
        y = scan.convolve(u, places[:-1] @ self.profile.T)
        last = torch.einsum("tn,btd->bdn", places[:-1].flip(0), u)
        if state is not None:  # what was there moves on like an input, from each cell where it lies
            echo = torch.einsum("dn,bdnk->bdk", self.profile, self._shifts(state))
            y = y + torch.einsum("tk,bdk->btd", places[1:], echo)
            last = last + torch.einsum("nm,bdm->bdn", self._shifts(places[-1]), state)
        return y, last

    def fresh(self, x: Tensor) -> tuple[Tensor, State]:
        return self.whole(x, None)  # nothing is there yet, so that nothing of it fades

    def operator(self, x: Tensor) -> Operator:
        kernel = self._places(x.shape[1]) @ self.profile.T  # (T, D)
        weight = scan.toeplitz(kernel.T)  # (D, T, T)
        return Operator(weight.expand(len(x), -1, -1, -1), self.encode(x).unsqueeze(-1))

    def read(self, mixed: Tensor) -> Tensor:
        return mixed.squeeze(-1)

    def _move(self, h: Tensor) -> Tensor:
        """Activity h (..., n) one step later."""
        enters = h[..., -1:] if self.closed else torch.zeros_like(h[..., -1:])
        moved = torch.cat([enters, h[..., :-1]], -1)
        return self.keep * ((1 - self.speed) * h + self.speed * moved)

    def _places(self, time: int) -> Tensor:
        """Where one input lies at each age from 0 to time - 1, (time, n): twice as many rows at each turn."""
        cells = torch.eye(self.cells, dtype=self.profile.dtype, device=self.profile.device)
        places, later = cells[:1], self._move(cells)  # `later` moves rows on by as many steps as are known
        while len(places) < time:
            places, later = torch.cat([places, places @ later]), later @ later
        return places[:time]

    def _shifts(self, h: Tensor) -> Tensor:
        """h (..., n) moved along the ring by each number of cells: (..., n, n), column k is moved by k."""
        cell = torch.arange(self.cells, device=h.device)
        back = cell[:, None] - cell
        shifted = h[..., back % self.cells]
        return shifted if self.closed else shifted.tril()
