"""What rules promise: for each promise a rule that breaks it, and a right one."""

from collections.abc import Callable, Mapping
from functools import partial

import pytest
import torch
from jaxtyping import Float
from torch import Tensor, nn

from wavetrain.core import Batch, Lesson, Rule, go_back
from wavetrain.errors import BadInput
from wavetrain.rules import (
    DarkExperienceReplay,
    Decoupled,
    ExperienceReplay,
    GenerativeReplay,
    GradientNoise,
    Hebb,
    HebbianProjection,
    HeldWeights,
    SignalPropagation,
)
from wavetrain.rules.e_prop import EProp, Follows, Price
from wavetrain.testing import rules

Loss = Callable[[Tensor, Tensor], Tensor]


class Slopes(Rule):
    """The gradient."""

    def learn(self, network: nn.Module, batch: Batch, loss: Loss) -> Tensor:
        network.zero_grad()
        found = loss(network(batch.x), batch.y)
        go_back(found)
        return found.detach()


class Attached(Slopes):
    def learn(self, network: nn.Module, batch: Batch, loss: Loss) -> Tensor:
        return super().learn(network, batch, loss).requires_grad_()


class Row(Slopes):
    def learn(self, network: nn.Module, batch: Batch, loss: Loss) -> Tensor:
        return super().learn(network, batch, loss)[None]


class OtherLoss(Slopes):
    def learn(self, network: nn.Module, batch: Batch, loss: Loss) -> Tensor:
        return super().learn(network, batch, loss) * 1.0001


class Moves(Slopes):
    def learn(self, network: nn.Module, batch: Batch, loss: Loss) -> Tensor:
        found = super().learn(network, batch, loss)
        with torch.no_grad():
            next(network.parameters()).mul_(1 + 1e-6)
        return found


class Misses(Slopes):
    """One parameter has no update."""

    def learn(self, network: nn.Module, batch: Batch, loss: Loss) -> Tensor:
        found = super().learn(network, batch, loss)
        list(network.parameters())[-1].grad = None
        return found


class Spoils(Slopes):
    """One update is not finite."""

    def learn(self, network: nn.Module, batch: Batch, loss: Loss) -> Tensor:
        found = super().learn(network, batch, loss)
        list(network.parameters())[-1].grad[0] = torch.inf
        return found


class Guesses(Slopes):
    """Noise that no seed decides."""

    dice = torch.Generator().manual_seed(0)

    def learn(self, network: nn.Module, batch: Batch, loss: Loss) -> Tensor:
        found = super().learn(network, batch, loss)
        for one in network.parameters():
            one.grad += 1e-6 * torch.rand(one.shape, generator=self.dice)
        return found


class Dices(Slopes):
    """Noise of everybody's generator, which a seed decides."""

    def learn(self, network: nn.Module, batch: Batch, loss: Loss) -> Tensor:
        found = super().learn(network, batch, loss)
        for one in network.parameters():
            if one.grad is not None:
                one.grad += 0.1 * torch.rand(one.shape)
        return found


class WrongShape(Slopes):
    def learn(self, network: nn.Module, batch: Batch, loss: Loss) -> Tensor:
        self.seen(batch.x)
        return super().learn(network, batch, loss)

    def seen(self, x: Float[Tensor, "batch inputs"]) -> None:
        """Told two axes, given three."""


