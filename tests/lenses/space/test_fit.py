"""Waves that lie in a montage, or between its waves, and fields that stand still: what is fitted to them."""

import numpy as np
import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.lenses import _rhythm
from wavetrain.lenses.space import _fit, _moments, _montage, _still

GRID = np.stack(np.meshgrid(np.arange(8.0), np.arange(8.0)), -1).reshape(-1, 2)
MONTAGE = _montage.montage("here", GRID, 64)
MIDDLE = GRID - 3.5


def test_plane_waves_are_even_and_no_shorter_than_four_spacings():
    step = np.pi / (1.5 * 7 * np.sqrt(2))
    axis = step * np.arange(-7, 8)
    every = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    wanted = every[np.linalg.norm(every, axis=1) <= np.pi / 2]
    np.testing.assert_allclose(MONTAGE.wave, wanted)
    np.testing.assert_allclose(_montage.montage("here", 3 * GRID, 64).wave, wanted / 3)


def test_centres_lie_between_channels_that_surround_them():
    """The middles of the cells of a grid whose directions to all channels have a mean of at most 0.35."""
    cells = np.stack(np.meshgrid(np.arange(7) + 0.5, np.arange(7) + 0.5), -1).reshape(-1, 2)
    way = GRID[:, None] - cells
    mean = np.linalg.norm((way / np.linalg.norm(way, axis=2, keepdims=True)).mean(0), axis=1)
    wanted = {tuple(one) for one in cells[mean <= 0.35]}
    assert {tuple(np.round(one, 9)) for one in MONTAGE.centre} == wanted and 4 < len(wanted) < 49
    assert len(MONTAGE.centre) == len(wanted)
    for scale in (1e-3, 1e3):
        found = _montage.montage("here", scale * GRID, 64).centre / scale
        assert {tuple(np.round(one, 9)) for one in found} == wanted and len(found) == len(wanted)


def test_each_wave_answers_to_itself_and_knows_the_same_wave_the_other_way():
    phase = (
        -(MIDDLE @ MONTAGE.wave.T),
        np.concatenate([sign * _montage.polar(GRID, MONTAGE.centre) for sign in (1, -1)], 1),
        -(np.linalg.norm(GRID[:, None] - MONTAGE.centre, axis=2)[:, :, None] * MONTAGE.rate).reshape(64, -1),
    )
    kappa = np.pi / (7 * np.sqrt(2)) * np.arange(1, 5)
    np.testing.assert_allclose(MONTAGE.rate, [*kappa, *-kappa])
    for one, waves, mirror in zip(phase, MONTAGE.waves, MONTAGE.mirrors, strict=True):
        assert one.shape == waves.shape
        np.testing.assert_allclose((np.exp(1j * one) * waves).mean(0), 1, atol=1e-5)
        np.testing.assert_allclose((np.exp(-1j * one) * waves[:, mirror]).mean(0), 1, atol=1e-5)


def test_a_sphere_is_laid_flat_with_ways_from_its_top():
    colatitude, around = np.meshgrid([0.3, 0.7, 1.2], np.arange(6) * np.pi / 3 + 0.1)
    height, turn = colatitude.ravel(), around.ravel()
    place = 9 * np.stack([np.sin(height) * np.cos(turn), np.sin(height) * np.sin(turn), np.cos(height)], 1)
    place = np.concatenate([[[0.0, 0.0, 9.0]], place])
    flat, sphere = _montage.flat("here", place, 19)
    np.testing.assert_allclose(flat[0], 0, atol=1e-9)
    np.testing.assert_allclose(flat[1:], 9 * height[:, None] * np.stack([np.cos(turn), np.sin(turn)], 1))
    np.testing.assert_allclose(sphere, place / 9)
    place[1] *= 0.71
    assert _montage.flat("here", place, 19)[0].shape == (19, 2)
    place[1] *= 0.69 / 0.71
    with pytest.raises(BadInput, match=r"on a sphere around \(0, 0, 0\), got them 6.21 to 9 away"):
        _montage.flat("here", place, 19)

    ring = 9 * np.stack([np.cos(turn), np.sin(turn), 0 * turn], 1)
    with pytest.raises(BadInput, match="9 to 9 away from it, in 2 of 3 dimensions"):
        _montage.flat("here", ring, 18)


