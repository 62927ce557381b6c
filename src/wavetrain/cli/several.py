"""A command that torchrun has started several times: which of them does what, and who says what went wrong.

    fit             all of them do the whole of it, and train as one; the first writes and prints
    compare, run    the first does it; the others help with its trainings
    any other       one process does it, and so it is refused

Nothing is loaded and nothing is different where a command was started once.
"""

import os
import sys
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from wavetrain.errors import BadInput
from wavetrain.train.joining import started

ALL, LED = ("fit",), ("compare", "run")


def answer(words: Sequence[str], command: Callable[[], None], commands: Collection[str]) -> None:
    """Do a command, one of `commands`, as one of however many processes were started."""
    rank, world = started()
    if world == 1:
        command()
        return
    asked = words[0] if words else ""
    if rank:
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - to the end
    if asked in commands and asked not in (*ALL, *LED):
        raise BadInput(f"expected fit, compare or run under torchrun, got {asked}, which is for one process")
    from wavetrain.run.pools.together import led
    from wavetrain.train import joining

    ranks = joining.joined()
    if asked in LED:
        led(ranks, command)
    else:
        command()
    joining.part()


def refuse(asked: object, why: str) -> None:
    """Raise BadInput where several processes are asked for what one does."""
    if asked and started()[1] > 1:
        raise BadInput(why)


def speaks(error: BaseException | None = None) -> bool:
    """Whether it is for this process to say why it ends."""
    try:
        rank, world = started()
    except BadInput:
        return os.environ.get("RANK", "0") in ("", "0") or not os.environ["RANK"].isdigit()
    if world == 1:
        return True
    if error is None:
        return rank == 0
    from wavetrain.train import joining

    return joining.speaks(rank, isinstance(error, ChildProcessError))


def said(why: str) -> str:
    """With the number of the process, where it is not the first."""
    rank, world = started()
    return f"process {rank} of {world}, counted from 0: {why}" if rank else why
