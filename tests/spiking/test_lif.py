"""LIF: the conventions of its kind by hand, what others reported of theirs, and the linear limit."""

import math
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from tests.promises import normal
from wavetrain.core.surrogate import Surrogate
from wavetrain.errors import BadInput
from wavetrain.parts.firing import Firing, Reset
from wavetrain.parts.surrogate import Arctan, Sigmoid, Triangle, Zero
from wavetrain.spiking import LIF

HALF = 1 / math.log(2)  # ms, so that a step of 1 ms leaves one half


def one_unit(tau: float = 20.0, dt: float = 1.0, **firing: object) -> LIF:
    """A unit that takes its input as current."""
    layer = LIF(1, tau=tau, dt=dt, firing=Firing(**firing)).double()  # type: ignore[arg-type]
    layer.encode.weight.data.fill_(1)
    layer.encode.bias.data.fill_(0)
    return layer


def walk(layer: LIF, current: Sequence[float], v: float = 0.0) -> tuple[list[float], list[float]]:
    """Spikes and potentials of each step."""
    state, spikes, potentials = layer.begin(1), [], []
    state = (state[0] + v, state[1])
    with torch.no_grad():
        for now in current:
            y, state = layer.step(torch.full((1, 1), now, dtype=torch.float64), state)
            spikes.append(y.item())
            potentials.append(state[0].item())
    return spikes, potentials


@pytest.mark.parametrize("size", [1.0, 0.5])
@pytest.mark.parametrize(
    ("reset", "left"),
    [
        (Reset.SUBTRACT, [0.5, 0.25, 0.125]),
        (Reset.ZERO, [0, 0, 0]),
        (Reset.NONE, [1.5, 0.75, 0.375]),
    ],
)
def test_the_reset_acts_in_the_step_of_the_spike(reset: Reset, left: list[float], size: float) -> None:
    """One spike, and the threshold, not 1, taken off: the same at half the size of everything."""
    layer = one_unit(HALF, threshold=size, reset=reset)
    spikes, v = walk(layer, [1.5 * size, 0, 0])
    assert spikes == [1, 0, 0] and v == pytest.approx([size * one for one in left], abs=1e-15)


def test_the_reset_may_be_changed_on_a_layer_that_is_built() -> None:
    layer = one_unit(HALF)
    for reset, first in ((Reset.ZERO, 0), (Reset.NONE, 1.5), (Reset.SUBTRACT, 0.5)):
        layer.reset = reset
        assert walk(layer, [1.5])[1] == [first]


@pytest.mark.parametrize("threshold", [0.1, 1.0, 7.0])
@pytest.mark.parametrize("reset", Reset)
def test_nothing_comes_of_nothing(reset: Reset, threshold: float) -> None:
    """No constant is taken off a unit that does not fire."""
    assert walk(one_unit(threshold=threshold, reset=reset), [0] * 10) == ([0] * 10, [0] * 10)


@pytest.mark.parametrize("dt", [1.0, 0.5, 0.1])
def test_the_decay_is_exact(dt: float) -> None:
    """10 after 20 ms with tau = 20 ms is 10 / e, whatever the step; by Euler's rule it would be 3.585."""
    _, v = walk(one_unit(20.0, dt, threshold=math.inf), [0] * round(20 / dt), v=10.0)
    assert v[-1] == pytest.approx(3.6787944117144233, abs=1e-12)


def test_time_constants_at_their_ends() -> None:
    """One step long: 1 / e is left, not nothing. Without end: all is left, and it is a number."""
    assert walk(one_unit(1.0, threshold=math.inf), [0], 1.0)[1] == pytest.approx([0.36787944], abs=1e-8)
    assert walk(one_unit(math.inf, threshold=math.inf), [0, 0], 3.0)[1] == [3, 3]
    for bad in (0.0, -1.0, math.nan):
        with pytest.raises(BadInput, match=f"expected tau above 0 ms, got {bad}"):
            LIF(2, tau=bad)
    with pytest.raises(BadInput, match="expected tau above 0 ms, got inf"):
        LIF(2, tau=math.inf, learned=True)


