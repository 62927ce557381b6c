"""ALIF: the threshold by hand, LIF where it does not adapt, and that units tire."""

import math

import pytest
import torch

from tests.promises import normal
from wavetrain.errors import BadInput
from wavetrain.parts.firing import Firing, Reset
from wavetrain.spiking import ALIF, LIF
from wavetrain.spiking.alif import Times

ALIKE = Times(spread=0.0, adapting_spread=0.0)


def one_unit(times: Times, strength: float, threshold: float, **firing: object) -> ALIF:
    layer = ALIF(1, times=times, strength=strength, firing=Firing(threshold=threshold, **firing)).double()  # type: ignore[arg-type]
    layer.encode.weight.data.fill_(1)
    layer.encode.bias.data.fill_(0)
    return layer


def test_a_spike_raises_the_threshold_and_it_falls_back() -> None:
    """By 0.5 and then by a tenth of it a step: 1.5, 1.45, 1.405; not that which it was tested against."""
    fast = Times(spread=0.0, adapting=-1 / math.log(0.9), adapting_spread=0.0)
    layer, state, thresholds = one_unit(fast, 5.0, 1.0), None, []
    for current in (1.2, 0.0, 0.0, 0.0):
        x = torch.full((1, 1, 1), current, dtype=torch.float64)
        state = layer.begin(1) if state is None else state
        thresholds.append(layer.thresholds(state).item())
        y, state = layer(x, state)
        assert y.item() == (current == 1.2)
    assert thresholds == pytest.approx([1, 1.5, 1.45, 1.405], abs=1e-12)


def test_the_reset_takes_off_the_threshold_that_was_crossed() -> None:
    layer = one_unit(ALIKE, 7.0, 0.5)
    v, silent, _ = layer.begin(1)
    adapted = torch.full_like(v, 0.1)  # a threshold of 1.2
    y, (after, _, later) = layer.step(torch.full_like(v, 2.0), (v, silent, adapted))
    rho = math.exp(-1 / 150)
    assert y.item() == 1 and after.item() == pytest.approx(0.8, abs=1e-15)
    assert later.item() == pytest.approx(0.1 * rho + 1 - rho, abs=1e-15)
    y, _ = layer.step(torch.full_like(v, 1.2), (v, silent, adapted))
    assert y.item() == 0  # on the threshold


@pytest.mark.parametrize("detached", [False, True])
@pytest.mark.parametrize("reset", Reset)
@pytest.mark.parametrize("refractory", [0.0, 2.0])
def test_without_adaptation_it_is_lif(refractory: float, reset: Reset, detached: bool) -> None:
    """To the last bit, states and gradients too."""
    firing = Firing(threshold=0.01, reset=reset, refractory=refractory, detached=detached)
    one, other = ALIF(6, 3, ALIKE, strength=0.0, firing=firing), LIF(6, 3, firing=firing)
    other.load_state_dict(one.state_dict())
    x, slopes = normal(2, 30, 3).float(), []
    for layer in (one, other):
        y, last = layer(x)
        pull = normal(*y.shape, seed=2).float()
        slopes.append((y, *last[:2], *torch.autograd.grad((y * pull).sum(), list(layer.parameters()))))
    assert one(x)[0].any()
    for left, right in zip(*slopes, strict=True):
        assert left.equal(right)


def test_units_tire_under_a_constant_drive() -> None:
    """Intervals never get shorter but for one step, by which they are rounded, and settle at a longer one."""
    layer = one_unit(Times(spread=0.0, adapting=100.0, adapting_spread=0.0), 5.0, 0.3)
    with torch.no_grad():
        y, _ = layer(torch.full((1, 600, 1), 0.2, dtype=torch.float64))
    intervals = y.flatten().nonzero().flatten().diff()
    longest = intervals.cummax(0).values
    assert (intervals >= longest - 1).all() and intervals[-5:].min() > 2 * intervals[0]


def test_adaptation_is_a_share_of_late_steps() -> None:
    """A unit that fires in every step has adapted by 1 - rho^t, up to 1."""
    layer = one_unit(ALIKE, 0.0, 1.0)
    with torch.no_grad():
        _, (_, _, adapted) = layer(torch.full((1, 70, 1), 1e9, dtype=torch.float64))
    assert adapted.item() == pytest.approx(1 - math.exp(-70 / 150), abs=1e-12)


@pytest.mark.parametrize("bad", [-0.1, math.nan, math.inf])
def test_strengths_that_are_refused(bad: float) -> None:
    with pytest.raises(BadInput, match=f"ALIF: expected a strength of 0 or more, got {bad}"):
        ALIF(3, strength=bad)
