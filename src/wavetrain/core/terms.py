"""The terms of a rule: what it trains, what it never looks at, and what it costs.

A rule that states its terms is a `Stated`, and the contract (`testing.check_rule`) holds it to them:

    trains     these parameters get an update, and no other one does
    blind      what is cut, or drawn anew, leaves the update as it is, to the last bit
    passes     how often each step of a batch goes through the layers, there being no other way to learn
    stored     how what is kept at once grows with depth and time

A rule that states none is taken to have those of backpropagation.
"""

import enum
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from wavetrain.core.rule import Rule


class Sight(enum.Enum):
    """What a rule may be blind to."""

    LATER_LAYERS = "later layers"  # what lies behind a map on the way to the outputs
    LATER_STEPS = "later time steps"  # a step's share of the update is there when the step is over
    FORWARD_WEIGHTS = "weights of the forward path"  # on the way back, those of `unseen`


def as_many(depth: int, time: int) -> float:
    """All activations: those of each layer at each step."""
    return depth * time


def as_deep(depth: int, time: int) -> float:
    """Those of one step, of every layer."""
    return depth


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What a rule says of itself, for one network.

    >>> from wavetrain.core.terms import Sight, Terms, as_deep
    >>> terms = Terms(trains=frozenset({"weight"}), blind=frozenset({Sight.LATER_STEPS}), stored=as_deep)
    >>> terms.passes, terms.stored(3, 100)
    (1, 3)
    """

    trains: frozenset[str]  # names of parameters
    blind: frozenset[Sight] = frozenset()
    unseen: frozenset[str] = frozenset()  # weights that the way back never looks at
    passes: int = 1
    stored: Callable[[int, int], float] = as_many  # of depth and time, up to a factor


class Stated(Rule):
    """A rule that states its terms.

    >>> from wavetrain.core.terms import Stated
    >>> from wavetrain.rules import FeedbackAlignment
    >>> rule, network = FeedbackAlignment(), torch.nn.Sequential(torch.nn.Linear(3, 2))
    >>> isinstance(rule, Stated), sorted(rule.terms(network).trains)
    (True, ['0.bias', '0.weight'])
    """

    @abstractmethod
    def terms(self, network: nn.Module) -> Terms:
        """Its terms for a network. Raises BadInput for one that it cannot teach."""


class Online(Stated):
    """A rule that goes forward in time alone: each step's share of the update is there when it is over.

    >>> from wavetrain.core.terms import Online
    >>> from wavetrain.layers import Elman
    >>> from wavetrain.parts.reader import Reader
    >>> from wavetrain.rules import SnAp
    >>> rule, network = SnAp(), Reader(Elman(6, inputs=3), outputs=2, every_step=True)
    >>> shares = rule.walk(network, torch.randn(4, 7, 3), torch.randn(4, 7, 2))
    >>> isinstance(rule, Online), next(shares)["layer.recur.weight"].shape
    (True, torch.Size([6, 6]))
    """

    @abstractmethod
    def walk(
        self,
        network: nn.Module,
        x: Float[Tensor, "batch time inputs"],
        errors: Float[Tensor, "batch time outputs"],
    ) -> Iterator[Mapping[str, Float[Tensor, "*axes"]]]:
        """The share of each step in the update of each parameter, from the errors d loss / d outputs."""


def learns(network: nn.Module) -> frozenset[str]:
    """The names of all parameters that may learn.

    >>> from wavetrain.core.terms import learns
    >>> sorted(learns(torch.nn.Linear(3, 2)))
    ['bias', 'weight']
    """
    return frozenset(name for name, one in network.named_parameters() if one.requires_grad)


def terms_of(rule: Rule, network: nn.Module) -> Terms:
    """What a rule states, or what backpropagation would: it trains all that learns, and looks at everything.

    >>> from wavetrain.core.terms import terms_of
    >>> from wavetrain.rules import Backpropagation
    >>> terms = terms_of(Backpropagation(), torch.nn.Linear(3, 2))
    >>> sorted(terms.trains), set(terms.blind), terms.stored(3, 100)
    (['bias', 'weight'], set(), 300)
    """
    return rule.terms(network) if isinstance(rule, Stated) else Terms(trains=learns(network))