@pytest.mark.parametrize("tau", [5.0, 20.0, 80.0])
def test_a_constant_current_is_added_as_it_is(tau: float) -> None:
    """Steady state I / (1 - exp(-dt / tau)): no gain of dt / tau, so that it grows with tau."""
    _, v = walk(one_unit(tau, threshold=math.inf), [0.04] * round(30 * tau))
    assert v[-1] == pytest.approx(0.04 / (1 - math.exp(-1 / tau)), rel=1e-12)


def test_the_threshold_must_be_crossed() -> None:
    """1 / 16 a step without decay is 1 after 16 steps, and a spike comes in the 17th."""
    spikes, v = walk(one_unit(math.inf), [0.0625] * 20)
    assert v[:16] == [0.0625 * step for step in range(1, 17)] and spikes.index(1) == 16


@pytest.mark.parametrize(("current", "threshold"), [(0.3, 1.0), (0.7, 1.0), (0.11, 0.4)])
def test_without_decay_it_counts(current: float, threshold: float) -> None:
    """Subtracting loses nothing: so many spikes as thresholds were given, less at most one."""
    spikes, v = walk(one_unit(math.inf, threshold=threshold), [current] * 300)
    assert sum(spikes) * threshold + v[-1] == pytest.approx(300 * current, abs=1e-10)
    assert abs(sum(spikes) - 300 * current / threshold) <= 1


@pytest.mark.parametrize("reset", Reset)
@pytest.mark.parametrize("silence", [0, 1, 2, 10])
@pytest.mark.parametrize("dt", [1.0, 0.1])
def test_all_intervals_are_one_longer_than_the_refractory_time(dt: float, silence: int, reset: Reset) -> None:
    """Whatever the reset, and as steps or as ms of 10 steps each."""
    layer = one_unit(dt=dt, refractory=silence * dt, reset=reset)
    with torch.no_grad():
        spikes, _ = layer(torch.full((1, 300, 1), 1e6, dtype=torch.float64))
    at = spikes.flatten().nonzero().flatten()
    assert at[0] == 0 and set(at.diff().tolist()) == {silence + 1}


def test_a_silent_unit_is_held() -> None:
    """Neither input nor decay moves the potential; with the first step after it all goes on."""
    spikes, v = walk(one_unit(HALF, refractory=2.0), [1.5, 9, -9, 0, 0])
    assert spikes == [1, 0, 0, 0, 0] and v == pytest.approx([0.5, 0.5, 0.5, 0.25, 0.125])


@pytest.mark.parametrize("surrogate", [Arctan(), Sigmoid(25.0), Triangle()], ids=repr)
@pytest.mark.parametrize("moved", [1.8, 1.3, 0.5])
@pytest.mark.parametrize("reset", Reset)
def test_the_gradient_through_the_reset(reset: Reset, moved: float, surrogate: Surrogate) -> None:
    """d v_2 / d v_1 is beta, or nothing after a spike that resets to 0, where the reset is detached.

    Else the slope g of the spike comes in, with what it takes off: beta (1 - threshold g).
    """
    g, spike = surrogate.derivative(torch.tensor(moved - 1.2, dtype=torch.float64)).item(), moved > 1.2
    for detached, expected in (
        (True, {Reset.SUBTRACT: 1, Reset.ZERO: 1 - spike, Reset.NONE: 1}),
        (False, {Reset.SUBTRACT: 1 - 1.2 * g, Reset.ZERO: 1 - spike - moved * g, Reset.NONE: 1}),
    ):
        layer = one_unit(HALF, threshold=1.2, reset=reset, detached=detached, surrogate=surrogate)
        v = torch.tensor([[2 * moved]], dtype=torch.float64, requires_grad=True)
        after = layer.step(torch.zeros_like(v), (v, layer.begin(1)[1]))[1][0]
        assert torch.autograd.grad(after, v)[0].item() == pytest.approx(0.5 * expected[reset], abs=1e-12)


