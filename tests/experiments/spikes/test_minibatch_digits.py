"""The claim of batches: its predicates, and what times are."""

from pathlib import Path

import pytest

from tests.answers import answers
from wavetrain.experiments.spikes.minibatch_digits import claim, conversion, smoke
from wavetrain.train.lab import Lab

WHOLE = {
    "gain_conversion": 20.0,
    "same_classes": 1.0,
    "right_frozen_alone": 0.4,
    "right_frozen_256": 0.4,
    "right_alone": 0.7,
    "right_sum_16": 0.65,
    "right_sum_256": 0.5,
    "right_largest_256": 0.51,
    "right_mean_256": 0.44,
}


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({}, []),
        ({"gain_conversion": 19.9}, [0]),
        ({"same_classes": 0.999}, [0]),
        ({"right_frozen_alone": 0.56}, [1]),
        ({"right_alone": 0.74}, [2]),
        ({"right_alone": 0.56}, [2]),
        ({"right_sum_256": 0.58, "right_largest_256": 0.6}, [3]),
        ({"right_largest_256": 0.5}, [4]),
        ({"right_mean_256": 0.46}, [5]),
    ],
)
def test_predicates(changed: dict[str, float], wrong: list[int]):
    assert answers(claim, WHOLE | changed) == [place not in wrong for place in range(6)]


def test_chance_meets_no_part_about_what_is_learned():
    chance = WHOLE | {name: 0.1 for name in WHOLE if name.startswith("right")}
    assert [answers(claim, chance)[place] for place in (1, 3, 4)] == [False] * 3


def test_classes_do_not_depend_on_the_batch(tmp_path: Path):
    lab = Lab(tmp_path, 0)
    figures = conversion(smoke, lab)
    assert figures["same_classes"] == 1 and figures["gain_conversion"] > 1
    assert conversion(smoke, Lab(tmp_path, 0)) == figures
