"""Spatial integration: the parts make up the pattern, or all but a few lines of it."""

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.working_memory.spatial_integration import SpatialIntegration


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_parts_make_up_the_pattern():
    x, y, facts = SpatialIntegration().trials(400, generator())
    assert set(x.unique().tolist()) == {0, 1}
    assert x.shape == (400, 13, 41) and ((y > 0).sum(1) == 1).all()
    assert set(facts["parts"].tolist()) == {1, 2, 3, 4, 6, 12}
    assert set(facts["moved"].tolist()) == {0, 1, 2, 3, 4}
    for trial in range(400):
        parts, moved = int(facts["parts"][trial]), int(facts["moved"][trial])
        shown = x[trial, :parts, :-1]
        assert (shown.sum(-1) * parts == 12).all() and shown.sum(0).max() == 1
        pattern = x[trial, parts, :-1]
        assert pattern.sum() == 12 and pattern.max() == 1
        assert ((shown.sum(0) > 0) & (pattern == 0)).sum() == moved
        assert y[trial, parts] == (2 if moved else 1)
        assert x[trial, :, -1].nonzero().tolist() == [[parts]] and (x[trial, parts + 1 :] == 0).all()


def test_half_are_the_same():
    moved = SpatialIntegration().tested().facts["moved"]
    assert abs(float((moved == 0).double().mean()) - 0.5) < 5 * (0.25 / 2000) ** 0.5


def test_bad_sizes():
    with pytest.raises(BadInput, match="sizes must divide a pattern of 12 lines"):
        SpatialIntegration(sizes=(5,))
    whole = SpatialIntegration((2, 6), pattern=6, most_moved=6, side=3)  # all there is: 12 lines
    assert whole.trials(40, generator()).x.shape == (40, 4, 13)
    with pytest.raises(BadInput, match="13 lines do not fit 12"):
        SpatialIntegration((7,), pattern=7, most_moved=6, side=3)
    with pytest.raises(BadInput, match="sizes must divide a pattern of 4 lines"):
        SpatialIntegration((2,), pattern=4, most_moved=5)
    with pytest.raises(BadInput, match="16 lines do not fit 12"):
        SpatialIntegration(side=3)
