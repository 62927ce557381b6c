"""The contract of memories, rules and lenses: all of them that `find` finds keep these promises."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.promises import close, normal
from tests.promises.company import frozen
from wavetrain import find
from wavetrain.core import Batch, Card, Layer, Memory, Rule, State, leaves
from wavetrain.layers.elman import Elman
from wavetrain.stack import Reader

SYSTEMS = {found.name: found.load() for found in find.everything() if found.kind in find.SYSTEMS}


def systems(kind: type) -> dict[str, type]:
    return {name: one for name, one in SYSTEMS.items() if isinstance(one, type) and issubclass(one, kind)}


# --- memories: built as Name(8), with keys and values of that size --------------------------------------


class Toy(Memory):
    """A sum of outer products. The order of writes makes no difference."""

    card = Card("A toy", "Nobody, No", 2026, "this file, pp. 1", "toy", "none")

    def __init__(self, size: int):
        super().__init__()
        self.size = size
        self.rate = nn.Parameter(torch.ones(()))

    def empty(self, batch: int) -> State:
        return self.rate.new_zeros(batch, self.size, self.size)

    def write(self, state: State, key: Tensor, value: Tensor) -> State:
        return state + self.rate * torch.einsum("bmk,bmp->bkp", key, value)

    def read(self, state: State, cue: Tensor) -> Tensor:
        return torch.einsum("bmk,bkp->bmp", cue, state)


class Leaky(Toy):
    """A planted bug: what one sequence writes reaches all of them."""

    def write(self, state: State, key: Tensor, value: Tensor) -> State:
        written = super().write(state, key, value)
        return written + 0.01 * written.mean(0)


class Ordered(Toy):
    """A planted bug: later writes weigh more, and nobody is told."""

    def write(self, state: State, key: Tensor, value: Tensor) -> State:
        return super().write(0.5 * state, key, value)


MEMORIES = {"toy": Toy, **systems(Memory)}


def patterns(batch: int, many: int, seed: int = 1) -> tuple[Tensor, Tensor]:
    """Keys and values of +1 and -1, (B, M, 8) each, which every memory takes."""
    return normal(batch, many, 8, seed=seed).sign(), normal(batch, many, 8, seed=seed + 1).sign()


def check_memory_shapes(memory: Memory) -> None:
    """M patterns may be written and other cues read; what is given is left as it is."""
    state = memory.empty(3)
    assert all(len(part) == 3 for part in leaves(state))
    for many in (1, 5):
        key, value = patterns(3, many)
        kept = [part.clone() for part in leaves(state)]
        after = memory.write(state, key, value)
        close(list(leaves(state)), kept, "the state after a write from it, before")
        for cues in (1, 4):
            out = memory.read(after, patterns(3, cues, seed=9)[0])
            assert out.shape == (3, cues, 8) and out.isfinite().all()
            assert out.dtype == torch.float64


def check_memory_recalls(memory: Memory) -> None:
    """One pattern that is written and cued by its own key comes back nearer than any other."""
    key, value = patterns(3, 1)
    out = memory.read(memory.write(memory.empty(3), key, value), key)
    like = torch.cosine_similarity(out, value, dim=-1)
    unlike = torch.cosine_similarity(out, patterns(3, 1, seed=20)[1], dim=-1)
    assert (like > unlike).all() and (like > 0.5).all()


def check_memory_gradient(memory: Memory) -> None:
    """Gradients of what is read are finite, and reach the values that were written."""
    key, value = (part.requires_grad_() for part in patterns(3, 5))
    out = memory.read(memory.write(memory.empty(3), key, value), key)
    of_key, of_value = torch.autograd.grad((out * normal(*out.shape)).sum(), [key, value], allow_unused=True)
    assert of_value is not None and of_value.isfinite().all() and of_value.any()
    assert of_key is None or of_key.isfinite().all()


def check_memory_batch(memory: Memory) -> None:
    """No sequence's memory is disturbed by another's."""
    (key, value), (cue, _) = patterns(3, 5), patterns(3, 4, seed=9)
    out = memory.read(memory.write(memory.empty(3), key, value), cue)
    for row in range(3):
        one = slice(row, row + 1)
        alone = memory.read(memory.write(memory.empty(1), key[one], value[one]), cue[one])
        close(out[one], alone, f"row {row} in the batch, alone")


def check_memory_order(memory: Memory) -> None:
    """Where the order of writes, or writing all at once, matters, the docstring speaks of the order."""
    (key, value), (cue, _) = patterns(2, 5), patterns(2, 4, seed=9)
    at_once = memory.read(memory.write(memory.empty(2), key, value), cue)
    answers = []
    for order in (range(5), range(4, -1, -1)):
        state = memory.empty(2)
        for place in order:
            state = memory.write(state, key[:, place : place + 1], value[:, place : place + 1])
        answers.append(memory.read(state, cue))
    if not all(torch.allclose(at_once, answer) for answer in answers):
        words = f"{inspect.getmodule(memory).__doc__} {inspect.getdoc(type(memory))}"
        assert "order" in words, "the order of writes makes a difference that the docstring does not name"


MEMORY_PROMISES = (
    check_memory_shapes,
    check_memory_recalls,
    check_memory_gradient,
    check_memory_batch,
    check_memory_order,
)


def built(kind: type[Memory]) -> Memory:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return kind(8).double()


@pytest.mark.parametrize(
    "promise", MEMORY_PROMISES, ids=lambda check: check.__name__.removeprefix("check_memory_")
)
@pytest.mark.parametrize("name", MEMORIES)
def test_memory(name: str, promise: Callable[[Memory], None]):
    promise(built(MEMORIES[name]))


def test_the_contract_catches_planted_memories():
    with pytest.raises(AssertionError, match="alone"):
        check_memory_batch(built(Leaky))
    with pytest.raises(AssertionError, match="order"):
        check_memory_order(built(Ordered))


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
