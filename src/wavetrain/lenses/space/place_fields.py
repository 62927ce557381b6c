"""Place fields: where in an arena each unit is active, in how many places, and how much that tells.

O'Keefe and Dostrovsky 1971; information by Skaggs et al. 1993, sparsity by Skaggs et al. 1996. The arena is
a track, a box or what of a box was visited, and cut into bins; lambda_i is the mean activity in bin i,
smoothed over `smooth` bins, p_i the share of time spent there, and lambda = sum_i p_i lambda_i.

    field        at least `least` bins, connected along their sides, above `part` of the peak
    information  sum_i p_i (lambda_i / lambda) log2(lambda_i / lambda), bits per spike
    sparsity     lambda^2 / sum_i p_i lambda_i^2

Active everywhere alike is information 0 and sparsity 1; active in one of N bins visited alike is log2 N and
1 / N. Both want rates of at least 0. Few steps in a bin make information too large, for any unit; two nulls
tell what is left of it:

    p        rank of the information among `shifts` of activity in time against the path, each by at least
             `away` steps (by default a tenth of a sequence) and at most as much less than the sequence
    p_label  where `label` (B, T) tells what is seen at each step: rank among as many exchanges of activity
             between steps of one sequence at which the same is seen. A unit that follows what is seen, and
             not the place, has 1; so has one whose place shows what no other place does, as nothing can tell
             the two apart: `shared` says which units have their peak where the same is seen elsewhere
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import ndimage
from torch import Tensor

from wavetrain.core import Card
from wavetrain.errors import BadInput
from wavetrain.parts import nulls
from wavetrain.parts.arena import Path, Units

card = Card(
    title="The hippocampus as a spatial map. Preliminary evidence from unit activity in the "
    "freely-moving rat",
    authors="O'Keefe, John and Dostrovsky, Jonathan",
    year=1971,
    source="Brain Research 34(1):171, doi 10.1016/0006-8993(71)90358-1",
    family="space",
    topic="Cognitive maps",
)


class PlaceFields(NamedTuple):
    """Maps have one axis for each coordinate of the place, the first down and the second across; U units."""

    rate: Float[np.ndarray, "units *bins"]  # mean activity, NaN where never visited
    occupancy: Float[np.ndarray, "*bins"]  # share of time, of sum 1
    label: Int[np.ndarray, "units *bins"]  # number of the field from 1, 0 outside
    fields: Int[np.ndarray, "units"]  # how many
    size: Int[np.ndarray, "units"]  # bins in all fields
    information: Float[np.ndarray, "units"]  # bits per spike, NaN for a unit that is silent or below 0
    sparsity: Float[np.ndarray, "units"]  # 0 to 1, NaN alike
    null: Float[np.ndarray, "shifts units"]  # information of activity shifted in time
    p: Float[np.ndarray, "units"]  # rank of the information in its null; NaN without information or shifts
    p_label: Float[np.ndarray, "units"]  # against exchanges of what looks alike; NaN without labels, too
    shared: Bool[np.ndarray, "units"]  # whether what is seen at the peak is seen in another bin, too
    dropped: Int[np.ndarray, "units"]  # steps left out, as the place or the activity is NaN


def place_fields(
    activity: Float[Tensor, "batch time units"],
    position: Float[Tensor, "batch time coordinates"],
    bins: int | Sequence[int] = 20,
    smooth: float = 1.0,
    part: float = 0.5,
    least: int = 3,
    low: float | Sequence[float] | None = None,
    high: float | Sequence[float] | None = None,
    shifts: int = nulls.DRAWS,
    away: int | None = None,
    label: Int[Tensor, "batch time"] | None = None,
    seed: int = 0,
) -> PlaceFields:
    """The fields of activity (B, T, U) at places (B, T, coordinates) in the box from `low` to `high`.

    `bins` is the number along the longest side of the box, or one for each; without `low` and `high` the box
    is the smallest that holds all places.

    Raises BadInput where activity, places or labels do not fit each other.

    >>> from wavetrain.lenses import place_fields
    >>> place = torch.rand(1, 2000, 2)
    >>> activity = torch.exp(-(place - 0.5).square().sum(-1, keepdim=True) / 0.02)  # it likes the middle
    >>> found = place_fields(activity, place, bins=10, shifts=20)
    >>> found.fields.tolist(), found.information.round().tolist()  # one field; bits per spike
    ([1], [1.0])
    """
    if activity.ndim != 3 or position.shape[:-1] != activity.shape[:2]:
        raise BadInput(
            "place fields: expected activity (batch, time, units) and position (batch, time, coordinates), "
            f"got {tuple(activity.shape)} and {tuple(position.shape)}"
        )
    path = Path(position, bins, low, high)
    units = Units(activity, path)
    seen = path.maps(units, smooth)
    fields = np.stack([_fields(one, part, least) for one in seen.rate])
    information, sparsity = _skaggs(seen.rate, seen.steps)
    axes = tuple(range(1, fields.ndim))

    def against(sources: Iterable[np.ndarray]) -> np.ndarray:
        null = [_skaggs(*path.maps(units, smooth, source)[:2])[0] for source in sources]
        return np.array(null).reshape(-1, len(information))

    none = np.full(len(information), np.nan)
    shared = np.zeros(len(information), bool)
    p, p_label, null = none, none, none[None][:0]
    batch, time = path.bin.shape
    if shifts:
        null = against(nulls.shifts(batch, time, shifts, away, seed))
        p = nulls.rank(information, null)
    if label is not None:
        if label.shape != path.bin.shape:
            raise BadInput(
                f"place fields: expected labels (batch, time) {path.bin.shape}, got {tuple(label.shape)}"
            )
        looks = label.detach().cpu().numpy()
        shared = _shared(seen.rate, path.bin, looks)
        if shifts:
            p_label = nulls.rank(information, against(nulls.exchanges(looks, shifts, seed)))
    return PlaceFields(
        rate=seen.rate,
        occupancy=path.occupancy,
        label=fields,
        fields=fields.max(axes),
        size=(fields > 0).sum(axes),
        information=information,
        sparsity=sparsity,
        null=null,
        p=p,
        p_label=p_label,
        shared=shared,
        dropped=seen.dropped,
    )


def _fields(rate: np.ndarray, part: float, least: int) -> np.ndarray:
    """The fields of one map, numbered from 1."""
    rate = np.where(np.isnan(rate), -np.inf, rate)
    label, count = ndimage.label(rate > part * max(float(rate.max()), 0.0))
    kept = 0
    for number in range(1, count + 1):
        one = label == number
        large = bool(one.sum() >= least)
        kept += large
        label[one] = kept if large else 0
    return label


def _skaggs(rate: np.ndarray, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Information and sparsity of maps (U, *bins), seen for so many steps (U or 1, *bins)."""
    rate, steps = rate.reshape(len(rate), -1), steps.reshape(len(steps), -1)
    time = np.broadcast_to(steps / np.maximum(steps.sum(1, keepdims=True), 1), rate.shape)
    rate = np.where(time > 0, rate, 0.0)
    mean = (time * rate).sum(1)
    told = (mean > 0) & (rate >= 0).all(1)
    ratio = rate[told] / mean[told, None]
    bits = ratio * np.log2(ratio, out=np.zeros_like(ratio), where=ratio > 0)
    information, sparsity = np.full((2, len(rate)), np.nan)
    information[told] = (time[told] * bits).sum(1)
    sparsity[told] = 1 / (time[told] * ratio**2).sum(1)
    return information, sparsity


def _shared(rate: np.ndarray, path: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Whether what is seen at the peak of each unit is seen in another bin of the same sequence (U,)."""
    flat = np.where(np.isnan(rate), -np.inf, rate).reshape(len(rate), -1)
    peak = flat.argmax(1)
    shared = np.zeros(len(rate), bool)
    for place, look in zip(path, label, strict=True):
        place, look = place[place >= 0], look[place >= 0]
        for unit, one in enumerate(peak):
            shared[unit] |= bool(np.isin(look[place != one], look[place == one]).any())
    return shared & np.isfinite(flat.max(1))
