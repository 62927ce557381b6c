"""Universal Transformer: one block, applied again and again, and each position may stop when it likes.

Dehghani, Gouws, Vinyals, Uszkoreit and Kaiser 2019, arXiv 1807.03819; halting: Graves 2016, arXiv 1603.08983.

    S = H_{t-1} + P_t,  P_t[i, 2j], P_t[i, 2j+1] = sin, cos (i r_j) + sin, cos (t r_j),  r_j = 10000^(-2j/D)
    A = LayerNorm(S + attention(S)),   H_t = LayerNorm(A + transition(A)),   positions i and steps t from 1

The attention has heads; the transition is an MLP with ReLU at each position. With halting (adaptive
computation time), each position adds up p = sigmoid(w . S + b) over the steps until the sum would pass
1 - eps. That step is its last: it gets the remainder R = 1 - the sum so far as its weight, the steps before
it got p. The ponder cost of a position is n + R for n steps; the loss adds tau times its mean (tau 0.01 in
the released code). Positions have no table, so no sequence is too long; `start` shifts them, which lets
short training sequences see the positions of long ones.

Left out: dropout, the separable convolution as transition, the attention from a decoder to an encoder, and a
cache for streaming.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float, Num
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain.core import Card, Network, check_width
from wavetrain.errors import BadInput
from wavetrain.parts.reader import one_hot


@dataclass(frozen=True)
class Halting:
    """Adaptive computation time, with the values of the released code.

    Two rules go by this name. With `interpolated` the output moves towards the state of each step by that
    step's weight, as in the released code; else it is the weighted sum of the states, as in Graves 2016.
    """

    most: int = 8  # steps, N_max; a position that has not halted by then gets no remainder
    slack: float = 0.01  # eps
    bias: float = 1.0  # b at the start: p = 0.73, so that halting comes early at first
    interpolated: bool = True


class Run(NamedTuple):
    """What came out, and how long each position thought."""

    output: Float[Tensor, "batch time outputs"]
    steps: Num[Tensor, "batch time"]  # n
    ponder: Num[Tensor, "batch time"]  # n + R; n where there is no halting
    weight: Float[Tensor, "steps batch time"]  # of each step in the output


class Block(nn.Module):
    """Attention and transition, each added and then normalised: x (B, T, D) to (B, T, D)."""

    def __init__(self, width: int, heads: int, hidden: int, causal: bool):
        super().__init__()
        self.heads, self.causal = heads, causal
        self.project = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.mixed, self.moved = nn.LayerNorm(width), nn.LayerNorm(width)
        self.transition = nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, width))

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self._heads(x)
        read = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        x = self.mixed(x + self.out(read.transpose(1, 2).flatten(-2)))
        return self.moved(x + self.transition(x))

    def weights(self, x: Tensor) -> Tensor:
        """How much each position reads of each, (B, H, T, T); every row sums to 1."""
        q, k, _ = self._heads(x)
        fit = q @ k.mT * q.shape[-1] ** -0.5
        if self.causal:
            fit = fit.masked_fill(torch.ones_like(fit, dtype=torch.bool).triu(1), -torch.inf)
        return fit.softmax(-1)

    def _heads(self, x: Tensor) -> Tensor:
        """Queries, keys and values, (3, B, H, T, P)."""
        return self.project(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)


class UniversalTransformer(Network):
    """Tokens (B, T), or values (B, T, inputs), to (B, T, outputs).

    Without `halting` every position runs `steps` steps. `causal` makes it a decoder, where each position
    reads itself and those before it. `hidden` units are in the transition, four times the width by default.

    >>> from wavetrain.networks import UniversalTransformer
    >>> network = UniversalTransformer(inputs=10, outputs=3, width=16, heads=2, steps=6)
    >>> network(torch.randint(10, (2, 20))).shape
    torch.Size([2, 20, 3])
    >>> sum(p.numel() for p in network.parameters())  # one block, however many steps
    3427
    """

    card = Card(
        title="Universal transformers",
        authors="Dehghani, Mostafa and Gouws, Stephan and Vinyals, Oriol and Uszkoreit, Jakob and "
        "Kaiser, Łukasz",
        year=2019,
        source="ICLR 2019, arXiv 1807.03819",
        family="attention",
        topic="Recurrence beside attention",
    )

    def __init__(
        self,
        inputs: int,
        outputs: int,
        width: int = 64,
        heads: int = 4,
        steps: int = 4,
        hidden: int | None = None,
        halting: Halting | None = None,
        causal: bool = False,
    ):
        super().__init__()
        hidden = 4 * width if hidden is None else hidden
        _check("UniversalTransformer", inputs, outputs, width, heads, hidden)
        check_width("UniversalTransformer", steps=steps)
        if halting is not None:
            check_width("UniversalTransformer", most=halting.most)
            if not 0 < halting.slack < 1:
                raise BadInput(f"UniversalTransformer: slack must lie between 0 and 1, got {halting.slack}")
        self.inputs, self.steps, self.halting = inputs, steps, halting
        self.encode = _encoder(inputs, width)
        self.block = Block(width, heads, hidden, causal)
        self.read = nn.Linear(width, outputs)
        if halting is not None:
            self.halt = nn.Linear(width, 1)
            nn.init.constant_(self.halt.bias, halting.bias)

    def forward(self, x: Tensor, start: Tensor | None = None) -> Tensor:
        return self.run(x, start).output

    def run(self, x: Tensor, start: Tensor | None = None) -> Run:
        """The output with its ponder cost; `start` (B,) are positions to add, 0 where left out."""
        h = _embed(self.encode, x, self.inputs)
        at = _places(h, start)
        if self.halting is not None:
            return self._ponder(h, at, self.halting)
        for step in range(1, self.steps + 1):
            h = self.block(self._signalled(h, at, step))
        return _unhalted(self.read(h), self.steps)

    def attention(self, x: Tensor, start: Tensor | None = None) -> Tensor:
        """What each step reads, (steps, B, H, T, T), with all steps run."""
        h = _embed(self.encode, x, self.inputs)
        at, maps = _places(h, start), []
        for step in range(1, (self.steps if self.halting is None else self.halting.most) + 1):
            h = self._signalled(h, at, step)
            maps.append(self.block.weights(h))
            h = self.block(h)
        return torch.stack(maps)

    def _signalled(self, h: Tensor, at: Tensor, step: int) -> Tensor:
        return h + at + signal(torch.tensor(step, device=h.device), h.shape[-1]).to(h)

    def _ponder(self, h: Tensor, at: Tensor, halting: Halting) -> Run:
        total = remainder = steps = h.new_zeros(h.shape[:2])
        running = torch.ones_like(total, dtype=torch.bool)
        out, weights = torch.zeros_like(h), []
        for step in range(1, halting.most + 1):
            h = self._signalled(h, at, step)
            p = self.halt(h).squeeze(-1).sigmoid()  # seen with the signals, before the block
            last = running & (total + p > 1 - halting.slack)
            steps = steps + running
            weight = torch.where(last, 1 - total, p) * running  # (B, T), 0 once halted
            remainder = remainder + weight * last
            total = total + weight
            running = running & ~last
            h = self.block(h)
            out = out * (1 - weight.unsqueeze(-1)) if halting.interpolated else out
            out = out + weight.unsqueeze(-1) * h
            weights.append(weight)
            if not running.any():
                break
        return Run(self.read(out), steps, steps + remainder, torch.stack(weights))


class Transformer(nn.Module):
    """The rival: `steps` blocks with weights of their own, and positions added once, before the first."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        width: int = 64,
        heads: int = 4,
        steps: int = 4,
        hidden: int | None = None,
        causal: bool = False,
    ):
        super().__init__()
        hidden = 4 * width if hidden is None else hidden
        _check("Transformer", inputs, outputs, width, heads, hidden)
        check_width("Transformer", steps=steps)
        self.inputs = inputs
        self.encode = _encoder(inputs, width)
        self.blocks = nn.ModuleList(Block(width, heads, hidden, causal) for _ in range(steps))
        self.read = nn.Linear(width, outputs)

    def forward(self, x: Tensor, start: Tensor | None = None) -> Tensor:
        return self.run(x, start).output

    def run(self, x: Tensor, start: Tensor | None = None) -> Run:
        h = _embed(self.encode, x, self.inputs)
        h = h + _places(h, start)
        for block in self.blocks:
            h = block(h)
        return _unhalted(self.read(h), len(self.blocks))


