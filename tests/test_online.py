"""Three ways to learn from a stream, none of which may look ahead."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.promises import close, normal
from wavetrain.lab import Lab, Plan
from wavetrain.layers.lstm import LSTM
from wavetrain.online import recursive, retrained, updated
from wavetrain.stack import Reader

PLANS = {f"{rate}": Plan(5, 4, rate, every=5, held_out=1) for rate in (1e-2, 1e-6)}


def make() -> Reader:
    return Reader(LSTM(8, 3), 3, steps=True)


def cycle(length: int) -> tuple[Tensor, Tensor]:
    """Three symbols in turn, and which comes next."""
    t = torch.arange(length)
    return torch.eye(3)[t % 3], (t + 1) % 3


def test_recursive_least_squares_is_ridge_regression_on_the_past():
    h, y = normal(30, 4), normal(30, 2, seed=2)
    forget, ridge, ahead = 0.9, 0.5, 3
    said = recursive(h, y, forget, ridge, ahead)
    assert not said[:ahead].any()
    for t in range(ahead, 30):
        n = t - ahead + 1  # pairs whose answer has come
        age = forget ** torch.arange(n - 1, -1, -1, dtype=torch.double)
        gram = (h[:n].mT * age) @ h[:n] + forget**n * ridge * torch.eye(4).double()
        close(said[t], h[t] @ torch.linalg.solve(gram, (h[:n].mT * age) @ y[:n]), f"record {t}")


@pytest.mark.parametrize("forget", [1.0, 0.95])
def test_recursive_least_squares_is_exact_on_what_is_linear(forget: float):
    h, weight = normal(200, 4), normal(4, 2, seed=3)
    close(recursive(h, h @ weight, forget, 1e-9)[20:], (h @ weight)[20:], "said, true")


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
