"""Patterns and fields that several memories share.

check_signs, unit   refuse patterns that are not +1 and -1, or cannot be normalised
shares, log_sum     of fields over the patterns that are there, which may be none
warn_beyond         says when there is more in a memory than it can hold
signed, settled     units take the signs of their fields, at once, or one by one until none changes
"""

import warnings
from collections.abc import Callable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from wavetrain.core import Memory
from wavetrain.errors import BadInput


def shares(
    field: Float[Tensor, "batch cues many"],
    readable: Bool[Tensor, "batch cues many"] | Bool[Tensor, "batch 1 many"],
) -> Float[Tensor, "batch cues many"]:
    """The softmax of fields (B, M, S) over the places that are readable; zeros where none is."""
    least = torch.finfo(field.dtype).min  # and not infinity, whose softmax alone is not a number
    return field.masked_fill(~readable, least).softmax(-1) * readable


def log_sum(
    field: Float[Tensor, "batch cues many"],
    readable: Bool[Tensor, "batch cues many"] | Bool[Tensor, "batch 1 many"],
) -> Float[Tensor, "batch cues"]:
    """log sum exp of fields (B, M, S) over the places that are readable, (B, M); 0 where none is."""
    least = torch.finfo(field.dtype).min
    return torch.where(readable.any(-1), field.masked_fill(~readable, least).logsumexp(-1), 0.0)


def check_signs(
    memory: Memory, pattern: Float[Tensor, "batch many size"]
) -> Float[Tensor, "batch many size"]:
    """The patterns as they are; raises where they are not all +1 and -1."""
    wrong = pattern[pattern.abs() != 1]
    if len(wrong):
        raise BadInput(
            f"{type(memory).__name__}: expected patterns of +1 and -1, got {wrong[0].item():g} "
            f"in {tuple(pattern.shape)}"
        )
    return pattern


def unit(memory: Memory, pattern: Float[Tensor, "batch many size"]) -> Float[Tensor, "batch many size"]:
    """The patterns divided by their norms; raises where one is all zeros."""
    norm = pattern.norm(dim=-1, keepdim=True)
    if (norm == 0).any():
        raise BadInput(
            f"{type(memory).__name__}: expected patterns that can be normalised, got one of zeros "
            f"in {tuple(pattern.shape)}"
        )
    return pattern / norm


def warn_beyond(
    memory: Memory, stored: Int[Tensor, "batch"], added: int, capacity: float, theory: str
) -> None:
    """Warn when a write takes a memory past the number of patterns that theory says it can bring back.

    `stored` (B,) counts what each sequence has written, the `added` last ones included.
    """
    if stored.is_meta or not len(stored):
        return
    most = int(stored.max())
    if most > capacity >= most - added:
        warnings.warn(
            f"{type(memory).__name__}: {most} patterns are more than the {int(capacity)} that it can hold "
            f"({theory}); what is read will be wrong",
            stacklevel=4,
        )


def signed(field: Tensor, before: Tensor, tie: float = 0.0) -> Tensor:
    """The signs of fields; what was there before, where a field is no larger than `tie`."""
    return torch.where(field.abs() <= tie, before, field.sign())


def settled(
    pattern: Tensor,
    field: Callable[[Tensor, int], Tensor],
    sweeps: int,
    generator: torch.Generator | None,
    tie: float = 0.0,
) -> Tensor:
    """Unit after unit takes the sign of its field (B, M), in a random order drawn for each sweep.

    A unit whose field is no larger than `tie` stays as it is: above 0 where rounding enters the fields. Ends
    when a sweep changes nothing, or after `sweeps`. Without a generator the orders are the same in every
    call.
    """
    generator = torch.Generator().manual_seed(0) if generator is None else generator
    pattern = pattern.clone()
    for _ in range(sweeps):
        before = pattern.clone()
        for i in torch.randperm(pattern.shape[-1], generator=generator).tolist():
            pattern[..., i] = signed(field(pattern, i), pattern[..., i], tie)
        if torch.equal(before, pattern):
            break
    return pattern
