"""Spoken digits: tones spike in their band and as fast as they are loud, and the real file in its parts."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from wavetrain.data.speech import spoken_digits as module
from wavetrain.data.speech.spoken_digits import filters, spikes, spoken_digits
from wavetrain.errors import BadInput


def tone(hertz: float, seconds: float = 1.0, loud: float = 1000.0) -> np.ndarray:
    return loud * np.sin(2 * np.pi * hertz * np.arange(int(8000 * seconds)) / 8000)


def save(path: Path, monkeypatch: pytest.MonkeyPatch, clips: list[np.ndarray], take: list[int]) -> None:
    """A file of ours that counts as the published one."""
    start = np.cumsum([0, *map(len, clips)]).astype(np.int32)
    digit = np.arange(len(clips), dtype=np.uint8) % 10
    samples = np.concatenate(clips).astype(np.int16)
    np.savez(
        path / module.FILE, samples=samples, start=start, digit=digit, take=np.array(take, dtype=np.uint8)
    )
    monkeypatch.setenv("WAVETRAIN_DATA", str(path))
    monkeypatch.setattr(module, "SHA256", hashlib.sha256((path / module.FILE).read_bytes()).hexdigest())


def test_bands_are_evenly_spaced_in_mel_and_overlap_to_one():
    triangles = filters(20)
    hertz = np.linspace(0, 4000, 201)
    middle = hertz[triangles.argmax(1)]
    mel = 2595 * np.log10(1 + middle / 700)
    spacing = 2595 * np.log10(1 + 4000 / 700) / 21
    assert np.abs(np.diff(mel) - spacing).max() < 0.25 * spacing  # frequencies come in steps of 20 Hz
    inner = (hertz >= middle[1]) & (hertz <= middle[-2])
    np.testing.assert_allclose(triangles.sum(0)[inner], 1)
    ends = 700 * (10 ** (spacing * np.array([20, 21]) / 2595) - 1)  # the last middle, and 4 kHz
    last = (hertz >= ends[0]) & (hertz <= ends[1])
    np.testing.assert_allclose(triangles[-1][last], (ends[1] - hertz[last]) / (ends[1] - ends[0]), atol=1e-12)
    with pytest.raises(BadInput, match="400 bands are narrower than the 20 Hz"):
        filters(400)


@pytest.mark.parametrize("band", [3, 9, 18])
def test_a_tone_spikes_most_in_its_band(band: int):
    hertz = np.linspace(0, 4000, 201)[filters(20)[band].argmax()]
    heard = spikes(tone(hertz), 20)
    assert heard.shape == (98, 20)  # 1 + (8000 - 200) // 80 frames
    assert heard.sum(0).argmax() == band
    assert heard[1:, band].all(), "the loudest band spikes in every frame"  # but where 1 is rounded down


def test_spikes_come_as_often_as_the_level_is_high():
    """30 of the 60 decibels below the loudest: a drive of one half, and a spike in every second frame."""
    both = tone(500) + tone(3000, loud=1000 / 10**1.5)
    heard = spikes(both, 8)
    loud, soft = (filters(8)[:, round(hertz / 20)].argmax() for hertz in (500, 3000))
    assert heard[1:, loud].all()
    gain = filters(8)[soft, 150] / filters(8)[loud, 25]
    expected = 98 * (0.5 + 10 * np.log10(gain) / 60)
    assert abs(heard[:, soft].sum() - expected) <= 2
    assert set(np.unique(heard)) <= {0.0, 1.0}


def test_only_the_shape_of_a_sound_counts_not_its_volume():
    sound = np.random.default_rng(0).normal(size=3000) * 1000
    assert np.array_equal(spikes(sound, 10), spikes(sound / 4, 10))
    assert not spikes(np.zeros(3000), 10).any()
    assert spikes(np.ones(50), 10).shape == (1, 10)


def test_parts_padding_and_cutting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    clips = [tone(1000, 0.105), tone(500, 0.305), tone(2000, 0.205), tone(700, 0.105)]
    save(tmp_path, monkeypatch, clips, take=[7, 0, 6, 19])
    task = spoken_digits(bands=12, frames=20)
    train, valid, test = task.train, task.valid(), task.test()
    assert train.y.tolist() == [0, 3] and test.y.tolist() == [1] and valid.y.tolist() == [2]
    heard = torch.from_numpy(spikes(np.trunc(clips[0]), 12))
    assert len(heard) == 9 and torch.equal(train.x[0, 11:], heard) and not train.x[0, :11].any()
    assert torch.equal(test.x[0], torch.from_numpy(spikes(np.trunc(clips[1]), 12))[:20])


def test_what_cannot_be_had_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WAVETRAIN_DATA", str(tmp_path))
    with pytest.raises(BadInput, match=r"spoken_digits.npz is not in .*Jakobovski/free-spoken-digit-dataset"):
        spoken_digits()
    with pytest.raises(BadInput, match="got 0 and 80"):
        spoken_digits(bands=0)


def test_the_real_thing():
    try:
        task = spoken_digits()
    except BadInput as error:
        pytest.skip(str(error))
    parts = (task.train, task.valid(), task.test())
    assert [tuple(part.x.shape) for part in parts] == [(780, 80, 40), (120, 80, 40), (300, 80, 40)]
    assert all((part.y.bincount() == len(part.y) // 10).all() for part in parts)
    assert task.chance == pytest.approx(0.1)
    assert all(part.x.flatten(1).any(1).all() for part in parts), "a clip is silent"
    centres = torch.stack([task.train.x[task.train.y == digit].mean(0) for digit in range(10)])
    guess = torch.cdist(task.test().x.flatten(1), centres.flatten(1)).argmin(1)
    assert (guess == task.test().y).double().mean() > 3 * task.chance, "the nearest mean tells nothing"
