"""Braille touch: parts by repetition, spikes that give the pressure back, and the real file."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from wavetrain.data.touch import braille_touch as module
from wavetrain.data.touch.braille_touch import braille_touch, spikes
from wavetrain.errors import BadInput
from wavetrain.parts.level_crossing import crossings_of, levels


def save(path: Path, monkeypatch: pytest.MonkeyPatch, taxel: np.ndarray) -> None:
    """A file of ours that counts as the published one: two letters, fifty repetitions of each."""
    letter, repetition = (one.astype(np.uint8) for one in np.divmod(np.arange(100), 50))
    arrays = dict(taxel=taxel, letter=letter, repetition=repetition, letters=np.array(["Space", "A"]))
    np.savez(path / module.FILE.name, **arrays)
    monkeypatch.setenv("WAVETRAIN_DATA", str(path))
    digest = hashlib.sha256((path / module.FILE.name).read_bytes()).hexdigest()
    monkeypatch.setattr(module, "FILE", module.FILE._replace(sha256=digest))


def walks(seed: int) -> np.ndarray:
    steps = np.random.default_rng(seed).integers(-9, 10, (100, 20, 12))
    return (np.cumsum(steps, 1) + 128).clip(0, 255).astype(np.uint8)


def test_parts_go_by_repetition_and_a_press_is_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    taxel = np.full((100, 20, 12), 200, dtype=np.uint8)
    taxel[np.arange(100), 5:, np.arange(100) % 12] = 190  # of a press the value falls
    save(tmp_path, monkeypatch, taxel)
    task = braille_touch(threshold=10.0)
    parts = (task.train, range(35)), (task.valid(), range(35, 40)), (task.test(), range(40, 50))
    for batch, repetitions in parts:
        expected = [50 * letter + one for letter in range(2) for one in repetitions]
        assert batch.x.sum((1, 2)).tolist() == [1] * len(expected)
        assert batch.x.sum(1).argmax(1).tolist() == [one % 12 for one in expected]  # up, not down
        assert batch.x.sum(2).argmax(1).unique().tolist() == [5]
        assert batch.y.tolist() == [one // 50 for one in expected]


def test_the_pressure_is_read_back_within_a_threshold():
    touch = torch.from_numpy(255 - walks(0).astype(np.float32))
    for threshold in (1.0, 3.0, 9.0, 40.0):
        found = spikes(touch, threshold)
        assert found.unique().tolist() in ([0, 1], [0])
        times = found.shape[1] // 20
        start = touch[:, 0]
        back = levels(crossings_of(found), threshold, start)[:, times - 1 :: times]
        assert (back - touch).abs().max() < threshold


def test_bad_threshold_and_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for threshold in (0.5, float("nan"), float("inf")):
        with pytest.raises(BadInput, match="expected a threshold of at least 1"):
            braille_touch(threshold)
    monkeypatch.setenv("WAVETRAIN_DATA", str(tmp_path))
    with pytest.raises(BadInput, match=r"braille_touch.npz is not in .*fzenke/spytorch"):
        braille_touch()


def test_the_real_thing():
    try:
        task = braille_touch()
    except BadInput as error:
        pytest.skip(str(error))
    sizes = [len(part.x) for part in (task.train, task.valid(), task.test())]
    assert sizes == [27 * 35, 27 * 5, 27 * 10]
    for part in (task.train, task.valid(), task.test()):
        assert len(part.y.bincount().unique()) == 1 and part.x.shape[1:] == (608, 24)
    assert braille_touch(10.0).train.x.shape[1] == 304
    assert task.outputs == len(task.names) == 27 and task.chance == pytest.approx(1 / 27)
