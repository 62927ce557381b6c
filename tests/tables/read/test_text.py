"""Text with delimiters as people have it: every case says what must come out."""

import gzip
import io
import sys
from pathlib import Path

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.tables.panel import Panel
from wavetrain.tables.read import read, read_like

DAYS = [f"2024-01-{day:02}" for day in range(1, 9)]
LOAD = [1.5, 2.25, 3.0, 2.0, 10844.5, 0.5, 7.0, 6.0]


def rows(*columns: list, mark: str = ",") -> str:
    return "".join(mark.join(map(str, row)) + "\n" for row in zip(*columns, strict=True))


def reading(tmp_path: Path, content: str | bytes, name: str = "file.csv", **asked: object) -> Panel:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read(path, **asked)  # type: ignore[arg-type]


PLAIN = "day,load\n" + rows(DAYS, LOAD)
SAME = {  # texts that say what PLAIN says
    "decimal commas": "day;load\n" + rows(DAYS, [str(one).replace(".", ",") for one in LOAD], mark=";"),
    "thousands": "day,load\n" + rows(DAYS, [f'"{one:,}"' for one in LOAD]),
    "points for thousands": "day;load\n"
    + rows(DAYS, [f"{one:,}".translate(str.maketrans(",.", ".,")) for one in LOAD], mark=";"),
    "spaces for thousands": "day;load\n"
    + rows(DAYS, [f"{one:,}".replace(",", " ") for one in LOAD], mark=";"),
    "tabs": "day\tload\n" + rows(DAYS, LOAD, mark="\t"),
    "spaces alone": "day   load\n" + rows(DAYS, LOAD, mark="   "),
    "bars": "day|load\n" + rows(DAYS, LOAD, mark="|"),
    "no header": rows(DAYS, LOAD),
    "a row of units": "day,load\n[-],[kWh]\n" + rows(DAYS, LOAD),
    "units without a day": "day,load\n,kWh\n" + rows(DAYS, LOAD),
    "comments": "# made by a meter\n# in kWh\nday,load\n"
    + rows(DAYS[:4], LOAD[:4])
    + "# pause\n"
    + rows(DAYS[4:], LOAD[4:]),
    "a header in a comment": "# day,load\n" + rows(DAYS, LOAD),
    "units and flags": "day,load\ndatetime,float\nT,\n" + rows(DAYS, LOAD),
    "a title": "Report of January\n\nday,load\n" + rows(DAYS, LOAD),
    "quoted cells": '"day","load"\n' + rows([f'"{day}"' for day in DAYS], [f'"{one}"' for one in LOAD]),
    "spaces": "day, load\n" + rows(DAYS, LOAD, mark=", "),
    "declared": "sep=;\nday;load\n" + rows(DAYS, LOAD, mark=";"),
    "blank lines": "\nday,load\n\n" + rows(DAYS, LOAD).replace("\n", "\n\n"),
    "a delimiter at each end": "day,load,\n" + rows(DAYS, LOAD, [""] * 8),
    "delimiters at the ends of rows": "day,load\n" + rows(DAYS, LOAD, [""] * 8),
    "Windows": PLAIN.replace("\n", "\r\n"),
    "an old Macintosh": PLAIN.replace("\n", "\r"),
    "empty rows at the end": PLAIN + ",\n,\n",
    "another minus and plus": PLAIN.replace("1.5", "+1.5"),
    "newest first": "day,load\n" + rows(DAYS[::-1], LOAD[::-1]),
}


def assert_same(panel: Panel, header: bool = True) -> None:
    assert panel.series[0].values[:, 0].tolist() == LOAD
    assert str(panel.clock) == "day" and panel.clock.told(panel.series[0].times) == DAYS
    assert panel.columns == panel.targets == (("load",) if header else ("column 2",))


@pytest.mark.parametrize("case", SAME)
def test_what_says_the_same_is_read_the_same(case: str, tmp_path: Path):
    assert_same(reading(tmp_path, SAME[case]), header=case != "no header")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8-sig", "cp1252"])
def test_encodings(encoding: str, tmp_path: Path):
    panel = reading(tmp_path, PLAIN.replace("load", "Grad °C").encode(encoding))
    assert panel.columns == ("Grad °C",) and panel.series[0].values[:, 0].tolist() == LOAD


