"""Streams without end: the state of a layer is as large after 300 steps as after one.

That is more than two chunks of the layer with the longest. `benchmarks/streaming.py` steps the same layers
to t = 100,000 and times it.
"""

import pytest
import torch

from wavetrain import find
from wavetrain.core import Layer, State, leaves

SYSTEMS = [found for found in find.everything() if found.kind in find.SYSTEMS]
KINDS = {found.name: found.load() for found in SYSTEMS}
LAYERS = {name: kind for name, kind in KINDS.items() if isinstance(kind, type) and issubclass(kind, Layer)}
GROW = {"softmax_attention", "sdm_attention", "tem_transformer"}  # all keys and values so far


def shapes(state: State) -> list[tuple[tuple[int, ...], torch.dtype]]:
    return [(tuple(leaf.shape), leaf.dtype) for leaf in leaves(state)]


def held(state: State) -> int:
    """Bytes of memory that a state keeps from being given back, those it is only a view of included."""
    return sum(leaf.untyped_storage().nbytes() for leaf in leaves(state))


@torch.no_grad()
def walked(name: str, times: tuple[int, ...]) -> tuple[list[State], torch.Tensor]:
    """The states after so many steps of one stream, and all outputs (T, D)."""
    torch.manual_seed(0)
    layer = LAYERS[name](4)
    x, state, states, outputs = torch.randn(max(times), 1, 4), layer.begin(1), [], []
    for t, now in enumerate(x, 1):
        y, state = layer.step(now, state)
        outputs.append(y[0])
        if t in times:
            states.append(state)
    return states, torch.stack(outputs)


@pytest.mark.parametrize("name", sorted(set(LAYERS) - GROW))
def test_the_state_stays_as_large_as_it_is(name: str):
    states, y = walked(name, (1, 10, 300))
    first, *later = map(shapes, states)
    assert first, "a layer that streams has a state"
    assert all(one == first for one in later), f"{first} after 1 step, then {later}"
    assert shapes(LAYERS[name](4).begin(1)) == first, "the first state is of another size"
    assert held(states[2]) == held(states[1]), "the state is a view of something that grows"
    assert y.isfinite().all()


@pytest.mark.parametrize("name", sorted(GROW & set(LAYERS)))
def test_what_grows_grows_by_one_step_a_step(name: str):
    """The exceptions are few and named: a layer that stops growing leaves the list."""
    states, _ = walked(name, (10, 20, 40))
    sizes = [sum(leaf.numel() for leaf in leaves(state)) for state in states]
    assert sizes[2] - sizes[1] == 2 * (sizes[1] - sizes[0]) > 0


def test_the_exceptions_exist():
    assert set(LAYERS) >= GROW
