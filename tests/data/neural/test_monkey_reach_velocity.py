"""Reaches: the parts follow one another, velocity is of the same step, and the test part tells nothing."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from wavetrain.data.neural import monkey_reach_velocity as module
from wavetrain.data.neural.monkey_reach_velocity import PARTS, monkey_reach_velocity, reaches
from wavetrain.errors import BadInput


def put(folder: Path, monkeypatch: pytest.MonkeyPatch, features: np.ndarray, velocity: np.ndarray) -> None:
    path = folder / "monkey_reach_velocity.npz"
    np.savez(path, features=features.astype(np.float32), velocity=velocity.astype(np.float32))
    monkeypatch.setenv("WAVETRAIN_DATA", str(folder))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setattr(module, "FILE", module.FILE._replace(sha256=digest))


def counted() -> tuple[np.ndarray, np.ndarray]:
    """Every feature counts the steps, at a scale of its own, and so does the velocity."""
    steps = np.arange(7792.0)[:, None]
    return steps * (1 + np.arange(10)), steps * [2.0, -1.0]


def test_parts_follow_one_another_and_velocity_is_that_of_the_same_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    put(tmp_path, monkeypatch, *counted())
    task, steps = monkey_reach_velocity(window=30), []
    mean, deviation = np.arange(4000.0).mean(), np.arange(4000.0).std()
    for part in (task.train, task.valid(), task.test()):
        step = part.x.double() * deviation + mean
        torch.testing.assert_close(step, step[..., :1].expand_as(step), rtol=0, atol=2e-3)
        torch.testing.assert_close(part.y[..., 0], part.x[..., 0], rtol=0, atol=1e-5)
        torch.testing.assert_close(part.y[..., 1], -part.x[..., 0], rtol=0, atol=1e-5)
        steps.append((round(step[0, 0, 0].item()), round(step[-1, -1, 0].item()), len(step)))
    assert steps == [(0, 3999, 3971), (4000, 4999, 971), (5000, 5999, 971)]
    assert task.scale == pytest.approx([2 * deviation, deviation])
    assert task.level == pytest.approx([2 * mean, -mean])


def test_what_is_held_out_changes_nothing_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """From the first step to choose by on, all is other: what is learned from stays, to the last bit."""
    dice = np.random.default_rng(0)
    features, velocity = dice.standard_normal((7792, 10)), dice.standard_normal((7792, 2))
    put(tmp_path, monkeypatch, features, velocity)
    before, chosen_by = monkey_reach_velocity(), reaches()
    features[5000:] = 9 * dice.standard_normal((2792, 10)) + 4
    velocity[5000:] = 9 * dice.standard_normal((2792, 2)) + 4
    put(tmp_path, monkeypatch, features, velocity)
    after, found = monkey_reach_velocity(), reaches()
    assert after.scale == before.scale and after.level == before.level
    for one, other in ((after.train, before.train), (after.valid(), before.valid())):
        assert torch.equal(one.x, other.x) and torch.equal(one.y, other.y)
    assert torch.equal(found.features[:5000], chosen_by.features[:5000])
    assert not torch.equal(after.test().x, before.test().x)


def test_how_a_file_was_scaled_is_undone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Scaled and moved by numbers from all of it, it is the same again after ours."""
    dice = np.random.default_rng(1)
    features, velocity = dice.standard_normal((7792, 10)), dice.standard_normal((7792, 2))
    put(tmp_path, monkeypatch, features, velocity)
    before = reaches()
    put(tmp_path, monkeypatch, 3 * features + 1, 0.1 * velocity - 1)
    torch.testing.assert_close(reaches()[:2], before[:2], rtol=0, atol=1e-4)


def test_bad_requests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    put(tmp_path, monkeypatch, *counted())
    for window in (0, 1001):
        with pytest.raises(BadInput, match=f"window of 1 to 1000 steps, got {window}"):
            monkey_reach_velocity(window)
    assert monkey_reach_velocity().train.x.shape == (3951, 50, 10)
    (tmp_path / "monkey_reach_velocity.npz").unlink()
    with pytest.raises(BadInput, match="DKF-implementations"):
        monkey_reach_velocity()


def test_the_real_recording():
    """Scaled where it is learned from; velocity lasts for some steps, and features tell that of their own."""
    try:
        found = reaches()
    except BadInput as error:
        pytest.skip(str(error))
    assert found.features.shape == (7792, 10) and found.velocity.shape == (7792, 2)
    assert found.features.isfinite().all() and found.velocity.isfinite().all()
    for one in found[:2]:
        learned = one[PARTS[0]].double()
        torch.testing.assert_close(learned.mean(0), torch.zeros_like(learned[0]), rtol=0, atol=1e-6)
        torch.testing.assert_close(
            learned.std(0, correction=0), torch.ones_like(learned[0]), rtol=1e-5, atol=0
        )
    v = found.velocity.double() - found.velocity.double().mean(0)
    lasts = [float((v[lag:] * v[:-lag]).sum() / v.square().sum()) for lag in (1, 2, 5, 10)]
    assert lasts == sorted(lasts, reverse=True) and lasts[0] > 0.75 and abs(lasts[3]) < 0.1
    left = {}
    for shift in (-2, -1, 0, 1, 2):  # of features, by least squares
        x = found.features.double().roll(shift, 0)[10:4000].numpy()
        left[shift] = np.linalg.lstsq(x, found.velocity.double()[10:4000].numpy())[1].sum()
    assert min(left, key=lambda shift: left[shift]) == 0