def signal(place: Tensor, width: int) -> Tensor:
    """Sines and cosines in turn of places (...), from fast to slow: (..., width) in float64."""
    rate = 10_000.0 ** (-torch.arange(0, width, 2, device=place.device, dtype=torch.float64) / width)
    angle = place.double().unsqueeze(-1) * rate
    return torch.stack([angle.sin(), angle.cos()], -1).flatten(-2)[..., :width]


def _unhalted(output: Tensor, steps: int) -> Run:
    """A run in which every position took all steps, and only the last counts."""
    taken = output.new_full(output.shape[:2], steps)
    weight = torch.cat([taken.new_zeros(steps - 1, *taken.shape), torch.ones_like(taken)[None]])
    return Run(output, taken, taken, weight)


def _places(h: Tensor, start: Tensor | None) -> Tensor:
    """The signals of positions 1 to T after `start`, (B or 1, T, D)."""
    place = torch.arange(1, h.shape[1] + 1, device=h.device).unsqueeze(0)
    if start is not None:
        if start.shape != h.shape[:1]:
            raise BadInput(f"expected start ({len(h)},), one position a sequence, got {tuple(start.shape)}")
        place = place + start.unsqueeze(1)
    return signal(place, h.shape[-1]).to(h)


def _encoder(inputs: int, width: int) -> nn.Linear:
    """Embeddings with deviation 1, so that neither symbols nor positions drown the other."""
    encode = nn.Linear(inputs, width, bias=False)
    nn.init.normal_(encode.weight)
    return encode


def _embed(encode: nn.Linear, x: Tensor, inputs: int) -> Tensor:
    given = tuple(x.shape)
    x = one_hot(x, inputs, encode.weight.dtype)
    if x.ndim != 3 or x.shape[-1] != inputs or not x.shape[1]:
        raise BadInput(f"expected tokens (batch, time) or values (batch, time, {inputs}), got {given}")
    return encode(x)


def _check(name: str, inputs: int, outputs: int, width: int, heads: int, hidden: int) -> None:
    check_width(name, inputs=inputs, outputs=outputs, width=width, heads=heads, hidden=hidden)
    if width % heads:
        raise BadInput(f"{name}: heads must divide width {width}, got {heads}")
