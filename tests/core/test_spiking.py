"""What spiking layers promise: whole steps, the state of another batch, silence, and the smooth twin."""

import math

import pytest
import torch
from torch import Tensor

from wavetrain.core import State
from wavetrain.core.spiking import Spiking, whole_steps
from wavetrain.core.surrogate import Smooth
from wavetrain.errors import BadInput
from wavetrain.parts.firing import Firing
from wavetrain.parts.surrogate import Arctan
from wavetrain.spiking import LIF


@pytest.mark.parametrize(
    ("ms", "dt", "steps"), [(0.3, 0.1, 3), (1.0, 0.1, 10), (0.0, 1.0, 0), (16.1, 0.1, 161), (5, 0.5, 10)]
)
def test_times_in_whole_steps(ms: float, dt: float, steps: int) -> None:
    assert whole_steps(ms, dt, "delay") == steps


@pytest.mark.parametrize(("ms", "dt"), [(0.25, 0.1), (-1.0, 1.0), (math.nan, 1.0), (math.inf, 1.0), (1, 3)])
def test_times_that_are_no_whole_steps(ms: float, dt: float) -> None:
    with pytest.raises(BadInput, match=f"expected delay in whole steps of {dt:g} ms, from 0 on, got {ms!r}"):
        whole_steps(ms, dt, "delay")


@pytest.mark.parametrize(("given", "came"), [(64, 1), (1, 64), (64, 37)])
def test_the_state_of_another_batch_is_refused(given: int, came: int) -> None:
    """One row after 64 would be spread over all of them in silence, and the other way round."""
    layer = LIF(4, inputs=3)
    _, state = layer(torch.randn(given, 5, 3))
    says = f"LIF: expected a state of {came} sequences, as x has, got one of {given}; begin"
    for call in (
        lambda: layer(torch.randn(came, 5, 3), state),
        lambda: layer.step(torch.randn(came, 3), state),
    ):
        with pytest.raises(BadInput, match=says):
            call()


@pytest.mark.parametrize("bad", [0.0, -0.1, math.nan, math.inf])
def test_steps_that_are_refused(bad: float) -> None:
    with pytest.raises(BadInput, match=f"LIF: expected dt above 0 ms, got {bad}"):
        LIF(4, dt=bad)


def test_a_refractory_time_that_is_no_whole_number_of_steps() -> None:
    with pytest.raises(BadInput, match=r"a refractory time in whole steps of 0\.1 ms, from 0 on, got 0\.25"):
        LIF(4, dt=0.1, firing=Firing(refractory=0.25))


class Bare(Spiking):
    """Fires wherever the input is above 0."""

    def __init__(self, width: int, inputs: int | None = None, refractory: float = 0.0):
        super().__init__(width, inputs, surrogate=Arctan(), refractory=refractory)

    def begin(self, batch: int) -> State:
        return torch.zeros(batch, self.width), torch.zeros(batch, self.width, dtype=torch.int32)

    def fades(self) -> tuple[Tensor | None, ...]:
        return None, None

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        spikes, silent = self.fire(x, state[1])
        return spikes, (x, silent)


@pytest.mark.parametrize("silence", [0, 1, 2, 5])
def test_fire_keeps_units_silent(silence: int) -> None:
    """By hand: from the first spike on every r + 1 steps; a unit that is below the threshold may wait."""
    layer = Bare(2, refractory=float(silence))
    x = torch.ones(1, 24, 2)
    x[0, :3, 1] = x[0, 10:12, 1] = -1
    expected = torch.zeros(24, 2)
    for unit in range(2):
        ready = 0
        for t in range(24):
            if x[0, t, unit] > 0 and t >= ready:
                expected[t, unit], ready = 1, t + silence + 1
    assert layer(x)[0][0].equal(expected)


def test_the_smooth_twin_is_a_copy() -> None:
    layer = LIF(4, firing=Firing(detached=True))
    twin = layer.smoothed()
    assert twin.surrogate == Smooth(layer.surrogate) and not twin.detached
    assert layer.detached and layer.surrogate == Arctan() and twin.encode.weight is not layer.encode.weight
    x = torch.randn(2, 5, 4)
    y = twin(x)[0]
    assert ((y > 0) & (y < 1)).all() and layer(x)[0].unique().tolist() in ([0, 1], [0])


def test_the_potential_is_the_first_part_of_the_state() -> None:
    layer = LIF(4)
    _, state = layer(torch.randn(2, 5, 4))
    assert layer.potential(state) is state[0]
