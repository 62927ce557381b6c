"""Spatial coordination: symmetric, or not by an exact number of cells."""

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.working_memory.spatial_coordination import SpatialCoordination


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("side", [10, 6])
def test_the_offset_is_the_cells_without_an_image(side: int):
    task = SpatialCoordination(side=side)
    x, y, facts = task.trials(300, generator())
    assert set(x.unique().tolist()) == {0, 1}
    assert x.shape == (300, 19, side**2 + 1) and ((y > 0).sum(1) == 1).all()
    assert set(facts["offset"].tolist()) == {0, 2, 4, 6, 8}
    for trial in range(300):
        n = int(facts["list"][trial])
        assert (x[trial, :n].sum(-1) == 1).all() and (x[trial, n + 1 :] == 0).all()
        assert x[trial, n].nonzero().tolist() == [[side**2]]
        cells = x[trial, :n, :-1].argmax(-1)
        lit = {(int(cell) // side, int(cell) % side) for cell in cells}
        assert len(lit) == n and sum(column < side // 2 for _, column in lit) == n // 2
        image = {(row, side - 1 - column) for row, column in lit}
        assert len(lit - image) == facts["offset"][trial]
        assert y[trial, n] == (1 if lit == image else 2)


def test_conditions_of_the_paper():
    facts = SpatialCoordination().tested().facts
    assert set(facts["list"].tolist()) == {10, 12, 14, 16, 18}
    assert abs(float((facts["offset"] == 0).double().mean()) - 0.5) < 5 * (0.25 / 2000) ** 0.5


def test_bad_sizes():
    with pytest.raises(BadInput, match="must be even"):
        SpatialCoordination(lists=(5,))
    with pytest.raises(BadInput, match="do not fit"):
        SpatialCoordination(side=4)
    with pytest.raises(BadInput, match="do not fit"):
        SpatialCoordination(lists=(4,), offsets=(6,))
    for odd in (dict(offsets=(3,)), dict(side=9)):
        with pytest.raises(BadInput, match="must be even"):
            SpatialCoordination(**odd)
    for none in (dict(lists=(0, 4)), dict(offsets=(0,)), dict(side=0)):
        with pytest.raises(BadInput, match="at least 2"):
            SpatialCoordination(**none)
    whole = SpatialCoordination(lists=(4, 12), offsets=(4,), side=4)  # no room is left, and none is lacking
    assert whole.trials(40, generator()).x.shape == (40, 13, 17)
    with pytest.raises(BadInput, match="do not fit 4²"):
        SpatialCoordination(lists=(6, 14), offsets=(4,), side=4)
