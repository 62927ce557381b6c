"""Shifts, exchanges and ranks: what they keep and destroy, and how often nothing passes for something."""

import itertools

import numpy as np
import pytest
import torch
from scipy import stats

from tests.promises import normal
from wavetrain.errors import BadInput
from wavetrain.lenses.space.grid_score import grid_score
from wavetrain.lenses.space.place_fields import place_fields
from wavetrain.parts import nulls, worlds


def test_shifts_move_each_sequence_by_its_own_and_keep_away_from_none():
    draws = [one.reshape(3, 40) for one in nulls.shifts(3, 40, 500, least=7)]
    moves = []
    for source in draws:
        assert (np.sort(source, 1) == np.arange(120).reshape(3, 40)).all()
        moves.append((-source[:, 0]) % 40)
        for row, move in enumerate(moves[-1]):
            assert (source[row] == 40 * row + np.roll(np.arange(40), move)).all()
    moves = np.array(moves)
    assert moves.min() == 7 and moves.max() == 33, "from the least shift to as much less than the sequence"
    assert (moves[:, 0] != moves[:, 1]).mean() > 0.9
    assert nulls.least_shift(120, None) == 12


def test_a_single_sequence_is_shifted_by_each_amount_once():
    moves = [-source[0] % 50 for source in nulls.shifts(1, 50, 200)]
    assert sorted(moves) == list(range(5, 46))
    many = [-source[0] % 1000 for source in nulls.shifts(1, 1000, 200)]
    assert len(set(many)) == 200 and min(many) >= 100 and max(many) <= 900


@pytest.mark.parametrize("least", [0, -1, 21])
def test_a_least_shift_that_is_none_or_too_long_is_refused(least: int):
    with pytest.raises(BadInput, match="from 1 to half of the 40 steps"):
        next(nulls.shifts(2, 40, 9, least))


def test_exchanges_keep_what_is_seen_in_each_sequence():
    label = np.random.default_rng(1).integers(4, size=(3, 30))
    draws = list(nulls.exchanges(label, 50))
    for source in draws:
        assert (np.sort(source) == np.arange(90)).all()
        assert (label.ravel()[source] == label.ravel()).all()
        assert (source.reshape(3, 30) // 30 == np.arange(3)[:, None]).all()
    assert len({source.tobytes() for source in draws}) == 50


def test_all_exchanges_are_as_likely():
    orders = [tuple(source) for source in nulls.exchanges(np.array([[5, 5, 5]]), 6000)]
    counts = [orders.count(one) for one in itertools.permutations(range(3))]
    assert stats.chisquare(counts).pvalue > 0.001


def test_rank_is_k_plus_one_over_n_plus_one():
    null = np.arange(199.0)[:, None] + np.array([0.0, 0, 0, 0])
    null[:10, 3] = np.nan  # no score at all is less than any
    assert nulls.rank(np.array([500.0, 189.0, -1.0, -1.0]), null).tolist() == [0.005, 0.055, 1.0, 0.95]
    assert nulls.rank(np.array([0.3]), np.full((199, 1), 0.3 * (1 + 1e-15))).tolist() == [1.0], "ties count"
    assert np.isnan(nulls.rank(np.array([np.nan]), null[:, :1])).all()


def walk(batch: int, time: int, seed: int) -> torch.Tensor:
    """Paths in [-1, 1]^2 that forget where they were after some 20 steps."""
    dice = torch.Generator().manual_seed(seed)
    place, found = torch.randn(batch, 2, generator=dice), []
    for push in torch.randn(time, batch, 2, generator=dice):
        place = 0.95 * place + 0.3 * push
        found.append(place)
    return torch.stack(found, 1).double().tanh()


def passing(p: np.ndarray) -> None:
    """The share of ranks at 0.05 or below is that of a test at this level: within 99% of binomial error."""
    p = p[np.isfinite(p)]
    low, high = stats.binom.interval(0.99, p.size, nulls.LEVEL)
    assert low <= (p <= nulls.LEVEL).sum() <= high, f"{(p <= nulls.LEVEL).mean():.3f} of {p.size} pass"


@pytest.mark.parametrize("slow", [0.0, 0.8])
@pytest.mark.parametrize("batch", [1, 4])
def test_units_without_a_place_pass_as_often_as_the_test_says(slow: float, batch: int):
    """White units, and slow ones, on paths that are slow, too: of place, of a grid and of a band."""
    time, units = 1200 // batch, 80
    information, grid, band = [], [], []
    for seed in range(6):
        noise = normal(batch, time, units, seed=seed)
        for t in range(1, time):
            noise[:, t] += slow * noise[:, t - 1]
        place = walk(batch, time, seed)
        seen = place_fields(noise.exp(), place, 6, 0.0, shifts=19)
        information.append(seen.p)
        score = grid_score(noise[..., :25], place, 10, 1.0, shifts=19)
        grid.append(score.p_grid)
        band.append(score.p_band)
    for p in (information, grid, band):
        passing(np.concatenate(p))


def test_units_that_follow_what_is_seen_pass_no_more_often_than_that():
    """They all tell of the place, and pass every shift; exchanges of what looks alike hold them."""
    world = worlds.square(6, torus=True)
    beyond, time = [], []
    for seed in range(12):
        walked = worlds.walks(world, 1, 240, 15, torch.Generator().manual_seed(seed))
        tuned = torch.rand(15, 40, generator=torch.Generator().manual_seed(seed + 100)).double() ** 4
        activity = tuned[walked.label] * normal(1, 241, 40, seed=seed).abs()
        place = world.position[walked.node].double()
        seen = place_fields(activity, place, 6, 0.0, label=walked.label)
        beyond.append(seen.p_label[seen.shared])
        time.append(seen.p)
        exact = place_fields(tuned[walked.label], place, 6, 0.0, label=walked.label)
        assert (exact.p_label == 1).all(), "nothing but what is seen"
    assert (np.concatenate(time) <= nulls.LEVEL).mean() > 0.5
    passing(np.concatenate(beyond))


def test_units_that_follow_the_place_pass_where_the_same_is_seen_elsewhere():
    world = worlds.square(6, torus=True)
    walked = worlds.walks(world, 1, 400, 15, torch.Generator().manual_seed(1))
    place = world.position[walked.node].double()
    cells = torch.nn.functional.one_hot(walked.node, 36).double()
    seen = place_fields(cells, place, 6, 0.0, label=walked.label)
    look = dict(zip(walked.node[0].tolist(), walked.label[0].tolist(), strict=True))
    alone = [list(look.values()).count(look.get(node)) == 1 for node in range(36)]
    assert (seen.p[list(look)] <= nulls.LEVEL).all()
    assert (seen.shared == ~np.array(alone)).all() and 0 < seen.shared.sum() < 36
    assert (seen.p_label[seen.shared] <= nulls.LEVEL).all() and (seen.p_label[~seen.shared] == 1).all()


@pytest.mark.parametrize("score", [0.0, 0.3, -0.3, 1.0, 7.0, -7.0, 1e6])
def test_ties_are_those_within_rounding_of_the_score(score: float):
    """Half of the tolerance below is as large, one and a half is not; it grows with scores above 1."""
    size = nulls.ALIKE * max(abs(score), 1)
    for below, tie in ((0.5, True), (1.5, False)):
        null = np.full((9, 1), score - below * size)
        assert nulls.rank(np.array([score]), null)[0] == pytest.approx(1.0 if tie else 0.1)
