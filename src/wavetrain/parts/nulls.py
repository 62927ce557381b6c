"""Nulls and the rank test: is a score larger than it is when what it is about has been destroyed?

shifts     activity is moved in time against the path: both stay as they are, what ties them is lost
exchanges  activity of steps at which the same is seen is exchanged: what is due to that stays
rank       the share of a null that is at least as large, the score itself among it
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from wavetrain.errors import BadInput

DRAWS = 200  # by default; the least p is then 1 / 201
LEVEL = 0.05  # of a test
ALIKE = 1e-9  # scores are dimensionless; those that differ by less are ties


def least_shift(time: int, least: int | None) -> int:
    """Steps that a shift must keep from no shift at all, at both ends; by default a tenth of the sequence."""
    steps = max(time // 10, 1) if least is None else least
    if not 1 <= steps <= time // 2:
        raise BadInput(
            f"shifts in time: expected a least shift from 1 to half of the {time} steps, got {steps}"
        )
    return steps


def shifts(
    batch: int, time: int, draws: int, least: int | None = None, seed: int = 0
) -> Iterator[np.ndarray]:
    """For each draw the step (B T,) whose activity comes to each step, each sequence moved round its own end.

    Sequences are moved by amounts of their own, from `least` to T - least steps. A single sequence that has
    fewer such amounts than `draws` is moved by each of them once.
    """
    least = least_shift(time, least)
    amounts = np.arange(least, time - least + 1)
    dice = np.random.default_rng(seed)
    if batch == 1 and len(amounts) <= draws:
        moves = amounts[:, None]
    elif batch == 1:
        moves = dice.choice(amounts, draws, replace=False)[:, None]
    else:
        moves = dice.choice(amounts, (draws, batch))
    first = time * np.arange(batch)[:, None]
    for move in moves:
        yield (first + (np.arange(time) - move[:, None]) % time).ravel()


def exchanges(label: np.ndarray, draws: int, seed: int = 0) -> Iterator[np.ndarray]:
    """For each draw the step (B T,) whose activity comes to each step, which has the same label (B, T).

    A unit that follows the label alone is the same after an exchange. Steps are exchanged inside a sequence.
    """
    batch, time = label.shape
    _, group = np.unique(label, return_inverse=True)
    group = group.reshape(batch, time) + (group.max() + 1) * np.arange(batch)[:, None]
    group = group.ravel()
    order = np.argsort(group, kind="stable")
    dice = np.random.default_rng(seed)
    for _ in range(draws):
        source = np.empty(batch * time, dtype=int)
        source[order] = np.lexsort((dice.random(batch * time), group))
        yield source


def rank(
    score: Float[np.ndarray, "units"], null: Float[np.ndarray, "draws units"]
) -> Float[np.ndarray, "units"]:
    """p of scores against their null: (k + 1) / (draws + 1), never 0.

    k counts what is as large or larger. No score (NaN) is less than any, in a draw; where there is none to
    rank, p is NaN.
    """
    as_large = null >= score - ALIKE * np.maximum(np.abs(score), 1)
    return np.where(np.isnan(score), np.nan, (as_large.sum(0) + 1) / (len(null) + 1))
