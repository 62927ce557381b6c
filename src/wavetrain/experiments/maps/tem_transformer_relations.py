"""Are ranks and family relations inferred that were never presented?

Whittington et al. 2022, arXiv 2112.04035, on the structures of Whittington et al. 2020, Cell 183:1249: a line
of items in an unknown order, as in transitive inference (Dusek and Eichenbaum 1997), and a family tree. The
TEM-transformer and an LSTM see the same sequences, steps and search: each learning rate for `trial` steps,
the lowest training loss wins. The figures are accuracies at items seen before, behind pairs of items that no
step led between before, either way round. On the line there is also the question put to rats: after steps
between neighbours alone, which of two inner items that are no neighbours is the higher one? The answer is the
direction whose ranks together give the other item more probability.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from wavetrain.core import HeldOut
from wavetrain.evidence.claims import Claim, Figure, Measured, Part, given
from wavetrain.experiments.maps._shared import LogShares, edge_agent, hits, node_agent
from wavetrain.layers.attention.tem_transformer import TemTransformer
from wavetrain.layers.gate.lstm import LSTM
from wavetrain.parts import worlds
from wavetrain.parts.reader import Reader
from wavetrain.tasks.maps._shared import Walking
from wavetrain.tasks.maps.family_tree import family_tree
from wavetrain.tasks.maps.transitive_inference import transitive_inference
from wavetrain.train.lab import Lab, Plan, curve

INFERS, AHEAD, LEARNED = 0.8, 0.3, 0.5


def _learned(figures: Measured) -> bool:
    """On each structure, one of the networks is right at half of the items seen before."""
    return not any(
        max(figures[f"tem_transformer_{name}_known"], figures[f"lstm_{name}_known"]) < LEARNED
        for name in ("line", "family")
    )


def _ahead(name: str) -> Callable[[Measured], bool]:
    return lambda figures: not figures[f"tem_transformer_{name}"] < figures[f"lstm_{name}"] + AHEAD


claim = Claim(
    title="The TEM-transformer infers ranks and family relations never shown",
    sentence="Behind pairs of items that were never presented together, a TEM-transformer is right at least "
    "80% of the time, on a line of ranks and in a family tree, and 0.3 above an LSTM.",
    topic="Cognitive maps",
    source="Whittington et al. 2022, arXiv 2112.04035; structures of Whittington et al. 2020, Cell 183:1249",
    systems=("tem_transformer", "lstm", "transitive_inference", "family_tree"),
    parts=(
        Part(
            says="On a line of ranks, the TEM-transformer is right behind at least 80% of the pairs never "
            "presented.",
            figures=("tem_transformer_line", "tem_transformer_line_known"),
            holds=given(_learned, lambda figures: figures["tem_transformer_line"] >= INFERS),
        ),
        Part(
            says="There it is at least 0.3 above the LSTM.",
            figures=("tem_transformer_line", "lstm_line"),
            holds=given(_learned, _ahead("line")),
        ),
        Part(
            says="In a family tree, the TEM-transformer is right behind at least 80% of the pairs never "
            "presented.",
            figures=("tem_transformer_family", "tem_transformer_family_known"),
            holds=given(_learned, lambda figures: figures["tem_transformer_family"] >= INFERS),
        ),
        Part(
            says="There, too, it is at least 0.3 above the LSTM.",
            figures=("tem_transformer_family", "lstm_family"),
            holds=given(_learned, _ahead("family")),
        ),
    ),
    figures=(
        Figure(name="{net}_order", says="answers right on which of two items is higher, {net}", unit="share"),
        Figure(
            name="{net:tem_transformer|lstm}_{world}_known",
            says="answers right at all items seen before, {world}, {net}",
            unit="share",
        ),
        Figure(
            name="{net:tem_transformer|lstm}_{world}",
            says="answers right behind pairs never presented, {world}, {net}",
            unit="share",
        ),
    ),
    names={"tem_transformer": "TEM-transformer", "line": "line of ranks", "family": "family tree"},
    notes="The paper prints no such figure: it trains the TEM-transformer on grids. These structures are "
    "those of the Tolman-Eichenbaum machine, to which it is related. The thresholds are ours. A run can tell "
    "only where, on each structure, one of the two is right at half of the items seen before. `known` is the "
    "accuracy at all items seen before; `order` is that of the question which of two items is higher, where "
    "guessing is right half of the time.",
)


@dataclass(frozen=True, kw_only=True)
class Scale:
    items: int
    line_length: int
    levels: int
    family_length: int
    labels: int
    hidden: int  # of the place
    width: int  # of the LSTM
    steps: int
    trial: int
    batch: int
    rates: tuple[float, ...]
    every: int
    tested: int  # sequences


smoke = Scale(
    items=5,
    line_length=10,
    levels=1,
    family_length=6,
    labels=5,
    hidden=8,
    width=8,
    steps=4,
    trial=2,
    batch=4,
    rates=(1e-3,),
    every=2,
    tested=50,
)
small = Scale(
    items=6,
    line_length=24,
    levels=3,
    family_length=64,
    labels=20,
    hidden=32,
    width=128,
    steps=600,
    trial=100,
    batch=32,
    rates=(3e-3, 1e-3),
    every=100,
    tested=500,
)
full = Scale(
    items=6,
    line_length=50,
    levels=4,
    family_length=500,
    labels=45,
    hidden=128,
    width=512,
    steps=20_000,
    trial=500,
    batch=64,
    rates=(3e-3, 1e-3),
    every=500,
    tested=500,
)


def tem_transformer(scale: Scale, task: Walking) -> Reader:
    layer = TemTransformer(task.outputs, task.inputs, len(task.world.actions), scale.hidden)
    reader = Reader(layer, task.outputs, every_step=True)
    reader.read = LogShares()
    return reader


def lstm(scale: Scale, task: Walking) -> Reader:
    return Reader(LSTM(scale.width, task.inputs), task.outputs, every_step=True)


def run(scale: Scale, lab: Lab) -> dict[str, float]:
    plan = Plan(scale.steps, scale.batch, rate=0.0, clip=1.0, every=scale.every, held_out=200)
    figures: dict[str, float] = {}
    for word, task in _tasks(scale).items():
        walked, seen = _held_out(task, scale)
        x = task.encode(walked).x.to(lab.device)
        ends = {}
        for make in (tem_transformer, lstm):
            name = make.__name__
            build = partial(make, scale, task)
            ends[name] = lab.tuned(f"{name}-{word}", build, task, plan, scale.trial, scale.rates, (1.0,))
            right = hits(_chances(ends[name].network, x).argmax(-1), walked)
            figures |= _figures(f"{name}_{word}", right, seen)
            if word == "line":
                figures[f"{name}_order"] = _order(ends[name].network, task, scale, lab.device)
        title = {"line": "Items in an unknown order", "family": "Family tree"}[word]
        lab.show(word, curve(title, ends, "accuracy at known items, held out"))
    return figures


def exact(scale: Scale, lab: Lab) -> dict[str, float]:
    """The node agent in the place of the TEM-transformer, and the edge agent in that of the LSTM."""
    figures: dict[str, float] = {}
    for word, task in _tasks(scale).items():
        walked, seen = _held_out(task, scale)
        for name, agent in (("tem_transformer", node_agent), ("lstm", edge_agent)):
            figures |= _figures(f"{name}_{word}", hits(agent(walked, seen), walked), seen)
    return figures


def _tasks(scale: Scale) -> dict[str, Walking]:
    return {
        "line": transitive_inference(scale.items, length=scale.line_length, labels=scale.labels),
        "family": family_tree(scale.levels, scale.family_length, scale.labels),
    }


def _held_out(task: Walking, scale: Scale) -> tuple[worlds.Walks, worlds.Steps]:
    walked = worlds.Walks(*(part[: scale.tested] for part in task.test_walks()))
    return walked, worlds.steps(task.world, walked)


def _figures(name: str, right: Tensor, seen: worlds.Steps) -> dict[str, float]:
    """Accuracies behind pairs of items that no step linked before, and at all items seen before."""
    return {
        name: float(right[seen.visited & seen.new_pair].mean()),
        f"{name}_known": float(right[seen.visited].mean()),
    }


@torch.no_grad()
def _chances(network: nn.Module, x: Tensor) -> Tensor:
    """The probability of each label at each step, (B, T, labels)."""
    return torch.cat([network(part)[..., 1:].softmax(-1) for part in x.split(250)]).cpu()


def _order(network: nn.Module, task: Walking, scale: Scale, device: torch.device) -> float:
    """How often the higher one of two inner items is told, after steps between neighbours alone."""
    items = task.world.nodes
    neighbours = worlds.line(items)  # its actions are the first two of the task's line
    dice = HeldOut.MORE.generator()
    walked = worlds.walks(neighbours, scale.tested, task.length, task.labels, dice, unique=True)
    x = task.encode(walked).x
    said = []
    for action in range(len(task.world.actions)):
        x[:, -1, 1 + task.labels :] = torch.eye(len(task.world.actions))[action]
        said.append(_chances(network, x.to(device))[:, -1])
    up, down = torch.stack(said[::2]).sum(0), torch.stack(said[1::2]).sum(0)  # +1, -1, +2, -2, ...
    node, label = walked.node[:, :-1], walked.label[:, :-1]
    here, other = node[:, -1:], torch.arange(items)  # from the last item of each sequence to all others
    met = torch.zeros(len(node), items, dtype=torch.bool).scatter(1, node, True)
    inner = (other > 0) & (other < items - 1) & (here > 0) & (here < items - 1)
    asked = met & inner & ((other - here).abs() >= 2)
    of = torch.zeros(len(node), items, dtype=torch.long).scatter(1, node, label)  # the label of each item
    higher = up.gather(1, of) > down.gather(1, of)
    return float((higher == (other > here))[asked].double().mean())
