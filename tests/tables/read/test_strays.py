"""A value far from all others is said, with its line, and is never taken out without a word."""

import numpy as np
import pandas as pd
import pytest

from wavetrain.tables.read import read, read_like
from wavetrain.tables.read.said import ENOUGH, strays


def line(row: int) -> int:
    return row + 2


def told(values: np.ndarray) -> list[str]:
    return strays(["load"], values[:, None], line)


@pytest.mark.parametrize("value", [1e30, -1e300, 1.7e308, 99999999.0])
def test_a_broken_value_is_named_with_its_line(value: float) -> None:
    load = np.random.default_rng(0).normal(10, 2, 200)
    load[120] = value
    assert told(load) == [f"load {value:.6g} in line 122"]


def test_values_of_every_day_are_not_far() -> None:
    dice = np.random.default_rng(1)
    assert told(dice.normal(size=1000)) == []
    assert told(np.exp(2 * dice.normal(size=1000))) == []  # a heavy tail
    assert told((dice.random(1000) < 0.001).astype(float)) == []  # rare events
    assert told(np.repeat([0.0, 5.0], 50)) == []
    assert told(np.full(100, 3.0)) == []
    assert told(np.full(100, np.nan)) == []


def test_few_values_say_nothing_of_one() -> None:
    load = np.arange(float(ENOUGH))
    load[-1] = 1e30
    assert told(load) == [f"load 1e+30 in line {ENOUGH + 1}"]
    assert told(load[1:]) == []


def test_a_value_a_thousand_times_as_far_as_the_next() -> None:
    load = np.append(np.tile([-1.0, 0.0, 1.0], 60), 0.0)
    for far, said in ((990.0, []), (1010.0, ["load 1010 in line 183"])):
        assert told(np.append(load, far)) == said


def test_several_broken_values_do_not_hide_each_other() -> None:
    load = np.append(np.random.default_rng(2).normal(size=100), [1e25, 1e26])
    assert told(load) == ["load 1e+26 in line 103"]


def test_missing_and_infinite_values_stand_in_nobodys_way() -> None:
    load = np.random.default_rng(3).normal(size=60)
    load[[1, 2]], load[40] = np.nan, 1e12
    assert told(load) == ["load 1e+12 in line 42"]


def test_it_is_said_of_a_table_and_of_a_later_one_and_kept() -> None:
    days = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=60), "load": np.arange(60.0) % 7})
    plain = read(days)
    assert not any("far from" in said for said in plain.said)
    days.loc[30, "load"] = 1e30
    panel = read(days)
    (said,) = (one for one in panel.said if "far from" in one)
    assert "no cell is missing; far from all other values: load 1e+30 in line 31 (--missing" in said
    assert panel.series[0].values.max() == 1e30
    assert any("load 1e+30 in line 31" in one for one in read_like(days, plain).said)
    assert not any("far from" in one for one in read(days, missing=[1e30]).said)
