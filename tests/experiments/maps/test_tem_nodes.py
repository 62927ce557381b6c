"""The machine against node and edge agents: what the predicate says, and where the agents themselves lie."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.answers import answers, exact_answers
from wavetrain.experiments.maps import tem_nodes
from wavetrain.parts import worlds
from wavetrain.tasks.maps.graph_walks import graph_walks

TASK = graph_walks(length=60)
WALKED = TASK.walks(300, torch.Generator().manual_seed(1))
SEEN = worlds.steps(TASK.world, WALKED)


class Agent(nn.Module):
    """Tells the label of each known node, or else a wrong one."""

    def __init__(self, known: Tensor):
        super().__init__()
        self.none = nn.Parameter(torch.zeros(()))
        right = 1 + WALKED.label[:, 1:]
        self.told = torch.where(known, right, right % TASK.labels + 1)

    def forward(self, x: Tensor) -> Tensor:
        told, self.told = self.told[: len(x)], self.told[len(x) :]
        return nn.functional.one_hot(told, 1 + TASK.labels).double()


def test_predicate():
    holds = tem_nodes.claim.holds
    both = {"taken_machine": 0.9, "way_machine": 0.8, "way_lstm": 0.1}
    assert holds(both) is True
    assert holds(both | {"way_machine": 0.4}) is False
    assert holds(both | {"way_lstm": 0.6}) is False
    assert holds(both | {"taken_machine": 0.4, "way_machine": -0.5}) is None
    assert answers(tem_nodes.claim, both | {"way_machine": 0.5}) == [False, True]
    assert answers(tem_nodes.claim, both | {"way_lstm": 0.5}) == [True, False]


def test_agents_lie_where_they_should():
    """Who knows all nodes is right on all known ones; who knows edges on no new one."""
    nodes = tem_nodes.figures(tem_nodes.right(Agent(SEEN.visited), TASK, WALKED), SEEN, TASK.labels)
    assert all(nodes[name] == 1 for name in ("zero_shot", "zero_all", "taken", "visited"))
    edges = Agent(SEEN.visited & ~SEEN.new_edge)
    walked = tem_nodes.figures(tem_nodes.right(edges, TASK, WALKED), SEEN, TASK.labels)
    assert walked["taken"] == 1 and walked["zero_shot"] == walked["zero_all"] == 0
    assert 0.9 < nodes["way"] < 1 and -0.1 < walked["way"] < 0  # agents in the figure also guess
    both = {f"{name}_machine": value for name, value in nodes.items()} | {"way_lstm": walked["way"]}
    assert answers(tem_nodes.claim, both) == [True, True]
    none = tem_nodes.figures(torch.full(SEEN.visited.shape, 1 / TASK.labels), SEEN, TASK.labels)
    guessed = {f"{name}_{rival}": value for name, value in none.items() for rival in ("machine", "lstm")}
    assert answers(tem_nodes.claim, guessed) == [None, None]


def test_who_only_goes_back_gets_no_credit():
    """Steps back are new edges too, and are left out where the claim is decided."""
    back = tem_nodes.figures(tem_nodes.right(Agent(SEEN.reversal), TASK, WALKED), SEEN, TASK.labels)
    assert back["zero_all"] > 0.3 and back["zero_shot"] == 0 and back["way"] < 0


def test_curve_over_nodes():
    agents = {"node agent": worlds.node_oracle(SEEN, 20), "edge agent": worlds.edge_oracle(SEEN, 20)}
    shown = tem_nodes.against_nodes(agents, SEEN, TASK.world.nodes)
    node, edge = shown.lines
    assert shown.x[-1] == 1 and node[-1] == 1  # all nodes known
    assert np.nanmin(node - edge) >= 0 and node[0] == edge[0] == pytest.approx(1 / 20)


def test_the_agents_meet_the_limits_and_one_who_forgets_edges_does_not(monkeypatch: pytest.MonkeyPatch):
    assert exact_answers("tem_nodes") == 2 * [True]

    def links_alone(walked: worlds.Walks, seen: worlds.Steps) -> Tensor:
        """The machine remembers no more than links taken."""
        return torch.where(seen.new_edge, 0, walked.label[:, 1:])

    monkeypatch.setattr(tem_nodes, "node_agent", links_alone)
    assert exact_answers("tem_nodes") == [False, True]