@pytest.mark.parametrize(("degrees", "told"), [(60, False), (120, False), (180, True)])
def test_channels_on_an_arc_surround_its_middle_or_do_not(degrees: float, told: bool):
    """Their directions from it have a mean of sin(a) / a, a half of the arc: at most 0.7 of few channels."""
    angle = np.radians(np.linspace(0, degrees, 8))
    arc = 10 * np.stack([np.cos(angle), np.sin(angle)], 1)
    if told:
        np.testing.assert_allclose(_montage.montage("here", arc, 8).centre, [[0, 0]], atol=1e-9)
    else:
        with pytest.raises(BadInput, match="here: expected positions that surround a place"):
            _montage.montage("here", arc, 8)


@pytest.mark.parametrize("turned", [False, True])
def test_what_is_nearly_a_line_or_a_place_is_refused(turned: bool):
    """A millionth of the extent is no width, and a thousand-millionth no distance."""
    axes = np.linalg.qr(np.array([[1.0, 2.0], [-1.0, 3.0]]))[0] if turned else np.eye(2)
    line = np.stack([np.arange(12.0), np.arange(12.0) % 2], 1)
    for width, told in ((1e-4, True), (1e-7, False)):
        if told:
            _montage.flat("here", line * [1, width] @ axes, 12)
        else:
            with pytest.raises(BadInput, match="on one line"):
                _montage.flat("here", line * [1, width] @ axes, 12)
    for gap, told in ((1e-7, True), (1e-9, False)):
        near = np.concatenate([GRID, GRID[:1] + np.array([gap, 0])]) @ axes
        if told:
            _montage.flat("here", near, 65)
        else:
            with pytest.raises(BadInput, match="two channels at one place"):
                _montage.flat("here", near, 65)


def test_a_loop_goes_round_by_the_nearest_twelve():
    for centre, loop in zip(MONTAGE.centre, _montage.loops(MONTAGE), strict=True):
        away = np.linalg.norm(GRID - centre, axis=1)
        assert len(set(loop)) == 12 and away[loop].max() <= np.sort(away)[11] + 1e-9
        assert (np.diff(_montage.polar(GRID, centre[None])[loop, 0]) > 0).all()
    few = _montage.montage("here", GRID[[0, 1, 2, 8, 10, 16, 17, 18, 9]], 9)
    assert _montage.loops(few).shape[1] == 9


K = np.array([[0.31, -0.2], [-0.9, 0.5], [0.0, 0.05]])


@pytest.mark.parametrize("missing", [0, 9])
def test_a_plane_wave_between_those_of_the_montage_is_found(missing: int):
    rows = np.exp(-1j * (K @ MIDDLE.T))
    rows[:, 5 : 5 + missing] = 0
    found = _fit.fitted(rows, MONTAGE)
    there = rows[0] != 0
    np.testing.assert_allclose(found.wave, K, atol=2e-3)
    np.testing.assert_allclose(found.strength[:, 0], 1, atol=1e-5)
    back = np.abs(np.exp(-2j * (K @ MIDDLE.T))[:, there].mean(1))
    np.testing.assert_allclose(found.travel[:, 0], 1 - back**2, atol=5e-3)
    nearest = np.linalg.norm(MONTAGE.wave - K[:, None], axis=2).argmin(1)
    assert missing or found.best[:, 0].tolist() == nearest.tolist()


