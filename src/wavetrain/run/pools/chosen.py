"""Which pool: by its name, as a command is given it."""

import contextlib
import os
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path

from wavetrain.errors import unknown
from wavetrain.run.pools.pool import Pool
from wavetrain.run.pools.processes import Processes


class On(StrEnum):
    """Where pieces of work are done."""

    PROCESSES = "processes"  # of this machine
    RAY = "ray"  # a cluster, or a Ray that is started here


def pool_called(name: str) -> On:
    """The pool of a name.

    >>> from wavetrain.run.pools import pool_called
    >>> pool_called("ray")
    <On.RAY: 'ray'>
    """
    if name not in tuple(On):
        raise unknown("pool", name, On)
    return On(name)


def check(on: On) -> None:
    """Raise BadInput, within seconds, where there is no such pool."""
    if on is On.RAY:
        from wavetrain.run.pools import ray_cluster

        ray_cluster.check()


@contextlib.contextmanager
def placed(
    on: On, *, jobs: int, device: str, out: Path, say: Callable[[str], None] = lambda line: None
) -> Iterator[Pool]:
    """A pool of `jobs` pieces at a time; 0 for one per core, or per GPU.

    `out` is the folder of the runs, `say` is told what is not the answer: that a worker was lost, say.
    """
    if on is On.PROCESSES:
        yield Processes(jobs or (1 if device != "cpu" else os.cpu_count() or 1))
        return
    from wavetrain.run.pools.ray_cluster import connected

    with connected(jobs, device, out, say) as pool:
        yield pool
