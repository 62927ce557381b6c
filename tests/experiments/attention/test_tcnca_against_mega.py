"""The predicate on the published figures; times that lie in the folder are read, not measured again."""

import json
from pathlib import Path

import pytest

from tests.answers import answers
from wavetrain.experiments.attention.tcnca_against_mega import Scale, claim, run
from wavetrain.train.lab import Lab


def test_predicates_on_the_published_figures():
    published = dict(claim.published)
    assert answers(claim, published) == [True, True] and claim.holds(published) is True
    assert answers(claim, published | {"forward": 0.9}) == [False, True]
    assert answers(claim, published | {"backward": 1.0}) == [True, False]


def test_figures_are_medians_of_ratios(tmp_path: Path):
    """Two lengths, three rounds; MEGA takes 1, 2 and 9 times as long forward, 4 times backward."""
    lab = Lab(tmp_path, seed=0)
    rounds = [[[[slow, 4.0], [1.0, 1.0]], [[6.0, 3.0], [2.0, 2.0]]] for slow in (1.0, 2.0, 9.0)]
    even = [[[[1.0, 1.0]] * 2] * 2] * 3
    (tmp_path / "times.json").write_text(json.dumps([even, rounds]))
    figures = run(Scale(lengths=(10, 20), rounds=3), lab)
    assert (figures["forward"], figures["backward"]) == (2, 4)
    assert (figures["mixing_forward"], figures["mixing_backward"]) == (3, 1.5)
    assert (figures["forward_10"], figures["forward_20"]) == (1, 2)
    assert figures["seconds_mega"] == pytest.approx(6) and figures["seconds_tcnca"] == pytest.approx(2)
