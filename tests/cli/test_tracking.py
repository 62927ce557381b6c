"""`--track`: what cannot be had is said before the work; what is said reaches the tracker's files."""

from pathlib import Path

import numpy as np
import pytest

from wavetrain.cli import progress, tracking
from wavetrain.cli.command import main
from wavetrain.train import track
from wavetrain.train.lab import News


def said(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What a command that is refused says."""
    with pytest.raises(SystemExit) as left:
        main(words)
    assert left.value.code == 2
    told = capsys.readouterr()
    assert not told.out and told.err.count("\n") == 1
    return told.err.strip().removeprefix("wavetrain: ")


@pytest.mark.parametrize("name", ["tensorboard", "wandb"])
def test_a_missing_package_is_one_line(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(track, "find_spec", lambda name: None)
    for work in (["run", "s4_digits", "--scale", "smoke"], ["compare", "no.csv"]):
        words = [*work, "--track", name, "--out", str(tmp_path / "out")]
        assert said(words, capsys).endswith(f"needs the package {name}: pip install 'wavetrain[track]'")
        assert not (tmp_path / "out").exists()


def test_other_words_are_refused(capsys: pytest.CaptureFixture[str]):
    line = said(["run", "s4_digits", "--track", "tensorbord"], capsys)
    assert line == "no tracker is called 'tensorbord'; did you mean tensorboard?"
    line = said(["compare", "no.csv", "--track", "tensorbord"], capsys)
    assert line == "no tracker is called 'tensorbord'; did you mean tensorboard?"
    line = said(["run", "--confirm", "--track", "tensorboard"], capsys)
    assert line == "--track goes with runs, not with --calibrate or --confirm"


def test_without_a_tracker_news_go_straight_on(tmp_path: Path):
    def tell(news: News) -> None: ...

    with tracking.tracking(None, tmp_path, tell) as hand_on:
        assert hand_on is tell
    assert not any(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_a_run_tells_can_be_watched(tmp_path: Path):
    pytest.importorskip("tensorboard")
    words = ["--scale", "smoke", "--seeds", "1", "--jobs", "1", "--out", str(tmp_path), "--json"]
    main(["run", "s4_digits", *words, "--track", "tensorboard"])
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    (run,) = (tmp_path / "tensorboard").iterdir()
    read = EventAccumulator(str(run))
    read.Reload()
    metrics = {one.stem for one in (tmp_path / run.name / "metrics").glob("*.jsonl")}
    assert {name.rpartition("/")[0] for name in read.Tags()["scalars"]} == metrics


WORDS = [
    "--layers",
    "elman",
    "--parameters",
    "900",
    "--depth",
    "1",
    "--steps",
    "4",
    "--rates",
    "1e-3",
    "1e-2",
]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("kind", ["series", "task"])
def test_what_a_comparison_tells_can_be_watched(kind: str, tmp_path: Path):
    """Trainings of both seeds and the search, under names that no other comparison has."""
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    source = "parity"
    if kind == "series":
        source = str(tmp_path / "wave.npy")
        np.save(source, np.sin(np.arange(200) * 2 * np.pi / 12))
    plain = ["compare", source, *WORDS, "--seeds", "2", "--jobs", "1", "--json", "--out", str(tmp_path)]
    main([*plain, "--track", "tensorboard"])
    (folder,) = tmp_path.glob("compare-*")
    runs = sorted((tmp_path / "tensorboard").iterdir())
    assert [one.name for one in runs] == [f"{folder.name}-elman-seed{seed}" for seed in (0, 1)]
    told = []
    for run in runs:
        read = EventAccumulator(str(run))
        read.Reload()
        told.append({name.rpartition("/")[0] for name in read.Tags()["scalars"]})
        assert all(event.value > 0 for event in read.Scalars("train/loss"))
    assert told[1] == {"train"} and "train" in told[0] and len(told[0]) == 3  # and a search for each rate


def test_bars_show_the_layer_alone():
    assert progress._short("compare-mine-1a2b3c4d-gru-seed0") == "gru"
    assert progress._short("s4_digits-smoke-0-1a2b3c4d") == "s4_digits-smoke-0"
