"""Phases of the day, the week and the year: only those that rows can tell, on the unit circle, in step."""

import numpy as np

from wavetrain.tables.clock import DAY, Clock, moment
from wavetrain.tables.panel import Panel, Series
from wavetrain.tables.phases import added, columns, cycles

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
