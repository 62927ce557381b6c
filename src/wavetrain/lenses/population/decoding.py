"""Decoding: how well can a place, or a velocity, be read off a population, on time that was not fitted?

All is fitted on a part of the time and judged on the rest, in turn for each of five parts (whole sequences
where there are five or more). What is read is any vector that goes with each step.

    BAYES   Zhang et al. 1998, J Neurophysiol 79:1017: each unit counts events, Poisson at its mean rate in
            each bin of the place; every place is as likely before (a flat prior), so that where an animal
            liked to be is not read into steps that say nothing. The answer is the most likely bin. Steps
            without an event say nothing about a place: they have none (NaN)
    RIDGE   linear in the activity at the step, with a ridge that errors of left-out samples choose
    WIENER  the same of the last `history` steps, the step among them, and of `ahead` later ones, which a
            decoder in use would have to wait for

p is the rank of the score among shifts of the activity against the path, each at least a tenth of a sequence;
all is fitted again each time.
"""

import enum
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from torch import Tensor

from wavetrain.core import Card
from wavetrain.errors import BadInput
from wavetrain.lenses.population import _likeness
from wavetrain.lenses.population._posterior import SMOOTH, posterior
from wavetrain.lenses.population._ridge import predicted
from wavetrain.parts import nulls
from wavetrain.parts.arena import Path, Units

card = Card(
    title="Interpreting neuronal population activity by reconstruction: unified framework with application "
    "to hippocampal place cells",
    authors="Zhang, Kechen and Ginzburg, Iris and McNaughton, Bruce L. and Sejnowski, Terrence J.",
    year=1998,
    source="Journal of Neurophysiology 79(2):1017, doi 10.1152/jn.1998.79.2.1017",
    family="population",
    topic="Looking inside",
)

PARTS = 5


class Decoder(enum.Enum):
    """How a place is read off activity."""

    BAYES = "bayes"
    RIDGE = "ridge"
    WIENER = "wiener"


class Decoding(NamedTuple):
    """What was read on time that was not fitted."""

    decoded: Float[np.ndarray, "batch time coordinates"]  # NaN where nothing is said
    error: float  # median distance, in the unit of the place
    chance: float  # the same in the mean of the null
    r2: float  # mean over coordinates, 1 - squared error / squared error of the fitted part's mean
    spread: float  # standard error of r2 over the parts
    known: float  # share of the steps that are decoded
    delay: int  # steps that a decoder in use would come late
    null: Float[np.ndarray, "draws"]  # median distance where activity is shifted in time
    p: float  # how often it is as small there, (k + 1) / (draws + 1)


def decoding(
    activity: Float[Tensor, "batch time units"],
    position: Float[Tensor, "batch time coordinates"],
    decoder: Decoder = Decoder.RIDGE,
    bins: int = 20,
    history: int = 10,
    ahead: int = 0,
    draws: int = 99,
    seed: int = 0,
) -> Decoding:
    """What activity (B, T, units) says of places (B, T, coordinates).

    `bins` is the number along the longest side of the arena, for Bayes; `history` and `ahead` are steps, for
    Wiener. Steps whose place is NaN are left out.

    Raises BadInput for counts below 0 with Bayes, too few steps, and arrays that do not fit.

    >>> from wavetrain.lenses import decoding
    >>> place = torch.rand(1, 300, 2)
    >>> found = decoding(place @ torch.randn(2, 12) + 0.1 * torch.randn(1, 300, 12), place)
    >>> found.error < 0.1 < found.chance, found.p
    (True, 0.01)
    """
    if activity.ndim != 3 or position.ndim != 3 or activity.shape[:2] != position.shape[:2]:
        raise BadInput(
            "decoding: expected activity (batch, time, units) and places (batch, time, coordinates) of the "
            f"same steps, got {tuple(activity.shape)} and {tuple(position.shape)}"
        )
    if bins < 2 or history < 1 or ahead < 0:
        raise BadInput(
            "decoding: expected two bins or more, a history of 1 or more and 0 or more steps ahead, got "
            f"{bins}, {history} and {ahead}"
        )
    given = _likeness.samples("decoding", "activity", activity)
    place = torch_rows(position)
    batch, time = activity.shape[:2]
    if time < 10 or batch * time < 4 * PARTS:
        raise BadInput(
            f"decoding: expected ten steps or more of a sequence, and 20 in all, got {batch} of {time}"
        )
    parts = _parts(batch, time)
    if decoder is Decoder.BAYES:
        read: _Bayes | _Linear = _Bayes(activity, position, bins, parts)
    else:
        steps = (history, ahead) if decoder is Decoder.WIENER else (1, 0)
        read = _Linear(given.rows.reshape(batch, time, -1), place, *steps, parts)
    decoded = read(np.arange(batch * time))
    error, r2, spread = _judged(decoded, place, parts)
    moves = nulls.shifts(batch, time, draws, seed=seed) if draws else []
    null = np.array([_judged(read(source), place, parts)[0] for source in moves])
    return Decoding(
        decoded=decoded.reshape(batch, time, -1),
        error=error,
        chance=float(null.mean()) if len(null) else float("nan"),
        r2=r2,
        spread=spread,
        known=float(np.isfinite(decoded).all(1).mean()),
        delay=ahead if decoder is Decoder.WIENER else 0,
        null=null,
        p=float(nulls.rank(np.array([-error]), -null[:, None])[0]) if len(null) else 1.0,
    )


