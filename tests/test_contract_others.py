"""The contract of memories, streams, rules and lenses: all of them that `find` finds keep these promises."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor

from tests.lenses.draws import few, short
from tests.testing.test_memories import Sums
from wavetrain import find
from wavetrain.core import Card, Memory, Rule, State, Stream
from wavetrain.errors import BadInput
from wavetrain.memories.dense_hopfield import DenseHopfield, Steepness
from wavetrain.memories.general_sequential import GeneralSequential, Nonlinearity
from wavetrain.memories.hopfield import Hopfield, Storage, Update
from wavetrain.memories.sparse_distributed import SharedNeurons, Space, SparseDistributed
from wavetrain.testing import check_lens, check_rule, memories, streams
from wavetrain.testing.memories import built

SYSTEMS = {found.name: found.load() for found in find.everything() if found.kind in find.SYSTEMS}


def systems(kind: type) -> dict[str, type]:
    return {name: one for name, one in SYSTEMS.items() if isinstance(one, type) and issubclass(one, kind)}


# --- memories: built as Name(8), with keys and values of that size --------------------------------------


class Unwatched(Sums):
    """A planted bug: a row that holds nothing brings back what is not a number."""

    def fetch(self, state: State, cue: Tensor) -> Tensor:
        return super().fetch(state, cue) / state.abs().amax((1, 2), keepdim=True)


class Trusting(DenseHopfield):
    """A planted bug: what is written is not looked at."""

    write = DenseHopfield.store


class Leaky(Sums):
    """A planted bug: what one sequence writes reaches all of them."""

    def store(self, state: State, key: Tensor, value: Tensor) -> State:
        written = super().store(state, key, value)
        return written + 0.01 * written.mean(0)


class Ordered(Sums):
    """A planted bug: later writes weigh more, and nobody is told."""

    def store(self, state: State, key: Tensor, value: Tensor) -> State:
        return super().store(0.5 * state, key, value)


MEMORIES = {"toy": Sums, **systems(Memory)}
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


# --- streams ------------------------------------------------------------------------------------------


class Counts(Stream):
    """How often each bit was set; told before each record is learned."""

    card = Card("A toy", "Nobody, No", 2026, "this file, pp. 1", "toy", "none")
    inputs = 5

    def empty(self) -> State:
        return torch.zeros(5)

    def forward(self, x: Tensor, state: State = None, learn: bool = True) -> tuple[Tensor, State]:
        if x.ndim != 2 or x.shape[1] != 5 or x.dtype != torch.bool or not len(x):
            raise BadInput(f"expected x (time, 5) of bool, got {x.dtype} {tuple(x.shape)}")
        state = self.empty() if state is None else state
        seen = state + x.cumsum(0) - x.int()
        return seen, self.learned(state, x) if learn else state

    def learned(self, state: Tensor, x: Tensor) -> Tensor:
        return state + x.sum(0)


class Overwrites(Counts):
    """A planted bug: the state that is given is written to."""

    def learned(self, state: Tensor, x: Tensor) -> Tensor:
        return state.add_(x.sum(0))


class Forgets(Counts):
    """A planted bug: a call keeps its own records alone."""

    def learned(self, state: Tensor, x: Tensor) -> Tensor:
        return x.sum(0).float()


class Dices(Counts):
    """A planted bug: noise from everybody's generator."""

    def learned(self, state: Tensor, x: Tensor) -> Tensor:
        return super().learned(state, x) + 0 * torch.rand(5)


STREAMS = {"counts": Counts, **systems(Stream)}


@pytest.mark.parametrize("promise", streams.PROMISES, ids=lambda one: one.__name__.removeprefix("check_"))
@pytest.mark.parametrize("name", STREAMS)
def test_stream(name: str, promise: Callable[[Callable[[], Stream]], None]):
    promise(STREAMS[name])


def test_the_contract_catches_planted_streams():
    for planted, check in (
        (Overwrites, streams.check_state_stays),
        (Overwrites, streams.check_pieces),
        (Forgets, streams.check_step),
        (Forgets, streams.check_pieces),
        (Dices, streams.check_own_generator),
    ):
        with pytest.raises(AssertionError):
            check(planted)


# --- rules and lenses ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", systems(Rule))
def test_rule(name: str):
    check_rule(SYSTEMS[name])


@pytest.mark.parametrize("found", find.members("lenses"), ids=lambda found: found.name)
def test_lens(found: find.Found):
    """With few draws and steps, each of which is made alike; test_lens_defaults.py counts them all."""
    lens = found.load()
    check_lens(partial(lens, **few(lens), **short(lens)))
