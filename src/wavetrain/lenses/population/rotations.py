"""Rotations: does the state of a population turn, in all conditions in the same planes and sense?

jPCA of Churchland et al. 2012, Nature 487:51. Activity is (conditions, time, units). The mean over conditions
at each time is taken away (where there is more than one), and so many principal components are kept as
`planes` x 2. The steps d_t = x_t+1 - x_t are then fitted from the middle of each step, by any matrix and by a
skew one, which only turns.

    r2        share of the steps' squares that the skew matrix explains
    r2_any    the same of the best matrix at all, never less
    planes    of the skew matrix, the fastest first: two orthogonal axes each, so that the turn goes from
              the first to the second axis

Smooth activity of few dimensions turns a little by itself. The null is made of the orthogonal contrasts of
the conditions, which are without their mean and turn as they do. Some are played backwards, drawn by coins:
as smooth, as large and as low in dimension, but without a sense of rotation in common. p is the rank of r2 in
the null. It is exact for Gaussian conditions that know nothing of each other and are as likely backwards as
forwards, NaN for one or two conditions, and never below 0.06 for six. The surrogates of Elsayed and
Cunningham 2017, Nat Neurosci 20:1310, keep covariances instead; those of a short recording turn more.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.linalg import helmert, solve_sylvester
from torch import Tensor

from wavetrain.core import Card
from wavetrain.errors import BadInput
from wavetrain.lenses.population import _likeness
from wavetrain.parts import nulls

card = Card(
    title="Neural population dynamics during reaching",
    authors="Churchland, Mark M. and Cunningham, John P. and Kaufman, Matthew T. and Foster, Justin D. and "
    "Nuyujukian, Paul and Ryu, Stephen I. and Shenoy, Krishna V.",
    year=2012,
    source="Nature 487:51, doi 10.1038/nature11129",
    family="population",
    topic="Looking inside",
)

RIDGE = 1e-10  # of the mean variance: directions that do not vary turn nothing
FLAT = 1e-12  # share of the largest variance below which there is only rounding


class Rotations(NamedTuple):
    """The turning of a population; NaN where nothing moves."""

    r2: float  # share of the steps' squares that turning explains, at most 1
    error: float  # standard error, by leaving out each condition; NaN with fewer than three
    r2_any: float  # share that the best linear system explains
    frequency: Float[np.ndarray, "planes"]  # turns per unit of time, the fastest first
    variance: Float[np.ndarray, "planes"]  # share of the variance, after the mean over conditions
    axes: Float[np.ndarray, "units planes 2"]  # of each plane, at right angles
    projected: Float[np.ndarray, "conditions time planes 2"]  # in the unit of the activity
    held: float  # share of the variance that the components hold
    null: Float[np.ndarray, "draws"]  # r2 with some contrasts played backwards
    p: float  # rank of r2: (k + 1) / (draws + 1)


def rotations(
    activity: Float[Tensor, "conditions time units"] | Float[np.ndarray, "conditions time units"],
    planes: int | None = None,
    rate: float = 1.0,
    draws: int = 99,
    seed: int = 0,
) -> Rotations:
    """The rotations of activity (conditions, time, units), `rate` steps per unit of time.

    Without `planes` they are three, or as many as there are units for.

    Raises BadInput for fewer steps than three, fewer conditions and steps or units than the planes need, and
    for what is not finite.

    >>> from wavetrain.lenses import rotations
    >>> angle = 0.2 * torch.arange(60) + torch.arange(8)[:, None]
    >>> found = rotations(torch.stack([angle.cos(), angle.sin()], -1), planes=1)
    >>> round(float(found.frequency[0]) * 2 * torch.pi, 2), found.r2 > 0.99
    (0.2, True)
    """
    what = "rotations"
    if activity.ndim != 3:
        raise BadInput(f"{what}: expected activity (conditions, time, units), got {tuple(activity.shape)}")
    seen = _likeness.samples(what, "activity", activity)
    if not (np.isfinite(rate) and rate > 0):
        raise BadInput(f"{what}: expected a rate above 0 steps per unit of time, got {rate}")
    value = seen.rows.reshape(activity.shape)
    conditions, time, units = value.shape
    most = min(units, max(conditions - 1, 1) * time - 1) // 2
    planes = max(min(3, most), 1) if planes is None else planes
    if time < 3 or not 1 <= planes <= most:
        raise BadInput(
            f"{what}: expected three steps or more and from 1 to {max(most, 0)} planes, as {conditions} "
            f"conditions, {time} steps and {units} units have room for, got {time} steps and {planes} planes"
        )
    value = _apart(value)
    found = _turning(value, planes)
    left = [
        _turning(_apart(np.delete(value, one, 0)), planes).r2 for one in range(conditions * (conditions > 2))
    ]
    null = _null(value, planes, draws, seed)
    moved, axes = _planes(found.skew, found.axes)
    projected = np.einsum("ctu,upa->ctpa", value, axes)
    total = (value**2).sum()
    share = (projected**2).sum((0, 1, 3)) / total if total > 0 else np.full(planes, np.nan)
    return Rotations(
        r2=found.r2,
        error=float(np.sqrt((conditions - 1) * np.var(left))) if left else float("nan"),
        r2_any=found.any,
        frequency=moved * rate / (2 * np.pi),
        variance=share,
        axes=axes,
        projected=projected * seen.unit,
        held=found.held,
        null=null,
        p=float(nulls.rank(np.array([found.r2]), null[:, None])[0]) if len(null) else float("nan"),
    )


class _Turning(NamedTuple):
    r2: float
    any: float
    skew: Float[np.ndarray, "kept kept"]  # rad per step: the step is the state times it
    axes: Float[np.ndarray, "units kept"]
    held: float


def _apart(value: np.ndarray) -> np.ndarray:
    """Activity less its mean over conditions, or over time of a single one."""
    return value - (value.mean(0) if len(value) > 1 else value.mean((0, 1)))


def _turning(value: Float[np.ndarray, "conditions time units"], planes: int) -> _Turning:
    """The skew fit in the space of the first components."""
    rows = value.reshape(-1, value.shape[2])
    _, sizes, axes = np.linalg.svd(rows, full_matrices=False)
    axes = axes[: 2 * planes].T
    parts = value @ axes
    now = ((parts[:, 1:] + parts[:, :-1]) / 2).reshape(-1, axes.shape[1])
    step = np.diff(parts, axis=1).reshape(-1, axes.shape[1])
    squares, total = (step**2).sum(), (sizes**2).sum()
    held = float((sizes[: 2 * planes] ** 2).sum() / total) if total > 0 else float("nan")
    if not squares > 0:
        nothing = np.zeros((axes.shape[1],) * 2)
        return _Turning(float("nan"), float("nan"), nothing, axes, held)
    inner = now.T @ now
    inner += RIDGE * np.trace(inner) / len(inner) * np.eye(len(inner))
    outer = now.T @ step
    skew = solve_sylvester(inner, inner, outer - outer.T)  # least squares among skew matrices
    skew = (skew - skew.T) / 2
    best = np.linalg.solve(inner, outer)
    r2, most = (1 - ((step - now @ one) ** 2).sum() / squares for one in (skew, best))
    return _Turning(float(r2), float(most), skew, axes, held)


def _planes(
    skew: Float[np.ndarray, "kept kept"], axes: Float[np.ndarray, "units kept"]
) -> tuple[Float[np.ndarray, "planes"], Float[np.ndarray, "units planes 2"]]:
    """Rad per step of each plane, and its axes; the turn goes from the first axis to the second."""
    values, vectors = np.linalg.eigh(1j * skew)  # of x' = x S; real values in pairs
    order = np.argsort(-values)[: len(skew) // 2]
    one = np.sqrt(2) * vectors[:, order]
    both = axes @ np.stack([one.real, one.imag], -1).reshape(len(skew), -1)
    both = both.reshape(len(axes), -1, 2)
    turn = np.einsum("upa,uv,vpb->pab", both, axes @ skew @ axes.T, both)[:, 0, 1]
    both[..., 1] *= np.where(turn < 0, -1.0, 1.0)
    return 2 * np.arctan(np.abs(values[order]) / 2), both  # of a step fitted at its middle


def _null(value: np.ndarray, planes: int, draws: int, seed: int) -> np.ndarray:
    """r2 with some contrasts played backwards; the first stays, since all of them turn as none do."""
    if len(value) < 3:
        return np.zeros(0)
    contrasts = np.einsum("kc,ctu->ktu", helmert(len(value)), value)
    free = len(contrasts) - 1
    kinds = 2**free - 1
    if kinds <= draws:
        turned = (np.arange(1, kinds + 1)[:, None] >> np.arange(free)) % 2 == 1
    else:
        turned = np.random.default_rng(seed).random((2 * draws + 8, free)) < 0.5
        turned = turned[turned.any(1)][:draws]
    return np.array([_turning(_backwards(contrasts, one), planes).r2 for one in turned], np.float64)


def _backwards(contrasts: np.ndarray, turned: np.ndarray) -> np.ndarray:
    some = np.concatenate([[False], turned])
    return np.where(some[:, None, None], contrasts[:, ::-1], contrasts)
