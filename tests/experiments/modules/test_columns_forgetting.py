"""The columns' claim: the predicates, and what counts as forgotten."""

import math

import numpy as np

from wavetrain.evidence.claims import Measured
from wavetrain.experiments.modules.columns_forgetting import claim, forgotten, made, sums

LOW = {"nats_full_plays": 2.5, "nats_full_wiki": 4.5}
GOOD = {"transformer": 1.2, "mamba": 1.1, "moe": 1.0, "rehearsal": 0.7, "full": 0.6}


def answers(nats: dict[str, float] = LOW, **changes: float) -> list[bool | None]:
    """Beside the rivals, and beside rehearsal alone."""
    figures = Measured({f"aufc_{name}": value for name, value in (GOOD | changes).items()} | nats)
    return [part.holds(figures) for part in claim.parts]


def test_each_part_on_either_side():
    assert answers() == [True, True]
    for rival in ("transformer", "mamba", "moe"):
        assert answers(**{rival: 0.99}) == [False, True], "the best rival counts"
    assert answers(rehearsal=0.66) == [True, False]
    assert answers(rehearsal=math.nan) == [True, False]
    assert answers(full=math.nan) == [False, False]


def test_where_rivals_forget_nothing_nobody_can_tell():
    """As where nobody learns anything: there is nothing to forget."""
    assert answers(transformer=0.049) == [None, None]
    assert answers(transformer=0.05) == [False, True]
    assert answers(**dict.fromkeys(GOOD, 0.0)) == [None, None]


def test_who_forgets_nothing_refutes_nothing():
    assert answers(full=0.0) == [True, True]


def test_who_learns_nothing_has_nothing_to_forget():
    assert answers(LOW | {"nats_full_wiki": 4.6}, full=0.0) == [None, None]


def test_forgotten():
    """Two texts of two steps, a look at each: only what comes after a text's own end counts."""
    loss = np.array([[5.0, 9.0], [3.0, 8.0], [4.0, 2.0], [2.5, 1.0]])
    above = forgotten(loss, np.array([1, 2, 3, 4]), 2)
    assert above.mask.tolist() == [[True, True], [True, True], [False, True], [False, True]]
    assert above.compressed().tolist() == [1.0, 0.0]  # 4 above 3; 2.5 is the least


def test_texts():
    assert all(len(content) > 400 for content in made().values())
    assert all(eval(line.replace("=", "==")) for line in sums(50).decode().split())
