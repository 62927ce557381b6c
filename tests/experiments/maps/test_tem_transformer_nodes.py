"""Nodes and links: what the predicate says of known agents, and the curve over nodes."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.answers import answers, exact_answers
from wavetrain.experiments.maps import tem_transformer_nodes
from wavetrain.experiments.maps.tem_transformer_nodes import (
    RIVALS,
    _answers,
    _binned,
    _inside,
    claim,
    small,
    tem_transformer,
)
from wavetrain.layers.attention.tem_transformer import TemTransformer
from wavetrain.parts import worlds
from wavetrain.tasks.maps.graph_walks import graph_walks

NODE = {"visited": 1.0, "zero_shot": 1.0, "loops": 1.0, "to_nodes": 0.0, "to_edges": 0.3}
EDGE = {"visited": 0.6, "zero_shot": 0.05, "loops": 0.05, "to_nodes": 0.3, "to_edges": 0.0}


def figures(one: dict[str, float], other: dict[str, float]) -> dict[str, float]:
    rivals = {f"{name}_{word}": value for name in RIVALS for word, value in other.items()}
    return {f"tem_transformer_{word}": value for word, value in one.items()} | rivals


def test_a_node_agent_among_edge_agents_holds():
    assert claim.holds(figures(NODE, EDGE)) is True


@pytest.mark.parametrize("name", RIVALS)
def test_each_rival_must_be_behind(name: str):
    found = figures(NODE, EDGE)
    assert claim.holds(found | {f"{name}_zero_shot": 0.61}) is False
    assert claim.holds(found | {f"{name}_to_edges": 0.3}) is False


@pytest.mark.parametrize(
    ("other", "part"),
    [
        ({"tem_transformer_zero_shot": 0.949}, 0),
        ({"lstm_zero_shot": 0.601}, 1),
        ({"attention_zero_shot": 0.601}, 1),
        ({"tem_transformer_to_nodes": 0.076}, 2),
        ({"attention_to_edges": 0.3}, 3),
    ],
)
def test_parts(other: dict[str, float], part: int):
    assert answers(claim, figures(NODE, EDGE) | other) == [number != part for number in range(4)]


def test_the_oracles_themselves():
    """The node oracle among edge oracles, measured as networks are; and among those who guess."""
    task = graph_walks(length=60)
    seen = worlds.steps(task.world, task.walks(300, torch.Generator().manual_seed(1)))
    share = (10 * seen.nodes - 1).div(task.world.nodes, rounding_mode="floor")
    node, edge = (one(seen, task.labels) for one in (worlds.node_oracle, worlds.edge_oracle))

    def measured(right: torch.Tensor) -> dict[str, float]:
        gaps = {f"to_{name}": _binned(right, share) - _binned(one, share) for name, one in oracles.items()}
        found = {name: float(np.sqrt(np.nanmean(gap**2))) for name, gap in gaps.items()}
        masks = {"visited": seen.visited, "zero_shot": seen.zero_shot}
        return found | {name: float(right[mask].double().mean()) for name, mask in masks.items()}

    oracles = {"nodes": node, "edges": edge}
    assert answers(claim, figures(measured(node), measured(edge))) == 4 * [True]
    guess = measured(torch.full_like(node, 1 / task.labels))
    assert answers(claim, figures(guess, guess)) == 4 * [None]


def test_the_transformer_must_follow_nodes():
    found = figures(NODE, EDGE)
    assert claim.holds(found | {"tem_transformer_zero_shot": 0.94}) is False
    assert claim.holds(found | {"tem_transformer_to_nodes": 0.08}) is False
    assert claim.holds(figures(EDGE, EDGE)) is False


def test_it_is_open_where_nobody_learned():
    nobody = NODE | {"visited": 0.3}
    assert claim.holds(figures(nobody, EDGE | {"visited": 0.2})) is None
    assert claim.holds(figures(nobody | {"zero_shot": 0.3}, EDGE)) is False


def test_tenths_of_the_share_of_nodes():
    right = torch.tensor([[1.0, 0.0, 1.0], [1.0, 1.0, 0.0]])
    lines = _binned(right, torch.tensor([[0, 1, 9], [0, 1, 1]]))
    assert lines[[0, 1, 9]] == pytest.approx([1.0, 1 / 3, 1.0])
    assert np.isnan(lines[2:9]).all()


def test_the_node_oracle_follows_the_share_of_nodes():
    """On a complete graph the next node is any other, so the oracle is right as often as others were seen."""
    world = worlds.graph([(a, b) for a in range(10) for b in range(a)], 10)
    seen = worlds.steps(world, worlds.walks(world, 4000, 40, 50, torch.Generator().manual_seed(1)))
    line = _binned(worlds.node_oracle(seen, 50), seen.nodes - 1)
    share = np.arange(10) / 9
    assert line == pytest.approx(share + (1 - share) / 50, abs=0.02)


def test_who_knows_the_torus_attends_to_the_place_and_comes_back():
    task = graph_walks()
    reader = tem_transformer(replace(small, hidden=16), task)
    layer = reader.layer
    assert isinstance(layer, TemTransformer)
    with torch.no_grad():
        layer.first.copy_(torch.eye(16)[0])
        layer.move.copy_(torch.eye(16)[task.world.successor.T])
        layer.sharpness.fill_(5.0)
    walked = task.walks(50, torch.Generator().manual_seed(1))
    seen, x = worlds.steps(task.world, walked), task.encode(walked).x
    inside = _inside(reader, x, walked, seen)
    assert inside["place"] == pytest.approx(1) and inside["closure"] == pytest.approx(0)
    assert inside["place_shuffled"] < 0.15
    assert (_answers(reader, x) == walked.label[:, 1:])[seen.visited].all()


def test_the_agents_meet_the_limits_and_one_who_forgets_edges_does_not(monkeypatch: pytest.MonkeyPatch):
    assert exact_answers("tem_transformer_nodes") == 4 * [True]

    def links_alone(walked: worlds.Walks, seen: worlds.Steps) -> Tensor:
        """The machine remembers no more than links taken."""
        return torch.where(seen.new_edge, 0, walked.label[:, 1:])

    monkeypatch.setattr(tem_transformer_nodes, "node_agent", links_alone)
    assert exact_answers("tem_transformer_nodes") == [False, False, False, True]
