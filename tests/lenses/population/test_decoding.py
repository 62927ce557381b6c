"""Places and velocities read off units that were made to tell them, or not to."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.lenses.population._posterior import posterior
from wavetrain.lenses.population._ridge import predicted
from wavetrain.lenses.population.decoding import Decoder, decoding


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
