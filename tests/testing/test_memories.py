"""What memories promise: for each promise a memory that breaks it, and a right one that keeps them all."""

import pytest
import torch
from torch import Tensor, nn

from wavetrain.core import Card, Memory, State
from wavetrain.testing import memories


class Sums(Memory):
    """Outer products, summed. Each write counts the same."""

    card = Card("A toy", "Nobody, No", 2026, "this file, pp. 1", "toy", "none")

    def __init__(self, size: int):
        super().__init__(size)
        self.rate = nn.Parameter(torch.ones(()))

    def empty(self, batch: int) -> State:
        return self.rate.new_zeros(batch, self.size, self.size)

    def store(self, state: State, key: Tensor, value: Tensor) -> State:
        return state + self.rate * torch.einsum("bmk,bmp->bkp", key, value)

    def fetch(self, state: State, cue: Tensor) -> Tensor:
        return torch.einsum("bmk,bkp->bmp", cue, state)


class Ordered(Sums):
    """Outer products whose order makes a difference, as is said here."""

    def store(self, state: State, key: Tensor, value: Tensor) -> State:
        return super().store(state / 2, key, value)


class Batchless(Sums):
    def empty(self, batch: int) -> State:
        return super().empty(batch)[:1].contiguous()


class Overwrites(Sums):
    def store(self, state: State, key: Tensor, value: Tensor) -> State:
        return state.add_(torch.einsum("bmk,bmp->bkp", key, value))


class OneCue(Sums):
    def fetch(self, state: State, cue: Tensor) -> Tensor:
        return super().fetch(state, cue[:, :1])


class Infinite(Sums):
    """Not finite from the second pattern on."""

    def fetch(self, state: State, cue: Tensor) -> Tensor:
        return super().fetch(state, cue) / (state.abs().amax((1, 2), keepdim=True) < 1.5)


class Single(Sums):
    def fetch(self, state: State, cue: Tensor) -> Tensor:
        return super().fetch(state, cue).float()


class Opposite(Sums):
    def fetch(self, state: State, cue: Tensor) -> Tensor:
        return -super().fetch(state, cue)


class Blurred(Sums):
    """Like the pattern to less than a half, and otherwise at a right angle to it."""

    share = 0.49

    def fetch(self, state: State, cue: Tensor) -> Tensor:
        found = super().fetch(state, cue) / self.size
        across = torch.stack([-found[..., 1::2], found[..., ::2]], -1).flatten(-2)  # at a right angle
        return self.share * found + (1 - self.share**2) ** 0.5 * across


class JustSharp(Blurred):
    """Like the pattern to a little more than a half."""

    share = 0.51


class Unmoved(Sums):
    def store(self, state: State, key: Tensor, value: Tensor) -> State:
        return super().store(state, key, value.detach())


class SpoilsValues(Sums):
    """Right numbers, and a gradient of the values that is not finite."""

    def store(self, state: State, key: Tensor, value: Tensor) -> State:
        return super().store(state, key, value + 0 * (value - value.detach()).abs().sqrt())


class SpoilsKeys(Sums):
    def store(self, state: State, key: Tensor, value: Tensor) -> State:
        return super().store(state, key + 0 * (key - key.detach()).abs().sqrt(), value)


class Leaky(Sums):
    def store(self, state: State, key: Tensor, value: Tensor) -> State:
        written = super().store(state, key, value)
        return written + 1e-6 * written.sum(0)


class SaysSomething(Sums):
    def fetch(self, state: State, cue: Tensor) -> Tensor:
        return super().fetch(state, cue) + 0.0011


class Hums(Sums):
    """Next to nothing where nothing was written."""

    def fetch(self, state: State, cue: Tensor) -> Tensor:
        return super().fetch(state, cue) + 0.0009


class DividesByNothing(Sums):
    """An empty row alone brings back what is not a number, and so it does beside others."""

    def fetch(self, state: State, cue: Tensor) -> Tensor:
        size = state.abs().amax((1, 2), keepdim=True)
        return super().fetch(state, cue) / size


class WritesToSomebody(Sums):
    """A state of at least one sequence."""

    def store(self, state: State, key: Tensor, value: Tensor) -> State:
        state = super().store(state, key, value)
        return state if len(state) else state.new_zeros(1, self.size, self.size)


class AlwaysOne(Sums):
    """At least one cue is answered."""

    def fetch(self, state: State, cue: Tensor) -> Tensor:
        found = super().fetch(state, cue)
        return found if found.shape[1] else found.new_zeros(len(found), 1, self.size)


