"""Trackers get what the news say, in files that their own packages read; all are closed, whatever happens."""

import importlib.util
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from wavetrain.core import Generated
from wavetrain.errors import BadInput
from wavetrain.parts.reader import Reader
from wavetrain.tasks.recall.adding import Adding
from wavetrain.train import track
from wavetrain.train.lab import Lab, News, Plan
from wavetrain.train.track import TensorBoard, Tracker, WeightsAndBiases, tracked

BLOCK = 2**15
NEWS = [
    News("first-0", "gru", 10, 20, 1.5, 0.25, 80.0),
    News("first-1", "gru", 10, 20, 1.0, 0.5, 80.0),
    News("first-0", "lru", 5, 20, 2.0, 0.0, 40.0),
    News("first-0", "gru", 20, 20, 0.5, 0.75, 81.0),
]
LOSSES = {"gru/loss": [(10, 1.5), (20, 0.5)], "lru/loss": [(5, 2.0)]}  # of the first run


class Kept:
    def __init__(self, run: str, kept: list[tuple[object, ...]]):
        self.run, self.kept = run, kept

    def scalar(self, name: str, value: float, step: int) -> None:
        self.kept.append((self.run, name, value, step))

    def close(self) -> None:
        self.kept.append((self.run, "closed"))


def test_each_run_has_its_tracker_and_news_go_on():
    kept: list[tuple[object, ...]] = []
    told: list[News] = []
    with tracked(lambda run: Kept(run, kept), told.append) as tell:
        for news in NEWS:
            tell(news)
    assert told == NEWS
    assert ("first-0", "gru/score", 0.75, 20) in kept and ("first-1", "gru/speed", 80.0, 10) in kept
    assert len(kept) == 3 * len(NEWS) + 2
    assert {words[0] for words in kept if words[1] == "closed"} == {"first-0", "first-1"}


def test_all_are_closed_when_the_work_fails():
    kept: list[tuple[object, ...]] = []
    with pytest.raises(RuntimeError, match="power"), tracked(lambda run: Kept(run, kept), print) as tell:
        tell(NEWS[0])
        tell(NEWS[1])
        raise RuntimeError("the power is gone")
    assert kept[-2:] == [("first-1", "closed"), ("first-0", "closed")]


def test_a_training_in_a_lab_tells_its_looks(tmp_path: Path):
    from wavetrain.layers.recurrence.elman import Elman

    kept: list[tuple[object, ...]] = []
    task: Generated = Adding(4)
    with tracked(lambda run: Kept(run, kept), lambda news: None) as tell:
        training = Lab(tmp_path / "adding", 0, tell=tell).fit(
            "elman", lambda: Reader(Elman(4, inputs=2), 1, False), task, Plan(6, 4, 1e-2, every=3)
        )
    expected = [("adding", "elman/loss", mark.loss, mark.step) for mark in training.marks]
    assert [words for words in kept if words[1] == "elman/loss"] == expected and len(expected) == 2


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tensorboard_reads_what_was_said(tmp_path: Path):
    pytest.importorskip("tensorboard")
    boards = []

    def begin(run: str) -> TensorBoard:
        boards.append(TensorBoard(tmp_path, run))
        return boards[-1]

    with tracked(begin, lambda news: None) as tell:
        for news in NEWS:
            tell(news)
    assert len(boards) == 2 and all(one.writer.file_writer is None for one in boards), "one is still open"
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    read = EventAccumulator(str(tmp_path / "first-0"))
    read.Reload()
    names = {f"{training}/{what}" for training in ("gru", "lru") for what in track.SCALARS}
    assert set(read.Tags()["scalars"]) == names
    for name, values in LOSSES.items():
        assert [(one.step, one.value) for one in read.Scalars(name)] == values
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first-0", "first-1"]


def records(content: bytes) -> Iterator[bytes]:
    """Those of a log of LevelDB behind a head of seven bytes: checksum, length, kind, in blocks of 32 KiB."""
    at, parts = 7, b""
    while at + 7 <= len(content):
        if (left := BLOCK - at % BLOCK) < 7:
            at += left
            continue
        _, length, kind = struct.unpack_from("<IHB", content, at)
        parts += content[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # whole, or the last of several
            yield parts
            parts = b""


@pytest.mark.slow
def test_weights_and_biases_writes_what_was_said_without_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    wandb = pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    with tracked(lambda run: WeightsAndBiases(tmp_path, run), lambda news: None) as tell:
        for news in NEWS:
            tell(news)
    wandb.teardown()  # its own process writes the end
    from wandb.proto.wandb_internal_pb2 import Record

    (path,) = (tmp_path / "wandb").glob("offline-run-*/run-first-0.wandb")
    losses: dict[str, list[tuple[int, float]]] = {}
    axes = {}
    for data in records(path.read_bytes()):
        record = Record()
        record.ParseFromString(data)
        words = {"/".join(one.nested_key) or one.key: one.value_json for one in record.history.item}
        for name in LOSSES:
            if name in words:
                step = int(words[f"{name.partition('/')[0]}/step"])
                losses.setdefault(name, []).append((step, float(words[name])))
        if record.metric.glob_name:
            axes[record.metric.glob_name] = record.metric.step_metric
    assert losses == LOSSES
    assert axes == {"gru/*": "gru/step", "lru/*": "lru/step"}


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (TensorBoard, r"TensorBoard needs the package tensorboard: pip install 'wavetrain\[track\]'"),
        (WeightsAndBiases, r"Weights & Biases needs the package wandb: pip install 'wavetrain\[track\]'"),
    ],
)
def test_without_its_package_it_says_so(
    kind: type[Tracker], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    whole = importlib.util.find_spec
    missing = ("tensorboard", "wandb")
    monkeypatch.setattr(track, "find_spec", lambda name: None if name in missing else whole(name))
    with pytest.raises(BadInput, match=message):
        kind(tmp_path, "run")
    assert not any(tmp_path.iterdir())


@pytest.mark.slow
def test_weights_and_biases_without_a_login_says_so(tmp_path: Path):
    """In a process of its own: the package reads its settings once."""
    pytest.importorskip("wandb")
    script = (
        "from pathlib import Path; from wavetrain.train.track import WeightsAndBiases; "
        "WeightsAndBiases(Path('out'), 'run')"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WANDB")}
    environment |= {"HOME": str(tmp_path / "home"), "WANDB_BASE_URL": "http://127.0.0.1:9"}  # no key, no host
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("wavetrain.errors.BadInput: Weights & Biases: "), done.stderr
    assert last.endswith("; WANDB_MODE=offline writes to out alone")
