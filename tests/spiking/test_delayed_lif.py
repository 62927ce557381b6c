"""LIF with learned delays: held, it is LIF behind a ring buffer; learning, it finds when inputs meet."""

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.parts.delays import Delayed
from wavetrain.parts.firing import Firing, Reset
from wavetrain.spiking import LIF, DelayedLIF

DOUBLE = torch.float64
FIRING = Firing(refractory=1.0, reset=Reset.ZERO)


def test_held_it_is_units_behind_a_ring_buffer_to_the_last_bit() -> None:
    torch.manual_seed(0)
    layer = DelayedLIF(5, inputs=3, longest=6.0, firing=FIRING, dt=0.5).double()
    layer.late.hold()
    ring = Delayed(3, 5, 0.5 * layer.late.delays(), dt=0.5).double()
    plain = LIF(5, inputs=5, firing=FIRING, dt=0.5).double()
    with torch.no_grad():
        layer.encode.weight.copy_((16 * layer.encode.weight * 64).round() / 64)
        ring.weight.copy_(layer.encode.weight)
        plain.encode.weight.copy_(torch.eye(5))
        plain.encode.bias.copy_(layer.encode.bias)
        x = (torch.rand(2, 60, 3, generator=torch.Generator().manual_seed(1)) < 0.2).double()
        y, (v, silent, line) = layer(x)
        expected, (potential, still) = plain(ring.along(x, ring.begin(2))[0])
    assert y.any() and torch.equal(y, expected) and torch.equal(v, potential) and torch.equal(silent, still)
    assert torch.equal(line, x[:, -12:].flip(1))


@pytest.mark.parametrize("spread", [0.5, 3.0])
def test_a_bell_with_no_threshold_is_its_kernel(spread: float) -> None:
    """Without decay the potential is all that has arrived: the whole weight once the bell is over."""
    layer = DelayedLIF(
        2, inputs=1, longest=8.0, spread=spread, tau=float("inf"), firing=Firing(threshold=99.0)
    )
    layer.double().encode.bias.data.zero_()
    x = torch.zeros(1, 10, 1, dtype=DOUBLE)
    x[0, 0] = 1.0
    with torch.no_grad():
        kernel, state = layer.late.kernel(layer.encode.weight)[:, :, 0], layer.begin(1)
        for step, now in enumerate(x.unbind(1)):
            _, state = layer.step(now, state)
            torch.testing.assert_close(state[0][0], kernel[: step + 1].sum(0))
    torch.testing.assert_close(state[0][0], layer.encode.weight[:, 0])


def test_delays_learn_when_their_inputs_meet() -> None:
    """Three inputs fire in steps 0, 4 and 8, the unit is to fire in step 12 and not before: weights are held.

    One input alone does not reach the threshold, and two in different steps do not either.
    """
    torch.manual_seed(0)
    layer = DelayedLIF(1, inputs=3, longest=14.0, tau=1.0)
    layer.encode.weight.data.fill_(0.5)
    layer.encode.bias.data.zero_()
    x, due = torch.zeros(1, 24, 3), torch.zeros(1, 24, 1)
    x[0, [0, 4, 8], [0, 1, 2]] = 1.0
    due[0, 12] = 1.0
    steps = torch.optim.Adam([layer.late.position], 0.3)
    assert not torch.equal(layer(x)[0], due)
    for step in range(150):
        layer.late.shrink(step / 150)
        current = layer.late.along(x, layer.late.begin(1), layer.late.kernel(layer.encode.weight))[0]
        steps.zero_grad()
        (current - 1.5 * due).square().sum().backward()
        steps.step()
    layer.late.hold()
    assert layer.late.delays().tolist() == [[12, 8, 4]]
    assert torch.equal(layer(x)[0], due)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(BadInput, match=r"longest delay in whole steps of 2 ms, from 0 on, got 5.0 ms"):
        DelayedLIF(3, longest=5.0, dt=2.0)
    with pytest.raises(BadInput, match="expected a spread of 0 ms or more"):
        DelayedLIF(3, spread=-1.0)
