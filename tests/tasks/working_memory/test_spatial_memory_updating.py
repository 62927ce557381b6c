"""Spatial memory updating: replaying the arrows gives the answers."""

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.working_memory.spatial_memory_updating import INSIDE, MOVED, SpatialMemoryUpdating


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("sets", "updates"), [(tuple(range(1, 9)), 8), ((3,), 0), ((1, 2), 5)])
def test_replaying_the_arrows_gives_the_answers(sets: tuple[int, ...], updates: int):
    task = SpatialMemoryUpdating(sets, updates)
    x, y, facts = task.trials(150, generator())
    frames = x.unflatten(2, (max(sets), 18))
    assert set(x.unique().tolist()) == {0, 1}
    assert set(facts["boxes"].tolist()) == set(sets)
    for trial in range(150):
        boxes = int(facts["boxes"][trial])
        assert (frames[trial, 0, :boxes, :9].sum(-1) == 1).all() and frames[trial, 0].sum() == boxes
        cell = frames[trial, 0, :boxes, :9].argmax(-1)
        row, column = cell // 3, cell % 3
        for update in range(updates):
            ((box, arrow),) = frames[trial, 1 + update].nonzero().tolist()
            assert box == update % boxes and 9 <= arrow < 17
            down, right = [(d, r) for d in (-1, 0, 1) for r in (-1, 0, 1) if (d, r) != (0, 0)][arrow - 9]
            row[box] += down
            column[box] += right
            assert 0 <= row[box] < 3 and 0 <= column[box] < 3
        asked = []
        for step in range(1 + updates, 1 + updates + boxes):
            ((box, channel),) = frames[trial, step].nonzero().tolist()
            assert channel == 17 and y[trial, step] == 1 + 3 * row[box] + column[box]
            asked.append(box)
        assert sorted(asked) == list(range(boxes)) and y[trial].count_nonzero() == boxes
        assert (frames[trial, 1 + updates + boxes :] == 0).all()


def test_corners_have_three_arrows_edges_five_the_centre_all():
    assert INSIDE.sum(1).tolist() == [3, 5, 3, 5, 8, 5, 3, 5, 3]
    assert set(MOVED[4].tolist()) == {0, 1, 2, 3, 5, 6, 7, 8}


def test_chance():
    assert SpatialMemoryUpdating((2,), 0).chance == pytest.approx(1 / 9)
    # after one arrow: from 4 corners by 1 of 3, from 4 edges by 1 of 5
    assert SpatialMemoryUpdating((1,), 1).chance == pytest.approx((4 / 3 + 4 / 5) / 9)
    assert SpatialMemoryUpdating((1,), 40).chance == pytest.approx(8 / 40)  # its share of all arrows


def test_bad_sizes():
    with pytest.raises(BadInput, match="boxes must be"):
        SpatialMemoryUpdating((0, 1))
    with pytest.raises(BadInput, match="updates must be"):
        SpatialMemoryUpdating(updates=-1)
