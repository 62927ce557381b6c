"""How many threads a piece of work may use.

A sum over several threads is rounded in another order, so a figure is measured on a given number of them; and
threads of processes side by side wait for each other, which is many times slower than one thread each.
"""

import contextlib
import os
from collections.abc import Iterator

import numpy as np  # noqa: F401 - its linear algebra must be there to be limited
import scipy.linalg  # noqa: F401 - the same
from threadpoolctl import threadpool_limits

NAMES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def used(device: str) -> int:
    """The threads of an experiment on a device: one beside other processes on the CPU, all beside a GPU."""
    return 1 if device == "cpu" else os.cpu_count() or 1


@contextlib.contextmanager
def limited(threads: int) -> Iterator[None]:
    """Hold torch, and the linear algebra of NumPy, SciPy and scikit-learn, to a number of threads.

    A library that is loaded meanwhile reads the limit from the environment. Outside, everything is as before.
    """
    import torch

    torch_before, before = torch.get_num_threads(), {name: os.environ.get(name) for name in NAMES}
    os.environ.update(dict.fromkeys(NAMES, str(threads)))
    try:
        with threadpool_limits(threads):
            torch.set_num_threads(threads)
            yield
    finally:
        torch.set_num_threads(torch_before)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
