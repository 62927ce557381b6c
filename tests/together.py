"""Several processes that were started together, as torchrun starts them: for tests of what passes between.

They are forks of a process that has loaded PyTorch and nothing of ours, have one thread each, and are killed
after some seconds, so that a test never waits for ever.
"""

import multiprocessing
import os
import pickle
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

import torch

from tests.warm import LOADED
from wavetrain.errors import BadInput

SECONDS = 60.0


class Together:
    """Processes of a function of a module, each with its rank in the environment; they begin at once."""

    def __init__(self, world: int, work: Callable[..., Any], *arguments: Any):
        multiprocessing.set_forkserver_preload([*LOADED, "pandas"])
        context = multiprocessing.get_context("forkserver")
        port, self.readers, self.processes = _free(), [], []
        for rank in range(world):
            reader, writer = context.Pipe(duplex=False)
            told = {"RANK": rank, "WORLD_SIZE": world, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
            process = context.Process(target=_be, args=(told, writer, work, arguments), daemon=True)
            process.start()
            writer.close()
            self.readers.append(reader)
            self.processes.append(process)

    def results(self, seconds: float = SECONDS) -> list[Any]:
        """What each returned, or the error that it raised; fails where one takes longer."""
        end, found = time.monotonic() + seconds, []
        try:
            for rank, reader in enumerate(self.readers):
                assert reader.poll(max(0.0, end - time.monotonic())), f"{rank} has not ended in {seconds} s"
                try:
                    found.append(pickle.loads(reader.recv_bytes()))
                except EOFError:
                    found.append(None)  # killed
            for process in self.processes:
                process.join(max(0.0, end - time.monotonic()))
            return found
        finally:
            for process in self.processes:
                process.kill()

    def kill(self, rank: int) -> None:
        self.processes[rank].kill()


def together(world: int, work: Callable[..., Any], *arguments: Any, seconds: float = SECONDS) -> list[Any]:
    """What a function of a module returns in each of so many processes; raises the first error of any.

    The port was free when it was looked for. Where another program has taken it since, they begin again.
    """
    found = Together(world, work, *arguments).results(seconds)
    if any(isinstance(one, BadInput) and "could not meet" in str(one) for one in found):
        found = Together(world, work, *arguments).results(seconds)
    for one in found:
        if isinstance(one, BaseException):
            raise one
    return found


def _be(
    told: dict[str, Any], writer: Connection, work: Callable[..., Any], arguments: tuple[Any, ...]
) -> None:
    os.environ.update({name: str(value) for name, value in told.items()})
    torch.set_num_threads(1)
    try:
        found = work(*arguments)
    except BaseException as error:
        found = error
    with suppress(OSError):
        writer.send_bytes(pickle.dumps(found))  # whole: what is shared by torch ends with this process
    writer.close()
    os._exit(0)  # taking PyTorch apart takes a second


def _free() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
