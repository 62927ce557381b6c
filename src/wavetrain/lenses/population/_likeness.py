"""Two recordings of the same samples, and what a score of their likeness is worth.

samples   activity as rows (samples, units), centred, at a size where no square of a number is lost
pair      two of them, of the same samples
draws     the null: another time of each sequence, or samples in another order where they have no time
stretch   parts of the samples that are left out in turn; whole sequences where there are five or more
spread    the standard error of a score, by leaving out each part in turn (the jackknife)

No sample is drawn twice: a repeated sample is like itself, which raises scores that compare samples.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from wavetrain.errors import BadInput
from wavetrain.lenses._weights import magnitude
from wavetrain.parts import nulls

PARTS = 10
FEW = 5  # sequences from which on they are left out whole

Activity = Tensor | np.ndarray


class Samples(NamedTuple):
    """Activity (samples, units) over `unit`, less its mean."""

    rows: Float[np.ndarray, "samples units"]
    unit: float  # a power of two
    batch: int
    time: int  # 1 where samples have no time


class Pair(NamedTuple):
    """Two recordings of the same samples."""

    x: Float[np.ndarray, "samples units"]
    y: Float[np.ndarray, "samples others"]
    one: Samples
    two: Samples


def samples(lens: str, name: str, activity: Activity) -> Samples:
    """Activity (samples, units) or (batch, time, units), checked."""
    given = activity.detach().cpu() if isinstance(activity, Tensor) else torch.from_numpy(np.array(activity))
    if given.ndim not in (2, 3) or not given.numel():
        raise BadInput(
            f"{lens}: expected {name} (samples, units) or (batch, time, units), got {tuple(given.shape)}"
        )
    if given.is_complex():
        raise BadInput(f"{lens}: expected real numbers in {name}, got {given.dtype}")
    wrong = int((~given.isfinite()).sum())
    if wrong:
        raise BadInput(
            f"{lens}: expected finite numbers in {name}, got {wrong} of {given.numel()} that are NaN or "
            "infinite; leave those samples out"
        )
    given = given.double()
    unit = float(magnitude(given))
    rows = (given / unit).flatten(0, -2).numpy()
    batch, time = given.shape[:2] if given.ndim == 3 else (len(given), 1)
    return Samples(rows - rows.mean(0), unit, batch, time)


def pair(lens: str, activity: Activity, other: Activity, least: int) -> Pair:
    """Two recordings of the same samples, `least` or more."""
    one, two = samples(lens, "activity", activity), samples(lens, "other", other)
    if (one.batch, one.time) != (two.batch, two.time):
        raise BadInput(
            f"{lens}: expected two recordings of the same samples, got {tuple(activity.shape)} and "
            f"{tuple(other.shape)}"
        )
    if len(one.rows) < least:
        raise BadInput(f"{lens}: expected {least} samples or more, got {len(one.rows)}")
    return Pair(one.rows, two.rows, one, two)


def middle(of: Samples) -> Int[np.ndarray, "kept"]:
    """The samples that are compared with the null: all, or the middle half of each sequence."""
    if of.time == 1:
        return np.arange(of.batch)
    return _half(of, np.full(of.batch, (of.time - of.time // 2) // 2))


def draws(of: Samples, count: int, seed: int) -> Iterator[Int[np.ndarray, "kept"]]:
    """For each draw, the samples that stand against those of the middle.

    Of time, another half of each sequence, a tenth of it earlier or later, or more. Nothing is moved round
    the end of a sequence: what is slow would break there, and noise alone would be more alike than its null.
    """
    dice = np.random.default_rng(seed)
    if of.time == 1:
        for _ in range(count):
            yield dice.permutation(of.batch)
        return
    room = of.time - of.time // 2
    first = np.arange(room + 1)
    first = first[np.abs(first - room // 2) >= max(1, of.time // 10)]
    for _ in range(count):
        yield _half(of, dice.choice(first, of.batch))


def _half(of: Samples, first: np.ndarray) -> np.ndarray:
    """Half of each sequence from a step of its own on."""
    steps = first[:, None] + np.arange(of.time // 2)
    return (steps + of.time * np.arange(of.batch)[:, None]).ravel()


def stretch(of: Samples) -> list[Int[np.ndarray, "part"]]:
    """The samples in each part that is left out; none where there are too few samples for parts."""
    whole = np.arange(len(of.rows))
    if of.time > 1 and of.batch >= FEW:
        return [
            part.ravel() for part in np.array_split(whole.reshape(of.batch, of.time), min(PARTS, of.batch))
        ]
    return np.array_split(whole, PARTS) if len(whole) >= 4 * PARTS else []


def spread(of: Samples, score: Callable[[Int[np.ndarray, "kept"]], float]) -> float:
    """The standard error of a score of the samples that are kept; NaN with too few samples."""
    parts = stretch(of)
    if not parts:
        return float("nan")
    whole = np.arange(len(of.rows))
    left = np.array([score(np.delete(whole, part)) for part in parts])
    return float(np.sqrt((len(left) - 1) * left.var()))


class Worth(NamedTuple):
    """What a score is worth. Of sequences, the null and p are about their halves."""

    score: float
    error: float
    null: np.ndarray
    p: float


def worth(two: Pair, score: Callable[[np.ndarray, np.ndarray], float], count: int, seed: int) -> Worth:
    """A score of rows x and y, the larger the more alike, with its error and its rank in the null."""
    found = score(two.x, two.y)
    error = spread(two.one, lambda kept: score(two.x[kept], two.y[kept]))
    kept = middle(two.one)
    half = found if len(kept) == len(two.x) else score(two.x[kept], two.y[kept])
    null = np.array([score(two.x[kept], two.y[other]) for other in draws(two.one, count, seed)])
    return Worth(found, error, null, float(nulls.rank(np.array([half]), null[:, None])[0]))
