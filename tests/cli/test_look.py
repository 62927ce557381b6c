"""The command `look`: a page of what lenses show; bad input is one line."""

import json
from pathlib import Path

import numpy as np
import pytest

from wavetrain.cli import main

TIME = np.arange(600)[:, None] / 100
WAVE = np.sin(2 * np.pi * (5 * TIME - np.arange(6) / 6)) + 0.1 * np.random.default_rng(0).normal(
    size=(600, 6)
)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    np.savez(tmp_path / "wave.npz", signal=WAVE, rate=100, channel=list("abcdef"))
    return tmp_path / "wave.npz"


def test_a_recording_is_looked_at(
    recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["look", str(recording), "--lens", "space_time_spectrum", "--out", str(tmp_path / "seen")])
    said = capsys.readouterr().out
    assert "6 channels, 600 samples at 100 Hz" in said and "space_time_spectrum" in said and "excess" in said
    assert (tmp_path / "seen/index.html").is_file() and "index.html" in said


def test_json_is_what_is_kept(recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["look", str(recording), "--lens", "space_time_spectrum", "--out", str(tmp_path / "seen"), "--json"])
    told = json.loads(capsys.readouterr().out)
    kept = json.loads((tmp_path / "seen/look.json").read_text(encoding="utf-8"))
    assert told["lenses"]["space_time_spectrum"] == kept["lenses"][0]["figures"]


def test_a_layer_is_looked_at(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["look", "elman", "--lens", "effective_context", "--out", str(tmp_path / "seen")])
    assert "Elman: 8 inputs" in capsys.readouterr().out


def test_a_layer_beside_a_recording(
    recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--data", str(recording), "--beside", str(recording), "--lens", "cka", "dimension"]
    main(["look", "elman", *words, "--out", str(tmp_path / "seen")])
    said = capsys.readouterr().out
    assert "Elman: 6 inputs" in said and "beside: wave.npz" in said and "of both" in said
    assert "100 steps a second" in said


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["none.npz"], "there is no file none.npz"),
        (["elmann"], "did you mean elman"),
        (["WAVE", "--lens", "toeplits"], "did you mean toeplitz"),
        (["WAVE", "--lens", "toeplitz"], "asks for a layer"),
        (["WAVE", "--band", "8"], "expected two numbers for --band, got 1"),
        (["WAVE", "--between", "1", "2", "3"], "expected two numbers for --between, got 3"),
        (["WAVE", "--between", "1", "99"], "expected a part of 0 to 6 s"),
        (["WAVE", "--channels", "z"], "no channel is called 'z'"),
        (["WAVE", "--positions", "none.csv"], "there is no file none.csv"),
        (["WAVE", "--name", "signl"], "did you mean signal"),
        (["WAVE", "--rate", "-5"], "expected a rate above 0"),
        (["WAVE", "--data", "WAVE"], "data and a part are for layers and models"),
        (["FOLDER"], "expected a folder of a kept model"),
        (["elman", "--data", "none.npz"], "there is no file none.npz"),
        (["elman", "--beside", "FOLDER"], "expected a recording to stand beside"),
    ],
)
def test_bad_words_are_one_line(
    recording: Path, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    with pytest.raises(SystemExit) as left:
        known = {"WAVE": str(recording), "FOLDER": str(recording.parent)}
        main(["look", *(known.get(word, word) for word in words)])
    said = capsys.readouterr().err
    assert left.value.code == 2 and told in said and said.count("\n") == 1
