"""A memory network whose controllers learn from predicted gradients, after Fernando et al. 2020.

Fernando, Denman, Sridharan and Fookes 2020, arXiv 2011.05438, of which only the abstract could be read: not a
reproduction. The memory is that of Munkhdalai and Yu 2017, arXiv 1607.04315, the predicted ("synthetic")
gradients are those of Jaderberg et al. 2017, arXiv 1608.05343. M (slots, width) is the memory, e_t = W x_t:

    o_t = LSTM_r(e_t),   z_t = softmax(beta M o_t),   m_t = M^T z_t                            read
    c_t = W_2 relu(W_1 [o_t; m_t]),   y_t = c_t                                                compose
    h_t = LSTM_w(c_t),   M <- M (1 - z_t 1^T) + z_t h_t^T                                      write

A read is a mean of what was written: m_t = sum_s r_ts h_s + (what is left of the first memory), r_ts >= 0,
with weights of sum 1 (`recall`). beta is learned, and so is the first memory.

In training a gradient g that goes back through a place a becomes (1 - u) g + u SG(a, context). SG is an MLP
whose last layer starts at zero; it learns to predict g, in units of its running size. The next input brings
the answer to this one, without which most of g is unknown: for o, m and c the context is e_{t+1}, and for h,
which is read a step later, e_{t+1} and e_{t+2}. With u = 1 what lies below a place learns without waiting.
At the ends of chunks memory and states get u SG alone, of themselves, the same two and the h of both
controllers: u = 0 is truncated backpropagation. There the target holds what the next chunk predicts itself.
SG learns in the same backward pass, so under any rule; what it is made of is shared with the rule `Decoupled`
(`parts.synthetic_gradient`).

Fast learning: each sequence has a copy of W_2, which takes one step a token against the predicted gradient of
the c before, W_2 <- W_2 - eta SG(c, e) relu(.)^T; eta is learned. Left out: a share u that depends on
surprise, whose learning the abstract does not give, and one SG for several networks.
"""

import enum
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain.core import Card, Nonlinear, State, check_width
from wavetrain.core.windows import sliding
from wavetrain.errors import BadInput
from wavetrain.layers.gate.lstm import LSTM
from wavetrain.parts.synthetic_gradient import Cut


class Place(enum.Enum):
    """Where a gradient may be replaced at every step."""

    READ = "o: what the read controller asks for"
    RECALL = "m: what the memory answers"
    COMPOSE = "c: what is said"
    WRITE = "h: what the write controller stores"


@dataclass(frozen=True)
class Feedback:
    """How gradients go back in training.

    At `places` a `share` of the gradient is predicted, and the rest is true. After every `horizon` steps
    (None: nowhere) memory and states get that share of their predictions, and nothing else: without places
    and with a share of 0 that is truncated backpropagation. `fast` also lets each sequence learn by itself,
    from predictions at c.
    """

    horizon: int | None = 5
    share: float = 1.0
    places: tuple[Place, ...] = (Place.WRITE,)
    fast: bool = False


class Reads(NamedTuple):
    """Where what was read comes from: read = weight @ written + first @ (the memory at the start)."""

    read: Float[Tensor, "batch time width"]  # m
    weight: Float[Tensor, "batch time time"]  # r, zero on and above the diagonal
    written: Float[Tensor, "batch time width"]  # h
    first: Float[Tensor, "batch time slots"]


