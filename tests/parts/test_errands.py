"""Errands: the shortest way, and how long who wanders takes, by electrical networks and by walking."""

import pytest
import torch

from wavetrain.parts.errands import Errand
from wavetrain.parts.worlds import line, ring, square
from wavetrain.testing.tools import refused


def test_on_a_line_wandering_is_known_in_closed_form():
    """With a wall at the start and two ways in each node, n + n^2 steps for n nodes away: h_0 = n (n + 1)."""
    for nodes in (2, 3, 6):
        errand = Errand(line(nodes), 0, nodes - 1)
        far = nodes - 1
        assert float(errand.wandering()[0]) == pytest.approx(far * (far + 1))
        assert errand.shortest() == far and float(errand.wandering()[-1]) == 0


def test_on_a_ring_it_is_the_product_of_both_ways():
    errand = Errand(ring(7), 2, 0)
    assert float(errand.wandering()[2]) == pytest.approx(2 * 5)
    assert errand.shortest() == 2 and Errand(ring(7), 5, 0).shortest() == 2


def test_on_a_grid_it_is_the_resistance_between_the_corners():
    """Commuting takes (sum of conductances) x resistance; with walls every node has four of 1."""
    resistance = 47 / 22  # of a grid of 5 x 5 between opposite corners
    errand = Errand(square(5), 0, 24)
    assert float(errand.wandering()[0]) == pytest.approx(100 * resistance / 2)
    assert errand.shortest() == 8


def test_values_solve_their_equation():
    errand = Errand(square(3), 0, 8)
    chances = errand.chances()
    torch.testing.assert_close(chances.sum(1), (torch.arange(9) < 8).double())
    worth = errand.worth(0.9)
    torch.testing.assert_close(
        worth, chances @ (torch.nn.functional.one_hot(torch.tensor(8), 9) + 0.9 * worth)
    )
    assert float(worth[8]) == 0 and worth[:8].argmax() in (5, 7)
    torch.testing.assert_close(errand.worth(1.0)[:8], torch.ones(8).double())  # it comes at last
    one_way = Errand(line(2), 0, 1)
    assert float(one_way.worth(0.5)[0]) == pytest.approx(0.5 / (1 - 0.5 * 0.5))


def test_walls_leave_one_where_one_is():
    errand = Errand(square(3), 0, 8)
    assert [errand.after(0, action) for action in range(4)] == [(0, 0.0), (1, 0.0), (3, 0.0), (0, 0.0)]
    assert errand.after(7, 1) == (8, 1.0) and errand.after(5, 2) == (8, 1.0)


def test_bad_places_are_refused():
    for start, goal, said in (
        (9, 0, "start from 0 to 8, got 9"),
        (0, -1, "goal from 0 to 8, got -1"),
        (4, 4, "got 4"),
    ):
        with refused(said):
            Errand(square(3), start, goal)
    with refused("discount from 0 to 1"):
        Errand(square(3), 0, 8).worth(1.5)