def test_compressed_and_from_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    content = gzip.compress(PLAIN.encode())
    assert_same(reading(tmp_path, content, "file.csv.gz"))
    assert_same(reading(tmp_path, gzip.compress(SAME["tabs"].encode()), "file.tsv.gz"))
    for one in (content, PLAIN.encode()):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(one)))
        assert_same(read("-"))


def test_units_are_said(tmp_path: Path):
    said = reading(tmp_path, SAME["a row of units"]).said
    assert said[-1] == "left out: day, which dates the rows; a row of units (day [-], load [kWh])"


def test_what_is_missing_is_counted_and_never_filled(tmp_path: Path):
    words = ["", "NA", "n/a", "NaN", "null", "None", "-", "?", "#N/A", "."]
    cells = ["1.5", *words, "2.5"]
    panel = reading(tmp_path, "a,b\n" + rows(cells, range(len(cells))))
    values = panel.series[0].values[:, 0]
    assert values[[0, -1]].tolist() == [1.5, 2.5] and np.isnan(values[1:-1]).all()
    assert f"missing cells: a {len(words)}" in panel.said[3]


def test_other_words_for_missing(tmp_path: Path):
    text = "a,b\n" + rows([1, -999, 3, 2], [1.5, -999.0, "off", 2.5])
    values = reading(tmp_path, text, missing=[-999, "off"]).series[0].values
    np.testing.assert_array_equal(values, [[1, 1.5], [np.nan, np.nan], [3, np.nan], [2, 2.5]])


def test_truths_are_one_and_zero(tmp_path: Path):
    panel = reading(tmp_path, "day,open,y\n" + rows(DAYS, ["true", "False"] * 4, LOAD))
    assert panel.series[0].values[:2, 0].tolist() == [1, 0] and panel.columns == ("open", "y")


def test_categories_are_a_column_for_each_level(tmp_path: Path):
    sky = ["sun", "rain", "sun", "", "snow", "rain", "sun", "sun"]
    panel = reading(tmp_path, "day,sky,y\n" + rows(DAYS, sky, LOAD))
    assert panel.columns == ("sky=rain", "sky=snow", "sky=sun", "y") and panel.targets == ("y",)
    np.testing.assert_array_equal(
        panel.series[0].values[:4, :3], [[0, 0, 1], [1, 0, 0], [0, 0, 1], [np.nan] * 3]
    )
    known = reading(tmp_path, "day,sky,y\n" + rows(DAYS, sky, LOAD), known="sky")
    assert known.known == ("sky=rain", "sky=snow", "sky=sun")


def test_text_of_many_kinds_is_left_out_and_named(tmp_path: Path):
    words = [f"word {place}" for place in range(21)]
    panel = reading(tmp_path, "note,y\n" + rows(words, [0.5 * place * (place % 3) for place in range(21)]))
    assert panel.columns == ("y",)
    assert panel.said[-1] == "left out: note, which tells the rows apart"
    words[0] = words[1]
    panel = reading(tmp_path, "note,y\n" + rows([*words, "more"], [place**2 % 7 for place in range(22)]))
    assert panel.said[-1] == "left out: note, which is text of 21 kinds, more than 20"
    words[0] = words[1] = words[2]
    panel = reading(tmp_path, "note,y\n" + rows([*words, "more"], [place**2 % 7 for place in range(22)]))
    assert len(panel.columns) == 21  # 20 kinds are a category


def test_a_column_that_goes_up_or_down_by_one_for_twenty_steps_counts(tmp_path: Path):
    def kept(level: list[int]) -> bool:
        y = [0.5 * place * (place % 3) for place in range(len(level))]
        return "level" in reading(tmp_path, "y,level\n" + rows(y, level)).columns

    assert not kept(list(range(7, 28))) and not kept(list(range(28, 7, -1)))
    assert kept(list(range(7, 27)))  # of 19 steps
    assert kept(list(range(0, 42, 2))) and kept([*range(20), 18]) and kept([1, *range(20)])


def test_a_year_of_whole_numbers_dates_the_rows(tmp_path: Path):
    y = [0.5 * place * (place % 3) for place in range(8)]
    for year, measured in (([3, 1, 2, 7, 5, 9, 4, 4], False), ([3.5, 1, 2, 7, 5, 9, 4, 4], True)):
        panel = reading(tmp_path, "y,year\n" + rows(y, year))
        assert ("year" in panel.columns) == measured


