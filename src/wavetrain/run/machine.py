"""The machine that a figure was measured on, and the versions it was measured with."""

import importlib.metadata
import os
import platform
from pathlib import Path
from typing import Any

from wavetrain import __version__

PACKAGES = ("torch", "numpy", "numba", "scipy", "scikit-learn")


def environment(device: str, threads: int) -> dict[str, Any]:
    """Hardware and versions that a figure was measured with."""
    import torch

    packages = {name: importlib.metadata.version(name) for name in PACKAGES}
    hardware, model = _processor()
    if device != "cpu":
        hardware = torch.cuda.get_device_name(device)
    return {
        "hardware": hardware,
        "model": model,
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "cores": os.cpu_count(),
        "threads": threads,
        "device": device,
        "python": platform.python_version(),
        "system": platform.system(),
        "wavetrain": __version__,
        **packages,
    }


def _processor() -> tuple[str, str]:
    """The name of the processor, and what tells it from others of that name."""
    try:
        first = Path("/proc/cpuinfo").read_text(encoding="utf-8").partition("\n\n")[0]
    except OSError:
        return platform.processor() or platform.machine(), ""
    facts = {
        name.strip(): value.strip() for name, _, value in (line.partition(":") for line in first.splitlines())
    }
    model = " ".join(facts[name] for name in ("cpu family", "model", "stepping") if name in facts)
    return facts.get("model name", platform.machine()), model