def test_without_a_slope_only_what_is_behind_the_spikes_learns() -> None:
    layer = LIF(4, inputs=3, firing=Firing(surrogate=Zero()))
    y, _ = layer(5 * torch.randn(2, 20, 3))
    y.sum().backward()
    assert y.any() and not layer.encode.weight.grad.any()


@pytest.mark.parametrize("many", [255, 256, 257, 12_500, 100_000])
def test_many_units_are_told_apart(many: int) -> None:
    """All fire once; numbers of units do not wrap, and any of them can be looked at alone."""
    layer = LIF(many, inputs=1, firing=Firing(refractory=2.0))
    layer.encode.weight.data.fill_(1)
    layer.encode.bias.data.zero_()
    with torch.no_grad():
        y, (_, silent) = layer(torch.tensor([[[1.5], [0.0]]]))
    at, unit = y[0].nonzero().T
    assert unit.equal(torch.arange(many)) and not at.any() and y.sum().item() == many
    assert (silent == 1).all()
    for few in (31, 32, 33, 64):
        assert y[0, 0, many - few :].nonzero().flatten().equal(torch.arange(few))
    assert sum(part.numel() for part in layer.state_dict().values()) == 2 * many


def toeplitz(beta: float, steps: int) -> Tensor:
    age = torch.arange(steps)[:, None] - torch.arange(steps)
    return torch.where(age >= 0, beta ** age.clamp(min=0).double(), 0.0)


def test_with_a_threshold_without_end_it_is_linear() -> None:
    """The potential is the input through exp(-age / tau), and so is its gradient, transposed."""
    layer = LIF(3, inputs=2, tau=5.0, firing=Firing(threshold=math.inf)).double()
    x = normal(2, 12, 2).requires_grad_()
    spikes, (v, _) = layer(x)
    decay = toeplitz(math.exp(-1 / 5), 12)
    expected = torch.einsum("ts,bsd->btd", decay, layer.current(x))[:, -1]
    assert not spikes.any()
    torch.testing.assert_close(v, expected, rtol=1e-12, atol=1e-12)
    pull = normal(2, 3, seed=2)
    (slope,) = torch.autograd.grad((v * pull).sum(), x)
    by_hand = torch.einsum("s,bd,di->bsi", decay[-1], pull, layer.encode.weight.detach())
    torch.testing.assert_close(slope, by_hand, rtol=1e-12, atol=1e-12)


def test_subtracting_is_a_negative_input() -> None:
    """v = A (I - threshold s) with A the decay, for the potentials after the reset."""
    layer = LIF(3, inputs=2, tau=5.0, firing=Firing(threshold=0.4)).double()
    x, state = 2 * normal(2, 30, 2), layer.begin(2)
    spikes, potentials = [], []
    for now in x.unbind(1):
        y, state = layer.step(now, state)
        spikes.append(y)
        potentials.append(state[0])
    driven = layer.current(x) - 0.4 * torch.stack(spikes, 1)
    assert torch.stack(spikes).any()
    expected = torch.einsum("ts,bsd->btd", toeplitz(math.exp(-1 / 5), 30), driven)
    torch.testing.assert_close(torch.stack(potentials, 1), expected, rtol=1e-12, atol=1e-12)


def test_time_constants_that_are_learned() -> None:
    """They begin where they are set, stay above 0, and gradients move them."""
    layer = LIF(4, tau=7.0, learned=True)
    torch.testing.assert_close(layer.taus(), torch.full((4,), 7.0))
    layer(3 * torch.randn(2, 30, 4))[1][0].sum().backward()
    assert layer.tau.log.grad.all()
    layer.tau.log.data.fill_(-50.0)
    assert (layer.taus() > 0).all() and layer(torch.randn(2, 5, 4))[0].isfinite().all()
