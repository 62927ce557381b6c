"""The rat's path: a made-up circle in its place, and the real one where it is."""

import hashlib
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from wavetrain.data.neural import rat_open_field as module
from wavetrain.data.neural.rat_open_field import path, rat_open_field
from wavetrain.errors import BadInput

TURN = 40.0  # seconds for one circle


@pytest.fixture
def circle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Even circles round the middle of the box for 200 s, with every hundredth sample missing."""
    time = 3.0 + np.delete(np.arange(0, 200, 0.02), np.arange(50, 9950, 100))
    angle = 2 * np.pi * (time - 3.0) / TURN
    place = np.stack([0.5 + 0.4 * np.cos(angle), 0.5 + 0.4 * np.sin(angle)], 1)
    np.savez(tmp_path / "rat_open_field.npz", t=time, pos=place)
    digest = hashlib.sha256((tmp_path / "rat_open_field.npz").read_bytes()).hexdigest()
    monkeypatch.setenv("WAVETRAIN_DATA", str(tmp_path))
    monkeypatch.setattr(module, "FILE", module.FILE._replace(sha256=digest))
    return tmp_path


def test_places_are_means_over_even_periods(circle: Path):
    place = path(5.0)
    assert len(place) == 999  # the last camera sample ends no period
    middle = 0.2 * np.arange(999) + 0.09  # of the ten samples of each
    angle = 2 * np.pi * middle / TURN
    expected = 0.5 + 0.4 * np.stack([np.cos(angle), np.sin(angle)], 1)
    assert np.abs(place.numpy() - expected).max() < 2e-4


def test_displacement_is_the_sum_of_velocities(circle: Path):
    task = rat_open_field(window=20, rate=5.0)
    for part in (task.train, task.valid(), task.test()):
        torch.testing.assert_close(part.x.cumsum(1) / 5.0, part.y, rtol=0, atol=1e-5)
    assert float(task.objective.score(task.test().x.cumsum(1) / 5.0, task.test().y)) > 1 - 1e-6
    speed = task.train.x.norm(dim=-1)
    assert speed.mean() == pytest.approx(0.4 * 2 * math.pi / TURN, rel=1e-3)


def test_parts_follow_one_another_without_overlap(circle: Path):
    task = rat_open_field(window=20, rate=5.0)
    assert [len(part.x) for part in (task.train, task.valid(), task.test())] == [699 - 20, 150 - 20, 150 - 20]


def test_rates_and_windows_up_to_their_bounds(circle: Path):
    assert len(path(50.0)) == 9999 and len(path(25.0)) == 4999 and len(path(2.5)) == 499
    for rate in (0, -5, 100, 50.1, 3):
        with pytest.raises(BadInput, match=f"expected a rate that divides 50 Hz, got {rate}$"):
            path(rate)
    assert rat_open_field(window=148).valid().x.shape == (2, 148, 2)  # 15 % of 999 places
    for window in (149, 0):
        with pytest.raises(BadInput, match=f"fits into 15% of 999, got {window}$"):
            rat_open_field(window=window)
    task = rat_open_field()
    assert task.test().x.shape == (100, 50, 2) and task.chance == 0
    assert (task.inputs, task.outputs, task.tokens, task.every_step) == (2, 2, False, True)


def test_bad_requests(circle: Path):
    with pytest.raises(BadInput, match="divides 50 Hz, got 7"):
        path(7.0)
    with pytest.raises(BadInput, match="window"):
        rat_open_field(window=150)
    (circle / "rat_open_field.npz").unlink()
    with pytest.raises(BadInput, match="RatInABox-Lab/RatInABox"):
        rat_open_field()


def test_fetch_brings_the_published_file(host: Path, monkeypatch: pytest.MonkeyPatch):
    content = b"the path of a rat"
    file = module.FILE._replace(sha256=hashlib.sha256(content).hexdigest())
    monkeypatch.setattr(module, "FILE", file)
    place = host / file.repository / file.place
    place.parent.mkdir(parents=True)
    place.write_bytes(content)
    assert (module.fetch() / "rat_open_field.npz").read_bytes() == content


def test_the_real_path():
    try:
        place = path(5.0)
    except BadInput as error:
        pytest.skip(str(error))
    assert place.shape == (2998, 2)
    assert 0 < place.min() < 0.05 and 0.95 < place.max() < 1
    speed = place.diff(dim=0).norm(dim=-1) * 5
    assert 0.05 < speed.median() < 0.15 and speed.max() < 0.8  # m/s
