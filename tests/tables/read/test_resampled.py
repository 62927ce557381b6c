"""Rows at uneven times, brought to even ones: means by hand, empty steps missing, and later tables alike."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from wavetrain.errors import BadInput
from wavetrain.tables import stored
from wavetrain.tables.panel import Panel
from wavetrain.tables.read import read, read_like, resampled
from wavetrain.tables.read.resampled import _tells
from wavetrain.tables.read.rows import Ids

UNEVEN = """time,load,sky
2024-01-01 00:05,1,clear
2024-01-01 00:50,3,rain
2024-01-01 01:10,,rain
2024-01-01 01:59:59,7,clear
2024-01-01 04:00,5,clear
2024-01-01 04:30,6,clear
"""


def table(text: str = UNEVEN) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(text))


def values(panel: Panel, place: int = 0) -> list[float]:
    return panel.series[place].values[:, 0].tolist()


def test_each_step_is_the_mean_of_what_was_measured_in_it():
    panel = read(table(), resample="1h")
    np.testing.assert_array_equal(values(panel), [2, 7, np.nan, np.nan, 5.5])
    assert panel.columns == ("load", "sky=clear", "sky=rain")
    np.testing.assert_array_equal(panel.series[0].values[:, 1], [0.5, 0.5, np.nan, np.nan, 1])
    assert str(panel.clock) == "hour"
    assert panel.clock is not None and panel.series[0].times is not None
    assert panel.clock.told(panel.series[0].times)[:2] == ["2024-01-01 00:00:00", "2024-01-01 01:00:00"]


def test_what_was_done_is_said():
    said = read(table(), resample="1h").said
    assert len(said) == 5 and said[1] == "6 rows of one series"
    assert said[2].endswith(
        "every hour, by time; 6 rows resampled to 5, the mean of each 1h; "
        "2 of them had no row and stay missing"
    )


def test_uneven_times_are_said_where_nothing_is_asked():
    said = read(table().assign(load=[1, 2, 3, 4, 5, 6.5])).said
    assert "times are uneven" in said[2] and "not resampled" in said[2]


def test_series_are_resampled_by_themselves():
    both = pd.concat([table().assign(id="a"), table().assign(id="b", load=1.0)]).sort_values("time")
    panel = read(both, id="id", resample="2h")
    assert [one.name for one in panel.series] == ["a", "b"]
    np.testing.assert_allclose(values(panel), [11 / 3, np.nan, 5.5])
    np.testing.assert_array_equal(values(panel, 1), [1, np.nan, 1])


def test_days_are_those_of_the_zone_also_when_clocks_change():
    hours = pd.date_range("2024-03-30", "2024-04-02", freq="h", tz="Europe/Oslo", inclusive="left")
    panel = read(pd.DataFrame({"time": hours, "y": np.arange(len(hours)) % 7}), resample="1D")
    assert len(panel.series[0]) == 3 and str(panel.clock) == "day"
    assert values(panel)[1] == pytest.approx(np.mean(np.arange(24, 47) % 7))


@pytest.mark.parametrize("every", ["1h", "1H", "60min", "h"])
def test_ways_to_say_an_hour(every: str):
    assert str(read(table(), resample=every).clock) == "hour"


def test_a_later_table_is_resampled_in_the_same_way(tmp_path: Path):
    stored.write(read(table(), resample="1h"), tmp_path / "panel.npz")
    later = table(
        "time,load,sky\n2024-01-02 00:01,4,rain\n2024-01-02 00:02,6,rain\n2024-01-02 01:02,1,clear\n"
    )
    panel = read_like(later, stored.read(tmp_path / "panel.npz"))
    assert values(panel) == [5, 1] and "resampled to 2" in panel.said[2]


@pytest.mark.parametrize(
    ("every", "message"),
    [
        (
            "an hour",
            "expected a length of time to resample by, such as 15min, 1h, 1D, 1W or 1MS; got 'an hour'",
        ),
        ("-1h", "expected a length of time"),
        ("1us", "6 rows would become 15,900,000,000: give a longer step"),
    ],
)
def test_what_is_no_step_is_refused(every: str, message: str):
    with pytest.raises(BadInput, match=message):
        read(table(), resample=every)


def test_without_times_there_is_nothing_to_resample_by():
    with pytest.raises(BadInput, match="expected a column of times to resample by 1h, got none"):
        read(pd.DataFrame({"y": [1.0, 2.5, 3]}), resample="1h")
    with pytest.raises(BadInput, match="expected a table with times to resample by 1h, got arrays"):
        read(np.arange(9.0), resample="1h")


def test_an_infinite_row_is_named():
    with pytest.raises(BadInput, match="row 2 is infinite"):
        read(table().assign(load=[1, np.inf, 3, 4, 5, 6]), resample="1h")


@pytest.mark.parametrize(
    ("form", "seconds", "tells"),
    [
        ("", 0, False),
        ("%Y-%m-%d", 0, True),
        ("%Y-%m-%d", 60, False),
        ("%Y-%m-%d %H:%M", 60, True),
        ("%Y-%m-%d %H:%M", 61, False),
        ("%Y-%m-%d %I:%M %p", 3600, True),
        ("%Y-%m-%d %H:%M:%S", 61, True),
        ("%Y-%m-%d %H:%M", 0, True),
    ],
)
def test_a_form_must_tell_the_new_times_apart(form: str, seconds: int, tells: bool):
    ticks = np.array([0, 86_400 + seconds]) * 10**6
    assert _tells(form, ticks) == tells


def test_steps_that_all_have_rows_are_said_as_such():
    said = read(table().iloc[:4], resample="1h").said[2]
    assert said.endswith("every hour, by time; 4 rows resampled to 2, the mean of each 1h")


@pytest.mark.parametrize("every", ["0h", "0.5x", ""])
def test_a_step_is_longer_than_nothing(every: str):
    with pytest.raises(BadInput, match=f"such as 15min, 1h, 1D, 1W or 1MS; got '{every}'$"):
        resampled._step(every)


def test_a_hundred_thousand_steps_or_ten_times_the_rows_are_the_most():
    ids = Ids("", np.zeros(2, int), ("",))
    resampled._check_count(ids, np.array([0, 100_000 * 10**6]), "1s", resampled._step("1s"))
    with pytest.raises(BadInput, match=r"^resampled by 1s, 2 rows would become 100,001: give a longer step$"):
        resampled._check_count(ids, np.array([0, 100_001 * 10**6]), "1s", resampled._step("1s"))
    many = np.append(np.zeros(19_999, int), 200_000 * 10**6)
    resampled._check_count(Ids("", np.zeros(20_000, int), ("",)), many, "1s", resampled._step("1s"))
    two = Ids("id", np.array([0, 0, 1, 1]), ("a", "b"))  # each series by itself
    resampled._check_count(two, np.array([0, 10**6, 10**15, 10**15 + 10**6]), "1s", resampled._step("1s"))
