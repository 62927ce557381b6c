"""The worm: parts follow one another, recorded neurons and others are apart, and the real recording."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from wavetrain.data.neural import worm as module
from wavetrain.data.neural.worm import drawn, traces, worm
from wavetrain.errors import BadInput


@pytest.fixture
def counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Neuron n has the value 10000 n + t at step t."""
    trace = (10_000 * np.arange(6) + np.arange(1600)[:, None]).astype(np.float32)
    np.savez(tmp_path / "worm_whole_brain.npz", trace=trace, time=0.6 * np.arange(1600))
    digest = hashlib.sha256((tmp_path / "worm_whole_brain.npz").read_bytes()).hexdigest()
    monkeypatch.setenv("WAVETRAIN_DATA", str(tmp_path))
    monkeypatch.setattr(module, "FILE", module.FILE._replace(sha256=digest))
    return tmp_path


def test_parts_follow_one_another_and_neurons_are_apart(counted: Path):
    task = worm(recorded=2, window=30, seed=3)
    few, rest = drawn(6, 2, 3)
    steps = []
    for part in (task.train, task.valid(), task.test()):
        assert torch.equal((part.x[0, 0] // 10_000).long(), few)
        assert torch.equal((part.y[0, 0] // 10_000).long(), rest)
        steps.append((int(part.x.min() % 10_000), int(part.x[-1, -1, 0] % 10_000), len(part.x)))
    assert steps == [(0, 1099, 1071), (1100, 1199, 71), (1200, 1599, 371)]
    assert sorted([*few.tolist(), *rest.tolist()]) == list(range(6))


def test_another_seed_records_others():
    assert not torch.equal(drawn(98, 20, 0)[0], drawn(98, 20, 1)[0])
    assert torch.equal(drawn(98, 20, 0)[0], drawn(98, 20, 0)[0])


def test_usual_sizes_and_the_chance_of_the_mean(counted: Path):
    task = worm(recorded=2)
    assert task.train.x.shape == (1081, 20, 2) and task.train.y.shape == (1081, 20, 4)
    assert (task.inputs, task.outputs, task.tokens, task.every_step) == (2, 4, False, True)
    steps, windows = (
        (20**2 - 1) / 12,
        (381**2 - 1) / 12,
    )  # variances: the mean of all windows rises by its step
    assert task.chance == pytest.approx(steps / (steps + windows), rel=1e-4)
    assert torch.equal(task.train.x, worm(recorded=2, window=20, seed=0).train.x)
    assert worm(recorded=5, window=1).train.x.shape == (1100, 1, 5)
    assert worm(recorded=1, window=100).valid().x.shape == (1, 100, 1)


def test_bad_requests(counted: Path):
    with pytest.raises(BadInput, match="window of 1 to 100 steps, got 0"):
        worm(recorded=2, window=0)
    for recorded in (0, 6):
        with pytest.raises(BadInput, match=f"1 to 5 recorded neurons, got {recorded}"):
            worm(recorded=recorded)
    with pytest.raises(BadInput, match="window of 1 to 100 steps, got 101"):
        worm(recorded=2, window=101)
    (counted / "worm_whole_brain.npz").unlink()
    with pytest.raises(BadInput, match="the_worm_machine"):
        worm()


def test_the_real_recording():
    try:
        trace = traces()
    except BadInput as error:
        pytest.skip(str(error))
    assert trace.shape == (1600, 98) and trace.isfinite().all()
    torch.testing.assert_close(trace.mean(0), torch.zeros(98), rtol=0, atol=1e-3)
    torch.testing.assert_close(trace.std(0), torch.ones(98), rtol=0, atol=1e-3)
    variance = torch.linalg.eigvalsh(trace.double().T.cov())
    assert float(variance.sum() ** 2 / (variance**2).sum()) == pytest.approx(10.8, abs=0.1)
