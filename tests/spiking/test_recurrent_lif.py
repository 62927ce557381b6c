"""Recurrent LIF: each spike comes back once, when it is due and with its weight; without, it is LIF."""

import math

import pytest
import torch
from torch import Tensor

from tests.promises import normal, stepped
from wavetrain.errors import BadInput
from wavetrain.parts.firing import Firing
from wavetrain.spiking import LIF, RecurrentLIF


def scattered(width: int, inputs: int | None = None) -> RecurrentLIF:
    """Each connection has its own delay, from 1 to 5 steps."""
    delay = 1.0 + torch.arange(width * width).reshape(width, width) * 7 % 5
    return RecurrentLIF(width, inputs, delay=delay, firing=Firing(refractory=2.0))


def linear(delay: Tensor | float, weight: Tensor, tau: float = math.inf) -> RecurrentLIF:
    """Units without decay, whose input is their current."""
    layer = RecurrentLIF(len(weight), delay=delay, tau=tau, firing=Firing(threshold=10.0)).double()
    layer.encode.weight.data.copy_(torch.eye(len(weight)))
    layer.encode.bias.data.zero_()
    layer.recur.weight.data.copy_(weight)
    return layer


@pytest.mark.parametrize("delay", [1, 2, 7, 20])
def test_a_spike_arrives_after_its_delay_with_its_weight(delay: int) -> None:
    """Unit 0 fires in step 5; unit 1 has nothing until step 5 + delay, and 0.75 from then on."""
    layer = linear(float(delay), torch.tensor([[0.0, 0.0], [0.75, 0.0]]))
    x = torch.zeros(1, 40, 2, dtype=torch.float64)
    x[0, 5, 0] = 11
    state, potentials = layer.begin(1), []
    for now in x.unbind(1):
        _, state = layer.step(now, state)
        potentials.append(state[0][0].tolist())
    assert [one for _, one in potentials] == [0] * (5 + delay) + [0.75] * (35 - delay)
    assert [one for one, _ in potentials] == [0] * 5 + [1] * 35


def test_each_connection_has_its_own_delay() -> None:
    """From unit 0 to four others after 1, 3, 6 and 2 steps."""
    weight, delay = torch.zeros(5, 5), torch.ones(5, 5)
    weight[1:, 0], delay[1:, 0] = torch.tensor([1.0, 2.0, 4.0, 8.0]), torch.tensor([1.0, 3.0, 6.0, 2.0])
    x = torch.zeros(1, 12, 5, dtype=torch.float64)
    x[0, 2, 0] = 11
    layer = linear(delay, weight)
    for until, expected in ((2, [0, 0, 0, 0]), (3, [1, 0, 0, 0]), (4, [1, 0, 0, 8]), (5, [1, 2, 0, 8])):
        assert layer(x[:, : until + 1])[1][0][0, 1:].tolist() == expected
    assert layer(x)[1][0][0, 1:].tolist() == [1, 2, 4, 8]


def test_what_is_given_is_what_arrives() -> None:
    """Without decay and below the threshold, potentials are what all spikes that were due have given."""
    draw = torch.Generator().manual_seed(0)
    weight = (torch.randn(6, 6, generator=draw) * 64).round() / 640_000
    delay = torch.randint(1, 9, (6, 6), generator=draw).double()
    layer = linear(delay, weight)
    x = 4 * normal(1, 60, 6).abs()
    with torch.no_grad():
        y, (v, _, _) = layer(x)
    expected = x.sum(1)[0] - 10 * y.sum(1)[0]
    for i in range(6):
        for j in range(6):
            expected[i] += layer.recur.weight[i, j].detach() * y[0, : 60 - int(delay[i, j]), j].sum()
    assert y.sum() > 60
    torch.testing.assert_close(v[0], expected, rtol=0, atol=1e-10)


def test_a_silent_unit_loses_what_arrives() -> None:
    layer = linear(1.0, torch.tensor([[0.0, 0.0], [0.75, 0.0]]))
    layer.silence = 3
    x = torch.zeros(1, 4, 2, dtype=torch.float64)
    x[0, 0, 0] = x[0, 0, 1] = 11  # both fire; what arrives in step 1 finds unit 1 silent
    assert layer(x)[1][0].tolist() == [[1, 1]]


def test_without_weights_it_is_lif() -> None:
    """To the last bit."""
    firing = Firing(threshold=0.3, refractory=1.0)
    one, other = RecurrentLIF(6, 3, delay=3.0, firing=firing), LIF(6, 3, firing=firing)
    one.recur.weight.data.zero_()
    other.encode.load_state_dict(one.encode.state_dict())
    x = normal(2, 40, 3).float()
    (y, last), (expected, end) = one(x), other(x)
    assert y.any() and y.equal(expected) and last[0].equal(end[0]) and last[1].equal(end[1])
    assert last[2].equal(y[:, -3:].flip(1))  # on the way: the newest first


def test_a_spike_on_its_way_arrives_in_the_next_run() -> None:
    """A delay of 20 and a spike 3 steps before the end: it comes in step 17 of the second run."""
    layer = linear(20.0, torch.tensor([[0.0, 0.0], [0.75, 0.0]]))
    x = torch.zeros(1, 50, 2, dtype=torch.float64)
    x[0, 47, 0] = 11
    _, state = layer(x)
    nothing, arrived = torch.zeros(1, 50, 2, dtype=torch.float64), []
    for now in nothing.unbind(1):
        _, state = layer.step(now, state)
        arrived.append(state[0][0, 1].item())
    assert arrived == [0] * 17 + [0.75] * 33


def test_run_by_run_it_is_one_run() -> None:
    """300 runs of one step: spikes, potentials and what is on its way, to the last bit."""
    layer = scattered(5, 3)
    x = 4 * normal(2, 300, 3).float()
    with torch.no_grad():
        expected, (y, last) = layer(x), stepped(layer, x)
    assert y.equal(expected[0]) and y.any()
    assert all(one.equal(other) for one, other in zip(last, expected[1], strict=True))


def test_delays_in_ms() -> None:
    assert RecurrentLIF(2, dt=0.1).recur.longest == 1  # by default one step
    assert RecurrentLIF(2, delay=0.3, dt=0.1).recur.longest == 3
    with pytest.raises(BadInput, match="at least one step between the units of a layer, got 0"):
        RecurrentLIF(2, delay=0.0)
    with pytest.raises(BadInput, match=r"delays \(2, 2\) or \(2,\), got \(3,\)"):
        RecurrentLIF(2, delay=torch.ones(3))
