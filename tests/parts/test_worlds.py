"""Worlds: what must hold in each structure, what walks remember, and what the two oracles know."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.sparse.csgraph import shortest_path
from torch import Tensor

from wavetrain.errors import BadInput
from wavetrain.parts import worlds
from wavetrain.parts.worlds import World

WORLDS = {
    "square": worlds.square(4, 3),
    "torus": worlds.square(4, 5, torus=True),
    "hexagonal": worlds.hexagonal(3),
    "line": worlds.line(6, 4),
    "ring": worlds.ring(7, (1, 3)),
    "tree": worlds.tree(3),
    "graph": worlds.graph([(0, 1), (1, 2), (2, 0), (2, 3)], 4),
    "standing": worlds.standing(worlds.square(3)),
}
every_world = pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def go(world: World, node: Tensor, *names: str) -> Tensor:
    """Where actions lead from nodes, -1 once one of them is not there."""
    for name in names:
        node = torch.where(node >= 0, world.successor[node, world.actions.index(name)], -1)
    return node


def everywhere(world: World) -> Tensor:
    return torch.arange(world.nodes)


@pytest.mark.parametrize(("there", "back"), [("N", "S"), ("E", "W"), ("S", "N"), ("W", "E")])
def test_opposite_steps_on_a_grid_undo_each_other(there: str, back: str):
    for world in (worlds.square(4, 3), worlds.square(4, 3, torus=True)):
        returned = go(world, everywhere(world), there, back)
        inside = go(world, everywhere(world), there) >= 0
        assert torch.equal(returned[inside], everywhere(world)[inside])


def test_steps_on_a_torus_commute_and_close():
    world = WORLDS["torus"]
    for one in world.actions:
        for other in world.actions:
            assert torch.equal(
                go(world, everywhere(world), one, other), go(world, everywhere(world), other, one)
            )
    assert torch.equal(go(world, everywhere(world), *"NESW"), everywhere(world))
    assert torch.equal(go(world, everywhere(world), *"EEEE"), everywhere(world))  # 4 nodes wide
    assert torch.equal(go(world, everywhere(world), *"NNNNN"), everywhere(world))  # and 5 high


def test_north_is_up_and_the_walls_are_shut():
    world = worlds.square(3, 2)
    assert world.successor.tolist() == [
        *([-1, 1, 3, -1], [-1, 2, 4, 0], [-1, -1, 5, 1]),
        *([0, 4, -1, -1], [1, 5, -1, 3], [2, -1, -1, 4]),
    ]
    assert world.position[0].tolist() == [0, 0] and world.position[5].tolist() == [2, -1]


@pytest.mark.parametrize(("side", "nodes"), [(2, 7), (3, 19), (5, 61)])
def test_hexagon(side: int, nodes: int):
    world = worlds.hexagonal(side)
    rows = world.position[:, 1].unique(return_counts=True)[1].tolist()
    assert world.nodes == nodes == 3 * side * (side - 1) + 1
    assert rows == [*range(side, 2 * side), *range(2 * side - 2, side - 1, -1)]
    node, action = (world.successor >= 0).nonzero(as_tuple=True)
    step = world.position[world.successor[node, action]] - world.position[node]
    angle = action * np.pi / 3  # action k is 60 k degrees
    torch.testing.assert_close(step, torch.stack([angle.cos(), angle.sin()], 1), rtol=0, atol=1e-5)
    assert world.links == 2 * (9 * side**2 - 15 * side + 6)


@pytest.mark.parametrize("nodes", [7, 100])
def test_the_nodes_of_a_ring_are_drawn_a_step_apart_along_it(nodes: int):
    place = worlds.ring(nodes).position
    way = math.dist(place[0].tolist(), place[1].tolist())
    assert way == pytest.approx(nodes / math.pi * math.sin(math.pi / nodes), rel=1e-5) and 0.95 < way <= 1


def test_relations_on_a_line_and_a_ring_add():
    line, ring = WORLDS["line"], WORLDS["ring"]
    assert line.actions == ("+1", "-1", "+2", "-2", "+3", "-3", "+4", "-4")
    assert go(line, everywhere(line), "+3").tolist() == [3, 4, 5, -1, -1, -1]
    assert torch.equal(go(ring, everywhere(ring), "+3", "-1"), (everywhere(ring) + 2) % 7)
    assert torch.equal(go(ring, everywhere(ring), "+3", "-3"), everywhere(ring))
    assert line.links == 2 * (5 + 4 + 3 + 2)


def test_children_have_their_parent():
    for world in (worlds.tree(3), worlds.tree(2, branches=3)):
        for name in world.actions[1:]:
            below = go(world, everywhere(world), name)
            inside = below >= 0
            assert torch.equal(go(world, below[inside], "parent"), everywhere(world)[inside])
        assert world.links == 2 * (world.nodes - 1) and world.successor[0, 0] == -1
    assert worlds.tree(3).nodes == 15 and worlds.tree(2, 3).nodes == 13


def test_any_graph():
    world = WORLDS["graph"]
    assert world.actions == ("to 0", "to 1", "to 2", "to 3")
    assert world.successor.tolist() == [[-1, 1, 2, -1], [0, -1, 2, -1], [0, 1, -1, 3], [-1, -1, 2, -1]]


@every_world
def test_walks_follow_links_and_labels_belong_to_nodes(world: World):
    walked = worlds.walks(world, 30, 50, 12, generator(), straight=2.0)
    assert torch.equal(world.successor[walked.node[:, :-1], walked.action], walked.node[:, 1:])
    given = torch.full((30, world.nodes), -1).scatter(1, walked.node, walked.label)
    assert torch.equal(given.gather(1, walked.node), walked.label)
    assert walked.label.min() >= 0 and walked.label.max() < 12


def test_unique_labels_are_all_different():
    world = worlds.ring(9)
    walked = worlds.walks(world, 40, 200, 9, generator(), unique=True)
    given = torch.full((40, 9), -1).scatter(1, walked.node, walked.label)
    assert (given.sort(1).values == torch.arange(9)).all(
        1
    ).float().mean() > 0.9  # all nodes of most walks met
    with pytest.raises(BadInput, match="9 nodes need as many unique labels, got 8"):
        worlds.walks(world, 1, 2, 8, generator(), unique=True)


@pytest.mark.parametrize(("straight", "share"), [(1.0, 1 / 4), (2.0, 2 / 5), (6.0, 6 / 9)])
def test_straight_walks(straight: float, share: float):
    action = worlds.walks(WORLDS["torus"], 400, 101, 2, generator(), straight).action
    again = (action[:, 1:] == action[:, :-1]).double().mean()
    assert abs(again - share) < 5 * np.sqrt(share * (1 - share) / 40_000)


@every_world
def test_steps_are_what_a_plain_memory_says(world: World):
    walked = worlds.walks(world, 8, 40, 5, generator(2))
    seen = worlds.steps(world, walked)
    for row in range(8):
        node, action = walked.node[row].tolist(), walked.action[row].tolist()
        edges: set[tuple[int, int]] = set()
        pairs: set[frozenset[int]] = set()
        for t, (here, there) in enumerate(pairwise(node)):
            visits = [s for s in range(t + 1) if node[s] == there]
            moved = here != there
            assert seen.visited[row, t] == bool(visits)
            assert seen.since[row, t] == (t + 1 - visits[-1] if visits else 0)
            assert seen.new_edge[row, t] == (moved and (here, action[t]) not in edges)
            assert seen.new_pair[row, t] == (moved and frozenset((here, there)) not in pairs)
            assert seen.reversal[row, t] == (t > 0 and moved and node[t - 1] == there)
            assert seen.nodes[row, t] == len(set(node[: t + 1])) and seen.edges[row, t] == len(edges)
            if moved:
                edges.add((here, action[t]))
                pairs.add(frozenset((here, there)))
    assert torch.equal(seen.zero_shot, seen.visited & seen.new_edge)


@every_world
def test_loops_are_shortest_ways_walked(world: World):
    walked = worlds.walks(world, 4, 25, 5, generator(3))
    closed = worlds.loops(world, walked)
    for row, node in enumerate(walked.node.tolist()):
        links = np.zeros((world.nodes, world.nodes))
        for t, (here, there) in enumerate(pairwise(node)):
            way = shortest_path(links, directed=False, unweighted=True)[here, there]
            assert closed[row, t] == (way + 1 if here != there and np.isfinite(way) else 0)
            links[here, there] = float(here != there)


def test_loops_on_a_grid_are_even_and_a_tree_has_none():
    world = worlds.square(4)
    found = worlds.loops(world, worlds.walks(world, 50, 60, 5, generator())).unique().tolist()
    assert found[:3] == [0, 2, 4] and all(loop % 2 == 0 for loop in found)
    tree = worlds.tree(3)
    assert worlds.loops(tree, worlds.walks(tree, 50, 60, 5, generator())).unique().tolist() == [0, 2]


@every_world
def test_oracles(world: World):
    """The node oracle is right at known nodes; the edge oracle guesses behind new links, by construction."""
    seen = worlds.steps(world, worlds.walks(world, 50, 40, 5, generator()))
    node, edge = worlds.node_oracle(seen, 5), worlds.edge_oracle(seen, 5)
    assert (node[seen.visited] == 1).all() and (node[~seen.visited] == 0.2).all()
    assert (edge[seen.zero_shot] == 0.2).all() and (edge <= node).all()
    assert (edge[seen.visited & ~seen.new_edge] == 1).all()


def test_disconnected_worlds_are_refused():
    with pytest.raises(
        BadInput, match=r"connected graph.*4 nodes in 2 parts: .* from node 0 to node 2 and back"
    ):
        worlds.graph([(0, 1), (2, 3)], 4)
    one_way = torch.tensor([[1], [2], [2]])
    with pytest.raises(BadInput, match="no way from node 0 to node"):
        World(one_way, ("on",), torch.zeros(3, 2))
    with pytest.raises(BadInput, match="links between its 1 nodes, got none"):
        worlds.square(1)


def test_worlds_that_do_not_fit_are_refused():
    with pytest.raises(BadInput, match=r"successor \(2, 1\), 2 names"):
        World(torch.tensor([[1], [0]]), ("on", "back"), torch.zeros(2, 2))
    with pytest.raises(BadInput, match="whole numbers from -1 to 1"):
        World(torch.tensor([[2], [0]]), ("on",), torch.zeros(2, 2))
    with pytest.raises(BadInput, match=r"nodes 0 to 2, got \(0, 3\)"):
        worlds.graph([(0, 3)], 3)
    with pytest.raises(BadInput, match="line: nodes must be a whole number of at least 5, got 4"):
        worlds.line(4, jump=4)
    for levels, branches in ((0, 2), (2, 0)):
        with pytest.raises(BadInput, match=r"tree: .* must be a whole number of at least 1, got 0"):
            worlds.tree(levels, branches)
    with pytest.raises(BadInput, match="straight must be above 0, got 0"):
        worlds.walks(worlds.ring(3), 1, 2, 8, generator(), straight=0.0)
