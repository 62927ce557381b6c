"""The terms of rules: for each promise a rule that breaks it, and right ones."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import pytest
import torch
from torch import Tensor, nn

from tests.testing.test_rules import Slopes
from wavetrain.core import Batch
from wavetrain.core.terms import Online, Sight, Stated, Terms, as_deep, learns, terms_of
from wavetrain.errors import BadInput
from wavetrain.parts.reader import Reader
from wavetrain.rules._inputs import watched
from wavetrain.rules.backpropagation import Backpropagation
from wavetrain.rules.e_prop import EProp
from wavetrain.rules.feedback_alignment import Feedback, FeedbackAlignment
from wavetrain.rules.hebbian.hebb import Hebb
from wavetrain.rules.hebbian.pair_stdp import PairSTDP
from wavetrain.rules.hebbian.triplet_stdp import TripletSTDP
from wavetrain.rules.rtrl import RTRL
from wavetrain.rules.snap import SnAp
from wavetrain.rules.truncated_backpropagation import TruncatedBackpropagation
from wavetrain.testing import check_rule, costs, terms
from wavetrain.testing.lessons import NETWORKS, seeded
from wavetrain.testing.peak import Peak

Loss = Callable[[Tensor, Tensor], Tensor]


class Says(Slopes, Stated):
    """The gradient, and what a subclass says of it."""

    blind: frozenset[Sight] = frozenset()

    def terms(self, network: nn.Module) -> Terms:
        return Terms(trains=learns(network), blind=self.blind)


class TrainsMore(Says):
    def terms(self, network: nn.Module) -> Terms:
        return Terms(trains=learns(network) - set(list(dict(network.named_parameters()))[-1:]))


class TrainsTheUnknown(Says):
    def terms(self, network: nn.Module) -> Terms:
        return Terms(trains=learns(network) | {"nothing.weight"})


class Thaws(Slopes):
    """What is frozen gets an update, too."""

    def learn(self, network: nn.Module, batch: Batch, loss: Loss) -> Tensor:
        found = super().learn(network, batch, loss)
        for one in network.parameters():
            one.grad = torch.zeros_like(one) if one.grad is None else one.grad
        return found


class RefusesLate(Slopes):
    """It refuses what it has taught already."""

    def learn(self, network: nn.Module, batch: Batch, loss: Loss) -> Tensor:
        found = super().learn(network, batch, loss)
        if not isinstance(network, Reader):
            raise BadInput("expected a Reader")
        return found


class Stumbles(Slopes):
    """A network that it does not know ends in an error of Python."""

    def learn(self, network: nn.Module, batch: Batch, loss: Loss) -> Tensor:
        network.layer  # noqa: B018
        return super().learn(network, batch, loss)


class RefusesAll(Slopes):
    def learn(self, network: nn.Module, batch: Batch, loss: Loss) -> Tensor:
        raise BadInput("expected another network")


class LooksUp(Says):
    blind = frozenset({Sight.LATER_LAYERS})


class LooksAhead(Says):
    blind = frozenset({Sight.LATER_STEPS})


class Walks(LooksAhead, Online):
    """Shares that are right: each is the update for the error of its step, found on the steps until it."""

    def walk(self, network: nn.Module, x: Tensor, errors: Tensor) -> Iterator[Mapping[str, Tensor]]:
        named = dict(network.named_parameters())
        for step in range(x.shape[1]):
            outputs = network(x[:, : step + 1])[:, -1]
            found = torch.autograd.grad(outputs, list(named.values()), errors[:, step])
            yield dict(zip(named, found, strict=True))


class WalksAhead(Walks):
    """The errors of a step are less those of the next one."""

    def walk(self, network: nn.Module, x: Tensor, errors: Tensor) -> Iterator[Mapping[str, Tensor]]:
        return super().walk(network, x, errors - 0.1 * errors.roll(-1, 1))


class WalksElsewhere(Walks):
    """The shares are not those of its update."""

    def walk(self, network: nn.Module, x: Tensor, errors: Tensor) -> Iterator[Mapping[str, Tensor]]:
        return super().walk(network, x, 1.01 * errors)


class StopsEarly(Walks):
    def walk(self, network: nn.Module, x: Tensor, errors: Tensor) -> Iterator[Mapping[str, Tensor]]:
        return super().walk(network, x[:, 1:], errors[:, 1:])


class LooksBack(Says):
    def terms(self, network: nn.Module) -> Terms:
        named = frozenset(name for name, one in network.named_parameters() if one.ndim == 2)
        return Terms(trains=learns(network), blind=frozenset({Sight.FORWARD_WEIGHTS}), unseen=named)


class BlindToNone(Says):
    blind = frozenset({Sight.FORWARD_WEIGHTS})


class TwoPasses(Says):
    def learn(self, network: nn.Module, batch: Batch, loss: Loss) -> Tensor:
        network(batch.x)
        return super().learn(network, batch, loss)


class Hoards(Says):
    """It says that it keeps one step alone."""

    def terms(self, network: nn.Module) -> Terms:
        return Terms(trains=learns(network), stored=as_deep)


class Deep(Says):
    """It says that it keeps one layer alone."""

    def terms(self, network: nn.Module) -> Terms:
        return Terms(trains=learns(network), stored=lambda depth, time: time)


class Upper(Stated):
    """Hebb's rule for each map, in which what comes out of the last map has a say."""

    def terms(self, network: nn.Module) -> Terms:
        return Terms(trains=learns(network), blind=frozenset({Sight.LATER_LAYERS}))

    @torch.no_grad()
    def learn(self, network: nn.Module, batch: Batch, loss: Loss) -> Tensor:
        with watched(network) as seen:
            outputs = network(batch.x)
        for name, one in network.named_parameters():
            told = seen().get(name)
            one.grad = (
                torch.zeros_like(one) if told is None else outputs.sum() * told.mean(0).expand(one.shape)
            )
        return loss(outputs, batch.y)


