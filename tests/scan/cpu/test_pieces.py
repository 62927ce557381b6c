"""Kernels walk a batch in pieces: every channel of the last, narrower tile, every sequence, in any thread.

New memory is filled with NaN, as a place that nobody writes to may hold the right value by chance.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.scan.agree import agree, draw, results
from wavetrain import scan
from wavetrain.core import leaves
from wavetrain.scan import blocks
from wavetrain.scan.cpu import host, lif, linear, selective, short, unitary
from wavetrain.spiking import LIF

DOUBLE = 8  # bytes of a number
TILES = [
    ("lif", lif.TILE // DOUBLE),
    ("linear", linear.TILE // DOUBLE),
    ("selective", selective.TILE // DOUBLE),
    ("short", short.TILE // DOUBLE),
    ("unitary", unitary.TILE // DOUBLE),
    ("dilated", 64),  # no tiles, only sequences
    ("wave", 7),
]
TILED = ("lif", "linear", "selective", "short", "unitary")


@pytest.fixture(autouse=True)
def spread_out(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """However small the work, it is done on several threads, in memory that holds no number."""
    monkeypatch.setattr(host, "WORTH", 0)
    monkeypatch.setattr(host, "fresh", emptied)
    threads = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(threads)


def emptied(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    whole = not (dtype.is_floating_point or dtype.is_complex)
    return torch.full(tuple(shape), torch.iinfo(dtype).max if whole else torch.nan, dtype=dtype)


def problem(name: str, batch: int, width: int, time: int = 3) -> tuple[Callable[..., object], list[Tensor]]:
    """A recurrence and what it takes."""
    torch.manual_seed(width)
    if name == "lif":
        return lif_units, [draw(batch, time, width), draw(width).sigmoid(), draw(batch, width)]
    if name == "linear":
        return scan.linear, [0.7 * draw(batch, time, width), draw(batch, time, width), draw(batch, width)]
    if name == "selective":
        steps = [draw(batch, time, width), draw(batch, time, width).abs(), -draw(width, 2).abs()]
        rest = [draw(batch, time, 2), draw(batch, time, 2), draw(batch, width, 2), draw(width)]
        return scan.selective, [*steps, *rest, draw(batch, time, width)]
    if name == "short":
        return scan.short, [draw(batch, time, width), draw(batch, 2, width), draw(width, 3), draw(width)]
    if name == "unitary":
        theta, w, b, c = draw(batch, time, 2, width), draw(batch, time, width), draw(2), draw(2)
        state = draw(batch, 2, width, dtype=torch.complex128)
        return scan.unitary, [theta, w, b + 1j * c, c - 1j * b, state]
    if name == "dilated":
        return scan.dilated, [draw(batch, time, width), draw(batch, 2, width), draw(width, 1, 3)]
    return scan.wave, [draw(batch, time, 5, width), draw(5, 5, 3) / 4, draw(batch, 5, width)]


def lif_units(current: Tensor, kept: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """Spikes, and the last potential."""
    layer = LIF(1)
    silent = torch.zeros_like(v, dtype=torch.int32)
    spikes, last = scan.lif(layer._next, current, (v, silent), (kept,), layer.units())
    return spikes, leaves(last)[0]


def plain(name: str) -> str:
    return "torch" if name == "dilated" else "plain"


@pytest.mark.parametrize("more", [-1, 0, 1])
@pytest.mark.parametrize("batch", [1, 7])
@pytest.mark.parametrize("name, tile", TILES)
def test_every_channel_of_every_sequence(name: str, tile: int, batch: int, more: int):
    """Widths that are one tile, two tiles, and a channel less or more."""
    for width in (tile + more, 2 * tile + more):
        run, inputs = problem(name, batch, width)
        agree(name, run, inputs, 1e-10, plain(name))


def test_complex_tiles_are_half_as_wide():
    width = linear.TILE // 16 + 1
    inputs = [0.5 * draw(3, 2, width, dtype=torch.complex128), draw(3, 2, width, dtype=torch.complex128)]
    agree("linear", scan.linear, inputs)
    agree("linear", scan.linear, [inputs[0][0, 0], inputs[1]])


def test_the_gate_begins_anywhere_in_its_rows():
    """Over more than one tile, with another gate behind it and in front of it."""
    width = selective.TILE // DOUBLE + 3
    run, inputs = problem("selective", 4, width)
    wide = draw(5, 3, 2 * width + 5)

    def gated(*inputs: Tensor) -> tuple[Tensor, Tensor]:
        *rest, wide = inputs
        return run(*rest, wide[1:, :, 4 : 4 + width])

    agree("selective", gated, [*inputs[:-1], wide])


@pytest.mark.parametrize("name, tile", TILES)
def test_no_piece_touches_what_another_writes(name: str, tile: int, monkeypatch: pytest.MonkeyPatch):
    """From the last piece to the first, the bits are the same: sums are never made in common memory."""
    batch, width = 13, 2 * tile + 3
    run, inputs = problem(name, batch, width)
    inputs = [part.to(torch.complex64 if part.is_complex() else torch.float32) for part in inputs]
    forwards = results(run, inputs)
    spread = host.spread
    times = []  # that each channel of each sequence is worked on, in forward and in backward

    def turned_round(work: Callable[[Any], None], pieces: list[Any], cost: int) -> None:
        assert len(pieces) > 2
        times.append(torch.zeros(batch, width))
        for piece in pieces[::-1]:
            first, last, left, right = piece[-4:] if name in TILED else (*piece[-2:], 0, width)
            times[-1][first:last, left:right] += 1
            spread(work, [piece], cost)

    monkeypatch.setattr(host, "spread", turned_round)
    backwards = results(run, inputs)
    assert len(times) == 2 and all((count == 1).all() for count in times)
    assert all(torch.equal(x, y) for x, y in zip(forwards, backwards, strict=True))


@pytest.mark.parametrize("name, tile", [("short", short.TILE // DOUBLE), ("dilated", 64)])
def test_the_input_begins_anywhere_in_its_rows(name: str, tile: int):
    width = tile + 3
    run, inputs = problem(name, 4, width)
    wide = draw(5, 3, 2 * width + 5)

    def cut(*inputs: Tensor) -> tuple[Tensor, Tensor]:
        wide, *rest = inputs
        return run(wide[1:, :, 4 : 4 + width], *rest)

    agree(name, cut, [wide, *inputs[1:]], 1e-10, plain(name))


@pytest.mark.parametrize("batch", [1, 2, 7, 13])
def test_walks_of_blocks(batch: int):
    jacobian, b = draw(batch, 9, 2, 2, 5) / 2, draw(batch, 9, 2, 5)
    jacobian[:, 0] = 0
    torch.testing.assert_close(blocks.walk(jacobian, b), blocks.reduce(jacobian, b))


@pytest.mark.parametrize("batch", range(12))
@pytest.mark.parametrize("count", [1, 2, 3, 6])
def test_parts_are_all_sequences_once(batch: int, count: int):
    places = [n for first, last in host.parts(batch, count) for n in range(first, last)]
    assert places == list(range(batch))
