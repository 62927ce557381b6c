"""The unitary recurrence: its fast routes against the plain one, and its limits in closed form."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tests.scan.agree import agree, draw, results
from wavetrain import scan
from wavetrain.errors import BadInput
from wavetrain.scan.cpu import unitary
from wavetrain.scan.cpu.compiled import turn
from wavetrain.scan.unitary import _plain, _separated

few = settings(max_examples=25, deadline=None)
CHUNK, TILE = unitary.CHUNK, unitary.TILE // 8  # channels of float64


def parts(batch: int, time: int, size: int, width: int, dtype: torch.dtype = torch.float64) -> list[Tensor]:
    """theta, w, b, c and a first state."""
    return [
        4 * draw(batch, time, size, width, dtype=dtype),
        draw(batch, time, width, dtype=dtype),
        draw(size, dtype=dtype.to_complex()),
        draw(size, dtype=dtype.to_complex()),
        draw(batch, size, width, dtype=dtype.to_complex()),
    ]


@few
@given(
    batch=st.integers(1, 4),
    time=st.sampled_from([1, 2, 7, 37]),
    size=st.sampled_from([1, 2, 5]),
    width=st.sampled_from([1, 3, 8, TILE - 1, TILE, TILE + 1]),
    seed=st.integers(0, 99),
)
def test_fast_is_plain(batch, time, size, width, seed):
    torch.manual_seed(seed)
    inputs = parts(batch, time, size, width)
    agree("unitary", scan.unitary, inputs)
    agree("unitary", scan.unitary, inputs[:4])


@pytest.mark.parametrize("time", [CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 5])
def test_over_the_marks(time: int):
    torch.manual_seed(0)
    agree("unitary", scan.unitary, parts(2, time, 2, 3))
    agree("unitary", scan.unitary, parts(2, time, 2, 3, torch.float32), 1e-4)


@pytest.mark.parametrize("time", [1, 5, 40])
def test_prefix_sums_are_the_walk(time: int):
    torch.manual_seed(0)
    inputs = parts(2, time, 3, 4)
    for x, y in zip(results(_separated, inputs), results(_plain, inputs), strict=True):
        torch.testing.assert_close(x, y, rtol=1e-10, atol=1e-10)


def test_gradients_by_differences():
    torch.manual_seed(0)
    inputs = [part.requires_grad_() for part in parts(2, 4, 2, 3)]
    assert torch.autograd.gradcheck(scan.unitary, inputs)


@pytest.mark.parametrize("kind, digits", [(np.float32, 2e-7), (np.float64, 4e-16)])
def test_the_turn(kind: type, digits: float):
    """To the last digits over many turns, and a number on the circle."""
    angles = np.concatenate([np.linspace(-40, 40, 4001), [0.0, math.pi, -math.pi / 2, 1e-9]]).astype(kind)
    cosine, sine = np.empty_like(angles), np.empty_like(angles)
    turn(angles, cosine, sine)
    exact = angles.astype(np.float64)
    assert np.abs(cosine - np.cos(exact)).max() < digits
    assert np.abs(sine - np.sin(exact)).max() < digits
    assert cosine[4001] == 1 and sine[4001] == 0
    turn(np.array([np.nan, 1.0], kind), cosine[:2], sine[:2])
    assert np.isnan(cosine[0]) and np.isnan(sine[0]) and not np.isnan(cosine[1])


def test_nothing_is_lost():
    """Without input each state keeps its size over thousands of steps, and so does what comes back."""
    torch.manual_seed(0)
    theta, w, b, c, state = parts(1, 5000, 2, 3, torch.float32)
    state.requires_grad_()
    last = scan.unitary(theta, 0 * w, b, c, state)[1]
    torch.testing.assert_close(last.abs(), state.abs(), rtol=1e-4, atol=0)
    towards = torch.randn_like(last)
    (back,) = torch.autograd.grad(last, state, towards)
    torch.testing.assert_close(back.abs(), towards.abs(), rtol=1e-4, atol=0)


def test_a_turn_by_a_third_counts_to_three():
    one = torch.ones(1, 1, 1)
    third = torch.full((1, 9, 1, 1), 2 * math.pi / 3)
    state = torch.ones(1, 1, 1, dtype=torch.complex64)
    c = torch.ones(1, dtype=torch.complex64)
    y, last = scan.unitary(third, 0 * one.expand(1, 9, 1), c, c, state)
    torch.testing.assert_close(y[0, 2::3, 0], torch.ones(3), rtol=0, atol=1e-5)
    torch.testing.assert_close(y[0, 0::3, 0], torch.full((3,), -0.5), rtol=0, atol=1e-5)
    torch.testing.assert_close(last, state, rtol=0, atol=1e-5)


def test_threads_do_not_change_the_bits():
    torch.manual_seed(0)
    inputs = parts(5, 110, 8, 2 * TILE + 300, torch.float32)
    before, seen = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            seen.append(results(scan.unitary, inputs))
    finally:
        torch.set_num_threads(before)
    for other in seen[1:]:
        assert all(torch.equal(x, y) for x, y in zip(seen[0], other, strict=True))


def test_only_what_is_wanted_gets_a_gradient():
    torch.manual_seed(0)
    theta, w, b, c, state = parts(2, 20, 2, 3)
    assert not scan.unitary(theta, w, b, c)[0].requires_grad
    b.requires_grad_()
    scan.unitary(theta, w, b, c, state)[1].abs().sum().backward()  # through the last state alone
    assert b.grad is not None and b.grad.abs().min() > 0 and c.grad is None


def test_routes():
    inputs = parts(2, 4, 2, 3, torch.float32)
    scan.unitary(*inputs)
    assert scan.routes()["unitary"] == "numba"
    rest = inputs[1:]
    torch.func.vmap(lambda theta: scan.unitary(theta, *rest)[0])(torch.rand(5, 2, 4, 2, 3))
    assert scan.routes()["unitary"] == "prefix sums"


def test_what_cannot_be_used_is_said():
    theta, w, b, c, state = parts(2, 4, 3, 5)
    with pytest.raises(
        BadInput, match=r"expected theta \(batch, time, states, channels\).*got \(2, 0, 3, 5\)"
    ):
        scan.unitary(theta[:, :0], w, b, c)
    with pytest.raises(BadInput, match=r"expected w \(2, 4, 5\), got \(2, 5\)"):
        scan.unitary(theta, w[:, 0], b, c)
    with pytest.raises(BadInput, match=r"expected state \(2, 3, 5\), got \(2, 5, 3\)"):
        scan.unitary(theta, w, b, c, state.mT)
    with pytest.raises(BadInput, match=r"complex of the same precision, got .*'torch.float64'"):
        scan.unitary(theta, w, b.real, c)


@pytest.mark.parametrize("which", [0, 1])
def test_second_derivatives_of_one_output_alone(which: int):
    """Nothing comes back to the other: neither what is read at each step, nor the last state."""
    torch.manual_seed(0)
    inputs = [part.requires_grad_() for part in parts(1, 4, 2, 2)]
    assert torch.autograd.gradgradcheck(lambda *given: scan.unitary(*given)[which], inputs)
