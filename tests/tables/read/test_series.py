"""Several series in one table: each row belongs to its id, whatever the order of rows."""

import numpy as np
import pandas as pd
import pytest

from wavetrain.errors import BadInput
from wavetrain.tables.panel import Panel
from wavetrain.tables.read import read


def frame(**columns: object) -> pd.DataFrame:
    return pd.DataFrame(columns)


def days(count: int, first: str = "2024-01-01") -> list[str]:
    return [str(np.datetime64(first) + place) for place in range(count)]


def last(panel: Panel) -> dict[str, float]:
    return {one.name: float(one.values[-1, 0]) for one in panel.series}


@pytest.mark.parametrize("ids", [("b", "a", "c"), ("10", "9", "2"), (10, 9, 2)])
def test_rows_in_any_order_give_the_same_series(ids: tuple):
    rows = [
        (one, day, level) for day in days(5)[::-1] for one, level in zip(ids, (200, 100, 300), strict=True)
    ]
    table = pd.DataFrame(rows, columns=["shop", "day", "sales"])
    table["sales"] += np.arange(len(table))
    whole = read(table, id="shop")
    assert [one.name for one in whole.series] == [str(one) for one in ids]  # as they first appear
    assert last(whole) == {str(ids[0]): 200, str(ids[1]): 101, str(ids[2]): 302}
    for seed in range(5):
        shuffled = read(table.sample(frac=1, random_state=seed), id="shop")
        by_name = {one.name: one for one in shuffled.series}
        for one in whole.series:
            np.testing.assert_array_equal(by_name[one.name].values, one.values)
            np.testing.assert_array_equal(by_name[one.name].times, one.times)


def test_nothing_reaches_from_one_series_to_the_next():
    table = frame(id=["A"] * 3 + ["B"] * 3, day=days(3) * 2, y=[0.0, 0.0, 7.0, np.nan, 1000.0, 1000.0])
    one, other = read(table).series
    assert (one.values[-1, 0], len(one), len(other)) == (7.0, 3, 3)
    assert np.isnan(other.values[0, 0])


def test_a_series_of_which_nothing_is_known_is_named():
    table = frame(id=["A"] * 3 + ["B"] * 3, day=days(3) * 2, y=[1.0, 2.0, 3.0, np.nan, np.nan, np.nan])
    with pytest.raises(BadInput, match="series 'B': expected numbers to forecast, got none in 3 rows"):
        read(table)


@pytest.mark.parametrize("kind", ["csv", "tsv", "csv.gz", "parquet", "xlsx", "json", "jsonl"])
def test_ids_are_text_in_every_kind_of_file(kind: str, tmp_path):
    ids = ["007", "7", "9007199254740993", "NA"]
    table = pd.DataFrame(
        [(one, day, place + level / 8) for place, day in enumerate(days(4)) for level, one in enumerate(ids)],
        columns=["store", "day", "sold"],
    )
    path = tmp_path / f"sales.{kind}"
    write = {
        "csv": lambda: table.to_csv(path, index=False),
        "tsv": lambda: table.to_csv(path, index=False, sep="\t"),
        "csv.gz": lambda: table.to_csv(path, index=False),
        "parquet": lambda: table.to_parquet(path),
        "xlsx": lambda: (pytest.importorskip("openpyxl"), table.to_excel(path, index=False)),
        "json": lambda: table.to_json(path, orient="records"),
        "jsonl": lambda: table.to_json(path, orient="records", lines=True),
    }
    write[kind]()
    for panel in (read(path, id="store"), read(path)):  # asked for, and found as times are there four times
        assert [one.name for one in panel.series] == ids
        assert last(panel) == {one: 3 + level / 8 for level, one in enumerate(ids)}
        assert panel.columns == panel.targets == ("sold",)
        assert panel.said[1] == "16 rows in 4 series by store: 007, 7, 9007199254740993, NA (4 rows each)"


def test_whole_numbers_beyond_floats_are_exact_ids():
    big = 2**53
    table = frame(store=[big, big + 1] * 3, day=np.repeat(days(3), 2), y=np.arange(6.0))
    assert [one.name for one in read(table).series] == [str(big), str(big + 1)]


def test_names_of_ids_change_no_value():
    def values(names: list) -> list[np.ndarray]:
        table = frame(id=np.repeat(names, 4), y=np.arange(12.0) % 5)
        return [one.values for one in read(table).series]

    np.testing.assert_array_equal(values([0, 1, 2]), values(["x", "y", "z"]))
    assert read(frame(id=np.repeat([5, 6], 4), y=np.arange(8.0) % 5)).columns == ("y",)


def test_ids_that_only_number_rows_are_left_out():
    panel = read(frame(id=range(100), y=np.arange(100) % 7))
    assert panel.columns == ("y",) and len(panel.series) == 1
    assert "id, which" in panel.said[-1]


def test_two_columns_make_an_id():
    table = pd.DataFrame(
        [(shop, item, day, float(day[-1])) for shop in "ab" for item in "xy" for day in days(3)],
        columns=["shop", "item", "day", "y"],
    )
    panel = read(table, id=["shop", "item"])
    assert [one.name for one in panel.series] == ["a/x", "a/y", "b/x", "b/y"]


def test_series_of_unequal_lengths():
    table = frame(id=list("aaabbbbb"), day=[*days(3), *days(5, "2023-06-01")], y=np.arange(8.0))
    panel = read(table)
    assert [len(one) for one in panel.series] == [3, 5]
    assert panel.said[1] == "8 rows in 2 series by id: a, b (3 to 5 rows each)"
    assert str(panel.clock) == "day"


def test_the_same_time_in_one_series_twice_is_refused_with_its_id():
    table = pd.DataFrame(
        [(f"s{one}", day, one + 0.5) for one in range(150) for day in days(4)], columns=["unit", "day", "y"]
    )
    assert len(read(table, id="unit").series) == 150
    table.loc[(table.unit == "s120") & (table.day == "2024-01-03"), "day"] = "2024-01-02"
    with pytest.raises(
        BadInput,
        match="series 's120', day: expected each time once, got 2024-01-02 in line 482 and line 483",
    ):
        read(table, id="unit")


def test_a_time_twice_without_an_id_asks_for_one():
    table = frame(day=[*days(4), "2024-01-02"], y=[1.0, 2.5, 3.0, 4.0, 7.0])
    with pytest.raises(BadInput, match=r"day: expected each time once.*needs the column of their ids"):
        read(table)


def test_an_empty_id_is_named_with_its_line():
    with pytest.raises(BadInput, match="line 2, id: expected an id, got none"):
        read(frame(id=["a", None, "a"], y=[1.0, 2.0, 4.0]), id="id")


def test_infinite_numbers_are_named():
    with pytest.raises(BadInput, match="series 'X': row 4 is infinite"):
        read(frame(id=["X"] * 5, y=[1, 2, 3, np.inf, 5]), id="id")
    with pytest.raises(BadInput, match="row 2 is infinite"):
        read(frame(id=["W", "X", "W", "X"], y=[1, 2, 3, float("inf")]), id="id")
