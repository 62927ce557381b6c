"""ETTh1: windows in three parts in time, scaled by the first, of a made-up table and of the real one."""

import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from wavetrain.data.series import etth1 as module
from wavetrain.data.series._shared import forecasts
from wavetrain.data.series.etth1 import etth1
from wavetrain.errors import BadInput

HOURS = 17_420


def table() -> np.ndarray:
    """Hour h and column c: 7 h + c, so that every number tells its place."""
    return np.arange(7.0 * HOURS).reshape(HOURS, 7)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WAVETRAIN_DATA", str(tmp_path))
    lines = [f"2016-07-01 00:00:00,{','.join(map(str, row))}" for row in table()]
    content = "\n".join(["date,HUFL,HULL,MUFL,MULL,LUFL,LULL,OT", *lines]).encode()
    (tmp_path / module.FILE.name).write_bytes(gzip.compress(content, 1))
    digest = hashlib.sha256(content).hexdigest()
    monkeypatch.setattr(module, "FILE", module.FILE._replace(sha256=digest))
    return tmp_path


def test_customary_split_and_scaling(home: Path):
    task = etth1()
    parts = [task.train, task.valid(), task.test()]
    assert [len(part.x) for part in parts] == [8449, 2785, 2785]
    year = table()[:8640]
    scaled = torch.from_numpy((table() - year.mean(0)) / year.std(0)).float()
    for part, first in zip(parts, (96, 8640, 11520), strict=True):
        for window in (0, 1, len(part.x) - 1):
            at = first + window
            torch.testing.assert_close(part.x[window], scaled[at - 96 : at])
            torch.testing.assert_close(part.y[window], scaled[at : at + 96].flatten())
    assert parts[2].y[-1].unflatten(0, (96, 7))[-1].allclose(scaled[14399])


def test_chance_is_the_variance_of_the_test_answers(home: Path):
    task = etth1(past=3, ahead=2)
    y = task.test().y
    assert (task.inputs, task.outputs, y.shape[1]) == (7, 14, 14)
    assert task.objective.score(y.mean(0).expand_as(y), y).item() == pytest.approx(task.chance, rel=1e-4)


@pytest.mark.parametrize(("past", "ahead"), [(0, 1), (1, 0), (96, 2881), (8640, 96)])
def test_windows_that_do_not_fit_are_refused(home: Path, past: int, ahead: int):
    with pytest.raises(BadInput, match=f"got {past}.* and {ahead}"):
        etth1(past, ahead)


def test_missing_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WAVETRAIN_DATA", str(tmp_path))
    with pytest.raises(BadInput, match=r"etth1.csv.gz is not in .*zhouhaoyi/ETDataset"):
        etth1()


@pytest.mark.parametrize(("past", "ahead", "targets"), [(1, 1, 1), (3, 2, 2), (5, 4, 1)])
def test_every_answer_lies_in_one_part(past: int, ahead: int, targets: int):
    rows = torch.arange(60.0).view(30, 2)  # channel 0 of row r is 2 r
    ends = (15, 22)
    parts = forecasts(rows, targets, past, ahead, ends)
    for part, first, end in zip(parts, (past, 15, 22), (15, 22, 30), strict=True):
        asked = (part.y / 2).floor().long().unique().tolist()
        assert asked == list(range(first, end))
        assert part.y.shape == (end - first - ahead + 1, ahead * targets)
        assert part.x.shape == (len(part.y), past, 2)
        assert torch.equal(part.y[:, 0] - part.x[:, -1, 0], torch.full((len(part.y),), 2.0))
        assert torch.equal(part.x[0], rows[first - past : first])


def test_the_real_thing():
    try:
        task = etth1()
    except BadInput as error:
        pytest.skip(str(error))
    assert [len(part.x) for part in (task.train, task.valid(), task.test())] == [8449, 2785, 2785]
    year = torch.cat([task.train.x[0], task.train.y[::96].reshape(-1, 7)])  # each hour of it once
    assert year.shape == (8640, 7)
    assert year.mean(0).abs().max() < 1e-5 and (year.std(0, unbiased=False) - 1).abs().max() < 1e-5
    assert task.chance == pytest.approx(0.753, abs=1e-3)
    still = task.test().x[:, -1].repeat(1, 96)  # repeating the last row
    assert task.objective.score(still, task.test().y).item() == pytest.approx(1.2944, abs=1e-4)
