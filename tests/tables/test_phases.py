"""Phases of the day, the week and the year: only those that rows can tell, on the unit circle, in step."""

import numpy as np
import pytest

from wavetrain.tables.clock import DAY, Clock, moment
from wavetrain.tables.panel import Panel, Series
from wavetrain.tables.phases import CYCLES, added, columns, cycles, without

HOURS = moment("2024-01-01") + np.arange(24 * 30) * DAY // 24


def test_cycles_are_those_that_rows_can_tell():
    assert cycles(HOURS) == ("day", "week")
    assert cycles(HOURS[: 24 * 10]) == ("day",)  # two weeks are not there
    assert cycles(moment("2020-01-01") + np.arange(1500) * DAY) == ("week", "year")
    assert cycles(HOURS[:2]) == ()


def test_a_week_begins_on_monday_and_returns():
    week = columns(HOURS, ("week",))
    np.testing.assert_allclose(week[0], [0.0, 1.0], atol=1e-12)  # 2024 began on a Monday
    np.testing.assert_allclose(week[24 * 7], week[0], atol=1e-12)
    np.testing.assert_allclose((week**2).sum(1), 1.0)


def test_a_panel_gets_columns_that_are_known_ahead():
    one = Series(name="", values=np.zeros((len(HOURS), 1)), times=HOURS)
    whole = Panel(columns=("y",), series=(one,), targets=("y",), clock=Clock(1, "hour"))
    longer = added(whole, ("day",))
    assert longer.columns == ("y", "sine of the day", "cosine of the day")
    assert longer.known == longer.columns[1:] and longer.targets == ("y",)
    assert added(whole, ()) is whole


@pytest.mark.parametrize(("name", "days"), [("day", 1.0), ("week", 7.0), ("year", 365.2425)])
def test_a_cycle_is_taken_twice_and_in_more_than_two_steps(name: str, days: float):
    length = round(days * DAY)
    quarters = np.arange(9) * (length // 4)
    quarters[-1] = 2 * length
    assert name in cycles(quarters)  # twice and no more
    quarters[-1] -= 1
    assert name not in cycles(quarters)
    assert name not in cycles(np.arange(9) * (length // 2 + 1))
    assert name not in cycles(np.arange(9) * length // 2)  # half of it is too far apart
    assert CYCLES[name] == length


def test_three_rows_are_enough_for_a_cycle():
    assert cycles(np.array([0, DAY // 4, 2 * DAY])) == ()  # the usual step is longer
    assert cycles(np.array([0, DAY // 4, DAY // 2, 2 * DAY])) == ("day",)


def test_what_was_added_is_taken_off_again():
    one = Series(name="", values=np.arange(len(HOURS) * 2.0).reshape(-1, 2), times=HOURS)
    whole = Panel(columns=("y", "x"), series=(one,), targets=("y",), known=("x",))
    back = without(added(whole, ("day", "week")), ("day", "week"))
    assert (back.columns, back.known) == (whole.columns, whole.known)
    assert (back.series[0].values == one.values).all() and back.series[0].times is one.times
    assert without(whole, ()) is whole
