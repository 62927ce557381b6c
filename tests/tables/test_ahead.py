"""What is known of rows to come: which rows tell it, and to which step each belongs."""

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.tables.ahead import later, parted
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
    assert past is whole and ahead[0].size == 0


def test_rows_of_a_panel_stand_at_their_times():
    """The first is two days behind the past."""
    given = sales([[NAN, NAN, 1.0], [NAN, NAN, 0.0]], first=4)
    (found,) = later(sales(PAST), given, 4)
    np.testing.assert_array_equal(found.ravel(), [NAN, 1.0, 0.0, NAN])


def test_what_is_told_of_other_times_is_refused():
    with pytest.raises(BadInput, match="rows from 2024-01-04 to 2024-01-05, got 2024-01-10 to 2024-01-10"):
        later(sales(PAST), sales([[NAN, NAN, 1.0]], first=9), 2)
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
