"""Loop closure: all closed walks of a length, and a last step that is new and leads to a known place."""

import pytest
import torch
from torch import Tensor

from wavetrain.errors import BadInput
from wavetrain.tasks.maps.loop_closure import MOVES, LoopClosure, _round

COUNTS = {4: 8, 6: 24, 8: 112, 10: 560}  # self-avoiding polygons, times their nodes and two ways round


def places(action: Tensor) -> Tensor:
    """Where walks go, from the origin: (B, T + 1, 2)."""
    steps = torch.tensor(MOVES)[action].cumsum(1)
    return torch.cat([torch.zeros_like(steps[:, :1]), steps], 1)


@pytest.mark.parametrize("loop", COUNTS)
def test_all_closed_walks_are_found(loop: int):
    walks = list(_round(loop, ((0, 0),), ()))
    assert len(set(walks)) == len(walks) == COUNTS[loop]
    where = places(torch.tensor(walks))
    assert (where[:, -1] == 0).all()
    assert all(len({tuple(node) for node in walk[:-1]}) == loop for walk in where.tolist())


def test_only_the_last_step_meets_a_known_place():
    task = LoopClosure()
    loop, action = task.ways(300, torch.Generator().manual_seed(1))
    where = places(action)
    assert set(loop.tolist()) == {4, 6, 8, 12} and action.shape == (300, 12)
    for walk, steps in zip(where.tolist(), loop.tolist(), strict=True):
        nodes = [tuple(node) for node in walk]
        assert len(set(nodes[:-1])) == 12, "a place is met before the last step"
        assert nodes[-1] == nodes[12 - steps]


def test_the_answer_is_the_label_seen_where_the_loop_began():
    task = LoopClosure((4, 6), labels=9)
    loop, _ = task.ways(50, torch.Generator().manual_seed(2))
    x, y = task.draw(50, torch.Generator().manual_seed(2))
    assert x.shape == (50, 6, 1 + 9 + 4) and (y[:, :-1] == 0).all()
    seen = x[..., :10].argmax(-1)
    for row, steps in enumerate(loop.tolist()):
        assert y[row, -1] == seen[row, 6 - steps] > 0


def test_north_east_south_west():
    """Round a single square there are four beginnings and two directions."""
    _, action = LoopClosure((4,)).ways(500, torch.Generator().manual_seed(3))
    names = {"".join("NESW"[step] for step in walk) for walk in action.tolist()}
    assert "NESW" in names and len(names) == 8


def test_odd_loops_are_refused():
    for loops in ((), (5,), (2,), (4, 16)):
        with pytest.raises(BadInput, match="even lengths of loops from 4 to 14"):
            LoopClosure(loops)
