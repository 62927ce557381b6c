"""The fast route of units that compete, with learning or without; `spiking/_competing.py` is the definition.

No gradient goes back: whoever needs one takes the definition.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from wavetrain.core import State
from wavetrain.scan.cpu import host
from wavetrain.scan.routes import took, whole


class Rivals(NamedTuple):
    """The numbers of a step, the same for all units; potentials are in mV above rest."""

    kept: float  # what a step leaves of a potential
    threshold: float
    reset: float
    inhibition: float
    silence: int  # steps without a spike after each
    groups: int  # of units that compete


class Learning(NamedTuple):
    """The numbers by which weights and thresholds learn in a step."""

    potentiation: float
    depression: float
    kept_before: float  # what a step leaves of a trace of spikes before a connection
    kept_behind: float
    low: float
    high: float
    raised: float  # by which a crossing raises a threshold
    kept_raised: float
    nearest: bool  # whether the nearest spikes alone count
    over_batch: int  # sum, mean or largest, as `scan.cpu.competition` numbers them


@whole
@torch.no_grad()
def compete(
    x: Float[Tensor, "batch time inputs"],
    state: State,
    weight: Float[Tensor, "units inputs"],
    raised: Float[Tensor, "units"],
    rivals: Rivals,
) -> tuple[Float[Tensor, "batch time units"], State]:
    """The spikes of a sequence, and the last state; weights and thresholds stay."""
    from wavetrain.scan.cpu.competition import walk

    took("competition", "numba")
    spikes, parts = _room(x, state, weight)
    numbers = tuple(np.array(rivals[:4], parts[0].dtype))
    walk(host.array(x), spikes.numpy(), *parts, host.array(weight.T), host.array(raised), numbers, rivals[4:])
    return spikes, tuple(torch.from_numpy(part) for part in parts)


@whole
@torch.no_grad()
def compete_and_learn(
    x: Float[Tensor, "batch time inputs"],
    state: State,
    traces: tuple[Tensor, Tensor],
    weight: Float[Tensor, "units inputs"],
    raised: Float[Tensor, "units"],
    mask: Tensor | None,
    rivals: Rivals,
    learning: Learning,
) -> tuple[Float[Tensor, "batch time units"], Float[Tensor, "units inputs"], Float[Tensor, "units"]]:
    """The spikes of a sequence, and the weights and thresholds that its steps leave behind."""
    from wavetrain.scan.cpu.competition import learn

    took("competition", "numba")
    spikes, parts = _room(x, state, weight)
    dtype = parts[0].dtype
    before, behind = (trace.clone(memory_format=torch.contiguous_format).numpy() for trace in traces)
    moved = np.ascontiguousarray(weight.detach().numpy().T).copy()
    thresholds = raised.detach().clone().numpy()
    given = np.empty((0, 0), dtype) if mask is None else np.ascontiguousarray(mask.numpy().T.astype(dtype))
    learn(
        host.array(x),
        spikes.numpy(),
        *parts,
        before,
        behind,
        moved,
        given,
        thresholds,
        tuple(np.array(rivals[:4], dtype)),
        tuple(np.array(learning[:8], dtype)),
        rivals[4:],
        learning[8:],
    )
    return spikes, torch.from_numpy(moved).T.contiguous(), torch.from_numpy(thresholds)


def _room(x: Tensor, state: State, weight: Tensor) -> tuple[Tensor, list[np.ndarray]]:
    """Zeros for the spikes, and a copy of the state."""
    spikes = x.new_zeros(*x.shape[:2], len(weight))
    return spikes, [part.detach().clone(memory_format=torch.contiguous_format).numpy() for part in state]
