"""The linear recurrence on a GPU, or in Triton's interpreter: against the definition, on generated shapes."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.scan.agree import agree, draw, interpreted, results
from tests.scan.gpu.moved import moved
from wavetrain import scan
from wavetrain.scan.gpu import linear as kernels

dtypes = st.sampled_from([torch.float64, torch.complex128])


def both_ways(case):
    """The case with time in one piece, then in chunks."""
    before = kernels.FEWEST
    try:
        for kernels.FEWEST in (before, 2):
            case()
    finally:
        kernels.FEWEST = before


@interpreted
@given(
    batch=st.integers(1, 2),
    time=st.sampled_from([1, 2, 7, 17]),
    width=st.sampled_from([1, 3, 60, 129]),
    dtype=dtypes,
    same=st.booleans(),
    resets=st.booleans(),
    seed=st.integers(0, 99),
)
def test_linear(batch, time, width, dtype, same, resets, seed):
    torch.manual_seed(seed)
    a = 0.7 * draw(*((width,) if same else (batch, time, width)), dtype=dtype)
    reset = torch.rand(batch, time) < 0.3 if resets else None
    inputs = [a, draw(batch, time, width, dtype=dtype), draw(batch, width, dtype=dtype)]

    def case():
        agree("linear", lambda a, b, state: scan.linear(a, b, state, reset), inputs, route="triton")

    both_ways(case)


def test_without_a_first_state_and_one_result():
    torch.manual_seed(0)
    inputs = [0.7 * draw(2, 9, 3), draw(2, 9, 3)]
    agree("linear", scan.linear, inputs, route="triton")
    for which in (0, 1):  # of h and the last state, the loss looks at one
        found = []
        for route in ("triton", "numba"):
            a, b = (x.clone().requires_grad_() for x in inputs)
            with scan.only(route):
                scan.linear(a, b)[which].sum().backward()  # the gradient that comes has stride 0
            found.append((a.grad, b.grad))
        for x, y in zip(*found, strict=True):
            torch.testing.assert_close(x, y, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_half_precision_is_stored_and_not_carried(kind):
    """A decay of 0.998 in float32 would be 0.9961 in bfloat16; here half precision holds the inputs alone."""
    b = torch.zeros(1, 100, 1, dtype=kind)
    b[0, 0] = 1
    a = torch.full((1, 100, 1), 0.99609375, dtype=kind)  # a number of both types
    with scan.only("triton"):
        h, last = scan.linear(a, b)
    assert h.dtype == kind and last.dtype == torch.float32
    torch.testing.assert_close(last.item(), 0.99609375**99, rtol=1e-5, atol=0)
    torch.testing.assert_close(h[0, -1].float(), last[0], rtol=1e-2, atol=0)


def test_a_reset_drops_what_is_not_finite():
    b = torch.randn(1, 30, 2)
    b[0, 3] = torch.nan
    reset = torch.zeros(1, 30, dtype=torch.bool)
    reset[0, 9] = True

    def case():
        with scan.only("triton"):
            h, last = scan.linear(torch.rand(1, 30, 2), b, None, reset)
        assert h[0, 3:9].isnan().all() and h[0, 9:].isfinite().all() and last.isfinite().all()

    both_ways(case)


def test_memory_beyond_the_tensors_does_not_matter():
    """Each lies in the front of a larger piece that is not a number."""

    def hostile(*shape):
        size = torch.Size(shape).numel()
        return torch.full((size + 4096,), torch.nan)[:size].view(shape).copy_(torch.rand(shape))

    a, b, state = hostile(2, 7, 60), hostile(2, 7, 60), hostile(2, 60)
    with scan.only("triton"):
        found = results(scan.linear, [a, b, state])
    assert all(part.isfinite().all() for part in found)


def test_bytes_moved_are_the_least():
    """Forward reads a and b and writes h; backward reads a, h and what comes, and writes two gradients."""
    a, b = (torch.rand(2, 64, 128).requires_grad_() for _ in range(2))
    edges = 4 * 2 * 128 * 4  # states before and after
    with scan.only("triton"), moved() as forward:
        h, _ = scan.linear(a, b)
    with scan.only("triton"), moved() as backward:
        h.backward(torch.rand_like(h))
    assert 3 * 4 * b.numel() <= forward.bytes <= 3 * 4 * b.numel() + edges
    assert 5 * 4 * b.numel() <= backward.bytes <= 5 * 4 * b.numel() + edges
