"""Latency classes: each channel once, the same counts for all, and times that tell the classes apart."""

import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from wavetrain.errors import BadInput
from wavetrain.tasks.spikes._manifolds import AXES, JITTER, TERMS, manifolds
from wavetrain.tasks.spikes.latency_classes import LatencyClasses


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("classes", "channels", "time"), [(10, 50, 100), (2, 1, 2), (3, 8, 7)])
def test_each_channel_spikes_once(classes: int, channels: int, time: int):
    task = LatencyClasses(classes, channels, time, samples=5)
    for x, y in (task.draw(40, generator()), task.valid(), task.test()):
        assert x.shape[1:] == (time, channels) and (x.sum(1) == 1).all()
        assert x.unique().tolist() == [0, 1]
        assert y.unique().tolist() == list(range(classes))


def test_training_draws_from_samples_that_stay_and_the_held_out_are_none_of_them():
    task = LatencyClasses(samples=3)
    times, y = task.patterns().trained()
    assert y.bincount().tolist() == [3] * 10
    known = {(*row.tolist(), int(name)) for row, name in zip(times, y, strict=True)}
    drawn = task.draw(500, generator())
    seen = {(*row.tolist(), int(name)) for row, name in zip(drawn.x.argmax(1), drawn.y, strict=True)}
    assert seen == known  # 30 samples, 500 draws
    for x, _ in (task.valid(), task.test()):
        assert not {tuple(row.tolist()) for row in x.argmax(1)} & {row[:-1] for row in known}


def test_times_tell_the_classes_and_how_often_nothing_does():
    task = LatencyClasses()
    times, y = task.patterns().trained()
    x, answers = task.test()
    near = KNeighborsClassifier(5).fit(times, y)
    assert near.score(x.argmax(1), answers) > 0.99
    linear = LogisticRegression(max_iter=300).fit(times / 100, y)
    assert linear.score(x.argmax(1) / 100, answers) > 0.8
    assert len(x.sum(1).unique(dim=0)) == 1


def test_another_seed_has_other_classes():
    one, other = LatencyClasses(), LatencyClasses(seed=1)
    assert not torch.equal(one.patterns().trained()[0], other.patterns().trained()[0])
    assert torch.equal(one.test().y, other.test().y) and not torch.equal(one.test().x, other.test().x)


def test_surfaces_are_the_sum_of_their_terms_and_are_used_from_end_to_end():
    surfaces = manifolds(2, 3, 5)
    assert surfaces.height.shape == (2, 3, AXES, TERMS)
    assert (surfaces.height <= 1 / torch.arange(1, TERMS + 1) ** 2).all()
    y = torch.ones(4000, dtype=torch.long)
    latency = surfaces.latencies(y, generator())
    points = torch.rand(4000, AXES, generator=generator())
    by_hand = torch.zeros(4000)
    for axis in range(AXES):
        for term in range(TERMS):
            at = [part[1, 2, axis, term] for part in (surfaces.height, surfaces.turns, surfaces.phase)]
            by_hand += at[0] * (2 * torch.pi * (at[1] * points[:, axis] + at[2])).sin()
    low, high = surfaces.low[1, 2], surfaces.high[1, 2]
    assert torch.allclose(latency[:, 2], ((by_hand - low) / (high - low)).clamp(0, 1), atol=1e-4)
    assert latency.min() >= 0 and latency.max() <= 1
    assert (latency.amin(0) < 0.1).all() and (latency.amax(0) > 0.9).all()


def test_nearby_points_have_nearby_times():
    """Between two points of a fine line no channel jumps: a surface is smooth."""
    surfaces = manifolds(1, 20, 0)
    y = torch.zeros(3000, dtype=torch.long)
    latency = surfaces.latencies(y, generator())
    points = torch.rand(3000, AXES, generator=generator())
    apart = torch.cdist(points, points) + torch.eye(3000)
    nearest = apart.argmin(1)
    close = apart.amin(1) < 0.005
    assert (latency - latency[nearest]).abs()[close].amax() < 0.1
    assert (latency - latency.roll(1, 0)).abs().mean() > 0.1


def test_times_are_jittered_by_a_step():
    task = LatencyClasses(2, 20, 100, samples=1)
    y = torch.zeros(200, dtype=torch.long)
    exact = manifolds(2, 20, 0).latencies(y, generator(4)) * 99
    times = task.patterns().times(y, generator(4)).double()
    inside = (exact > 5) & (exact < 94)
    off = (times - exact)[inside]
    assert abs(off.mean()) < 0.1 and abs(off.std() - (JITTER**2 + 1 / 12) ** 0.5) < 0.1


def test_bad_sizes():
    for name, least in (("classes", 2), ("channels", 1), ("time", 2), ("samples", 1), ("seed", 0)):
        with pytest.raises(BadInput, match=f"latency classes: {name} must be a whole number of at least"):
            LatencyClasses(**{name: least - 1})
