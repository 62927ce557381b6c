"""What is known of rows to come: which rows tell it, and to which step each belongs."""

from dataclasses import replace

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.tables.ahead import doubtful, later, parted
from wavetrain.tables.clock import Clock, moment
from wavetrain.tables.panel import Panel, Series

NAN = np.nan
DAY = 24 * 3600 * 10**6
START = moment("2024-01-01")


def sales(rows: list[list[float]], first: int = 0, name: str = "") -> Panel:
    """Of what was sold, the weather, and whether there was a sale."""
    times = START + (first + np.arange(len(rows))) * DAY
    one = Series(name=name, values=np.array(rows), times=times)
    return Panel(
        columns=("sold", "rain", "sale"),
        series=(one,),
        targets=("sold",),
        known=("sale",),
        clock=Clock(1, "day"),
    )


PAST = [[5.0, 1.0, 0.0], [NAN, 1.0, 1.0], [6.0, 0.0, 0.0]]


def test_rows_behind_the_last_one_measured_are_ahead():
    past, ahead = parted(sales([*PAST, [NAN, 7.0, 1.0], [NAN, NAN, NAN]]))
    assert len(past.series[0]) == 3 and past.series[0].times is not None and len(past.series[0].times) == 3
    np.testing.assert_array_equal(ahead[0], [[1.0], [NAN]])


def test_without_columns_known_ahead_rows_without_values_stay():
    rows = Series(name="", values=np.array([[1.0], [NAN]]))
    whole = Panel(columns=("y",), series=(rows,), targets=("y",))
    past, ahead = parted(whole)
    assert past is whole and ahead[0].shape == (0, 0)


def test_of_a_series_that_was_never_measured_all_rows_are_ahead():
    past, ahead = parted(sales([[NAN, 7.0, 1.0], [NAN, 7.0, 0.0]]))
    assert len(past.series[0]) == 0 and ahead[0].tolist() == [[1.0], [0.0]]


def test_the_last_row_measured_is_that_of_any_target():
    two = replace(sales([*PAST, [NAN, 2.0, 1.0], [NAN, NAN, 1.0]]), targets=("sold", "rain"))
    past, ahead = parted(two)
    assert len(past.series[0]) == 4 and ahead[0].tolist() == [[1.0]]


def test_rows_of_a_panel_stand_at_their_times():
    """The first is two days behind the past."""
    given = sales([[NAN, NAN, 1.0], [NAN, NAN, 0.0]], first=4)
    (found,) = later(sales(PAST), given, 4)
    np.testing.assert_array_equal(found.ravel(), [NAN, 1.0, 0.0, NAN])


def test_what_is_told_of_other_times_is_refused():
    with pytest.raises(BadInput, match="rows from 2024-01-04 to 2024-01-05, got 2024-01-10 to 2024-01-10"):
        later(sales(PAST), sales([[NAN, NAN, 1.0]], first=9), 2)
    with pytest.raises(BadInput, match="rows from 2024-01-04 to 2024-01-06, got 2024-01-10 to 2024-01-12"):
        later(sales(PAST), sales([[NAN, NAN, 1.0]] * 3, first=9), 3)
    with pytest.raises(BadInput, match="has a series 'Oslo', the rows before have none"):
        later(sales(PAST), sales([[NAN, NAN, 1.0]], first=3, name="Oslo"), 2)


def test_arrays_are_taken_for_each_series():
    (found,) = later(sales(PAST), [np.array([[1.0], [0.0]])], 2)
    assert found.ravel().tolist() == [1.0, 0.0]
    with pytest.raises(BadInput, match=r"\(2, 1\) of sale; got 1: \(3, 1\)"):
        later(sales(PAST), [np.zeros((3, 1))], 2)
    plain = Panel(columns=("y",), series=(Series(name="", values=np.zeros((3, 1))),), targets=("y",))
    with pytest.raises(BadInput, match="the model has no such columns"):
        later(plain, [np.zeros((2, 0))], 2)


def test_of_many_arrays_three_shapes_are_told():
    with pytest.raises(BadInput, match=r"each of 1 series, \(2, 1\) of sale; got 4: (\(2, 1\)(, |$)){3}$"):
        later(sales(PAST), [np.zeros((2, 1))] * 4, 2)


def test_without_times_on_either_side_rows_follow_the_past():
    given = sales([[NAN, NAN, 1.0], [NAN, NAN, 0.0]], first=9)
    for past, ahead in ((timeless(sales(PAST)), given), (sales(PAST), timeless(given))):
        for horizon, wanted in ((1, [1.0]), (3, [1.0, 0.0, NAN])):
            np.testing.assert_array_equal(later(past, ahead, horizon)[0].ravel(), wanted)


def timeless(panel: Panel) -> Panel:
    return replace(panel, series=tuple(replace(one, times=None) for one in panel.series))


def test_one_clock_of_both_is_enough():
    given = sales([[NAN, NAN, 1.0]], first=3)
    for past, ahead in (
        (replace(sales(PAST), clock=None), given),
        (sales(PAST), replace(given, clock=None)),
    ):
        assert later(past, ahead, 1)[0].item() == 1.0
    with pytest.raises(BadInput, match="expected the clock"):
        later(replace(sales(PAST), clock=None), replace(given, clock=None), 1)


def test_a_column_is_doubted_where_it_equals_a_target_that_varies():
    def told(*rows: list[float]) -> tuple[str, ...]:
        one = Series(name="", values=np.array([[*row, 0.0] for row in rows]))
        return doubtful(Panel(columns=("y", "x", "z"), series=(one,), targets=("y",), known=("x",)))

    assert told([5, 5], [5.5, 5.5], [NAN, 1], [2, NAN]) == (
        "x is to be known ahead, and equals y in all 2 rows that have both: is it known before y is?",
    )
    assert not told([5, 5], [6, 6], [7, 8])  # not in all
    assert not told([5, 5], [5, 5])  # nothing varies
    assert not told([5, 5])
