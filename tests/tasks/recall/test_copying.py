"""Copying: the layout of the paper, its chance level, and the loss of the best guess."""

import math

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.recall.copying import SYMBOLS, Copying


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("delay", [0, 1, 10, 30])
def test_layout(delay: int):
    task = Copying(delay)
    x, y = task.draw(50, generator())
    assert x.shape == (50, delay + 20, 10) and y.shape == (50, delay + 20) and task.length == delay + 20
    assert x.dtype == torch.float32 and torch.equal(x.sum(-1), torch.ones(50, delay + 20))
    token = x.argmax(-1)
    assert torch.equal(token[:, :SYMBOLS], y[:, -SYMBOLS:]), "what is shown is not what is asked"
    assert (token[:, SYMBOLS:-SYMBOLS] == 0).all(), "the delay is not blank"
    assert (token[:, -SYMBOLS] == 9).all(), "the delimiter is not at the first step of the recall"
    assert (token[:, -SYMBOLS + 1 :] == 0).all(), "something is shown during the recall"
    assert (y[:, :-SYMBOLS] == 0).all()
    assert y[:, -SYMBOLS:].min() == 1 and y[:, -SYMBOLS:].max() == 8


def test_delay_three_by_hand():
    x, y = Copying(3).draw(1, generator())
    token, symbols = x.argmax(-1)[0].tolist(), y[0, -10:].tolist()
    assert token == [*symbols, 0, 0, 0, 9] + [0] * 9
    assert y[0].tolist() == [0] * 13 + symbols


def test_symbols_are_uniform_and_independent():
    y = Copying(0).draw(20_000, generator()).y[:, -SYMBOLS:]
    share = torch.stack([(y == symbol).double().mean(0) for symbol in range(1, 9)])  # (8, 10)
    assert (share - 1 / 8).abs().max() < 5 * math.sqrt(7 / 64 / 20_000)
    together = (y[:, :1] == y[:, 1:]).double().mean(0)
    assert (together - 1 / 8).abs().max() < 5 * math.sqrt(7 / 64 / 20_000)


def test_only_the_recall_is_scored():
    _, y = Copying(5).test()
    output = torch.nn.functional.one_hot(y, 10).float()
    score = Copying.objective.score
    assert score(output, y) == 1
    output[:, :-SYMBOLS] = 0
    output[:, :-SYMBOLS, 7] = 1
    assert score(output, y) == 1
    output[:, -1] = 0
    assert score(output, y) == pytest.approx(0.9)


@pytest.mark.parametrize("delay", [0, 10])
def test_loss_of_the_best_guess(delay: int):
    """Blank until the recall, then any of the eight symbols: 10 ln 8 / length."""
    task = Copying(delay)
    _, y = task.test()
    guess = torch.full((*y.shape, 10), -100.0)
    guess[:, :-SYMBOLS, 0] = 0
    guess[:, -SYMBOLS:, 1:9] = 0
    expected = 10 * math.log(8) / task.length
    assert float(task.objective.loss(guess, y)) == pytest.approx(expected, rel=1e-5)
    assert delay != 10 or expected == pytest.approx(0.693, abs=1e-3)


def test_held_out_sequences_are_never_drawn():
    task = Copying(0)
    held_out = [{tuple(row) for row in part.y.tolist()} for part in (task.valid(), task.test())]
    assert not held_out[0] & held_out[1]
    for seed in range(10):
        drawn = {tuple(row) for row in task.draw(1000, generator(seed)).y.tolist()}
        assert not drawn & (held_out[0] | held_out[1])


def test_negative_delay_is_refused():
    with pytest.raises(BadInput, match="at least 0, got -1"):
        Copying(-1)