class NeuralMemory(Nonlinear):
    """x (B, T, inputs) to y (B, T, width).

    The state is the memory (B, slots, D), and of each LSTM h and c; with fast learning also by how much W_2
    has moved (B, D, D), and the c and relu(.) of the step before. Without `feedback`, in `step` and outside
    of training gradients are the true ones.

    >>> from wavetrain.networks import NeuralMemory
    >>> network = NeuralMemory(8, inputs=3, slots=5)
    >>> y, state = network(torch.randn(2, 50, 3))
    >>> y.shape, state[0].shape  # the answers, and the memory of five slots
    (torch.Size([2, 50, 8]), torch.Size([2, 5, 8]))
    """

    card = Card(
        title="Fast & slow learning: incorporating synthetic gradients in neural memory controllers",
        authors="Fernando, Tharindu and Denman, Simon and Sridharan, Sridha and Fookes, Clinton",
        year=2020,
        source="arXiv 2011.05438",
        family="associative memory",
        topic="Learning rules",
    )

    def __init__(
        self, width: int, inputs: int | None = None, slots: int = 20, feedback: Feedback | None = None
    ):
        super().__init__(width, inputs)
        check_width("NeuralMemory", slots=slots)
        self.slots, self.feedback = slots, feedback
        self.encode = nn.Linear(self.inputs, width)
        self.reader, self.writer = LSTM(width), LSTM(width)
        self.mix, self.out = nn.Linear(2 * width, width), nn.Linear(width, width)
        self.sharpness = nn.Parameter(torch.tensor(4.0))  # beta
        self.memory = nn.Parameter(0.1 * torch.randn(slots, width))  # the first M
        self.rate = nn.Parameter(torch.tensor(0.01)) if feedback and feedback.fast else None  # eta
        self.cuts = nn.ModuleDict(_cuts(width, feedback) if feedback else {})

    def begin(self, batch: int) -> State:
        state = self.memory.repeat(batch, 1, 1), self.reader.begin(batch), self.writer.begin(batch)
        if self.rate is None:
            return state
        none = self.memory.new_zeros(batch, self.width)
        return *state, (none.new_zeros(batch, self.width, self.width), none, none)

    def step(
        self, x: Float[Tensor, "batch inputs"], state: State
    ) -> tuple[Float[Tensor, "batch width"], State]:
        memory, reading, *rest = state
        e = self.encode(x)
        o, reading = self.reader.step(e, reading)
        c, (memory, *rest), _ = self._move(e, o, (memory, *rest), None)
        return c, (memory, reading, *rest)

    def whole(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        y: list[Tensor] = []
        cut = self.feedback is not None and self.training
        horizon = self.feedback.horizon if self.feedback and cut else None
        e = self.encode(x)
        ahead = sliding(F.pad(e, (0, 0, 0, 2)), 2, 1)[:, 1:].mT.flatten(2)  # (B, T, 2 D), the next two
        for start in range(0, x.shape[1], horizon or x.shape[1]):
            chunk = slice(start, start + horizon if horizon else None)
            memory, reading, *rest = self._border(state, ahead[:, start - 1]) if start else state
            o, reading = self.reader(e[:, chunk], reading)
            o = self._cut(Place.READ, o, ahead[:, chunk] if cut else None)
            for t, now in enumerate(o.unbind(1), start):
                later = ahead[:, t] if cut else None
                c, (memory, *rest), _ = self._move(e[:, t], now, (memory, *rest), later)
                y.append(c)
            state = memory, reading, *rest
        return torch.stack(y, 1), state

    @torch.no_grad()
    def recall(self, x: Tensor) -> Reads:
        """How much of each write is in each read, on x (B, T, inputs) from the first state."""
        self.check(x)
        e, rows = self.encode(x), []
        memory, reading, *rest = self.begin(len(x))
        left = x.new_zeros(len(x), self.slots, 0)  # of each write in each slot, (B, slots, writes)
        first = x.new_ones(len(x), self.slots)  # of the first memory in each slot
        for now, o in zip(e.unbind(1), self.reader(e, reading)[0].unbind(1), strict=True):
            _, (memory, *rest), (z, m, h) = self._move(now, o, (memory, *rest), None)
            share = torch.einsum("bl,bls->bs", z, left)
            rows.append((m, F.pad(share, (0, x.shape[1] - share.shape[1])), h, z * first))
            left = torch.cat([left * (1 - z).unsqueeze(-1), z.unsqueeze(-1)], -1)
            first = first * (1 - z)
        return Reads(*(torch.stack(part, 1) for part in zip(*rows, strict=True)))

    def _move(
        self, e: Tensor, o: Tensor, state: State, ahead: Tensor | None
    ) -> tuple[Tensor, State, tuple[Tensor, Tensor, Tensor]]:
        """One step, given e and o (B, D): c, the next state but for the reader's, and z, m and h."""
        memory, writing, *fast = state
        z = (self.sharpness * (memory @ o.unsqueeze(-1)).squeeze(-1)).softmax(-1)  # (B, slots)
        m = self._cut(Place.RECALL, (z.unsqueeze(1) @ memory).squeeze(1), ahead)
        hidden = self.mix(torch.cat([o, m], -1)).relu()
        c = self.out(hidden)
        if self.rate is not None:
            moved, said, hidden_then = fast[0]
            guess = self.cuts[Place.COMPOSE.name].guess(said, e)  # type: ignore[operator]
            moved = moved - self.rate * guess.unsqueeze(-1) * hidden_then.unsqueeze(1)
            c = c + (moved @ hidden.unsqueeze(-1)).squeeze(-1)
        c = self._cut(Place.COMPOSE, c, ahead)
        after = [] if self.rate is None else [(moved, c, hidden)]
        h, writing = self.writer.step(c, writing)
        h = self._cut(Place.WRITE, h, ahead)
        share = z.unsqueeze(-1)
        memory = memory * (1 - share) + share * h.unsqueeze(1)
        return c, (memory, writing, *after), (z, m, h)

    def _cut(self, place: Place, a: Tensor, ahead: Tensor | None) -> Tensor:
        """Cut a, unless there is nothing to cut; `ahead` (..., 2 D) are the next two inputs, encoded."""
        if ahead is None or place.name not in self.cuts:
            return a
        return self.cuts[place.name](a, ahead if place is Place.WRITE else ahead[..., : self.width])

    def _border(self, state: State, ahead: Tensor) -> State:
        """The same state; of each LSTM h and c are predicted together."""
        memory, reading, writing, *fast = state
        context = torch.cat([ahead, reading[0], writing[0]], -1)
        reading, writing = (
            self.cuts[name](torch.cat(pair, -1), context).chunk(2, -1)
            for name, pair in (("reader", reading), ("writer", writing))
        )
        memory = self.cuts["memory"](memory, context.unsqueeze(1).expand(-1, self.slots, -1))
        return memory, tuple(reading), tuple(writing), *fast


def agreement(layer: NeuralMemory, x: Tensor, loss: Callable[[Tensor], Tensor]) -> dict[str, float]:
    """The cosine between the true gradient and what is predicted, at each cut of a layer on x.

    The true one is that of backpropagation through all of x, of a `loss` of the outputs (B, T, width).
    """
    cuts = {name: cut for name, cut in layer.cuts.items() if isinstance(cut, Cut)}
    training = layer.training
    for cut in cuts.values():
        cut.seen = []
    try:
        value = loss(layer.train()(x)[0])
        wanted = [one for one in layer.parameters() if one.requires_grad]
        torch.autograd.grad(value, wanted, allow_unused=True)
        return {name: _cosine(cut.seen or ()) for name, cut in cuts.items()}
    finally:
        layer.train(training)
        for cut in cuts.values():
            cut.seen = None


def _cosine(pairs: Sequence[tuple[Tensor, Tensor]]) -> float:
    """Of all gradients and guesses as two long vectors; NaN where there are none."""
    if not pairs:
        return math.nan
    gradient, guess = (torch.cat(part).detach() for part in zip(*pairs, strict=True))
    return float(F.cosine_similarity(gradient, guess, 0))


def _cuts(width: int, feedback: Feedback) -> dict[str, nn.Module]:
    share = feedback.share
    if not 0 <= share <= 1:
        raise BadInput(f"NeuralMemory: share must lie between 0 and 1, got {share}")
    places = {*feedback.places, *((Place.COMPOSE,) if feedback.fast else ())}
    context = {place: 2 * width if place is Place.WRITE else width for place in places}
    cuts = {place.name: Cut(width, context[place], 1 - share, share) for place in Place if place in places}
    if feedback.horizon is not None:
        check_width("NeuralMemory", horizon=feedback.horizon)
        cuts["memory"] = Cut(width, 4 * width, 0, share)  # slot by slot, shared
        cuts |= {name: Cut(2 * width, 4 * width, 0, share) for name in ("reader", "writer")}
    return dict(cuts)