def test_what_says_nothing_is_left_out_and_named(tmp_path: Path):
    panel = reading(tmp_path, "day,a,b,c,y\n" + rows(DAYS, [3] * 8, [""] * 8, ["x"] * 8, LOAD))
    assert panel.columns == ("y",)
    assert panel.said[-1].endswith(
        "a, which is 3 throughout; b, which holds no number; c, which is x throughout"
    )
    asked = reading(tmp_path, "day,a,y\n" + rows(DAYS, [3] * 8, LOAD), target="y", inputs="a")
    assert asked.columns == ("a", "y")


@pytest.mark.parametrize("name", ["index", "epoch", "YEAR", "id", "No.", "quarter", "month"])
def test_what_counts_is_never_forecast_unasked(name: str, tmp_path: Path):
    counts = {"YEAR": [2024] * 4 + [2025] * 4, "quarter": [1, 2, 3, 4] * 2, "month": [1] * 7 + [2]}.get(
        name, range(8)
    )
    panel = reading(tmp_path, f"day,{name},y\n" + rows(DAYS, counts, LOAD))
    assert panel.columns == ("y",) and name in panel.said[-1]


def test_roles(tmp_path: Path):
    text = "day,a,b,c,d\n" + rows(DAYS, LOAD, LOAD[::-1], [4, 1] * 4, [1, 4] * 4)
    plain = reading(tmp_path, text)
    assert plain.targets == ("a", "b", "c", "d")
    panel = reading(tmp_path, text, target=["b", "a"], known="c", inputs="d")
    assert (panel.targets, panel.known, panel.columns) == (("b", "a"), ("c",), ("a", "b", "c", "d"))
    assert panel.said[0] == "forecast b, a; read d; known ahead c"
    panel = reading(tmp_path, text, target="a", inputs=())
    assert panel.columns == ("a",) and "b, which is not asked for" in panel.said[-1]
    assert len(panel.said) == 5


@pytest.mark.parametrize("role", ["target", "time", "id", "inputs", "known"])
def test_names_that_are_not_there_are_asked_about(role: str, tmp_path: Path):
    with pytest.raises(BadInput, match=r"file.csv: no column is called 'laod'; did you mean load\?"):
        reading(tmp_path, PLAIN, **{role: "laod"})


def test_one_role_a_column(tmp_path: Path):
    with pytest.raises(BadInput, match="expected one role for load, got targets and columns known ahead"):
        reading(tmp_path, PLAIN, target="load", known="load")


NUMERIC = {  # headers of numbers, and what the columns are called
    "years": ("place,2019,2020\n" + rows(["a", "b", "c"], [1.5, 2, 3.5], [2, 8, 5]), {"2019", "2020"}),
    "years behind text": ("place,code,2019,2020\n" + rows("abc", "xyz", [1.5, 2, 3.5], [2, 8, 5]), {"2019"}),
    "counts": ("0,1\n" + rows([1.5, 2, 3.5], [2, 8, 5]), {"0", "1"}),
    "an index and counts": (",0,1\n" + rows(range(3), [1.5, 2, 3.5], [2, 8, 5]), {"0", "1"}),
}


@pytest.mark.parametrize("case", NUMERIC)
def test_headers_of_numbers(case: str, tmp_path: Path):
    text, names = NUMERIC[case]
    panel = reading(tmp_path, text)
    assert names <= set(panel.columns) and len(panel.series[0]) == 3


def test_names_that_are_there_twice_or_empty(tmp_path: Path):
    panel = reading(tmp_path, "a,a,\n" + rows([1.5, 2, 3.5], [2, 8, 5], [3, 1, 0]))
    assert panel.columns == ("a", "a (2)", "column 3")


def test_every_digit_counts(tmp_path: Path):
    numbers = ["0.1", "2.2250738585072014e-308", "1234567890.123456789", "5e-324", "123456789012345678"]
    panel = reading(tmp_path, "a,b\n" + rows(numbers, [1, 5, 2, 4, 3]))
    assert panel.series[0].values[:, 0].tolist() == [float(one) for one in numbers]


