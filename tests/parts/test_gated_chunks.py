"""Gated attention inside chunks: the formula of the paper, one step and one key at a time."""

import pytest
import torch
from torch import Tensor

from tests.promises import close, normal
from wavetrain.parts.gated_chunks import GatedChunks

CHUNK = 4


def made() -> GatedChunks:
    """Three channels, five values, two channels of queries and keys; every parameter of order one."""
    chunks = GatedChunks(3, hidden=5, shared=2, chunk=CHUNK).double()
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in chunks.parameters():
            parameter.normal_()
    return chunks


def silu(x: Tensor) -> Tensor:
    return x * x.sigmoid()


def naive(chunks: GatedChunks, x: Tensor, context: Tensor, start: int = 0) -> Tensor:
    """y = x + u (silu(h + W_h (r * attention)) - x), from step `start` of the whole on."""
    sums = chunks.base(context)
    u, z, r, h = sums[..., :3].sigmoid(), silu(sums[..., 3:5]), silu(sums[..., 5:10]), sums[..., 10:]
    q, k = (z * chunks.scale[i] + chunks.shift[i] for i in range(2))
    v, rows = silu(chunks.value(x)), []
    for t in range(start, x.shape[1]):
        first = t - t % CHUNK
        fits = [(q[:, t] * k[:, s]).sum(-1) / 2**0.5 + chunks.bias[t - s] for s in range(first, t + 1)]
        weights = torch.stack(fits, 1).exp()
        weights = weights / weights.sum(1, keepdim=True)
        mixed = (weights[..., None] * v[:, first : t + 1]).sum(1)
        new = silu(h[:, t] + chunks.mix(r[:, t] * mixed))
        rows.append(x[:, t] + u[:, t] * (new - x[:, t]))
    return torch.stack(rows, 1)


@pytest.mark.parametrize("time", [1, 3, 4, 5, 8, 9])
def test_both_forms_are_the_formula(time: int):
    chunks, x, context = made(), normal(2, time, 3), normal(2, time, 3)
    expected, state, rows = naive(chunks, x, context), chunks.begin(2), []
    y, last = chunks(x, context, state)
    close(y, expected, "forward, written out")
    for now, near in zip(x.unbind(1), context.unbind(1), strict=True):
        row, state = chunks.step(now, near, state)
        rows.append(row)
    close(torch.stack(rows, 1), expected, "steps, written out")
    for one, other in zip(last, state, strict=True):
        close(one.double(), other.double(), "last state of both forms")
    keys, values, count = last
    assert count.tolist() == [time % CHUNK] * 2
    if time % CHUNK:
        assert not keys[:, time % CHUNK :].any() and not values[:, time % CHUNK :].any()


@pytest.mark.parametrize("before", [1, 3, 4, 6])
@pytest.mark.parametrize("after", [1, 2, 5])
def test_goes_on_where_a_chunk_was_left(before: int, after: int):
    """What lies behind the count of a state, were it not a number, is not seen."""
    chunks, x, context = made(), normal(2, before + after, 3), normal(2, before + after, 3)
    _, (keys, values, count) = chunks(x[:, :before], context[:, :before], chunks.begin(2))
    place = torch.arange(CHUNK)[None, :, None] >= count[:, None, None]
    state = (keys.masked_fill(place, torch.nan), values.masked_fill(place, torch.nan), count)
    expected = naive(chunks, x, context, before)
    y, _ = chunks(x[:, before:], context[:, before:], state)
    close(y, expected, "forward from a state, written out")
    row, _ = chunks.step(x[:, before], context[:, before], state)
    close(row, expected[:, 0], "a step from a state, written out")


def test_rows_may_be_at_different_places_of_their_chunks():
    chunks, x, context = made(), normal(2, 9, 3), normal(2, 9, 3)
    states = [chunks(x[:1, :n], context[:1, :n], chunks.begin(1))[1] for n in (1, 3)]
    state = tuple(torch.cat(parts) for parts in zip(*states, strict=True))
    more = x[:1, 3:].expand(2, -1, -1), context[:1, 3:].expand(2, -1, -1)
    y, last = chunks(*more, state)
    for row, alone in enumerate(states):
        own, after = chunks(more[0][:1], more[1][:1], alone)
        close(y[row], own[0], f"row {row}, alone")
        for part, single in zip(last, after, strict=True):
            close(part[row].double(), single[0].double(), f"state of row {row}, alone")


def test_starts_from_nothing_in_the_type_of_its_parameters():
    keys, values, count = made().begin(2)
    assert keys.shape == (2, CHUNK, 2) and values.shape == (2, CHUNK, 5) and count.shape == (2,)
    assert not keys.any() and not values.any() and not count.any()
    assert keys.dtype == values.dtype == torch.float64 and count.dtype == torch.long
