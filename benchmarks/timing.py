"""Timing in turn: what the scripts of this folder share, and the machine they ran on."""

import platform
import statistics

import numba
import torch
from llvmlite.binding import get_host_cpu_name

from wavetrain.run.timing import Rows, error, measure, ratio

__all__ = ["Rows", "error", "machine", "measure", "ratio"]


def machine(repeats: int = 9) -> dict[str, object]:
    """What this machine is, and what it can do: copy bandwidth and a large matrix product."""
    old, new = torch.ones(2**23), torch.ones(2**23)
    left, right = torch.randn(2, 2048, 2048)
    limits = measure({"copy": lambda: new.copy_(old), "product": lambda: left @ right}, repeats)
    return {
        "copy GB/s": round(2 * old.numel() * 4 / statistics.median(limits["copy"]) / 1e9, 1),
        "large product GFLOP/s": round(2 * 2048**3 / statistics.median(limits["product"]) / 1e9, 1),
        "threads": torch.get_num_threads(),
        "cpu": get_host_cpu_name(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numba": numba.__version__,
    }
