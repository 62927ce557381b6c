"""Weights that act through sums: an influence that is carried by matrix products, a chunk of steps at once.

A linear map inside a step, a = W z, has many weights and few sums, and the slope by a weight is an outer
product: du / dW_oi = (du / da_o) z_i. Where z is a part of the state, the slope of a sum by the state is W
itself. So for a rule that keeps a few numbers e of each weight,

    e_t = D_t e_{t-1} + s_t z_t',    share of a step = l_t . e_t

with s the slope of the state by the sum, D what the kept numbers pass to one another and l what the errors
ask of them, a chunk of steps from 1 to T needs the numbers of the weights themselves once:

    sum over t of l_t . e_t = sum over t of (m_t . s_t) z_t' + (D_1' m_1) . e_0
    m_t = l_t + D_{t+1}' m_{t+1}
    e_T = D_T ... D_1 e_0 + sum over t of D_T ... D_{t+1} s_t z_t'

What is left of the parameters (biases, time constants) is taken for sums that hear a one.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from wavetrain.core import State
from wavetrain.rules._cell import Rows
from wavetrain.rules._maps import Mapped


class Link(NamedTuple):
    """How the entries in one place pass to those in another: by which entry of the packed slopes."""

    to: int
    past: int
    entry: Int[Tensor, "columns"]  # colour and column as one number
    there: Bool[Tensor, "columns"]


class Few(NamedTuple):
    """The rows that are kept of each column, in as many places as any of them needs."""

    entry: Int[Tensor, "places columns"]  # of the packed slopes by columns
    own: Bool[Tensor, "places columns"]  # whether the column itself moves it in one step
    links: tuple[Link, ...]
    channel: Int[Tensor, "places columns"]  # of what the layer gives
    heard: Bool[Tensor, "places columns"]  # whether it is in what the layer gives
    rows: Int[Tensor, "places columns"]


class Term(NamedTuple):
    """What a link owes to a map that hears the state: a slope by a sum, times a weight."""

    entry: Int[Tensor, "columns"]  # of the packed slopes by sums
    weight: Int[Tensor, "columns"]  # of the weights of all maps, one after another
    there: Bool[Tensor, "columns"]


class Sums(NamedTuple):
    """How the influence of a layer is carried through its sums."""

    by_state: Rows  # but for what the maps hear
    by_sums: Rows
    few: Few
    through: tuple[tuple[Term, ...], ...]  # of each link


class Chunk(NamedTuple):
    """What happened in some steps, time first."""

    own: Float[Tensor, "time batch places columns"]
    passed: Float[Tensor, "time batch places places columns"]  # to, from
    asked: Float[Tensor, "time batch places columns"]
    heard: list[Float[Tensor, "time batch inputs"]]  # by each map; a one by the rest


def few_of(
    cell: Mapped, by_state: Rows, by_columns: Rows, kept: Bool[Tensor, "rows columns"], many: int
) -> Few:
    """The places of what is kept, and how they pass to one another."""
    rows = kept.to(torch.uint8).argsort(dim=0, descending=True, stable=True)[:many]
    real, columns = kept.gather(0, rows), torch.arange(kept.shape[1])
    links = []
    for to, row in enumerate(rows):
        for past, column in enumerate(rows):
            inside = column.clamp(max=cell.state - 1)
            there = real[to] & real[past] & (column < cell.state) & by_state.there[row, inside]
            if there.any():
                links.append(Link(to, past, by_state.colour[row] * cell.state + inside, there))
    channel = torch.zeros(cell.rows, dtype=torch.long)
    channel[cell.given] = torch.arange(len(cell.given))
    heard = torch.zeros(cell.rows, dtype=torch.bool)
    heard[cell.given] = True
    entry = by_columns.colour[rows] * kept.shape[1] + columns
    own = real & by_columns.there.gather(0, rows)
    return Few(entry, own, tuple(links), channel[rows], heard[rows] & real, rows)


def sums_of(
    cell: Mapped,
    by_state: Rows,
    kept: Bool[Tensor, "rows parameters"],
    followed: Bool[Tensor, "state"],
    wanted: Bool[Tensor, "rows"],
) -> Sums | None:
    """How to carry what is kept through sums; None where there are no maps, or their weights differ in it."""
    if not cell.maps:
        return None
    columns = []
    for group in cell.groups:
        blocks = [
            kept[:, one.column : one.column + one.out * one.into].unflatten(1, (one.out, one.into))
            for one in group.pieces
        ]
        if not all(torch.equal(block, blocks[0][..., :1].expand_as(block)) for block in blocks):
            return None
        columns.append(blocks[0][..., 0])
    kept = torch.cat(columns, 1)
    many = int(kept.sum(0).max())
    alone, sums = Rows.of(cell.direct & followed, wanted), Rows.of(cell.by_sums, wanted)
    few = few_of(cell, by_state, sums, kept, many)
    through = tuple(_through(cell, sums, link, few.rows) for link in few.links)
    links = tuple(
        Link(
            link.to,
            link.past,
            alone.colour[few.rows[link.to]] * cell.state + few.rows[link.past].clamp(max=cell.state - 1),
            link.there & alone.there[few.rows[link.to], few.rows[link.past].clamp(max=cell.state - 1)],
        )
        for link in few.links
    )
    return Sums(alone, sums, few._replace(links=links), through)


def _through(cell: Mapped, sums: Rows, link: Link, rows: Int[Tensor, "places columns"]) -> tuple[Term, ...]:
    """The terms of a link: of each column those sums that move its row and hear its past."""
    width, found = rows.shape[1], []
    for column in range(width):
        terms: list[tuple[int, int]] = []
        if link.there[column]:
            row, past = int(rows[link.to, column]), int(rows[link.past, column])
            for group in cell.groups:
                block = slice(group.first, group.first + group.out)
                moving = sums.there[row, block].nonzero().flatten().tolist()
                for one in group.pieces:
                    at = [] if one.heard is None else (one.heard == past).nonzero().flatten().tolist()
                    terms += [
                        (
                            int(sums.colour[row]) * width + group.first + out,
                            one.place + out * one.into + into,
                        )
                        for into in at
                        for out in moving
                    ]
        found.append(terms)
    most = max(map(len, found))
    padded = torch.tensor([terms + [(-1, 0)] * (most - len(terms)) for terms in found])  # (columns, most, 2)
    return tuple(
        Term(padded[:, index, 0].clamp(min=0), padded[:, index, 1], padded[:, index, 0] >= 0)
        for index in range(most)
    )


def chunk_of(
    cell: Mapped,
    sums: Sums,
    x: Float[Tensor, "batch time inputs"],
    befores: list[State],
    signal: Float[Tensor, "time batch width"],
) -> Chunk:
    """The slopes of some steps, and what the signals that come back ask for."""
    batch, time, _ = x.shape
    flat = torch.cat([cell.flat(before) for before in befores])  # (T B, state)
    still = [torch.cat(parts) for parts in zip(*(cell.still(one) for one in befores), strict=True)]
    inputs = x.transpose(0, 1).reshape(time * batch, -1)
    to_state, to_sums, heard = cell.slopes_by_sums(
        cell.theta(), flat, still, inputs, by_state=sums.by_state.back(flat), by_sums=sums.by_sums.back(flat)
    )
    few, steps = sums.few, (time, batch)
    to_state, to_sums = to_state.flatten(1), to_sums.flatten(1)
    places, columns = few.entry.shape
    own = _taken(to_sums, few.entry, few.own).unflatten(0, steps)
    passed = own.new_zeros(*steps, places, places, columns)
    weights = cell.weights()
    for link, through in zip(few.links, sums.through, strict=True):
        slope = passed[:, :, link.to, link.past]
        slope += _taken(to_state, link.entry, link.there).unflatten(0, steps)
        for term in through:
            by_sum = _taken(to_sums, term.entry, term.there).unflatten(0, steps)
            slope.addcmul_(by_sum, weights[term.weight])
    asked = torch.where(few.heard, signal[..., few.channel], 0.0)
    return Chunk(own, passed, asked, [one.unflatten(0, steps) for one in heard])


def _taken(
    packed: Float[Tensor, "many entries"],
    entry: Int[Tensor, "*places columns"],
    there: Bool[Tensor, "*places columns"],
) -> Float[Tensor, "many *places columns"]:
    """Some entries, and 0 for those that are not there."""
    found = packed.index_select(1, entry.flatten()).unflatten(1, entry.shape)
    return found if bool(there.all()) else torch.where(there, found, 0.0)
