"""Trials of a cue and a reward, learned one after the other, and the law of their errors."""

import numpy as np
import torch
from jaxtyping import Float
from scipy import stats
from torch import Tensor

from wavetrain.core import Batch
from wavetrain.parts.conditioning import Trial, laid
from wavetrain.parts.reader import Reader
from wavetrain.parts.rewards import critic
from wavetrain.parts.stimuli import SerialCompound
from wavetrain.rules.reward.temporal_difference import TemporalDifference

TIME, CUE, REWARD = 60, 10, 40  # steps of a trial, and the steps in which they come
RATE = 0.3  # alpha


def learned(
    network: Reader, rule: TemporalDifference, batches: list[Batch], rate: float = RATE
) -> Float[Tensor, "trials time outputs"]:
    """The errors of each batch, the mean over its sequences, while one is learned after the other."""
    step, errors = torch.optim.SGD(network.parameters(), rate), []
    for x, rewards in batches:
        errors.append(rule.errors(network, x, rewards).mean(0))
        step.zero_grad()
        rule.learn(network, Batch(x, rewards), rule.loss)
        step.step()
    return torch.stack(errors)


def trial(*trials: Trial, felt: bool = False) -> Batch:
    """One trial, or several whose mean is learned, in float64."""
    x, rewards = laid(trials, TIME, felt=felt)
    return Batch(x.double(), rewards.double())


def compound(cues: int = 1, outputs: int = 1) -> Reader:
    """A value of a serial compound, as long as a trial."""
    return critic(SerialCompound(TIME * cues, inputs=cues), outputs).double()


def law(trials: int, rate: float = RATE) -> Float[np.ndarray, "trials time"]:
    """The errors of the first trials, as they must be."""
    before = np.arange(trials)[:, None]  # trials that were learned
    steps, lag = np.arange(TIME), REWARD - np.arange(TIME)
    expected = np.where((steps > CUE) & (lag >= 0), stats.binom.pmf(lag, before, rate), 0.0)
    expected[:, CUE] = stats.binom.sf(REWARD - CUE - 1, before[:, 0], rate)
    return expected


def probe(network: Reader, rule: TemporalDifference, one: Trial, felt: bool = False) -> Tensor:
    """The errors of one trial, from which nothing is learned, (time,)."""
    return rule.errors(network, *trial(one, felt=felt))[0, :, 0]
