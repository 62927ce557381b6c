"""Files of the `.ts` format: what the head promises is held against each line."""

from pathlib import Path

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.tables.panel import Panel
from wavetrain.tables.read import read
from wavetrain.tables.read.asked import Asked
from wavetrain.tables.read.labelled import Labelled, labelled, panel_of_labelled

TWO = "@problemName two\n@dimensions 2\n@classLabel true Up down\n@data\n"


def test_series_and_their_classes():
    found = labelled(TWO + "1,2,3:4,5,6:Up\n7,?,NaN:1,1,1:down\n")
    assert found.labels == ("Up", "down")  # as they are written
    np.testing.assert_array_equal(found.series[0], [[1, 4], [2, 5], [3, 6]])
    np.testing.assert_array_equal(found.series[1], [[7, 1], [np.nan, 1], [np.nan, 1]])


def test_without_classes_nothing_is_cut_off():
    for head in ("@classLabel false\n@data\n", "@data\n"):
        found = labelled(head + "1,2,3\n4,5,6\n")
        assert found.labels is None and found.series[1].tolist() == [[4], [5], [6]]


def test_series_of_unequal_lengths():
    assert [len(one) for one in labelled("@equalLength false\n@data\n1,2,3\n4,5\n").series] == [3, 2]


def test_numbers_that_go_with_series():
    found = labelled("@univariate true\n@targetlabel true\n@data\n1,2,3:0.5\n4,5,6:-2e3\n")
    assert found.labels is None and found.targets is not None
    assert found.targets.tolist() == [0.5, -2000.0]
    assert found.series[1].tolist() == [[4], [5], [6]]


def test_a_question_mark_and_nan_are_the_same():
    one, other = labelled("@data\n1,?,3\n"), labelled("@data\n1,NaN,3\n")
    np.testing.assert_array_equal(one.series[0], other.series[0])


def test_series_of_equal_length_are_alike_whether_promised_or_not():
    rows = "1,2,3:4,5,6:Up\n7,8,9:1,1,1:down\n"
    plain = labelled(TWO + rows)
    for promise in ("@equalLength true\n", "@equalLength true\n@seriesLength 3\n", "@equalLength false\n"):
        found = labelled(promise + TWO + rows)
        np.testing.assert_array_equal(np.stack(found.series), np.stack(plain.series))
        assert found.labels == plain.labels


def test_a_question_of_size_takes_the_first_number():
    """What stands behind it is a remark."""
    assert labelled("@dimensions 2 of 9\n@data\n1,2:3,4\n").series[0].shape == (2, 2)
    assert labelled("@seriesLength 2 9\n@dimension 1 5\n@data\n1,2\n").series[0].shape == (2, 1)


BAD = {
    "@data\n1,2:1,2\n1,2\n": "line 3: expected 2 columns, got 1",
    "@equalLength true\n@data\n1,2,3\n4,5,6\n1,2\n": "line 5: expected 3 values in each column, got 2",
    "@univariate true\n@data\n1,2:1,2\n": "line 3: expected 1 columns, got 2",
    "@dimensions 3\n@classLabel true a\n@data\n1,2:1,2:a\n": "line 4: expected 3 columns, got 2",
    "@equalLength true\n@data\n1,2,3\n1,2\n": "line 4: expected 3 values in each column, got 2",
    "@targetLabel true\n@data\n1,2:?\n": "line 3: expected a number behind the last colon, got '?'",
    "@targetLabel true\n@data\n1,2:big\n": "line 3: expected a number, got 'big'",
    "@classLabel true a\n@data\na\n": "line 3: expected values before the last colon, got none",
    "@timeStamps true\n@classLabel true 1\n@data\n(0,5),(1,3):1\n": (
        "line 4: expected numbers alone, got values with their times"
    ),
    TWO + "1,2:1,2,3:Up\n": "line 5: expected columns of one length, got 2, 3 values",
    TWO + "1,2:1,2:Up\n1,2:Up\n": "line 6: expected 2 columns, got 1",
    TWO + "1,2:1,2:up\n": "line 5: expected one of the classes Up, down, got 'up'",
    TWO + "(2020-01-01,1):(2020-01-01,2):Up\n": "line 5: expected numbers alone, got values with their times",
    "@seriesLength 3\n@data\n1,2,3\n1,2\n": "line 4: expected 3 values in each column, got 2",
    "@data\n1,x\n": "line 2: expected a number, got 'x'",
    "@data\n": "expected series below @data, got none",
    "1,2,3\n": "line 1: expected a line of the head or @data, got '1,2,3'",
}


