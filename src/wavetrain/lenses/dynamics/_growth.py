"""What grows along a trajectory: a frame that the Jacobians carry, made orthonormal at each step."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from wavetrain.errors import BadInput
from wavetrain.lenses.dynamics._map import Scaled

CHUNK = 2**23  # numbers in the Jacobians that are held at once


def along(
    map: Scaled,
    rows: Float[Tensor, "starts units"],
    drive: Float[Tensor, "time inputs"] | None,
    steps: int,
    count: int,
) -> tuple[
    Float[np.ndarray, "starts steps count"],
    Float[np.ndarray, "starts steps units"],
    Float[Tensor, "starts units"],
]:
    """ln R_t[i, i] of each trajectory, the states before each step, and the last ones.

    With a count of 0 only the states are walked.
    """
    state, starts, units = rows / map.size, len(rows), rows.shape[1]
    dice = torch.Generator().manual_seed(0)
    frame = torch.randn(units, count, dtype=torch.float64, generator=dice)
    frame = torch.linalg.qr(frame)[0].repeat(starts, 1, 1)
    found, seen = np.empty((starts, steps, count)), np.empty((starts, steps, units))
    each = max(1, CHUNK // (starts * units**2))
    for first in range(0, steps, each):
        now = range(first, min(first + each, steps))
        states = []
        for t in now:
            states.append(state)
            state = map(state, None if drive is None else drive[t].expand(starts, -1))
            if not state.isfinite().all():
                raise BadInput(
                    f"{map.inner.lens}: expected a finite trajectory; it is not after step {t + 1}"
                )
        seen[:, now.start : now.stop] = torch.stack(states, 1).numpy() * map.size
        if not count:
            continue
        inputs = None if drive is None else drive[now.start : now.stop].repeat_interleave(starts, 0)
        jacobians = map.jacobian(torch.cat(states), inputs).unflatten(0, (len(now), starts))
        for t, jacobian in zip(now, jacobians, strict=True):
            frame, r = torch.linalg.qr(jacobian @ frame)
            with np.errstate(divide="ignore"):
                found[:, t] = np.log(r.diagonal(dim1=1, dim2=2).abs().numpy())
    return found, seen, state * map.size
