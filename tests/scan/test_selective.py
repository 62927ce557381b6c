"""The selective recurrence: its fast route against the plain one, and its limits in closed form."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from tests.scan.agree import agree, draw, results
from wavetrain import scan
from wavetrain.errors import BadInput
from wavetrain.scan.cpu import selective

few = settings(max_examples=25, deadline=None)
CHUNK, TILE = selective.CHUNK, selective.TILE // 8  # channels of float64


def parts(batch: int, time: int, width: int, size: int, dtype: torch.dtype = torch.float64) -> list[Tensor]:
    """x, dt, a, b, c and a first state."""
    return [
        draw(batch, time, width, dtype=dtype),
        F.softplus(draw(batch, time, width, dtype=dtype)),
        -draw(width, size, dtype=dtype).exp(),
        draw(batch, time, size, dtype=dtype),
        draw(batch, time, size, dtype=dtype),
        draw(batch, width, size, dtype=dtype),
    ]


@few
@given(
    batch=st.integers(1, 4),
    time=st.sampled_from([1, 2, 7, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 37]),
    width=st.sampled_from([1, 2, 3, 8, 13, TILE - 1, TILE, TILE + 1]),
    size=st.sampled_from([1, 2, 5, 16]),
    seed=st.integers(0, 99),
)
def test_fast_is_plain(batch, time, width, size, seed):
    torch.manual_seed(seed)
    inputs = parts(batch, time, width, size)
    agree("selective", scan.selective, inputs)
    agree("selective", scan.selective, inputs[:5])
    ends = [draw(width), draw(batch, time, width)]
    agree("selective", scan.selective, inputs + ends)
    agree("selective", lambda *given: scan.selective(*given[:6], None, given[6]), [*inputs, ends[1]])
    agree("selective", lambda *given: scan.selective(*given[:6], given[6]), [*inputs, ends[0]])


def test_a_gate_may_lie_in_a_wider_array():
    torch.manual_seed(0)
    inputs, wide = parts(3, CHUNK + 1, 5, 2), draw(3, CHUNK + 1, 12)
    agree("selective", lambda *given: scan.selective(*given[:6], None, given[6][..., 6:11]), [*inputs, wide])


def test_float32():
    torch.manual_seed(0)
    agree("selective", scan.selective, parts(3, 50, 2 * TILE + 3, 16, torch.float32), 2e-5)


def test_gradients_by_differences():
    torch.manual_seed(0)
    for time in (3, CHUNK + 2):
        inputs = [part.requires_grad_() for part in parts(2, time, 3, 2)]
        assert torch.autograd.gradcheck(scan.selective, inputs)


def test_the_exponential():
    """To the last digits in the whole range where it is a normal number, then zero; one at zero."""
    for dtype, digits in ((torch.float32, 1e-7), (torch.float64, 2e-16)):
        z = torch.cat([-torch.logspace(-9, math.log10(86), 3000, dtype=dtype), torch.zeros(1, dtype=dtype)])
        one = torch.ones(1, 1, len(z), dtype=dtype)
        decay = torch.ones_like(one[0, 0, :, None])  # the state after one step without input
        _, decay = scan.selective(0 * one, one, z[:, None], one[..., :1], one[..., :1], decay[None])
        exact = z.double().exp()
        error = (decay[0, :, 0].double() - exact).abs() / exact
        assert (error <= digits * (2 + z.abs().double())).all(), error.max()
        assert decay[0, -1, 0] == 1
    far = torch.tensor([[-90.0], [-1e30], [-torch.inf], [100.0], [torch.nan]])
    ones = torch.ones(1, 1, 5)
    _, last = scan.selective(0 * ones, ones, far, ones[..., :1], ones[..., :1], torch.ones(1, 5, 1))
    assert last[0, :3, 0].tolist() == [0, 0, 0] and last[0, 3, 0].isinf() and last[0, 4, 0].isnan()


def test_threads_do_not_change_the_bits():
    torch.manual_seed(0)
    inputs = parts(5, 110, 2 * TILE + 5, 16, torch.float32)  # enough work to be spread
    before, seen = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            seen.append(results(scan.selective, inputs))
    finally:
        torch.set_num_threads(before)
    for other in seen[1:]:
        assert all(torch.equal(x, y) for x, y in zip(seen[0], other, strict=True))


def test_inputs_need_not_lie_in_order():
    torch.manual_seed(0)
    x, dt, a, b, c, state = parts(3, 5, 4, 2)
    turned = [part.transpose(0, 1).contiguous() for part in (x, dt, a, b, c, state)]
    agree("selective", lambda *given: scan.selective(*(part.transpose(0, 1) for part in given)), turned)
    agree(
        "selective",
        lambda x, dt, b: scan.selective(x[:, ::2], dt[:, 1::2], a, b[:, :2], c[:, :2]),
        [
            x[:, :4],
            dt[:, :4],
            b,
        ],
    )


def test_only_what_is_wanted_gets_a_gradient():
    torch.manual_seed(0)
    x, dt, a, b, c, state = parts(2, 20, 3, 2)
    assert not scan.selective(x, dt, a, b, c)[0].requires_grad
    a.requires_grad_()
    scan.selective(x, dt, a, b, c, state)[1].sum().backward()  # through the last state alone
    assert a.grad is not None and a.grad.abs().min() > 0
    assert dt.grad is None
    with torch.inference_mode():
        torch.testing.assert_close(
            scan.selective(x, dt, a, b, c, state)[0], scan.selective(x, dt, a, b, c, state)[0]
        )


def test_routes():
    inputs = parts(2, 4, 3, 2, torch.float32)
    with scan.only_plain():
        scan.selective(*inputs)
    assert scan.routes()["selective"] == "plain"
    scan.selective(*(part.bfloat16() for part in inputs))
    assert scan.routes()["selective"] == "numba"  # in float32
    scan.selective(*inputs)
    assert scan.routes()["selective"] == "numba"
    rest = inputs[1:]
    torch.func.vmap(lambda x: scan.selective(x, *rest)[0])(torch.rand(5, 2, 4, 3))
    assert scan.routes()["selective"] == "plain"


def test_rows_that_are_no_numbers_stay_alone():
    torch.manual_seed(0)
    x, dt, a, b, c, state = parts(3, 20, 5, 2)
    x[1, 3, 2] = torch.nan
    dt[2, 5, 0] = torch.inf
    y, last = scan.selective(x, dt, a, b, c, state)
    assert y[1, :, 2].isnan().sum() == 17 and last[1].isnan().sum() == 2
    y = y[0].sum()
    expected = scan.selective(x[:1], dt[:1], a, b[:1], c[:1], state[:1])[0].sum()
    torch.testing.assert_close(y, expected)


def test_with_one_state_the_decay_is_a_gate():
    """A = -1, B = 1, dt = softplus(s): the decay is 1 - sigmoid(s), the exact factor of the input sigmoid(s).

    The factor that is used, dt (Euler), is not: 0.758 against 0.531.
    """
    torch.manual_seed(0)
    x, s = draw(2, 9, 4), draw(2, 9, 4)
    dt, g = F.softplus(s), s.sigmoid()
    one = torch.ones(2, 9, 1, dtype=x.dtype)
    a = -torch.ones(4, 1, dtype=x.dtype)
    y, _ = scan.selective(x * -torch.expm1(-dt) / dt, dt, a, one, one)
    gated, _ = scan.linear(1 - g, g * x)
    torch.testing.assert_close(y, gated, rtol=1e-12, atol=1e-12)
    euler = torch.tensor(0.758)
    assert abs(-torch.expm1(-euler).item() - 0.531) < 1e-3
    assert not torch.allclose(scan.selective(x, dt, a, one, one)[0], gated, atol=0.1)


def test_small_steps_hold_and_large_steps_forget():
    torch.manual_seed(0)
    x, dt, a, b, c, state = parts(2, 9, 4, 3)
    _, last = scan.selective(x, 0 * dt, a, b, c, state)
    assert torch.equal(last, state)  # and the input is ignored
    dt[:, 4] = 1e6
    other = torch.cat([draw(2, 4, 4), x[:, 4:]], 1)
    for now, first in ((other, state), (x, 2 * state)):
        y, last = scan.selective(now, dt, a, b, c, first)
        expected, expected_last = scan.selective(x, dt, a, b, c, state)
        assert torch.equal(y[:, 4:], expected[:, 4:]) and torch.equal(last, expected_last)


def test_constant_choices_are_a_convolution():
    """With the same dt, B and C at all steps this is a diagonal state space, S4D: k steps back count K_k."""
    torch.manual_seed(0)
    x, dt, a, b, c, _ = (part.double() for part in parts(2, 21, 4, 3))
    dt, b, c = (part[:1, :1].expand(2, 21, -1) for part in (dt, b, c))
    y, _ = scan.selective(x, dt, a, b, c)
    expected = torch.zeros_like(y)
    for t in range(21):
        for k in range(t + 1):
            kernel = (c[0, 0] * b[0, 0] * (k * dt[0, 0, :, None] * a).exp()).sum(-1) * dt[0, 0]  # (E,)
            expected[:, t] += kernel * x[:, t - k]
    torch.testing.assert_close(y, expected, rtol=1e-12, atol=1e-12)


def test_what_cannot_be_used_is_said():
    x, dt, a, b, c, state = parts(2, 4, 3, 5)
    with pytest.raises(BadInput, match=r"expected x \(batch, time, channels\).*got \(2, 0, 3\)"):
        scan.selective(x[:, :0], dt, a, b, c)
    with pytest.raises(BadInput, match=r"expected a \(3, states\), got \(5, 3\)"):
        scan.selective(x, dt, a.t(), b, c)
    with pytest.raises(BadInput, match=r"expected dt \(2, 4, 3\), got \(2, 3\)"):
        scan.selective(x, dt[:, 0], a, b, c)
    with pytest.raises(BadInput, match=r"expected c \(2, 4, 5\), got \(2, 4, 4\)"):
        scan.selective(x, dt, a, b, c[..., 1:])
    with pytest.raises(BadInput, match=r"expected state \(2, 3, 5\), got \(2, 5, 3\)"):
        scan.selective(x, dt, a, b, c, state.mT)
    with pytest.raises(BadInput, match=r"expected skip \(3,\), got \(5,\)"):
        scan.selective(x, dt, a, b, c, state, a[0])
    with pytest.raises(BadInput, match=r"expected gate \(2, 4, 3\), got \(2, 4, 5\)"):
        scan.selective(x, dt, a, b, c, state, None, b)
    with pytest.raises(
        BadInput, match=r"real tensors of one dtype, got \['torch.float32', 'torch.float64'\]"
    ):
        scan.selective(x.float(), dt, a, b, c)
