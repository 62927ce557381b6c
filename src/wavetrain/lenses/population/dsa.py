"""Dynamical similarity: do systems move alike, whatever the shape of what they say?

Ostrow, Eisen, Kozachkov and Fiete 2023, arXiv 2306.10168. The activity of each system, with its `delays` last
steps in a row, is brought to `rank` coordinates of equal variance, and a matrix A is fitted that leads from
one step to the next; steps of different trials never meet. Two systems are compared by their matrices:

    angle     arccos of the largest tr(A' C B C') / (|A| |B|) over all orthogonal C, radians from 0 to pi. It
              starts from the C that comes nearest to A C = C B and A' C = C B', and climbs from there
    spectral  the mean distance of the eigenvalues of A and B in the complex plane, paired at the least cost:
              blind to any linear change of coordinates

    floor     the same distances between the two halves of one system: of its trials, or of its time
    p         the share of floors that are as large as the distance; small where two systems differ by more
              than the halves of one. Halves have less data, so it is on the careful side

All systems get the same delays and rank, or their distances could not be compared.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Complex, Float
from scipy.linalg import eigh
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from wavetrain.core import Card
from wavetrain.errors import BadInput
from wavetrain.lenses.population import _likeness

card = Card(
    title="Beyond Geometry: Comparing the Temporal Structure of Computation in Neural Circuits with "
    "Dynamical Similarity Analysis",
    authors="Ostrow, Mitchell and Eisen, Adam and Kozachkov, Leo and Fiete, Ila",
    year=2023,
    source="arXiv 2306.10168",
    family="population",
    topic="Looking inside",
)

RIDGE = 1e-8
MOST, HELD = 15, 0.99  # of the rank that is found: so many coordinates, or this share of the variance
STARTS, FIRST, THEN = 3, 15, 150  # of the climb: starts, steps from each, steps from the best


class DSA(NamedTuple):
    """Distances of S systems, without unit."""

    angle: Float[np.ndarray, "systems systems"]  # radians
    spectral: Float[np.ndarray, "systems systems"]
    error: Float[np.ndarray, "systems systems"]  # of `spectral`: from halves of the one and of the other
    p: Float[np.ndarray, "systems systems"]  # of `spectral`, (k + 1) / (systems + 1)
    p_angle: Float[np.ndarray, "systems systems"]
    floor: Float[np.ndarray, "systems"]  # `spectral` between the halves of each
    floor_angle: Float[np.ndarray, "systems"]
    operator: Float[np.ndarray, "systems rank rank"]  # A
    eigenvalues: Complex[np.ndarray, "systems rank"]


def dsa(
    recordings: Sequence[Tensor] | Sequence[np.ndarray] | Tensor | np.ndarray,
    delays: int = 4,
    rank: int | None = None,
) -> DSA:
    """The dynamical distances of recordings, each (time, units) or (trials, time, units).

    Without a rank it is the number of coordinates that hold 99 percent of the variance in every system, at
    most 15 and a third of the steps.

    Raises BadInput for fewer than two recordings, fewer steps than delays and rank need, activity that does
    not vary, and for what is not finite.

    >>> from wavetrain.lenses import dsa
    >>> time = torch.arange(200)
    >>> slow, again, fast = (torch.stack([(w * time).cos(), (w * time).sin()], 1) for w in (0.1, 0.1, 0.4))
    >>> found = dsa([slow, again @ torch.tensor([[1.0, 0.2], [0.0, 1.0]]), fast], delays=1)
    >>> found.spectral.round(2)[0], found.angle.round(2)[0]
    (array([0. , 0. , 0.3]), array([0. , 0. , 0.3]))
    """
    if len(recordings) < 2 or delays < 1 or (rank is not None and rank < 1):
        raise BadInput(
            "dsa: expected two recordings or more, and delays and a rank of 1 or more, "
            f"got {len(recordings)}, {delays} and {rank}"
        )
    trials = [_trials(number, one) for number, one in enumerate(recordings)]
    rows = [_delayed(one, delays) for one in trials]
    rank = _rank(rows, rank)
    operators = np.array([_operator(one, rank) for one in rows])
    halves = np.array([[_operator(half, rank) for half in _halves(one)] for one in rows])  # (S, 2, r, r)
    count = len(rows)
    first, second = np.triu_indices(count, 1)
    angle, spectral, error = np.zeros((3, count, count))
    angle[first, second] = angles(operators[first], operators[second])
    values, parts = np.linalg.eigvals(operators), np.linalg.eigvals(halves)
    for i, j in zip(first, second, strict=True):
        spectral[i, j] = apart(values[i], values[j])
        error[i, j] = abs(apart(parts[i, 0], parts[j, 1]) - apart(parts[i, 1], parts[j, 0])) / 2
    angle, spectral, error = (one + one.T for one in (angle, spectral, error))
    floor = np.array([apart(*two) for two in parts])
    floor_angle = angles(halves[:, 0], halves[:, 1])
    return DSA(
        angle=angle,
        spectral=spectral,
        error=error,
        p=_rarely(spectral, floor),
        p_angle=_rarely(angle, floor_angle),
        floor=floor,
        floor_angle=floor_angle,
        operator=operators,
        eigenvalues=values.astype(complex),
    )


def _trials(number: int, recording: Tensor | np.ndarray) -> np.ndarray:
    """Activity (trials, time, units) less its mean."""
    seen = _likeness.samples("dsa", f"recording {number}", recording)
    if not seen.rows.any():
        raise BadInput(f"dsa: expected activity that varies, got the same at all steps of recording {number}")
    batch, time = (1, seen.batch) if seen.time == 1 else (seen.batch, seen.time)
    return seen.rows.reshape(batch, time, -1)


def _delayed(trials: np.ndarray, delays: int) -> np.ndarray:
    """Each step beside those before it, the newest first: (trials, time - delays + 1, delays units)."""
    time = trials.shape[1]
    if time < delays + 1:
        raise BadInput(f"dsa: expected more than {delays} steps a trial, as many as delays, got {time}")
    return np.concatenate([trials[:, delays - 1 - lag : time - lag] for lag in range(delays)], 2)


def _rank(rows: list[np.ndarray], rank: int | None) -> int:
    """The rank of all systems."""
    pairs = min(one.shape[0] * (one.shape[1] - 1) for one in rows)
    most = min(pairs // 3, *(one.shape[2] for one in rows))
    if rank is not None:
        if rank > most:
            raise BadInput(
                f"dsa: expected a rank of at most {most}, a third of {pairs} steps and no more than the "
                f"delayed units, got {rank}"
            )
        return rank
    if most < 1:
        raise BadInput(f"dsa: expected three steps or more beyond the delays, got {pairs}")
    wanted = 1
    for one in rows:
        values = np.linalg.svd(one.reshape(-1, one.shape[2]), compute_uv=False) ** 2
        wanted = max(wanted, 1 + int((np.cumsum(values) < HELD * values.sum()).sum()))
    return min(wanted, most, MOST)


def _halves(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The two halves of the trials, or of the time of a single one."""
    if len(rows) > 1:
        return rows[: len(rows) // 2], rows[len(rows) // 2 :]
    half = rows.shape[1] // 2
    return rows[:, :half], rows[:, half:]


def _operator(rows: np.ndarray, rank: int) -> np.ndarray:
    """The matrix (rank, rank) from one step to the next, in coordinates of equal variance."""
    flat = rows.reshape(-1, rows.shape[2])
    left = np.linalg.svd(flat, full_matrices=False)[0][:, :rank] * np.sqrt(len(flat))
    wide = np.zeros((len(flat), rank))
    wide[:, : left.shape[1]] = left
    parts = wide.reshape(*rows.shape[:2], rank)
    now, after = parts[:, :-1].reshape(-1, rank), parts[:, 1:].reshape(-1, rank)
    return np.linalg.solve(now.T @ now + RIDGE * len(now) * np.eye(rank), now.T @ after).T


def apart(one: Complex[np.ndarray, "rank"], two: Complex[np.ndarray, "rank"]) -> float:
    """The mean distance of two sets of eigenvalues in pairs, at the least cost."""
    cost = np.abs(one[:, None] - two)
    return float(cost[linear_sum_assignment(cost)].mean())


def angles(
    one: Float[np.ndarray, "pairs rank rank"], two: Float[np.ndarray, "pairs rank rank"]
) -> Float[np.ndarray, "pairs"]:
    """The angle of each two matrices over all orthogonal changes of coordinates, radians."""
    a = one / np.maximum(np.linalg.norm(one, axis=(1, 2), keepdims=True), 1e-300)
    b = two / np.maximum(np.linalg.norm(two, axis=(1, 2), keepdims=True), 1e-300)
    turns = np.array([_nearest(*pair) for pair in zip(a, b, strict=True)])  # (P, starts, r, r)
    a, b = a[:, None], b[:, None]
    turns = _climb(a, b, turns, FIRST)
    best = _gain(a, b, turns).argmax(1)[:, None, None, None]
    turns = _climb(a, b, np.take_along_axis(turns, best, 1), THEN)[:, 0]
    gap = np.linalg.norm(a[:, 0] - turns @ b[:, 0] @ _turned(turns), axis=(1, 2))
    return 2 * np.arcsin(np.minimum(gap / 2, 1))  # exact also where it is small


def _nearest(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Orthogonal matrices near those C that make |A C - C B|^2 + |A' C - C B'|^2 least, (starts, r, r)."""
    size, eye = len(a), np.eye(len(a))
    cross = np.kron(a, b)  # of C read row by row
    quadratic = np.kron(a.T @ a + a @ a.T, eye) + np.kron(eye, b @ b.T + b.T @ b) - 2 * (cross + cross.T)
    many = min(STARTS, size * size)
    vectors = eigh(quadratic, subset_by_index=(0, many - 1))[1]
    return _polar(np.stack([vectors[:, number % many].reshape(size, size) for number in range(STARTS)]))


def _polar(matrices: np.ndarray) -> np.ndarray:
    """The nearest orthogonal matrices."""
    left, _, right = np.linalg.svd(matrices)
    return left @ right


def _gain(a: np.ndarray, b: np.ndarray, turns: np.ndarray) -> np.ndarray:
    return (a * (turns @ b @ _turned(turns))).sum((-2, -1))


def _climb(a: np.ndarray, b: np.ndarray, turns: np.ndarray, steps: int) -> np.ndarray:
    """Turns that never get worse: each step maximises a bound that touches the gain where it stands."""
    bound = 2 * np.linalg.norm(a, 2, axis=(-2, -1)) * np.linalg.norm(b, 2, axis=(-2, -1))
    for _ in range(steps):
        slope = a @ turns @ _turned(b) + _turned(a) @ turns @ b
        before = _gain(a, b, turns)
        bold = _polar(slope + 0.2 * bound[..., None, None] * turns)
        gain = _gain(a, b, bold)
        worse = gain < before
        if worse.any():
            careful = _polar(slope + bound[..., None, None] * turns)
            bold = np.where(worse[..., None, None], careful, bold)
            gain = np.where(worse, _gain(a, b, bold), gain)
        turns = bold
        if (gain - before).max() < 1e-12:
            break
    return turns


def _rarely(distance: np.ndarray, floor: np.ndarray) -> np.ndarray:
    """The share of floors that are as large as each distance, (k + 1) / (floors + 1)."""
    return (1 + (floor >= distance[..., None] - 1e-12).sum(-1)) / (1 + len(floor))


def _turned(matrix: np.ndarray) -> np.ndarray:
    """The transpose of each matrix (..., n, m); arrays have `.mT` from NumPy 2.0 on."""
    return np.swapaxes(matrix, -1, -2)
