"""Covariance: do trials of two kinds differ in how channels vary together, now and some steps apart?

Carrara and Papadopoulo 2023, arXiv 2302.04508; the geometry is that of Barachant et al. 2012, IEEE Trans
Biomed Eng 59:920. Each trial (time, channels) is laid beside copies of itself that are `lag` steps late,
`order` in all; its covariance then holds the lagged covariances of the channels as blocks (a Toeplitz matrix,
up to its edges). It is shrunk as oracle approximating says. Between such matrices

    distance  sqrt(sum log^2 of the eigenvalues of P^-1 Q): the same for any mixture of the channels
    mean      the matrix of the least sum of squared distances
    tangent   the upper half of log(M^-1/2 P M^-1/2), off the diagonal times sqrt(2): its length is the
              distance from M

Kinds are told apart on trials that were held out: by a ridge regression in the tangent space at the mean of
the trials that were fitted (`accuracy`), and by the nearer of the means of each kind (`nearest`). Nothing is
fitted on what is judged. p is the rank of the accuracy when trials exchange their labels, each inside of its
fifth of the trials: kinds are shared out evenly among these, and must be so in the null.

Channels that are mixtures of others (after a common reference) carry nothing: the directions that vary are
found first, their number is `rank`, and only they are looked at.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.linalg import eigvalsh
from sklearn.covariance import oas
from sklearn.model_selection import StratifiedKFold
from torch import Tensor

from wavetrain.core import Card
from wavetrain.errors import BadInput
from wavetrain.lenses.population import _likeness
from wavetrain.lenses.population._ridge import predicted
from wavetrain.parts import nulls

card = Card(
    title="Classification of BCI-EEG based on augmented covariance matrix",
    authors="Carrara, Igor and Papadopoulo, Théodore",
    year=2023,
    source="arXiv 2302.04508",
    family="population",
    topic="Looking inside",
)

PARTS = 5
ROUNDING = 1e-9  # of the largest variance of a direction
STEPS, NEAR = 50, 1e-8  # of the mean


class Covariance(NamedTuple):
    """How kinds of trials differ, without unit."""

    accuracy: float  # of trials held out, the mean over kinds
    error: float  # standard error of the accuracy, as of independent trials
    nearest: float  # accuracy of the nearest mean
    rank: int  # directions of the channels that vary
    matrix: Float[np.ndarray, "trials size size"]  # of whitened directions, shrunk
    mean: Float[np.ndarray, "size size"]
    apart: Float[np.ndarray, "trials"]  # distance of each trial from the mean
    null: Float[np.ndarray, "draws"]  # accuracy where trials exchange labels
    p: float  # (k + 1) / (draws + 1)


def covariance(
    trials: Float[Tensor, "trials time channels"] | Float[np.ndarray, "trials time channels"],
    label: Int[Tensor, "trials"] | Int[np.ndarray, "trials"],
    order: int = 1,
    lag: int = 1,
    draws: int = 99,
    seed: int = 0,
) -> Covariance:
    """The covariances of trials (trials, T, C), and how well they tell the kind of each trial.

    Raises BadInput for fewer than five trials of a kind, fewer steps than order and lag need, channels that
    do not vary, and arrays that do not fit.

    >>> from wavetrain.lenses import covariance
    >>> label = torch.arange(40) % 2
    >>> trials = torch.randn(40, 50, 3)
    >>> trials[label == 1, :, 0] *= 2
    >>> found = covariance(trials, label)
    >>> found.accuracy > 0.9, found.p
    (True, 0.01)
    """
    if trials.ndim != 3:
        raise BadInput(f"covariance: expected trials (trials, time, channels), got {tuple(trials.shape)}")
    value = _likeness.samples("covariance", "trials", trials).rows.reshape(trials.shape)
    kind = _kinds(label, len(value))
    if order < 1 or lag < 1 or value.shape[1] - (order - 1) * lag < 3:
        raise BadInput(
            "covariance: expected order and lag of 1 or more, and three steps beyond them, got order "
            f"{order}, lag {lag} and {value.shape[1]} steps"
        )
    white = _white(value)
    matrix = np.array([oas(one)[0] for one in augmented(white, order, lag)])
    middle = mean(matrix)
    folds: list[tuple[np.ndarray, ...]] = []
    for fitted, judged in StratifiedKFold(PARTS, shuffle=True, random_state=seed).split(kind, kind):
        at = mean(matrix[fitted])
        folds.append((fitted, judged, tangent(matrix[fitted], at), tangent(matrix[judged], at)))
    dice, drawn = np.random.default_rng(seed), np.tile(kind, (draws + 1, 1))
    for row in drawn[1:]:
        for _, judged, _, _ in folds:  # inside of each part, so that kinds are shared out as they were
            row[judged] = dice.permutation(row[judged])
    accuracy, *others = _accuracies(folds, drawn)
    null = np.array(others)
    each = np.bincount(kind)
    return Covariance(
        accuracy=accuracy,
        error=float(np.sqrt(accuracy * (1 - accuracy) * (1 / each).sum()) / len(each)),
        nearest=_nearest(matrix, kind, folds),
        rank=white.shape[2],
        matrix=matrix,
        mean=middle,
        apart=distance(matrix, middle),
        null=null,
        p=float(nulls.rank(np.array([accuracy]), null[:, None])[0]),
    )


def augmented(
    trials: Float[np.ndarray, "trials time channels"], order: int, lag: int
) -> Float[np.ndarray, "trials left wide"]:
    """Each trial beside copies that begin `lag` steps later, and later again, `order` in all."""
    left = trials.shape[1] - (order - 1) * lag
    return np.concatenate([trials[:, one * lag : one * lag + left] for one in range(order)], 2)


def distance(
    one: Float[np.ndarray, "many size size"], two: Float[np.ndarray, "size size"]
) -> Float[np.ndarray, "many"]:
    """The affine-invariant distance of each matrix from another."""
    return np.array([np.sqrt((np.log(eigvalsh(each, two)) ** 2).sum()) for each in one])


def mean(matrices: Float[np.ndarray, "many size size"]) -> Float[np.ndarray, "size size"]:
    """The matrix whose squared distances from all have the least sum."""
    middle, step, before = matrices.mean(0), 1.0, np.inf
    for _ in range(STEPS):
        root, back = _powers(middle, 0.5), _powers(middle, -0.5)
        slope = _logs(back @ matrices @ back).mean(0)
        size = float(np.linalg.norm(slope))
        values, axes = np.linalg.eigh(step * slope)
        middle = root @ (axes * np.exp(values)) @ axes.T @ root
        middle = (middle + middle.T) / 2
        if size < NEAR:
            break
        step, before = (0.95 * step, size) if size < before else (0.5 * step, before)
    return np.asarray(middle)


def tangent(
    matrices: Float[np.ndarray, "many size size"], middle: Float[np.ndarray, "size size"]
) -> Float[np.ndarray, "many upper"]:
    """Vectors at the middle, as long as each matrix is far from it."""
    back = _powers(middle, -0.5)
    logs = _logs(back @ matrices @ back)
    first, second = np.triu_indices(len(middle))
    return np.asarray(logs[:, first, second] * np.where(first == second, 1.0, np.sqrt(2)))


def _powers(matrix: np.ndarray, power: float) -> np.ndarray:
    values, axes = np.linalg.eigh(matrix)
    return np.asarray((axes * values**power) @ axes.T)


def _logs(matrices: np.ndarray) -> np.ndarray:
    values, axes = np.linalg.eigh((matrices + np.swapaxes(matrices, -1, -2)) / 2)
    return np.asarray((axes * np.log(values)[:, None]) @ np.swapaxes(axes, -1, -2))


def _kinds(label: Tensor | np.ndarray, trials: int) -> np.ndarray:
    given = np.asarray(label.detach().cpu() if isinstance(label, Tensor) else label)
    if given.shape != (trials,):
        raise BadInput(f"covariance: expected a label for each of {trials} trials, got {given.shape}")
    names, kind = np.unique(given, return_inverse=True)
    counts = np.bincount(kind)
    if len(names) < 2 or counts.min() < PARTS:
        raise BadInput(
            f"covariance: expected two kinds of trials or more, and {PARTS} trials of each, got "
            f"{', '.join(map(str, counts))}"
        )
    return np.asarray(kind)


def _white(value: np.ndarray) -> np.ndarray:
    """The directions of the channels that vary, over all trials alike, whatever the kind."""
    value = value - value.mean(1, keepdims=True)
    inner = np.einsum("btc,btd->cd", value, value)
    size = np.sqrt(np.diag(inner))
    if not size.any():
        raise BadInput("covariance: expected channels that vary inside of trials, got none")
    there = size > ROUNDING * size.max()
    value, size = value[..., there], size[there]
    values, axes = np.linalg.eigh(inner[np.ix_(there, there)] / np.outer(size, size))
    kept = values > ROUNDING * values.max()
    scale = np.sqrt(value.shape[0] * value.shape[1])
    return np.asarray(value / size @ axes[:, kept] / np.sqrt(values[kept]) * scale)


def _accuracies(folds: list[tuple[np.ndarray, ...]], drawn: Int[np.ndarray, "draws trials"]) -> list[float]:
    """For each row of kinds, the mean over kinds of the share of trials held out that are told right."""
    kinds = np.unique(drawn)
    wanted = (drawn.T[:, :, None] == kinds).astype(float)  # (trials, draws, kinds)
    right = np.zeros(drawn.shape, dtype=bool)
    for fitted, judged, known, asked in folds:
        guess = predicted(known, wanted[fitted].reshape(len(fitted), -1), asked)
        told = kinds[guess.reshape(len(judged), len(drawn), -1).argmax(2)]
        right[:, judged] = drawn[:, judged] == told.T
    return [
        float(np.mean([one[row == kind].mean() for kind in kinds]))
        for one, row in zip(right, drawn, strict=True)
    ]


def _nearest(matrix: np.ndarray, kind: np.ndarray, folds: list[tuple[np.ndarray, ...]]) -> float:
    right = np.zeros(len(kind), dtype=bool)
    for fitted, judged, _, _ in folds:
        means = [mean(matrix[fitted[kind[fitted] == one]]) for one in np.unique(kind)]
        far = np.array([distance(matrix[judged], one) for one in means])
        right[judged] = far.argmin(0) == kind[judged]
    return float(np.mean([right[kind == one].mean() for one in np.unique(kind)]))
