"""Pieces of work as a job array of SLURM: a script that does one piece a task, and collects afterwards.

The script is printed, and submits nothing. A task says the same command again with the name of its piece;
the last task says it without, finds all pieces over and writes what comes of them. Names, and not numbers,
so that a task that is submitted again does the same, whatever is over meanwhile.
"""

import os
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from wavetrain.errors import BadInput
from wavetrain.run.pools.pool import Item, Result

if TYPE_CHECKING:
    from wavetrain.train.lab import News

SCRIPT = """#!/bin/bash
#SBATCH --job-name=wavetrain
#SBATCH --array=0-{last}
#SBATCH --cpus-per-task=1{gpu}
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output={log}
# A task for each of {many} pieces of work; task {many} collects them. Say partition, time and memory as your
# site wants them, then:
#   job=$(sbatch --parsable runs.sh)
#   sbatch --dependency=afterok:"$job" --array={many} runs.sh
# A task that was cut off goes on where it stopped: sbatch --array=NUMBER runs.sh
set -euo pipefail
cd {place}
{variables}pieces=(
{pieces}
)
task=${{SLURM_ARRAY_TASK_ID:?"expected a task of a job array"}}
if (( task < ${{#pieces[@]}} )); then
    exec {command} --piece "${{pieces[task]}}"
fi
exec {command}"""


class Elsewhere(Exception):
    """The command ends here: what it says is its answer, and the work is done by other commands."""


class Named(Protocol):
    """A piece of work that another command finds by its name."""

    @property
    def name(self) -> str:
        """Of no other piece of the same command."""


@dataclass(frozen=True)
class Slurm:
    """Writes a script in place of doing the work."""

    words: tuple[str, ...]  # of the command, without the pool
    device: str
    out: Path
    jobs: int = 1

    def each(
        self,
        work: "Callable[[Item, Callable[[News], None]], Result]",
        items: Sequence[Item],
        tell: "Callable[[News], None]",
    ) -> Iterator[tuple[Item, Result]]:
        """Raises Elsewhere with the script, unless there is nothing left to do."""
        if items:
            names = [one.name for one in cast(Sequence[Named], items)]
            raise Elsewhere(script(names, self.words, self.device, self.out))
        yield from ()

    def environment(self, device: str, threads: int) -> dict[str, Any]:
        """Never asked: nothing is done here."""
        raise BadInput("slurm: expected work that other commands do")


@dataclass(frozen=True)
class Piece:
    """Does one piece in this process, and ends the command."""

    name: str
    jobs: int = 1

    def each(
        self,
        work: "Callable[[Item, Callable[[News], None]], Result]",
        items: Sequence[Item],
        tell: "Callable[[News], None]",
    ) -> Iterator[tuple[Item, Result]]:
        """Raises Elsewhere when the piece is over; BadInput is what the work raises."""
        for item in items:
            if cast(Named, item).name == self.name:
                work(item, tell)
                raise Elsewhere(f"{self.name} is over")
        raise Elsewhere(f"nothing to do: {self.name} was over, or is no piece of this command")
        yield

    def environment(self, device: str, threads: int) -> dict[str, Any]:
        """Hardware and versions of this machine."""
        from wavetrain.run.machine import environment

        return environment(device, threads)


def script(names: Sequence[str], words: Sequence[str], device: str, out: Path) -> str:
    """A job array that does these pieces of the command of these words."""
    return SCRIPT.format(
        last=len(names) - 1,
        many=len(names),
        gpu="" if device == "cpu" else "\n#SBATCH --gpus-per-task=1",
        log=shlex.quote(str(out.absolute() / "slurm-%A_%a.log")),
        place=shlex.quote(str(Path.cwd())),
        variables=_exported(os.environ),
        pieces="\n".join(f"    {shlex.quote(name)}" for name in names),
        command=" ".join(map(shlex.quote, (sys.executable, "-m", "wavetrain.cli", *words))),
    )


def without_pool(words: Sequence[str]) -> tuple[str, ...]:
    """The words of a command but for `--on POOL`.

    >>> from wavetrain.run.pools.slurm import without_pool
    >>> without_pool(["run", "all", "--on", "slurm", "--seeds", "5"])
    ('run', 'all', '--seeds', '5')
    """
    left = list(words)
    while "--on" in left:
        at = left.index("--on")
        del left[at : at + 2]
    return tuple(word for word in left if not word.startswith("--on="))


def _exported(variables: Mapping[str, str]) -> str:
    ours = sorted((name, value) for name, value in variables.items() if name.startswith("WAVETRAIN_"))
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in ours)