def test_numbers_far_down_may_be_written_otherwise(tmp_path: Path):
    cells = [*(["1.5", "2.5", "3.0"] * 100), '"10,844"', "NA"]
    values = reading(tmp_path, "a,b\n" + rows(range(302), cells)).series[0].values
    assert values[300, -1] == 10844 and np.isnan(values[301, -1])


def test_ids_far_down_may_begin_with_zeros(tmp_path: Path):
    stores = ["7"] * 300 + ["007"] * 300
    text = "day,store,y\n" + rows(
        [str(np.datetime64("2020-01-01") + day) for day in range(300)] * 2,
        stores,
        [place**2 % 7 for place in range(600)],
    )
    assert [one.name for one in reading(tmp_path, text).series] == ["7", "007"]


def test_dates_of_several_thousand_rows(tmp_path: Path):
    hours = [str(np.datetime64("2020-01-01T00") + hour).replace("T", " ") + ":00" for hour in range(5000)]
    panel = reading(tmp_path, "when,y\n" + rows(hours, [place % 11 for place in range(5000)]))
    assert str(panel.clock) == "hour" and len(panel.series[0]) == 5000


BAD = {
    "": "the file is empty",
    "\n\n": "the file is empty",
    "a,b\n": "expected rows below the header, got none",
    "a,b\n1,2\n1,2,3\n": "line 3: expected 2 cells, got 3",
    "a,b\n1,2\n\n1\n": "line 4: expected 2 cells, got 1",
    "day,y\n2024-01-01,1\n2024-01-02,x\n" + rows([f"2024-02-{day:02}" for day in range(1, 21)], range(20)): (
        "line 3, y: expected a number, got 'x'"
    ),
    '# note\na,b\n"1\n",2\n'
    + rows(range(20), [*range(19), "red"]): "line 24, b: expected a number, got 'red'",
    "a\nred\nblue\n": "expected a column of numbers to forecast",
    "a,y\n1,2\n2,inf\n": "row 2 is infinite (line 3)",
}


@pytest.mark.parametrize("text", BAD)
def test_bad_files_are_one_line_each(text: str, tmp_path: Path):
    with pytest.raises(BadInput) as caught:
        reading(tmp_path, text)
    message = str(caught.value)
    assert BAD[text] in message and "file.csv: " in message and "\n" not in message


def test_a_target_of_text_is_refused(tmp_path: Path):
    with pytest.raises(BadInput, match="line 2, sky: expected a number, got 'sun'"):
        reading(tmp_path, "day,sky\n" + rows(DAYS, ["sun", "rain"] * 4), target="sky")


def test_files_that_are_not_there(tmp_path: Path):
    with pytest.raises(BadInput, match="there is no such file"):
        read(tmp_path / "none.csv")
    with pytest.raises(BadInput, match="expected a folder with files of"):
        read(tmp_path)


def test_what_is_measured_may_rise_like_a_count(tmp_path: Path):
    panel = reading(tmp_path, "y\n" + rows(range(60)))
    assert panel.columns == ("y",) and len(panel.series[0]) == 60
    panel = reading(tmp_path, "day,y\n" + rows(DAYS, range(8)))
    assert panel.series[0].values[:, 0].tolist() == list(range(8))


def test_a_long_and_a_short_row_do_not_make_up_for_each_other(tmp_path: Path):
    with pytest.raises(BadInput, match="line 3: expected 2 cells, got 3"):
        reading(tmp_path, "a,b\n1,2\n1,2,3\n1\n4,5\n")


def test_what_is_said_takes_five_lines(tmp_path: Path):
    said = reading(tmp_path, "day,meter,load\n" + rows(DAYS[:4] + DAYS[5:], [7] * 7, LOAD[:7])).said
    assert said == (
        "forecast load",
        "7 rows of one series",
        "2024-01-01 to 2024-01-08, every day, by day",
        "1 gap, 1 step; no cell is missing",
        "left out: day, which dates the rows; meter, which is 7 throughout",
    )


@pytest.mark.parametrize("cells", [["0.844", "1.729", "-2.551"], ["1.729", "2.551", "3.125"]])
def test_three_decimals_are_no_thousands(tmp_path: Path, cells: list[str]):
    """Not behind a zero, and not in a file of one column, whose delimiter says nothing."""
    path = tmp_path / "one.csv"
    path.write_text("y\n" + rows(cells))
    assert read(path).series[0].values[:, 0].tolist() == [float(cell) for cell in cells]


