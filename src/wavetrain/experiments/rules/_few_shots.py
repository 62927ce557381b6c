"""Few-shot streams of drawn strokes, and telling classes by the nearest mean of their few examples."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from wavetrain.core import Batch, Recorded, examined
from wavetrain.parts.task_sequence import Scenario, TaskSequence, in_turn
from wavetrain.tasks.streams.labelled_strokes import LabelledStrokes


def stream(strokes: LabelledStrokes, ways: int, shots: int, queries: int, seed: int) -> TaskSequence:
    """All classes in turn, so many to a task, told the task; a rest that fills no task is left out."""
    generator = torch.Generator().manual_seed(seed)
    tasks = []
    for start in range(0, strokes.classes - ways + 1, ways):
        labels = torch.arange(start, start + ways)

        def drawn(each: int, labels: Tensor = labels) -> Batch:
            y = labels.repeat_interleave(each)
            return Batch(strokes.samples(y, generator), y)

        tasks.append(
            Recorded(
                drawn(shots),
                drawn(1),  # nothing is chosen by it
                drawn(queries),
                strokes.inputs,
                strokes.outputs,
                tokens=False,
                every_step=False,
                objective=strokes.objective,
                chance=1 / ways,
            )
        )
    return in_turn(tasks, Scenario.TASK)


@dataclass(frozen=True, eq=False)
class Episodes:
    """Small tasks of novel classes: examples and queries of each class, the same for all who are asked."""

    examples: Float[Tensor, "episodes ways shots time axes"]
    queries: Float[Tensor, "episodes ways many time axes"]

    def right(self, body: nn.Module, shots: int) -> float:
        """The share of queries that are told from the first `shots` examples of each class."""
        near = features(body, self.examples[:, :, :shots]).mean(2)
        asked = features(body, self.queries)
        found = nearest(near, asked.flatten(1, 2)).unflatten(1, asked.shape[1:3])
        return float((found == torch.arange(near.shape[1])[:, None]).double().mean())


def episodes(
    strokes: LabelledStrokes, *, many: int, ways: int, shots: int, queries: int, seed: int
) -> Episodes:
    """Classes of each episode are drawn without replacement."""
    generator = torch.Generator().manual_seed(seed)
    y = torch.rand(many, strokes.classes, generator=generator).argsort(1)[:, :ways]

    def drawn(each: int) -> Tensor:
        x = strokes.samples(y.flatten().repeat_interleave(each), generator)
        return x.unflatten(0, (many, ways, each))

    return Episodes(drawn(shots), drawn(queries))


def among_all(body: nn.Module, tasks: Sequence[Recorded]) -> float:
    """The share of queries of all tasks that are told among all classes, by means of their examples."""
    x, y = (torch.cat([getattr(one.train, part) for one in tasks]) for part in ("x", "y"))
    asked, answers = (torch.cat([getattr(one.held_test, part) for one in tasks]) for part in ("x", "y"))
    known = features(body, x)
    near = torch.stack([known[y == one].mean(0) for one in y.unique()])
    return float((nearest(near[None], features(body, asked)[None])[0] == answers).double().mean())


def nearest(
    near: Float[Tensor, "batch classes features"], asked: Float[Tensor, "batch many features"]
) -> Int[Tensor, "batch many"]:
    """Of each that is asked, the class whose mean is nearest."""
    return torch.cdist(asked, near).argmin(-1)


@torch.no_grad()
def features(body: nn.Module, x: Float[Tensor, "*some time axes"]) -> Float[Tensor, "*some features"]:
    """What a body makes of sequences, in chunks to bound memory."""
    device = next(body.parameters()).device
    with examined(body):
        found = [body(some.to(device)).cpu() for some in x.flatten(0, -3).split(1000)]
    return torch.cat(found).unflatten(0, x.shape[:-2])
