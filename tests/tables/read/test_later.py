"""A later table is read with the roles, levels, clock and columns of the first one, or refused in a line."""

import numpy as np
import pandas as pd
import pytest

from wavetrain.errors import BadInput
from wavetrain.tables.panel import Panel
from wavetrain.tables.read import read, read_like

DICE = np.random.default_rng(0)
DAYS = pd.date_range("2024-01-01", periods=40).strftime("%d/%m/%Y").to_numpy()


def table(first: int, last: int) -> pd.DataFrame:
    """Days first, a category, a constant column and a price."""
    days = np.arange(first, last)
    return pd.DataFrame(
        {
            "when": DAYS[first:last],
            "sold": 10.0 + days % 7,
            "sky": np.array(["clear", "rain", "snow"])[days % 3],
            "till": 4,
            "price": 2.0 + days % 2,
        }
    )


FIRST = read(table(0, 30), target="sold", known="price")


def rows(panel: Panel) -> np.ndarray:
    return panel.series[0].values


def test_what_an_earlier_table_was_like_is_remembered():
    form = FIRST.form
    assert form is not None and form.columns == ("sold", "sky", "price") and form.time == ("when",)
    assert form.levels == {"sky": ("clear", "rain", "snow")} and "till" in form.left_out
    assert FIRST.columns == ("sold", "sky=clear", "sky=rain", "sky=snow", "price")


def test_more_columns_in_another_order_change_nothing():
    plain = table(30, 40)
    other = plain[["price", "sky", "when", "sold"]].assign(more="text", noise=DICE.normal(size=10))
    one, two = read_like(plain, FIRST), read_like(other, FIRST)
    assert one.columns == two.columns == FIRST.columns and one.known == ("price",)
    np.testing.assert_array_equal(rows(one), rows(two))
    assert any("noise, which the model does not read" in line for line in two.said)


def test_columns_that_are_constant_in_it_are_read_all_the_same():
    later = table(30, 40).assign(price=2.0, sold=5.0, sky="rain")
    found = rows(read_like(later, FIRST))
    np.testing.assert_array_equal(found, np.tile([5.0, 0, 1, 0, 2.0], (10, 1)))


def test_a_level_that_is_new_counts_as_none_and_is_told():
    found = read_like(table(30, 40).assign(sky=["hail"] * 2 + ["clear"] * 8), FIRST)
    assert rows(found)[:2, 1:4].sum() == 0 and rows(found)[2:, 1].all()
    assert found.doubts == ("sky 'hail' is new (2 rows): it counts as none of clear, rain, snow",)


def test_levels_that_are_missing_are_no_measurements():
    found = rows(read_like(table(30, 40).assign(sky=["", None, *["snow"] * 8]), FIRST))
    assert np.isnan(found[:2, 1:4]).all() and found[2:, 3].all()


def test_two_days_alone_are_read_in_the_form_of_the_first_table():
    """01/02/2024 and 02/02/2024 are also the second of January and of February."""
    found = read_like(table(31, 33), FIRST)
    assert len(found.series[0]) == 2 and found.clock == FIRST.clock
    assert found.clock is not None and found.series[0].times is not None
    assert found.clock.told(found.series[0].times) == ["01/02/2024", "02/02/2024"]
    alone = read_like(table(31, 32), FIRST)
    assert alone.series[0].times is not None and len(alone.series[0]) == 1


def test_gaps_are_rows_by_the_clock_of_the_first_table():
    """Every second day alone would be taken for the step."""
    found = read_like(table(30, 40).iloc[::2], FIRST)
    assert len(found.series[0]) == 9 and np.isnan(rows(found)[1::2]).all()


def test_ids_are_those_of_the_first_table_and_may_be_new():
    long = pd.concat([table(0, 30).assign(shop=name) for name in ("007", "7")])
    first = read(long, target="sold", id="shop")
    later = pd.concat([table(30, 35).assign(shop=name) for name in ("7", "008")])
    assert [one.name for one in read_like(later, first).series] == ["7", "008"]
    with pytest.raises(BadInput, match="no column is called 'shop'"):
        read_like(table(30, 40), first)