def test_decimal_commas_in_a_file_of_one_column(tmp_path: Path):
    """A name that holds no comma stands over one column, so a comma in its cells is that of a decimal."""
    path = tmp_path / "mine.csv"
    path.write_text("load\n0,844\n1,02\n-2,5\n3\n0,1\n")
    panel = read(path)
    assert panel.columns == ("load",)
    assert panel.series[0].values.ravel().tolist() == [0.844, 1.02, -2.5, 3.0, 0.1]
    path.write_text("a,b\n0,844\n1,02\n-2,5\n3,7\n")
    assert read(path).columns == ("a", "b")


def told_with_comma(number: float) -> str:
    return f"{number:,.2f}".translate(str.maketrans(",.", ".,"))


WAYS = {  # how numbers of two decimals are written: the mark between cells, and a cell
    "decimal commas": (";", lambda number: f"{number:.2f}".replace(".", ",")),
    "decimal commas, tabs": ("\t", lambda number: f"{number:.2f}".replace(".", ",")),
    "decimal commas, quoted": (",", lambda number: f'"{number:.2f}"'.replace(".", ",")),
    "thousands, quoted": (",", lambda number: f'"{number:,.2f}"'),
    "thousands, tabs": ("\t", lambda number: f"{number:,.2f}"),
    "thousands, semicolons": (";", told_with_comma),
    "percent": (";", lambda number: f"{number:.2f} %".replace(".", ",")),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("last", ["", "NA", "inches"])
def test_numbers_in_other_styles_are_those_of_a_plain_file(way: str, last: str, tmp_path: Path):
    """Also where a cell is missing, or a column holds a word, which is refused with its line."""
    mark, written = WAYS[way]
    values = np.random.default_rng(3).normal(0, 1e5, (60, 2)).round(2)
    cells = [[written(number) for number in column] for column in values.T]
    cells[1][-1] = last or cells[1][-1]
    text = mark.join(["n", "a", "b"]) + "\n" + rows(range(60), *cells, mark=mark)
    if last == "inches":
        with pytest.raises(BadInput, match="line 61, b: expected a number, got 'inches'"):
            reading(tmp_path, text)
        return
    values[-1, 1] = np.nan if last else values[-1, 1]
    panel = reading(tmp_path, text)
    np.testing.assert_array_equal(panel.series[0].values, values)
    assert panel.form is not None
    assert panel.form.commas == (("a", "b") if "1,50" in written(1.5) else ())


@pytest.mark.parametrize(("beside", "wanted"), [("7,5", 1.234), ("7,500.5", 1234.0), ("7.5", 1234.0)])
def test_cells_that_both_styles_read_follow_the_column_beside_them(
    beside: str, wanted: float, tmp_path: Path
):
    text = "n;a;b\n" + rows(range(30), ["1,234", "2,345", "9,125"] * 10, [beside, "3"] * 15, mark=";")
    assert reading(tmp_path, text).series[0].values[0, 0] == wanted


@pytest.mark.parametrize(
    ("written", "beside", "wanted", "commas"),
    [
        ("1.234", "7,5", 1234, ("a", "b")),  # a point of thousands beside a decimal comma
        ("1.5", "7,5", 1.5, ("b",)),  # each has its own
        ("1.234", "7.5", 1.234, ()),
        ("1.234", "7", 1.234, ()),  # nothing says that it is no point of decimals
        ("1.234", "7,512", 1234, ("a", "b")),  # both read both: a comma is no delimiter here
    ],
)
@pytest.mark.parametrize("mark", [";", "\t"])
def test_points_beside_commas(
    mark: str, written: str, beside: str, wanted: float, commas: tuple[str, ...], tmp_path: Path
):
    """Also in a later file that says nothing by itself, where the first one did."""
    text = mark.join("nab") + "\n" + rows(range(30), [written, "2"] * 15, [beside, "3"] * 15, mark=mark)
    first = reading(tmp_path, text)
    assert first.series[0].values[0, 0] == wanted
    assert first.form is not None and first.form.commas == commas
    (tmp_path / "later.csv").write_text(text.replace(beside, "7"))
    later = read_like(tmp_path / "later.csv", first)
    assert later.series[0].values[:2].tolist() == [[wanted, 7], [2, 3]]
