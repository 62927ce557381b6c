"""Newton's corrections on a GPU, or in Triton's interpreter: against recursive doubling and the walk."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.scan.agree import draw, interpreted
from tests.scan.gpu.moved import moved
from tests.scan.test_newton import Gated, Turning
from wavetrain import scan
from wavetrain.scan import Newton, blocks
from wavetrain.scan.gpu import blocks as kernels


@interpreted
@given(
    batch=st.integers(1, 2),
    time=st.sampled_from([1, 2, 4, 5, 11]),
    parts=st.integers(1, 4),
    width=st.sampled_from([1, 3, 33]),
    seed=st.integers(0, 99),
)
def test_walk(batch, time, parts, width, seed):
    torch.manual_seed(seed)
    jacobian, b = draw(batch, time, parts, parts, width), draw(batch, time, parts, width)
    jacobian[:, 0] = torch.nan  # not read
    found = kernels.walk(jacobian, b)
    jacobian[:, 0] = 0
    torch.testing.assert_close(found, blocks.reduce(jacobian, b), rtol=1e-10, atol=1e-10 * found.abs().max())


@pytest.mark.parametrize("parts", [1, 2])
def test_newton(parts):
    torch.manual_seed(0)
    cell, sums = (Gated(0.5 * draw(3, 5)), 3) if parts == 1 else (Turning(0.4 * draw(2, 2, 5), True), 2)
    given, first = draw(2, 9, sums, 5), draw(2, parts, 5)
    found = []
    for route in (scan.only("triton"), scan.only_plain()):
        drive, state = given.clone().requires_grad_(), first.clone().requires_grad_()
        with route:
            h, _ = scan.newton(cell, drive, state, Newton(tolerance=1e-12))
            found.append((h, *torch.autograd.grad(h.square().sum(), [drive, state])))
            assert scan.routes()["newton"] == ("triton" if len(found) == 1 else "plain")
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-11)


def test_memory_beyond_the_tensors_does_not_matter():
    def hostile(*shape):
        size = torch.Size(shape).numel()
        return torch.full((size + 4096,), torch.nan)[:size].view(shape).copy_(torch.rand(shape))

    assert kernels.walk(hostile(1, 7, 2, 2, 5), hostile(1, 7, 2, 5)).isfinite().all()


def test_bytes_moved_are_the_least():
    jacobian, b = torch.rand(1, 16, 2, 2, 32), torch.rand(1, 16, 2, 32)
    with moved() as seen:
        kernels.walk(jacobian, b)
    assert seen.bytes == 4 * (jacobian[:, 1:].numel() + 2 * b.numel())
