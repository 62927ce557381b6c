"""The rat on a linear track: a made-up one in its place, and the real one where it is."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from wavetrain.data.neural import _linear_track as module
from wavetrain.data.neural._linear_track import linear_track
from wavetrain.errors import BadInput

START = 40.0  # s, of the first frame


@pytest.fixture
def askew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """10 s on a track that goes 300 pixels across and 400 down, to and fro in 5 s; then 5 s at one corner."""
    time = START + np.arange(900) / 60
    along = np.abs(np.arange(600) / 300 - 1)  # of the track
    place = np.r_[np.outer(along, [300, 400]), np.full((300, 2), [522, 8])]
    place[100:103] = place[100]  # it stands still for a moment
    time[200] = time[199]
    np.savez(
        tmp_path / "hippocampus_linear_track.npz",
        position=place.astype(np.uint16),
        position_time=time,
        spike_time=np.array([START - 0.5, START + 0.001, START + 0.012, START + 0.013, START + 14.0]),
        spike_unit=np.array([0, 0, 2, 2, 1]),
        tetrode=np.zeros(3, np.uint8),
    )
    digest = hashlib.sha256((tmp_path / "hippocampus_linear_track.npz").read_bytes()).hexdigest()
    monkeypatch.setenv("WAVETRAIN_DATA", str(tmp_path))
    monkeypatch.setattr(module, "FILE", module.FILE._replace(sha256=digest))
    return tmp_path


def test_places_lie_along_the_track_until_the_camera_stands_still(askew: Path):
    track = linear_track(100.0)
    assert track.rate == 100 and len(track.place) == len(track.counts) == 1499
    step = (np.arange(1499) + 0.5) / 100
    known = step <= 599 / 60
    assert np.array_equal(np.isfinite(track.place), known)
    expected = 500 * np.abs(step[known] / 5 - 1)
    off = track.place[known] - expected
    assert np.abs(off - np.median(off)).max() < 6  # three frames stood still: 500 pixels in 300 frames
    assert abs(np.nanmean(track.place)) < 5


def test_places_are_not_known_before_the_camera_sees_the_rat(askew: Path, monkeypatch: pytest.MonkeyPatch):
    path = askew / "hippocampus_linear_track.npz"
    found = dict(np.load(path))
    found["position"][:60] = [500, 500]
    np.savez(path, **found)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setattr(module, "FILE", module.FILE._replace(sha256=digest))
    track = linear_track(100.0)
    assert np.flatnonzero(np.isfinite(track.place))[[0, -1]].tolist() == [100, 997]
    assert track.place[100] == pytest.approx(-track.place[499], abs=120)  # on the track


def test_spikes_are_counted_from_the_first_frame_on(askew: Path):
    counts = linear_track(100.0).counts
    assert counts.sum(0).tolist() == [1, 1, 2]
    assert np.argwhere(counts).tolist() == [[0, 0], [1, 2], [1400, 1]] and counts[1, 2] == 2


def test_the_run_ends_after_17_minutes_or_with_the_recording(askew: Path, monkeypatch: pytest.MonkeyPatch):
    assert linear_track(100.0).run == 1499
    monkeypatch.setattr(module, "RUN", 12.0)
    assert linear_track(100.0).run == 1200


def test_bad_requests(askew: Path):
    for rate in (0.0, -1.0, float("inf"), float("nan")):
        with pytest.raises(BadInput, match="rate above 0"):
            linear_track(rate)
    (askew / "hippocampus_linear_track.npz").unlink()
    with pytest.raises(BadInput, match="nelpy/example-data"):
        linear_track()


def test_the_real_recording():
    try:
        track = linear_track(50.0)
    except BadInput as error:
        pytest.skip(str(error))
    assert track.counts.shape[1] == 31 and track.run == 51_000
    assert track.counts.sum() > 28_800  # of 28,829, some come before the first frame
    assert np.isnan(track.place[track.run :]).all()
    assert np.isnan(track.place[: track.run]).mean() == pytest.approx(0.0595, abs=0.001)
    assert 420 < np.nanmax(track.place) - np.nanmin(track.place) < 440
    moving = np.abs(track.place[12:] - track.place[:-12]) / 0.24 > 20
    assert 0.2 < moving[: track.run].mean() < 0.41  # of each minute 21 to 41%, by the fact sheet
