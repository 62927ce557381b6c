"""The cells of a table of text: encodings, delimiters, headers, lines."""

import codecs

import pytest

from wavetrain.errors import BadInput
from wavetrain.tables.cells import Cells, cells, decoded, reads

TEXT = "a,ä\n1,2\n"


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        codecs.BOM_UTF8 + TEXT.encode(),
        codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
        codecs.BOM_UTF32_LE + TEXT.encode("utf-32-le"),
        codecs.BOM_UTF32_BE + TEXT.encode("utf-32-be"),
        TEXT.encode("utf-16-le"),
        TEXT.encode("utf-16-be"),
        TEXT.encode("cp1252"),
    ],
)
def test_text_in_any_encoding(content: bytes):
    assert decoded(content) == TEXT


def test_half_of_every_other_byte_may_be_zero():
    """What is more is UTF-16; an empty text is none."""
    assert decoded(b"a\0b\0cd" + b"ef") == "a\0b\0cdef"
    assert decoded("abc".encode("utf-16-le") + b"de" + b"fg") == "abc\u6564\u6766"
    assert decoded(b"\0a\0bcd" + b"ef") == "\0a\0bcdef"
    assert decoded("abc".encode("utf-16-be") + b"de" + b"fg") == "abc\u6465\u6667"
    assert decoded(b"\x81") == "\N{REPLACEMENT CHARACTER}"
    with pytest.raises(BadInput, match=r"^expected text in utf-16, got a damaged one \(truncated data\)$"):
        decoded(codecs.BOM_UTF16_LE + b"a")


def of(text: str) -> Cells:
    return cells(text.encode())


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_the_commonest_delimiter_of_the_first_line(mark: str):
    assert of(f"a{mark}b\n1{mark}2\n") == Cells(["a", "b"], [("1",), ("2",)], [2])
    other = "," if mark != "," else ";"
    assert of(f'"a{other}{other}{other}b"{mark}c\n1{mark}2\n').names == [f"a{other}{other}{other}b", "c"]
    assert of(f"\n\na{mark}b\n1{other}5{mark}2{other}5\n").columns == [(f"1{other}5",), (f"2{other}5",)]
    assert of(f"{mark}b\n1{mark}2\n").names == ["", "b"]  # as an index without a name is written
    assert of(f"sep={mark}\na{mark}b\n1{mark}2\n") == Cells(["a", "b"], [("1",), ("2",)], [3])
    assert of(f"sep={mark}\r\na{other}b{mark}c\n1{mark}2\n").names == [f"a{other}b", "c"]


def test_headers_and_lines():
    assert of("a, b\n\n 1 ,2\n3,4\n") == Cells(["a", "b"], [("1", "3"), ("2", "4")], [3, 4])
    assert of("1,b\n3,4\n") == Cells(["column 1", "column 2"], [("1", "3"), ("b", "4")], [1, 2])
    assert of("2024-01-01,b\n").names == ["column 1", "column 2"]
    assert of("a,b\n") == Cells(["a", "b"], [(), ()], [])
    assert of('a,b\n"x\ny",2\n3,4\n').lines == [3, 4]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n1,2,3\n", "line 3: expected 2 cells, got 3"),
        ("sep=;\na;b\n1;2\n1\n", "line 3: expected 2 cells, got 1"),
        ("\n\n", "expected rows of numbers, got blank lines"),
        (f"a\n{'x' * 200_000}\n", "line 2: field larger than field limit (131072)"),
    ],
)
def test_what_is_no_table(text: str, message: str):
    with pytest.raises(BadInput) as caught:
        of(text)
    assert str(caught.value) == message


def test_whether_all_can_be_read():
    assert reads(float, ["1", "2.5"]) and reads(float, []) and not reads(float, ["1", "x"])