def test_what_is_known_ahead_needs_no_target():
    later = table(30, 33)[["when", "price"]]
    found = read_like(later, FIRST, ahead=True)
    assert np.isnan(rows(found)[:, :4]).all() and rows(found)[:, 4].tolist() == [2.0, 3.0, 2.0]
    with pytest.raises(BadInput, match="no column is called 'sold'"):
        read_like(later, FIRST)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"price": "red"}, r"line \d+, price: expected a number, got 'red'"),
        ({"sold": np.nan}, "sold: expected numbers to forecast, got none"),
        ({"when": "soon"}, "when: expected times"),
        ({"when": np.arange(10.0)}, "expected times"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(changed: dict, message: str):
    with pytest.raises(BadInput, match=message) as caught:
        read_like(table(30, 40).assign(**changed), FIRST)
    assert "\n" not in str(caught.value)


def test_times_beside_the_step_are_refused():
    hours = read(pd.DataFrame({"t": pd.date_range("2024-01-01", periods=30, freq="h"), "y": range(0, 60, 2)}))
    later = pd.DataFrame({"t": pd.to_datetime(["2024-01-03 00:00", "2024-01-03 00:30"]), "y": [1.0, 5.0]})
    with pytest.raises(BadInput, match="expected times every hour, as in training"):
        read_like(later, hours)
    far = pd.DataFrame({"t": pd.to_datetime(["2024-01-03 00:00", "2054-01-03 00:00"]), "y": [1.0, 5.0]})
    with pytest.raises(BadInput, match=r"there would be 262,9\d\d rows"):
        read_like(far, hours)


def test_arrays_are_told_by_their_columns():
    first = read({"values": DICE.normal(size=(20, 2)), "columns": np.array(["a", "b"])})
    turned = {"values": np.array([[1.0, 2.0, 3.0]] * 4), "columns": np.array(["b", "c", "a"])}
    np.testing.assert_array_equal(rows(read_like(turned, first)), [[3.0, 1.0]] * 4)
    with pytest.raises(BadInput, match="expected a table"):
        read_like(np.zeros((5, 2)), FIRST)


def test_what_is_said_of_a_later_table():
    found = read_like(table(30, 40).iloc[[0, 1, 3]].reset_index(drop=True).assign(noise=1), FIRST)
    assert found.said == (
        "forecast sold; read sky; known ahead price",
        "3 rows of one series",
        "31/01/2024 to 03/02/2024, every day, by when",
        "1 gap, 1 step; no cell is missing",
        "left out: when, which dates the rows; till, which the model does not read; "
        "noise, which the model does not read",
    )
    assert found.targets == ("sold",) and found.form is FIRST.form and found.doubts == ()
    ahead = read_like(table(30, 33)[["when", "price"]], FIRST, ahead=True).said
    assert ahead == ("forecast ; known ahead price", *ahead[1:3], "left out: when, which dates the rows")


def test_a_later_table_has_rows_and_is_no_array():
    with pytest.raises(BadInput, match=r"^expected rows below the header, got none$"):
        read_like(table(30, 30), FIRST)
    with pytest.raises(BadInput, match=r"^expected a table with the columns y, got arrays$"):
        read_like(np.zeros(5), read(pd.DataFrame({"y": [1.5, 2.5, 0.5]})))
    first = read({"values": np.zeros((3, 2)), "columns": np.array(["a", "b"])})
    with pytest.raises(BadInput, match=r"^no column is called 'b'; there are: a, c"):
        read_like({"values": np.zeros((3, 2)), "columns": np.array(["a", "c"])}, first)
    with pytest.raises(BadInput, match=r"mine.csv: there is no such file"):
        read_like("mine.csv", FIRST)


def test_columns_of_years_are_taken_apart_where_the_first_ones_were():
    wide = pd.DataFrame({"who": ["a", "b"], "2001": [1.5, 2], "2002": [3, 4.5], "2003": [5.5, 6]})
    assert [one.name for one in read_like(wide, read(wide)).series] == ["a", "b"]
    plain = wide.assign(who=["x", "z"])
    first = read(plain, target="2003", inputs=("2001", "2002"))
    assert read_like(plain, first).columns == ("2001", "2002", "2003")
