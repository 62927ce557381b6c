"""Speeds of kernels and of activity: the predicates, moved symbols, and kernels that are known."""

import pytest
import torch

from tests.answers import exact_answers
from wavetrain.evidence.claims import Measured
from wavetrain.experiments.recordings import wave_rnn_speed as module
from wavetrain.experiments.recordings.wave_rnn_speed import (
    NETS,
    SPEEDS,
    claim,
    kernel_speed,
    layer,
    moved,
    reordered,
    run,
    small,
    smoke,
)
from wavetrain.train.lab import Lab

WHOLE = {f"recall_{net}": 0.25 for net in NETS} | {f"p_{net}": 1 / 40 for net in SPEEDS}
WHOLE |= {f"kernel_{net}": speed for net, speed in SPEEDS.items()} | {"p_identity": 2 / 40}
WHOLE |= {f"measured_{net}": speed + 0.09 for net, speed in SPEEDS.items()}


def answers(**changes: float) -> list[bool | None]:
    return [part.holds(Measured(WHOLE | changes, small)) for part in claim.parts]


def test_each_part_on_either_side():
    assert answers() == [True, True, True]
    assert answers(measured_back2=-1.89) == [False, True, True]
    assert answers(measured_on1=-1.0) == [False, True, True], "the other way is another speed"
    assert answers(p_on2=2 / 40) == [True, False, True]
    assert answers(p_identity=1 / 40) == [True, True, False]
    assert answers(recall_back1=0.24) == [None, None, True]
    assert answers(recall_identity=0.24) == [True, True, None]


def test_untrained_networks_decide_nothing(tmp_path):
    figures = run(smoke, Lab(tmp_path, seed=0))
    assert [part.holds(Measured(figures, smoke)) for part in claim.parts] == [None, None, None]


def test_moved_symbols_meet_the_limits_and_those_that_stay_do_not(monkeypatch: pytest.MonkeyPatch):
    assert exact_answers("wave_rnn_speed") == [True, True, True]
    monkeypatch.setattr(module, "moved", lambda x, speed, ring: moved(x, -speed, ring))
    # the speed does not hang on other orders of the places, which take most of the time
    monkeypatch.setattr(module, "reordered", lambda activity, orders, seed: reordered(activity, 1, seed))
    assert exact_answers("wave_rnn_speed")[0] is False


@torch.no_grad()
@pytest.mark.parametrize(("net", "speed"), SPEEDS.items())
def test_a_kernel_moves_a_pulse_at_its_speed(net: str, speed: int):
    one = layer(net, smoke)
    assert kernel_speed(one.kernel) == speed
    state = torch.zeros(1, smoke.channels, smoke.ring)
    state[..., 5] = 100.0
    after = one.step(torch.zeros(1, 10), state.flatten(1))[0].unflatten(1, (smoke.channels, -1))
    assert after.argmax(-1).tolist() == [[5 + speed] * smoke.channels]


def test_a_kernel_between_two_places_has_a_speed_between():
    kernel = torch.zeros(1, 1, 5)
    kernel[0, 0, 2] = kernel[0, 0, 3] = -0.7
    assert kernel_speed(kernel) == pytest.approx(-0.5)


def test_orders_change_places_alone():
    activity = torch.randn(2, 3, 4, 5)
    one, two = reordered(activity, 2, 0)
    assert not one.equal(two)
    torch.testing.assert_close(one.sort(-1).values, activity.sort(-1).values)
    order = torch.tensor([int((one[0, 0, 0] == value).nonzero()) for value in activity[0, 0, 0]])
    torch.testing.assert_close(one[..., order], activity)