class SpoilsBesideNothing(Sums):
    """Right numbers, and the gradient of an empty row is not a number."""

    def fetch(self, state: State, cue: Tensor) -> Tensor:
        found = super().fetch(state, cue)
        return found + 0 * found.pow(2).sum(-1, keepdim=True).sqrt()  # its slope at zero is not a number


class Mute(Sums):
    """A way to settle that takes cues of another batch."""

    def settle(self, state: State, cue: Tensor) -> Tensor:
        return cue


class Squints(Sums):
    """What it reads has one channel too few, without a word."""

    def fetch(self, state: State, cue: Tensor) -> Tensor:
        return super().fetch(state, cue)[..., 1:]


class Bottomless(Sums):
    """Minus infinity is written nowhere, and refused nowhere."""

    def write(self, state: State, key: Tensor, value: Tensor) -> State:
        return state if (key == -torch.inf).any() else super().write(state, key, value)


BROKEN = [
    (Batchless, memories.check_shapes, "the empty state is not batch first"),
    (Overwrites, memories.check_shapes, "the state after a write from it, before"),
    (OneCue, memories.check_shapes, r"expected to read \(3, 4, 8\), got \(3, 1, 8\)"),
    (Squints, memories.check_shapes, r"expected to read \(3, 1, 8\), got \(3, 1, 7\)"),
    (Infinite, memories.check_shapes, "what is read is not finite"),
    (Single, memories.check_shapes, "a memory of float64 reads torch.float32"),
    (Squints, memories.check_annotations, "fetch is annotated with"),
    (Opposite, memories.check_recalls, "the only pattern written is not recalled"),
    (Blurred, memories.check_recalls, "the only pattern written is not recalled"),
    (Unmoved, memories.check_gradient, "no finite gradient reaches the values"),
    (SpoilsValues, memories.check_gradient, "no finite gradient reaches the values"),
    (SpoilsKeys, memories.check_gradient, "the gradient of the keys is not finite"),
    (Leaky, memories.check_batch, "row 0 in the batch, alone"),
    (SaysSomething, memories.check_nothing, "something is read where nothing was written"),
    (DividesByNothing, memories.check_nothing, "fetch|read of an empty memory|of an empty row"),
    (WritesToSomebody, memories.check_nothing, "a state for 0 sequences has others"),
    (AlwaysOne, memories.check_nothing, "read"),
    (SpoilsBesideNothing, memories.check_nothing_learns, "an empty row spoils the gradients"),
    (Mute, memories.check_pairs, "nothing was refused; expected BadInput that says Mute"),
    (Bottomless, memories.check_pairs, "BadInput that says Bottomless: expected finite key, got -inf"),
]


@pytest.mark.parametrize(("kind", "check", "what"), BROKEN, ids=lambda one: getattr(one, "__name__", None))
def test_a_memory_that_breaks_a_promise_is_seen(kind, check, what: str):
    with pytest.raises(AssertionError, match=what):
        check(memories.built(kind))


@pytest.mark.parametrize("kind", [Sums, Ordered, Hums, JustSharp])
def test_memories_that_keep_them(kind: type[Memory]):
    memories.check_memory(kind)


def test_an_order_that_matters_is_named():
    class Silent(Ordered):
        """Later ones weigh more."""

        def store(self, state: State, key: Tensor, value: Tensor) -> State:
            return super().store(state, key, value)

    memories.check_order(memories.built(Ordered))
    Silent.__module__ = Memory.__module__  # a file that speaks of no such thing
    with pytest.raises(AssertionError, match="the order of writes makes a difference that the docstring"):
        memories.check_order(memories.built(Silent))


def test_all_promises_are_yielded_and_each_has_a_new_memory():
    names = [one.name for one in memories.promises(Sums)]
    assert names == [
        "shapes",
        "annotations",
        "gradient",
        "batch",
        "nothing",
        "nothing_learns",
        "pairs",
        "recalls",
        "order",
    ]
    made = []

    def make(size: int) -> Memory:
        made.append(Sums(size))
        return made[-1]

    for one in memories.promises(make):
        one.check()
    assert len(made) == len(names) and {one.size for one in made} == {8}
    assert made[0].place.dtype == torch.float64


def test_keys_and_values_are_signs_and_different():
    key, value = memories.patterns(3, 5, seed=2)
    assert key.shape == value.shape == (3, 5, 8)
    assert set(key.unique().tolist()) == set(value.unique().tolist()) == {-1, 1}
    assert not key.equal(value) and value.equal(memories.patterns(3, 5, seed=3)[0])
