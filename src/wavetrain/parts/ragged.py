"""Sequences of unequal length, for every layer alike.

The batch is cut in time where sequences end: the spans between two ends run as one dense batch of those
that still go on, each from the state it has reached. Nothing is computed on padding, so outputs and last
states are those of each sequence by itself.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from wavetrain.core import State, map_state
from wavetrain.core.across import in_one_piece
from wavetrain.errors import BadInput


class Causal(Protocol):
    """A layer, or whatever is called like one."""

    def begin(self, batch: int) -> State: ...

    def __call__(self, x: Tensor, state: State) -> Any: ...


def padded(
    layer: Causal, x: Float[Tensor, "batch time inputs"], lengths: Sequence[int], state: State = None
) -> tuple[Float[Tensor, "batch time width"], State]:
    """Run a padded batch: x whose row b is `lengths[b]` steps long.

    Returns y, zero behind each end, and for each row the state after its last own step.
    """
    in_one_piece("padded")
    batch, time = x.shape[:2]
    if len(lengths) != batch or any(not 0 < int(length) <= time for length in lengths):
        raise BadInput(
            f"expected {batch} lengths from 1 to {time} for x {tuple(x.shape)}, got {list(lengths)}"
        )
    ends = torch.as_tensor(lengths, device=x.device)
    state = layer.begin(batch) if state is None else state
    rows = torch.arange(batch, device=x.device)  # the rows that still go on
    pieces: list[Tensor] = []
    stopped: list[State] = [None] * batch
    start = 0
    for end in sorted({int(length) for length in lengths}):
        y, state = layer(x[rows, start:end], state)
        whole = y.new_zeros(batch, end - start, y.shape[-1])
        pieces.append(whole.index_copy(0, rows, y))
        for place, row in enumerate(rows.tolist()):
            if lengths[row] == end:
                stopped[row] = map_state(lambda part, at=place: part[at : at + 1], state)
        going = (ends[rows] > end).nonzero().squeeze(1)
        rows, state, start = rows[going], map_state(lambda part, keep=going: part[keep], state), end
    y = F.pad(torch.cat(pieces, 1), (0, 0, 0, time - start))
    return y, map_state(_together, *stopped)


def packed(
    layer: Causal, x: Float[Tensor, "steps inputs"], lengths: Sequence[int], state: State = None
) -> tuple[Float[Tensor, "steps width"], State]:
    """Run sequences that lie end to end: x and y have as many steps as all of them together."""
    if x.ndim != 2 or min(lengths, default=0) < 1 or sum(lengths) != len(x):
        raise BadInput(
            f"expected x (sum of lengths, inputs) for lengths {list(lengths)}, got {tuple(x.shape)}"
        )
    rows = torch.nn.utils.rnn.pad_sequence(list(x.split(list(lengths))), batch_first=True)
    y, state = padded(layer, rows, lengths, state)
    return torch.cat([row[:length] for row, length in zip(y, lengths, strict=True)]), state


def _together(*parts: Tensor) -> Tensor:
    """Rows of a state as one batch; a part that grows with time is filled up with zeros, "nothing there"."""
    size = [max(sizes) for sizes in zip(*(part.shape for part in parts), strict=True)]
    return torch.cat([_filled(part, [1, *size[1:]]) for part in parts])


def _filled(part: Tensor, size: list[int]) -> Tensor:
    missing = [
        have for want, now in zip(size[::-1], part.shape[::-1], strict=True) for have in (0, want - now)
    ]
    return F.pad(part, missing) if any(missing) else part
