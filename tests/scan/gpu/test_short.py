"""The short convolution on a GPU, or in Triton's interpreter: against the definition."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.scan.agree import agree, draw, interpreted, results
from tests.scan.gpu.moved import moved
from wavetrain import scan
from wavetrain.scan.gpu import short as kernels


@interpreted
@given(
    batch=st.integers(1, 2),
    time=st.sampled_from([1, 2, 15, 17]),
    width=st.sampled_from([1, 3, 65]),
    taps=st.sampled_from([1, 2, 4]),
    seed=st.integers(0, 99),
)
def test_short(batch, time, width, taps, seed):
    torch.manual_seed(seed)
    inputs = [draw(batch, time, width), draw(batch, taps - 1, width), draw(width, taps), draw(width)]
    agree("short", scan.short, inputs, route="triton")
    agree("short", scan.short, inputs[:3], route="triton")


def test_time_in_slices(monkeypatch):
    monkeypatch.setattr(kernels, "BLOCKS", 1)
    agree("short", scan.short, [draw(2, 35, 3), draw(2, 3, 3), draw(3, 4), draw(3)], route="triton")


@pytest.mark.parametrize("which", [0, 1])
def test_the_loss_may_look_at_one_result_and_its_gradient_lie_anyhow(which):
    given = [draw(2, 7, 3), draw(2, 3, 3), draw(3, 4), draw(3)]
    for turn in (lambda y: y.sum(), lambda y: torch.cat([y, y], -1).transpose(0, 1).square().sum()):
        found = []
        for route in (scan.only("triton"), scan.only_plain()):
            inputs = [x.clone().requires_grad_() for x in given]
            with route:
                loss = turn(scan.short(*inputs)[which])
                found.append(torch.autograd.grad(loss, inputs, allow_unused=True, materialize_grads=True))
        for x, y in zip(*found, strict=True):
            torch.testing.assert_close(x, y, rtol=1e-12, atol=1e-12)


def test_memory_beyond_the_tensors_does_not_matter():
    def hostile(*shape):
        size = torch.Size(shape).numel()
        return torch.full((size + 4096,), torch.nan)[:size].view(shape).copy_(torch.rand(shape))

    with scan.only("triton"):
        found = results(scan.short, [hostile(2, 19, 5), hostile(2, 3, 5), hostile(5, 4), hostile(5)])
    assert all(part.isfinite().all() for part in found)


def test_bytes_moved_are_the_least_and_a_few_steps_beside_each_block():
    x = torch.rand(1, 64, 64).requires_grad_()
    stored, row = 4 * x.numel(), 4 * 64
    with scan.only("triton"), moved() as forward:
        y, _ = scan.short(x, torch.rand(1, 3, 64), torch.rand(64, 4), torch.rand(64))
    with scan.only("triton"), moved() as backward:
        y.backward(torch.rand_like(y))
    assert 2 * stored <= forward.bytes <= (2 + 3 / 16) * stored + 5 * row
    assert 3 * stored <= backward.bytes <= (3 + 9 / 16) * stored + 16 * row
