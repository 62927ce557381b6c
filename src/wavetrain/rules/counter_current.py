"""Counter-current learning: a forward and a feedback network that teach each other, level by level.

Kao and Hariharan, NeurIPS 2024, arXiv 2409.19841; where text and released code differ, the code is followed.
The forward network is a chain of linear maps with units between them; what the map l + 1 reads is the level
a_l, and a_0 is the input. The feedback network has mirrored widths and runs from the classes down:

    a_l     = units(U_l sg(a_{l-1}))        a_L linear, sg: no gradient goes back through its argument
    b_{l-1} = units(V_l sg(b_l))            b_0 linear; b_L are the classes, one row each, not the batch

At each level l < L the products M = a_l b_l' of examples and classes are to be 1 for the right class and 0
for others, Y. So the loss of a level teaches U_l and V_{l+1} alone, and that of the task teaches U_L alone:

    PLAIN       128 / d mean (M - Y)^2, for d units, as in the released perceptrons
    NORMALISED  rows of length 1: mean (M - Y)^2 + 1/2 mean (a a' - I)^2 + 1/2 mean (b b' - I)^2, as in the
                released convolutional networks; examples of one class pull the first two terms apart

The update of U_l never looks at maps behind it, and no way back reads a forward weight. V starts as PyTorch's
linear maps do, belongs to the rule, and learns by plain gradient descent in it, so that any optimiser may
follow for U. With `confident`, examples whose class has a probability within so much of 1 are zeros at each
level (0.1 as released); the rule then looks at the outputs, which are later layers.
Left out: convolutions, auto-encoders, warm-up, momentum of the feedback network.
"""
# Above 300 lines: one file, since the maps that are cut apart and the network that teaches them are one rule.

import enum
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from wavetrain.core import CLASSES, Batch, Card, Lesson
from wavetrain.core.terms import Sight, Stated, Terms, learns
from wavetrain.errors import BadInput

PLAIN_WEIGHT = 128.0  # half of the reference width of 256, by which d is measured
OWN_WEIGHT = 0.5  # of the products of a network with itself


class Match(enum.Enum):
    """How the levels of the two networks are compared."""

    PLAIN = "plain"
    NORMALISED = "normalised"