class Twisted(nn.Module):
    """A network of one rule."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.rand(3, 2))

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.weight


class Particular(Slopes):
    """Teaches what it knows, and says so in a line."""

    refusal = "expected Twisted, got Linear"

    @classmethod
    def lesson(cls) -> Lesson:
        return Lesson(Twisted(), Batch(torch.ones(2, 4, 3), torch.ones(2, 4, 2)), nn.functional.mse_loss)

    def learn(self, network: nn.Module, batch: Batch, loss: Loss) -> Tensor:
        if not isinstance(network, Twisted):
            raise BadInput(self.refusal)
        return super().learn(network, batch, loss)


class TwoLines(Particular):
    refusal = "expected Twisted,\ngot Linear"


class SaysNotWhat(Particular):
    refusal = "expected another, got Linear"


class SaysNotWhich(Particular):
    refusal = "expected Twisted"


class TeachesAll(Particular):
    learn = Slopes.learn


class Counts(Slopes):
    """Each batch counts less than the one before, and nothing says how many there were."""

    def __init__(self) -> None:
        self.batches = 0

    def learn(self, network: nn.Module, batch: Batch, loss: Loss) -> Tensor:
        found = super().learn(network, batch, loss)
        self.batches += 1
        for one in network.parameters():
            if one.grad is not None:
                one.grad /= self.batches
        return found


class KeepsCount(Counts):
    """The same, said."""

    def state_dict(self) -> dict[str, Tensor]:
        return {"batches": torch.tensor(self.batches)}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        self.batches = int(state["batches"])


class KeepsNumber(KeepsCount):
    def state_dict(self) -> dict[str, Tensor]:
        return {"batches": self.batches}  # type: ignore[dict-item]


class Forgets(KeepsCount):
    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        self.batches = int(state["batches"]) - 1


BROKEN = [
    (Attached, rules.check_learns, "expected one detached number as the loss"),
    (Row, rules.check_learns, "expected one detached number as the loss"),
    (OtherLoss, rules.check_learns, "Scalars are not close"),
    (Moves, rules.check_learns, "learn changed parameters"),
    (Misses, rules.check_learns, "no update is left for"),
    (Spoils, rules.check_learns, "the update of .* is not finite"),
    (WrongShape, rules.check_annotations, "seen is annotated with"),
    (Guesses, rules.check_same_again, "the same seed gives other updates"),
    (Counts, rules.check_goes_on, "taken up from its state, it teaches Linear otherwise"),
    (KeepsNumber, rules.check_goes_on, "to be made of tensors, and batches is none"),
    (Forgets, rules.check_goes_on, "taken up from its state"),
    (TwoLines, rules.check_what_it_cannot_teach, "expected Twisted"),
    (SaysNotWhat, rules.check_what_it_cannot_teach, "expected another"),
    (SaysNotWhich, rules.check_what_it_cannot_teach, "expected Twisted"),
    (TeachesAll, rules.check_what_it_cannot_teach, "expected BadInput for a network that it cannot teach"),
]


@pytest.mark.parametrize(("kind", "check", "what"), BROKEN, ids=lambda one: getattr(one, "__name__", None))
def test_a_rule_that_breaks_a_promise_is_seen(kind, check, what: str):
    with pytest.raises(AssertionError, match=what):
        check(kind)


@pytest.mark.parametrize("kind", [Slopes, Dices, Particular, KeepsCount])
def test_rules_that_keep_them(kind: type[Rule]):
    rules.check_rule(kind)


KEPT = {  # what is kept beside what the contract sees of defaults
    "a map of contexts that learns": partial(SignalPropagation, rate=0.1),
    "means of inputs and outputs": partial(Hebb, tau=5.0),
    "weights that matter": partial(HeldWeights, important=True),
    "a teacher that does not learn": partial(Decoupled, rate=0.0),
    "the rule below the noise": lambda: GradientNoise(rule=ExperienceReplay(size=6)),
    "rows that are apart": partial(HebbianProjection, rows=2, apart=True),
    "rates, and weights that follow": partial(EProp, 1, follows=Follows(0.1), price=Price(0.1, 2.0)),
    "a small store": partial(DarkExperienceReplay, size=3, replayed=2),
}


@pytest.mark.parametrize("make", KEPT.values(), ids=KEPT)
def test_more_that_is_kept(make: Callable[[], Rule]):
    rules.check_goes_on(make)


def test_a_rule_that_keeps_nothing_refuses_a_state():
    with pytest.raises(BadInput, match="Slopes: expected no state, since it keeps none, got steps"):
        Slopes().load_state_dict({"steps": torch.tensor(3)})


def test_dreams_wait_for_the_network_that_learns_next():
    rule = GenerativeReplay(latent=2, hidden=4)
    network, batch, loss = GenerativeReplay.lesson()
    rule.learn(network, batch, loss)
    rule.remember(network)
    other = GenerativeReplay(latent=2, hidden=4)
    other.load_state_dict(rule.state_dict())
    with pytest.raises(BadInput, match="expected a batch learned, since it was taken up, to dream"):
        other.dream(3)
    again = GenerativeReplay(latent=2, hidden=4)  # what waits is kept too
    again.load_state_dict(other.state_dict())
    for one in (rule, again):
        one.learn(network, batch, loss)
    torch.testing.assert_close(rule.dream(3), again.dream(3), rtol=0, atol=0)


def test_a_map_of_contexts_is_kept_for_one_network():
    rule = SignalPropagation(rate=0.1)
    for _ in range(2):
        network, batch, loss = rules.lesson(rule, 3)
        rule.learn(network, batch, loss)
        kept = rule.signals.maps
    assert len(kept) == 1  # the first network is gone
    other = rules.lesson(rule, 4).network
    rule.learn(other, batch, loss)
    with pytest.raises(BadInput, match="expected one network whose map of contexts is kept, got 2"):
        rule.state_dict()


def test_a_lesson_is_the_rules_own_or_a_small_network_and_a_batch():
    assert type(rules.lesson(Particular(), 3).network) is Twisted
    network, (x, y), loss = rules.lesson(Slopes(), 3)
    assert network(x).shape == y.shape == (4, 7, 2) and x.shape == (4, 7, 3)
    torch.testing.assert_close(y[:, 2], x[:, :3, :2].sum(1).tanh())
    assert loss is nn.functional.mse_loss
    before = torch.get_rng_state()
    again, other = rules.lesson(Slopes(), 3).network, rules.lesson(Slopes(), 4).network
    assert torch.equal(torch.get_rng_state(), before)
    for one, same, else_ in zip(network.parameters(), again.parameters(), other.parameters(), strict=True):
        assert one.equal(same) and (not one.equal(else_) or not one.any())
