"""Worlds to walk in: graphs whose structure is shared, and whose labels are new for each walk.

Whittington et al. 2020, Cell 183:1249. Who has understood the structure can tell the label behind a link that
was never taken, if the node behind it was seen before, on whatever other way.

    World                  which node lies behind which action at which node
    square, hexagonal, line, ring, tree, graph, standing      makers
    walks    -> Walks      random walks, with labels
    steps    -> Steps      what is new and what is known at each step of a walk
    loops                  how long the loop is that a step closes
    node_oracle, edge_oracle      accuracies of who knows all nodes seen, and of who knows all links taken

A walk of T steps visits T + 1 nodes. Everything that is told of steps is (B, T): step t leads from node t by
action t to node t + 1. Walks repeat an action with more probability where `straight` is above 1, as in the
authors' later programs; left out is the heading with jitter of their first.
"""
# Above 300 lines: one file, since all worlds share the walk, the steps and the oracles.

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from wavetrain.errors import BadInput


@dataclass(frozen=True, eq=False)
class World:
    """A graph with named actions. Every node must be reachable from every other."""

    # the node behind an action, -1 where the action is not there
    successor: Int[Tensor, "nodes actions"] = field(repr=False)
    actions: tuple[str, ...]  # their names
    position: Float[Tensor, "nodes 2"] = field(repr=False)  # where to draw a node, in steps

    def __post_init__(self) -> None:
        shape = tuple(self.successor.shape)
        if len(shape) != 2 or len(self.actions) != shape[1] or self.position.shape != (shape[0], 2):
            raise BadInput(
                f"World: expected successor (N, A), A names and position (N, 2), got successor {shape}, "
                f"{len(self.actions)} names and position {tuple(self.position.shape)}"
            )
        if (
            self.successor.dtype != torch.long
            or not ((self.successor >= -1) & (self.successor < shape[0])).all()
        ):
            raise BadInput(f"World: expected successor of whole numbers from -1 to {shape[0] - 1}")
        node, action = (self.successor >= 0).nonzero(as_tuple=True)
        if not len(node):
            raise BadInput(f"World: expected links between its {self.nodes} nodes, got none")
        linked = np.zeros((self.nodes, self.nodes), dtype=bool)
        linked[node, self.successor[node, action]] = True
        count, part = connected_components(linked, connection="strong")
        if count > 1:
            other = int((part != part[0]).argmax())
            raise BadInput(
                f"World: expected a connected graph, got {self.nodes} nodes in {count} parts: "
                f"there is no way from node 0 to node {other} and back"
            )

    @property
    def nodes(self) -> int:
        return len(self.successor)

    @property
    def links(self) -> int:
        """How many pairs of node and action there are."""
        return int((self.successor >= 0).sum())


def square(width: int, height: int | None = None, torus: bool = False) -> World:
    """A grid of width x height nodes, rows from the north-west; actions N, E, S, W; walls but on a torus."""
    height = width if height is None else height
    _sizes("square", 1, width=width, height=height)
    x, y = torch.arange(width).repeat(height), torch.arange(height).repeat_interleave(width)
    columns = []
    for dx, dy in ((0, -1), (1, 0), (0, 1), (-1, 0)):
        to_x, to_y = x + dx, y + dy
        inside = (to_x >= 0) & (to_x < width) & (to_y >= 0) & (to_y < height)
        to = to_y % height * width + to_x % width
        columns.append(to if torus else torch.where(inside, to, -1))
    return World(torch.stack(columns, 1), ("N", "E", "S", "W"), torch.stack([x, -y], 1).float())


def hexagonal(side: int) -> World:
    """A hexagon of nodes, rows of side, side + 1, ..., 2 side - 1, ..., side; actions 60 degrees apart."""
    _sizes("hexagonal", 2, side=side)
    reach = side - 1
    places = [
        (q, r) for r in range(-reach, side) for q in range(-reach, side) if abs(q + r) <= reach
    ]  # r: row from the south; q: place in it, which moves on by half a step a row
    index = {place: node for node, place in enumerate(places)}
    moves = ((1, 0), (0, 1), (-1, 1), (-1, 0), (0, -1), (1, -1))
    successor = [[index.get((q + dq, r + dr), -1) for dq, dr in moves] for q, r in places]
    position = [(q + r / 2, r * math.sqrt(0.75)) for q, r in places]
    names = tuple(f"{angle} degrees" for angle in range(0, 360, 60))
    return World(torch.tensor(successor), names, torch.tensor(position))


