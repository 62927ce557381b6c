"""Leaky integrate-and-fire units on a GPU, or in Triton's interpreter: the bits of the steps."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.scan.agree import draw, interpreted
from tests.scan.gpu.moved import moved
from tests.scan.test_lif import EXPONENTIAL, SURROGATES, built, lesson, pairs, somewhere
from wavetrain import scan
from wavetrain.core import leaves
from wavetrain.parts.firing import Firing, Reset
from wavetrain.scan import Form, LIFUnits, Slope
from wavetrain.spiking import LIF


@interpreted
@given(
    batch=st.integers(1, 2),
    time=st.sampled_from([1, 15, 16, 17, 35]),
    width=st.sampled_from([1, 3, 65]),
    surrogate=st.sampled_from(SURROGATES),
    reset=st.sampled_from(Reset),
    silence=st.sampled_from([0.0, 2.0]),
    detached=st.booleans(),
    adapts=st.booleans(),
    seed=st.integers(0, 99),
)
def test_lif(batch, time, width, surrogate, reset, silence, detached, adapts, seed):
    firing = Firing(threshold=0.8, reset=reset, refractory=silence, surrogate=surrogate, detached=detached)
    layer = built(width, firing, adapts)
    torch.manual_seed(seed)
    x, state = 2 * draw(batch, time, 3), somewhere(layer, batch)
    with scan.only("triton"):
        walked = lesson(layer, x, state)
    assert scan.routes()["lif"] == "triton"
    with scan.only_plain():
        steps = lesson(layer, x, state)
    exact = 1 if isinstance(surrogate, EXPONENTIAL) else 2  # spikes, states; gradients of x and of the state
    on_cpu = not torch.cuda.is_available()  # whose units multiply and divide as they do here
    for found, expected in pairs(walked[: exact * on_cpu], steps[: exact * on_cpu]):
        assert found.equal(expected)
    for found, expected in pairs(walked, steps):
        size = max(1.0, expected.abs().max().item())
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-12 * size)


@pytest.mark.parametrize("surrogate", SURROGATES[:-1], ids=lambda one: type(one).__name__)
def test_the_slope_at_the_threshold_is_above_zero_and_that_of_the_steps(surrogate):
    excess = torch.tensor([-0.1, 0.0, 0.1, -1e3, 1e3])
    found = []
    for route in (scan.only("triton"), scan.only_plain()):
        layer = LIF(5, firing=Firing(surrogate=surrogate, reset=Reset.NONE))
        layer.threshold = 0.0
        current = excess[None, None].clone().requires_grad_()
        with route:
            spikes, _ = scan.lif(layer._next, current, layer.begin(1), (torch.zeros(5),), layer.units())
            found.append(torch.autograd.grad(spikes.sum(), current)[0][0, 0])
    assert (found[0][:3] >= 0).all() and found[0][1] > 0
    torch.testing.assert_close(*found, rtol=1e-6, atol=1e-7)


def test_one_result_alone_and_a_gradient_that_lies_anyhow():
    layer = built(5, Firing(threshold=0.5, refractory=1.0), adapts=True)
    x, first = 2 * draw(2, 6, 3), somewhere(layer, 2)
    for loss in (
        lambda y, _: y.sum(),
        lambda y, _: torch.cat([y, y], -1).transpose(0, 1).square().sum(),
        lambda _, last: last[0].sum(),
        lambda _, last: last[2].sum(),
    ):
        found = []
        for route in (scan.only("triton"), scan.only_plain()):
            given = x.clone().requires_grad_()
            with route:
                found.append(torch.autograd.grad(loss(*layer(given, first)), [given, *layer.parameters()]))
        for one, other in zip(*found, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)


def test_cut_anywhere_it_is_the_whole():
    layer = built(6, Firing(threshold=0.5, refractory=1.0), adapts=True)
    x, first = 2 * draw(2, 20, 3), somewhere(layer, 2)
    with scan.only("triton"):
        whole, last = layer(x, first)
        early, state = layer(x[:, :7], first)
        late, end = layer(x[:, 7:], state)
    assert torch.cat([early, late], 1).equal(whole)
    assert all(one.equal(other) for one, other in zip(leaves(end), leaves(last), strict=True))


def test_memory_beyond_the_tensors_does_not_matter():
    def hostile(*shape):
        size = torch.Size(shape).numel()
        return torch.full((size + 4096,), torch.nan)[:size].view(shape).copy_(torch.rand(shape))

    layer = LIF(5, firing=Firing(threshold=0.5))
    current, v, kept = hostile(2, 19, 5).requires_grad_(), hostile(2, 5), hostile(5).requires_grad_()
    with scan.only("triton"):
        spikes, (last, _) = scan.lif(layer._next, current, (v, layer.begin(2)[1]), (kept,), layer.units())
        grads = torch.autograd.grad(spikes.sum() + last.sum(), [current, kept])
    assert all(part.isfinite().all() for part in (spikes, last, *grads))


def test_bytes_moved_are_the_least():
    """Forward reads the current and writes spikes, backward reads two and writes one; marks are a 16th."""
    layer = LIF(64, firing=Firing(threshold=0.5))
    current, kept = torch.rand(1, 64, 64).requires_grad_(), (torch.rand(64),)
    units = LIFUnits(0.5, Slope(Form.ARCTAN, (1.0, 1.0)))
    stored, row = 4 * current.numel(), 4 * 64
    with scan.only("triton"), moved() as forward:
        spikes, _ = scan.lif(layer._next, current, layer.begin(1), kept, units)
    with scan.only("triton"), moved() as backward:
        spikes.backward(torch.rand_like(spikes))
    assert 2 * stored <= forward.bytes <= (2 + 1 / 16) * stored + 3 * row
    assert 3 * stored <= backward.bytes <= (3 + 1 / 16) * stored + 3 * row
