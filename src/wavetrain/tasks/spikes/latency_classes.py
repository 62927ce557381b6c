"""Latency classes: every channel spikes once, and only when it does tells the class.

After the random manifolds of Zenke and Vogels 2021, Neural Computation 33, doi 10.1162/neco_a_01367; the
sizes are ours. A class is a smooth random surface that gives each channel a time (`_manifolds.py`), a sample
is a point on it, and times are jittered by a normal deviation of a step. All channels fire exactly once, so
what counts spikes knows nothing; who names one class always is right once in `classes` times.

    x  | channel 0 at step 31 | channel 1 at step 4 | ...      one answer: the class

`samples` of each class are drawn once to train on, from which batches are drawn with replacement, so that a
network may overfit; what is held out is drawn anew from the same surfaces.
"""

from dataclasses import dataclass

import torch

from wavetrain.core import CLASSES, Batch, HeldOut, Task
from wavetrain.tasks._draws import at_least
from wavetrain.tasks.spikes._manifolds import Patterns


@dataclass(frozen=True)
class LatencyClasses(Task):
    """x (B, time, channels) of 0 and 1, y (B,) classes.

    >>> from wavetrain.tasks import LatencyClasses
    >>> x, y = LatencyClasses().draw(3, torch.Generator().manual_seed(0))
    >>> x.shape, x.sum(1).unique().tolist(), y.tolist()  # each channel spikes once
    (torch.Size([3, 100, 50]), [1.0], [0, 1, 4])
    """

    classes: int = 10
    channels: int = 50
    time: int = 100  # steps
    samples: int = 200  # of each class to train on
    seed: int = 0  # of the surfaces and of what is drawn from them to train on

    # without annotations: facts of the task, not fields
    tokens = False
    every_step = False
    objective = CLASSES

    def __post_init__(self) -> None:
        at_least("latency classes", 1, channels=self.channels, samples=self.samples)
        at_least("latency classes", 2, classes=self.classes, time=self.time)
        at_least("latency classes", 0, seed=self.seed)
        self.set_facts(inputs=self.channels, outputs=self.classes, chance=1 / self.classes)

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        return self.patterns().draw(batch, generator)

    def valid(self) -> Batch:
        return self.patterns().held_out(HeldOut.VALID)

    def test(self) -> Batch:
        return self.patterns().held_out(HeldOut.TEST)

    def patterns(self) -> Patterns:
        """Where the spike times come from."""
        return Patterns(self.classes, self.channels, self.time, self.samples, self.seed)
