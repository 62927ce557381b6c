"""Which pool: by its name, as a command is given it."""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path

from wavetrain.errors import BadInput, unknown
from wavetrain.run.pools.pool import Pool
from wavetrain.run.pools.processes import Processes
from wavetrain.run.pools.slurm import Piece, Slurm, without_pool
from wavetrain.run.pools.together import Together
from wavetrain.train.joining import joined, started


class On(StrEnum):
    """Where pieces of work are done."""

    PROCESSES = "processes"  # of this machine
    RAY = "ray"  # a cluster, or a Ray that is started here
    SLURM = "slurm"  # a job array, whose script is printed


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
    on: On,
    *,
    jobs: int,
    device: str,
    out: Path,
    say: Callable[[str], None] = lambda line: None,
    words: Sequence[str] = (),
    piece: str = "",
) -> Iterator[Pool]:
    """A pool of `jobs` pieces at a time; 0 for one per core, or per GPU.

    `out` is the folder of the runs, `say` is told what is not the answer: that a worker was lost, say.
    `words` are those of the command, which a job array says again; with `piece` it does that piece alone.
    """
    if started()[1] > 1:
        if on is not On.PROCESSES or jobs > 1 or piece:
            raise BadInput(
                f"{started()[1]} processes train as one: expected no --on and no --jobs beside torchrun"
            )
        yield Together(joined())
        return
    if piece:
        if on is not On.PROCESSES:
            raise BadInput(f"--piece is done in this process: expected it without --on {on}")
        yield Piece(piece)
        return
    if on is On.SLURM:
        if not words:
            raise BadInput("slurm: expected the command `wavetrain`, whose words a script can say again")
        out.mkdir(parents=True, exist_ok=True)  # for the log of its tasks
        yield Slurm(without_pool(words), device, out)
        return
    if on is On.PROCESSES:
        yield Processes(jobs or (1 if device != "cpu" else os.cpu_count() or 1))
        return
    from wavetrain.run.pools.ray_cluster import connected

    with connected(jobs, device, out, say) as pool:
        yield pool
