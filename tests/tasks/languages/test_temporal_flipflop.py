"""Temporal flip-flop: both kinds of timing step by step, what is known without a clock, any automaton."""

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.languages.temporal_flipflop import TemporalFlipflop

EARLY, LATE = ((0, 1, 2),) * 3, ((0, 2, 1),) * 3  # the three-state automaton of a day of six steps


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_periodic_time_is_that_of_the_day():
    task = TemporalFlipflop(20)
    x, y = task.draw(100, generator())
    late = torch.arange(20) % 10 >= 5
    assert torch.equal(y, ((x == 0) & late).long())
    assert torch.equal(task.theta(x), late.long().expand(100, -1))
    assert torch.equal(task.timed(x), x == 0)


@pytest.mark.parametrize("wait", [1, 3, 5])
def test_relative_time_is_that_since_the_last_symbol(wait: int):
    x, y = TemporalFlipflop(30, wait=wait, none=0.7).draw(200, generator())
    for symbols, states in zip(x.tolist(), y.tolist(), strict=True):
        state, waited = 0, 0
        for symbol, said in zip(symbols, states, strict=True):
            if symbol == 2:
                waited += 1
            else:
                state, waited = int(symbol == 0 and waited >= wait), 0
            assert said == state


def test_any_automaton_whose_state_matters():
    """A toggle: early a changes the state and b keeps it, late the other way round."""
    task = TemporalFlipflop(12, period=4, early=((1, 0), (0, 1)), late=((0, 1), (1, 0)))
    x, y = task.draw(50, generator())
    state = torch.zeros(50, dtype=torch.long)
    for step in range(12):
        state = state ^ (x[:, step] == (step % 4 >= 2)).long()
        assert torch.equal(y[:, step], state)
    assert task.timed(x).all()


def test_three_states_and_six_steps_of_day_are_the_timed_automaton():
    x, y = TemporalFlipflop(24, period=6, none=0.1, early=EARLY, late=LATE).draw(200, generator())
    state = torch.zeros(200, dtype=torch.long)
    for step in range(24):
        to = torch.tensor((LATE if step % 6 >= 3 else EARLY)[0])
        state = torch.where(x[:, step] == 3, state, to[x[:, step].clamp(max=2)])
        assert torch.equal(y[:, step], state)


def test_without_the_clock_half_of_the_timed_steps_are_right_and_all_others():
    """Over whole periods; and a shift by half a period turns every timed answer round."""
    task = TemporalFlipflop(60)
    x, y = task.draw(2000, generator())
    timed = task.timed(x)
    assert float(y[timed].double().mean()) == pytest.approx(0.5, abs=0.01)
    assert (y[~timed] == 0).all()
    theta = task.theta(x)
    assert torch.equal(theta[:, 10:], theta[:, :-10]) and torch.equal(theta[:, 5:], 1 - theta[:, :-5])


def test_at_a_fifth_of_symbols_a_wait_of_three_makes_both_halves_equal():
    """As said of the paper's aim: about a half at 3, and less than a third at 5."""
    shares = []
    for wait in (3, 5):
        task = TemporalFlipflop(40, wait=wait, none=0.8)
        x, _ = task.draw(5000, generator())
        shares.append(float(task.theta(x)[x == 0].double().mean()))
    assert shares[0] == pytest.approx(0.48, abs=0.03) and shares[1] == pytest.approx(0.29, abs=0.03)


@pytest.mark.parametrize(
    "task",
    [
        TemporalFlipflop(20),
        TemporalFlipflop(40, wait=3, none=0.8),
        TemporalFlipflop(15, none=0.5),
        TemporalFlipflop(24, period=6, none=0.1, early=EARLY, late=LATE),
        TemporalFlipflop(9, period=4, early=((1, 0), (0, 1)), late=((0, 0), (1, 0))),
    ],
)
def test_chance_is_that_of_the_commonest_state_at_each_step(task: TemporalFlipflop):
    y = task.draw(40_000, generator()).y
    common = torch.nn.functional.one_hot(y, task.outputs).double().mean(0).amax(-1).mean()
    assert float(common) == pytest.approx(task.chance, abs=0.005)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"length": 0}, "length must be"),
        ({"period": 1}, "period must be"),
        ({"wait": 0, "none": 0.5}, "wait must be"),
        ({"wait": 3}, "a chance of no symbol above 0, to wait"),
        ({"none": 1.0}, "a chance of no symbol from 0 to below 1"),
        ({"early": ((0, 0),)}, "two tables of the same states and symbols"),
        ({"early": ((0,), (0,))}, "two tables of the same states and symbols"),
        ({"early": ((0, 2), (0, 0))}, "two tables of the same states and symbols"),
        ({"early": (), "late": ()}, "two tables of the same states and symbols"),
    ],
)
def test_what_is_no_automaton_is_refused(words, message):
    with pytest.raises(BadInput, match=message):
        TemporalFlipflop(**words)
