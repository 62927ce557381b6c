"""What a new user may type or hand over by mistake: one line, exit code 2, and nothing is lost."""

import importlib
import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.test_command import answered, refused
from wavetrain import find
from wavetrain.cli import command as cli

RESULT = find.ROOT.parent.parent / "results" / "wave_rnn_copy-small.json"
ROWS = "a,b\n" + "".join(f"{i % 7}.5,{(i * i) % 11}\n" for i in range(120))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with good files and bad ones."""
    (tmp_path / "good.csv").write_text(ROWS)
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "circle.csv").symlink_to("circle.csv")
    (tmp_path / "dangling.csv").symlink_to("nowhere")
    (tmp_path / "zeros.csv").write_bytes(b"\0" * 1000)
    (tmp_path / "noise.csv").write_bytes(np.random.default_rng(0).bytes(5000))
    (tmp_path / "noise.npz").write_bytes(np.random.default_rng(0).bytes(5000))
    (tmp_path / "quote.csv").write_text('a,b\n"1,2\n' + "3,4\n" * 100)
    (tmp_path / "long.csv").write_text("a\n" + "1" * 200_000 + "\n" + "1\n2\n" * 60)
    (tmp_path / "digits.csv").write_text("a\n" + ("1" * 5000 + "\n2\n") * 60)
    (tmp_path / "huge.csv").write_text("a,b\n" + "1e308,1\n-1e308,2\n" * 60)
    (tmp_path / "id.csv").write_text("id\n" + "".join(f"{i}\n" for i in range(100)))
    np.savez(tmp_path / "rare.npz", x=np.ones((100, 3)), y=(np.arange(100) < 2).astype(int))
    np.save(tmp_path / "lone.npy", np.ones(3))
    (tmp_path / "lone.npy").rename(tmp_path / "lone.npz")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def contents(folder: Path) -> dict[str, bytes | None]:
    """All that lies in a folder, and the bytes of its files."""
    paths = sorted(folder.rglob("*"))
    return {str(path): path.read_bytes() if path.is_file() else None for path in paths}


COMPARED = {
    "folder.csv": r"expected a folder with files of \.csv.*; got no file",
    "circle.csv": "no such file",
    "dangling.csv": "no such file",
    "zeros.csv": "expected rows below the header, got none",
    "noise.csv": r"line \d+: expected|at least 60 rows",
    "noise.npz": "pickled|damaged",
    "quote.csv": "expected 2 cells",
    "long.csv": "line 2: field larger",
    "digits.csv": r"row 1 is infinite \(line 2\)",
    "huge.csv": r"numbers up to 1e\+100, got 1e\+308 in row 1",
    "id.csv": "expected a column of numbers to forecast, got none; left out: id",
    "rare.npz": "got 0 alone in the part",
    "lone.npz": "a lone array",
    "": "expected a file or a name to compare layers on",
    ".": "long.csv: line 2: field larger",  # a folder with bad files in it
    "/dev/zero": "expected a file that ends in",
    "good.csv/x": "no file, task or data is called",
    "x" * 300 + ".csv": "name too long",
    "a\0b.csv": "no such file",
    "~/good.csv": "no such file",
    "good.csv --parameters 1000000000000": "parameters above 0, at most 100,000,000",
    "good.csv --batch 100000000000": "batch above 0, at most 1,000,000",
    "good.csv --depth 1000000000": "depth above 0, at most 1,000",
    "good.csv --rates nan": r"learning rates in \(0, 1\], got \(nan,\)",
    "good.csv --rates": r"learning rates in \(0, 1\], got \(\)",
    "good.csv --seeds 1000000000": "seeds must be from 1 to 1000",
    "good.csv --steps 1e3": "--steps: .* from \\['1e3'\\]",
    "good.csv --minutes 0": "minutes above 0",
    "good.csv --minutes 2 --quick": "one of --minutes, --quick and --steps",
    "good.csv --target speed": "no column is called 'speed'",
    "good.csv --horizon 0": "at least 1",
    "good.csv --horizon 100000": "more rows than a horizon of 100000",
    "good.csv --classes kind": "no column is called 'kind'",
    "good.csv --classes a --target b": "expected no --target",
    "good.csv --resample 1h": "expected a column of times to resample by 1h",
    "good.csv --resample hourly": "expected a length of time to resample by",
    "good.csv --split random": "not dealt out at random",
    "good.csv --metric r2": "--metric",
    "good.csv --device cuda": "cuda|expected --device cpu",
    "rare.npz --horizon 3": "of tables that are forecast",
    "good.csv --jobs 100000": "jobs must be from 1 to 1000",
    "good.csv --layers all elmann": "no layer is called 'elmann'; did you mean elman",
    "good.csv --layers copying": "no layer is called 'copying'",
    "good.csv --device meta": "expected a device cpu, cuda",
    "good.csv --device cuda:-1": "device 'cuda:-1' cannot be used here",
    "good.csv --out good.csv": "Not a directory",
    "good.csv --out circle.csv": "symbolic links",
    "good.csv --out /dev/null": "Not a directory",
    "good.csv extra.csv": "Unrecognized options: extra.csv",
}


@pytest.mark.parametrize("words", COMPARED)
def test_compare(capsys: pytest.CaptureFixture[str], here: Path, words: str) -> None:
    before = contents(here)
    split = words.split(" ") if "\0" not in words else [words]
    line = refused(capsys, "compare", *split)
    assert re.search(COMPARED[words], line), line
    assert contents(here) == before


OTHERS = {
    "list nothing": "no kind or tag is called 'nothing'",
    "show lstm --picture": "Missing value",
    "show lstm --picture good.csv": "ends in .png, got 'good.csv'",
    "show lstm --picture nowhere/a.png": "there is no folder nowhere",
    "show lstm --picture folder.csv/../nowhere/a.png": "there is no folder",
    "cite wave_rnn_copy": "no member is called",
    "fetch": "name (required)",
    "run all nope": "no experiment is called 'nope'",
    "run wave_rnn_waves --scale SMOKE": "no scale is called 'SMOKE'",
    "run wave_rnn_waves --scale smoke --save-every nan": "seconds of at least 0 to save after, got nan",
    "run wave_rnn_waves --scale smoke --results good.csv": "good.csv",
    "run wave_rnn_waves --seeds 999999999999": "seeds must be from 1 to 1000",
    "run --scale smoke": "run what?",
    "site --results good.csv": "no folder of results",
    "site --results circle.csv": "circle of links",
    "site --results .": "holds no result",
    "site --out good.csv": "is not a site",
}


@pytest.mark.parametrize("words", OTHERS)
def test_other_commands(capsys: pytest.CaptureFixture[str], here: Path, words: str) -> None:
    before = contents(here)
    if words == "site --out good.csv":
        shutil.copytree(RESULT.parent, here / "results")
        before = contents(here)
    assert OTHERS[words] in refused(capsys, *words.split())
    assert contents(here) == before


def spoiled(**parts: Any) -> str:
    result = json.loads(RESULT.read_text())
    return json.dumps(result | {"pictures": []} | parts)


def nested(depth: int) -> Any:
    return json.loads("[" * depth + "]" * depth)


SEEDS = len(json.loads(RESULT.read_text())["seeds"])
RESULTS = {
    "too deep to be read": ("[" * 100_000 + "]" * 100_000, "cannot be read as JSON"),
    "deep": (spoiled(settings={"a": nested(900)}), "at most 50 deep, got 902"),
    "a whole number without end": (spoiled(seconds=[10**400] * SEEDS), "`seconds[0]` must be a number of at"),
    "a figure without end": (spoiled(figures=[{"a": 10**400}] * SEEDS), "`figures[0].a` must be a number of"),
    "nothing": ("", "cannot be read as JSON"),
    "a picture elsewhere": (spoiled(pictures=["../a.png"]), "inside the folder"),
}  # fmt: skip


@pytest.mark.parametrize("content, said", RESULTS.values(), ids=RESULTS)
def test_results_from_anyone(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, content: str, said: str
) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / RESULT.name).write_text(content)
    words = ("site", "--results", str(tmp_path / "results"), "--out", str(tmp_path / "site"))
    assert said in refused(capsys, *words)
    assert not (tmp_path / "site").exists()


def test_half_a_character_in_a_result(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / RESULT.name).write_text(spoiled(about="a \ud800 b"))
    answered(capsys, "site", "--results", str(tmp_path), "--out", str(tmp_path / "site"))
    assert "a ? b" in (tmp_path / "site" / "claims" / "wave_rnn_copy.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("device", ["cpu:0", "cpu"])
def test_the_one_cpu(capsys: pytest.CaptureFixture[str], undrawn: None, tmp_path: Path, device: str) -> None:
    words = ("run", "wave_rnn_waves", "--scale", "smoke", "--seeds", "1", "--device", device, "--json")
    (result,) = json.loads(answered(capsys, *words, "--out", str(tmp_path)))
    assert result["environment"]["device"] == "cpu" and (tmp_path / "site").exists()


def test_a_site_that_cannot_be_built_loses_no_table(
    capsys: pytest.CaptureFixture[str], undrawn: None, tmp_path: Path
) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "thesis.txt").write_text("kept")
    words = ("run", "wave_rnn_waves", "--scale", "smoke", "--seeds", "1", "--out", str(tmp_path))
    with pytest.raises(SystemExit) as left:
        cli.main(words)
    streams = capsys.readouterr()
    assert left.value.code == 2 and "not a site" in streams.err and "undecided" in streams.out
    assert (tmp_path / "site" / "thesis.txt").read_text() == "kept"


def test_what_is_left_out_is_said_before_training(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def train(*_: Any, **__: Any) -> None:
        raise OSError("at work")

    monkeypatch.setattr(importlib.import_module("wavetrain.run.forecasts"), "compare_series", train)
    (tmp_path / "dated.csv").write_text("year,a\n" + "".join(f"{1900 + i},{i % 7}\n" for i in range(90)))
    with pytest.raises(SystemExit):
        cli.main(["compare", str(tmp_path / "dated.csv")])
    streams = capsys.readouterr()
    assert "at work" in streams.err
    assert "left out: year, which dates the rows" in " ".join(streams.out.split())
