"""An interval of a difference knows of windows that overlap, of few units, of series and of seeds."""

import numpy as np
import pytest
from scipy import stats

from wavetrain.errors import BadInput
from wavetrain.tables.baselines import LastValue
from wavetrain.tables.metrics import mae
from wavetrain.tables.paired import Difference, blocks, difference, units
from wavetrain.tables.panel import panel
from wavetrain.tables.rolling import Rolled, evaluate
from wavetrain.tables.score import Score

DICE = np.random.default_rng(0)


def rolled(lengths: list[int], horizon: int, first: int = 20) -> Rolled:
    return evaluate(LastValue(horizon=horizon).rolling, panel([np.zeros(n) for n in lengths]), first, horizon)


def errors(values: np.ndarray) -> Score:
    """A score of windows with these errors."""
    return mae(truth=np.zeros((len(values), 1)), forecast=np.asarray(values)[:, None])


def test_blocks_are_two_horizons_long_and_ten_at_most():
    sizes = np.bincount(blocks(rolled([20 + 100 + 3], 4)))
    assert len(sizes) == 10 and sizes.min() >= 8
    sizes = np.bincount(blocks(rolled([20 + 40 + 3], 4)))
    assert sizes.tolist() == [8] * 5
    assert np.bincount(blocks(rolled([20 + 17 + 3], 4))).min() >= 4
    assert len(np.unique(blocks(rolled([20 + 17 + 3], 4)))) == 4
    assert len(np.unique(blocks(rolled([20 + 3], 2)))) == 1


def test_series_share_their_blocks_from_the_end():
    one = rolled([140, 100], 4)
    block = blocks(one)
    assert block[(one.series == 0) & (one.rows == 136)] == block[(one.series == 1) & (one.rows == 96)] == 0


def test_the_interval_of_a_worked_example():
    """Ten units: mean 0.55, t of 9 degrees of freedom 2.262, standard error 0.0957."""
    apart = np.arange(1, 11) / 10
    found = difference([errors(1 + apart)], errors(np.ones(10)), {"window": np.arange(10)})
    half = 2.262157 * np.std(apart, ddof=1) / np.sqrt(10)
    assert found.value == pytest.approx(0.55) and found.units == 10
    assert (found.low, found.high) == pytest.approx((0.55 - half, 0.55 + half))


def test_windows_of_one_unit_count_once():
    apart = np.repeat(np.arange(1, 11) / 10, 30)
    found = difference([errors(1 + apart)], errors(np.ones(300)), {"block": np.repeat(np.arange(10), 30)})
    once = difference([errors(1 + apart[::30])], errors(np.ones(10)), {"block": np.arange(10)})
    assert (found.low, found.high) == pytest.approx((once.low, once.high))


def test_seeds_widen_the_interval():
    apart = DICE.normal(size=40)
    of = {"window": np.arange(40)}
    one = difference([errors(9 + apart)], errors(np.full(40, 9.0)), of)
    same = difference([errors(9 + apart)] * 3, errors(np.full(40, 9.0)), of)
    wide = difference([errors(9 + apart + step) for step in (-1.0, 0.0, 1.0)], errors(np.full(40, 9.0)), of)
    assert same.value == pytest.approx(one.value) and same.high == pytest.approx(one.high)
    assert wide.value == pytest.approx(one.value) and wide.high - wide.low > 1.5 * (one.high - one.low)
    assert "1 seed" in str(one) and "3 seeds" in str(wide)


def test_the_chance_of_seeds_is_added():
    """Ten windows and three seeds, 1 apart: variances of the means, 0.0957 squared and 1 / 3, by Welch."""
    apart = np.arange(1, 11) / 10
    scores = [errors(5 + apart + step) for step in (-1.0, 0.0, 1.0)]
    found = difference(scores, errors(np.full(10, 5.0)), {"window": np.arange(10)})
    off, seeds = apart.var(ddof=1) / 10, 1 / 3
    free = (off + seeds) ** 2 / (off**2 / 9 + seeds**2 / 2)
    half = stats.t.ppf(0.975, free) * np.sqrt(off + seeds)
    assert (found.low, found.high) == pytest.approx((0.55 - half, 0.55 + half))
    assert (found.level, found.seeds, found.what) == (0.95, 3, "window")


