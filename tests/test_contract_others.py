"""The contract of memories, rules and lenses: all of them that `find` finds keep these promises."""

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.promises import memories, normal
from tests.promises.company import frozen
from wavetrain import find
from wavetrain.core import Batch, Card, Layer, Memory, Rule, State
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.memories.dense_hopfield import DenseHopfield, Steepness
from wavetrain.memories.general_sequential import GeneralSequential, Nonlinearity
from wavetrain.memories.hopfield import Hopfield, Storage, Update
from wavetrain.memories.sparse_distributed import SharedNeurons, Space, SparseDistributed
from wavetrain.parts.stack import Reader

SYSTEMS = {found.name: found.load() for found in find.everything() if found.kind in find.SYSTEMS}


def systems(kind: type) -> dict[str, type]:
    return {name: one for name, one in SYSTEMS.items() if isinstance(one, type) and issubclass(one, kind)}


# --- memories: built as Name(8), with keys and values of that size --------------------------------------


class Toy(Memory):
    """A sum of outer products. The order of writes makes no difference."""

    card = Card("A toy", "Nobody, No", 2026, "this file, pp. 1", "toy", "none")

    def __init__(self, size: int):
        super().__init__()
        self.size = self.values = size
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


def built(kind: Callable[[int], Memory]) -> Memory:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return kind(8).double()


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
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        memories.check_pairs(built(Trusting))


# --- rules: built as Name() -----------------------------------------------------------------------------

RULES = systems(Rule)


def _lesson(seed: int) -> tuple[nn.Module, Batch]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Reader(Elman(6, inputs=3), outputs=2, steps=True)
    x = normal(4, 7, 3, dtype=torch.float32)
    return network, Batch(x, x[..., :2].cumsum(1).tanh())


@pytest.mark.parametrize("name", RULES)
def test_rule(name: str):
    grads = []
    for _ in range(2):
        network, batch = _lesson(seed=3)
        before = {key: value.clone() for key, value in network.state_dict().items()}
        expected = nn.functional.mse_loss(network(batch.x), batch.y).detach()
        torch.manual_seed(4)
        loss = RULES[name]().learn(network, batch, nn.functional.mse_loss)
        assert loss.shape == () and not loss.requires_grad
        torch.testing.assert_close(loss, expected)
        torch.testing.assert_close(
            network.state_dict(), before, rtol=0, atol=0, msg="learn changed parameters"
        )
        grads.append({key: parameter.grad for key, parameter in network.named_parameters()})
        for key, parameter in network.named_parameters():
            assert parameter.grad is not None, f"no update is left for {key}"
            assert parameter.grad.shape == parameter.shape and parameter.grad.isfinite().all()
    torch.testing.assert_close(grads[0], grads[1], rtol=0, atol=0, msg="the same seed gives other updates")


# --- lenses ---------------------------------------------------------------------------------------------

LENSES = [found for found in find.everything() if found.kind == "lenses"]


def _given(layer: Layer, x: Tensor) -> dict[str, Any]:
    """What a lens may ask for, by the name of its argument."""
    with torch.no_grad():
        y = layer(x)[0]
    return {"layer": layer, "x": x, "activity": y, "operator": layer.operator(x), "position": x[..., :2]}


@pytest.mark.parametrize("found", LENSES, ids=lambda found: found.name)
def test_lens(found: find.Found):
    lens, layer, x = found.load(), Elman(6, inputs=3).double(), normal(2, 12, 3)
    wanted = [one.name for one in inspect.signature(lens).parameters.values() if one.default is one.empty]
    given = _given(layer, x)
    assert set(wanted) <= set(given), f"{found.name} asks for {wanted}, this test can give {sorted(given)}"
    before, dice, numpy_dice = frozen(layer), torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    one, two = (lens(*(given[name] for name in wanted)) for _ in range(2))
    assert isinstance(one, tuple) and hasattr(one, "_fields"), "a lens returns a NamedTuple"
    for name, value, again in zip(one._fields, one, two, strict=True):
        assert isinstance(value, np.ndarray | float | int), f"{name} is a {type(value).__name__}"
        np.testing.assert_array_equal(value, again, err_msg=f"{name} differs between two calls")
    assert frozen(layer) == before, "the module has changed"
    assert all(parameter.grad is None for parameter in layer.parameters())
    assert torch.equal(torch.get_rng_state(), dice), "torch's own dice have been thrown"
    assert np.array_equal(np.random.get_state()[1], numpy_dice), "numpy's own dice have been thrown"  # noqa: NPY002
