"""A pool of processes on this machine, and their news on the way.

Workers are started afresh: a fork would inherit torch's threads. News come over one pipe, of which a worker
writes a message whole; no process keeps it and no file stands for it, so neither a long name of the
temporary folder nor a process killed from outside can cut it off. Whoever was started by a command that is
killed ends with it, and a command whose worker is killed ends with one line: the same command goes on.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from wavetrain.run.pools.pool import Item, Result

if TYPE_CHECKING:
    from wavetrain.train.lab import News

WAIT = 0.2  # seconds for news, before it is asked again who has ended


@dataclass(frozen=True)
class Processes:
    """Each of `jobs` is a process with one torch thread; one job is done in this process."""

    jobs: int

    def each(
        self,
        work: "Callable[[Item, Callable[[News], None]], Result]",
        items: Sequence[Item],
        tell: "Callable[[News], None]",
    ) -> Iterator[tuple[Item, Result]]:
        """Do a piece of work for each item; raises ChildProcessError where a worker was killed."""
        if self.jobs == 1 or len(items) <= 1:
            for item in items:
                yield item, work(item, tell)
            return
        context = multiprocessing.get_context("spawn")
        reader, writer = context.Pipe(duplex=False)
        with ProcessPoolExecutor(
            min(self.jobs, len(items)), context, initializer=_begin, initargs=(writer, context.Lock())
        ) as processes:
            try:
                futures = {processes.submit(_work, work, item): item for item in items}
                pending = set(futures)
                while pending:
                    over = {future for future in pending if future.done()}
                    _pass_on(reader, tell, wait=not over)
                    for future in over:
                        yield futures[future], future.result()
                    pending -= over
            except BrokenProcessPool as error:
                raise ChildProcessError(
                    "a worker ended before its work did: killed, or out of memory; the same command goes on "
                    "from here, with fewer --jobs in less memory"
                ) from error
            finally:
                reader.close()  # who still works for a command that has given up ends at its next news
                processes.shutdown(cancel_futures=True)
                writer.close()

    def environment(self, device: str, threads: int) -> dict[str, Any]:
        """Hardware and versions of this machine."""
        from wavetrain.run.machine import environment

        return environment(device, threads)


_told: Any = None  # in a worker: the end of the pipe, and the lock of whoever writes to it


def _begin(writer: Connection, lock: Any) -> None:
    global _told
    _told = writer, lock
    signal.signal(
        signal.SIGINT, signal.SIG_DFL
    )  # ctrl-C reaches the workers too; one line of words is enough
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        """A worker that outlives its command would write where its successor writes."""
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _work(work: "Callable[[Item, Callable[[News], None]], Result]", item: Item) -> Result:
    return work(item, _tell)


def _tell(news: "News") -> None:
    writer, lock = _told
    with lock:
        writer.send(news)


def _pass_on(reader: Connection, tell: "Callable[[News], None]", wait: bool) -> None:
    """Hand on all news there are; waits a moment for the first where nothing else is to be done."""
    ready = reader.poll(WAIT if wait else 0)
    while ready:
        tell(reader.recv())
        ready = reader.poll()
