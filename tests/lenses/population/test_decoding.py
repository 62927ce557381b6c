"""Places and velocities read off units that were made to tell them, or not to."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.lenses.population._posterior import posterior
from wavetrain.lenses.population._ridge import RIDGES, predicted
from wavetrain.lenses.population.decoding import Decoder, _parts, decoding


def on_a_track(seed: int, steps: int = 600, cells: int = 20) -> tuple[torch.Tensor, torch.Tensor]:
    """Runs to and fro on a track of length 1, with place cells that count spikes."""
    dice = np.random.default_rng(seed)
    place = 0.5 - 0.5 * np.cos(dice.uniform(0, 0.17, steps).cumsum())
    rate = 4 * np.exp(-((place[:, None] - np.linspace(0, 1, cells)) ** 2) / (2 * 0.07**2))
    return torch.from_numpy(dice.poisson(rate).astype(float))[None], torch.from_numpy(place)[None, :, None]


def slow(seed: int, steps: int, units: int) -> torch.Tensor:
    walk = np.random.default_rng(seed).standard_normal((steps, units))
    for t in range(1, steps):
        walk[t] += 0.9 * walk[t - 1]
    return torch.from_numpy(walk)[None]


def test_bayes_reads_a_place_off_place_cells():
    found = decoding(*on_a_track(0), Decoder.BAYES, draws=19)
    assert found.error < 0.05 < 0.15 < found.chance and found.p == 0.05 and found.known > 0.99
    assert found.r2 > 0.9


def test_linear_decoders_read_what_is_linear_and_may_wait():
    """Activity that follows the place three steps late."""
    place = slow(1, 500, 2)
    late = torch.roll(place, 3, 1) @ torch.randn(2, 10, generator=torch.Generator().manual_seed(0)).double()
    seen = late + 0.2 * slow(2, 500, 10)
    now = decoding(seen, place, draws=0)
    past = decoding(seen, place, Decoder.WIENER, draws=0)  # of which there is nothing to learn
    wait = decoding(seen, place, Decoder.WIENER, history=5, ahead=3, draws=0)
    assert max(now.r2, past.r2) + 0.2 < wait.r2 and wait.r2 > 0.8 and (past.delay, wait.delay) == (0, 3)
    assert np.isnan(past.decoded[0, :9]).all() and np.isfinite(past.decoded[0, 9:]).all()


@pytest.mark.parametrize("decoder", [Decoder.RIDGE, Decoder.BAYES])
def test_slow_units_that_say_nothing_pass_as_often_as_the_test_says(decoder: Decoder):
    p = []
    for seed in range(50):
        units = slow(seed, 200, 4)
        units = units.abs() if decoder is Decoder.BAYES else units
        p.append(decoding(units, slow(1000 + seed, 200, 1), decoder, bins=8, draws=19, seed=seed).p)
    assert (np.array(p) <= 0.05).sum() <= 8 and abs(np.mean(p) - 0.525) < 0.15


def test_where_an_animal_liked_to_be_is_not_read_into_its_cells():
    """Nine tenths of the time in bin 0, symmetric cells: replay of bins 0 to 9 is read as 0 to 9."""
    dice = np.random.default_rng(3)
    at = np.where(dice.random(4000) < 0.9, 0, dice.integers(0, 10, 4000))
    rate = np.full((10, 10), 0.05) + 2 * np.eye(10)
    counts = dice.poisson(rate[:, at].T)
    seen = np.stack([counts[at == one].mean(0) for one in range(10)], 1)
    chance = posterior(np.eye(10) * 2, seen)
    assert chance.argmax(1).tolist() == list(range(10))
    np.testing.assert_allclose(chance.sum(1), 1)


def test_no_spikes_say_nothing_and_one_spike_rules_no_place_out():
    rate = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 2.0]])  # the sums differ: silence alone would tell a place
    flat = np.ones((2, 5))
    np.testing.assert_allclose(posterior(np.zeros((1, 2)), flat), 0.2)
    assert np.isfinite(np.log(posterior(np.array([[5.0, 0.0]]), rate))).all()
    units, place = on_a_track(4)
    units[0, 100:110] = 0
    found = decoding(units, place, Decoder.BAYES, draws=0)
    assert np.isnan(found.decoded[0, 100:110]).all() and found.known < 1


def test_nothing_of_the_judged_time_is_fitted():
    """More units than steps, random labels: r2 is not above 0."""
    dice = np.random.default_rng(5)
    noise = torch.from_numpy(dice.standard_normal((1, 60, 100)))
    assert decoding(noise, torch.from_numpy(dice.standard_normal((1, 60, 1))), draws=0).r2 < 0.1


def test_steps_without_a_place_are_left_out():
    units, place = on_a_track(6)
    place[0, 200:300] = torch.nan
    found = decoding(units, place, draws=0)
    assert np.isnan(found.decoded[0, 200:300]).all() and np.isfinite(found.decoded[0, :200]).all()


def recording(name: str) -> dict[str, np.ndarray]:
    path = Path(os.environ.get("WAVETRAIN_DATA", "")) / name
    if not path.is_file():
        pytest.skip(f"{name} is not in WAVETRAIN_DATA")
    with np.load(path) as file:
        return {key: file[key] for key in file.files}


def test_hand_velocity_of_a_monkey():
    """Of the customary split, 5000 steps fitted and 1000 judged: r2 of .44, .55, .57 with 1, 5, 10 steps."""
    given = recording("monkey_reach_velocity.npz")
    x, y = given["features"].astype(float), given["velocity"].astype(float)
    for steps, wanted in ((1, 0.441), (5, 0.547), (10, 0.569)):
        rows = np.concatenate([np.roll(x, lag, 0) for lag in range(steps)], 1)
        guess = predicted(rows[steps - 1 : 5000], y[steps - 1 : 5000], rows[5000:6000])
        off = ((y[5000:6000] - guess) ** 2).sum(0) / ((y[5000:6000] - y[5000:6000].mean(0)) ** 2).sum(0)
        assert (1 - off).mean() == pytest.approx(wanted, abs=0.01)


@pytest.mark.parametrize(
    ("units", "place", "words", "message"),
    [
        ((1, 50, 3), (1, 49, 1), {}, "of the same steps"),
        ((1, 50, 3), (1, 50, 1), {"bins": 1}, "two bins or more"),
        ((1, 50, 3), (1, 50, 1), {"decoder": Decoder.WIENER, "history": 40}, "at most half of 50 steps"),
        ((1, 50, 3), (1, 50, 1), {"decoder": Decoder.BAYES}, "counts of events, 0 or more"),
        ((1, 9, 3), (1, 9, 1), {}, "ten steps or more"),
    ],
)
def test_what_does_not_fit_is_refused(units, place, words, message):
    dice = torch.Generator().manual_seed(0)
    with pytest.raises(BadInput, match=message):
        decoding(torch.randn(units, generator=dice), torch.randn(place, generator=dice), **words)


@pytest.mark.parametrize("decoder", [Decoder.RIDGE, Decoder.WIENER])
def test_each_fifth_is_read_by_what_the_rest_says(decoder: Decoder):
    """Of two sequences end to end; with a history of 2 and a step ahead, edges of each are left out."""
    dice = np.random.default_rng(8)
    units, place = dice.standard_normal((2, 20, 3)), dice.standard_normal((2, 20, 2))
    place[0, 4] = np.nan
    lags = (-1, 0, 1) if decoder is Decoder.WIENER else (0,)
    found = decoding(torch.from_numpy(units), torch.from_numpy(place), decoder, history=2, ahead=1, draws=0)
    flat, at = (units - units.mean((0, 1))).reshape(40, 3), place.reshape(40, 2)
    rows = np.concatenate([np.roll(flat, lag, 0) for lag in lags], 1)
    there = np.isfinite(at).all(1)
    if decoder is Decoder.WIENER:
        there[[0, 20, 19, 39]] = False
    wanted, wrong, chance, folds = np.full((40, 2), np.nan), 0.0, 0.0, []
    for part in np.arange(40).reshape(5, 8):
        rest = np.setdiff1d(np.flatnonzero(there), part)
        asked = part[there[part]]
        wanted[asked] = predicted(rows[rest], at[rest], rows[asked])
        mean = np.nanmean(at[np.setdiff1d(np.arange(40), part)], 0)
        off, far = ((wanted[asked] - at[asked]) ** 2).sum(0), ((at[asked] - mean) ** 2).sum(0)
        wrong, chance = wrong + off, chance + far
        folds.append(1 - (off / far).mean())
    np.testing.assert_allclose(found.decoded.reshape(40, 2), wanted, rtol=1e-7)
    away = np.linalg.norm(wanted - at, axis=1)
    assert found.error == pytest.approx(np.nanmedian(away)) and found.known == there.mean()
    assert found.r2 == pytest.approx((1 - wrong / chance).mean())
    assert found.spread == pytest.approx(np.std(folds, ddof=1) / np.sqrt(5))


def test_bayes_answers_with_the_middle_of_the_most_likely_bin():
    """Units that fire in one place each, which begins a bin of 1, or ends the last."""
    place = np.tile([0.0, 5.0, 10.0, 16.0], 20)
    units = np.stack([(place == one) * 9.0 for one in (0, 5, 10, 16)], 1)
    found = decoding(
        torch.from_numpy(units)[None], torch.from_numpy(place)[None, :, None], Decoder.BAYES, bins=16, draws=0
    )
    assert found.decoded[0, :4, 0].tolist() == [0.5, 5.5, 10.5, 15.5]
    assert found.error == 0.5 and found.known == 1


@pytest.mark.parametrize("batch", [4, 5, 7])
def test_five_sequences_are_left_out_whole(batch: int):
    parts = _parts(batch, 12)
    assert np.concatenate(parts).tolist() == list(range(12 * batch)) and len(parts) == 5
    assert all(len(part) % 12 == 0 for part in parts) == (batch >= 5)


@pytest.mark.parametrize(
    ("words", "fits"),
    [
        ({"history": 5, "ahead": 0}, True),
        ({"history": 4, "ahead": 1}, True),
        ({"history": 5, "ahead": 1}, False),
    ],
)
def test_steps_beyond_a_half_are_too_many(words: dict, fits: bool):
    units, place = slow(0, 20, 2).reshape(2, 10, 2), slow(1, 20, 1).reshape(2, 10, 1)
    if fits:
        assert np.isfinite(decoding(units, place, Decoder.WIENER, draws=0, **words).error)
    else:
        with pytest.raises(BadInput, match="at most half of 10 steps, got 5 and 1"):
            decoding(units, place, Decoder.WIENER, draws=0, **words)
    with pytest.raises(BadInput, match="ten steps or more of a sequence, and 20 in all, got 1 of 19"):
        decoding(slow(0, 19, 2), slow(1, 19, 1), draws=0)
    for bad in ({"history": 0}, {"ahead": -1}, {"bins": 1}):
        with pytest.raises(BadInput, match="two bins or more, a history of 1 or more and 0 or more"):
            decoding(units, place, **bad)
    with pytest.raises(BadInput, match="finite places"):
        decoding(units, place / 0)


def test_the_ridge_of_each_column_is_its_own():
    dice = np.random.default_rng(9)
    x, y = dice.standard_normal((30, 12)), dice.standard_normal((30, 3))
    y[:, 0] += 5 * x[:, 0]
    both = predicted(x, y, x[:4] + 1)
    for column in range(3):
        np.testing.assert_allclose(both[:, [column]], predicted(x, y[:, [column]], x[:4] + 1), rtol=1e-9)
    np.testing.assert_array_equal(predicted(np.ones((30, 2)), y, x[:4, :2]), np.tile(y.mean(0), (4, 1)))


@pytest.mark.parametrize("loud", [0.0, 0.3, 3.0])
def test_the_strength_of_a_ridge_is_that_of_the_least_error_of_single_samples(loud: float):
    """Each is left out in turn, and all is fitted again, its mean too."""
    dice = np.random.default_rng(10)
    x = dice.standard_normal((15, 9)) * np.linspace(0.2, 2, 9) + 3
    y = x @ dice.standard_normal((9, 1)) + loud * dice.standard_normal((15, 1))

    def fit(some: np.ndarray, ridge: float, at: np.ndarray) -> np.ndarray:
        away, middle = x[some] - x[some].mean(0), y[some].mean(0)
        weights = np.linalg.solve(away.T @ away + ridge * np.eye(9), away.T @ (y[some] - middle))
        return (at - x[some].mean(0)) @ weights + middle

    whole = np.arange(15)
    ridges = RIDGES * 15 * ((x - x.mean(0)) ** 2).mean()
    off = [sum(((fit(np.delete(whole, i), r, x[i]) - y[i]) ** 2).sum() for i in whole) for r in ridges]
    wanted = fit(whole, ridges[int(np.argmin(off))], x[:4] + 1)
    np.testing.assert_allclose(predicted(x, y, x[:4] + 1), wanted, rtol=1e-6)
