"""Rows in their order in time, what was done to them, and where some are missing."""

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.tables.order import Ruler, ordered
from wavetrain.tables.times import DAY

HOUR = DAY // 24


def of(*ticks: float, unit: int = 0) -> tuple[list[int], list[str]]:
    """Numbers, or times in a unit."""
    told = [f"<{one:g}>" for one in ticks]
    ruler = Ruler("t", np.array(ticks) * (unit or 1), told, calendar=bool(unit))
    order, words = ordered(ruler, range(2, 2 + len(ticks)))
    return order.tolist(), words


def test_rows_are_sorted_and_that_is_told():
    assert of(1, 2, 3) == ([0, 1, 2], [])
    assert of(3, 2, 1) == ([2, 1, 0], ["newest first, turned round by t"])
    assert of(2, 3, 1) == ([2, 0, 1], ["out of order, sorted by t"])


def test_a_time_that_is_there_twice_is_refused():
    with pytest.raises(BadInput) as caught:
        of(1, 3, 2, 3, 2, 3)
    assert str(caught.value).startswith(
        "line 6, t: expected each time once, got '<2>' as in line 4, 3 such rows in all; a long table"
    )


GAP = "after <{}>; rows on both sides count as neighbours"


def test_more_than_a_step_and_a_half_is_a_gap():
    assert of(1, 2, 3, 4.5) == ([0, 1, 2, 3], [])
    assert of(1, 2, 3, 4.6) == ([0, 1, 2, 3], [f"a gap of 1.6 {GAP.format(3)}"])
    assert of(8, 1, 2, 5, 6, 7)[1] == ["out of order, sorted by t", f"a gap of 3 {GAP.format(2)}"]
    assert of(0, 1, 2, 5, 6, 7, 11, 12, 13)[1] == [f"2 gaps, the longest of 4 {GAP.format(7)}"]


def test_gaps_of_times_are_told_in_their_units():
    assert of(0, 1, 2, 5, unit=HOUR)[1] == [f"a gap of 3 h {GAP.format(2)}"]
    assert of(0, 1, 2, 5, unit=DAY)[1] == [f"a gap of 3 days {GAP.format(2)}"]


def test_a_weekend_is_no_gap_where_no_row_is_of_one():
    """1970 began on a Thursday."""
    assert of(0, 1, 4, 5, 6, 7, 8, 11, unit=DAY)[1] == []
    assert of(0, 1, 4, 5, 7, 8, 11, unit=DAY)[1] == [f"a gap of 2 days {GAP.format(5)}"]
    assert len(of(0, 1, 2, 4, 5, 6, 7, 8, 11, unit=DAY)[1]) == 1  # a Saturday is among them
    assert len(of(0.5, 1.5, 4.5, 5.5, 6.5, unit=DAY)[1]) == 1  # times of day
    assert len(of(*np.array([0, 1, 4, 5, 6]) * DAY)[1]) == 1  # numbers
