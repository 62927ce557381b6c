"""Delayed answer: a pattern of spike times, a silence, and a call to answer.

The cue is a sample of latency classes in fewer steps, after the random manifolds of Zenke and Vogels 2021,
Neural Computation 33; silence and call are ours. In the cue every channel spikes once, so that counts know
nothing; then nobody spikes; then one more channel spikes at every step, which is the call. A read-out of the
steps of the call alone asks for what was kept through the silence.

    x  | cue: each channel once | silence | call: the last channel at every step |      one answer: the class

As with latency classes there are `samples` of each class to train on, drawn once.
"""

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from wavetrain.core import CLASSES, Batch, HeldOut, Task
from wavetrain.tasks._draws import at_least
from wavetrain.tasks.spikes._manifolds import Patterns


@dataclass(frozen=True)
class DelayedAnswer(Task):
    """x (B, cue + silence + call, channels + 1) of 0 and 1, y (B,) classes.

    >>> from wavetrain.tasks import DelayedAnswer
    >>> x, y = DelayedAnswer(silence=5, call=2).draw(3, torch.Generator().manual_seed(0))
    >>> x.shape, x[0, :, :50].sum(1).int().tolist()[18:]  # nobody spikes after the cue
    (torch.Size([3, 27, 51]), [0, 2, 0, 0, 0, 0, 0, 0, 0])
    >>> x[0, :, 50].int().tolist()[18:]
    [0, 0, 0, 0, 0, 0, 0, 1, 1]
    """

    classes: int = 10
    channels: int = 50
    cue: int = 20  # steps
    silence: int = 80
    call: int = 10
    samples: int = 200  # of each class to train on
    seed: int = 0  # of the classes and of what is drawn of them to train on

    # without annotations: facts of the task, not fields
    tokens = False
    every_step = False
    objective = CLASSES

    def __post_init__(self) -> None:
        at_least("delayed answer", 0, silence=self.silence, seed=self.seed)
        at_least("delayed answer", 1, channels=self.channels, call=self.call, samples=self.samples)
        at_least("delayed answer", 2, classes=self.classes, cue=self.cue)
        self.set_facts(inputs=self.channels + 1, outputs=self.classes, chance=1 / self.classes)

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        return self._called(self.cues().draw(batch, generator))

    def valid(self) -> Batch:
        return self._called(self.cues().held_out(HeldOut.VALID))

    def test(self) -> Batch:
        return self._called(self.cues().held_out(HeldOut.TEST))

    def cues(self) -> Patterns:
        """Where the spike times of the cues come from."""
        return Patterns(self.classes, self.channels, self.cue, self.samples, self.seed)

    def _called(self, cue: Batch) -> Batch:
        """A cue, then silence, then the call."""
        x = F.pad(cue.x, (0, 1, 0, self.silence + self.call))
        x[:, self.cue + self.silence :, -1] = 1
        return Batch(x, cue.y)
