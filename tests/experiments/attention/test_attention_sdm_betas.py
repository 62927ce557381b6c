"""The table of betas by both normalisers, how straight ln N is, the weights, and the predicate."""

import numpy as np
import pytest

from tests.answers import answers
from wavetrain.experiments.attention.attention_sdm_betas import claim, fitted, radii, weights
from wavetrain.parts import balls

PAPER = {5: 35.485, 7: 25.941, 9: 20.041, 11: 15.853, 13: 12.656, 15: 10.110, 17: 8.030, 20: 5.602}
SLOPES = {5: 28.388, 7: 22.235, 9: 17.814, 11: 14.412, 13: 11.683, 15: 9.436, 17: 7.557, 20: 5.322}
LINES = {5: 0.942, 7: 0.968, 9: 0.980, 11: 0.986, 13: 0.990, 15: 0.992, 17: 0.993, 20: 0.994}

WHOLE = {
    "beta_64_room": 35.485,
    "beta_64_clear": 15.853,
    "beta_64_far": 10.110,
    "line_64_room": 0.942,
    "line_64_clear": 0.986,
    "line_64_far": 0.992,
    "inside_64_room": 0.0,
    "inside_64_clear": 0.05,
    "inside_64_far": 0.01,
    **{f"{one}_64_{name}": 0.9 for one in ("memory", "softmax") for name in ("room", "clear", "far")},
}


@pytest.mark.parametrize("radius", PAPER)
def test_table_of_betas(radius: int):
    fit = fitted(64, radius)
    assert fit.beta == pytest.approx(PAPER[radius], abs=1e-3)
    assert fit.slope == pytest.approx(SLOPES[radius], abs=1e-3)
    assert fit.line == pytest.approx(LINES[radius], abs=1e-3)


@pytest.mark.parametrize(("size", "radius"), [(32, 3), (64, 11), (128, 40), (1000, 441)])
def test_normalisers_differ_by_one_in_the_radius(size: int, radius: int):
    fit = fitted(size, radius)
    assert fit.slope == pytest.approx(balls.fitted_beta(size, radius), rel=1e-9)
    assert fit.beta == pytest.approx(fit.slope * radius / (radius - 1), rel=1e-9)


def test_best_radii():
    assert radii(64) == {"room": 5, "clear": 11, "far": 15}, "as published"
    for size in (32, 128):
        room, clear, far = radii(size).values()
        assert 2 <= room < clear < far < size / 2


@pytest.mark.parametrize(
    ("radius", "alike", "apart"), [(5, 0.9848, 0.226), (11, 0.9754, 0.221), (15, 0.9806, 0.168)]
)
def test_weights_of_memory_and_softmax(radius: int, alike: float, apart: float):
    """One pattern at each distance from 0 to 64: correlation and distance of the shares."""
    shared, softmax = weights(64, radius, fitted(64, radius).beta)
    assert shared.sum() == pytest.approx(1) and softmax.sum() == pytest.approx(1)
    assert np.corrcoef(shared, softmax)[0, 1] == pytest.approx(alike, abs=5e-5)
    assert np.abs(shared - softmax).sum() == pytest.approx(apart, abs=5e-4)


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({"beta_64_room": 28.388}, 0),
        ({"beta_64_clear": 15.96}, 0),
        ({"beta_64_far": 10.16}, 0),
        ({"line_64_room": 0.939}, 1),
        ({"line_64_clear": 0.98}, 1),
        ({"inside_64_clear": 0.06}, 2),
        ({"inside_64_far": 0.06}, 2),
    ],
)
def test_predicates(changed: dict[str, float], wrong: int):
    assert answers(claim, WHOLE) == [True, True, True] and claim.holds(WHOLE) is True
    assert answers(claim, WHOLE | changed) == [part != wrong for part in range(3)]


@pytest.mark.parametrize("name", ["room", "clear", "far"])
def test_where_both_complete_nothing_they_cannot_be_told_apart(name: str):
    """At chance both complete no cue, so that the gap is small whatever they do."""
    neither = {f"memory_64_{name}": 0.0, f"softmax_64_{name}": 0.05}
    assert answers(claim, WHOLE | neither) == [True, True, None]
    one = {f"memory_64_{name}": 0.0, f"softmax_64_{name}": 0.9, f"inside_64_{name}": 1.0}
    assert answers(claim, WHOLE | one) == [True, True, False]


def test_closed_forms_fulfil_the_parts_on_betas():
    exact = {}
    for name, radius in radii(64).items():
        fit = fitted(64, radius)
        exact |= {f"beta_64_{name}": fit.beta, f"line_64_{name}": fit.line}
    assert answers(claim, WHOLE | exact) == [True, True, True]
