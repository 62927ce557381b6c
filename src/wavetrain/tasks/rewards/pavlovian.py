"""Pavlovian: a cue, and some time later a reward, or none; how much is still to come?

As the trials of Pavlov's dogs and of Schultz, Dayan and Montague 1997, Science 275. The cue begins at a step
of its own in each trial, and after `delay` steps there is a reward with some probability. Asked at each step
is the return: what comes after it, discounted by how long it is until then.

    x  . . C C . . . . .      y  1/32 1/16 1/8 1/4 1/2 1 0 0 0      reward in step 6, discount 1/2

There is a return before the cue as well, but who hears nothing yet cannot know when the cue will come.

The loss is that of temporal differences: half the square of each prediction error, whose target is the next
reward and what the network itself says of the next step. It takes the rewards out of the returns, and nothing
else of them. The score is R² of the returns themselves. With a probability below 1 nobody can
reach 1: whether the reward comes is not known before. The best for who ignores x is to say how much comes on
average after each step. Designs with several cues are laid out by `parts.conditioning`.
"""

from dataclasses import dataclass

import torch

from wavetrain.core import Batch, Generated, Objective, explained
from wavetrain.errors import BadInput
from wavetrain.parts.conditioning import Trial, laid
from wavetrain.parts.rewards import OnReturns, between, returns
from wavetrain.tasks._draws import at_least


@dataclass(frozen=True)
class Pavlovian(Generated):
    """x (B, time, 1) is whether the cue is there, y (B, time, 1) the return of each step.

    `felt` adds a channel to x, the reward itself.

    >>> from wavetrain.tasks import Pavlovian
    >>> task = Pavlovian(time=9, first=2, last=2, delay=4, lasting=2, discount=0.5)
    >>> x, y = task.draw(1, torch.Generator().manual_seed(0))
    >>> x.flatten().int().tolist(), y.flatten()[2:].tolist()
    ([0, 0, 1, 1, 0, 0, 0, 0, 0], [0.125, 0.25, 0.5, 1.0, 0.0, 0.0, 0.0])
    >>> Pavlovian(delay=60)
    Traceback (most recent call last):
    wavetrain.errors.BadInput: pavlovian: expected a reward within 60 steps, got one up to step 75
    """

    time: int = 60  # steps of a trial
    first: int = 5  # step in which the cue begins, at the earliest
    last: int = 15  # and at the latest
    delay: int = 30  # steps from there to the reward
    lasting: int = 5  # steps that the cue is there
    probability: float = 1.0  # of the reward
    discount: float = 0.95
    felt: bool = False

    # without annotations: facts of the task, not fields
    tokens = False
    every_step = True
    outputs = 1

    def __post_init__(self) -> None:
        at_least("pavlovian", 0, first=self.first)
        at_least("pavlovian", self.first, last=self.last)
        at_least("pavlovian", 1, delay=self.delay, lasting=self.lasting)
        at_least("pavlovian", 2, time=self.time)
        if self.last + self.delay >= self.time:
            raise BadInput(
                f"pavlovian: expected a reward within {self.time} steps, "
                f"got one up to step {self.last + self.delay}"
            )
        between("pavlovian", "probability", self.probability)
        between("pavlovian", "discount", self.discount)
        loss = OnReturns(self.discount)
        self.set_facts(
            inputs=1 + self.felt, objective=Objective("R²", True, loss, explained), chance=self._ignorant()
        )

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        begins = torch.randint(self.first, self.last + 1, (batch,), generator=generator)
        comes = torch.rand(batch, generator=generator) < self.probability
        x, rewards = laid(
            [self._trial(*one) for one in zip(begins.tolist(), comes.tolist(), strict=True)],
            self.time,
            self.lasting,
            self.felt,
        )
        return Batch(x, returns(rewards, self.discount))

    def _trial(self, begins: int, comes: bool) -> Trial:
        return Trial(cues=(begins,), rewards=(begins + self.delay,) if comes else ())

    def _ignorant(self) -> float:
        """R² of the mean return of each step, over all trials that there are, as likely as they are."""
        trials = [self._trial(begins, True) for begins in range(self.first, self.last + 1)]
        all_ = returns(laid(trials, self.time).y.double(), self.discount)[..., 0]  # (trials, time)
        mean, square = self.probability * all_.mean(0), self.probability * all_.square().mean(0)
        around = square.mean() - mean.mean() ** 2
        return float((mean.square().mean() - mean.mean() ** 2) / around) if around > 0 else 0.0