def torch_rows(position: Tensor | np.ndarray) -> Float[np.ndarray, "steps coordinates"]:
    """Places of all sequences end to end."""
    given = position.detach().cpu().double().numpy() if isinstance(position, Tensor) else position
    if np.isinf(given).any():
        raise BadInput("decoding: expected finite places, or NaN where they are missing, got infinity")
    return np.asarray(given, dtype=float).reshape(-1, given.shape[-1])


class _Bayes:
    def __init__(self, activity: Tensor, position: Tensor, bins: int, parts: list[np.ndarray]):
        if (activity < 0).any():
            raise BadInput("decoding: Bayes expects counts of events, 0 or more, got some below 0")
        self.path = Path(position, bins)
        self.units, self.parts = Units(activity, self.path), parts
        place = torch_rows(position)
        low, high = np.nanmin(place, 0), np.nanmax(place, 0)
        shape = np.array(self.path.shape)
        at = np.stack(np.unravel_index(np.arange(shape.prod()), shape), 1)
        self.centre = low + (at + 0.5) / shape * (high - low)

    def __call__(self, source: np.ndarray) -> np.ndarray:
        counts = self.units.value[source]
        decoded = np.full((len(counts), self.centre.shape[1]), np.nan)
        bin = self.path.bin
        for part in self.parts:
            fitted = self.path.part(0, slice(0, 0))
            kept = bin.copy().ravel()
            kept[part] = -1
            fitted.bin = kept.reshape(bin.shape)
            rate = fitted.maps(self.units, SMOOTH, source).rate.reshape(counts.shape[1], -1)
            said = part[counts[part].sum(1) > 0]
            if len(said):
                decoded[said] = self.centre[posterior(counts[said], rate).argmax(1)]
        return decoded


class _Linear:
    def __init__(
        self, activity: np.ndarray, place: np.ndarray, history: int, ahead: int, parts: list[np.ndarray]
    ):
        batch, time, _ = activity.shape
        if history + ahead > time // 2:
            raise BadInput(
                f"decoding: expected a history and steps ahead of at most half of {time} steps, got "
                f"{history} and {ahead}"
            )
        self.flat, self.place, self.parts = activity.reshape(batch * time, -1), place, parts
        step = np.arange(batch * time) % time
        self.there = np.isfinite(place).all(1) & (step >= history - 1) & (step < time - ahead)
        self.lags = range(-ahead, history)

    def __call__(self, source: np.ndarray) -> np.ndarray:
        moved = self.flat[source]
        rows = np.concatenate([np.roll(moved, lag, 0) for lag in self.lags], 1)
        decoded = np.full(self.place.shape, np.nan)
        for part in self.parts:
            fitted = self.there.copy()
            fitted[part] = False
            asked = part[self.there[part]]
            if len(asked) and fitted.sum() > 2:
                decoded[asked] = predicted(rows[fitted], self.place[fitted], rows[asked])
        return decoded


def _parts(batch: int, time: int) -> list[np.ndarray]:
    whole = np.arange(batch * time)
    if batch >= _likeness.FEW:
        return [one.ravel() for one in np.array_split(whole.reshape(batch, time), PARTS)]
    return np.array_split(whole, PARTS)


def _judged(decoded: np.ndarray, place: np.ndarray, parts: list[np.ndarray]) -> tuple[float, float, float]:
    """The median distance, r2, and its standard error over parts."""
    there = np.isfinite(decoded).all(1) & np.isfinite(place).all(1)
    if not there.any():
        return float("nan"), float("nan"), float("nan")
    size = np.abs(place[there]).max() or 1.0
    off = (decoded - place) / size
    error = float(np.median(np.sqrt((off[there] ** 2).sum(1)))) * size
    each = []
    for part in parts:
        rest = np.setdiff1d(np.flatnonzero(np.isfinite(place).all(1)), part)
        asked = part[there[part]]
        if not len(asked) or not len(rest):
            continue
        chance = (((place[asked] - place[rest].mean(0)) / size) ** 2).sum(0)
        each.append((((off[asked]) ** 2).sum(0), chance))
    wrong, chance = np.sum(each, 0)
    if not (chance > 0).all():
        return error, float("nan"), float("nan")
    folds = [1 - float((one / np.maximum(two, 1e-300)).mean()) for one, two in each]
    spread = float(np.std(folds, ddof=1) / np.sqrt(len(folds))) if len(folds) > 1 else float("nan")
    return error, float((1 - wrong / chance).mean()), spread
