"""Waves on a spiking sheet: the predicates, plane waves of known length and speed, lines, and silence."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from tests.answers import answers
from wavetrain.experiments.spikes import _field
from wavetrain.experiments.spikes import delay_sheet_waves as module
from wavetrain.experiments.spikes.delay_sheet_waves import (
    NETS,
    claim,
    on_field,
    regularity,
    simulated,
    small,
    smoke,
)
from wavetrain.parts.sheet import Sheet
from wavetrain.parts.wiring import scattered, topographic
from wavetrain.spiking.delay_sheet import Recorded
from wavetrain.train.lab import Lab

WHOLE = {"waves_topographic": 0.1, "waves_at_once": 0.06, "waves_delayed": 0.02, "waves_random": 0.012}
WHOLE |= {"rate_topographic": 25.0, "rate_random": 1.0, "cv_topographic": 0.61, "cv_random": 0.61}
WHOLE |= {"lines_topographic": 0.15, "p_travel_topographic": 0.05}


def test_each_part_on_either_side():
    assert answers(claim, WHOLE) == [True] * 5
    assert answers(claim, WHOLE | {"waves_topographic": 0.0599}) == [False, True, True, True, False]
    assert (
        answers(claim, WHOLE | {"waves_random": 0.0201, "waves_at_once": 1, "waves_topographic": 2})[0]
        is False
    )
    for name, value in (("rate_topographic", 25.1), ("rate_random", 0.9), ("cv_random", 0.6)):
        assert answers(claim, WHOLE | {name: value}) == [True, False, True, True, True]
    for name, value in (("lines_topographic", 0.16), ("p_travel_topographic", 0.075)):
        assert answers(claim, WHOLE | {name: value}) == [True, True, False, True, True]
    assert answers(claim, WHOLE | {"waves_delayed": 0.0201}) == [True, True, True, False, True]
    assert answers(claim, WHOLE | {"waves_at_once": 0.0599}) == [True, True, True, False, True]
    assert answers(claim, WHOLE | {"waves_at_once": 0.0667}) == [True, True, True, True, False]


def test_planted_waves_meet_all_limits_that_are_about_fields(tmp_path):
    found = module.exact(dataclasses.replace(small, seconds=1.3, exchanges=19), Lab(tmp_path, seed=0))
    irregular = {name: value for name, value in WHOLE.items() if name.startswith(("rate", "cv"))}
    assert answers(claim, found | irregular) == [True] * 5


def test_silence_meets_none(tmp_path):
    figures = on_field("random", np.zeros((500, 16)), smoke, Lab(tmp_path, seed=0))
    assert set(map(math.isnan, figures.values())) == {True}
    whole = {f"{name}_{net}": value for net in NETS for name, value in figures.items()}
    quiet = {f"{name}_{net}": value for net in NETS for name, value in (("rate", 0.0), ("cv", math.nan))}
    assert answers(claim, whole | quiet) == [False] * 5


def test_a_plane_wave_has_its_length_and_its_speed():
    """cos(k x - w t) at 20 Hz, with one cycle over 44 pools of 0.2 mm, which is just long enough to count."""
    side = 44
    time = np.arange(1100)[:, None, None] / 1000
    field = np.cos(2 * np.pi * (np.arange(side) / side - 20 * time)) + np.zeros((side, 1))
    found = _field.waves(field, rate=1000.0, apart=0.2, margin=1, exchanges=3, seed=0)
    assert found.wavelength == pytest.approx(side * 0.2, rel=1e-3)
    assert found.speed == pytest.approx(side * 0.2 * 20 / 1000, rel=1e-3)
    assert found.share == 1


@pytest.mark.parametrize("k", [(0.3, 0.0), (0.5, -0.4), (-0.2, 1.5)])
def test_wavelengths_are_those_of_plane_waves(k: tuple[float, float]):
    x, y = np.meshgrid(np.arange(6), np.arange(6))
    z = np.exp(1j * (k[0] * x + k[1] * y))[None]
    length = 0.2 * 2 * np.pi / math.hypot(*k)
    assert _field.wavelengths(z, 0.2)[0, 1:-1, 1:-1] == pytest.approx(length)


def test_wavelengths_are_exact_up_to_a_quarter_of_a_turn_a_pool():
    for k in (0.01, 1.0, math.pi / 2 - 1e-6):
        z = np.exp(1j * k * np.arange(6))[None, None].repeat(6, 1)
        assert _field.wavelengths(z, 1.0)[0, 1:-1, 1:-1] == pytest.approx(2 * np.pi / k)
    assert np.isinf(_field.wavelengths(np.ones((1, 4, 4), complex), 1.0)[0, 1:-1, 1:-1]).all()


def test_of_unrelated_phases_one_in_a_hundred_is_a_wave():
    field = np.random.default_rng(0).standard_normal((1500, 20, 20))
    found = _field.waves(field, rate=1000.0, apart=1.0, margin=1, exchanges=5, seed=0)
    assert found.share == pytest.approx(0.01, abs=0.002)
    assert found.wavelength > math.sqrt(4 * np.pi / 0.01) - 1


def test_a_line_is_seen_at_each_pool_and_coloured_noise_has_none():
    dice, time = np.random.default_rng(1), np.arange(1500) / 1000
    noise = np.cumsum(dice.standard_normal((1500, 60)), 0)
    noise -= np.linspace(0, 1, 1500)[:, None] * noise[-1]
    assert _field.lines(noise, 1000.0, 39, 0) <= 0.15
    hum = noise + 3 * np.sin(2 * np.pi * 50 * time)[:, None]
    assert _field.lines(hum, 1000.0, 39, 0) == 1


def test_travelling_rows_are_told_from_exchanged_pools_and_noise_is_not():
    x, time = np.arange(8), np.arange(300)[:, None, None]
    wave = np.cos(2 * np.pi * (x - time / 40) / 8) + 0 * x[:, None]
    noise = np.random.default_rng(2).standard_normal(wave.shape)
    assert _field.travel(wave + noise, 19, 0).p == 0.05
    assert _field.travel(wave + noise, 19, 0).spectrum.speed == pytest.approx(1 / 40, abs=0.01)
    assert _field.travel(noise, 19, 0).p > 0.05


def seen_of(scale: module.Scale, *, local: bool, delayed: bool) -> Recorded:
    sheet = Sheet(scale.cells, scale.length)
    targets = topographic(sheet, each=scale.each, sigma=scale.sigma)
    return simulated(scale, sheet, targets if local else scattered(sheet, targets), 0, delayed=delayed)


def test_rates_and_intervals_are_those_of_the_spikes_after_the_start():
    scale = dataclasses.replace(smoke, cells=500, each=50, seconds=0.4)
    seen = seen_of(scale, local=True, delayed=True)
    late = seen.time > 200
    found = regularity(seen, scale)
    assert found["rate"] == pytest.approx(float(late.sum()) / 500 / 0.2)
    beat = torch.arange(1, 21)
    even = seen._replace(time=module.DROP + 10.0 * beat, cell=0 * beat, row=0 * beat)
    assert regularity(even, scale) == pytest.approx({"rate": 20 / 500 / 0.2, "cv": 0}, abs=1e-6)


def test_networks_begin_alike_and_then_differ():
    """Before the first spike, the currents of all four are the same."""
    scale = dataclasses.replace(smoke, cells=180, each=20, seconds=0.03, wide=4)
    seen = [seen_of(scale, local=local, delayed=delayed).currents[0] for local, delayed in NETS.values()]
    assert seen[0][0].any() and all((one[0] == seen[0][0]).all() for one in seen)
    assert all((one[-1] != other[-1]).any() for at, one in enumerate(seen) for other in seen[:at])
