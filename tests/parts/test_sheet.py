"""Where cells of a sheet lie: two lattices on a torus, what moves onto what, and squares of cells."""

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.parts.sheet import Sheet


def test_the_sizes_of_the_paper():
    for cells, side in ((12_500, 100), (450_000, 600), (1_012_500, 900)):
        assert Sheet(cells).side == side and Sheet(cells).excitatory == cells * 4 // 5 == side**2
    assert Sheet(1_012_500, length=6.0).spacing == pytest.approx(6 / 900)


def test_an_inhibitory_cell_lies_on_every_second_excitatory_one_both_ways():
    sheet = Sheet(45, length=3.0)
    place = sheet.positions()
    assert place[:7].tolist() == [[0, 0], [0.5, 0], [1, 0], [1.5, 0], [2, 0], [2.5, 0], [0, 0.5]]
    assert place[36:].tolist() == [[x, y] for y in (0, 1, 2) for x in (0, 1, 2)]


def test_moving_keeps_kinds_and_ways_and_comes_round():
    sheet = Sheet(180)
    there = sheet.moved((2, 5))
    assert sorted(there) == list(range(180)) and (there[:144] < 144).all()
    way = (sheet.places()[there] - sheet.places()) % sheet.side
    assert (way == [4, 10]).all()
    assert (sheet.moved((6, -6)) == np.arange(180)).all()


def test_pools_are_squares_row_by_row():
    sheet = Sheet(80)  # 8 by 8 excitatory ones
    pool = sheet.pools(4)
    assert pool[:64].reshape(8, 8)[:5, :5].tolist() == [[0] * 4 + [1]] * 4 + [[2] * 4 + [3]]
    assert (pool[64:] == -1).all() and (np.bincount(pool[:64]) == 16).all()


@pytest.mark.parametrize(
    "ask, words",
    [
        (lambda: Sheet(100_000), r"expected 5 n\^2 cells, such as 99405 or 100820, got 100000"),
        (lambda: Sheet(0), r"such as 5 or 20, got 0"),
        (lambda: Sheet(-5), "got -5"),
        (lambda: Sheet(500, length=0.0), "length above 0 mm, got 0.0"),
        (lambda: Sheet(500, length=float("nan")), "length above 0 mm, got nan"),
        (lambda: Sheet(500).pools(3), "fill a side of 20 cells, got 3 wide"),
        (lambda: Sheet(500).pools(0), "got 0 wide"),
    ],
)
def test_what_does_not_fit_is_refused(ask, words):
    with pytest.raises(BadInput, match=words):
        ask()
