"""The way through a chunk of steps, backwards, of numbers that are kept of weights that act through sums.

    m_t = l_t + D_{t+1}' m_{t+1},    of which step t asks m_t . s_t of the sums, and D_1' m_1 of what was kept
    e_T = D_T ... D_1 e_0 + sum over t of D_T ... D_{t+1} s_t z_t'

with the letters of `_sums`. Outputs that fade hear f_t = e_t + fade f_{t-1} for e_t, and f is kept too.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from wavetrain.rules._maps import Mapped
from wavetrain.rules._sums import Chunk


class Kept(NamedTuple):
    """The numbers of a group that are kept, and what outputs that fade have heard of them."""

    now: Float[Tensor, "batch outs*places inputs"]
    traced: Float[Tensor, "batch outs*places inputs"] | None


class Way(NamedTuple):
    """The way back through a chunk; lists are in reverse."""

    asks: list[Float[Tensor, "batch columns"]]  # of the sums of each step
    felt: Float[Tensor, "batch places columns"]  # what outputs that fade ask at the first step
    back: Float[Tensor, "batch places columns"]  # what is asked of the numbers at the start
    leaves: list[Float[Tensor, "batch places columns"]]  # what each step brings to the end
    onwards: Float[Tensor, "batch places places columns"]  # from the start to the end
    traces: list[Float[Tensor, "batch places columns"]]  # the same, as outputs that fade have heard it
    reached: Float[Tensor, "batch places places columns"]


def walked(
    cell: Mapped, chunk: Chunk, kept: list[Kept] | None, fade: float, last: bool
) -> tuple[Float[Tensor, "parameters"], list[Kept]]:
    """What a chunk asks of all parameters, and what is kept at its end; after the last one nothing is.

    `fade` is what outputs keep from step to step of what they have heard.
    """
    way, time = _way(chunk, fade, last), len(chunk.own)
    ask = torch.stack(way.asks[::-1]).flatten(0, 1)  # (T B, columns)
    theta, ends = ask.new_zeros(cell.numbers), []
    for index, (group, came) in enumerate(zip(cell.groups, chunk.heard, strict=True)):
        block = slice(group.first, group.first + group.out)
        share, before = ask[:, block].mT @ came.flatten(0, 1), None if kept is None else kept[index]
        if before is not None:
            share += _weighed(before.now, way.back[..., block])
            if before.traced is not None:
                share += _weighed(before.traced, fade * way.felt[..., block])
        cell.put(theta, group, share)
        if not last:
            ends.append(_end(way, came, block, before, fade**time))
    return theta, ends


def _way(chunk: Chunk, fade: float, last: bool) -> Way:
    own, passed, asked, _ = chunk
    time, batch, places, columns = own.shape
    one = torch.eye(places, dtype=own.dtype, device=own.device)[..., None]
    onwards = traced = reached = one.expand(batch, places, places, columns)
    felt = back = torch.zeros_like(own[0])
    asks, leaves, traces = [], [], []
    for t in reversed(range(time)):
        felt = asked[t] + fade * felt if fade else asked[t]
        back = felt + back
        asks.append((back * own[t]).sum(1))
        back = _times(passed[t].transpose(1, 2), back)
        if last:
            continue
        leaves.append(_times(onwards, own[t]))
        onwards = _product(onwards, passed[t])
        if fade:
            traces.append(_times(traced, own[t]))
            reached = _product(traced, passed[t])
            traced = reached + fade ** (time - t) * one
    return Way(asks, felt, back, leaves, onwards, traces, reached)


def _end(
    way: Way, came: Float[Tensor, "time batch inputs"], block: slice, before: Kept | None, faded: float
) -> Kept:
    """What is kept of a group at the end of a chunk."""
    now, traced = _moved(way.leaves, came, block), None
    if before is not None:
        _pass_on(now, before.now, way.onwards[..., block])
    if way.traces:
        traced = _moved(way.traces, came, block)
        if before is not None:
            assert before.traced is not None  # as at the end of every chunk
            _pass_on(traced, before.now, way.reached[..., block])
            traced.add_(before.traced, alpha=faded)
    return Kept(now, traced)


def _times(
    matrix: Float[Tensor, "batch places places columns"], vector: Float[Tensor, "batch places columns"]
) -> Float[Tensor, "batch places columns"]:
    if matrix.shape[1] == 1:
        return matrix[:, 0] * vector
    return (matrix * vector[:, None]).sum(2)


def _product(
    one: Float[Tensor, "batch places places columns"], other: Float[Tensor, "batch places places columns"]
) -> Float[Tensor, "batch places places columns"]:
    if one.shape[1] == 1:
        return one * other
    return (one[:, :, :, None] * other[:, None]).sum(2)


def _weighed(
    kept: Float[Tensor, "batch outs*places inputs"], weight: Float[Tensor, "batch places outs"]
) -> Float[Tensor, "outs inputs"]:
    """The sum of what is kept over sequences and places."""
    total = torch.zeros_like(kept[0])
    for one, factor in zip(kept, weight.mT.flatten(1), strict=True):
        total.addcmul_(one, factor[:, None])
    return total.unflatten(0, (-1, weight.shape[1])).sum(1)


def _moved(
    leaves: list[Float[Tensor, "batch places columns"]],
    came: Float[Tensor, "time batch inputs"],
    block: slice,
) -> Float[Tensor, "batch outs*places inputs"]:
    """What is left at the end of what each step brought; leaves are in reverse."""
    source = torch.stack([one[..., block] for one in leaves[::-1]], -1)  # (B, places, outs, T)
    return source.transpose(1, 2).flatten(1, 2) @ came.transpose(0, 1)


def _pass_on(
    moved: Float[Tensor, "batch outs*places inputs"],
    kept: Float[Tensor, "batch outs*places inputs"],
    onwards: Float[Tensor, "batch places places outs"],
) -> None:
    """Add what is left of the numbers that were kept at the start."""
    places = onwards.shape[1]
    after, before = (one.unflatten(1, (-1, places)) for one in (moved, kept))  # (B, outs, places, inputs)
    for to in range(places):
        for past in range(places):
            slope = onwards[:, to, past, :, None]
            if places == 1 or bool(slope.any()):
                after[:, :, to].addcmul_(slope, before[:, :, past])
