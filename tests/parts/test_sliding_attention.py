"""Attention to a window, in blocks: the formula for all lengths, and the limit at temperature 0."""

import pytest
import torch
from torch import Tensor

from tests.promises import close, normal
from wavetrain.parts.sliding_attention import sharpened, sliding_attention, winner


def naive(q: Tensor, k: Tensor, v: Tensor, there: Tensor, temperature: float) -> Tensor:
    """One sequence and one step at a time."""
    time = q.shape[1]
    window = k.shape[1] - time + 1
    y = torch.empty(*q.shape[:2], v.shape[-1], dtype=q.dtype)
    for b in range(len(q)):
        for t in range(time):
            seen = [row for row in range(t, t + window) if there[b, row]]
            fit = k[b, seen] @ q[b, t] / q.shape[-1] ** 0.5
            weight = (
                torch.softmax(fit / temperature, 0)
                if temperature
                else torch.eye(len(fit)).double()[fit.argmax()]
            )
            y[b, t] = weight @ v[b, seen]
    return y


@pytest.mark.parametrize("temperature", [1.0, 0.3, 0.0])
@pytest.mark.parametrize(
    ("time", "window"), [(1, 1), (5, 1), (1, 4), (4, 4), (7, 3), (9, 3), (3, 8), (13, 4)]
)
def test_is_the_formula(time: int, window: int, temperature: float):
    past = time + window - 1
    q, k, v = normal(2, time, 4, seed=1), normal(2, past, 4, seed=2), normal(2, past, 3, seed=3)
    there = normal(2, past, seed=4) > 0
    there[:, window - 1 :] = True
    close(
        sliding_attention(q, k, v, there, temperature),
        naive(q, k, v, there, temperature),
        "in blocks, one step at a time",
    )


def test_nothing_is_built_of_all_pairs_of_steps(monkeypatch: pytest.MonkeyPatch):
    """A block of n queries sees 2 n - 1 keys, however long the sequence is."""
    seen = []
    real = torch.softmax
    monkeypatch.setattr(torch.Tensor, "softmax", lambda x, dim: seen.append(tuple(x.shape)) or real(x, dim))
    from wavetrain import scan

    with scan.only_plain():
        x = normal(1, 64 + 3, 2)
        sliding_attention(x[:, 3:], x, x, torch.ones(1, 67, dtype=torch.bool), 1.0)
    assert seen == [(1, 16, 4, 7)]


def test_a_low_temperature_comes_to_the_winner():
    q, k, v = normal(2, 1, 6, 4, seed=1), normal(2, 1, 6, 4, seed=2), normal(2, 1, 6, 3, seed=3)
    apart = [
        float((sharpened(q, k, v, None, one) - sharpened(q, k, v, None, 0.0)).abs().max())
        for one in (1, 0.1, 1e-4)
    ]
    assert apart[0] > apart[1] > apart[2] and apart[2] < 1e-10


def test_those_that_fit_alike_share():
    fit = torch.tensor([[1.0, 3.0, 3.0, -torch.inf], [2.0, 1.0, 0.0, -torch.inf]])
    assert winner(fit).tolist() == [[0, 0.5, 0.5, 0], [1, 0, 0, 0]]
