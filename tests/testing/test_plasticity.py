"""What plasticity promises: for each promise one that breaks it, and that all rules of spikes keep them."""

import pytest
import torch
from torch import Tensor

from wavetrain import find
from wavetrain.core import State
from wavetrain.parts.bounds import Bounds
from wavetrain.parts.over_batch import OverBatch
from wavetrain.parts.plasticity import Plasticity
from wavetrain.testing import plasticity, rules


class Together(Plasticity):
    """What fires in a step before and behind is tied, and the more the more fired before; times are in ms.

    A step: spikes are counted, then weights change.
    """

    def __init__(self) -> None:
        super().__init__(dt=1.0, bounds=Bounds(), over_batch=OverBatch.SUM)

    def begin(self, weight: Tensor, batch: int) -> State:
        return weight.new_zeros(batch, weight.shape[1])

    def change(self, weight: Tensor, pre: Tensor, post: Tensor, state: State) -> tuple[Tensor, State]:
        count = state + pre
        return 0.001 * weight * post[:, :, None] * count[:, None], count


class Wordless(Together):
    """What fires together is tied."""


class NoUnits(Together):
    """Whoever fires. A step: as above."""


class Drifts(Together):
    def change(self, weight: Tensor, pre: Tensor, post: Tensor, state: State) -> tuple[Tensor, State]:
        changes, count = super().change(weight, pre, post, state)
        return changes - 1e-9, count


class DoesNothing(Together):
    def change(self, weight: Tensor, pre: Tensor, post: Tensor, state: State) -> tuple[Tensor, State]:
        return weight.new_zeros(len(pre), *weight.shape), state


class Mixes(Together):
    """Spikes before of all sequences meet those behind of any."""

    def change(self, weight: Tensor, pre: Tensor, post: Tensor, state: State) -> tuple[Tensor, State]:
        return super().change(weight, pre.mean(0).expand_as(pre), post, state)


class AlwaysSums(Together):
    def step(self, weight: Tensor, pre: Tensor, post: Tensor, state: State) -> tuple[Tensor, State]:
        changes, state = self.change(weight, pre, post, state)
        return self.bounds.clipped(weight + changes.sum(0)), state


class ClipsBefore(Together):
    def step(self, weight: Tensor, pre: Tensor, post: Tensor, state: State) -> tuple[Tensor, State]:
        changes, state = self.change(weight, pre, post, state)
        return self.bounds.clipped(weight) + self.over_batch(changes), state


class Forgets(Together):
    """A run begins anew, whatever it is given."""

    def begun(self, weight: Tensor, pre: Tensor, post: Tensor, state: State) -> State:
        super().begun(weight, pre, post, state)
        return self.begin(weight, len(pre))


class FirstStep(Together):
    """In total only the first half counts."""

    def total(self, weight: Tensor, pre: Tensor, post: Tensor, state: State = None) -> tuple[Tensor, State]:
        half = pre.shape[1] // 2
        changes, _ = super().total(weight, pre[:, :half], post[:, :half], state)
        return changes, super().total(weight, pre, post, state)[1]


class Overwrites(Together):
    def change(self, weight: Tensor, pre: Tensor, post: Tensor, state: State) -> tuple[Tensor, State]:
        assert isinstance(state, Tensor)
        return super().change(weight, pre, post, state)[0], state.add_(pre)


class Trusts(Together):
    def begun(self, weight: Tensor, pre: Tensor, post: Tensor, state: State) -> State:
        return self.begin(weight, len(pre)) if state is None else state


class TakesAnyState(Together):
    """A state of one is spread over all."""

    def begun(self, weight: Tensor, pre: Tensor, post: Tensor, state: State) -> State:
        fresh = super().begun(weight, pre, post, None)
        return fresh if state is None else state


BROKEN = [
    (Wordless, plasticity.check_says, "A step:"),
    (NoUnits, plasticity.check_says, "in ms"),
    (Drifts, plasticity.check_silence, "where nobody fires"),
    (DoesNothing, plasticity.check_changes, "no weight changed"),
    (Mixes, plasticity.check_batch, "beside each sequence alone"),
    (AlwaysSums, plasticity.check_over_batch, "mean of a batch"),
    (ClipsBefore, plasticity.check_bounds, "is outside"),
    (Forgets, plasticity.check_pieces, "a run cut at step 1"),
    (FirstStep, plasticity.check_total, "total"),
    (Overwrites, plasticity.check_keeps, "what was given to run"),
    (Trusts, plasticity.check_refuses, "nothing was refused"),
    (TakesAnyState, plasticity.check_refuses, "nothing was refused"),
]


@pytest.mark.parametrize(("kind", "check", "what"), BROKEN, ids=lambda one: getattr(one, "__name__", None))
def test_plasticity_that_breaks_a_promise_is_seen(kind, check, what: str):
    with pytest.raises(AssertionError, match=what):
        check(kind)


@pytest.mark.parametrize("check", plasticity.PROMISES, ids=lambda one: one.__name__)
def test_plasticity_that_keeps_them(check):
    check(Together)


def test_rules_of_spikes_have_these_promises_and_others_have_not():
    names = {
        one.name: [promise.name for promise in rules.promises(one.load())] for one in find.members("rules")
    }
    spikes = {name for name, told in names.items() if "plasticity_bounds" in told}
    assert spikes >= {"pair_stdp", "triplet_stdp", "reward_stdp"}
    assert not spikes & {"oja", "bcm", "hebb", "backpropagation"}


def test_trains_are_spikes_of_both_kinds():
    one = plasticity.trains(4, 1)
    assert one.shape == (plasticity.BATCH, plasticity.TIME, 4) and one.unique().tolist() == [0, 1]
    assert not torch.equal(one[0], one[1])
