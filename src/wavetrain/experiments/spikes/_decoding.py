"""Decoders of velocity and the filters of what they tell: shared by what compares them.

A record is cut in three: steps to learn from, to choose by, and to report. Whatever has a constant, as a
cut-off or the strength of a ridge, has it chosen by the second part and is reported on the third. Filters
see one part alone, so that no step of a part is told by another. All are scored on the same steps of a part:
those for which the block of the block filter is full.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from scipy import signal
from torch import Tensor, nn

from wavetrain.core import VALUES, Batch, Recorded, State
from wavetrain.core.network import Carrying
from wavetrain.layers.gate.lstm import LSTM
from wavetrain.parts.bessel import Bessel, Block

KEEPS = tuple(round(0.05 * k, 2) for k in range(2, 20))  # what a step of an exponential smoother keeps
RIDGES = tuple(10.0**power for power in range(-2, 6))
PIECE = 1000  # steps that a decoder is asked at once


class Record(NamedTuple):
    """What is heard and the velocity, at the same steps, scaled by the first part."""

    x: Tensor  # (T, inputs)
    y: Tensor  # (T, 2)
    parts: tuple[slice, slice, slice]


class Way(NamedTuple):
    """A filter of what a decoder tells, (T, 2) to (T, 2), where step t tells of step t - late."""

    run: Callable[[np.ndarray], np.ndarray]
    late: int
    value: float = 0.0  # of what is chosen


class Scored(NamedTuple):
    """Steps of a part that all ways can tell: from `first` on, less the last ones."""

    length: int  # of a block
    late: int  # of its middle

    def told(self, way: Way, outputs: np.ndarray) -> np.ndarray:
        """What a way tells of these steps, of the outputs of a part."""
        first, end = self.length - 1 + way.late, len(outputs) - self.late + way.late
        return way.run(outputs)[first:end]

    def r2(self, way: Way, outputs: np.ndarray, y: np.ndarray) -> float:
        """R² of what a way tells, in the mean over the components of the velocity."""
        true = y[self.length - 1 : len(y) - self.late]
        left = ((self.told(way, outputs) - true) ** 2).sum(0)
        return float((1 - left / ((true - true.mean(0)) ** 2).sum(0)).mean())


RAW = Way(lambda outputs: outputs, 0)


def blocks(filters: Sequence[Bessel], length: int, at: int) -> list[Way]:
    """Block filters that give out one place, for each filter."""
    made = [Block(one, length, at) for one in filters]
    return [Way(partial(_blocked, block), block.delay, block.filter.cutoff) for block in made]


def _blocked(block: Block, outputs: np.ndarray) -> np.ndarray:
    return block.blocked(outputs)[0]


def smoothers(late: int) -> list[Way]:
    """Causal exponential smoothers, which wait for no more than `late` steps."""
    return [Way(partial(smoothed, keep=keep), wait, keep) for keep in KEEPS for wait in range(late + 1)]


def smoothed(outputs: np.ndarray, keep: float) -> np.ndarray:
    """e_t = keep e_{t-1} + (1 - keep) o_t over (T, 2), from the first output on."""
    found: np.ndarray
    found, _ = signal.lfilter([1 - keep], [1, -keep], outputs, axis=0, zi=keep * outputs[:1])
    return found


def best(ways: Sequence[Way], scored: Scored, outputs: np.ndarray, y: np.ndarray) -> Way:
    """The way that tells most of a part."""
    return max(ways, key=lambda way: scored.r2(way, outputs, y))


class SummedLSTM(nn.Module):
    """The rival: an LSTM on the inputs of the last steps, added up and normalised.

    It takes x (B, T, inputs) to (B, T, 2).

    The paper has it on 32 ms, eight inputs, which here are added up at every step.
    """

    def __init__(self, inputs: int, width: int, each: int, dropout: float):
        super().__init__()
        self.each = each
        self.norm = nn.LayerNorm(inputs)
        self.layer = LSTM(width, inputs)
        self.drop = nn.Dropout(dropout)
        self.read = nn.Linear(width, 2)

    def begin(self, batch: int) -> State:
        zeros = self.read.weight.new_zeros(batch, self.each - 1, self.layer.inputs)
        return zeros, self.layer.begin(batch)

    def carry(self, x: Tensor, state: State = None) -> tuple[Tensor, State]:
        before, inner = self.begin(len(x)) if state is None else state
        seen = torch.cat([before, x], 1)
        hidden, inner = self.layer(self.drop(self.norm(seen.unfold(1, self.each, 1).sum(-1))), inner)
        return self.read(self.drop(hidden)), (seen[:, x.shape[1] :], inner)

    def forward(self, x: Tensor) -> Tensor:
        return self.carry(x)[0]


@torch.no_grad()
def outputs(network: Carrying | SummedLSTM, record: Record) -> np.ndarray:
    """What a network tells of a record from its second part on, where it begins; (T, 2), 0 before."""
    network.eval()
    begin = record.parts[1].start
    state, told = None, [torch.zeros(begin, 2)]
    for piece in record.x[begin:].to(next(network.parameters()).device).split(PIECE):
        y, state = network.carry(piece[None], state)
        told.append(y[0].cpu())
    return torch.cat(told).double().numpy()


def task(record: Record, window: int) -> Recorded:
    """Windows of the first part to learn from, and the second in one piece to choose by."""
    learn, choose, _ = record.parts
    train = Batch(*(one[learn].unfold(0, window, 1).mT for one in (record.x, record.y)))
    valid = Batch(record.x[None, choose], record.y[None, choose])
    return Recorded(
        train, valid, valid, record.x.shape[1], 2, tokens=False, every_step=True, objective=VALUES, chance=0.0
    )


def ridge(record: Record, scored: Scored, sums: tuple[int, int], ahead: int) -> np.ndarray:
    """What ridge regression tells of a record, of so many sums of so many steps each, and some ahead.

    `ahead` counts sums that are of later steps. The strength is chosen by the second part.
    """
    many, each = sums
    x, y = record.x.double().numpy(), record.y.double().numpy()
    total = np.cumsum(np.concatenate([np.zeros((each, x.shape[1])), x]), 0)
    sums_of = total[each:] - total[:-each]  # of the last `each` steps; fewer at the beginning
    columns = np.concatenate([_moved(sums_of, each * back) for back in range(-ahead, many)], 1)
    learn, choose, _ = record.parts
    a = columns[learn]
    middle, zero = a.mean(0), y[learn].mean(0)
    gram, inner = (a - middle).T @ (a - middle), (a - middle).T @ (y[learn] - zero)
    told = [
        (columns - middle) @ np.linalg.solve(gram + one * np.eye(len(gram)), inner) + zero for one in RIDGES
    ]
    return max(told, key=lambda one: scored.r2(RAW, one[choose], y[choose]))


def _moved(values: np.ndarray, steps: int) -> np.ndarray:
    """Values (T, channels) some steps later, or earlier below 0; nothing where they would be outside."""
    found = np.zeros_like(values)
    if steps >= 0:
        found[steps:] = values[: len(values) - steps]
    else:
        found[:steps] = values[-steps:]
    return found
