"""Three ways to learn from a stream, none of which may look ahead."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.promises import close, normal
from wavetrain.core import Batch
from wavetrain.layers.gate.lstm import LSTM
from wavetrain.parts.reader import Reader
from wavetrain.train.lab import Lab, Plan
from wavetrain.train.online import recursive, retrained, updated

PLANS = {f"{rate}": Plan(5, 4, rate, every=5, held_out=1) for rate in (1e-2, 1e-6)}


def make() -> Reader:
    return Reader(LSTM(8, 3), 3, every_step=True)


def cycle(length: int) -> tuple[Tensor, Tensor]:
    """Three symbols in turn, and which comes next."""
    t = torch.arange(length)
    return torch.eye(3)[t % 3], (t + 1) % 3


def test_recursive_least_squares_is_ridge_regression_on_the_past():
    h, y = normal(300, 4), normal(300, 2, seed=2)
    forget, ridge, ahead = 0.9, 0.5, 3
    said = recursive(h, y, forget, ridge, ahead)
    assert not said[:ahead].any()
    for t in range(ahead, 300):
        n = t - ahead + 1  # pairs whose answer has come
        age = forget ** torch.arange(n - 1, -1, -1, dtype=torch.double)
        gram = (h[:n].mT * age) @ h[:n] + forget**n * ridge * torch.eye(4).double()
        close(said[t], h[t] @ torch.linalg.solve(gram, (h[:n].mT * age) @ y[:n]), f"record {t}")


def test_rounding_does_not_grow_with_the_records():
    """After 3,000 records of fading by 0.95 what was rounded first would be 10^66 times as large."""
    h, y = normal(3000, 4), normal(3000, 2, seed=2)
    said = recursive(h, y, 0.95)
    age = 0.95 ** torch.arange(2998, -1, -1, dtype=torch.double)
    weight = torch.linalg.solve((h[:-1].mT * age) @ h[:-1], (h[:-1].mT * age) @ y[:-1])
    close(said[-1], h[-1] @ weight, "last record")


@pytest.mark.parametrize("forget", [1.0, 0.95])
def test_recursive_least_squares_is_exact_on_what_is_linear(forget: float):
    h, weight = normal(200, 4), normal(4, 2, seed=3)
    close(recursive(h, h @ weight, forget, 1e-9)[20:], (h @ weight)[20:], "said, true")


def test_updated_is_adam_on_the_last_records_in_a_plain_loop(tmp_path: Path):
    """300 records of a softmax of one matrix: what is said first, then the step on the answers that came."""
    x, y = normal(300, 3), torch.arange(300) * 7 % 4

    def one() -> nn.Module:
        layer = nn.Linear(3, 4, bias=False).double()
        nn.init.constant_(layer.weight, 0.1)
        return layer

    said = updated(Lab(tmp_path, 1), one, x, y, rate=0.05, span=5)
    weight, mean, square, clipped = np.full((4, 3), 0.1), np.zeros((4, 3)), np.zeros((4, 3)), 0
    for t in range(300):
        close(said[t], torch.from_numpy(weight @ x[t].numpy()), f"said of record {t}, the loop")
        past = range(max(0, t - 5), t)
        slope = np.zeros((4, 3))
        for s in past:
            chance = np.exp(weight @ x[s].numpy())
            slope += np.outer(chance / chance.sum() - np.eye(4)[y[s]], x[s].numpy()) / len(past)
        if t == 0:
            continue
        length = np.sqrt((slope**2).sum())
        clipped += length > 1
        slope *= min(1, 1 / (length + 1e-6))
        mean, square = 0.9 * mean + 0.1 * slope, 0.999 * square + 0.001 * slope**2
        step = mean / (1 - 0.9**t) / (np.sqrt(square / (1 - 0.999**t)) + 1e-8)
        weight = weight - 0.05 * step
    assert 20 < clipped < 280, "gradients were clipped, and others not"


class Sums(nn.Module):
    """Says the sum of what it has read, so that one sees where it began."""

    def forward(self, x: Tensor) -> Tensor:
        return x.cumsum(1)


class Trainings:
    """A lab that keeps what it is asked to train on, and what with."""

    def __init__(self):
        self.asked: list[tuple[str, nn.Module, Batch, Plan]] = []

    def fit(self, name, make, task, plan):
        self.asked.append((name, make(), task.train, plan))
        return SimpleNamespace(network=self.asked[-1][1])

    def best(self, name, make, task, plans, prefer):
        label = list(plans)[1]
        return label, self.fit(f"{name}-{label}", make, task, plans[label])


def test_retrained_reads_and_trains_on_the_records_that_it_should():
    """Runs of 6 among the last 40 whose answers, 3 records later, have come; reading begins 6 earlier."""
    x, y, lab = normal(300, 2), torch.arange(300), Trainings()
    said = retrained(lab, "a", Sums, (x, y), PLANS, 40, range(20, 300, 50), 6, ahead=3)
    ours = []
    for start in range(20, 300, 50):
        for t in range(start, min(start + 50, 300)):
            ours.append(sum(x[s] for s in range(start - 6, t + 1)))
    close(said, torch.stack(ours), "said, sums since six records before the start")
    assert [name for name, *_ in lab.asked] == ["a-1e-06", *(f"a-{start}" for start in range(70, 300, 50))]
    assert all(plan is PLANS["1e-06"] for *_, plan in lab.asked)
    assert len({id(network) for _, network, *_ in lab.asked}) == len(lab.asked)
    for start, (_, _, runs, _) in zip(range(20, 300, 50), lab.asked, strict=True):
        known = range(max(0, start - 2 - 40), start - 2)  # the answer of start - 3 has just come
        begins = [s for s in known if s + 6 <= known.stop]
        assert torch.equal(runs.x, torch.stack([x[s : s + 6] for s in begins]))
        assert torch.equal(runs.y, torch.stack([y[s : s + 6] for s in begins]))


def test_updated_learns_a_cycle_and_repeats_itself(tmp_path: Path):
    x, y = cycle(150)
    said = updated(Lab(tmp_path, 1), make, x, y, 0.02, 6)
    assert said.shape == (150, 3)
    assert torch.equal(said[-20:].argmax(1), y[-20:])
    assert torch.equal(said, updated(Lab(tmp_path, 1), make, x, y, 0.02, 6))


def test_updated_knows_nothing_of_what_comes(tmp_path: Path):
    x, y = cycle(40)
    said = updated(Lab(tmp_path, 1), make, x, y, 0.02, 6)
    y[30:], x[31:] = 0, 0.0
    other = updated(Lab(tmp_path, 1), make, x, y, 0.02, 6)
    assert torch.equal(said[:31], other[:31]) and not torch.equal(said[31:], other[31:])


def test_retrained_knows_nothing_of_what_comes(tmp_path: Path):
    """Said from record 20 on: by weights of 20, then of 30; with answers that come two records later."""
    x, y = cycle(40)

    def said(name: str) -> Tensor:
        return retrained(Lab(tmp_path / name, 1), "a", make, (x, y), PLANS, 15, range(20, 40, 10), 5, ahead=2)

    one = said("one")
    assert one.shape == (20, 3) and torch.equal(one, said("one")), "read back"
    y[29:] = 0
    assert torch.equal(said("two"), one)
    y[28] = 2 - y[28]
    three = said("three")
    assert torch.equal(three[:10], one[:10]) and not torch.equal(three[10:], one[10:])


def test_retrained_takes_the_rate_of_the_least_loss(tmp_path: Path):
    lab = Lab(tmp_path, 1)
    retrained(lab, "a", make, cycle(40), PLANS, 15, range(20, 40, 10), 5)
    assert lab.names == {"a-0.01", "a-1e-06", "a-30"}
    losses = [
        float((tmp_path / "metrics" / f"{name}.jsonl").read_text().split('"loss": ')[1].split(",")[0])
        for name in ("a-0.01", "a-1e-06", "a-30")
    ]
    assert losses[2] < losses[0] < losses[1]
