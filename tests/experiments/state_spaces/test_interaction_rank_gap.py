"""The predicates of the interaction rank gap."""

import dataclasses

from wavetrain.evidence.claims import Measured
from wavetrain.experiments.state_spaces.interaction_rank_gap import _rivals, claim, small

FIGURES = {
    "together_softmax_1": 1,
    "together_softmax_4": 4,
    "together_linear_1": 1,
    "together_linear_4": 4,
    "rank_lru": 7,
    "predicted_lru": 7,
    "left_by_one_head_lru": 0.4,
}


def answers(**changes: float) -> list[bool | None]:
    scale = dataclasses.replace(small, heads=(1, 4))
    return [part.holds(Measured(FIGURES | changes, scale)) for part in claim.parts]


def test_each_part_on_either_side():
    assert answers() == [True, True, True]
    assert answers(together_softmax_4=3) == [True, True, True], "at most"
    assert answers(together_softmax_4=5) == [False, True, True]
    assert answers(together_linear_1=2) == [False, True, True]
    assert answers(rank_lru=6) == [True, False, True]
    assert answers(rank_lru=1, predicted_lru=1) == [True, False, True]
    assert answers(left_by_one_head_lru=0.009) == [True, True, False]
    assert answers(left_by_one_head_lru=0.01) == [True, True, True]


def test_what_theory_gives_each_layer_refutes_nothing():
    figures = {
        f"{what}_{name}": count
        for name, _, count in _rivals(small)
        for what in ("rank", "predicted", "together")
    }
    left = {"left_by_one_head_lru": 1 - 1 / figures["predicted_lru"]}  # of maps that are equally large
    assert claim.holds(Measured(figures | left, small)) is True
