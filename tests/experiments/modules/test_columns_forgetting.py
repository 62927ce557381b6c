"""The columns' claim: the predicate, and what counts as forgotten."""

import numpy as np

from wavetrain.experiments.modules.columns_forgetting import claim, forgotten, made, sums

GOOD = {"transformer": 1.2, "mamba": 1.1, "moe": 1.0, "rehearsal": 0.7, "full": 0.6}


def figures(**changes: float) -> dict[str, float]:
    return {f"aufc_{name}": value for name, value in (GOOD | changes).items()}


def test_predicate():
    assert claim.holds(figures()) is True
    assert claim.holds(figures(mamba=0.9)) is False
    assert claim.holds(figures(rehearsal=0.65)) is False
    assert claim.holds(figures(transformer=0.04)) is None


def test_forgotten():
    """Two texts of two steps, a look at each: only what comes after a text's own end counts."""
    loss = np.array([[5.0, 9.0], [3.0, 8.0], [4.0, 2.0], [2.5, 1.0]])
    above = forgotten(loss, np.array([1, 2, 3, 4]), 2)
    assert above.mask.tolist() == [[True, True], [True, True], [False, True], [False, True]]
    assert above.compressed().tolist() == [1.0, 0.0]  # 4 above 3; 2.5 is the least


def test_texts():
    assert all(len(content) > 400 for content in made().values())
    assert all(eval(line.replace("=", "==")) for line in sums(50).decode().split())