def line(nodes: int, jump: int = 1) -> World:
    """Nodes in a row; actions +1, -1, ... to +jump, -jump."""
    _sizes("line", 1, jump=jump)
    _sizes("line", jump + 1, nodes=nodes)
    place, sizes = torch.arange(nodes), _jumps(range(1, jump + 1))
    to = place[:, None] + torch.tensor(sizes)
    inside = (to >= 0) & (to < nodes)
    position = torch.stack([place, torch.zeros(nodes)], 1).float()
    return World(torch.where(inside, to, -1), _names(sizes), position)


def ring(nodes: int, jumps: Iterable[int] = (1,)) -> World:
    """Nodes in a circle; for each jump k the actions +k and -k."""
    _sizes("ring", 2, nodes=nodes)
    sizes = _jumps(jumps)
    to = (torch.arange(nodes)[:, None] + torch.tensor(sizes)) % nodes
    return World(to, _names(sizes), _circle(nodes))


def tree(levels: int, branches: int = 2) -> World:
    """A root, and `levels` generations under it; actions: parent, child 1, child 2, ..."""
    _sizes("tree", 1, levels=levels, branches=branches)
    nodes = sum(branches**level for level in range(levels + 1))
    node = torch.arange(nodes)
    child = branches * node[:, None] + 1 + torch.arange(branches)  # (N, branches)
    parent = torch.where(node > 0, (node - 1).div(branches, rounding_mode="floor"), -1)
    successor = torch.cat([parent[:, None], torch.where(child < nodes, child, -1)], 1)
    names = ("parent", *(f"child {place}" for place in range(1, branches + 1)))
    return World(successor, names, layers(branches, levels))


def graph(pairs: Iterable[tuple[int, int]], nodes: int) -> World:
    """Any graph of links that go both ways; action k leads to node k, from the nodes linked with it."""
    _sizes("graph", 2, nodes=nodes)
    successor = torch.full((nodes, nodes), -1)
    for one, other in pairs:
        if not (0 <= one < nodes and 0 <= other < nodes):
            raise BadInput(f"graph: expected links between nodes 0 to {nodes - 1}, got ({one}, {other})")
        successor[one, other], successor[other, one] = other, one
    return World(successor, tuple(f"to {node}" for node in range(nodes)), _circle(nodes))


def standing(world: World) -> World:
    """The same world with one more action: stay."""
    stay = torch.arange(world.nodes)[:, None]
    return World(torch.cat([world.successor, stay], 1), (*world.actions, "stay"), world.position)


def layers(branches: int, levels: int) -> Float[Tensor, "nodes 2"]:
    """Where to draw the nodes of a tree: a generation a row, each spread over the same width."""
    rows = [
        (branches**levels * (place + 0.5) / branches**level, -float(level))
        for level in range(levels + 1)
        for place in range(branches**level)
    ]
    return torch.tensor(rows)


class Walks(NamedTuple):
    """Walks, each with labels of its own. A walk has one node more than it has steps."""

    node: Int[Tensor, "batch nodes"]
    action: Int[Tensor, "batch time"]  # which leads from node t to node t + 1
    label: Int[Tensor, "batch nodes"]  # what is seen at the nodes, from 0 to labels - 1


class Steps(NamedTuple):
    """What is known before each step. Standing still takes no link and meets a visited node."""

    visited: Bool[Tensor, "batch time"]  # whether the node it leads to was seen before
    new_edge: Bool[Tensor, "batch time"]  # whether this action was never taken at this node before
    # whether no step ever led from one of its two nodes to the other, either way round
    new_pair: Bool[Tensor, "batch time"]
    reversal: Bool[Tensor, "batch time"]  # whether it undoes the step before
    # steps since the last visit to the node it leads to, 0 where there was none
    since: Int[Tensor, "batch time"]
    nodes: Int[Tensor, "batch time"]  # how many nodes were seen before it
    edges: Int[Tensor, "batch time"]  # how many links were taken before it

    @property
    def zero_shot(self) -> Bool[Tensor, "batch time"]:
        """A known node behind a link that was never taken."""
        return self.visited & self.new_edge


