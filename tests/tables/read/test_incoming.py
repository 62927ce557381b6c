"""Lines of a table as they come are read as the whole table is."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from wavetrain.errors import BadInput
from wavetrain.tables.form import Form
from wavetrain.tables.panel import Panel, Series
from wavetrain.tables.read import read
from wavetrain.tables.read.incoming import Incoming, Row
from wavetrain.tables.read.stamp import Stamp

MONTHS = pd.date_range("2023-01-01", periods=30, freq="MS")
HOURS = pd.date_range("2023-01-01", periods=30, freq="h")
FORMS = {
    "iso": HOURS.strftime("%Y-%m-%d %H:%M"),
    "seconds": HOURS.strftime("%Y-%m-%dT%H:%M:%SZ"),
    "zone": HOURS.strftime("%Y-%m-%d %H:%M+02:00"),
    "turned": HOURS.strftime("%d.%m.%Y %H:%M"),
    "halves": HOURS.strftime("%m/%d/%Y %I:%M %p"),
    "months": MONTHS.strftime("%b %Y"),
    "quarters": pd.period_range("2015Q1", periods=30, freq="Q").strftime("%Y-Q%q"),
    "unix": (HOURS.astype("datetime64[s]").astype(np.int64)).astype(str),
    "digits": HOURS.strftime("%Y%m%d%H"),
    "years": [str(1950 + place) for place in range(30)],
}


@pytest.mark.parametrize("form", FORMS)
def test_a_time_by_itself_is_read_as_in_its_column(form: str):
    name = "year" if form == "years" else "time"
    text = "\n".join([f"{name},y", *(f"{cell},{place % 5}" for place, cell in enumerate(FORMS[form]))])
    panel = read_text(text)
    assert panel.form is not None and panel.clock is not None and panel.series[0].times is not None
    stamp = Stamp(panel.clock, panel.form.time)
    assert [stamp([cell]) for cell in FORMS[form]] == panel.series[0].times.tolist()


def read_text(text: str) -> Panel:
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        path.write_text(text, encoding="utf-8")
        return read(path)


def test_days_and_clocks_and_parts_of_the_calendar_are_read_too():
    day_and_clock = [f"{time:%d.%m.%Y},{time:%H:%M},{place % 5}" for place, time in enumerate(HOURS)]
    parts = [f"{time:%Y},{time.month},{place % 5}" for place, time in enumerate(MONTHS)]
    for header, lines in (("date,clock,y", day_and_clock), ("year,month,y", parts)):
        panel = read_text("\n".join([header, *lines]))
        incoming = Incoming(header, panel)
        assert panel.series[0].times is not None
        found = [incoming.row(line, place).time for place, line in enumerate(lines)]
        assert found == panel.series[0].times.tolist()


def test_rows_are_those_of_the_whole_table():
    """Decimal commas, thousands, a category, missing cells and a word of one's own for them."""
    lines = [
        "day;shop;sky;sold;price",
        *("2024-01-01;007;rain;1.234,5;2,5", "2024-01-02;007;clear;999,0;-999", "2024-01-03;007;;NA;3,25"),
        *("2024-01-01;7;rain;5,0;2,5", "2024-01-02;7;clear;6,5;2,0", '2024-01-03;7;rain;"7,5";2,75'),
    ]
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        path.write_text("\n".join(lines), encoding="utf-8")
        panel = read(path, target="sold", id="shop", missing=[-999])
    incoming = Incoming(lines[0], panel)
    rows = [incoming.row(line, place) for place, line in enumerate(lines[1:], 2)]
    for one in panel.series:
        found = [row.values for row in rows if row.series == one.name]
        np.testing.assert_array_equal(np.array(found), one.values)
    assert incoming.row("2024-01-04;7;fog;1;1", 8).values[:2] == [0.0, 0.0] and incoming.new == {
        "sky": {"fog"}
    }


