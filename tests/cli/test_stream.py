"""One line in, one line out: what the command `stream` reads, answers, keeps and refuses."""

import csv
import gzip
import io
import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from wavetrain.cli import main
from wavetrain.estimators import Forecaster, ForecastStreams

DICE = np.random.default_rng(0)
DAYS = [day.item() for day in np.arange("2024-01-01", "2024-07-01", dtype="datetime64[D]")]
SHOPS = {"007": 100.0, "7": 5.0}
SOLD = {
    name: level + np.sin(2 * np.pi * (np.arange(len(DAYS)) % 7) / 7) + 0.1 * DICE.normal(size=len(DAYS))
    for name, level in SHOPS.items()
}
FIRST = 120  # days that are learned from
COMMAND = [sys.executable, "-m", "wavetrain.cli", "stream"]


def lines(first: int, last: int) -> list[str]:
    """Days first, with a decimal point; the two shops in turn."""
    return [
        f"{DAYS[day]:%d.%m.%Y},{name},{SOLD[name][day]:.3f}" for day in range(first, last) for name in SHOPS
    ]


def table(path: Path, first: int, last: int) -> Path:
    path.write_text("\n".join(["when,shop,sold", *lines(first, last)]) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("stream")
    source = str(table(found / "first.csv", 0, FIRST))
    small = ["--layer", "gru", "--width", "4", "--depth", "1", "--steps", "5", "--horizon", "2"]
    main(["fit", source, "--target", "sold", "--id", "shop", "--out", str(found / "m"), *small])
    table(found / "later.csv", FIRST, FIRST + 30)
    table(found / "all.csv", 0, FIRST + 30)
    return found


def answers(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def streamed(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    main(["stream", *words])
    return capsys.readouterr().out


def test_each_line_is_answered_with_the_rows_that_follow(folder: Path, capsys: pytest.CaptureFixture[str]):
    """Fit on a, stream b: as predict on a + b. The time is that of the row, as it is written."""
    found = answers(streamed(capsys, str(folder / "m"), str(folder / "later.csv")))
    assert len(found) == 60 and list(found[0]) == [
        *("series", "time", "sold +1", "sold +1 low", "sold +1 high", "sold +2", "sold +2 low"),
        "sold +2 high",
    ]
    assert [(row["series"], row["time"]) for row in found[:2]] == [("007", "30.04.2024"), ("7", "30.04.2024")]
    main(["predict", str(folder / "m"), str(folder / "all.csv")])
    whole = answers(capsys.readouterr().out)
    for place, last in enumerate(found[-2:]):
        one, two = whole[2 * place : 2 * place + 2]
        for step, row in (("+1", one), ("+2", two)):
            for end in ("", " low", " high"):
                assert float(last[f"sold {step}{end}"]) == pytest.approx(float(row[f"sold{end}"]), rel=2e-5)


def test_the_same_file_streamed_twice_gives_the_same(folder: Path, capsys: pytest.CaptureFixture[str]):
    one, two = (streamed(capsys, str(folder / "m"), str(folder / "later.csv")) for _ in range(2))
    assert one == two


def test_a_state_that_is_kept_goes_on_as_if_nothing_had_been(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    model, state = str(folder / "m"), str(tmp_path / "state")
    whole = streamed(capsys, model, str(folder / "later.csv")).splitlines()
    parts = []
    for first, last in ((FIRST, FIRST + 11), (FIRST + 11, FIRST + 30)):
        part = str(table(tmp_path / "part.csv", first, last))
        parts += streamed(capsys, model, part, "--state", state).splitlines()[1:]
    for one, other in zip(parts, whole[1:], strict=True):
        assert one.split(",")[:2] == other.split(",")[:2]
        numbers = ([float(cell) for cell in line.split(",")[2:]] for line in (one, other))
        np.testing.assert_allclose(*numbers, rtol=1e-5)


@pytest.mark.parametrize("size", [1, 37, 500])
def test_it_does_not_matter_where_what_is_read_is_cut(
    folder: Path, size: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """Also within a line."""
    whole = answers(streamed(capsys, str(folder / "m"), str(folder / "later.csv")))
    monkeypatch.setattr("wavetrain.cli.stream.CHUNK", size)
    for one, other in zip(
        answers(streamed(capsys, str(folder / "m"), str(folder / "later.csv"))), whole, strict=True
    ):
        assert (one["series"], one["time"]) == (other["series"], other["time"])
        assert float(one["sold +2 low"]) == pytest.approx(float(other["sold +2 low"]), rel=1e-5)


def test_states_are_kept_from_time_to_time(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """So that little is lost where the machine stops."""
    monkeypatch.setattr("wavetrain.cli.stream.CHUNK", 100)
    kept: list[Path] = []
    save = ForecastStreams.save

    def counted(self: ForecastStreams, path: Path) -> None:
        kept.append(path)
        save(self, path)

    monkeypatch.setattr(ForecastStreams, "save", counted)
    for often, least, most in ((-1.0, 3, 99), (1e9, 1, 1)):
        kept.clear()
        monkeypatch.setattr("wavetrain.cli.stream.OFTEN", often)
        state = str(tmp_path / f"{often}")
        streamed(capsys, str(folder / "m"), str(folder / "later.csv"), "--state", state)
        assert least <= len(kept) <= most


def test_a_packed_table_and_a_long_line(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    packed = tmp_path / "later.csv.gz"
    packed.write_bytes(gzip.compress((folder / "later.csv").read_bytes()))
    whole = streamed(capsys, str(folder / "m"), str(folder / "later.csv"))
    assert streamed(capsys, str(folder / "m"), str(packed)) == whole
    (tmp_path / "long.csv").write_text("when,shop,sold\n" + "7" * (2**20 + 2**17))
    with pytest.raises(SystemExit):
        main(["stream", str(folder / "m"), str(tmp_path / "long.csv")])
    assert "expected lines of at most 1,048,576 bytes" in capsys.readouterr().err


def test_lines_are_answered_as_they_come(folder: Path):
    """Each answer is there before the next line is sent."""
    command = [*COMMAND, str(folder / "m")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        for line in ["when,shop,sold", *lines(FIRST, FIRST + 2)]:
            process.stdin.write(line + "\n")
            process.stdin.flush()
            answer = process.stdout.readline()
            assert answer.startswith("series,time" if line.startswith("when") else f"{line.split(',')[1]},")
        process.stdin.close()
        assert process.wait() == 0


def test_a_stream_that_is_stopped_keeps_its_state(folder: Path, tmp_path: Path):
    command = [*COMMAND, str(folder / "m"), "--state", str(tmp_path / "state")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as process:  # type: ignore[call-overload]
        process.stdin.write("\n".join(["when,shop,sold", *lines(FIRST, FIRST + 2)]) + "\n")
        process.stdin.flush()
        for _ in range(5):
            process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 130 and process.stderr.read().count("\n") == 1
    again = "\n".join(["when,shop,sold", *lines(FIRST + 1, FIRST + 3)])
    later = subprocess.run(command, input=again, capture_output=True, text=True, check=False)
    assert later.returncode == 2 and "expected each time once, got 01.05.2024 again" in later.stderr


def test_columns_may_stand_in_another_order_with_others_beside_them(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    whole = streamed(capsys, str(folder / "m"), str(folder / "later.csv"))
    rows = [line.split(",") for line in lines(FIRST, FIRST + 30)]
    text = "\ufeffmore; sold ;shop;when\r\n" + "".join(
        f'"a;b";{sold};{shop};"{when}"\r\n\r\n' for when, shop, sold in rows
    )
    (tmp_path / "other.csv").write_bytes(text.encode())
    assert streamed(capsys, str(folder / "m"), str(tmp_path / "other.csv")) == whole


def test_answers_may_be_json(folder: Path, capsys: pytest.CaptureFixture[str]):
    found = streamed(capsys, str(folder / "m"), str(folder / "later.csv"), "--json").splitlines()
    first = json.loads(found[0])
    assert len(found) == 60 and (first["series"], first["time"]) == ("007", "30.04.2024")
    assert len(first["sold"]["forecast"]) == 2 and first["sold"]["low"][0] < first["sold"]["high"][0]


def test_a_series_may_begin_fresh(folder: Path, capsys: pytest.CaptureFixture[str]):
    fresh = answers(streamed(capsys, str(folder / "m"), str(folder / "all.csv"), "--fresh"))
    behind = answers(streamed(capsys, str(folder / "m"), str(folder / "later.csv")))
    for name in fresh[-1]:
        if name.startswith("sold"):
            assert float(fresh[-1][name]) == pytest.approx(float(behind[-1][name]), rel=1e-4)


def test_rows_without_times_are_numbered_as_predict_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    Forecaster("elman", width=2, depth=1, steps=1, phases=False).fit(SOLD["7"][:60]).save(tmp_path / "m")
    (tmp_path / "rows.csv").write_text("y\n5\n6\nNA\n")
    found = answers(streamed(capsys, str(tmp_path / "m"), str(tmp_path / "rows.csv")))
    assert [row["time"] for row in found] == ["60", "61", "62"]


LATER = lines(FIRST, FIRST + 3)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([*LATER, LATER[-1]], "line 8: series '7': expected each time once, got 02.05.2024 again"),
        ([*LATER, LATER[0]], "line 8: series '007': expected times that rise, got 30.04.2024 behind"),
        ([lines(3, 4)[0]], "it goes on behind the rows known up to 29.04.2024"),
        ([*LATER, "03.05.2024,7"], "line 8: expected 3 cells, got 2"),
        ([*LATER, "03.05.2024,7,red"], "line 8: sold: expected a number, got 'red'"),
        ([*LATER, "03.05.2024,7,inf"], "line 8: sold: expected a finite number"),
        ([*LATER, "2024-05-03,7,5.0"], "line 8: when: expected a time like 01.01.1970, got '2024-05-03'"),
        ([*LATER, "03.05.2024,,5.0"], "line 8: shop: expected an id, got none"),
        ([*LATER, '03.05.2024,7,"5.0'], "line 8: unexpected end of data"),
        ([*LATER, "03.05.2024,7,5.0\udcff"], "line 8: expected text in UTF-8"),
    ],
)
def test_a_line_that_cannot_be_read_loses_nothing_before_it(
    folder: Path, tmp_path: Path, rows: list[str], message: str, capsys: pytest.CaptureFixture[str]
):
    """What stands before it is answered, and its state is kept."""
    path, state = tmp_path / "bad.csv", tmp_path / "state"
    path.write_bytes("\n".join(["when,shop,sold", *rows]).encode(errors="surrogateescape"))
    with pytest.raises(SystemExit) as left:
        main(["stream", str(folder / "m"), str(path), "--state", str(state)])
    out, err = capsys.readouterr()
    assert left.value.code == 2 and message in err and err.count("\n") == 1
    assert len(answers(out)) == len(rows) - 1
    if len(rows) > 1:
        after = str(table(tmp_path / "after.csv", FIRST + 3, FIRST + 4))
        assert len(answers(streamed(capsys, str(folder / "m"), after, "--state", str(state)))) == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["{}/none"], "expected a folder with model.safetensors"),
        (["{}/m", "{}/none.csv"], "there is no such file"),
        (["{}/m", "{}/wrong.csv"], "line 1: no column is called 'sold'; did you mean solt"),
        (["{}/m", "{}/later.csv", "--state", "{}/first.csv"], "not a whole checkpoint"),
    ],
)
def test_what_cannot_be_streamed_is_one_line(
    folder: Path, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
):
    (folder / "wrong.csv").write_text("when,shop,solt\n")
    with pytest.raises(SystemExit) as left:
        main(["stream", *(word.format(folder) for word in words)])
    said = capsys.readouterr().err
    assert left.value.code == 2 and message in said and said.count("\n") == 1
