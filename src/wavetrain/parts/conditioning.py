"""Trials of conditioning: which cues come when in a trial, and whether there is a reward.

Trial    one trial, as it is planned
laid     trials as sequences of cues x and rewards
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from wavetrain.core import Batch
from wavetrain.errors import BadInput


@dataclass(frozen=True)
class Trial:
    """Cues at their steps, and rewards of one amount at theirs; steps count from 0.

    >>> from wavetrain.parts.conditioning import Trial
    >>> omission = Trial(cues=(10,))
    >>> both = Trial(cues=(10, 20), rewards=(40,))  # two cues in a row
    >>> second = Trial(cues=(None, 20), rewards=(40,))  # the second alone
    >>> omission.rewards, second.cues
    ((), (None, 20))
    """

    cues: tuple[int | None, ...]  # where each begins; None where it does not come
    rewards: tuple[int, ...] = ()
    amount: float = 1.0


def laid(trials: Sequence[Trial], time: int, lasting: int = 1, felt: bool = False) -> Batch:
    """Cues x (B, time, cues) and rewards (B, time, 1); a cue is there for `lasting` steps.

    `felt` adds a last channel to x, the reward itself. Raises BadInput for a cue or reward outside the trial,
    and for trials with different numbers of cues.

    >>> from wavetrain.parts.conditioning import Trial, laid
    >>> x, rewards = laid([Trial(cues=(1,), rewards=(3,))], time=5, lasting=2)
    >>> x.flatten().int().tolist(), rewards.flatten().int().tolist()
    ([0, 1, 1, 0, 0], [0, 0, 0, 1, 0])
    >>> laid([Trial(cues=(1,), rewards=(5,))], time=5)
    Traceback (most recent call last):
    wavetrain.errors.BadInput: expected a reward within a trial of 5 steps, got one in step 5
    """
    many = {len(trial.cues) for trial in trials}
    if len(many) != 1:
        raise BadInput(f"expected trials with equally many cues, got {sorted(many) or 'no trial'}")
    if lasting < 1:
        raise BadInput(f"expected cues that last a step or more, got {lasting}")
    x, rewards = torch.zeros(len(trials), time, many.pop()), torch.zeros(len(trials), time, 1)
    for row, trial in enumerate(trials):
        for cue, at in enumerate(trial.cues):
            if at is not None:
                x[row, _inside("cue", at, time) : at + lasting, cue] = 1
        for at in trial.rewards:
            rewards[row, _inside("reward", at, time)] += trial.amount
    return Batch(torch.cat([x, rewards], -1) if felt else x, rewards)


def _inside(what: str, at: int, time: int) -> int:
    if not 0 <= at < time:
        raise BadInput(f"expected a {what} within a trial of {time} steps, got one in step {at}")
    return at
