"""The contract of memories, rules and lenses: all of them that `find` finds keep these promises."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor, nn

from wavetrain import find
from wavetrain.core import Card, Memory, Rule, State
from wavetrain.memories.dense_hopfield import DenseHopfield, Steepness
from wavetrain.memories.general_sequential import GeneralSequential, Nonlinearity
from wavetrain.memories.hopfield import Hopfield, Storage, Update
from wavetrain.memories.sparse_distributed import SharedNeurons, Space, SparseDistributed
from wavetrain.testing import check_lens, check_rule, memories
from wavetrain.testing.memories import built

SYSTEMS = {found.name: found.load() for found in find.everything() if found.kind in find.SYSTEMS}


def systems(kind: type) -> dict[str, type]:
    return {name: one for name, one in SYSTEMS.items() if isinstance(one, type) and issubclass(one, kind)}


# --- memories: built as Name(8), with keys and values of that size --------------------------------------


class Toy(Memory):
    """A sum of outer products. The order of writes makes no difference."""

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


class Unwatched(Toy):
    """A planted bug: a row that holds nothing brings back what is not a number."""

    def fetch(self, state: State, cue: Tensor) -> Tensor:
        return super().fetch(state, cue) / state.abs().amax((1, 2), keepdim=True)


class Trusting(DenseHopfield):
    """A planted bug: what is written is not looked at."""

    write = DenseHopfield.store


class Leaky(Toy):
    """A planted bug: what one sequence writes reaches all of them."""

    def store(self, state: State, key: Tensor, value: Tensor) -> State:
        written = super().store(state, key, value)
        return written + 0.01 * written.mean(0)


class Ordered(Toy):
    """A planted bug: later writes weigh more, and nobody is told."""

    def store(self, state: State, key: Tensor, value: Tensor) -> State:
        return super().store(0.5 * state, key, value)


MEMORIES = {"toy": Toy, **systems(Memory)}
VARIANTS = {
    **{
        f"dense_hopfield, {one.value}, {updates} updates": partial(
            DenseHopfield, steepness=one, updates=updates
        )
        for one in Steepness
        for updates in (1, 3)
    },
    **{
        f"hopfield, {one.value}, {two.value}": partial(Hopfield, storage=one, update=two)
        for one in Storage
        for two in Update
    },
    **{f"neurons, {one.value}": partial(SparseDistributed, space=one) for one in Space},
    **{f"shared neurons, {one.value}": partial(SharedNeurons, space=one) for one in Space},
    "shared neurons, caps": partial(SharedNeurons, space=Space.CONTINUOUS, caps=True),
    "sequences, tanh": partial(GeneralSequential, nonlinearity=Nonlinearity.FEATURE),
}


@pytest.mark.parametrize(
    "promise", memories.PROMISES, ids=lambda check: check.__name__.removeprefix("check_")
)
@pytest.mark.parametrize("name", MEMORIES)
def test_memory(name: str, promise: Callable[[Memory], None]):
    promise(built(MEMORIES[name]))


@pytest.mark.parametrize(
    "promise", memories.OF_VARIANTS, ids=lambda check: check.__name__.removeprefix("check_")
)
@pytest.mark.parametrize("name", VARIANTS)
def test_variant(name: str, promise: Callable[[Memory], None]):
    promise(built(VARIANTS[name]))


def test_the_contract_catches_planted_memories():
    with pytest.raises(AssertionError, match="alone"):
        memories.check_batch(built(Leaky))
    with pytest.raises(AssertionError, match="order"):
        memories.check_order(built(Ordered))
    with pytest.raises(AssertionError, match=r"of an empty row beside a full one"):
        memories.check_nothing(built(Unwatched))
    with pytest.raises(AssertionError, match="nothing was refused"):
        memories.check_pairs(built(Trusting))


# --- rules and lenses ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", systems(Rule))
def test_rule(name: str):
    check_rule(SYSTEMS[name])


@pytest.mark.parametrize("found", find.members("lenses"), ids=lambda found: found.name)
def test_lens(found: find.Found):
    check_lens(found.load())
