"""Line drawing: where the pen is, which steps are told, and what is asked."""

import math

import pytest
import torch

from wavetrain.tasks.dynamics.line_drawing import LineDrawing
from wavetrain.testing.tools import refused


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_lines_are_straight_even_and_end_on_the_circle():
    x, y = LineDrawing().all()
    torch.testing.assert_close(x[:, 0, 0], torch.tensor([-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3]))
    assert not x[:, 1:].any() and not y[:, 0].any()
    assert y.diff(n=2, dim=1).abs().max() < 1e-5
    torch.testing.assert_close(y[:, -1].norm(dim=1), torch.tensor([10.0] * 3 + [0.0] + [10.0] * 3))
    ends = torch.cat([y[:3, -1], y[4:, -1]])
    turned = torch.atan2(ends[:, 0], ends[:, 1])[:5] % (2 * math.pi)  # from the top, clockwise
    torch.testing.assert_close(turned, 2 * math.pi * torch.tensor([5, 4, 3, 2, 1]) / 6, atol=1e-5, rtol=0)
    torch.testing.assert_close(ends[5], torch.tensor([0.0, 10.0]))


def test_draws_are_these_lines_all_alike():
    task = LineDrawing(length=6, radius=3.0)
    x, y = task.draw(7000, generator())
    which = (x[:, 0, 0] / 0.1).round().long() + 3
    assert torch.equal(y, task.all().y[which]) and torch.equal(x, task.all().x[which])
    assert (which.bincount() - 1000).abs().max() < 5 * 30


def test_noise_comes_after_the_cue():
    x, y = LineDrawing(noise=0.2).draw(500, generator())
    assert set(x[:, 0, 0].unique().tolist()) == set(LineDrawing().all().x[:, 0, 0].tolist())
    assert float(x[:, 1:].std()) == pytest.approx(0.2, abs=0.01) and abs(float(x[:, 1:].mean())) < 0.01
    plain = LineDrawing().draw(500, generator())
    assert torch.equal(plain.y, y) and torch.equal(plain.x[:, 0], x[:, 0])


@pytest.mark.parametrize("every", [1, 2, 3])
def test_only_some_steps_are_told_and_all_are_scored(every: int):
    task = LineDrawing(every=every)
    y = task.all().y
    outputs = (y + 1.0).requires_grad_()
    loss = task.objective.loss(outputs, y)
    told = -(-10 // every)
    assert float(loss.detach()) == pytest.approx(told, rel=1e-6)  # a mean square of 1 at each
    loss.backward()
    asked = outputs.grad.abs().sum((0, 2)) > 0
    assert asked.tolist() == [step % every == 0 for step in range(10)]
    wrong = y.clone()
    wrong[:, 1] += 2.0
    assert float(task.objective.score(wrong, y)) == pytest.approx(4.0 / 10, rel=1e-5)
    assert not task.objective.higher


def test_chance_is_staying_at_the_origin():
    by_hand = 10**2 / 2 * 6 / 7 * sum((t / 9) ** 2 for t in range(10)) / 10
    assert LineDrawing().chance == pytest.approx(by_hand, rel=1e-5)
    assert LineDrawing(radius=1.0, lines=2, length=2).chance == pytest.approx(2 / 3 / 2 / 2, rel=1e-5)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"length": 1}, "length"),
        ({"lines": 0}, "lines"),
        ({"every": 0}, "every"),
        ({"radius": 0.0}, "radius above 0"),
        ({"noise": -0.1}, "noise of at least 0"),
        ({"radius": math.nan}, "radius above 0"),
    ],
)
def test_bad_sizes(words: dict[str, float], said: str):
    with refused("line drawing", said):
        LineDrawing(**words)