class CounterCurrent(Stated):
    """Teaches a chain of linear maps that names a class for each row; `rate` and `clip` are the feedback's.

    A rate of 0 is a frozen feedback network. Raises BadInput for another network and for other answers.

    >>> from wavetrain.core import CLASSES, Batch
    >>> from wavetrain.rules import CounterCurrent
    >>> network = torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.ELU(), torch.nn.Linear(8, 4))
    >>> rule, x, y = CounterCurrent(), torch.randn(2, 9, 3), torch.arange(18).view(2, 9) % 4
    >>> _ = rule.learn(network, Batch(x, y), CLASSES.loss)
    >>> [tuple(level.shape) for level in rule.bank()]  # each class as inputs, as hidden units, as a class
    [(4, 3), (4, 8), (4, 4)]
    """

    card = Card(
        title="Counter-Current Learning: A Biologically Plausible Dual Network Approach for Deep Learning",
        authors="Kao, Chia-Hsiang and Hariharan, Bharath",
        year=2024,
        source="NeurIPS 2024, arXiv 2409.19841",
        family="feedback",
        topic="Learning rules",
    )

    def __init__(
        self,
        *,
        rate: float = 1.0,
        clip: float | None = 1.0,
        match: Match = Match.PLAIN,
        confident: float | None = None,
        units: Callable[[Tensor], Tensor] = F.elu,
        seed: int = 0,
    ):
        if not (0 <= rate < math.inf) or not (clip is None or clip > 0):
            raise BadInput(
                "CounterCurrent: expected a rate of at least 0 and a clip above 0 or none, "
                f"got {rate} and {clip}"
            )
        if not (confident is None or 0 <= confident <= 1):
            raise BadInput(f"CounterCurrent: expected confident from 0 to 1 or none, got {confident}")
        self.rate, self.clip, self.match = rate, clip, match
        self.confident, self.units, self.seed = confident, units, seed
        self.back: list[Float[Tensor, "inputs outputs"]] = []  # V of each map, drawn with the first batch

    @classmethod
    def lesson(cls) -> Lesson:
        network = nn.Sequential(
            nn.Linear(3, 6), nn.ELU(), nn.Linear(6, 5), nn.ELU(), nn.Linear(5, 5), nn.ELU(), nn.Linear(5, 4)
        )
        return Lesson(network, Batch(torch.randn(4, 7, 3), torch.arange(28).view(4, 7) % 4), CLASSES.loss)

    def terms(self, network: nn.Module) -> Terms:
        blind = {Sight.FORWARD_WEIGHTS} | ({Sight.LATER_LAYERS} if self.confident is None else set())
        maps = {name for name, one in network.named_parameters() if one.ndim == 2 and one.requires_grad}
        return Terms(trains=learns(network), blind=frozenset(blind), unseen=frozenset(maps))

    def state_dict(self) -> dict[str, Tensor]:
        return {f"back.{place}": one.detach().clone() for place, one in enumerate(self.back)}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        self.back = [state[f"back.{place}"].clone().requires_grad_() for place in range(len(state))]

    @torch.no_grad()
    def bank(self) -> list[Float[Tensor, "classes ..."]]:
        """b_0 to b_L: each class at each level of the feedback network; empty before the first batch."""
        return self._feedback(self.back) if self.back else []

    @torch.no_grad()
    def meet(self, network: nn.Module, batch: Batch) -> None:
        """Draw the feedback network, as the first batch would. Raises BadInput as `learn` does."""
        self.back = self._met(network, batch)[2]

    def learn(self, network: nn.Module, batch: Batch, loss: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        outputs, maps, back = self._met(network, batch)
        y, value = batch.y.flatten().long(), loss(outputs, batch.y)
        asked = F.one_hot(self.asked(y), outputs.shape[-1]).to(outputs)
        sure = None if self.confident is None else _sure(outputs, y, 1 - self.confident)
        updates = _gradient(value, maps[-1].trained)
        for place, b in enumerate(self._feedback(back)[:-1]):
            rows = maps[place].entered.flatten(0, -2)
            level = self.compare(rows if sure is None else rows.masked_fill(sure[:, None], 0.0), b, asked)
            own = maps[place - 1].trained if place else []
            updates |= _gradient(level, [*own, back[place]] if self.rate else own)
        for parameter, update in updates.items():
            parameter.grad = update if parameter.grad is None else parameter.grad + update
        self.back = back
        self._descend()
        return value.detach()

    def asked(self, y: Int[Tensor, "rows"]) -> Int[Tensor, "rows"]:
        """The classes that the levels are taught; the task's loss has its own."""
        return y

    def compare(
        self,
        a: Float[Tensor, "rows width"],
        b: Float[Tensor, "classes width"],
        asked: Float[Tensor, "rows classes"],
    ) -> Float[Tensor, ""]:
        """The loss of a level, of examples and classes."""
        if self.match is Match.PLAIN:
            return PLAIN_WEIGHT / a.shape[-1] * F.mse_loss(a @ b.mT, asked)
        a, b = (F.normalize(one, dim=-1, eps=1e-8) for one in (a, b))
        own = [F.mse_loss(one @ one.mT, torch.eye(len(one)).to(one)) for one in (a, b)]
        return F.mse_loss(a @ b.mT, asked) + OWN_WEIGHT * (own[0] + own[1])

    def _met(self, network: nn.Module, batch: Batch) -> "tuple[Tensor, list[_Map], list[Tensor]]":
        """The outputs and maps of a network, and its feedback network, which is drawn if there is none."""
        if batch.y.is_floating_point() or batch.y.is_complex():
            raise BadInput(
                "CounterCurrent: expected a Sequential of linear maps and a class for each row, "
                f"got {type(network).__name__} and answers of {batch.y.dtype}"
            )
        with _Cut(network) as cut:
            outputs = network(batch.x)
        maps = _chain(network, cut.maps, outputs, batch.y)
        back = self.back or self._drawn(maps)
        if [one.weight.shape for one in maps] != [one.mT.shape for one in back]:
            raise BadInput(
                f"CounterCurrent: expected the maps it met before, of {_sizes(one.mT for one in back)}, "
                f"got {_sizes(one.weight for one in maps)}"
            )
        return outputs, maps, back

    def _feedback(self, back: Sequence[Tensor]) -> list[Float[Tensor, "classes ..."]]:
        """b_0 to b_L; no gradient goes through a level."""
        levels = [torch.eye(back[-1].shape[1]).to(back[-1])]
        for place in reversed(range(len(back))):
            b = levels[0].detach() @ back[place].mT
            levels.insert(0, self.units(b) if place else b)
        return levels

    def _drawn(self, maps: "Sequence[_Map]") -> list[Tensor]:
        """Not from the seed itself: a network that was drawn with it would have the same numbers."""
        words = np.random.SeedSequence(self.seed).generate_state(1)
        draw, back = torch.Generator().manual_seed(int(words[0])), []
        for weight in (one.weight for one in maps):
            uniform = torch.rand(weight.mT.shape, generator=draw)
            back.append(((2 * uniform - 1) * len(weight) ** -0.5).to(weight).requires_grad_())
        return back

    @torch.no_grad()
    def _descend(self) -> None:
        """A step of the feedback network down its gradient."""
        if self.clip is not None:
            nn.utils.clip_grad_norm_(self.back, self.clip)
        for one in self.back if self.rate else ():
            assert one.grad is not None
            one.sub_(one.grad, alpha=self.rate)
            one.grad = None


class _Map(NamedTuple):
    """A linear map that was called: its parameters, and what came in."""

    name: str
    weight: nn.Parameter
    bias: nn.Parameter | None
    entered: Tensor

    @property
    def trained(self) -> list[nn.Parameter]:
        return [one for one in (self.weight, self.bias) if one is not None and one.requires_grad]


class _Cut(TorchFunctionMode):
    """Every `F.linear` of a network's weight is noted, and no gradient goes back through its input."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.names = {one: name for name, one in network.named_parameters()}
        self.maps: list[_Map] = []

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        given = dict(kwargs or {})
        if func is F.linear:
            bound = dict(zip(("input", "weight", "bias"), args, strict=False)) | given
            x, weight, bias = bound["input"], bound["weight"], bound.get("bias")
            if isinstance(weight, nn.Parameter) and weight in self.names:
                kept = bias if isinstance(bias, nn.Parameter) else None
                self.maps.append(_Map(self.names[weight], weight, kept, x))
                return F.linear(x.detach(), weight, bias)
        return func(*args, **given)


def _chain(network: nn.Module, maps: list[_Map], outputs: Tensor, y: Tensor) -> list[_Map]:
    """The maps of a network, if they are a chain from inputs to classes; raises BadInput if they are not."""
    about, trained = type(network).__name__, {one for part in maps for one in part.trained}
    named = [(name, one) for name, one in network.named_parameters() if one.requires_grad]
    if not named:
        raise BadInput(
            f"CounterCurrent: expected a network that learns, got {about} of frozen parameters alone"
        )
    missing = [name for name, one in named if one not in trained]
    if missing or len({one.name for one in maps}) < len(maps):
        raise BadInput(
            "CounterCurrent: expected a network that learns by linear maps alone, each called once, as a "
            f"Sequential of them, got {about} with {missing[0] if missing else 'a map that is called again'}"
        )
    sizes = [(one.weight.shape[1], one.weight.shape[0]) for one in maps]
    if any(
        one[1] != other[0] for one, other in zip(sizes, [*sizes[1:], (outputs.shape[-1], 0)], strict=True)
    ):
        raise BadInput(
            "CounterCurrent: expected each map to read as many units as the one before has, got "
            f"{_sizes(one.weight for one in maps)} and {outputs.shape[-1]} outputs"
        )
    rows = [tuple(one.shape[:-1]) for one in (*(part.entered for part in maps), outputs)]
    if any(math.prod(one) != y.numel() for one in rows) or rows[-1] != tuple(y.shape):
        raise BadInput(
            f"CounterCurrent: expected a class for each row that a map sees, got {tuple(y.shape)} classes "
            f"and rows {', '.join(map(str, rows))}"
        )
    if y.numel() and not (int(y.min()) >= 0 and int(y.max()) < outputs.shape[-1]):
        raise BadInput(
            f"CounterCurrent: expected classes from 0 to {outputs.shape[-1] - 1}, got {int(y.min())} to "
            f"{int(y.max())}"
        )
    return maps


def _gradient(value: Tensor, of: Sequence[Tensor]) -> dict[Tensor, Tensor]:
    """The gradient of a loss by each of these, and by nothing else."""
    if not of:
        return {}
    found = torch.autograd.grad(value, of, allow_unused=True) if value.requires_grad else ()
    told = {one: gradient for one, gradient in zip(of, found, strict=False) if gradient is not None}
    if len(told) < len(of):
        raise BadInput(
            "CounterCurrent: expected a chain of maps, got one that the next level does not come from"
        )
    return told


@torch.no_grad()
def _sure(
    outputs: Float[Tensor, "*axes classes"], y: Int[Tensor, "rows"], least: float
) -> Bool[Tensor, "rows"]:
    """Whether the right class of a row has at least this probability."""
    right = outputs.flatten(0, -2).softmax(-1).gather(-1, y[:, None])[:, 0]
    return right >= least


def _sizes(weights: Any) -> str:
    return ", ".join(f"{one.shape[1]} to {one.shape[0]}" for one in weights)
