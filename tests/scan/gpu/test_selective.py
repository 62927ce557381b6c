"""The selective recurrence on a GPU, or in Triton's interpreter: against the definition."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from tests.scan.agree import agree, draw, interpreted
from tests.scan.gpu.moved import moved
from wavetrain import scan
from wavetrain.scan.cpu import selective as walk
from wavetrain.scan.gpu import selective as kernels

CHUNK = kernels.CHUNK


def parts(
    time: int, width: int, size: int, batch: int = 2, dtype: torch.dtype = torch.float64
) -> list[Tensor]:
    """x, dt, a, b, c and a first state."""
    x, dt = (draw(batch, time, width, dtype=dtype) for _ in range(2))
    b, c = (draw(batch, time, size, dtype=dtype) for _ in range(2))
    a = -draw(width, size, dtype=dtype).exp()
    return [x, F.softplus(dt), a, b, c, draw(batch, width, size, dtype=dtype)]


def gated(*given: Tensor) -> tuple[Tensor, Tensor]:
    return scan.selective(*given[:6], None, given[6])


def test_marks_are_where_the_walk_on_the_cpu_has_them():
    assert CHUNK == walk.CHUNK
    torch.manual_seed(0)
    inputs = [part.requires_grad_() for part in parts(2 * CHUNK, 3, 2)]
    with scan.only("triton"):
        y, last = scan.selective(*inputs)
    found = torch.autograd.grad(
        y.sum() + last.sum(), inputs
    )  # by the other route, from the marks of this one
    y, last = scan.selective(*inputs)
    for x, z in zip(found, torch.autograd.grad(y.sum() + last.sum(), inputs), strict=True):
        torch.testing.assert_close(x, z, rtol=1e-12, atol=1e-12)


@interpreted
@given(
    time=st.sampled_from([1, 2, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 3]),
    width=st.sampled_from([1, 3, 60, 129]),
    size=st.sampled_from([1, 3, 16]),
    seed=st.integers(0, 99),
    form=st.sampled_from(["bare", "skip", "gate", "both"]),
)
def test_selective(time, width, size, seed, form):
    torch.manual_seed(seed)
    inputs, skip, gate = parts(time, width, size, batch=1), draw(width), draw(1, time, width)
    run, more = {
        "bare": (scan.selective, []),
        "skip": (scan.selective, [skip]),
        "gate": (gated, [gate]),
        "both": (scan.selective, [skip, gate]),
    }[form]
    agree("selective", run, [*inputs, *more], route="triton")


def test_without_a_first_state_and_one_result():
    torch.manual_seed(0)
    inputs = [*parts(CHUNK + 1, 3, 2)[:5], draw(3), draw(2, CHUNK + 1, 3)]
    for loss in (
        lambda y, last: y.sum(),  # the gradient that comes has stride 0
        lambda y, last: last.sum(),
        lambda y, last: (
            (y.transpose(1, 2) @ torch.arange(CHUNK + 1.0).double()).sum() + last.mT[..., 1].sum()
        ),
    ):
        found = []
        for route in ("triton", "numba"):
            given = [x.clone().requires_grad_() for x in inputs]
            with scan.only(route):
                y, last = scan.selective(*given[:5], None, *given[5:])
                loss(y, last).backward()
            found.append([torch.zeros_like(x) if x.grad is None else x.grad for x in given])
        for x, y in zip(*found, strict=True):
            torch.testing.assert_close(x, y, rtol=1e-12, atol=1e-12)


def test_a_gate_may_lie_in_a_wider_array():
    torch.manual_seed(0)
    wide = draw(2, 7, 12)
    agree(
        "selective",
        lambda *given: gated(*given[:6], given[6][..., 5:8]),
        [*parts(7, 3, 2), wide],
        route="triton",
    )


def test_strong_decays_forget():
    """exp(-100), exp(-10,000), and no decay at all, in turn: finite, and right."""
    torch.manual_seed(0)
    x, _, a, b, c, state = parts(CHUNK + 3, 3, 2)
    dt = torch.tensor([0.0, 1e-3, 100.0, 1e4]).double()[torch.randint(4, x.shape)]
    agree("selective", scan.selective, [x, dt, a.clamp(max=-1), b, c, state], route="triton")


def test_memory_beyond_the_tensors_does_not_matter():
    """Each lies in the front of a larger piece that is not a number."""
    torch.manual_seed(0)

    def hostile(part: Tensor) -> Tensor:
        size = part.numel()
        return torch.full((size + 4096,), torch.nan, dtype=part.dtype)[:size].view(part.shape).copy_(part)

    inputs = [hostile(part) for part in (*parts(CHUNK + 1, 9, 3), draw(9), draw(2, CHUNK + 1, 9))]
    with scan.only("triton"):
        given = [part.requires_grad_() for part in inputs]
        y, last = scan.selective(*given)
        slopes = torch.autograd.grad(y.sum() + last.sum(), given)
    assert all(part.isfinite().all() for part in (y, last, *slopes))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_state_is_carried_in_float32(dtype):
    """A decay of 0.999 would be 1 in bfloat16."""
    one, none = torch.ones(1, 200, 1, dtype=dtype), torch.zeros(1, 200, 1, dtype=dtype)
    a = torch.full((1, 1), 0.999).log()
    with scan.only("triton"):
        _, last = scan.selective(none, one, a.to(dtype), none, one, torch.ones(1, 1, 1, dtype=dtype))
    assert last.dtype == torch.float32
    expected = (200 * a.to(dtype).double()).exp().item()
    torch.testing.assert_close(last.item(), expected, rtol=1e-4, atol=0)


def test_bytes_moved():
    """Forward all is read once and states are kept once in a chunk; backward they come for each group."""
    torch.manual_seed(0)
    width, size, time = 64, 4, 4 * CHUNK
    inputs = [part.requires_grad_() for part in parts(time, width, size, 1, torch.float32)]
    own, shared, states = 4 * time * width, 4 * time * size, 4 * width * size
    tiles = width * size // kernels.FORWARD
    with scan.only("triton"), moved() as forward:
        y, _ = scan.selective(*inputs)
    assert forward.bytes == 3 * own + 2 * shared * tiles + (time // CHUNK + 3) * states
    tiles = width * size // kernels.BACKWARD
    with scan.only("triton"), moved() as backward:
        y.backward(torch.rand_like(y))
    again = (CHUNK // kernels.GROUP - 1) / 2  # how often, on average, a step is walked to reach a later group
    read = (1 + 2 + 2 + again * 2) * own + (1 + 2 + again) * shared * tiles  # dy, x and dt; b and c
    written = 2 * own + 2 * shared * tiles
    assert backward.bytes == read + written + (time // kernels.GROUP + 3) * states