def test_a_unit_in_which_nothing_was_measured_does_not_count():
    truth = np.zeros((10, 1))
    truth[8:] = np.nan
    scores = [mae(truth=truth, forecast=np.arange(10.0)[:, None] + step) for step in (1.0, 0.0)]
    found = difference(scores[:1], scores[1], {"pair": np.arange(10) // 2})
    assert found.units == 4 and found.value == pytest.approx(1.0)


@pytest.mark.parametrize("level", [0.0, 1.0, -0.5])
def test_a_level_outside_of_0_and_1_is_refused(level: float):
    one = errors(np.ones(4))
    with pytest.raises(BadInput, match=f"level between 0 and 1, got {level}"):
        difference([one], one, {"window": np.arange(4)}, level=level)


def test_how_many_units_are_enough():
    one, other = errors(1 + np.arange(4.0)), errors(np.ones(4))
    assert np.isfinite(difference([one], other, {"window": np.arange(4)}).low)
    assert not np.isfinite(difference([one], other, {"window": np.array([0, 1, 2, 2])}).low)
    assert list(units(rolled([100] * 8, 4))) == ["series", "block"]
    assert list(units(rolled([100] * 7, 4))) == ["block"]


def test_words_of_a_difference():
    facts = {"value": -0.5, "low": -1.0, "high": 0.25, "level": 0.9, "units": 1, "seeds": 1}
    assert (
        str(Difference(**facts, what="block"))
        == "difference -0.5, 90 % interval -1 to +0.25, 1 block, 1 seed"
    )
    many = Difference(**{**facts, "units": 2, "seeds": 2}, what="series")
    assert str(many).endswith("2 series, 2 seeds")


def test_the_wider_of_two_kinds_of_unit_counts():
    apart = np.repeat(np.arange(8.0), 10)  # series differ, times do not
    of = {"series": np.repeat(np.arange(8), 10), "block": np.tile(np.arange(10), 8)}
    found = difference([errors(9 + apart)], errors(np.full(80, 9.0)), of)
    assert found.what == "series" and found.units == 8
    assert found.high > difference([errors(9 + apart)], errors(np.full(80, 9.0)), {"t": of["block"]}).high


def test_few_units_have_no_interval():
    found = difference([errors(np.ones(30))], errors(np.zeros(30)), {"block": np.arange(30) // 10})
    assert found.low == -np.inf and "too few windows for an interval: 3 blocks" in str(found)


def test_units_of_forecasts():
    assert list(units(rolled([200], 4))) == ["block"]
    assert list(units(rolled([100] * 9, 4))) == ["series", "block"]
    assert list(units(rolled([26] * 9, 4))) == ["series"]


def test_intervals_hold_what_they_promise():
    """Windows of 12 steps that overlap, with errors that last; without blocks 95 % would hold under half."""
    one = rolled([20 + 300 + 11], 12)
    hits, plain = [], []
    for _ in range(200):
        noise = DICE.normal(size=(411))
        for step in range(1, len(noise)):
            noise[step] += 0.6 * noise[step - 1]
        apart = np.convolve(noise[100:], np.ones(12) / 12, "valid")
        zero = errors(np.full(300, 100.0))
        found = difference([errors(100 + apart)], zero, units(one))
        each = difference([errors(100 + apart)], zero, {"window": np.arange(300)})
        hits.append(found.low < 0 < found.high)
        plain.append(each.low < 0 < each.high)
    assert np.mean(hits) > 0.88 and np.mean(plain) < 0.6


def test_what_cannot_be_compared_is_refused():
    of = {"window": np.arange(4)}
    with pytest.raises(BadInput, match="got some without"):
        difference([errors(np.array([1, np.nan, 1, 1]))], errors(np.ones(4)), of)
    with pytest.raises(BadInput, match="got none"):
        difference([], errors(np.ones(4)), of)
    with pytest.raises(BadInput, match="got 95"):
        difference([errors(np.ones(4))], errors(np.ones(4)), of, level=95)
    assert isinstance(difference([errors(np.ones(4))], errors(np.ones(4)), of), Difference)
