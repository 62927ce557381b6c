"""Which columns tell times and series: what is asked for, and what is found in which order."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from wavetrain.errors import BadInput
from wavetrain.tables.clock import DAY, moment
from wavetrain.tables.read.asked import Asked
from wavetrain.tables.read.frames import table_of_frame
from wavetrain.tables.read.roles import When, ids_of, when_again, when_of
from wavetrain.tables.read.rows import Ids
from wavetrain.tables.read.table import Table

DAYS = ["2024-01-01", "2024-01-02", "2024-01-03"]
HOUR = DAY // 24
DATES, CLOCK, COUNTS = "dates the rows", "is the time of day", "numbers the rows"


def table(**columns: Any) -> Table:
    return table_of_frame(pd.DataFrame(columns))


def ticks(when: When) -> list[float]:
    assert when.moments is not None
    return when.moments.ticks.tolist()


def at(*texts: str) -> list[int]:
    return [moment(text) for text in texts]


def test_the_first_column_of_times_is_taken():
    found = when_of(table(y=[1, 2, 4], a=DAYS, b=[f"2025-{day[5:]}" for day in DAYS]), Asked())
    assert found.used == {"a": DATES} and ticks(found) == at(*DAYS)


@pytest.mark.parametrize("asked", [Asked(target=("a",)), Asked(id=("a",)), Asked(known=("a",))])
def test_a_column_with_another_role_tells_no_times(asked: Asked):
    found = when_of(table(a=DAYS, b=[f"2025-{day[5:]}" for day in DAYS], y=[1, 2, 4]), asked)
    assert found.used == {"b": DATES}


CLOCKS = ["10:00", "11:30", "12:00"]


def test_times_of_day_stand_beside_their_days():
    found = when_of(table(day=DAYS, y=[5, 6, 8], w=["red"] * 3, clock=CLOCKS), Asked())
    assert found.used == {"day": DATES, "clock": CLOCK}
    assert ticks(found) == at("2024-01-01 10:00", "2024-01-02 11:30", "2024-01-03 12:00")
    hours = [f"{day} 00:30" for day in DAYS]  # has its time of day
    for days in (hours, [f"{day} 00:00Z" for day in DAYS]):
        assert when_of(table(day=days, y=[5, 6, 8], clock=CLOCKS), Asked()).used == {"day": DATES}
    some = ["10:00", "soon", "12:00"]
    assert when_of(table(day=DAYS, y=[5, 6, 8], clock=some), Asked()).used == {"day": DATES}


CALENDAR: dict[str, tuple[dict[str, list], list[str], list[str]]] = {
    "year and month": (
        {"y": [1, 2], "Month": [1, 12], "YEAR": [2023, 2024]},
        ["2023-01-01", "2024-12-01"],
        ["YEAR", "Month"],
    ),
    "year and quarter": (
        {"year": [2023, 2024, 2024, 2025], "quarter": [1, 2, 3, 4], "y": [1, 2, 4, 5]},
        ["2023-01-01", "2024-04-01", "2024-07-01", "2025-10-01"],
        ["year", "quarter"],
    ),
    "all": (
        dict(
            year=[2023] * 2, month=[2] * 2, day=[3] * 2, hour=[4, 5], minute=[6, 7], second=[8, 9], y=[1, 2]
        ),
        ["2023-02-03 04:06:08", "2023-02-03 05:07:09"],
        ["year", "month", "day", "hour", "minute", "second"],
    ),
    "months before quarters": (
        dict(year=[2023] * 2, month=[2, 3], quarter=[1, 2], y=[1, 2]),
        ["2023-02-01", "2023-03-01"],
        ["year", "month"],
    ),
}


@pytest.mark.parametrize("case", CALENDAR)
def test_columns_of_the_calendar_make_a_day(case: str):
    columns, wanted, used = CALENDAR[case]
    whole = table(**columns)
    for found in (when_of(whole, Asked()), when_again(whole, used, "")):
        assert found.used == dict.fromkeys(used, DATES) and ticks(found) == at(*wanted)
        assert found.moments is not None and found.moments.name == ", ".join(used)
    assert found.moments.told[0] == " ".join(f"{columns[name][0]:g}" for name in used)


def test_columns_that_make_no_day_are_no_calendar():
    for columns in (
        dict(year=[2023, 2024], month=[1, 13], y=[1, 2]),
        dict(year=[2023, 2024], month=[1.5, 2], y=[1, 2]),
        dict(year=[2023, 2024], month=["one", "two"], y=[1, 2]),
        dict(month=[1, 2], day=[1, 2], y=[1, 2]),
    ):
        used = {"year": DATES} if "year" in columns else {"month": COUNTS}
        assert when_of(table(**columns), Asked()).used == used
        if "year" in columns:
            with pytest.raises(BadInput, match=r"^year, month: expected times, as in training$"):
                when_again(table(**columns), ["year", "month"], "")


def test_times_as_they_were_in_training():
    assert when_again(table(y=[1, 2]), [], "") == When(None, {})
    days = table(when=["01.02.2024", "02.03.2024"], clock=["10:00", "11:00"], y=[1, 2])
    assert ticks(when_again(days, ["when"], "%m.%d.%Y")) == at("2024-01-02", "2024-02-03")
    found = when_again(days, ["when", "clock"], "%d.%m.%Y %H:%M")
    assert ticks(found) == at("2024-02-01 10:00", "2024-03-02 11:00")
    assert found.used == {"when": DATES, "clock": DATES}


def test_what_is_asked_for_is_read_as_times():
    long = ["x" * 50, "soon", "later"]
    whole = table(year=[2001, 2002, 2004], n=[1.5, 2.5, 5.0], w=long, day=DAYS, clock=CLOCKS)
    assert ticks(when_of(whole, Asked(time=("year",)))) == at("2001-01-01", "2002-01-01", "2004-01-01")
    assert ticks(when_of(whole, Asked(time=("n",)))) == [1.5, 2.5, 5.0]
    assert ticks(when_of(whole, Asked(time=("day", "clock"))))[0] == moment("2024-01-01 10:00")
    with pytest.raises(BadInput) as caught:
        when_of(whole, Asked(time=("w",)))
    assert str(caught.value) == f"w: expected times, got '{'x' * 40}' in line 1"
    with pytest.raises(BadInput, match=r"^n, w: expected times, got '1.5' in line 1$"):
        when_of(whole, Asked(time=("n", "w")))


NUMBERED: list[tuple[dict[str, list], Asked, dict[str, str]]] = [
    ({"a": [3, 4, 5], "y": [1, 7, 2]}, Asked(), {"a": COUNTS}),
    ({"a": [1, 2, 4], "y": [1, 7, 2]}, Asked(), {}),  # uneven
    ({"a": [1, 1, 2], "y": [1, 7, 2]}, Asked(), {}),  # twice
    ({"y": [1, 7, 2], "a": [3, 4, 5]}, Asked(), {}),  # not the first
    ({"y": [1, 7, 2], "step": [3, 5, 4]}, Asked(), {"step": COUNTS}),  # even where they are sorted
    ({"y": [1, 7, 2], "step": [1, 2, 4]}, Asked(), {"step": COUNTS}),  # rising
    ({"y": [1, 7, 2], "step": [4, 2, 1]}, Asked(), {"step": COUNTS}),  # falling
    ({"y": [1, 7, 2], "step": [2, 1, 4]}, Asked(), {}),
    ({"y": [1, 7, 2], "step": [1, 1, 2]}, Asked(), {}),
    ({"who": list("aab"), "step": [1, 2, 1], "y": [1, 7, 2]}, Asked(id=("who",)), {"step": COUNTS}),
    ({"who": list("aab"), "step": [1, 2, 1], "y": [1, 7, 2]}, Asked(), {}),
    ({"t": [3, 4, 5]}, Asked(), {}),  # all that there is
    ({"a": [3], "y": [1]}, Asked(), {}),
    ({"a": [3, 4, 5], "y": [1, 7, 2]}, Asked(target=("a",)), {}),
    ({"day": [45000, 45001, 45003], "y": [1, 7, 2]}, Asked(), {"day": DATES}),  # of a spreadsheet
]


@pytest.mark.parametrize(("columns", "asked", "used"), NUMBERED)
def test_numbers_of_rows(columns: dict[str, list], asked: Asked, used: dict[str, str]):
    found = when_of(table(**columns), asked)
    assert found.used == used and (found.moments is None) == (not used)


def test_a_file_of_several_is_long():
    whole = table(file=["a", "a", "b", "b"], step=[1, 2, 1, 2], y=[1, 7, 2, 4])
    several = Table(whole.frame, whole.line, file="file")
    found = when_of(several, Asked())
    assert found.used == {"step": COUNTS}
    ids, keys = ids_of(several, Asked(), found)
    assert ids.kinds == ("a", "b") and keys == {"file": "tells series apart"}


def test_files_that_go_on_are_one_series():
    days = [f"2024-01-0{place}" for place in (1, 2, 3, 4)]
    whole = table(file=["a", "a", "b", "b"], day=days, y=[1, 7, 2, 4])
    several = Table(whole.frame, whole.line, file="file")
    ids, keys = ids_of(several, Asked(), when_of(several, Asked()))
    assert ids.name == "" and ids.kinds == ("",) and ids.codes.tolist() == [0] * 4
    assert keys == {"file": "says which of 2 files a row is from, one after another"}
    ids, keys = ids_of(several, Asked(), When(None, {}))
    assert ids.kinds == ("a", "b") and keys == {"file": "tells series apart"}


def of(asked: Asked | None = None, when: When | None = None, **columns: Any) -> tuple[Ids, dict[str, str]]:
    whole = table(**columns)
    asked = asked or Asked()
    return ids_of(whole, asked, when_of(whole, asked) if when is None else when)


APART = "tells series apart"


def test_ids_that_are_asked_for_are_joined_as_text():
    ids, keys = of(Asked(id=("b", "a")), a=["007", "7", "007"], b=[1, 1, 1], y=[1, 2, 4])
    assert ids.name == "b, a" and ids.columns == ("b", "a") and ids.kinds == ("1/007", "1/7")
    assert ids.codes.tolist() == [0, 1, 0] and keys == {"b": APART, "a": APART}
    with pytest.raises(BadInput, match=r"^line 2, a: expected an id, got none$"):
        of(Asked(id=("b", "a")), a=["x", "", None], b=[1, 1, 1], y=[1, 2, 4])


def test_a_column_that_is_called_an_id():
    y = [1.0, 2.0, 4.0, 1.0]
    assert of(id=list("abab"), y=y)[1] == {"id": APART}
    assert of(id=[1.0, 2.0, 1.0, 2.0], y=y)[0].kinds == ("1", "2")
    assert of(id=list("abcd"), y=y)[1] == {"id": "tells the rows apart"}
    assert of(id=list("aaaa"), y=y)[1] == {"id": "is the same throughout"}
    for none in ([1.5, 2.0, 1.5, 2.0], [1.0, np.nan, 1.0, 2.0], [True, False, True, False]):
        assert of(id=none, y=y)[1] == {}
    assert of(Asked(target=("id",)), id=[1, 2, 1, 2], y=y)[1] == {}


def test_several_columns_that_are_called_ids():
    y = [1.0, 2.0, 4.0, 1.0]
    with pytest.raises(
        BadInput, match=r"^several columns may tell series apart: a_id, b_id; say which is the id$"
    ):
        of(a_id=list("abab"), b_id=list("aabb"), y=y)
    days = ["2024-01-01", "2024-01-01", "2024-01-02", "2024-01-02"]
    found = of(day=days, a_id=list("aabb"), b_id=list("abab"), c_id=list("abab"), y=y)
    assert found[0].columns == ("b_id",)  # the first one that has each time once
    assert found[1] == dict.fromkeys(("a_id", "b_id", "c_id"), APART)
    days = ["2024-01-01"] * 4
    found = of(day=days, a_id=list("aabb"), b_id=list("abab"), y=y)
    assert found[0].columns == ("a_id", "b_id") and len(found[0].kinds) == 4


def test_the_column_that_tells_apart_what_is_there_at_one_time():
    days = ["2024-01-01", "2024-01-01", "2024-01-02", "2024-01-02"]
    y = [1.5, 2.5, 4.5, 1.5]
    assert of(day=days, shop=list("abab"), n=[1, 2, 1, 2], y=y)[1] == {"shop": APART}  # text comes first
    assert of(day=days, n=[1, 2, 1, 2], y=y)[1] == {"n": APART}
    assert of(day=days, n=[1.5, 2.5, 1.5, 2.5], y=y)[1] == {}
    assert of(day=days, shop=list("abac"), y=y)[1] == {}  # two are alone
    assert of(day=days, shop=list("aabb"), y=y)[1] == {}
    assert of(day=days[1:3], shop=list("ab"), y=y[:2])[1] == {}  # each time is there once
    late = ["2024-01-02", "2024-01-01", "2024-01-03", "2024-01-04"]
    assert of(day=late, shop=list("abab"), y=y)[1] == {}
    with pytest.raises(BadInput) as caught:
        of(day=days, shop=list("abab"), place=list("xyxy"), y=y)
    assert str(caught.value) == (
        "day: times are there several times, and several columns may tell series apart: shop, place; "
        "say which is the id"
    )
