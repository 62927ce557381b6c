"""The command as a user types it: what it prints, and one line with exit code 2 for bad input."""

import json
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from tests.fresh import warm
from wavetrain.cli import command as cli

SMALLEST = ["run", "wave_rnn_waves", "--scale", "smoke", "--seeds", "1", "--jobs", "1", "--out"]


COMMAND = ("-m", "wavetrain.cli")


class Finished(NamedTuple):
    """A run that is over."""

    out: Path
    said: str


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The one line that the command answers bad input with."""
    with pytest.raises(SystemExit) as left:
        cli.main(words)
    assert left.value.code == 2
    streams = capsys.readouterr()
    lines = streams.err.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("wavetrain: "), streams.err
    return lines[0]


def answered(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    cli.main(words)
    return capsys.readouterr().out


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    names = {one["name"]: one["kind"] for one in json.loads(answered(capsys, "list", "--json"))}
    assert names["wave_rnn"] == "layers" and names["copying"] == "tasks" and names["mnist"] == "data"
    assert "wave_rnn" in answered(capsys, "list", "layers")
    assert "copying" not in answered(capsys, "list", "layers", "--json")


def test_list_is_quick() -> None:
    """Under 0.7 s of a core, the best of a few tries, however busy the machine is; torch is not imported."""
    times = []
    for _ in range(5):
        begun = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([sys.executable, *COMMAND, "list", "--json"], check=False, capture_output=True)
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(ended.ru_utime + ended.ru_stime - begun.ru_utime - begun.ru_stime)
        assert done.returncode == 0
        if times[-1] < 0.7:
            break
    assert min(times) < 0.7
    loaded = "import sys; from wavetrain.cli import main; main(['list']); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", loaded], check=True, capture_output=True)


def test_show(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    text = answered(capsys, "show", "wave_rnn", "--picture", str(tmp_path / "operator.png"))
    assert "Traveling waves encode the recent past" in text and "claim wave_rnn_copy" in text
    assert (tmp_path / "operator.png").read_bytes().startswith(b"\x89PNG")
    facts = json.loads(answered(capsys, "show", "lstm", "--json"))
    assert facts["parameters"]["64"] == 4 * (64 * 64 + 64 * 64 + 2 * 64)
    assert "wave_rnn_digits" in facts["claims"]
    for name in ("copying", "digits", "effective_context", "wave_rnn_copy", "backpropagation"):
        assert json.loads(answered(capsys, "show", name, "--json"))["name"] == name
    assert "only a layer" in refused(capsys, "show", "copying", "--picture", "x.png")


def test_what_is_interrupted_says_that_it_goes_on(capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(words: list[str]) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_answer", stopped)
    with pytest.raises(SystemExit) as left:
        cli.main(["list"])
    assert left.value.code == 130
    assert capsys.readouterr().err.strip() == "wavetrain: stopped; the same command goes on from here"


def test_cite(capsys: pytest.CaptureFixture[str]) -> None:
    entry = answered(capsys, "cite", "wave_rnn")
    assert entry.startswith("@") and "2309.08045" in entry and "Keller" in entry
    assert json.loads(answered(capsys, "cite", "lstm", "--json"))["year"] == 1997
    assert "doi           = {10.1126/science.1125572}" in answered(capsys, "cite", "grid_score")
    assert "author        = {{The Wavetrain authors}}" in answered(capsys, "cite", "toeplitz")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """One run that is over, by a process of its own."""
    out = tmp_path_factory.mktemp("finished") / "runs"
    done = warm(*COMMAND, *SMALLEST, str(out))
    assert done.returncode == 0, done.stderr
    return Finished(out, done.stdout)


def test_run_and_site(capsys: pytest.CaptureFixture[str], finished: Finished, tmp_path: Path) -> None:
    assert "undecided" in finished.said and "report:" in finished.said  # the smoke scale decides nothing
    page = finished.out / "site" / "index.html"
    assert page.exists()
    (folder,) = finished.out.glob("wave_rnn_waves-smoke-seed0-*")
    for name in ("config.json", "environment.json", "result.json"):
        json.loads((folder / name).read_text())
    assert list(folder.glob("metrics/*.jsonl")) and list(folder.glob("checkpoints/*.safetensors"))
    assert list(folder.glob("pictures/*.png"))
    runs = shutil.copytree(finished.out, tmp_path / "runs")
    (result,) = json.loads(answered(capsys, *SMALLEST, str(runs), "--json"))
    assert result["seeds"] == [0] and result["environment"]["threads"] >= 1
    assert result["command"] == "wavetrain run wave_rnn_waves --scale smoke --seeds 1"
    site = answered(capsys, "site", "--results", str(runs / "results"), "--out", str(tmp_path / "site"))
    assert str(tmp_path / "site" / "index.html") in site.replace("\n", "")


def test_a_finished_run_is_read_by_another_process(
    capsys: pytest.CaptureFixture[str], finished: Finished, undrawn: None, tmp_path: Path
) -> None:
    """The folder of a run is named by what it depends on, and by nothing that differs between processes."""
    runs = shutil.copytree(finished.out, tmp_path / "runs")
    answered(capsys, *SMALLEST, str(runs))
    assert len(list(runs.glob("wave_rnn_waves-smoke-seed0-*"))) == 1


def test_jobs_do_not_change_figures(
    capfd: pytest.CaptureFixture[str], warm_workers: None, undrawn: None, tmp_path: Path
) -> None:
    words = ("run", "wave_rnn_waves", "--scale", "smoke", "--seeds", "2", "--json", "--out")
    alone = answered(capfd, *words, str(tmp_path / "one"), "--jobs", "1")
    capfd.readouterr()
    cli.main([*words, str(tmp_path / "two"), "--jobs", "2"])
    together = capfd.readouterr()
    assert json.loads(alone)[0]["figures"] == json.loads(together.out)[0]["figures"]
    assert together.err == ""  # quiet when not a terminal


def test_compare(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 60)
    np.savez(tmp_path / "mine.npz", x=rng.normal(size=(60, 9, 2)) + y[:, None, None], y=y)
    words = (
        "compare",
        str(tmp_path / "mine.npz"),
        "--layers",
        "elman",
        "gru",
        "--steps",
        "4",
        "--seeds",
        "2",
    )
    text = answered(capsys, *words, "--jobs", "1", "--out", str(tmp_path / "runs"))
    assert "elman" in text and "gru" in text and "accuracy" in text
    assert "most frequent class †" in text and "random kernels †" in text and "only 9 sequences" in text
    result = json.loads(answered(capsys, *words, "--jobs", "1", "--out", str(tmp_path / "runs"), "--json"))
    assert {one["layer"] for one in result["figures"]} == {"elman", "gru"}


def test_unknown_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert "did you mean list" in refused(capsys, "lst")
    assert "did you mean layers" in refused(capsys, "list", "layer")
    assert "did you mean wave_rnn" in refused(capsys, "show", "wave_rn")
    assert "wave_rnn_copy" in refused(capsys, "run", "wave_rnn_cpy")
    assert "did you mean small" in refused(capsys, "run", "wave_rnn_copy", "--scale", "smal")
    assert "did you mean lstm" in refused(capsys, "compare", "digits", "--layers", "lstn")
    assert "did you mean digits" in refused(capsys, "compare", "digit")
    assert "did you mean mnist" in refused(capsys, "fetch", "mnst")
    assert "needs no fetching" in refused(capsys, "fetch", "digits")
    assert "no" in refused(capsys, "cite", "copying")
    assert "run what" in refused(capsys, "run")


def test_impossible_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    assert "seeds must be from 1 to 1000" in refused(capsys, "run", "wave_rnn_copy", "--seeds", "0")
    assert "jobs" in refused(capsys, "run", "wave_rnn_copy", "--jobs", "-2")
    assert "steps" in refused(capsys, "compare", "digits", "--steps", "-5")
    assert "rates" in refused(capsys, "compare", "digits", "--rates", "-1")
    assert "device 'gpu9'" in refused(capsys, "run", "wave_rnn_copy", "--device", "gpu9")
    with pytest.raises(SystemExit) as left:
        cli.main(["run", "wave_rnn_copy", "--seeds", "many"])
    assert left.value.code == 2


def test_folders_that_cannot_be_written(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = ("run", "wave_rnn_waves", "--scale", "smoke", "--seeds", "1", "--jobs", "1", "--out")
    (tmp_path / "file").write_text("kept")
    assert "file" in refused(capsys, *words, str(tmp_path / "file"))
    assert (tmp_path / "file").read_text() == "kept"
    assert "/proc" in refused(capsys, *words, "/proc/runs")  # a file system that takes no files
    assert "nothing" in refused(capsys, "site", "--results", str(tmp_path / "nothing"))
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "thesis.txt").write_text("kept")
    refused(capsys, "site", "--results", "results", "--out", str(tmp_path / "own"))
    assert (tmp_path / "own" / "thesis.txt").read_text() == "kept"


def test_a_full_disk_loses_nothing(
    capsys: pytest.CaptureFixture[str], finished: Finished, undrawn: None, tmp_path: Path
) -> None:
    """A result that is measured again stays as it was until the new one is whole."""
    words = (*SMALLEST, str(shutil.copytree(finished.out, tmp_path / "runs")))
    (folder,) = (tmp_path / "runs").glob("wave_rnn_waves-smoke-seed0-*")
    shutil.rmtree(folder)
    before = contents(tmp_path / "runs" / "results")
    full = warm(*COMMAND, *words, "--save-every", "0", files=2_000)
    assert full.returncode == 2 and len(full.stderr.strip().splitlines()) == 1, full.stderr
    assert contents(tmp_path / "runs" / "results") == before and not (folder / "result.json").exists()
    (again,) = json.loads(answered(capsys, *words, "--json"))
    (result,) = (content for path, content in before.items() if path.suffix == ".json")
    assert again["figures"] == json.loads(result)["figures"]


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_damaged_checkpoint(
    capsys: pytest.CaptureFixture[str], finished: Finished, undrawn: None, tmp_path: Path
) -> None:
    words = (*SMALLEST, str(shutil.copytree(finished.out, tmp_path / "runs")))
    (folder,) = (tmp_path / "runs").glob("wave_rnn_waves-smoke-seed0-*")
    (folder / "result.json").unlink()
    path = folder / "checkpoints" / "wave.safetensors"
    path.write_bytes(path.read_bytes()[:50])
    assert "wave.safetensors is not a whole checkpoint" in refused(capsys, *words)
    path.unlink()
    answered(capsys, *words)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.csv", b"", "empty"),
        ("words.csv", b"a,b\n1,2\n3,x\n" + b"4,5\n" * 400, "line 3, b"),
        ("infinite.csv", b"a,b\n" + b"1,2\n3,5\n" * 300 + b"inf,2\n", "row 601 is infinite (line 602)"),
        ("short.csv", b"a\n1\n2\n3\n", "rows"),
        ("cut.npz", b"PK\x03\x04 cut off", "cut.npz"),
        ("short.txt", b"hi", "bytes"),
        ("what.xyz", b"1", ".npz"),
    ],
)
def test_files_that_cannot_be_compared(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    assert said in refused(capsys, "compare", str(tmp_path / name), "--out", str(tmp_path / "runs"))
    assert not (tmp_path / "runs").exists()


def test_a_file_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert "nowhere.csv" in refused(capsys, "compare", "nowhere.csv")
