"""Timed automaton: its table by day and by night, and what is known without the clock."""

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.languages.timed_automaton import TimedAutomaton


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


TABLE = ({0: 0, 1: 1, 2: 2}, {0: 0, 1: 2, 2: 1})  # symbol to state, by day and by night


def test_walked_step_by_step():
    x, y = TimedAutomaton(20, none=0.3).draw(200, generator())
    for symbols, states in zip(x.tolist(), y.tolist(), strict=True):
        state = 0
        for time, (symbol, said) in enumerate(zip(symbols, states, strict=True)):
            if symbol != 3:
                state = TABLE[time % 6 >= 3][symbol]
            assert said == state


def test_one_step_in_ten_has_no_symbol():
    x, _ = TimedAutomaton(30).draw(2000, generator())
    shares = x.flatten().bincount(minlength=4) / x.numel()
    torch.testing.assert_close(shares, torch.tensor([0.3, 0.3, 0.3, 0.1]), atol=0.01, rtol=0)


def test_without_the_clock():
    """The best guess from the last symbol alone: a is always right, b and c half of the time."""
    x, y = TimedAutomaton(600, none=0.0).draw(200, generator())
    right = [(y[x == symbol] == symbol).double().mean() for symbol in range(3)]
    assert right[0] == 1 and abs(float(right[1]) - 0.5) < 0.02
    assert abs(float(right[2]) - 0.5) < 0.02


@pytest.mark.parametrize("none", [0.0, 0.1, 0.6])
def test_chance_is_that_of_saying_the_first_state(none: float):
    task = TimedAutomaton(10, none)
    y = task.draw(40_000, generator()).y
    assert float((y == 0).double().mean()) == pytest.approx(task.chance, abs=0.005)


def test_bad_sizes():
    with pytest.raises(BadInput, match="length must be"):
        TimedAutomaton(0)
    with pytest.raises(BadInput, match="chance of no symbol"):
        TimedAutomaton(10, none=1.0)
