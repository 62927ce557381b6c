"""Bessel filters: scipy's, cut anywhere, their delay in closed form, constants, symmetry, and bad input."""

import math

import numpy as np
import pytest
from numpy.polynomial import Polynomial
from scipy import signal

from wavetrain.errors import BadInput
from wavetrain.parts.bessel import Bessel, Block, Cutoff

FILTERS = [
    Bessel(order, cutoff, where)
    for order in (1, 2, 3, 4, 5)
    for cutoff in (0.05, 0.2, 0.5, 0.9)
    for where in Cutoff
]
PAPER = Bessel(4, 0.05, Cutoff.PHASE)
EACH = pytest.mark.parametrize("one", FILTERS, ids=repr)


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def reverse_bessel(order: int) -> Polynomial:
    """theta_n by its recurrence: theta_n = (2 n - 1) theta_{n-1} + s^2 theta_{n-2}."""
    last, now = Polynomial([1.0]), Polynomial([1.0, 1.0])
    for n in range(2, order + 1):
        last, now = now, (2 * n - 1) * now + Polynomial([0, 0, 1.0]) * last
    return now


@EACH
def test_causal_is_scipys(one: Bessel):
    """Of the transfer function as two polynomials, from rest and from where it has settled."""
    b, a = signal.bessel(one.order, one.cutoff, norm=one.where.value)
    x = noise(80, 3)
    rest = np.zeros((len(one.sections), 3, 2))
    np.testing.assert_allclose(one.causal(x, rest)[0], signal.lfilter(b, a, x, axis=0), atol=1e-9)
    settled = signal.lfilter_zi(b, a)[:, None] * x[0]
    expected, _ = signal.lfilter(b, a, x, axis=0, zi=settled)
    np.testing.assert_allclose(one.causal(x)[0], expected, atol=1e-9)


@EACH
def test_zero_phase_is_scipys(one: Bessel):
    b, a = signal.bessel(one.order, one.cutoff, norm=one.where.value)
    x = noise(80, 3)
    np.testing.assert_allclose(one.zero_phase(x), signal.filtfilt(b, a, x, axis=0), atol=1e-7)


@EACH
def test_what_is_left_at_the_cut_off(one: Bessel):
    """Half the power, or what theta_n leaves where 1 and theta_n(0) / s^n meet."""
    _, gain = signal.sosfreqz(one.sections, [math.pi * one.cutoff])
    theta = reverse_bessel(one.order)
    meet = theta(1j * theta(0) ** (1 / one.order))
    left = 0.5 if one.where is Cutoff.POWER else abs(theta(0) / meet) ** 2
    assert abs(gain[0]) ** 2 == pytest.approx(left, rel=1e-9)


@EACH
def test_a_constant_passes_unchanged(one: Bessel):
    """From its first step on, through all of them: their gain at frequency 0 is 1."""
    constant = np.full((40, 2), [3.0, -7.0])
    block = Block(one, one.pad + 5, 4)
    for y in (one.causal(constant)[0], one.zero_phase(constant), block.blocked(constant)[0]):
        np.testing.assert_allclose(y, constant, rtol=1e-9)
    assert block.weights.sum() == pytest.approx(1, abs=1e-9)
    assert signal.sosfreqz(one.sections, [0.0])[1][0] == pytest.approx(1, abs=1e-9)


@EACH
def test_the_delay_of_low_frequencies_is_the_closed_form(one: Bessel):
    """theta_n(0) / theta_n(s) is late by 1; its cut-off is scaled to 2 tan(pi c / 2).

    That is where half the power is left, or where both ends of its gain, 1 and theta_n(0) / s^n, meet.
    """
    theta = reverse_bessel(one.order)
    low, high = 0.0, 10.0
    for _ in range(200):
        middle = (low + high) / 2
        above = abs(theta(0) / theta(1j * middle)) ** 2 > 0.5
        low, high = (middle, high) if above else (low, middle)
    scale = low if one.where is Cutoff.POWER else theta(0) ** (1 / one.order)
    assert one.delay == pytest.approx(scale / (2 * math.tan(math.pi * one.cutoff / 2)), rel=1e-9)


@EACH
def test_a_slow_ramp_is_late_by_the_delay(one: Bessel):
    y, _ = one.causal(np.arange(4000.0)[:, None])
    assert 3999 - y[-1, 0] == pytest.approx(one.delay, rel=1e-6)


def test_the_delay_is_flat_up_to_the_cut_off():
    """That is what a Bessel filter is for; the delay of one of Butterworth varies ten times as much."""
    at = np.linspace(1e-4, 0.05 * math.pi, 50)
    spread = []
    for sections in (Bessel(4, 0.05).sections, signal.butter(4, 0.05, output="sos")):
        _, gain = signal.sosfreqz(sections, np.stack([at, at + 1e-6], 1).ravel())
        phase = np.angle(gain).reshape(-1, 2)
        spread.append(np.ptp(-np.angle(np.exp(1j * np.diff(phase, axis=1))) / 1e-6))
    assert spread[0] < 0.1 * spread[1] and spread[0] < 0.05 * Bessel(4, 0.05).delay


