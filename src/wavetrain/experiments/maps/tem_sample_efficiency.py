"""Does the transformer form of the Tolman-Eichenbaum machine learn a map in fewer training steps?

Whittington, Warren and Behrens 2022, ICLR, arXiv 2112.04035: TEM-t and TEM on the same walks. Both integrate
paths, bind places with observations and ask by place. One reads by a softmax over stored steps, the other by
a Hebbian attractor. Labels are new in each walk. The figures are the training steps until half of the
held-out answers are right behind edges that were never taken, where the node was seen, steps back left out;
and the share of such answers at the end. Both get the same walks, budget and rates. Where there are several
rates, each counts with the one that gets there first, or furthest.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from wavetrain.core import Batch, HeldOut, Rule, Task
from wavetrain.evidence.claims import Claim, Figure, Part, given
from wavetrain.experiments.maps._shared import LogShares
from wavetrain.layers.attention.tem_transformer import TemTransformer
from wavetrain.networks.tolman_eichenbaum import TolmanEichenbaum
from wavetrain.parts import worlds
from wavetrain.parts.reader import Reader
from wavetrain.rules.backpropagation import Backpropagation
from wavetrain.rules.by_chunks import ByChunks
from wavetrain.tasks.maps._shared import Walking
from wavetrain.tasks.maps.graph_walks import graph_walks
from wavetrain.train.lab import Lab, Mark, Plan, Training, curve

HALF = 0.5


claim = Claim(
    title="The transformer form of TEM learns a map in fewer training steps",
    sentence="A TEM-transformer answers half of the questions behind edges never taken after fewer "
    "training steps than a Tolman-Eichenbaum machine (TEM) on the same walks.",
    topic="Cognitive maps",
    source="Whittington, Warren and Behrens 2022, arXiv 2112.04035, accuracy over gradient updates",
    systems=("tem_transformer", "tolman_eichenbaum", "graph_walks"),
    parts=(
        Part(
            says="The transformer is right behind half of the edges never taken after fewer training steps "
            "than the machine.",
            figures=("steps_transformer", "steps_machine", "zero_shot_transformer", "zero_shot_machine"),
            holds=given(
                lambda figures: (
                    not max(figures["zero_shot_transformer"], figures["zero_shot_machine"]) < HALF
                ),
                lambda figures: figures["steps_transformer"] < figures["steps_machine"],
            ),
        ),
    ),
    published={"steps_transformer": "fewer, as a curve"},
    figures=(
        Figure(
            name="steps_{net}",
            says=(
                "training until half of the answers behind edges never taken are right or the "
                "budget ends, {net}"
            ),
            unit="steps",
        ),
        Figure(
            name="zero_shot_{net}",
            says="answers right behind edges never taken, at the end, {net}",
            unit="share",
        ),
    ),
    names={"transformer": "TEM-transformer", "machine": "Tolman-Eichenbaum machine"},
    notes="The paper shows curves of up to 20,000 updates and prints no figure; the limit of one half is "
    "ours. Steps that equal the budget mean at least so many. A run can tell only where one of the two gets "
    "there. The machine's schedules are part of it: its losses are phased in over the first 300 steps, and "
    "what its memory says about the place counts fully only after 400.",
)


@dataclass(frozen=True, kw_only=True)
class Scale:
    width: int  # of the torus
    labels: int
    length: int  # of a walk
    modules: tuple[int, ...]
    iterations: int  # of the attractor
    ramps: int  # the machine's `length`
    trust: int
    places: int  # channels of the transformer's place code
    steps: int
    batch: int
    rates: tuple[float, ...]
    every: int


smoke = Scale(
    width=2,
    labels=3,
    length=8,
    modules=(2, 2),
    iterations=1,
    ramps=4,
    trust=2,
    places=4,
    steps=4,
    batch=4,
    rates=(3e-3,),
    every=2,
)
small = Scale(
    width=4,
    labels=20,
    length=40,
    modules=(8, 6),
    iterations=2,
    ramps=300,
    trust=400,
    places=32,
    steps=500,
    batch=32,
    rates=(3e-3,),
    every=20,
)
full = Scale(
    width=8,
    labels=45,
    length=128,
    modules=(10, 10, 8, 6, 6),
    iterations=5,
    ramps=20_000,
    trust=400,
    places=128,
    steps=20_000,
    batch=16,
    rates=(1e-3, 3e-3),
    every=100,
)


@dataclass(frozen=True)
class NewEdges(Task):
    """Walks to learn from as they are; what is held out asks only behind edges that were never taken."""

    part: Walking

    tokens = False
    every_step = True

    def __post_init__(self) -> None:
        part = self.part
        self.set_facts(inputs=part.inputs, outputs=part.outputs, objective=part.objective, chance=part.chance)

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        return self.part.draw(batch, generator)

    def valid(self) -> Batch:
        return self._held_out(HeldOut.VALID)

    def test(self) -> Batch:
        return self._held_out(HeldOut.TEST)

    def _held_out(self, part: HeldOut) -> Batch:
        walked = self.part.walks(200, part.generator())
        seen, (x, y) = worlds.steps(self.part.world, walked), self.part.encode(walked)
        return Batch(x, torch.where(seen.zero_shot & ~seen.reversal, y, 0))


def run(scale: Scale, lab: Lab) -> dict[str, float]:
    world = worlds.square(scale.width, torus=True)
    task = NewEdges(graph_walks(world, scale.length, scale.labels))

    def machine() -> TolmanEichenbaum:
        sizes = (scale.ramps, scale.trust, scale.iterations)
        return TolmanEichenbaum(scale.labels, len(world.actions), scale.modules, *sizes)

    def transformer() -> Reader:
        layer = TemTransformer(task.outputs, task.inputs, len(world.actions), scale.places)
        reader = Reader(layer, task.outputs, task.every_step)
        reader.read = LogShares()
        return reader

    rivals: dict[str, tuple[Callable[[], nn.Module], Rule]] = {
        "transformer": (transformer, Backpropagation()),
        "machine": (machine, ByChunks(scale.length)),
    }
    ends: dict[str, Training] = {}
    for name, (make, rule) in rivals.items():
        tried = []
        for rate in scale.rates:
            plan = Plan(scale.steps, scale.batch, rate, clip=1.0, every=scale.every, until=_half)
            tried.append(lab.fit(f"{name}-{rate:g}", make, task, plan, rule))
        ends[name] = min(tried, key=_order)
    title = f"Walks on a torus of {world.nodes} nodes with new labels"
    lab.show("learning", curve(title, ends, "accuracy behind edges never taken"))
    return {f"steps_{name}": float(end.solved) for name, end in ends.items()} | {
        f"zero_shot_{name}": end.score for name, end in ends.items()
    }


def _half(mark: Mark) -> bool:
    return mark.score >= HALF


def _order(end: Training) -> tuple[float, float]:
    """First who gets there soonest, then who gets furthest; divergence last."""
    return (float("inf"), 0.0) if end.diverged else (end.solved + (not end.stopped), -end.score)