@pytest.mark.parametrize("text", BAD)
def test_what_does_not_fit_is_named_with_its_line(text: str):
    with pytest.raises(BadInput) as caught:
        labelled(text)
    assert str(caught.value) == BAD[text]


def test_read_gives_the_series(tmp_path: Path):
    (tmp_path / "two.ts").write_text(TWO + "1,2,3:4,5,6:Up\n7,8,9:1,1,1:down\n")
    panel = read(tmp_path / "two.ts", target="y2")
    assert panel.columns == ("y1", "y2") and panel.targets == ("y2",)
    assert [one.name for one in panel.series] == ["0", "1"]
    assert panel.said[-1] == "left out: the class of each series (Up, down)"


def panel(series: tuple[np.ndarray, ...], asked: Asked | None = None, **more: object) -> Panel:
    return panel_of_labelled(Labelled(series, more.pop("labels", None), **more), asked or Asked())  # type: ignore[arg-type]


def test_what_is_said_of_series_with_classes():
    labels = tuple("gfedcba")
    seven = panel(tuple(np.zeros((1200, 1)) for _ in labels), labels=labels)
    assert seven.said == (
        "7 series of 1,200 steps and 1 columns",
        "no times: rows are numbered",
        "left out: the class of each series (a, b, c, d, e, f)",
    )
    assert seven.series[6].name == "6" and seven.columns == ("y1",) and seven.known == ()
    numbers = panel((np.zeros((2, 3)), np.zeros((1200, 3))), targets=np.zeros(2))
    assert numbers.said == (
        "2 series of 2 to 1,200 steps and 3 columns",
        "no times: rows are numbered",
        "left out: the number of each series",
    )
    assert panel((np.zeros((2, 3)),) * 1).said[2:] == ()


def test_roles_of_the_columns_of_series():
    rows = (np.zeros((2, 3)),)
    found = panel(rows, Asked(inputs=("y1",), known=("y3",)))
    assert (found.targets, found.known) == (("y2",), ("y3",))
    assert panel(rows).targets == ("y1", "y2", "y3")
    with pytest.raises(BadInput, match="no column is called 'y4'"):
        panel(rows, Asked(known=("y4",)))
    assert panel((np.zeros((2, 1)),) * 1001).said[0] == "1,001 series of 2 steps and 1 columns"


def test_words_of_the_head_in_any_letters():
    text = "# made by hand\n%remark\n\n@ClassLabel TRUE a\n @DATA \n# 9\n 1 , 2 : a \n"
    found = labelled(text)
    assert found.labels == ("a",) and found.series[0].tolist() == [[1], [2]]
    assert labelled("@classLabel true\n@data\n1:x y\n").labels == ("x y",)  # no classes are named
    for word, name in (("Up" * 30, "classLabel"), ("x" * 60, "targetLabel")):
        with pytest.raises(BadInput, match=f"got '{word[:40]}'$"):
            labelled(f"@{name} true a\n@data\n1,2:{word}\n")
    with pytest.raises(BadInput, match=f"^line 1: expected a line of the head or @data, got '{'z' * 40}'$"):
        labelled("z" * 60)
    with pytest.raises(BadInput, match=r"^line 3: expected one of the classes a, got ''$"):
        labelled("@classLabel true a\n@data\n1,2:\n")
