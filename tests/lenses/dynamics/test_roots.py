"""The searches for fixed points, step by step, against what they are named after."""

import torch
from torch import Tensor

from tests.promises import normal
from wavetrain.lenses.dynamics import _roots
from wavetrain.lenses.dynamics._map import Map, Scaled


class Seen:
    """A map that keeps what it was asked for."""

    def __init__(self, function):
        self.function, self.asked = function, []

    def __call__(self, h: Tensor) -> Tensor:
        self.asked.append(h.detach().clone())
        return self.function(h)


def of(function) -> tuple[Seen, Scaled]:
    seen = Seen(function)
    return seen, Scaled(Map("here", seen), torch.ones(1, 1))


def test_descent_is_that_of_adam_with_a_rate_that_falls_to_a_hundredth():
    weight = 1.5 * normal(4, 4)
    start = normal(6, 4, seed=1)
    _, map = of(lambda h: torch.tanh(h @ weight.T))
    steps, rate = 25, 0.05
    rows, eye = start.clone(), torch.eye(4).double()
    first, second = torch.zeros_like(rows), torch.zeros_like(rows)
    for step in range(1, steps + 1):
        after = torch.tanh(rows @ weight.T)
        slope = (1 - after**2)[:, :, None] * weight - eye
        grad = ((after - rows)[:, None] @ slope)[:, 0]
        first = 0.9 * first + 0.1 * grad
        second = 0.99 * second + 0.01 * grad**2
        move = first / (1 - 0.9**step) / ((second / (1 - 0.99**step)).sqrt() + 1e-12)
        rows = rows - rate * 100 ** (-step / steps) * move
    with torch.no_grad():
        found = _roots.descend(map, start, steps, rate)
    torch.testing.assert_close(found, rows, rtol=0, atol=1e-10)
    assert torch.equal(_roots.descend(map, start, 0, rate), start)


def test_haste_in_one_dimension_is_the_secant_method():
    """With half of a step after one that made the row faster, and twice that after one that did not."""

    def gap(h: float) -> float:
        return h**3 - 2 * h + 0.5 if abs(h) < 10 else float("nan")

    for start in (0.9, 2.0, -0.6, 0.85, 0.1):
        seen, map = of(lambda h: h**3 - h + 0.5)
        at, inverse, part, tried = start, 1 / (3 * start**2 - 2), 1.0, []
        for _ in range(_roots.HASTE):
            there = at - part * inverse * gap(at)
            tried.append(there)
            inverse = (there - at) / (gap(there) - gap(at))
            gain = abs(gap(there)) < abs(gap(at))
            at, part = (there, min(2 * part, 1.0)) if gain else (at, part / 2)
            if abs(gap(at)) <= 1e-8 * (1 + abs(at)) or part <= 1 / 32:
                break
        with torch.no_grad():
            found = _roots.hasten(map, torch.tensor([[start]], dtype=torch.float64))
        asked = torch.cat(seen.asked[-len(tried) :])[:, 0]
        torch.testing.assert_close(asked, torch.tensor(tried, dtype=torch.float64), rtol=1e-7, atol=1e-10)
        assert abs(found.item() - at) < 1e-10 and len(seen.asked) == len(tried) + 2


def test_haste_in_many_dimensions_is_the_good_method_of_broyden():
    """Its inverse is brought up to date by Sherman and Morrison: here the matrix is, and is solved."""
    weight = 0.6 * normal(3, 3)
    start = 0.8 * normal(1, 3, seed=2)
    seen, map = of(lambda h: torch.tanh(h @ weight.T) + 0.1)

    def gap(h: Tensor) -> Tensor:
        return torch.tanh(weight @ h) + 0.1 - h

    at = start[0]
    slope = torch.autograd.functional.jacobian(gap, at)
    tried = []
    for _ in range(6):
        step = -torch.linalg.solve(slope, gap(at))
        tried.append(at + step)
        assert gap(at + step).norm() < gap(at).norm(), "no step is halved here"
        slope = slope + torch.outer(gap(at + step) - gap(at) - slope @ step, step) / (step @ step)
        at = at + step
        if gap(at).norm() <= 1e-8 * (1 + at.norm()):
            break
    with torch.no_grad():
        found = _roots.hasten(map, start)
    assert len(tried) > 2 and len(seen.asked) == len(tried) + 2
    torch.testing.assert_close(torch.cat(seen.asked[2:]), torch.stack(tried), rtol=0, atol=1e-9)
    torch.testing.assert_close(found[0], at, rtol=0, atol=1e-9)


