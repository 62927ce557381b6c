"""Tables with a column for each year: a series for each row, and what only looks like one."""

from dataclasses import replace

import pandas as pd
import pytest

from wavetrain.errors import BadInput
from wavetrain.tables.read import read, read_like
from wavetrain.tables.read.frames import table_of_frame
from wavetrain.tables.read.years import by_year

WIDE = pd.DataFrame(
    {
        "Country": ["Norway", "Chad", "Peru"],
        "Code": ["NOR", "TCD", "PER"],
        "2000": [1.5, 2.0, 3.0],
        "2001": [1.75, 2.5, None],
        "2002": [2.0, 3.0, 4.5],
    }
)


def test_each_row_is_a_series():
    panel = read(WIDE)
    assert panel.columns == ("value",) and str(panel.clock) == "year"
    assert {one.name: one.values[0, 0] for one in panel.series} == {"Norway": 1.5, "Chad": 2.0, "Peru": 3.0}
    assert panel.said[1] == "9 rows in 3 series by id: Norway, Chad, Peru (3 rows each)"
    assert panel.said[2].startswith("2000 to 2002, every year")
    assert "missing cells: value 1" in panel.said[3]


def test_rows_that_only_several_columns_tell_apart():
    both = pd.concat([WIDE.assign(what="births"), WIDE.assign(what="deaths")], ignore_index=True)
    names = [one.name for one in read(both).series]
    assert len(names) == 6 and names[0] == "Norway / NOR / births"
    with pytest.raises(BadInput, match="expected rows that differ in Country, Code"):
        read(pd.concat([WIDE, WIDE], ignore_index=True))


def test_a_later_table_may_be_wide_or_long():
    earlier = read(WIDE)
    later = WIDE[["Country", "Code"]].assign(**{"2003": 1.0, "2004": 2.0, "2005": [3.0, 4.0, 5.0]})
    long = pd.DataFrame({"id": ["Norway", "Norway"], "year": ["2003", "2004"], "value": [1.0, 2.0]})
    assert read_like(later, earlier).series[2].values[:, 0].tolist() == [1, 2, 5]
    assert read_like(long, earlier).series[0].values[:, 0].tolist() == [1, 2]


def test_years_beside_numbers_are_columns_like_others():
    rows = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=3).astype(str)})
    rows = rows.assign(load=[1.5, 2, 3], **{"2000": [1.5, 2, 7], "2001": [2.5, 1, 3], "2002": [1, 2, 3.5]})
    assert read(rows).columns == ("load", "2000", "2001", "2002")
    alone = pd.DataFrame({"2000": [1.5, 2, 7], "2001": [2.5, 1, 3], "2002": [1, 2, 3.5]})
    assert read(alone).columns == ("2000", "2001", "2002")
    dated = rows.drop(columns="load")
    assert read(dated).columns == ("2000", "2001", "2002") and str(read(dated).clock) == "day"


def of(*years: str, **more: list) -> bool:
    """Whether a table with columns of these years is taken apart."""
    frame = pd.DataFrame({"who": ["a", "b"], **more, **{year: [1.5, 2.5] for year in years}})
    return by_year(table_of_frame(frame)).names == ["id", "year", "value"]


def test_three_years_or_more_that_follow_each_other():
    assert of("2000", "2001", "2002") and not of("2000", "2001")
    assert not of("2000", "2001", "2003") and not of("2002", "2001", "2000")
    assert of("1000", "1001", "1002") and not of("0999", "1000", "1001")
    assert of("2198", "2199", "2200") and not of("2199", "2200", "2201")
    assert not of("20000", "20001", "20002") and not of()


def test_other_columns_are_of_text():
    years = ("2000", "2001", "2002")
    assert of(*years, what=["x", "x"]) and of(*years, empty=["", "NA"]) and of(*years, none=[None, None])
    assert not of(*years, size=[1.5, 2.5]) and not of(*years, open=[True, False])
    assert not of(*years, day=["2024-01-01", "2024-01-02"])


def test_lines_and_names_are_kept():
    frame = WIDE.rename(columns={"Country": "year", "Code": "value"})
    table = replace(table_of_frame(frame), line=lambda row: row + 2, file="from")
    long = by_year(table)
    assert long.names == ["id", "year (2)", "value"] and long.file == "" and long.raw is None
    assert [long.line(row) for row in range(9)] == [2, 3, 4] * 3
    assert long.frame["year (2)"].tolist() == ["2000"] * 3 + ["2001"] * 3 + ["2002"] * 3
