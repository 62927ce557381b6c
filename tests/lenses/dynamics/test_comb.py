"""The period of a trajectory: components, waves and fits that are known, and harmonics that count once."""

import numpy as np
import pytest

from wavetrain.lenses.dynamics._comb import _new, comb, components, fitted, sharpened, waves

T = np.arange(400)  # steps


def test_components_are_those_of_the_largest_variance_over_the_largest_number():
    """Seven units in places of their own: the five that vary most, each with its own sign."""
    wave = np.cos(2 * np.pi * np.arange(1, 8) * np.arange(64)[:, None] / 64)
    sizes = np.array([3.0, -7.0, 1.0, 5.0, 2.0, -6.0, 4.0])
    found = components(9 + sizes * wave)
    np.testing.assert_allclose(
        found, (np.abs(sizes) * wave * np.sign(sizes))[:, [1, 5, 3, 6, 0]] / 7, atol=1e-12
    )
    both = components(np.outer(wave[:, 0], [1.0, -2.0]))
    np.testing.assert_allclose(both[:, 0], -wave[:, 0], atol=1e-12)  # its largest weight is positive
    assert (components(np.ones((9, 2))) == 0).all()


def test_waves_are_one_and_ten_cosines_and_sines():
    wanted = [
        [1.0, *np.cos(0.3 * t * np.arange(1, 11)), *np.sin(0.3 * t * np.arange(1, 11))] for t in range(5)
    ]
    np.testing.assert_allclose(waves(5, 0.3 / (2 * np.pi)), wanted)
    np.testing.assert_allclose(waves(np.array([3.0, 1.0]), 0.3 / (2 * np.pi)), [wanted[3], wanted[1]])


def test_the_weights_of_a_cycle_are_fitted():
    f = 0.0437
    weight = np.random.default_rng(0).normal(size=(21, 2))
    np.testing.assert_allclose(fitted(waves(400, f) @ weight, f), weight, atol=1e-9)
    seen = waves(400, f) @ weight
    for off in (-0.4, 0.4):
        assert sharpened(seen, f + off / 400) == pytest.approx(f, abs=1e-8)
    assert sharpened(seen, f + 0.7 / 400) == pytest.approx(f + 0.2 / 400, abs=1e-7), (
        "no further than half a bin"
    )


def test_harmonics_that_fall_on_one_another_or_on_zero_count_once():
    """Nearer than 8: 7 is too near to 0, 17 to 10, 25 not to 17, which is not counted itself."""
    at = np.array([[7, 8, 16, 10], [10, 17, 25, 2], [10, 18, 17, 26], [30, 30, 40, 37]])
    wanted = [[0, 1, 1, 0], [1, 0, 1, 0], [1, 1, 0, 1], [1, 0, 1, 0]]
    np.testing.assert_array_equal(_new(at, 8), np.array(wanted, dtype=bool))


def test_share_is_that_of_the_harmonics():
    """Power of 1 at the frequency and 1/4 at its double; 1/16 that is at no harmonic, and what is constant.

    Of 2060 steps, so that a period of 20 is among those that are tried from 20.6 on.
    """
    t = np.arange(2060)
    angle = 2 * np.pi * t / 20
    cycle = np.cos(angle) + 0.5 * np.sin(2 * angle)
    for seen in (cycle, 7 + 100 * cycle):
        found = comb(seen[:, None])
        assert found.frequency == pytest.approx(0.05, abs=1e-12) and found.share == pytest.approx(1, abs=1e-9)
    tenth = comb((cycle + 0.5 * np.cos(10 * angle))[:, None])  # at half a cycle a step it has a power of 1/4
    assert tenth.frequency == pytest.approx(0.05, abs=1e-12)
    beside = comb(np.stack([cycle, 0.25 * np.cos(2 * np.pi * 165 / 2060 * t)], 1))
    assert beside.frequency == pytest.approx(0.05, abs=1e-12)
    assert beside.share == pytest.approx(20 / 21, abs=1e-9)
    last = comb(np.stack([cycle, 0.25 * np.sin(9 * angle)], 1))
    assert last.share == pytest.approx(1, abs=1e-9), "the ninth is one of ten"
    eleventh = comb(np.stack([np.cos(angle / 5), 0.25 * np.cos(11 * angle / 5)], 1))
    assert eleventh.share == pytest.approx(16 / 17, abs=5e-3), "the eleventh is not"


def test_the_lower_of_two_harmonics_is_the_frequency():
    """One line alone is no second harmonic of half its frequency, whatever lag comes back best."""
    for period in (5, 12, 33):
        found = comb(np.cos(2 * np.pi * T / period)[:, None])
        assert found.frequency == pytest.approx(1 / period, rel=0.02)


@pytest.mark.parametrize(("period", "there"), [(100, True), (250, False), (399, False)])
def test_what_has_no_time_to_come_back_has_no_period(period: int, there: bool):
    """The first return must lie within half of the steps."""
    found = comb(np.sin(2 * np.pi * T / period)[:, None])
    assert np.isfinite(found.frequency) == there == np.isfinite(found.share)
