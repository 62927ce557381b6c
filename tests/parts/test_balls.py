"""Balls and caps: whole numbers to the last digit, published radii, and the fit by a softmax."""

import functools
import itertools
import math

import numpy as np
import pytest
import torch
from scipy import optimize, special

from tests.promises import close
from wavetrain.errors import BadInput
from wavetrain.parts import balls

WHOLE = 2.0**64


def by_hand(bits: int, radius: int, apart: int) -> int:
    """All points of the cube, one by one."""
    one, other = np.zeros(bits, int), np.array([1] * apart + [0] * (bits - apart))
    points = np.array(list(itertools.product((0, 1), repeat=bits)))
    return int((((points != one).sum(1) <= radius) & ((points != other).sum(1) <= radius)).sum())


@pytest.mark.parametrize("radius", range(8))
def test_circles_are_the_points_in_both_balls(radius: int):
    assert balls.circle(7, radius) == [by_hand(7, radius, apart) for apart in range(8)]


@pytest.mark.parametrize(
    ("bits", "radius", "known"),
    [
        (64, 5, {0: 8303633, 1: 1274786, 3: 231076, 10: 252}),
        (64, 11, {0: 927740240713, 1: 311949983890, 3: 131595643438, 22: 705432}),
        (64, 15, {0: 224723513577529, 1: 102591779307634, 30: 155117520}),
        (20, 6, {0: 60460, 1: 33328, 3: 20952, 12: 924}),
    ],
)
def test_circles_to_the_last_digit(bits: int, radius: int, known: dict[int, int]):
    shared = balls.circle(bits, radius)
    assert {v: shared[v] for v in known} == known
    assert shared[0] == sum(math.comb(bits, i) for i in range(radius + 1))
    assert shared[2 * radius] == math.comb(2 * radius, radius) and not any(shared[2 * radius + 1 :])
    assert shared[1::2][: bits // 2] == shared[2::2], "an odd distance and the even one behind it"
    assert shared == sorted(shared, reverse=True)


def test_a_ball_of_all_bits_is_the_cube():
    assert balls.circle(9, 9) == [2**9] * 10


def test_kanervas_example():
    """1000 bits, a million neurons, radius 451, as recomputed for the sheet to the printed digit."""
    known = {
        0: 1071.85, 1: 958.44, 10: 795.87, 50: 476.87, 100: 285.83,
        150: 173.63, 200: 103.46, 300: 32.32, 400: 7.60, 500: 1.10,
    }  # fmt: skip
    shared = balls.circle(1000, 451)
    assert {v: round(10**6 * shared[v] / 2**1000, 2) for v in known} == known
    assert round(balls.fraction(1000, 451), 8) == 0.00107185


def test_fractions():
    for radius, known in {5: "4.5014e-13", 11: "5.0293e-08", 15: "1.2182e-05"}.items():
        assert f"{balls.fraction(64, radius):.4e}" == known
        assert math.isclose(balls.fraction(64, radius), balls.circle(64, radius)[0] / 2**64, rel_tol=1e-9)
        assert balls.radius_of(64, balls.fraction(64, radius)) == radius


def test_caps():
    assert [round(balls.cap(8, 2.5, v), 4) for v in (0.5, 1, 2)] == [0.1095, 0.0886, 0.0594]
    assert balls.cap(8, 2.5, 1e-9) == pytest.approx(balls.cap(8, 2.5, 0), rel=1e-3)
    assert balls.cap(8, 4, 0) == pytest.approx(0.5), "a half of the sphere"
    assert balls.cap(3, 1.5, 1.5) == pytest.approx(0.25), "two hemispheres at a right angle"
    assert balls.cap(2, 0.5, 0.5) == pytest.approx(1 / 6), (
        "two arcs of 120 degrees whose middles are 60 apart"
    )
    touching = 16 * (1 - math.cos(2 * math.acos(1 - 2 * 3 / 16))) / 2
    assert balls.cap(16, 3, touching + 1e-6) == 0 < balls.cap(16, 3, touching - 0.1)


def test_caps_are_counted_on_a_sphere():
    point = torch.nn.functional.normalize(torch.randn(200_000, 5, generator=torch.Generator().manual_seed(1)))
    radius, apart = 1.5, 0.7
    cosine = 1 - 2 * apart / 5
    other = torch.tensor([cosine, math.sqrt(1 - cosine**2), 0, 0, 0])
    inside = (point[:, 0] >= 1 - 2 * radius / 5) & (point @ other >= 1 - 2 * radius / 5)
    assert inside.float().mean().item() == pytest.approx(balls.cap(5, radius, apart), abs=0.003)


def test_published_radii():
    """64 bits, 2^64 neurons, at most 1024 patterns: 11, 5 and 15."""
    assert balls.clear_radius(64, WHOLE, 1024) == 11
    assert balls.roomy_radius(64, WHOLE) == 5
    assert 5 < balls.roomy_radius(128, 2.0**128) < balls.clear_radius(128, 2.0**128, 1024)
    assert balls.far_radius(64, WHOLE, 1024) == 15


def test_other_radii_and_critical_distances():
    assert [balls.clear_radius(64, WHOLE, m) for m in (24, 100, 60000)] == [12, 12, 10]
    many = {1: 462, 100: 454, 1000: 450, 5000: 448, 1e4: 447, 2e4: 446, 5e4: 444}
    assert {m: balls.clear_radius(1000, 1e6, m) for m in many} == many
    far = {11: 22, 14: 22, 15: 24, 16: 24, 17: 22, 20: 18}
    assert {d: balls.critical_distance(64, WHOLE, 1024, d) for d in far} == far
    far = {440: 138, 447: 172, 448: 172, 449: 172, 450: 168, 451: 158, 455: 72, 460: 0}
    assert {d: balls.critical_distance(1000, 1e6, 1e4, d) for d in far} == far
    assert balls.critical_distance(1000, 1e6, 1000, 451) == 328
    assert balls.critical_distance(1000, 1e6, 1e5, 447) == 0


@pytest.mark.parametrize(
    ("bits", "neurons"), [(256, 1e6), (256, 1e3), (100, 30), (1000, 1e9), (64, 1e4), (4000, 100)]
)
@pytest.mark.parametrize("right", [0.5, 0.99])
def test_the_roomy_ball_has_the_most_room_by_the_published_formula(bits: int, neurons: float, right: float):
    """p r is taken there from (p r)^2 / z^2; the best share is looked for, its ball compared."""
    z = float(special.ndtri(right ** (1 / bits)))

    def less_room(log_share: float) -> float:
        p = math.exp(log_share)
        return -((p * neurons) ** 2 / z**2 - p * neurons) / (p**2 * neurons + (p**2 * neurons) ** 2)

    bounds = math.log(z**2 / neurons), 0.0  # no room at all to the left
    best = math.exp(optimize.minimize_scalar(less_room, bounds=bounds, options={"xatol": 1e-10}).x)
    assert balls.roomy_radius(bits, neurons, right) == balls.radius_of(bits, best)


def test_capacity_is_the_published_one_but_for_the_noise_of_the_signal():
    """The published formula takes p r from (p r)^2 / z^2."""
    p, z = 1e-3, float(special.ndtri(0.5 ** (1 / 64)))
    assert balls.capacity(64, 1e5, p) == pytest.approx(1 + 1e5 / z**2 / (1 + p**2 * 1e5), rel=1e-12)
    assert balls.capacity(64, 100, 1e-9) == 1, "neurons that are never reached hold nothing"


@functools.cache
def addresses(seed: int) -> np.ndarray:
    """Those of 10,000 neurons, one for all tests."""
    return (np.random.default_rng(seed).integers(2, size=(10_000, 256), dtype=np.int8) * 2 - 1).astype(
        np.float32
    )


def read(pairs: int, radius: int, wrong: int, echo: bool, seed: int) -> np.ndarray:
    """Which bits of one read are right, (200 pairs at most, 256): 10,000 neurons that hold so many pairs."""
    dice, address = np.random.default_rng(99 - seed), addresses(seed)
    key, value = (
        (dice.integers(2, size=(pairs, 256), dtype=np.int8) * 2 - 1).astype(np.float32) for _ in range(2)
    )
    value = key if echo else value
    asked = key[:200]
    cue = asked * np.where(np.argsort(dice.random(asked.shape), 1) < wrong, -1, 1).astype(np.float32)
    wrote, answers = (((256 - one @ address.T) / 2 <= radius).astype(np.float32) for one in (key, cue))
    found = answers @ wrote.T @ value
    return (found * value[:200] > 0) + 0.5 * (found == 0)


@pytest.mark.parametrize("radius", [104, 106, 108])
def test_capacity_is_what_a_memory_of_independent_pairs_holds(radius: int):
    """A quarter below theory more than half of the values come back whole, a quarter above it fewer.

    That bits are not independent makes the memory a little worse than theory.
    """
    room = balls.capacity(256, 10_000, balls.fraction(256, radius))
    less, more = (read(round(load * room), radius, 0, False, 0) for load in (0.75, 1.25))
    assert (less == 1).all(1).mean() > 0.5 > (more == 1).all(1).mean()


@pytest.mark.parametrize("echo", [False, True])
@pytest.mark.parametrize("wrong", [0, 20, 60])
def test_bits_right_are_those_of_a_memory(wrong: int, echo: bool):
    """Theory takes what two patterns share for independent of their distance.

    By `circle` its mean square is 1.25 times as large, which near 0.8 costs 0.01 of the bits, near 1 nothing.
    """
    right = np.mean([read(168, 108, wrong, echo, seed).mean() for seed in range(4)])
    assert right == pytest.approx(balls.bits_right(256, 10_000, 168, 108, wrong, echo), abs=0.02)


def test_an_echo_speaks_for_the_cue():
    """It helps the bits that a cue has right, and so all of a cue without a wrong one."""
    alone, heard = (balls.bits_right(256, 10_000, 800, 108, 0, echo) for echo in (False, True))
    assert alone < heard < 1


def test_betas_to_the_printed_digit():
    """The least-squares slopes, and the published ones, which are d / (d - 1) times as large."""
    slopes = {5: 28.388, 7: 22.235, 9: 17.814, 11: 14.412, 13: 11.683, 15: 9.436, 17: 7.557, 20: 5.322}
    larger = {5: 35.485, 7: 25.941, 9: 20.041, 11: 15.853, 13: 12.656, 15: 10.110, 17: 8.030, 20: 5.602}
    fitted = {d: balls.fitted_beta(64, d) for d in slopes}
    assert {d: round(beta, 3) for d, beta in fitted.items()} == slopes
    assert {d: round(beta * d / (d - 1), 3) for d, beta in fitted.items()} == larger
    assert [round(larger[d], 1) for d in (5, 11, 15)] == [35.5, 15.9, 10.1], "as published"
    wide = {384: 24.62, 418: 13.52, 441: 7.92, 463: 4.01}
    assert {d: round(balls.fitted_beta(1000, d) * d / (d - 1), 2) for d in wide} == wide


def test_betas_of_caps():
    larger = {5: 71.709, 9: 29.767, 11: 21.540, 15: 12.230}
    assert {d: round(balls.fitted_beta(64, d, caps=True) * d / (d - 1), 3) for d in larger} == larger


def test_logarithms_are_nearly_linear_in_the_cosine():
    for radius, known in {5: 0.942, 7: 0.968, 9: 0.980, 11: 0.986, 15: 0.992, 20: 0.994}.items():
        v = np.arange(radius)
        logs = [math.log(count) for count in balls.circle(64, radius)[:radius]]
        assert round(float(np.corrcoef(1 - 2 * v / 64, logs)[0, 1]), 3) == known


def test_tables_of_balls_are_read_at_any_distance():
    table = balls.overlaps(16, 4)
    ends = torch.arange(17, dtype=torch.float64) / 16
    shared = [balls.circle(16, 4)[v] for v in range(17)]
    close(balls.share_at(table, ends), torch.tensor(shared, dtype=torch.float64) / shared[0], "table, shares")
    close(balls.share_at(table, ends[:-1] + 1 / 32), (table[:-1] + table[1:]) / 2, "halfway, the mean")
    outside = torch.tensor([-1e-9, 1 + 1e-9, torch.nan], dtype=torch.float64)
    near = balls.share_at(table, outside)
    assert near[0] == table[0] and near[1] == table[-1] and near[2].isnan()


@pytest.mark.parametrize(("bits", "radius"), [(16, 4), (64, 11)])
def test_tables_of_caps_are_read_to_a_thousandth_at_any_distance(bits: int, radius: int):
    """Also near the angle 0, where a table by distance would be off by a tenth."""
    table = balls.overlaps_by_angle(bits, radius)
    apart = [1e-6, 1e-4, 1e-3, 0.01, 0.07, 0.3, 0.5, 1.3, radius / 2, radius]
    exact = torch.tensor([balls.cap(bits, radius, v) for v in apart]).double() / balls.cap(bits, radius, 0)
    place = balls.angle(torch.tensor(apart, dtype=torch.float64) / bits)
    assert (balls.share_at(table, place) - exact).abs().max() < 1e-3


def test_angles():
    distance = torch.tensor(
        [-1e-9, 0, 0.25, 0.5, 1, 1 + 1e-9, torch.nan], dtype=torch.float64, requires_grad=True
    )
    turned = balls.angle(distance)
    close(turned[:6], torch.tensor([0, 0, 1 / 3, 0.5, 1, 1], dtype=torch.float64), "angles over pi")
    assert turned[6].isnan()
    (slope,) = torch.autograd.grad(turned[:6].sum(), distance)
    known = [0, 0, 1 / (math.pi * math.sqrt(0.25 * 0.75)), 2 / math.pi, 0, 0]
    close(slope[:6], torch.tensor(known, dtype=torch.float64), "slopes of an arc cosine, none at the ends")


def test_bad_radii_are_refused():
    with pytest.raises(BadInput, match="expected a radius from 0 to 8 for 8 bits, got 9"):
        balls.circle(8, 9)
    with pytest.raises(BadInput, match="expected a radius from 0 to 4 for 8 bits, got 5"):
        balls.cap(8, 5, 1)
    with pytest.raises(BadInput, match="at least 2 channels, got 1"):
        balls.cap(1, 0.5, 0)


def test_radii_below_none_are_refused_and_the_ends_are_not():
    for what, most in (
        (lambda radius: balls.circle(8, radius), 8),
        (lambda radius: balls.cap(8, radius, 1), 4),
    ):
        with pytest.raises(BadInput, match=f"expected a radius from 0 to {most} for 8 bits, got -1"):
            what(-1)
        what(0), what(most)
    assert balls.circle(8, 0) == [1] + 8 * [0]


def test_a_radius_of_1_is_fitted_over_two_distances():
    """ln N falls from ln(n + 1) to ln 2 while the cosine falls by 2 / n."""
    assert balls.fitted_beta(10, 1) == pytest.approx(5 * math.log(11 / 2), rel=1e-9)
    assert balls.fitted_beta(10, 2) == pytest.approx(5 * math.log(56 / 20), rel=1e-9)


def test_shares_of_tables_are_of_the_ball_itself():
    close(
        balls.overlaps(4, 1.9), torch.tensor([5, 2, 2, 0, 0]).double() / 5, "overlaps, a radius between two"
    )
    caps = balls.overlaps(4, 1.5, caps=True)
    shared = [balls.cap(4, 1.5, v) / balls.cap(4, 1.5, 0) for v in range(5)]
    close(caps, torch.tensor(shared, dtype=torch.float64), "overlaps of caps")


def test_a_pattern_that_reaches_no_neuron_too_often_leaves_room_for_one():
    """1 - p to the number of neurons is how often none is reached: against 1 - `right`, at either side."""
    share = 1 - 0.5 ** (1 / 100)
    assert balls.capacity(64, 100, share * 0.999) == 1
    assert balls.capacity(64, 100, share * 1.001) > 1
    assert balls.capacity(64, 100, 1 - 0.1 ** (1 / 100) * 0.999, right=0.9) > 1
    assert balls.capacity(64, 100, 1 - 0.1 ** (1 / 100) * 1.001, right=0.9) == 1