@pytest.mark.parametrize("cut", [1, 2, 7, 31, 32, 33, 59])
@pytest.mark.parametrize("shape", [(60, 2), (3, 60, 2)])
def test_a_signal_may_be_cut_anywhere(cut: int, shape: tuple[int, ...]):
    """Causal to the last bit; a block to rounding, as its products may add up in another order."""
    x = noise(*shape)
    for way, tolerance in ((Bessel(4, 0.2).causal, 0.0), (Block(PAPER, 32, 15).blocked, 1e-14)):
        whole, last = way(x)
        head, state = way(x[..., :cut, :])
        tail, end = way(x[..., cut:, :], state)
        np.testing.assert_allclose(np.concatenate([head, tail], -2), whole, rtol=0, atol=tolerance)
        assert np.array_equal(end, last)


def test_step_by_step_it_is_the_whole():
    x = noise(50, 2)
    for way, tolerance in ((Bessel(3, 0.3).causal, 0.0), (Block(Bessel(2, 0.3), 16, 7).blocked, 1e-14)):
        whole, _ = way(x)
        state, steps = None, []
        for now in x:
            y, state = way(now[None], state)
            steps.append(y[0])
        np.testing.assert_allclose(np.stack(steps), whole, rtol=0, atol=tolerance)


@pytest.mark.parametrize("at", [0, 15, 31])
def test_a_block_is_filtfilt_of_the_last_steps(at: int):
    """In a loop over all blocks that are full, whatever the state at the start was."""
    block, x = Block(PAPER, 32, at), noise(70, 2)
    y, _ = block.blocked(x)
    for t in range(31, 70):
        np.testing.assert_allclose(y[t], PAPER.zero_phase(x[t - 31 : t + 1])[at], atol=1e-10)


def test_what_is_late_cannot_change_what_was():
    """Causal, both: from step 40 on all is other, and nothing before is."""
    x = noise(70, 2)
    other = np.concatenate([x[:40], noise(30, 2, seed=1)])
    for way in (Bessel(4, 0.2).causal, Block(PAPER, 32, 15).blocked):
        one, two = way(x)[0], way(other)[0]
        assert np.array_equal(one[:40], two[:40]) and not np.isclose(one[40:], two[40:]).all(1).any()


def test_the_delay_of_a_block_is_where_it_looks():
    """A line is told of `delay` steps ago: exactly where the block forgets its ends, else nearly."""
    line = np.arange(100.0)[:, None]
    for one, near in ((Bessel(4, 0.6), 1e-3), (PAPER, 16.0)):
        for at, late in ((31, 0), (15, 16)):
            block = Block(one, 32, at)
            assert block.delay == late
            np.testing.assert_allclose(block.blocked(line)[0][31:, 0], line[31:, 0] - late, rtol=0, atol=near)


@EACH
def test_forward_and_backward_is_symmetric(one: Bessel):
    """Far from the ends the response to an impulse is even, and its spectrum the squared gain."""
    x = np.zeros((2001, 1))
    x[1000] = 1
    y = one.zero_phase(x)[:, 0]
    np.testing.assert_allclose(y, y[::-1], atol=1e-12)
    _, gain = signal.sosfreqz(one.sections, 2001, whole=True)
    np.testing.assert_allclose(np.fft.fft(np.roll(y, -1000)).real, np.abs(gain) ** 2, atol=1e-9)


def test_the_ends_of_a_short_block_weigh_much():
    """At 6.25 Hz of 250, as the paper has it: nearly half of "last" is the newest step alone."""
    last, middle = Block(PAPER, 32, 31).weights, Block(PAPER, 32, 15).weights
    assert last[31] == pytest.approx(0.473, abs=5e-4) and np.argmax(last) == 31
    assert middle[0] == pytest.approx(0.186, abs=5e-4) and np.argmax(middle) == 0
    inner = Bessel(4, 0.4)  # a block that is long for its filter is that of filtfilt without ends
    x = np.zeros((201, 1))
    x[100] = 1
    np.testing.assert_allclose(Block(inner, 32, 15).weights, inner.zero_phase(x)[85:117, 0], atol=1e-3)


@pytest.mark.parametrize("bad", [0.0, 1.0, 1.5, -0.1, math.nan, math.inf])
def test_cut_offs_that_are_refused(bad: float):
    with pytest.raises(BadInput, match=r"cut-off between 0 and 1, the Nyquist frequency .*, got ") as caught:
        Bessel(4, bad)
    assert "\n" not in str(caught.value)


def test_other_bad_input():
    for order in (0, 11, 2.0):
        with pytest.raises(BadInput, match=f"an order of 1 to 10, got {order}"):
            Bessel(order, 0.2)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="a length above 15 steps for order 4, got 15"):
        Block(PAPER, 15, 7)
    for at in (-1, 32):
        with pytest.raises(BadInput, match=f"a place of 0 to 31, got {at}"):
            Block(PAPER, 32, at)
    with pytest.raises(BadInput, match=r"\(time, channels\) of 16 steps or more, got \(15, 2\)"):
        PAPER.zero_phase(noise(15, 2))
    for way in (PAPER.causal, Block(PAPER, 32, 15).blocked):
        with pytest.raises(BadInput, match=r"of 1 steps or more, got \(0, 2\)"):
            way(noise(0, 2))
        with pytest.raises(BadInput, match=r"\(time, channels\) of 1 steps or more, got \(9,\)"):
            way(noise(9))
        for value in (math.nan, math.inf):
            x = noise(40, 2)
            x[17, 1] = value
            with pytest.raises(BadInput, match=f"a finite signal, got {value} at step 17"):
                way(x)
