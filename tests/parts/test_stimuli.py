"""Representations of stimuli: by hand, as layers, and a serial compound as a wave on a ring."""

import math
from functools import partial

import pytest
import torch

from wavetrain.layers.recurrence.ring import Ring
from wavetrain.parts.stimuli import Microstimuli, Presence, SerialCompound
from wavetrain.testing import check_layer
from wavetrain.testing.tools import normal, refused


@pytest.mark.parametrize("make", [SerialCompound, Microstimuli])
def test_they_keep_the_promises_of_layers(make: type):
    check_layer(make)


def test_a_serial_compound_has_one_element_at_a_time():
    x = torch.zeros(1, 9, 2)
    x[0, 2:5, 0] = 1.0
    x[0, 6:, 1] = 0.5
    y, _ = SerialCompound(8, inputs=2)(x)
    one, two = y[0, :, 0::2], y[0, :, 1::2]  # (steps, times since the beginning)
    for t in range(9):
        assert one[t].nonzero().flatten().tolist() == ([t - 2] if 0 <= t - 2 < 4 else [])
        assert two[t].tolist() == [0.5 if t - 6 == k else 0.0 for k in range(4)]


def test_it_is_a_ring_whose_cells_are_all_read():
    ring = Ring(5, inputs=1, cells=5)
    with torch.no_grad():
        ring.encode.weight.fill_(1)
        ring.profile.copy_(torch.eye(5))
    pulse = torch.zeros(1, 9, 1)
    pulse[0, 1] = 1.0
    torch.testing.assert_close(SerialCompound(5, inputs=1)(pulse)[0], ring(pulse)[0].detach())


def test_it_is_there_again_when_it_begins_again():
    x = torch.tensor([1.0, 0, 1, 1, 0, 0]).reshape(1, 6, 1)
    y, _ = SerialCompound(4, inputs=1)(x)
    assert y[0].int().tolist() == [
        [1, 0, 0, 0], [0, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 1], [0, 0, 1, 0], [0, 0, 0, 1]
    ]  # fmt: skip


def test_a_reward_clears_the_line_in_its_own_step_where_it_resets():
    x = torch.zeros(2, 6, 2)
    x[:, 1, 0] = 1.0
    x[1, 3, 1] = 0.5
    y, _ = SerialCompound(4, inputs=2, resets=True)(x)
    assert y[0].argmax(1)[1:5].tolist() == [0, 1, 2, 3]  # no reward
    assert y[1, 2].any() and not y[1, 3:].any()
    assert SerialCompound(8, inputs=2)(x)[0][1, 3, 0::2].argmax() == 2  # it keeps running


def test_presence_is_what_is_there():
    x = normal(2, 5, 3, dtype=torch.float32)
    torch.testing.assert_close(Presence(3)(x)[0], 0.2 * x)
    torch.testing.assert_close(Presence(3, level=1.0)(x)[0], x)


def test_microstimuli_by_hand():
    """y = d^k after k steps; x_m = y exp(-(y - m / M)^2 / (2 sigma^2)) / sqrt(2 pi)."""
    layer = Microstimuli(6, inputs=2, decay=0.9, sigma=0.1).double()
    x = torch.zeros(1, 12, 2, dtype=torch.float64)
    x[0, 3:, 1] = 1.0
    y, (trace, _) = layer(x)
    assert not y[0, :, 0::2].any() and not y[0, :3].any()
    for t in range(3, 12):
        height = 0.9 ** (t - 3)
        for m in (1, 2, 3):
            bump = math.exp(-((height - m / 3) ** 2) / (2 * 0.1**2)) / math.sqrt(2 * math.pi)
            assert float(y[0, t, 2 * m - 1]) == pytest.approx(height * bump, rel=1e-6)
    assert float(trace[0, 1]) == pytest.approx(0.9**8)


def test_bad_sizes_and_constants_are_refused():
    for make, said in (
        (partial(SerialCompound, 2, inputs=3), "an element for each of 3 stimuli"),
        (partial(Microstimuli, 2, inputs=3), "an element for each of 3 stimuli"),
        (partial(Presence, 4, inputs=3), "a width of 3"),
        (partial(SerialCompound, 4, inputs=1, resets=True), "beside the reward"),
        (partial(Microstimuli, 4, decay=1.0), "decay between 0 and 1"),
        (partial(Microstimuli, 4, decay=0.0), "decay between 0 and 1"),
        (partial(Microstimuli, 4, sigma=0.0), "sigma above 0"),
    ):
        with refused(said):
            make()
