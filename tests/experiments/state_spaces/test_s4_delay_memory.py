"""Delay memory by state spaces: the predicates, the untrained read-out, and parameters that learn slowly."""

import math
from pathlib import Path

import pytest
import torch

from wavetrain.evidence.claims import Measured
from wavetrain.experiments._layers import slow
from wavetrain.experiments.state_spaces import s4_delay_memory
from wavetrain.experiments.state_spaces.s4_delay_memory import claim, small
from wavetrain.layers.state_space.lssl import LSSL
from wavetrain.layers.state_space.s4 import S4
from wavetrain.train.lab import Lab

GOOD = {
    "untrained_legs": 0.0009,
    "untrained_random": 0.02,
    "missed_s4": 0.1,
    "missed_lssl": 0.1,
    "missed_lstm": 0.2,
}


def answers(**changes: float) -> list[bool | None]:
    """Untrained: in itself, and beside random matrices; trained: S4, and LSSL."""
    return [part.holds(Measured(GOOD | changes)) for part in claim.parts]


def test_each_part_on_either_side():
    assert answers() == [True, True, True, True]
    assert answers(missed_s4=0.11) == [True, True, False, True]
    assert answers(missed_lssl=0.11) == [True, True, True, False]
    assert answers(missed_lssl=math.nan) == [True, True, True, False]
    assert answers(untrained_legs=0.001) == [False, True, True, True]
    assert answers(untrained_random=0.017) == [True, False, True, True]
    assert answers(missed_lstm=1.0, missed_s4=0.45, missed_lssl=0.45) == [True, True, True, True]
    assert answers(missed_lstm=0.3, missed_s4=0.5, missed_lssl=0.5) == [True, True, False, False]


def test_where_nobody_learns_the_untrained_states_are_judged_alone():
    """A network that says the mean misses all of the variance."""
    assert answers(missed_lstm=1.0, missed_s4=0.5, missed_lssl=0.5) == [True, True, None, None]
    assert answers(missed_lstm=1.0, missed_s4=1.0, missed_lssl=1.0) == [True, True, None, None]
    assert answers(untrained_legs=1.0, untrained_random=1.0)[:2] == [False, False]


def test_a_perfect_memory_refutes_nothing():
    assert answers(untrained_legs=0.0, missed_s4=0.0, missed_lssl=0.0) == [True, True, True, True]


def test_the_share_missed_knows_both_ends():
    y = torch.randn(5, 40, 3, generator=torch.Generator().manual_seed(1)).double() + 2
    assert s4_delay_memory._share(y, y) == pytest.approx(0)
    assert s4_delay_memory._share(y.mean((0, 1)).expand_as(y), y) == pytest.approx(1)


def test_states_are_those_of_the_recurrence():
    generator = torch.Generator().manual_seed(1)
    step = 0.4 * torch.randn(3, 3, generator=generator, dtype=torch.float64)
    drive = torch.randn(3, generator=generator, dtype=torch.float64)
    x = torch.randn(2, 9, 1, generator=generator)
    state = torch.zeros(2, 3, dtype=torch.float64)
    for t, states in enumerate(s4_delay_memory._states(step, drive, x).unbind(1)):
        state = state @ step.T + x[:, t].double() * drive
        assert torch.allclose(states, state, atol=1e-12)


@pytest.mark.parametrize("fraction", [0.1, 0.01])
def test_slow_learns_at_a_fraction_of_the_rate(fraction: float):
    torch.manual_seed(1)
    plain = LSSL(3, states=4)
    torch.manual_seed(1)
    slowed = slow(LSSL(3, states=4), {"a": fraction, "log_step": 1.0})
    x = torch.randn(2, 5, 3)
    start = plain.a.detach().clone()
    assert torch.equal(slowed(x)[0], plain(x)[0]), "another start"
    for layer in (plain, slowed):
        optimiser = torch.optim.Adam(layer.parameters(), 0.01, eps=0.0)
        layer(x)[0].square().sum().backward()
        optimiser.step()
    assert torch.allclose(slowed.a - start, fraction * (plain.a - start), atol=1e-6)
    assert torch.allclose(slowed.log_step, plain.log_step, atol=1e-6)
    assert torch.allclose(slowed.b, plain.b, atol=1e-6)


def test_slow_keeps_the_count_and_comes_back_from_a_checkpoint():
    torch.manual_seed(1)
    one = slow(S4(3, 1, 4), {"log_step": 0.1})
    two = slow(S4(3, 1, 4), {"log_step": 0.1})
    plain = S4(3, 1, 4)
    assert sum(part.numel() for part in one.parameters()) == sum(part.numel() for part in plain.parameters())
    with torch.no_grad():
        one.parametrizations.log_step.original.add_(1.0)
    two.load_state_dict(one.state_dict())
    x = torch.randn(2, 5, 1)
    assert torch.equal(one(x)[0], two(x)[0])


def test_small_rivals_have_about_as_many_parameters():
    counts = [
        sum(part.numel() for part in make().parameters()) for make in s4_delay_memory._rivals(small).values()
    ]
    assert max(counts) < 1.5 * min(counts)


def test_untrained_states(tmp_path: Path):
    """HiPPO-LegS with 64 states misses under 1e-4 at four time scales, a random matrix more than 1e-3."""
    figures = s4_delay_memory._untrained(small, Lab(tmp_path, seed=3))
    assert figures["untrained_legs"] < 1e-4
    assert figures["untrained_random"] > 1e-3
