"""Cochlear commands: the clips and parts of speech commands, low bands first, and the real file."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from wavetrain.data.speech import _commands as module
from wavetrain.data.speech._commands import parts
from wavetrain.data.speech.cochlear_commands import cochlear_commands
from wavetrain.errors import BadInput


def test_parts_labels_and_bands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Of each speaker one low tone and one high."""
    time = np.arange(1600) / 16000
    tones = np.stack([np.sin(2 * np.pi * hertz * time) for hertz in (200, 4000)] * 10)
    speaker = np.repeat([f"s{number}" for number in range(10)], 2)
    names = np.array([f"{one}_nohash_0.wav" for one in speaker])
    arrays = dict(
        audio=(2**14 * tones).astype(np.int16),
        label=np.tile([0, 1], 10).astype(np.uint8),
        words=np.array(["low", "high"]),
        name=names,
        rate=np.int32(16000),
    )
    np.savez(tmp_path / module.FILE.name, **arrays)
    monkeypatch.setenv("WAVETRAIN_DATA", str(tmp_path))
    digest = hashlib.sha256((tmp_path / module.FILE.name).read_bytes()).hexdigest()
    monkeypatch.setattr(module, "FILE", module.FILE._replace(sha256=digest))
    task, part = cochlear_commands(bands=8), parts(speaker)
    assert task.names == ("low", "high") and (task.inputs, task.outputs) == (8, 2)
    for place, batch in enumerate((task.train, task.valid(), task.test())):
        assert len(batch.x) == (part == place).sum() and batch.x.shape[1:] == (10, 8)
        assert batch.x.unique().tolist() == [0, 1]
        loudest = batch.x.sum(1).argmax(1)
        assert (loudest[batch.y == 0] < 3).all() and (loudest[batch.y == 1] > 4).all()


def test_missing_and_no_bands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WAVETRAIN_DATA", str(tmp_path))
    with pytest.raises(BadInput, match=r"speech_commands.npz is not in .*thegtagamer/PICO-tinyML-benchmark"):
        cochlear_commands()
    with pytest.raises(BadInput, match="expected 1 band or more"):
        cochlear_commands(bands=0)


def test_the_real_thing():
    try:
        task = cochlear_commands(bands=4, dt=20.0)
    except BadInput as error:
        pytest.skip(str(error))
    assert [len(part.x) for part in (task.train, task.valid(), task.test())] == [268, 69, 63]
    assert task.train.x.shape[1:] == (50, 4) and 0.01 < task.train.x.mean() < 0.2
    assert task.names == ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
