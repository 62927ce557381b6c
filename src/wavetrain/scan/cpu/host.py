"""What the CPU kernels need of the machine: memory that is used again, and threads.

A large tensor that is made anew in every training step is handed to the process page by page, which takes
longer than to fill it. So the memory of large results is kept, and given out again once no tensor uses it,
as PyTorch does on a GPU. What is kept is bounded by an eighth of the machine's memory.
"""

import math
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from wavetrain.scan.cpu.team import together
from wavetrain.scan.operators import SPARE

LARGE = 1 << 20  # bytes from which memory is kept
WORTH = 1 << 20  # multiplications below which threads cost more than they save

_kept: list[np.ndarray] = []  # blocks of bytes, the longest unused first
_probe = [np.empty(0)]
_ALONE = sys.getrefcount(_probe[0])  # the count of references that says that only a list holds it
_guard = threading.Lock()


def fresh(shape: Iterable[int], dtype: torch.dtype) -> Tensor:
    """An empty tensor, in memory that was used before where there is some of the right size."""
    shape = tuple(shape)
    kind = np.dtype(str(dtype).removeprefix("torch."))
    size = int(np.prod(shape)) * kind.itemsize
    if size < LARGE:
        return torch.empty(shape, dtype=dtype)
    with _guard:
        return torch.from_numpy(_block(size).view(kind).reshape(shape))


def _block(size: int) -> np.ndarray:
    """A block that nobody uses: a kept one, or a new one that is kept if there is room."""
    for place in range(len(_kept)):
        if _kept[place].nbytes == size and _unused(place):
            _kept.append(_kept.pop(place))
            return _kept[-1]
    new = np.empty(size, np.uint8)  # NumPy asks for huge pages
    room = (
        os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 8 if hasattr(os, "sysconf") else 1 << 30
    )
    place = 0
    while place < len(_kept) and sum(block.nbytes for block in _kept) + size > room:
        if _unused(place):
            _kept.pop(place)
        else:
            place += 1
    if sum(block.nbytes for block in _kept) + size <= room:
        _kept.append(new)
    return new


def marks(shape: Iterable[int], dtype: torch.dtype) -> Tensor:
    """Room for states of that shape as `operators.empty_marks` gives it, from `fresh`."""
    row = fresh((math.prod(shape) + SPARE,), dtype)
    row[-SPARE:] = 0
    return row


def _unused(place: int) -> bool:
    """Whether nothing but the list holds the block; a tensor made of it holds a view, which holds it."""
    return sys.getrefcount(_kept[place]) == _ALONE


def array(tensor: Tensor) -> np.ndarray:
    """The numbers of a tensor, contiguous."""
    return tensor.detach().resolve_conj().resolve_neg().contiguous().numpy()


def rows(tensor: Tensor) -> tuple[np.ndarray, int]:
    """The numbers of x (B, T, D) as rows of a wider contiguous array, and the place where they begin in it.

    Half of a map's output, for example, lies so, and need not be copied.
    """
    tensor = tensor.detach()
    batch, time, width = tensor.shape
    pitch = tensor.stride(1) if time > 1 else tensor.stride(0)
    start = int(tensor.storage_offset()) % max(pitch, 1)
    lies = tensor.stride(2) == 1 and (batch == 1 or tensor.stride(0) == time * pitch)
    if not lies or time == 1 or start + width > pitch:
        return array(tensor), 0
    whole = tensor.as_strided((batch, time, pitch), (time * pitch, pitch, 1), tensor.storage_offset() - start)
    return whole.numpy(), start


def parts(batch: int, count: int) -> list[tuple[int, int]]:
    """The sequences of a batch in about `count` parts: (first, last)."""
    size = max(1, -(-batch // count))
    return [(first, min(first + size, batch)) for first in range(0, batch, size)]


def tiles(batch: int, width: int, tile: int) -> list[tuple[int, int, int, int]]:
    """The pieces of a walk: (first, end) sequence and (left, right) channel, `tile` channels at a time."""
    several = parts(batch, 2 * torch.get_num_threads())
    return [(*part, left, min(left + tile, width)) for part in several for left in range(0, width, tile)]


def spread(work: Callable[[Any], None], pieces: list[Any], cost: int) -> None:
    """Do the work piece by piece, on as many threads as PyTorch uses; kernels let go of Python's lock."""
    threads = torch.get_num_threads()
    if threads == 1 or len(pieces) == 1 or cost < WORTH:
        for piece in pieces:
            work(piece)
        return
    left = deque(pieces)  # whoever is free takes the next

    def take() -> None:
        while left:
            try:
                piece = left.popleft()
            except IndexError:  # another took the last
                return
            work(piece)

    together(take, threads)


def _begin_again() -> None:
    """In a forked process: a thread that does not live on in it may have held the guard."""
    global _guard
    _guard = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_again)