def test_turns_and_beams_are_found_with_their_centre():
    at, kappa = 7, MONTAGE.rate[2]
    theta = _montage.polar(GRID, MONTAGE.centre)[:, at]
    beam = kappa * np.linalg.norm(GRID - MONTAGE.centre[at], axis=1)
    rows = np.exp(1j * np.stack([theta + 1, -theta, -beam, beam]))
    rows[:, 56:] = 0
    found, centres, rates = _fit.fitted(rows, MONTAGE), len(MONTAGE.centre), len(MONTAGE.rate)
    assert found.best[:2, 1].tolist() == [at, at + centres]
    assert found.best[2:, 2].tolist() == [at * rates + 2, at * rates + 2 + rates // 2]
    np.testing.assert_allclose([*found.strength[:2, 1], *found.strength[2:, 2]], 1, atol=1e-5)
    for one, kind in ((theta, 1), (beam, 2)):
        back = np.abs(np.exp(2j * one[:56]).mean())
        np.testing.assert_allclose(found.travel[2 * kind - 2 : 2 * kind, kind], 1 - back**2, atol=1e-4)
    correlation, winding, centre = _fit.rotation(rows[:2], _fit.Fit(*(one[:2] for one in found)), MONTAGE)
    np.testing.assert_allclose(correlation, [1, -1], atol=1e-6)
    assert winding.tolist() == [1, -1]
    np.testing.assert_array_equal(centre, MONTAGE.centre[[at, at]])


@pytest.mark.parametrize("missing", [0, 20])
def test_the_correlation_of_phase_and_angle_is_that_of_all_pairs(missing: int):
    """Fisher and Lee: the sum of sin(a_i - a_j) sin(b_i - b_j), over the roots of both with themselves."""
    dice = np.random.default_rng(2)
    theta = _montage.polar(GRID, MONTAGE.centre)[:, 5]
    phase = theta + dice.normal(0, 0.9, 64)
    rows = np.exp(1j * phase)[None].copy()
    rows[0, :missing] = 0
    fit = _fit.Fit(np.zeros((1, 3)), np.zeros((1, 3)), np.array([[0, 5, 0]]), np.zeros((1, 2)))
    one, two = (np.sin(angle[missing:, None] - angle[missing:]) for angle in (phase, theta))
    wanted = (one * two).sum() / np.sqrt((one**2).sum() * (two**2).sum())
    assert 0.2 < wanted < 0.9 and _fit.rotation(rows, fit, MONTAGE)[0][0] == pytest.approx(wanted)


@pytest.mark.parametrize("turns", [-3, -1, 0, 2])
def test_a_winding_number_counts_whole_turns(turns: int):
    angle = 2 * np.pi / 15 * (np.arange(15) + np.random.default_rng(0).uniform(0, 0.5, 15))
    assert _fit._winding(np.exp(1j * turns * angle)) == turns


def test_a_strength_is_that_of_the_wave_beside_it():
    """Of noise, in which other kinds of waves are often the stronger ones."""
    rows = np.exp(1j * np.random.default_rng(1).uniform(0, 7, (50, 64)))
    found = _fit.fitted(rows, MONTAGE)
    strength = np.abs((rows * np.exp(1j * (found.wave @ MIDDLE.T))).mean(1))
    np.testing.assert_allclose(found.strength[:, 0], strength, atol=1e-5)
    assert (strength >= np.abs(rows @ MONTAGE.waves[0]).max(1) / 64 - 1e-5).all()
    assert (found.strength[:, 2] > strength).any()


def test_moments_are_fitted_each_by_itself():
    """More than are held at once; and where another channel lies at each place."""
    dice = np.random.default_rng(0)
    rows = np.exp(1j * dice.uniform(0, 7, (_fit.CHUNK + 3, 64)))
    whole, end = _fit.fitted(rows, MONTAGE), _fit.fitted(rows[-5:], MONTAGE)
    for one, two in zip(whole, end, strict=True):
        assert len(one) == len(rows)
        np.testing.assert_allclose(one[-5:], two, atol=1e-5)
    order = dice.permutation(64)
    moved = _fit.fitted(rows[:9], _fit.permuted(MONTAGE, order))
    for one, two in zip(moved, _fit.fitted(rows[:9][:, order], MONTAGE), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-5)


def test_orders_of_channels_are_drawn_once_for_each_draw():
    found = list(_fit.exchanges(9, 4, 0))
    assert len(found) == 4 and all(sorted(one) == list(range(9)) for one in found)
    assert any((one != found[0]).any() for one in found[1:])


def test_the_speed_of_a_wave_and_its_error():
    """v = 2 pi f / k; 64 phases with a resultant s spread by -2 ln s, over a sum of squares of 336."""
    strength = np.array([[0.8, 0.1, 0.2], [1 + 1e-7, 0.1, 0.2], [0.5, 0.1, 0.2]])
    wave = np.array([[0.3, 0.4], [0, 2], [0, 0]])
    fit = _fit.Fit(strength, np.zeros((3, 3)), np.zeros((3, 3), int), wave)
    rows = np.ones((3, 64), complex)
    rows[0, :16] = 0
    velocity, error = _fit.speed(fit, rows, MONTAGE, np.array([5.0, -3.0, 1.0]))
    np.testing.assert_allclose(velocity, [2 * np.pi * 5 / 0.5, -2 * np.pi * 3 / 2, np.nan])
    spread = np.sqrt(-2 * np.log(0.8) * 64 / 48 / 336)
    np.testing.assert_allclose(error, [velocity[0] * spread / 0.5, 0, np.nan], atol=1e-12)


def test_the_heading_is_that_of_the_mean_direction():
    angle, length = _fit.heading(np.array([[3.0, 0.0], [0.0, 0.1]]))
    assert (angle, length) == (pytest.approx(np.pi / 4), pytest.approx(np.sqrt(0.5)))


def test_half_of_the_channels_and_six_of_them_make_a_moment():
    field = np.ones((1, 4, 16), complex)
    field[0, 1, :8], field[0, 2, :9] = 0, 0
    assert _moments.known_moments("here", field).tolist() == [[True, True, False, True]]
    few = np.ones((1, 2, 8), complex)
    few[0, 0, :2], few[0, 1, :3] = 0, 0
    assert _moments.known_moments("here", few).tolist() == [[True, False]]
    with pytest.raises(
        BadInput, match=r"here: expected a moment .* half of the 8 channels are known, got none"
    ):
        _moments.known_moments("here", few[:, 1:])


@pytest.mark.parametrize(
    ("every", "missing", "value"),
    [(None, 157, np.nan), (0.05, 155, np.nan), (0.05, 156, np.nan), (0.05, 157, np.nan), (0.05, 156, 0)],
)
def test_an_analytic_recording_is_taken_as_it_is(every: float | None, missing: int, value: float):
    """Turns of 6, 7 and 9 Hz and sizes 5, 1 and 2, at even moments: medians with and without the last."""
    time = np.arange(400) / 200
    swell = 1 + time
    series = np.exp(2j * np.pi * time[:, None] * [6.0, 7.0, 9.0]) * [5.0, 1.0, 2.0] * swell[:, None]
    series[missing, 2] = value
    band = _rhythm.band_of("here", (5.0, 10.0), 200.0)
    step = 40 if every is None else 10
    at = np.arange(step // 2 + 1, 399, step)
    known = at != 156
    assert known.all() == (every is None)
    for given in (series, torch.from_numpy(series)):
        found = _moments.moments("here", given, 200.0, band, every)
        np.testing.assert_allclose(found.time, at / 200)
        np.testing.assert_allclose(found.field[0, known], series[at[known]])
        assert (found.field[0, ~known, 2] == 0).all() and (found.field[0, ~known, :2] != 0).all()
        np.testing.assert_allclose(found.amplitude[0], np.where(known, 2, 3) * swell[at])
        np.testing.assert_allclose(found.frequency[0], np.where(known, 7, 6.5))


@pytest.mark.parametrize(("every", "fits"), [(0.004, False), (0.005, True), (0.665, True), (0.675, False)])
def test_moments_lie_a_sample_to_a_third_of_the_recording_apart(every: float, fits: bool):
    series = np.exp(2j * np.pi * 7 * np.arange(400) / 200)[:, None]
    band = _rhythm.band_of("here", (5.0, 10.0), 200.0)
    if fits:
        assert len(_moments.moments("here", series, 200.0, band, every).time) in (398, 3)
    else:
        with pytest.raises(BadInput, match=r"400 samples \(0.667 s\), got"):
            _moments.moments("here", series, 200.0, band, every if every > 0.5 else 0.002)


def test_real_and_analytic_recordings_have_the_same_moments():
    """Two trials in the unit of the recording, at samples that are known."""
    series = 1e3 * np.random.default_rng(1).standard_normal((2, 600, 7))
    series[1, 200, 3] = np.nan
    band = _rhythm.band_of("here", (5.0, 10.0), 100.0)
    whole = _rhythm.phasors("here", series, band)
    one, two = (_moments.moments("here", given, 100.0, band, 0.01) for given in (series, whole))
    for part, other in zip(one, two, strict=True):
        np.testing.assert_allclose(part, other, rtol=1e-9)
    assert (one.field[0] != 0).any() and (one.field[:, 0] == 0).all()


def slow(*shape: int, seed: int = 0) -> np.ndarray:
    dice = np.random.default_rng(seed)
    return (dice.standard_normal(shape) + 1j * dice.standard_normal(shape)).cumsum(-2)


def test_a_surrogate_of_one_standing_pattern_stands_in_the_same_pattern():
    """Two sides that are opposite at all times stay so, whatever their course, which is another each time."""
    side = np.array([1.0, -2.0, 1.0, -1.0, 0.5, 3.0])
    field = slow(2, 50, 1) * side
    drawn = list(_still.still(field, 3, 0))
    assert len(drawn) == 3
    for one in drawn:
        assert one.shape == field.shape
        np.testing.assert_allclose(one * np.sign(side), np.repeat(one[..., :1], 6, 2), atol=1e-9)
        np.testing.assert_allclose(np.abs(one), 1)
    assert np.abs(drawn[0] - drawn[1]).max() > 0.1 and np.abs(drawn[0][0] - drawn[0][1]).max() > 0.1


def test_a_surrogate_of_a_steady_rhythm_has_its_frequency():
    turn = np.exp(2j * np.pi * 5 * np.arange(40) / 40)
    found = np.concatenate(list(_still.still(turn[None, :, None] * [1.0, 1.0, -1.0], 200, 0)))
    np.testing.assert_allclose(found[:, 1:] / found[:, :-1], turn[1], atol=1e-9)
    assert np.abs(found[:, 0, 0].mean()) < 0.2, "it begins anywhere"


def test_patterns_are_those_of_channels_of_equal_strength():
    """Two channels of one root mean square have two patterns, alike and opposite; where they are one, so is
    what is drawn. Their largest values are not the same: 70 and 10 beside 50 and 50.
    """
    course, sign = slow(1, 20, 1)[0, :, 0], np.where(np.arange(20) % 3, 1, -1)
    field = np.stack([np.r_[course, 70, 10], 7 * np.r_[sign * course, 50, 50]], 1)[None]
    (found,) = _still.still(field, 1, 0)
    np.testing.assert_allclose(found[0, :20, 1], sign * found[0, :20, 0], atol=1e-9)


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_surrogates_do_not_see_the_size_of_a_channel(scale: float):
    field = slow(2, 30, 4, seed=3)
    field[0, :7, 2] = 0
    field[..., 3] = 0
    (one,), (two,) = _still.still(field, 1, 4), _still.still(field * [scale, 1, 1, 1], 1, 4)
    np.testing.assert_allclose(two, one, atol=1e-9)
    np.testing.assert_array_equal(one == 0, field == 0)
    (other,) = _still.still(field, 1, 5)
    assert np.abs(other - one).max() > 0.1
