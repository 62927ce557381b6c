"""Several futures: what decides."""

import torch

from wavetrain.experiments.memories.htm_branching import _holds, _over_time


def figures(**changed: float) -> dict[str, float]:
    right = {f"found{endings}_htm": 1.0 for endings in (2, 4)} | {
        f"wrong{endings}_htm": 0.1 for endings in (2, 4)
    }
    few = {f"found{endings}_one_cell": 0.5 for endings in (2, 4)} | {
        f"wrong{endings}_one_cell": 0.0 for endings in (2, 4)
    }
    return right | few | changed


def test_all_must_be_found_and_nearly_nothing_else():
    assert _holds(figures()) is True
    for endings in (2, 4):
        assert _holds(figures(**{f"found{endings}_htm": 0.94})) is False
        assert _holds(figures(**{f"wrong{endings}_htm": 0.26})) is False


def test_it_must_be_the_cells_of_a_column_that_do_it():
    union = {"found2_one_cell": 1.0, "wrong2_one_cell": 2.0}
    assert _holds(figures(**union)) is True, "the union of all futures has too many"
    assert _holds(figures(**union | {"wrong2_one_cell": 0.1})) is False


def test_symbols_are_counted_where_they_are_asked():
    said, asked = torch.zeros(80, 10, dtype=torch.bool), torch.zeros(80, dtype=torch.bool)
    asked[::2] = True
    said[:40, :3] = True
    said[1::2] = True
    assert _over_time(said, asked).tolist() == [3.0] * 20 + [0.0] * 20
