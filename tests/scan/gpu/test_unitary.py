"""The unitary recurrence on a GPU, or in Triton's interpreter: against the definition."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from tests.scan.agree import agree, draw, interpreted
from tests.scan.gpu.moved import moved
from wavetrain import scan
from wavetrain.scan.cpu import unitary as walk
from wavetrain.scan.gpu import unitary as kernels

CHUNK = kernels.CHUNK


def parts(
    time: int, width: int, size: int, batch: int = 2, dtype: torch.dtype = torch.float64
) -> list[Tensor]:
    """theta, w, b, c and a first state."""
    whole = dtype.to_complex()
    ends = draw(size, dtype=whole), draw(size, dtype=whole), draw(batch, size, width, dtype=whole)
    return [3 * draw(batch, time, size, width, dtype=dtype), draw(batch, time, width, dtype=dtype), *ends]


@interpreted
@given(
    time=st.sampled_from([1, 2, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 3]),
    width=st.sampled_from([1, 3, 60, 129]),
    size=st.sampled_from([1, 3, 16, 40]),
    seed=st.integers(0, 99),
)
def test_unitary(time, width, size, seed):
    torch.manual_seed(seed)
    agree("unitary", scan.unitary, parts(time, width, size, batch=1), tolerance=1e-11, route="triton")


def test_marks_are_where_the_walk_on_the_cpu_has_them():
    assert CHUNK == walk.CHUNK
    torch.manual_seed(0)
    inputs = [part.requires_grad_() for part in parts(2 * CHUNK, 3, 2)]
    with scan.only("triton"):
        y, last = scan.unitary(*inputs)
    found = torch.autograd.grad(y.sum() + last.real.sum(), inputs)  # by the other route, from these marks
    y, last = scan.unitary(*inputs)
    for x, z in zip(found, torch.autograd.grad(y.sum() + last.real.sum(), inputs), strict=True):
        torch.testing.assert_close(x, z, rtol=1e-11, atol=1e-11)


def test_without_a_first_state_and_one_result():
    torch.manual_seed(0)
    inputs = parts(CHUNK + 1, 3, 2)[:4]
    steps = torch.arange(CHUNK + 1.0).double()
    for loss in (
        lambda y, last: y.sum(),  # the gradient that comes has stride 0
        lambda y, last: last.imag.sum(),
        lambda y, last: (y.transpose(1, 2) @ steps).sum() + last.mT[..., 1].real.sum(),
    ):
        found = []
        for route in ("triton", "numba"):
            given = [x.clone().requires_grad_() for x in inputs]
            with scan.only(route):
                loss(*scan.unitary(*given)).backward()
            found.append([torch.zeros_like(x) if x.grad is None else x.grad for x in given])
        for x, y in zip(*found, strict=True):
            torch.testing.assert_close(x, y, rtol=0, atol=1e-12 * float(y.abs().max()))


def test_a_turn_loses_nothing_in_float32():
    """Of 10 states that are written to once, each still has the length that it had after 1,000 turns."""
    torch.manual_seed(0)
    theta, state = 20 * draw(1, 1000, 10, 4, dtype=torch.float32), draw(1, 10, 4, dtype=torch.complex64)
    none = torch.zeros(10, dtype=torch.complex64)
    with scan.only("triton"):
        _, last = scan.unitary(theta, torch.zeros(1, 1000, 4), none, none, state)
    torch.testing.assert_close(last.abs(), state.abs(), rtol=2e-5, atol=0)
    exact = theta.double().sum(1)
    torch.testing.assert_close(last, (state * scan.turned(exact)).to(last.dtype), rtol=2e-4, atol=2e-5)


def test_memory_beyond_the_tensors_does_not_matter():
    """Each lies in the front of a larger piece that is not a number."""
    torch.manual_seed(0)

    def hostile(part: Tensor) -> Tensor:
        size = part.numel()
        return torch.full((size + 4096,), torch.nan, dtype=part.dtype)[:size].view(part.shape).copy_(part)

    given = [hostile(part).requires_grad_() for part in parts(CHUNK + 1, 9, 3)]
    with scan.only("triton"):
        y, last = scan.unitary(*given)
        slopes = torch.autograd.grad(y.sum() + last.real.sum(), given)
    assert all(
        torch.view_as_real(part).isfinite().all() if part.is_complex() else part.isfinite().all()
        for part in (y, last, *slopes)
    )


def test_bytes_moved():
    """Forward all is read once and states are kept once in a chunk; backward the same, and gradients."""
    torch.manual_seed(0)
    width, size, time = 64, 4, 4 * CHUNK
    inputs = [part.requires_grad_() for part in parts(time, width, size, 1, torch.float32)]
    angles, row, states = 4 * time * width * size, 4 * time * width, 8 * width * size
    few = 16 * size * (width * size // kernels.TILE)  # b and c, for each program
    with scan.only("triton"):
        with moved() as forward:
            y, _ = scan.unitary(*inputs)
        with moved() as backward:
            torch.autograd.grad(y, inputs, torch.ones_like(y))
    kept = time // CHUNK * states
    assert forward.bytes == angles + 2 * row + 2 * states + kept + few
    assert backward.bytes == 2 * angles + 3 * row + 3 * states + kept + 2 * few
