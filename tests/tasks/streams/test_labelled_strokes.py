"""Labelled strokes: what a stroke is by hand, what is off in a sample, and that classes can be told."""

import math

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.streams.labelled_strokes import FASTEST, SLOWEST, LabelledStrokes, _strokes


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_a_stroke_is_a_sum_of_sinusoids():
    height, cycles, phase = _strokes(3, 5)[:, 2]
    assert torch.allclose(height.square().sum(-1), torch.ones(2))
    assert cycles.min() >= SLOWEST and cycles.max() <= FASTEST
    stroke = LabelledStrokes(3, time=4, seed=5).clean(2)
    for step in range(4):
        for axis in range(2):
            turns = [cycles[axis, k] * step / 3 + phase[axis, k] for k in range(3)]
            by_hand = sum(height[axis, k] * math.sin(2 * math.pi * turns[k]) for k in range(3))
            assert stroke[step, axis].item() == pytest.approx(float(by_hand), abs=1e-5)


def test_a_sample_with_nothing_off_is_its_stroke():
    task = LabelledStrokes(4, jitter=0.0, warp=0.0, noise=0.0)
    x, y = task.draw(6, generator())
    for one, label in zip(x, y.tolist(), strict=True):
        assert torch.allclose(one, task.clean(label), atol=1e-6)


def test_a_warp_keeps_both_ends_and_noise_has_its_deviation():
    y = torch.zeros(500, dtype=torch.long)
    task = LabelledStrokes(2, jitter=0.0, noise=0.0)
    x = task.samples(y, generator())
    assert torch.allclose(x[:, [0, -1]], task.clean(0)[[0, -1]].expand(500, -1, -1), atol=1e-5)
    assert x[:, 10].std(0).min() > 0.01
    noisy = LabelledStrokes(2, jitter=0.0, warp=0.0, noise=0.3).samples(y, generator()) - task.clean(0)
    assert noisy.std().item() == pytest.approx(0.3, rel=0.05)


def test_classes_are_numbered_and_more_of_them_change_none():
    few, many = LabelledStrokes(5), LabelledStrokes(9)
    assert all(few.clean(one).equal(many.clean(one)) for one in range(5))
    assert LabelledStrokes(2, first=5).clean(1).equal(many.clean(6))
    assert not LabelledStrokes(5, seed=1).clean(0).equal(few.clean(0))


def test_strokes_can_be_told_and_are_not_alike():
    task = LabelledStrokes(20)
    x, y = task.test()
    means = torch.stack([task.clean(one) for one in range(20)])
    near = torch.cdist(x.flatten(1), means.flatten(1)).argmin(-1)
    assert 0.8 < (near == y).double().mean() <= 1


@pytest.mark.parametrize(
    "wrong", [dict(jitter=-0.1), dict(noise=math.inf), dict(warp=math.nan), dict(warp=0.4)]
)
def test_what_cannot_be_is_refused_in_one_line(wrong: dict[str, float]):
    with pytest.raises(BadInput, match=f"expected a {next(iter(wrong))} from 0") as caught:
        LabelledStrokes(**wrong)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
