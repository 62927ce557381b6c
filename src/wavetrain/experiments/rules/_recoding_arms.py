"""How a recoded word model reads a text: by which signal, in which direction, told which word."""

from typing import NamedTuple

import torch
from jaxtyping import Int
from torch import Tensor

from wavetrain.core import Batch, State
from wavetrain.networks._word_model import WordModel
from wavetrain.networks.recoding import Recoding, Signal

TOLD = ("printed", "surprisal", "shuffled", "random", "ascent")
ARMS = (*TOLD, "likeliest", "entropy")
SIZES = {"hundredth": 0.01, "tenth": 0.1, "one": 1.0}  # of steps
CHUNK = 50  # steps of the word model at a time


class Strayed(Recoding):
    """The control: as far as the gradient goes, in directions that are drawn."""

    dice: torch.Generator

    def directions(self, signal: Tensor, states: State) -> list[Tensor]:
        found = []
        for one in super().directions(signal, states):
            drawn = torch.randn(one.shape, dtype=one.dtype, generator=self.dice).to(one.device)
            found.append(drawn * one.norm(dim=-1, keepdim=True) / drawn.norm(dim=-1, keepdim=True))
        return found


class Reading(NamedTuple):
    """Means over all words that were read."""

    before: float  # nats a word, of what is said before the word is told
    after: float
    signal: float
    signal_after: float
    fell: float  # share of steps
    sure: float  # chance of the likeliest word, after


def arm(name: str, model: WordModel, size: float, seed: int) -> Recoding:
    """A word model that is recoded so."""
    if name == "random":
        strayed = Strayed(model, Signal.SURPRISAL, size)
        strayed.dice = torch.Generator().manual_seed(seed)
        return strayed
    signals = {"printed": Signal.PRINTED, "likeliest": Signal.PRINTED, "entropy": Signal.ENTROPY}
    return Recoding(model, signals.get(name, Signal.SURPRISAL), -size if name == "ascent" else size)


def told(name: str, words: Int[Tensor, "many words"]) -> Int[Tensor, "many words"] | None:
    """The words that an arm is told as those that come next."""
    if name not in TOLD:
        return None
    return words.roll(1, 0) if name == "shuffled" else words


@torch.no_grad()
def reading(name: str, recoding: Recoding, text: Batch) -> Reading:
    """Read a text word by word."""
    sums = torch.zeros(6, dtype=torch.float64)
    for time, moment in enumerate(recoding.walk(text.x, told(name, text.y))):
        word = text.y[:, time, None]
        each = [-one.log_softmax(-1).gather(-1, word).mean() for one in (moment.before, moment.after)]
        fell = (moment.signal_after < moment.signal).double().mean()
        sure = moment.after.softmax(-1).max(-1).values.mean()
        sums += torch.stack([*each, moment.signal.mean(), moment.signal_after.mean(), fell, sure]).cpu()
    return Reading(*(sums / text.x.shape[1]).tolist())


@torch.no_grad()
def plain(model: WordModel, text: Batch) -> tuple[float, float]:
    """Nats a word, and the mean chance of the likeliest, without recoding."""
    nats, sure, state = 0.0, 0.0, None
    for x, y in zip(text.x.split(CHUNK, 1), text.y.split(CHUNK, 1), strict=True):
        logits, state = model.carry(x, state)
        chance = logits.log_softmax(-1)
        nats -= float(chance.gather(-1, y.unsqueeze(-1)).sum())
        sure += float(chance.exp().max(-1).values.sum())
    return nats / text.y.numel(), sure / text.y.numel()
