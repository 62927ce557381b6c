"""What is told of a table, word by word."""

import warnings

import numpy as np
import pytest

from wavetrain.tables.clock import DAY, Clock
from wavetrain.tables.panel import Series
from wavetrain.tables.read import said
from wavetrain.tables.read.moments import Moments
from wavetrain.tables.read.rows import Ids, Rows

NAMES = [f"c{place}" for place in range(9)]


def series(*lengths: int) -> list[Series]:
    return [Series(name=f"s{place}", values=np.zeros((one, 1))) for place, one in enumerate(lengths)]


def test_six_names_are_told_and_the_number_of_others():
    assert said.listed([]) == "" and said.listed(NAMES[:1]) == "c0"
    assert said.listed(NAMES[:6]) == "c0, c1, c2, c3, c4, c5"
    assert said.listed(NAMES[:7]) == "c0, c1, c2, c3, c4, c5 and 1 more"


def test_roles_that_no_column_has_are_not_told():
    assert said.roles(["a", "b"], [], []) == "forecast a, b"
    assert said.roles(["a"], ["b"], ["c", "d"]) == "forecast a; read b; known ahead c, d"


def test_sizes_of_one_series_and_of_several():
    one, several = Ids("", np.zeros(1, int), ("",)), Ids("shop", np.zeros(1, int), ("s0", "s1"))
    assert [said.sizes(series(1), one, count) for count in (0, 1, 2, 1234)] == [
        "0 rows of one series",
        "1 row of one series",
        "2 rows of one series",
        "1,234 rows of one series",
    ]
    assert said.sizes(series(1234, 1234), several, 2468) == (
        "2,468 rows in 2 series by shop: s0, s1 (1,234 rows each)"
    )
    assert said.sizes(series(1234, 2), several, 1) == (
        "1 row in 2 series by shop: s0, s1 (2 to 1,234 rows each)"
    )
    assert said.sizes(series(*[1] * 1001), several, 5).startswith("5 rows in 1,001 series by shop: s0, ")


def rows(clock: Clock | None, *notes: str, gaps: int = 0, steps: int = 0) -> Rows:
    return Rows((), clock, gaps, steps, notes)


def test_a_span_is_told_from_the_earliest_to_the_latest():
    assert said.span(rows(None), None) == "no column of times: rows are numbered"
    when = Moments("t", np.array([2.0, 1.0, 7.0, 5.0]), np.array(["two", "one", "seven", "five"]))
    assert said.span(rows(None), when) == "one to seven by t"
    assert said.span(rows(None, "uneven", "odd"), when._replace(doubt="read as days")) == (
        "one to seven by t; read as days; uneven; odd"
    )
    days = Moments("day", np.array([2, 1, 7]) * DAY, np.array(["b", "a", "c"]))
    assert said.span(rows(Clock(1, "day"), "sorted"), days) == (
        "1970-01-02 to 1970-01-08, every day, by day; sorted"
    )
    assert said.span(rows(Clock(2, "day", zone="UTC", form="%d.%m.")), days) == (
        "02.01. to 08.01. in UTC, every 2 days, by day"
    )


@pytest.mark.parametrize(
    ("clock", "told"),
    [
        (Clock(1, "quarter", end=True), "quarter on the last day"),
        (Clock(1, "year", day=31), "year on day 31, or the last one of shorter months"),
        (Clock(1, "year", end=True, day=31), "year on the last day"),
        (Clock(1, "week", end=True, day=31), "week"),
    ],
)
def test_anchors_are_those_of_months_and_longer(clock: Clock, told: str):
    assert said.step(clock) == told


def test_holes_are_counted():
    assert said.holes(rows(None), ["a"], np.array([0])) == "no gaps; no cell is missing"
    assert said.holes(rows(None, gaps=1, steps=1), ["a", "b"], np.array([0, 1234])) == (
        "1 gap, 1 step; missing cells: b 1,234"
    )
    assert said.holes(rows(None, gaps=2000, steps=3000), ["a", "b"], np.array([1, 2]), ["a 9 in line 1"]) == (
        "2,000 gaps, 3,000 steps; missing cells: a 1, b 2; far from all other values: a 9 in line 1 "
        "(--missing leaves such a value out)"
    )


def test_what_is_left_out_is_told_with_its_reason_and_its_unit():
    assert said.others({}, {}) == "" == said.others({}, {}, {})
    assert said.others({"a": "is odd", "b": "dates"}, {}) == "left out: a, which is odd; b, which dates"
    many = said.others(dict.fromkeys(NAMES[:6], "x"), {})
    assert many == "left out: " + "; ".join(f"{name}, which x" for name in NAMES[:6])
    more = said.others(dict.fromkeys(NAMES[:8], "x"), {"u": "kW"}, {"v": "€", "w": "%"})
    assert more == many + "; and 2 more; a row of units (u kW); units in cells (v €, w %)"


def far(values: np.ndarray) -> list[str]:
    return said.strays(["a"], values[:, None], lambda row: row)


def test_a_value_is_far_by_the_next_one_or_by_nine_tenths_of_all():
    grid = np.append(np.tile([-1.0, 0.0, 1.0], 33), 0.0)  # nine tenths and the last of the others lie 1 off
    for value, there in ((1000.5, ["a 1000.5 in line 100"]), (999.5, [])):
        assert far(np.append(grid, value)) == there
        assert far(np.append(grid, -value)) == [one.replace("a ", "a -") for one in there]
    pair = np.append(grid, -4000.0)  # the next one is far, too
    assert far(np.append(pair, 9999.0)) == [] and far(np.append(pair, 10_001.0)) == ["a 10001 in line 101"]


def test_what_comes_again_and_again_is_no_single_value():
    noise = np.random.default_rng(0).normal(size=1000)
    for count, there in ((12, ["a 1e+06 in line 5"]), (20, [])):
        broken = noise.copy()
        broken[5 : 5 + count] = 1e6
        assert far(broken) == there


def test_zeros_are_looked_at_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert far(np.zeros(30)) == []


def test_each_column_is_looked_at_by_itself():
    many = np.tile(np.arange(30.0), (3, 1)).T
    many[7, 0], many[9, 2] = 1e12, -1e15
    told = said.strays(["a", "b", "c"], many, lambda row: row + 2)
    assert told == ["a 1e+12 in line 9", "c -1e+15 in line 11"]
    many[:12, 1] = np.nan  # too few values are left of it
    many[12, 1] = 1e12
    assert said.strays(["a", "b", "c"], many, lambda row: row + 2) == told
