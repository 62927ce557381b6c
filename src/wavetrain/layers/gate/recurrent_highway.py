"""Recurrent highway network, with the gates and the attention that a study of forecasting puts round it.

Zilly, Srivastava, Koutník and Schmidhuber, ICML 2017, arXiv 1607.03474; the hybrids after Heidenreich,
Vlachas and Koumoutsakos 2024, arXiv 2410.02654. Several layers in depth at each step, each with a carry:

    s_0 = h_{t-1};   for l = 1 .. depth:   a, g = W x_t [l = 1] + R_l s_{l-1} + b_l, two blocks of rows
                                           s_l = sigmoid(g) tanh(a) + (1 - sigmoid(g)) s_{l-1}
    h_t = s_depth,   r_t = h_t,             or with a gate  r_t = join(V x_t, h_t)
    y_t = r_t,       or with a window      y_t = join(r_t, attention of h_t over the last `window` states)

join(x, f) = x + f,  or x + alpha f with alpha learned,  or (1 - p) x + p f with p = sigmoid(P x + c)

Attention has H heads, and a learned bias for each head and distance. The gates' bias starts at -2, so that
the state is mostly carried. The study's exact formulas and places are not known to us: its three gates are
our reading of their names, and attention stands behind the recurrence, as we chose.
Left out: recurrence inside transformers; the study's LSTM and GRU hybrids.
"""

import enum

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wavetrain import scan
from wavetrain.core import Card, Nonlinear, State, check_heads, check_width
from wavetrain.core.windows import sliding
from wavetrain.errors import BadInput


class Gate(enum.Enum):
    """How a part is joined to what goes past it."""

    ADD = "add"  # the plain residual
    RATE = "rate"  # a learned share, the same at all steps; starts as the plain residual
    INPUT = "input"  # a share that depends on what goes past


