"""The same computed by other packages, where they are installed: each takes the inputs of our case.

One that is not there, or that fails, is left out of a table with the reason.
"""

import importlib
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Peer = Callable[..., Tensor]


def _pscan(package: Any, a: Tensor, b: Tensor) -> Tensor:
    found: Tensor = package.pscan(a.unsqueeze(-1), b.unsqueeze(-1)).squeeze(-1)
    return found


def _accelerated(package: Any, a: Tensor, b: Tensor) -> Tensor:
    found: Tensor = package.scan(a.transpose(1, 2).contiguous(), b.transpose(1, 2).contiguous())
    return found.transpose(1, 2)


def _mamba(package: Any, x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    turned = (one.transpose(1, 2).contiguous() for one in (x, dt))
    found: Tensor = package.selective_scan_fn(
        *turned, a, *(one.transpose(1, 2).contiguous() for one in (b, c))
    )
    return found.transpose(1, 2)


def _gla(package: Any, q: Tensor, k: Tensor, v: Tensor, decay: Tensor) -> Tensor:
    found: Tensor = package.chunk_simple_gla(q, k, v, decay.squeeze(-1), scale=1.0)[0]
    return found


PEERS: dict[str, tuple[tuple[str, str, str, Any], ...]] = {  # case: name, module, device, call
    "linear": (
        ("mambapy", "mambapy.pscan", "", _pscan),
        ("accelerated-scan", "accelerated_scan.triton", "cuda", _accelerated),
    ),
    "selective": (("mamba-ssm", "mamba_ssm.ops.selective_scan_interface", "cuda", _mamba),),
    "chunked": (("fla", "fla.ops.simple_gla", "cuda", _gla),),
}


def peers(case: str, device: torch.device) -> tuple[dict[str, Peer], list[str]]:
    """Those that are installed and run on the device, and the others, with the reason."""
    there: dict[str, Peer] = {}
    missing = []
    for name, module, wants, call in PEERS.get(case, ()):
        if wants not in ("", device.type):
            missing.append(f"{case}: {name} needs {wants}")
            continue
        try:
            package = importlib.import_module(module)
        except Exception as error:  # a package of others may fail in any way
            missing.append(f"{case}: {name} cannot be imported ({line(error)})")
            continue
        there[name] = lambda *inputs, call=call, package=package: call(package, *inputs)
    return there, missing


def line(error: Exception) -> str:
    """The first line of an error, or its name."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