def test_rows_that_end_early_leave_the_others_alone():
    """Rows of very different haste end where each does by itself; one without an inverse stays."""
    start = torch.linspace(-1.5, 1.5, 13)[:, None].double()
    start[5] = 0.5**0.5  # there the slope is 1
    _, map = of(lambda h: torch.where(h == 0.5**0.5, h * 1.0 + 0.2, torch.tanh(3 * h)))
    with torch.no_grad():
        both = _roots.hasten(map, start)
        alone = torch.cat([_roots.hasten(map, row[None]) for row in start])
    torch.testing.assert_close(both, alone, rtol=0, atol=1e-7)
    assert both[5] == start[5]
    others = torch.cat([both[:5], both[6:]])
    assert (torch.tanh(3 * others) - others).abs().max() < 3e-8


def test_a_linear_gap_is_closed_in_one_step_and_a_flat_one_is_the_least_speed():
    """h' = A h + b, by Newton; and h' = h + (h - 1)^2 + 0.5, of which the speed is 0.5 at 1, and no less."""
    a, b = 0.5 * normal(3, 3), normal(3, seed=1)
    _, map = of(lambda h: h @ a.T + b)
    with torch.no_grad():
        found = _roots.refine(map, normal(4, 3, seed=2))
        point = torch.linalg.solve(torch.eye(3).double() - a, b)
        torch.testing.assert_close(found.rows, point.expand(4, 3), rtol=0, atol=1e-12)
        torch.testing.assert_close(found.jacobian, a.expand(4, 3, 3))
        assert (found.error < 1e-12).all() and (found.speed < 1e-13).all()
        flat = of(lambda h: h + (h - 1) ** 2 + 0.5)[1]
        least = _roots.refine(flat, torch.tensor([[1.0], [3.0]]).double())
    assert abs(least.speed - 0.5).max() < 1e-6 and (least.rows - 1).abs().max() < 1e-2
    assert least.slope[0] == 0 and least.error[0] == torch.inf, "a Jacobian of 1 has no Newton step"
    moving = of(lambda h: h + 0.25 + 0 * h)[1]
    with torch.no_grad():
        stuck = _roots.refine(moving, torch.zeros(2, 1).double())
    assert (stuck.speed == 0.25).all() and (stuck.rows == 0).all() and (stuck.slope == 0).all()


def test_slope_is_the_share_of_the_speed_that_a_unit_of_distance_takes():
    """|K' r| / |r|^2 and |K^-1 r| of a map that no step makes slower, since all else is not a number."""
    start = torch.tensor([[0.5, -0.25]]).double()
    a = torch.tensor([[1.0, 0.5], [0.25, 2.0]]).double()
    hit = torch.tensor([3.0, 1.0]).double()

    def only(h: Tensor) -> Tensor:
        return torch.where((h == start).all(1, keepdim=True), h @ a.T + hit, torch.nan)

    with torch.no_grad():
        found = _roots.refine(of(only)[1], start)
    r = start[0] @ a.T + hit - start[0]
    k = a - torch.eye(2)
    torch.testing.assert_close(found.speed[0], r.norm())
    torch.testing.assert_close(found.slope[0], (k.T @ r).norm() / r.norm() ** 2)
    torch.testing.assert_close(found.error[0], torch.linalg.solve(k, r).norm())
    assert torch.equal(found.rows, start)


def test_what_is_apart():
    """At a distance of `within` in the root mean square two rows are one; one that is no number is last."""
    rows = torch.tensor([[3.0, 0.0], [0.0, 0.0], [0.75, 0.75], [torch.nan, 0.0], [3.0, 1.5]]).double()
    speed = torch.tensor([0.3, 0.1, 0.2, torch.nan, 0.4])
    kept, owner = _roots.apart(rows, speed, 0.75)
    assert kept.tolist() == [1, 0, 4, 3] and owner.tolist() == [1, 0, 0, 3, 2]
    kept, owner = _roots.apart(rows[:0], speed[:0], 1.0)
    assert kept.tolist() == [] and owner.tolist() == []
