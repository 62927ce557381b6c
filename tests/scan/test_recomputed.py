"""Recomputed chunks: the bits of the layer run chunk by chunk, its gradients, and memory as it is said."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from tests.promises import normal
from tests.scan.test_lif import kept_bytes
from wavetrain import scan
from wavetrain.core import Layer, State, leaves, map_state
from wavetrain.errors import BadInput
from wavetrain.layers import GRU, LRU, Mamba
from wavetrain.parts.firing import Firing
from wavetrain.spiking import ALIF, LIF, ConductanceLIF, RecurrentLIF

Run = Callable[[Layer, Tensor, State], tuple[Tensor, State]]
LAYERS: dict[str, Callable[[], Layer]] = {
    "lif": lambda: LIF(6, inputs=4, firing=Firing(threshold=0.3, refractory=1.0), learned=True),
    "alif": lambda: ALIF(6, inputs=4),
    "recurrent_lif": lambda: RecurrentLIF(6, inputs=4, delay=3.0),
    "conductance_lif": lambda: ConductanceLIF(6, inputs=4),
    "gru": lambda: GRU(6, inputs=4),
    "lru": lambda: LRU(6, inputs=4),
    "mamba": lambda: Mamba(6, inputs=4),
}


def by_chunks(layer: Layer, x: Tensor, state: State) -> tuple[Tensor, State]:
    outputs = []
    for piece in x.split(8, 1):
        y, state = layer(piece, state)
        outputs.append(y)
    return torch.cat(outputs, 1), state


def in_little_memory(layer: Layer, x: Tensor, state: State) -> tuple[Tensor, State]:
    return scan.recomputed(layer, x, state, chunk=8)


def lesson(run: Run, layer: Layer, x: Tensor) -> list[Tensor]:
    """Values, and gradients of x, the first state and all that is learned."""
    x = x.clone().requires_grad_()
    state = map_state(
        lambda part: part.detach().clone().requires_grad_(part.is_floating_point() or part.is_complex()),
        layer.begin(len(x)),
    )
    y, last = run(layer, x, state)
    ends = [y, *(part for part in leaves(last) if part.requires_grad)]
    towards = [normal(*end.shape, seed=place).to(end.dtype) for place, end in enumerate(ends)]
    loss = sum((end * to).sum().real for end, to in zip(ends, towards, strict=True))
    inputs = [x, *(part for part in leaves(state) if part.requires_grad), *layer.parameters()]
    grads = torch.autograd.grad(loss, [one for one in inputs if one.requires_grad], allow_unused=True)
    return [y.detach(), *(part.detach() for part in leaves(last)), *(one for one in grads if one is not None)]


@pytest.mark.parametrize("time", [1, 8, 27])
@pytest.mark.parametrize("spikes", [False, True])
@pytest.mark.parametrize("name", LAYERS)
def test_it_has_the_bits_of_the_chunks(name: str, spikes: bool, time: int) -> None:
    torch.manual_seed(0)
    layer, x = LAYERS[name]().double(), 3 * normal(2, time, 4)
    x = (x > 0).double() if spikes else x
    found, expected = (lesson(run, layer, x) for run in (in_little_memory, by_chunks))
    values = 1 + len(leaves(layer.begin(1)))
    for place, (one, other) in enumerate(zip(found, expected, strict=True)):
        tolerance = 0 if place < values else 1e-12 * max(1.0, other.abs().max().item())
        torch.testing.assert_close(one, other, rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", LAYERS)
def test_it_is_the_layer(name: str) -> None:
    torch.manual_seed(0)
    layer, x = LAYERS[name]().double(), 3 * normal(2, 27, 4)
    whole = lesson(lambda layer, x, state: layer(x, state), layer, x)
    for one, other in zip(lesson(in_little_memory, layer, x), whole, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-11)


def test_memory_is_linear_in_the_steps_and_spikes_are_bytes() -> None:
    """Of x a byte for each spike, or 4 for a number; of each 50 steps the state; nothing of the steps.

    The layer by itself keeps x and the current, 4 bytes each, and the state once in 16 steps.
    """
    batch, inputs, width, chunk = 3, 40, 20, 50
    layer = LIF(width, inputs=inputs)
    state = batch * width * (4 + 4)

    def kept(time: int, spikes: bool, apart: bool) -> int:
        x = torch.rand(batch, time, inputs)
        x = (x > 0.5).float() if spikes else x
        run = in_50_steps if apart else layer
        return kept_bytes(lambda: run(x))

    def in_50_steps(x: Tensor) -> tuple[Tensor, State]:
        return scan.recomputed(layer, x, chunk=chunk)

    for spikes, each in ((True, 1), (False, 4)):
        more = [kept(time, spikes, apart=True) for time in (500, 1000, 2000)]
        by_500 = 500 * batch * inputs * each + 10 * state
        assert more[1] - more[0] == by_500 and more[2] - more[1] == 2 * by_500
    alone = kept(1600, True, apart=False) - kept(800, True, apart=False)
    assert alone == 800 * batch * 4 * (inputs + width) + 50 * batch * 4 * width


def test_without_gradients_nothing_is_kept_and_nothing_else_changes() -> None:
    layer, x = LIF(4, inputs=3), torch.randn(2, 20, 3)
    with torch.no_grad():
        y, (v, _) = scan.recomputed(layer, x, chunk=6)
        expected, (last, _) = layer(x)
    torch.testing.assert_close(v, last)
    assert y.equal(expected) and not y.requires_grad


def test_inside_a_transform_it_is_the_layer_by_chunks() -> None:
    layer, x = LIF(3, inputs=2).double(), normal(4, 9, 2)
    each = torch.func.vmap(lambda one: scan.recomputed(layer, one[None], chunk=4)[0][0])(x)
    assert each.equal(layer(x)[0])


def test_what_cannot_be_used_is_said() -> None:
    layer, x = LIF(3, inputs=2), torch.randn(1, 5, 2)
    with pytest.raises(BadInput, match="expected a chunk of a step or more, got 0"):
        scan.recomputed(layer, x, chunk=0)
    with pytest.raises(BadInput, match=r"LIF: expected x \(batch, time, 2\)"):
        scan.recomputed(layer, x[..., :1], chunk=2)
    given = x.clone().requires_grad_()
    end = scan.recomputed(layer, given, chunk=2)[1][0].sum()
    with pytest.raises(BadInput, match="expected a gradient without a graph"):
        torch.autograd.grad(end, given, create_graph=True)