def test_numbered_rows_have_their_numbers():
    panel = read_text("\n".join(["step,y", *(f"{2 * place},{place % 5}" for place in range(30))]))
    incoming = Incoming("y,step", panel)
    row = incoming.row("4,60", 2)
    assert (row.number, row.time, row.told, row.values) == (60.0, None, "60", [4.0])
    with pytest.raises(BadInput, match="line 3: step: expected a number, got 'x'"):
        incoming.row("4,x", 3)
    with pytest.raises(BadInput, match="line 4: y: expected a finite number, got 'inf'"):
        incoming.row("inf,62", 4)


def test_a_delimiter_at_the_end_of_a_line_is_no_cell():
    incoming = Incoming("y,step", read_text("\n".join(["step,y", *(f"{row},{row % 5}" for row in range(9))])))
    assert incoming.row("4,60,", 2).values == [4.0]
    for line, count in (("4,60,1", 3), ("4,60,,", 4), ("4", 1), ("4,,60", 3)):
        with pytest.raises(BadInput, match=f"line 2: expected 2 cells, got {count}"):
            incoming.row(line, 2)


PLAIN = Panel(
    columns=("sold", "sky=sun", "sky=rain"),
    series=(Series(name="", values=np.zeros((1, 3))),),
    targets=("sold",),
    form=Form(
        columns=("sold", "sky"),
        time=("day", "clock"),
        id=("shop", "item"),
        levels={"sky": ("sun", "rain")},
        missing=("-9", "shut"),
    ),
)


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_the_delimiter_is_that_by_which_the_columns_are_found(mark: str):
    other = "more" if mark in ",;" else "more, of it; and of that;;"
    lines = Incoming(mark.join(["day", ' "clock"', other, "shop ", "item", "sold", "sky"]), PLAIN)
    found = lines.row(mark.join([" 1 ", "2", other, "a", " b ", " 3.5 ", "rain "]), 7)
    assert lines.delimiter == mark and found == (7, "a/b", "1 2", None, None, [3.5, 0.0, 1.0])


def row(**cells: str) -> Row:
    usual = {"day": "1", "clock": "2", "shop": "a", "item": "b", "sold": "3", "sky": "sun"} | cells
    return Incoming(",".join(usual), PLAIN).row(",".join(usual.values()), 2)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("1e3", 1000),
        ("-2.5", -2.5),
        ("5 kW", 5),
        ("(5.5)", -5.5),
        ("12%", 12),
        ("yes", 1),
        ('"1,234.5"', 1234.5),
        (' "1,234.5"', 1234.5),
    ],
)
def test_numbers_as_people_write_them(cell: str, value: float):
    assert row(sold=cell).values == [value, 1.0, 0.0]


@pytest.mark.parametrize("cell", ["", "NA", "-9", "-9.0", "shut", "nan"])
def test_cells_that_say_nothing(cell: str):
    assert np.isnan(row(sold=cell).values[0]) and row(sky="sun").values[1:] == [1.0, 0.0]
    assert cell == "-9.0" or np.isnan(row(sky=cell).values[1:]).all()


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"sold": "1_000"}, "line 2: sold: expected a number, got '1_000'"),
        ({"sold": "r" * 50}, f"line 2: sold: expected a number, got '{'r' * 40}'"),
        ({"sold": "-inf"}, "line 2: sold: expected a finite number, got '-inf'"),
        ({"item": " "}, "line 2: item: expected an id, got none"),
        ({"sold": '"1'}, "line 2: unexpected end of data"),
        ({"sold": "1,2"}, "line 2: expected 6 cells, got 7"),
    ],
)
def test_lines_that_are_no_rows(cells: dict[str, str], message: str):
    with pytest.raises(BadInput) as caught:
        row(**cells)
    assert str(caught.value) == message


def test_a_header_holds_all_columns():
    with pytest.raises(BadInput, match=r"^line 1: no column is called 'sky'"):
        Incoming("day,clock,shop,item,sold", PLAIN)
    unread = replace(PLAIN, form=None, columns=("a", "b", "c"), targets=("a",))
    assert Incoming("c;b;a", unread).row("1;2;3", 2) == (2, "", "", None, None, [3.0, 2.0, 1.0])