BROKEN = [
    (TrainsMore, terms.check_any_network, "an update is left for bias, which it does not say"),
    (TrainsTheUnknown, terms.check_any_network, "trains nothing.weight, which does not learn"),
    (RefusesLate, terms.check_any_network, "a linear map: it refuses Linear, but leaves updates of weight"),
    (Stumbles, terms.check_any_network, "a linear map: AttributeError instead of BadInput"),
    (RefusesAll, terms.check_any_network, "it teaches none"),
    (Thaws, terms.check_what_is_frozen, "an update is left for 0.weight, which is frozen"),
    (LooksUp, terms.check_later_layers, "the update of 0.weight changes with later layers"),
    (Upper, terms.check_later_layers, "the update of 0.weight changes with later layers"),
    (LooksAhead, terms.check_later_steps, "does not walk by steps"),
    (WalksAhead, terms.check_later_steps, "changes with later steps"),
    (WalksElsewhere, terms.check_later_steps, "shares of all steps add up to another update"),
    (StopsEarly, terms.check_later_steps, "expected a share of each of 7 steps, got 6"),
    (LooksBack, terms.check_forward_weights, "the update of 0.weight changes with forward weights"),
    (BlindToNone, terms.check_forward_weights, "to none of them"),
    (TwoPasses, costs.check_passes, "it says 1 passes, and takes 2"),
    (Hoards, costs.check_stored, "it says that what it stores grows 1 times"),
    (Deep, costs.check_stored, "from 4 layers .* grows 1 times"),
]


@pytest.mark.parametrize(("kind", "check", "what"), BROKEN, ids=lambda one: getattr(one, "__name__", None))
def test_a_rule_that_breaks_its_terms_is_seen(kind, check, what: str):
    with pytest.raises(AssertionError, match=what):
        check(kind)


@pytest.mark.parametrize("check", terms.PROMISES)
def test_rules_that_keep_theirs(check):
    for kind in (Says, Walks):
        check(kind)


@pytest.mark.parametrize(
    "make",
    [
        partial(TruncatedBackpropagation, 3, sliding=True),
        partial(SnAp, order=2),
        partial(RTRL, chunk=1),
        partial(EProp, seed=1),
        partial(FeedbackAlignment, Feedback.SIGNS),
    ],
    ids=["sliding", "two steps", "a step at once", "random feedback", "signs"],
)
def test_variants_of_rules_keep_them_too(make):
    check_rule(make)


@pytest.mark.parametrize("kind", [PairSTDP, TripletSTDP])
def test_plasticity_of_spikes_never_looks_at_later_layers(kind: type):
    """These rules state no terms; here they do. A reward is that of outputs, so its rule is not blind."""

    class Said(kind, Stated):
        def terms(self, network: nn.Module) -> Terms:
            return Terms(trains=learns(network), blind=frozenset({Sight.LATER_LAYERS}))

    terms.check_later_layers(Said)


def test_what_rules_say():
    elman = seeded(NETWORKS["an Elman network"])
    assert terms_of(Backpropagation(), elman) == Terms(trains=learns(elman))
    assert terms_of(Hebb(), elman).blind == {Sight.LATER_LAYERS}
    assert "layer.encode.bias" not in terms_of(Hebb(), elman).trains
    assert terms_of(RTRL(), elman).blind == terms_of(EProp(), elman).blind == {Sight.LATER_STEPS}
    assert terms_of(EProp(seed=1), elman).blind == {Sight.LATER_STEPS, Sight.FORWARD_WEIGHTS}
    assert terms_of(FeedbackAlignment(Feedback.SIGNS), elman).blind == frozenset()
    assert terms_of(FeedbackAlignment(), elman).blind == {Sight.FORWARD_WEIGHTS}
    assert terms_of(RTRL(), elman).stored(1, 10) == terms_of(RTRL(), elman).stored(1, 100)
    assert terms_of(TruncatedBackpropagation(4), elman).stored(2, 100) == 8


def test_the_peak_is_that_of_what_is_there_at_once():
    peak = Peak()
    with peak:
        one = torch.zeros(1000)
        two = one + 1
        del one
        three = two * 2
        del two, three
    assert peak.most == 8000 and peak.now == 0
