"""Speech commands: parts by speaker, the filter before samples are dropped, and the real file."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from wavetrain.data.speech import _commands as module
from wavetrain.data.speech._commands import parts
from wavetrain.data.speech.speech_commands import speech_commands
from wavetrain.errors import BadInput

RATE = 16000


def save(path: Path, monkeypatch: pytest.MonkeyPatch, audio: np.ndarray, speaker: list[str]) -> None:
    """A file of ours that counts as the published one."""
    words = np.array(["yes", "no"])
    names = np.array([f"{one}_nohash_{number}.wav" for number, one in enumerate(speaker)])
    label = np.arange(len(speaker), dtype=np.uint8) % 2
    np.savez(path / module.FILE.name, audio=audio, label=label, words=words, name=names, rate=np.int32(RATE))
    monkeypatch.setenv("WAVETRAIN_DATA", str(path))
    digest = hashlib.sha256((path / module.FILE.name).read_bytes()).hexdigest()
    monkeypatch.setattr(module, "FILE", module.FILE._replace(sha256=digest))


def test_no_speaker_is_in_two_parts():
    speaker = np.array([f"s{number % 23}" for number in range(200)])
    part = parts(speaker)
    assert all(len(set(part[speaker == one])) == 1 for one in set(speaker))
    assert 30 <= (part == 2).sum() < 39 and 30 <= (part == 1).sum() < 39
    assert np.array_equal(part, parts(speaker))
    order = np.random.default_rng(1).permutation(200)
    assert np.array_equal(part[order], parts(speaker[order])), "the parts depend on the order of the clips"


def test_clips_are_scaled_and_keep_their_label(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    audio = np.random.default_rng(0).integers(-(2**15), 2**15, (40, RATE), dtype=np.int16)
    speaker = [f"{number % 10:02}" for number in range(40)]
    save(tmp_path, monkeypatch, audio, speaker)
    task, part = speech_commands(), parts(np.array(speaker))
    for place, batch in enumerate((task.train, task.valid(), task.test())):
        assert np.array_equal(batch.x[..., 0].numpy() * 2**15, audio[part == place])
        assert batch.y.tolist() == [number % 2 for number in range(40) if part[number] == place]
    assert (task.inputs, task.outputs, task.tokens, task.every_step) == (1, 2, False, False)


def test_decimation_keeps_what_fits_and_removes_what_would_fold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """At 4 kHz 500 Hz stays, and 3,500 Hz would come back as 500 Hz."""
    time = np.arange(RATE) / RATE
    tones = np.stack([np.sin(2 * np.pi * hertz * time) for hertz in (500, 3500)] * 10)
    save(tmp_path, monkeypatch, (2**14 * tones).astype(np.int16), [str(number) for number in range(20)])
    task = speech_commands(decimate=4)
    low, high = (task.train.x[task.train.y == label][0, :, 0] for label in (0, 1))
    assert low.shape == (4000,)
    inner = slice(50, -50)  # the ends of a clip are abrupt
    np.testing.assert_allclose(low[inner], tones[0, ::4][inner] / 2, atol=5e-3)
    assert high[inner].abs().max() < 2e-3
    assert speech_commands(decimate=3).train.x.shape[1] == 5334
    with pytest.raises(BadInput, match="got 0"):
        speech_commands(decimate=0)


def test_missing_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WAVETRAIN_DATA", str(tmp_path))
    with pytest.raises(BadInput, match=r"speech_commands.npz is not in .*thegtagamer/PICO-tinyML-benchmark"):
        speech_commands()


def test_the_real_thing():
    try:
        task = speech_commands(decimate=8)
    except BadInput as error:
        pytest.skip(str(error))
    sizes = [len(part.x) for part in (task.train, task.valid(), task.test())]
    assert sum(sizes) == 400 and sizes == [268, 69, 63]
    assert all(part.y.bincount(minlength=10).min() >= 5 for part in (task.train, task.valid(), task.test()))
    assert task.train.x.shape[1:] == (2000, 1) and torch.cat([task.train.x, task.test().x]).abs().max() < 1.1
    assert task.outputs == 10 and task.chance == pytest.approx(8 / 63)
