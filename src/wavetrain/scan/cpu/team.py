"""The threads that PyTorch computes with, lent to our kernels.

PyTorch's operations run on a team of OpenMP threads. After each operation the team stays awake for some
milliseconds and waits for the next. On a machine with few cores it then takes them from any other thread: two
kernels on two threads of our own waited 4 ms for it. So the team is asked to do the work itself, by the
function that compilers call for a parallel region in C. Where PyTorch has no such team (another backend, or a
forked process, in which its threads do not live on) a pool of Python's own threads does it.
"""

import ctypes
import functools
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import torch

_forked = False
_pool: ThreadPoolExecutor | None = None
_members = 0
_guard = threading.Lock()

_Region = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


def together(work: Callable[[], None], threads: int) -> None:
    """Call `work` once for each of so many threads; the first error of any is raised when all are done."""
    region = None if _forked else _openmp()
    if region is None:
        _pooled(work, threads)
        return
    wrong: list[BaseException] = []

    def guarded(_: object) -> None:
        try:
            work()
        except BaseException as error:  # C could not pass it on
            wrong.append(error)

    region(_Region(guarded), None, threads, 0)
    if wrong:
        raise wrong[0]


@functools.cache
def _openmp() -> Callable[..., Any] | None:
    """The function that runs a parallel region on PyTorch's team; None where there is none to be found."""
    if "ATen parallel backend: OpenMP" not in torch.__config__.parallel_info():
        return None
    try:  # what is loaded already, found as PyTorch's own libraries find it
        region: Any = ctypes.CDLL(None).GOMP_parallel
    except (AttributeError, OSError, TypeError):
        return None
    region.argtypes = [_Region, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint]
    region.restype = None
    return region


def _pooled(work: Callable[[], None], threads: int) -> None:
    global _pool, _members
    with _guard:
        if _pool is None or _members != threads:
            _pool, _members = ThreadPoolExecutor(threads, "wavetrain"), threads
        pool = _pool
    done = [pool.submit(work) for _ in range(threads)]
    wait(done)  # all of them, since they may fill one array
    for one in done:
        one.result()


def _begin_again() -> None:
    """In a forked process: threads do not live on in it, and one of them may have held the guard."""
    global _forked, _pool, _guard
    _forked, _pool, _guard = True, None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_again)
