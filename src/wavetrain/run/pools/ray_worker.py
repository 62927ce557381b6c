"""A piece of work as a worker of Ray does it: what it tells, and what came of it, in one stream in order.

A worker may stand on another machine. It must find the same code, the working folder and the folder of the
runs there; where one is missing, a line says which. The work itself runs in a thread, so that its news can
leave while it goes on.
"""

import functools
import hashlib
import os
import pickle
import queue
import socket
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import wavetrain
from wavetrain.errors import BadInput

PATIENCE = 5.0  # seconds until a file that another machine wrote is seen on a shared disk
OURS = "WAVETRAIN_"  # how the variables begin that are handed on


@dataclass(frozen=True)
class Here:
    """What a worker must find as the command found it."""

    place: str  # the working folder
    mark: str  # a file in the folder of the runs
    source: str  # digest of the package
    variables: Mapping[str, str]


class Told(NamedTuple):
    """A piece of news."""

    news: Any


class Said(NamedTuple):
    """A warning."""

    line: str


class Over(NamedTuple):
    """The work is done."""

    result: Any


class Failed(NamedTuple):
    """The work raised an error."""

    error: BaseException
    where: str  # its traceback, with the machine


@functools.cache
def source() -> str:
    """Digest of every file of the package: two machines must have the same."""
    digest = hashlib.sha256()
    folder = Path(wavetrain.__file__).parent
    for path in sorted(folder.rglob("*.py")):
        digest.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return digest.hexdigest()


def here(mark: Path) -> Here:
    """What the command found."""
    ours = {name: value for name, value in os.environ.items() if name.startswith(OURS)}
    return Here(os.getcwd(), str(mark), source(), ours)  # noqa: PTH109 (as the shell calls it)


def settle(there: Here) -> None:
    """Stand where the command stands; raises BadInput where this machine differs."""
    name = socket.gethostname()
    if source() != there.source:
        raise BadInput(f"machine {name} has another wavetrain: expected the same files on all machines")
    try:
        os.chdir(there.place)
    except OSError as error:
        raise BadInput(
            f"machine {name} has no folder {there.place}: expected the working folder on a disk that all "
            f"machines share ({error.strerror})"
        ) from error
    begun = time.monotonic()
    while not Path(there.mark).exists():
        if time.monotonic() - begun > PATIENCE:
            raise BadInput(
                f"machine {name} does not see what is written into {Path(there.mark).parent}: expected --out "
                "on a disk that all machines share"
            )
        time.sleep(0.1)
    for variable in [one for one in os.environ if one.startswith(OURS)]:
        del os.environ[variable]
    os.environ.update(there.variables)


def streamed(
    there: Here, work: Callable[[Any, Callable[[Any], None]], Any], item: Any
) -> Iterator[list[Any]]:
    """Do the work; yields whatever there is to tell, at the end what came of it."""
    post: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def say(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        post.put(Said(str(message)))

    warnings.showwarning = say
    threading.Thread(target=_done, args=(there, work, item, post.put), daemon=True).start()
    while True:
        told = [post.get()]
        while not post.empty():
            told.append(post.get())
        yield told
        if isinstance(told[-1], Over | Failed):
            return


def _done(
    there: Here,
    work: Callable[[Any, Callable[[Any], None]], Any],
    item: Any,
    put: Callable[[Told | Over | Failed], None],
) -> None:
    try:
        settle(there)
        put(Over(work(item, lambda news: put(Told(news)))))
    except BaseException as error:  # whatever it is, the command raises it
        put(Failed(_sent(error), f"on {socket.gethostname()}:\n{traceback.format_exc()}"))


def _sent(error: BaseException) -> BaseException:
    """The error, if it can travel; else its words."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
