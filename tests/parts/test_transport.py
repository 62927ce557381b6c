"""Closed forms of transport: points, equal sets, shifts, and the gradient of a plan."""

import pytest
import torch
from scipy.optimize import linear_sum_assignment

from wavetrain.errors import BadInput
from wavetrain.parts.transport import _blurs, _own, _potentials, sinkhorn


def points(seed: int, count: int = 40, axes: int = 5) -> torch.Tensor:
    return torch.randn(count, axes, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_single_points_are_apart_as_the_cost_says():
    one, two = points(0, 1), points(1, 1)
    assert float(sinkhorn(one, two)) == pytest.approx(float((one - two).square().sum() / 2))


def test_it_is_zero_for_equal_sets_symmetric_and_blind_to_order():
    one, two = points(0), points(1)
    assert float(sinkhorn(one, one)) == pytest.approx(0, abs=1e-9)
    apart = float(sinkhorn(one, two))
    assert apart > 0.5
    assert float(sinkhorn(two, one)) == pytest.approx(apart, rel=1e-9)
    assert float(sinkhorn(one.flip(0), two)) == pytest.approx(apart, rel=1e-9)
    assert float(sinkhorn(one.repeat(2, 1), two)) == pytest.approx(apart, rel=1e-6)  # weights, not counts


@pytest.mark.parametrize("blur", [0.1, 0.2])
def test_a_set_that_is_moved_as_a_whole_costs_the_move(blur: float):
    one, move = points(0), torch.tensor([1.0, -2.0, 0.0, 0.5, 0.0]).double()
    assert float(sinkhorn(one, one + move, blur)) == pytest.approx(float(move.square().sum() / 2), rel=1e-3)


def test_with_little_blur_it_is_the_best_pairing():
    one, two = 3 * points(0, 12), 3 * points(1, 12)
    cost = torch.cdist(one, two).square() / 2
    row, column = linear_sum_assignment(cost.numpy())
    assert float(sinkhorn(one, two, 0.05)) == pytest.approx(float(cost[row, column].mean()), rel=0.02)


def test_the_gradient_is_that_of_the_plan():
    one, two = points(0, 10, 2).requires_grad_(), points(1, 10, 2).requires_grad_()
    sinkhorn(one, two, 1.0, last=200).backward()  # until the potentials have settled
    step = torch.zeros(10, 2).double()
    for given, row in ((one, 3), (two, 7)):
        step[row, 1] = 1e-4
        up, down = (
            float(sinkhorn(*(part.detach() + sign * step * (part is given) for part in (one, two)), 1.0, 200))
            for sign in (1, -1)
        )
        assert float(given.grad[row, 1]) == pytest.approx((up - down) / 2e-4, rel=1e-4)
        step[row, 1] = 0
    # along the gradient one set comes to the other
    one, two, down = one.detach(), two.detach(), 3 * one.grad
    assert float(sinkhorn(one - down, two, 1.0)) < 0.95 * float(sinkhorn(one, two, 1.0))


def test_what_does_not_fit_is_refused():
    for one, two in ((points(0), points(1, axes=4)), (points(0)[:0], points(1)), (points(0)[0], points(1))):
        with pytest.raises(BadInput, match="points of the same axes"):
            sinkhorn(one, two)
    with pytest.raises(BadInput, match="a blur above 0"):
        sinkhorn(points(0), points(1), 0.0)
    with pytest.raises(BadInput, match="a step or more"):
        sinkhorn(points(0), points(1), last=0)


def test_blurs_get_finer_by_a_quarter_from_above_the_largest_cost():
    assert _blurs(1.0, 0.04, 2) == pytest.approx([0.04 * 64, 0.04 * 16, 0.04 * 4, 0.04, 0.04])
    assert _blurs(0.6, 0.04, 1) == pytest.approx([0.04 * 16, 0.04 * 4, 0.04])
    assert _blurs(0.04, 0.04, 1) == _blurs(0.0, 0.04, 1) == [0.04]


def test_potentials_are_those_of_a_blurred_plan():
    """At rest, rows of exp((f + g - C) / e) / (n m) sum to 1 / n, and its columns to 1 / m."""
    cost = torch.tensor([[0.0, 1.0, 2.0], [1.0, 0.5, 0.2]], dtype=torch.float64)
    rows, columns = _potentials(cost, 0.3, 250)
    plan = torch.exp((rows[:, None] + columns - cost) / 0.3) / 6
    torch.testing.assert_close(plan.sum(1), torch.full((2,), 1 / 2).double(), rtol=0, atol=1e-9)
    torch.testing.assert_close(plan.sum(0), torch.full((3,), 1 / 3, dtype=torch.float64), rtol=0, atol=1e-9)
    square = cost[:, :2] + cost[:, :2].T
    own = _own(square, 0.3, 250)
    plan = torch.exp((own[:, None] + own - square) / 0.3) / 4
    torch.testing.assert_close(plan.sum(1), torch.full((2,), 1 / 2).double(), rtol=0, atol=1e-9)