def walks(
    world: World,
    batch: int,
    length: int,
    labels: int,
    generator: torch.Generator,
    straight: float = 1.0,
    unique: bool = False,
) -> Walks:
    """Random walks from random nodes, each with new labels, drawn with replacement but where `unique`.

    All actions at a node are as likely, but for the last one, if it is there: `straight` times as likely.
    """
    if not straight > 0:
        raise BadInput(f"walks: straight must be above 0, got {straight!r}")
    if unique and labels < world.nodes:
        raise BadInput(f"walks: {world.nodes} nodes need as many unique labels, got {labels}")
    if unique:
        given = torch.rand(batch, labels, generator=generator).argsort(1)[:, : world.nodes]
    else:
        given = torch.randint(labels, (batch, world.nodes), generator=generator)
    there = (world.successor >= 0).float()
    last = torch.zeros(batch, there.shape[1])
    nodes, actions = [torch.randint(world.nodes, (batch,), generator=generator)], []
    for dice in torch.rand(length, batch, 1, generator=generator):
        reach = (there[nodes[-1]] * (1 + (straight - 1) * last)).cumsum(1)  # (B, A)
        action = (reach <= dice * reach[:, -1:]).sum(1)  # the first whose reach is above the dice
        nodes.append(world.successor[nodes[-1], action])
        actions.append(action)
        last = torch.nn.functional.one_hot(action, there.shape[1]).float()
    node = torch.stack(nodes, 1)
    return Walks(node, torch.stack(actions, 1), given.gather(1, node))


def steps(world: World, walked: Walks) -> Steps:
    """What is new and what is known at each step of walks."""
    node, action, _ = walked
    here, there = node[:, :-1], node[:, 1:]
    moved = here != there
    before = _before(node)
    edge = _before(torch.where(moved, here * len(world.actions) + action, -1))
    pair = _before(
        torch.where(moved, torch.minimum(here, there) * world.nodes + torch.maximum(here, there), -1)
    )
    new_edge = moved & (edge < 0)
    back = torch.zeros_like(moved)
    back[:, 1:] = moved[:, 1:] & (node[:, 2:] == node[:, :-2])
    now = torch.arange(1, node.shape[1])
    return Steps(
        visited=before[:, 1:] >= 0,
        new_edge=new_edge,
        new_pair=moved & (pair < 0),
        reversal=back,
        since=torch.where(before[:, 1:] >= 0, now - before[:, 1:], 0),
        nodes=(before[:, :-1] < 0).cumsum(1),
        edges=new_edge.cumsum(1) - new_edge.long(),
    )


def loops(world: World, walked: Walks) -> Int[Tensor, "batch time"]:
    """The length of the shortest loop that each step closes; links walked so far count both ways.

    2 where the same two nodes were linked before, 0 where the node is new or the walk stands still.
    """
    node = walked.node
    batch, far = torch.arange(len(node)), 2 * world.nodes
    way = torch.full((len(node), world.nodes, world.nodes), far, dtype=torch.int16)  # shortest ways walked
    way.diagonal(dim1=1, dim2=2).zero_()
    closed = []
    for here, there in zip(node.T[:-1], node.T[1:], strict=True):
        known = way[batch, here, there].long()
        closed.append(torch.where((known > 0) & (known < far), known + 1, 0))
        to, on = way[batch, here] + 1, way[batch, there] + 1  # (B, N) from each end, and over the new link
        shorter = torch.minimum(
            to[:, :, None] + way[batch, there][:, None], on[:, :, None] + way[batch, here][:, None]
        )
        moved = (here != there)[:, None, None]
        way = torch.where(moved, torch.minimum(way, shorter), way)
    return torch.stack(closed, 1)


def node_oracle(seen: Steps, labels: int) -> Float[Tensor, "batch time"]:
    """The accuracy of who remembers every node and knows where each step leads."""
    return torch.where(seen.visited, 1.0, 1 / labels)


def edge_oracle(seen: Steps, labels: int) -> Float[Tensor, "batch time"]:
    """The accuracy of who remembers what came after every link, and nothing else."""
    return torch.where(seen.visited & ~seen.new_edge, 1.0, 1 / labels)


def _before(key: Tensor) -> Tensor:
    """The last earlier place with the same key in each row of (B, T), -1 where there is none."""
    order = key.argsort(dim=1, stable=True)
    sorted_ = key.gather(1, order)
    earlier = torch.where(sorted_[:, 1:] == sorted_[:, :-1], order[:, :-1], -1)
    return torch.full_like(key, -1).scatter(1, order[:, 1:], earlier)


def _circle(nodes: int) -> Tensor:
    """Nodes a step apart on a circle, (N, 2)."""
    angle = 2 * math.pi * torch.arange(nodes) / nodes
    return nodes / (2 * math.pi) * torch.stack([angle.cos(), angle.sin()], 1)


def _jumps(sizes: Iterable[int]) -> list[int]:
    return [sign * size for size in sizes for sign in (1, -1)]


def _names(sizes: list[int]) -> tuple[str, ...]:
    return tuple(f"{size:+d}" for size in sizes)


def _sizes(maker: str, least: int, **sizes: int) -> None:
    for size, value in sizes.items():
        if not isinstance(value, int) or value < least:
            raise BadInput(f"{maker}: {size} must be a whole number of at least {least}, got {value!r}")
