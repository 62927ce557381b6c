"""The fast route of units that compete, with learning or without; `spiking/_competing.py` is the definition.

No gradient goes back: whoever needs one takes the definition.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from wavetrain.core import State
from wavetrain.scan.cpu import host
from wavetrain.scan.operators import Walk, fixed
from wavetrain.scan.routes import took


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


@torch.no_grad()
def compete(
    x: Float[Tensor, "batch time inputs"],
    state: State,
    weight: Float[Tensor, "units inputs"],
    raised: Float[Tensor, "units"],
    rivals: Rivals,
) -> tuple[Float[Tensor, "batch time units"], State]:
    """The spikes of a sequence, and the last state; weights and thresholds stay."""
    assert isinstance(state, tuple)
    spikes, v, silent, last = _competed(x, *state, weight, raised, *_split(rivals))
    return spikes, (v, silent, last)


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
    assert isinstance(state, tuple)
    numbers = *_split(rivals), list(learning[:8]), learning.nearest, learning.over_batch
    spikes, moved, thresholds = _learned(x, *state, *traces, weight, raised, mask, *numbers)
    return spikes, moved, thresholds


def _split(rivals: Rivals) -> tuple[list[float], int, int]:
    return list(rivals[:4]), rivals.silence, rivals.groups


def _walk(
    x: Tensor,
    v: Tensor,
    silent: Tensor,
    last: Tensor,
    weight: Tensor,
    raised: Tensor,
    rivals: Sequence[float],
    silence: int,
    groups: int,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The spikes, and the last state."""
    from wavetrain.scan.cpu.competition import walk

    took("competition", "numba")
    spikes, parts = _room(x, (v, silent, last), weight)
    numbers = tuple(np.array(rivals, parts[0].dtype)), (silence, groups)
    walk(host.array(x), spikes.numpy(), *parts, host.array(weight.T), host.array(raised), *numbers)
    of = [torch.from_numpy(part) for part in parts]
    return spikes, of[0], of[1], of[2]


def _like_walk(
    x: Tensor,
    v: Tensor,
    silent: Tensor,
    last: Tensor,
    weight: Tensor,
    raised: Tensor,
    rivals: Sequence[float],
    silence: int,
    groups: int,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    of = [part.new_empty(part.shape) for part in (v, silent, last)]
    return x.new_empty(*x.shape[:2], len(weight)), of[0], of[1], of[2]


def _learn(
    x: Tensor,
    v: Tensor,
    silent: Tensor,
    last: Tensor,
    before: Tensor,
    behind: Tensor,
    weight: Tensor,
    raised: Tensor,
    mask: Tensor | None,
    rivals: Sequence[float],
    silence: int,
    groups: int,
    learning: Sequence[float],
    nearest: bool,
    over_batch: int,
) -> tuple[Tensor, Tensor, Tensor]:
    """The spikes, weights and thresholds."""
    from wavetrain.scan.cpu.competition import learn

    took("competition", "numba")
    spikes, parts = _room(x, (v, silent, last), weight)
    dtype = parts[0].dtype
    traces = [part.clone(memory_format=torch.contiguous_format).numpy() for part in (before, behind)]
    moved = np.ascontiguousarray(weight.detach().numpy().T).copy()
    thresholds = raised.detach().clone(memory_format=torch.contiguous_format)
    given = np.empty((0, 0), dtype) if mask is None else np.ascontiguousarray(mask.numpy().T.astype(dtype))
    learn(
        host.array(x),
        spikes.numpy(),
        *parts,
        *traces,
        moved,
        given,
        thresholds.numpy(),
        tuple(np.array(rivals, dtype)),
        tuple(np.array(learning, dtype)),
        (silence, groups),
        (nearest, over_batch),
    )
    return spikes, torch.from_numpy(moved).T.contiguous(), thresholds


def _like_learn(
    x: Tensor,
    v: Tensor,
    silent: Tensor,
    last: Tensor,
    before: Tensor,
    behind: Tensor,
    weight: Tensor,
    raised: Tensor,
    mask: Tensor | None,
    rivals: Sequence[float],
    silence: int,
    groups: int,
    learning: Sequence[float],
    nearest: bool,
    over_batch: int,
) -> tuple[Tensor, Tensor, Tensor]:
    spikes = x.new_empty(*x.shape[:2], len(weight))
    return spikes, weight.new_empty(weight.shape), raised.new_empty(raised.shape)


def _room(x: Tensor, state: tuple[Tensor, ...], weight: Tensor) -> tuple[Tensor, list[np.ndarray]]:
    """Zeros for the spikes, and a copy of the state."""
    spikes = x.new_zeros(*x.shape[:2], len(weight))
    return spikes, [part.detach().clone(memory_format=torch.contiguous_format).numpy() for part in state]


_competed = fixed("compete", Walk(_walk, _like_walk))
_learned = fixed("compete_and_learn", Walk(_learn, _like_learn))
