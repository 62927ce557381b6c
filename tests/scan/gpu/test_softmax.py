"""The softmax scan on a GPU, or in Triton's interpreter: against the definition, and softmax itself."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from tests.scan.agree import draw, interpreted
from tests.scan.gpu.moved import moved
from wavetrain import scan
from wavetrain.errors import BadInput
from wavetrain.layers import Aaren


def parts(
    time: int, width: int, heads: int = 2, batch: int = 2, dtype: torch.dtype = torch.float64
) -> list[Tensor]:
    """Scores, values, and a state that has seen steps before."""
    first = draw(batch, heads, dtype=dtype), draw(batch, heads, dtype=dtype).exp()
    whole = [draw(batch, time, heads, dtype=dtype), draw(batch, time, heads, width, dtype=dtype)]
    return [*whole, *first, draw(batch, heads, width, dtype=dtype)]


def run(score: Tensor, v: Tensor, *state: Tensor) -> list[Tensor]:
    m, c, a = state
    y, last = scan.softmax(score, v, (m, c, a))
    return [y, *last]


def learned(inputs: list[Tensor], towards: list[Tensor]) -> list[Tensor]:
    """What comes out, and the gradients of a loss that looks at as many outputs as there are directions."""
    given = [x.detach().clone().requires_grad_() for x in inputs]
    found = run(*given)
    loss = sum((y * to).sum() for y, to in zip(found, towards, strict=False))
    return [*(y.detach() for y in found), *torch.autograd.grad(loss, given, materialize_grads=True)]


def both(inputs: list[Tensor], towards: list[Tensor]) -> None:
    with scan.only("triton"):
        fast = learned(inputs, towards)
    assert scan.routes()["softmax"] == "triton"
    with scan.only_plain():
        slow = learned(inputs, towards)
    assert scan.routes()["softmax"] == "plain"
    for one, other in zip(fast, slow, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-11)


@interpreted
@given(
    time=st.sampled_from([1, 2, 31, 65]),
    width=st.sampled_from([1, 3, 16, 129]),
    seed=st.integers(0, 99),
    outputs=st.sampled_from([1, 4]),
)
def test_softmax(time, width, seed, outputs):
    torch.manual_seed(seed)
    inputs = parts(time, width)
    both(inputs, [torch.randn_like(y) for y in run(*inputs)[:outputs]])


@pytest.mark.parametrize("place", range(1, 4))
def test_a_loss_on_one_part_of_the_last_state(place):
    torch.manual_seed(0)
    inputs = parts(9, 3)
    both(inputs, [torch.randn_like(y) * (one == place) for one, y in enumerate(run(*inputs))])


def test_from_nothing_it_is_softmax_of_all_scores_so_far():
    torch.manual_seed(0)
    score, v, m, c, a = parts(17, 5)
    none = m - torch.inf, 0 * c, 0 * a
    with scan.only("triton"):
        y, _ = scan.softmax(score, v, none)
    for t in range(17):
        weight = score[:, : t + 1].softmax(1).unsqueeze(-1)
        torch.testing.assert_close(y[:, t], (weight * v[:, : t + 1]).sum(1), rtol=1e-12, atol=1e-12)
    both([score, v, *none], [torch.randn_like(y)])


def test_scores_of_1000_and_minus_infinity_stay_finite():
    torch.manual_seed(0)
    score, v, m, c, a = parts(12, 3, dtype=torch.float32)
    score = 1000 * score
    score[:, 1::3] = -torch.inf  # steps that are masked
    inputs = [x.requires_grad_() for x in (score, v, m - torch.inf, 0 * c, 0 * a)]
    with scan.only("triton"):
        y, last = scan.softmax(*inputs[:2], (inputs[2], inputs[3], inputs[4]))
        slopes = torch.autograd.grad(y.sum() + last[1].sum(), inputs)
    assert all(part.isfinite().all() for part in (y, *last, *slopes))
    assert not slopes[1][:, 1::3].any()  # what is masked is not read


def test_as_long_as_all_steps_are_masked_the_mean_is_0():
    torch.manual_seed(0)
    score, v, m, c, a = parts(6, 3)
    score[:, :2] = -torch.inf
    inputs = [score, v, m - torch.inf, 0 * c, 0 * a]
    towards = [torch.randn_like(y) for y in (v, m, c, a)]
    towards[1].zero_()
    both(inputs, towards)
    for y in learned(inputs, towards):  # by the usual route
        assert y.isfinite().all()
    y, *_ = run(*inputs)
    assert not y[:, :2].any() and y[:, 2].allclose(v[:, 2])


@pytest.mark.parametrize("scores", [[1.0, 1.0, 1.0, 0.2], [0.5, 1.0, 1.0, 0.2], [0.1, 0.2, 0.3, 0.2]])
def test_a_tie_shares_what_comes_back_to_the_highest_score(scores):
    torch.manual_seed(0)
    _, v, m, c, a = parts(4, 3, heads=1, batch=1)
    inputs = [torch.tensor(scores).double().reshape(1, 4, 1), v, torch.ones_like(m), c, a]
    both(inputs, [torch.zeros_like(v), torch.ones_like(m), torch.randn_like(c), torch.randn_like(a)])


def test_aaren_is_the_same_by_both():
    torch.manual_seed(0)
    layer = Aaren(8, 3, heads=2).double()
    x = draw(2, 20, 3)
    expected, _ = layer(x)
    with scan.only("triton"):
        found, state = layer(x[:, :7])
        rest, _ = layer(x[:, 7:], state)
    torch.testing.assert_close(torch.cat([found, rest], 1), expected, rtol=1e-12, atol=1e-12)


def test_bytes_moved():
    """Forward reads scores and values and writes y and L once; backward reads these, and writes gradients."""
    torch.manual_seed(0)
    inputs = [x.requires_grad_() for x in parts(64, 16, heads=2, batch=1, dtype=torch.float32)]
    row, whole, one = 4 * 64 * 2, 4 * 64 * 2 * 16, 4 * 2  # of all steps, and of one number of a head
    with scan.only("triton"):
        with moved() as forward:
            y, *_ = run(*inputs)
        with moved() as backward:
            torch.autograd.grad(y, inputs, torch.ones_like(y))
    assert forward.bytes == 2 * row + 2 * whole + (2 * (2 + 16) + 1) * one
    assert backward.bytes == 3 * row + 4 * whole + (4 * 16 + 9) * one


def test_wrong_shapes_are_named():
    score, v, m, c, a = parts(5, 3)
    with pytest.raises(BadInput, match=r"softmax: expected c \(2, 2\), got \(2,\)"):
        scan.softmax(score, v, (m, c[0], a))
    with pytest.raises(BadInput, match="at least one step"):
        scan.softmax(score[:, :0], v[:, :0], (m, c, a))
