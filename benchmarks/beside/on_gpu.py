"""Other libraries' kernels for a GPU, each at a case of gpu_cases.py; those that are not installed are named.

Their functions are called as their documentation says; the results are compared with ours before anything is
timed, so that what computes something else is left out.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

Walk = Callable[[], Tensor]


@dataclass(frozen=True)
class Peer:
    """A library, the case that it is timed at, and how to load it: inputs to a call without arguments."""

    name: str
    case: str
    load: Callable[[], Callable[[list[Tensor]], Walk]]


def accelerated_scan() -> Callable[[list[Tensor]], Walk]:
    """Channels before time; the length is a power of 2."""
    scan: Any = importlib.import_module("accelerated_scan.warp").scan

    def walk(inputs: list[Tensor]) -> Walk:
        a, b = (x.detach().transpose(1, 2).contiguous() for x in inputs)
        return lambda: scan(a, b).transpose(1, 2)

    return walk


def simple_gla() -> Callable[[list[Tensor]], Walk]:
    """Flash linear attention's matrix state with one decay for each head, a log."""
    chunk: Any = importlib.import_module("fla.ops.simple_gla").chunk_simple_gla

    def walk(inputs: list[Tensor]) -> Walk:
        q, k, v, rate = (x.detach() for x in inputs)
        return lambda: chunk(q, k, v, rate[..., 0], scale=1.0)[0]

    return walk


def selective_scan() -> Callable[[list[Tensor]], Walk]:
    """Mamba's own kernel: channels before time."""
    scan: Any = importlib.import_module("mamba_ssm.ops.selective_scan_interface").selective_scan_fn

    def walk(inputs: list[Tensor]) -> Walk:
        x, dt, a, b, c, skip, gate = (one.detach() for one in inputs)
        x, dt, b, c, gate = (one.transpose(1, 2).contiguous() for one in (x, dt, b, c, gate))
        return lambda: scan(x, dt, a, b, c, skip, z=gate).transpose(1, 2)

    return walk


PEERS = (
    Peer("accelerated-scan", "linear (4, 4096, 512) float32", accelerated_scan),
    Peer("flash-linear-attention", "chunked (4, 4096, 16, 64) bfloat16", simple_gla),
    Peer("mamba-ssm", "selective (4, 4096, 1024, 16)", selective_scan),
)