class RecurrentHighway(Nonlinear):
    """x (B, T, inputs) to y (B, T, width).

    The state is h (B, width); with a `window` it is h, the last `window` - 1 states (B, window - 1, width)
    and which of them there are (B, window - 1). Without `gate`, and with attention, the two are added.
    `heads` divides `width`; by default a head has at least 32 channels.

    >>> from wavetrain.layers import RecurrentHighway
    >>> layer = RecurrentHighway(8, depth=3, window=10)
    >>> y, (h, past, there) = layer(torch.randn(2, 50, 8))
    >>> past.shape, there.all().item()  # the states that attention reads
    (torch.Size([2, 9, 8]), True)
    """

    card = Card(
        title="Recurrent highway networks",
        authors="Zilly, Julian Georg and Srivastava, Rupesh Kumar and Koutník, Jan and Schmidhuber, Jürgen",
        year=2017,
        source="ICML 2017, arXiv 1607.03474; hybrids arXiv 2410.02654",
        family="gate",
        topic="Recurrence beside attention",
    )

    def __init__(
        self,
        width: int,
        inputs: int | None = None,
        depth: int = 2,
        gate: Gate | None = None,
        window: int | None = None,
        heads: int | None = None,
    ):
        super().__init__(width, inputs)
        check_width("RecurrentHighway", depth=depth)
        if heads is not None and window is None:
            raise BadInput("RecurrentHighway: heads are those of attention, which needs a window; got none")
        self.encode = nn.Linear(self.inputs, 2 * width, bias=False)
        levels = [nn.Linear(width, 2 * width) for _ in range(depth)]
        self.recur = nn.ModuleList(levels)
        self.past = None if gate is None else nn.Linear(self.inputs, width, bias=False)
        self.join = None if gate is None else _Join(width, gate)
        self.attend = None if window is None else _Attention(width, window, heads)
        self.join_attended = None if window is None else _Join(width, gate or Gate.ADD)
        for level in levels:
            nn.init.constant_(level.bias[width:], -2.0)

    def begin(self, batch: int) -> State:
        h = self.encode.weight.new_zeros(batch, self.width)
        return h if self.attend is None else (h, *self.attend.begin(batch))

    def step(
        self, x: Float[Tensor, "batch inputs"], state: State
    ) -> tuple[Float[Tensor, "batch width"], State]:
        h, *before = (state,) if self.attend is None else state
        h = self._next(self.encode(x), h)
        y, before = self._leave(x.unsqueeze(1), h.unsqueeze(1), before)
        return y.squeeze(1), h if self.attend is None else (h, *before)

    def whole(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        h, *before = (state,) if self.attend is None else state
        h, last = scan.unroll(lambda drive, h: (self._next(drive, h),) * 2, self.encode(x), h)
        y, before = self._leave(x, h, before)
        return y, last if self.attend is None else (last, *before)

    def _next(self, drive: Tensor, h: Tensor) -> Tensor:
        """Down through the depth of one step: drive (B, 2 D) and h (B, D) give the next h."""
        for level, recur in enumerate(self.recur):
            new, gate = (recur(h) + drive if level == 0 else recur(h)).chunk(2, -1)
            gate = gate.sigmoid()
            h = gate * new.tanh() + (1 - gate) * h
        return h

    def _leave(self, x: Tensor, h: Tensor, before: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """From x (B, T, I) and h (B, T, D) to the output, and the states to attend to from the next step."""
        y = h if self.past is None or self.join is None else self.join(self.past(x), h)
        if self.attend is None or self.join_attended is None:
            return y, before
        attended, *before = self.attend(h, *before)
        return self.join_attended(y, attended), before


class _Join(nn.Module):
    """What goes past and what a part makes of it, both (..., D), become one."""

    def __init__(self, width: int, gate: Gate):
        super().__init__()
        self.gate = gate
        self.rate = nn.Parameter(torch.ones(width)) if gate is Gate.RATE else None
        self.share = nn.Linear(width, width) if gate is Gate.INPUT else None

    def forward(self, past: Tensor, part: Tensor) -> Tensor:
        if self.rate is not None:
            return past + self.rate * part
        if self.share is not None:
            return past + self.share(past).sigmoid() * (part - past)
        return past + part


class _Attention(nn.Module):
    """Each h reads itself and the `window` - 1 before it, by fit and by distance."""

    def __init__(self, width: int, window: int, heads: int | None):
        super().__init__()
        check_width("RecurrentHighway", window=window)
        heads = self.heads = check_heads("RecurrentHighway", width, heads)
        self.window = window
        self.project = nn.Linear(width, 3 * width)
        self.distance = nn.Parameter(torch.zeros(heads, window))  # oldest first, the present last
        self.out = nn.Linear(width, width)

    def begin(self, batch: int) -> tuple[Tensor, Tensor]:
        before = self.distance.new_zeros(batch, self.window - 1, self.out.in_features)
        return before, torch.zeros(before.shape[:2], dtype=torch.bool, device=before.device)

    def forward(self, h: Tensor, before: Tensor, seen: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """h (B, T, D) and what was before it give (B, T, D) and what is before the next step."""
        time = h.shape[1]
        h = torch.cat([before, h], 1)  # (B, S - 1 + T, D)
        seen = torch.cat([seen, seen.new_ones(len(h), time)], 1)
        q, k, v = self.project(h).unflatten(-1, (3, self.heads, -1)).unbind(2)  # (B, S - 1 + T, H, P)
        q, k, v = q[:, self.window - 1 :], sliding(k, self.window, 1), sliding(v, self.window, 1)
        fit = torch.einsum("bthp,bthps->bths", q, k) * q.shape[-1] ** -0.5 + self.distance
        there = sliding(seen, self.window, 1).unsqueeze(2)  # (B, T, 1, S)
        weight = fit.masked_fill(~there, -torch.inf).softmax(-1)
        mixed = torch.einsum("bths,bthps->bthp", weight, v)
        return self.out(mixed.flatten(-2)), h[:, time:], seen[:, time:]
