"""Recordings and networks of brains in the data folder: small files of ours in their place, by hand."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wavetrain.data.neural import _connectome, _recordings
from wavetrain.errors import BadInput


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WAVETRAIN_DATA", str(tmp_path))
    return tmp_path


def put(monkeypatch: pytest.MonkeyPatch, home: Path, module: Any, name: str, **arrays: Any) -> None:
    """Arrays that count as what was published under a name."""
    file = getattr(module, name)
    np.savez(home / file.name, **arrays)
    digest = hashlib.sha256((home / file.name).read_bytes()).hexdigest()
    monkeypatch.setattr(module, name, file._replace(sha256=digest))


def test_two_channels_of_hippocampus(home: Path, monkeypatch: pytest.MonkeyPatch):
    ca1, ec3 = np.arange(4, dtype=np.float32), 10 + np.arange(4, dtype=np.float32)
    put(monkeypatch, home, _recordings, "LFP", ca1=ca1, ec3=ec3, rate=1250)
    found = _recordings.hippocampus_lfp()
    assert (found.rate, found.channels, found.unit, found.start) == (1250, ("CA1", "EC3"), "mV", 0)
    np.testing.assert_array_equal(found.signal, np.stack([ca1, ec3], 1))


@pytest.mark.parametrize(("eyes", "first"), [("open", 0.5), ("closed", 50.0)])
def test_a_resting_eeg_is_in_microvolts(eyes: str, first: float, home: Path, monkeypatch: pytest.MonkeyPatch):
    runs = {"run01": 1 + np.arange(6).reshape(2, 3), "run02": 100 + np.arange(6).reshape(2, 3)}
    place = np.array([[0, 0, 1], [0, 1, 0]], np.float32)
    more = {"microvolt_per_count": 0.5, "rate": 160, "channel": ["Oz", "Cz"], "position": place}
    put(monkeypatch, home, _recordings, "EEG", **runs, **more)
    found = _recordings.resting_eeg(eyes)
    assert (found.rate, found.channels, found.unit) == (160, ("Oz", "Cz"), "µV")
    assert found.signal.tolist() == [[first + 0.5 * step, first + 0.5 * (step + 3)] for step in range(3)]
    assert found.positions is not None and found.positions.tolist() == place.tolist()
    with pytest.raises(BadInput, match="no state of the eyes is called 'shut'"):
        _recordings.resting_eeg("shut")


def test_cells_of_a_bird_and_its_song(home: Path, monkeypatch: pytest.MonkeyPatch):
    calcium, song = (
        np.arange(6, dtype=np.float32).reshape(2, 3),
        np.arange(12, dtype=np.float32).reshape(3, 4),
    )
    put(
        monkeypatch, home, _recordings, "SONGBIRD", calcium=calcium, song=song, calcium_rate=30, song_rate=200
    )
    found = _recordings.songbird_hvc()
    assert (found.cells.rate, found.cells.channels) == (30, ("cell 0", "cell 1"))
    assert (found.song.rate, found.song.channels) == (200, ("bin 0", "bin 1", "bin 2"))
    np.testing.assert_array_equal(found.cells.signal, calcium.T)
    np.testing.assert_array_equal(found.song.signal, song.T)


def test_a_connectome_is_the_same_both_ways(home: Path, monkeypatch: pytest.MonkeyPatch):
    weight = np.array([[9, 1, 2], [3, 9, 4], [6, 8, 9]], np.float32)
    put(
        monkeypatch,
        home,
        _connectome,
        "FILE",
        **{f"functional_{count}": weight * count for count in (100, 200, 300, 400)},
    )
    wanted = np.array([[0, 2, 4], [2, 0, 6], [4, 6, 0]])
    for count in (100, 200, 300, 400):
        np.testing.assert_array_equal(_connectome.functional(count), wanted * count)
    np.testing.assert_array_equal(_connectome.functional(), wanted * 400)
    with pytest.raises(BadInput, match=r"^human connectome: expected 100, 200, 300 or 400 parcels, got 50$"):
        _connectome.functional(50)
