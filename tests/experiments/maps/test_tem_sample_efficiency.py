"""What the predicate says, and that what is held out asks only behind edges never taken."""

import math

import torch

from wavetrain.experiments.maps import tem_sample_efficiency
from wavetrain.parts import worlds
from wavetrain.tasks.maps.graph_walks import graph_walks


def test_predicate():
    holds = tem_sample_efficiency.claim.holds
    first = {"steps_transformer": 100, "steps_machine": 400}
    assert holds(first | {"zero_shot_transformer": 0.6, "zero_shot_machine": 0.6}) is True
    assert holds(first | {"zero_shot_transformer": 0.2, "zero_shot_machine": 0.3}) is None
    late = {"steps_transformer": 600, "steps_machine": 400}
    assert holds(late | {"zero_shot_transformer": 0.2, "zero_shot_machine": 0.6}) is False
    same = {"steps_transformer": 400, "steps_machine": 400}
    assert holds(same | {"zero_shot_transformer": 0.6, "zero_shot_machine": 0.6}) is False


def test_held_out_asks_behind_new_edges_only():
    part = graph_walks(length=30)
    task = tem_sample_efficiency.NewEdges(part)
    _, y = task.test()
    walked = part.walks(200, torch.Generator().manual_seed(2**32 - 2))
    seen = worlds.steps(part.world, walked)
    assert torch.equal(y > 0, seen.zero_shot & ~seen.reversal) and (y > 0).any()
    assert torch.equal(y[y > 0], 1 + walked.label[:, 1:][y > 0])
    drawn, same = (one.draw(5, torch.Generator().manual_seed(1)) for one in (task, part))
    assert torch.equal(drawn.x, same.x) and torch.equal(drawn.y, same.y)
    assert not math.isnan(task.chance)
