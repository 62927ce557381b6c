"""Which addresses of +1 and -1 lie in the ball around a pattern, on CPU: bits side by side, 64 in a word.

Two patterns differ where the exclusive or of their words has ones. Counting these needs a sixty-fourth of
the numbers that the matrix product of the patterns moves, and gives whole numbers, so that both agree.
"""

import math

import numpy as np
import torch
from torch import Tensor

from wavetrain.scan.cpu import host
from wavetrain.scan.cpu.compiled import compiled

PIECE = 256  # addresses that one thread takes at a time


def within(address: Tensor, pattern: Tensor, radius: float) -> Tensor:
    """Whether address (r, N) and pattern (B, M, N) differ in at most `radius` places: bool (B, r, M)."""
    active = host.fresh((len(pattern), len(address), pattern.shape[1]), torch.uint8)
    words, others = _words(address), np.ascontiguousarray(_words(pattern).swapaxes(1, 2))
    limit = np.uint64(math.floor(radius))
    pieces = host.parts(len(address), -(-len(address) // PIECE))
    work = active.numel() * words.shape[1]
    host.spread(lambda piece: _within(words, others, limit, active.numpy(), *piece), pieces, work)
    return active.view(torch.bool)


def _words(pattern: Tensor) -> np.ndarray:
    """The signs (..., N) as bits (..., N / 64), filled up with zeros."""
    bits = np.packbits(host.array(pattern) > 0, axis=-1)
    missing = -bits.shape[-1] % 8
    return np.pad(bits, [(0, 0)] * (bits.ndim - 1) + [(0, missing)]).view(np.uint64)


@compiled
def _within(address, pattern, limit, active, first, last):
    """Fill active (B, r, M) for the addresses (r, W) from first to last; pattern is (B, W, M)."""
    apart = np.empty(pattern.shape[2], np.uint64)
    for n in range(pattern.shape[0]):
        for j in range(first, last):
            apart[:] = 0
            for w in range(address.shape[1]):
                _differ(apart, pattern[n, w], address[j, w])
            for m in range(apart.size):
                active[n, j, m] = apart[m] <= limit


@compiled
def _differ(apart, words, other):
    """Add to each the ones of its word's exclusive or with another: sums of 2, 4 and 8 bits, then of all."""
    for m in range(apart.size):
        x = words[m] ^ other
        x = x - ((x >> np.uint64(1)) & np.uint64(0x5555555555555555))
        x = (x & np.uint64(0x3333333333333333)) + ((x >> np.uint64(2)) & np.uint64(0x3333333333333333))
        x = (x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
        apart[m] += (x * np.uint64(0x0101010101010101)) >> np.uint64(56)
