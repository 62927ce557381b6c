"""Pieces of work on the machines of a Ray cluster, or of a Ray that is started on this one.

`RAY_ADDRESS` names the head, HOST:PORT; without it a Ray of its own is started here and ended again. Each
piece has a core, or a GPU where the device is one. What is written lies in the folder of the runs, which all
machines share. A piece whose worker is lost is taken up by another, which goes on from the last checkpoint
or reads what is over. How often is counted here and not by Ray, whose own repetitions are off.

Ray keeps to itself: no statistics of use are sent, no dashboard is started, and its log stays in its files.
"""

import contextlib
import importlib
import logging
import math
import os
import sys
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wavetrain.errors import BadInput
from wavetrain.run.pools.pool import Item, Result
from wavetrain.run.pools.ray_head import silent
from wavetrain.run.pools.ray_worker import Failed, Over, Said, Told, here, streamed

if TYPE_CHECKING:
    from wavetrain.train.lab import News

ADDRESS = "RAY_ADDRESS"
OWN = ("", "local")  # addresses of a Ray that is started here
TRIES = 4  # of a piece whose worker is lost
WAIT = 0.5  # seconds for news, before it is asked again whether the head is there
WATCH = 2.0  # seconds between these questions
STORE = 2**27  # bytes of a Ray of its own: what passes through it is small
SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "RAY_DEDUP_LOGS": "1",
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",  # what is told of lost workers comes from us
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # what Ray does by itself from its next version on
}
LOST = (  # by name: how Ray calls that a worker or its machine is gone, through no fault of the work
    "WorkerCrashedError",
    "NodeDiedError",
    "OutOfMemoryError",
    "LocalRayletDiedError",
    "ObjectLostError",
    "TaskCancelledError",
    "TaskUnschedulableError",
)


class RayCluster:
    """A pool of Ray's workers, `jobs` at a time; use `connected`."""

    def __init__(self, ray: Any, jobs: int, device: str, mark: Path, say: Callable[[str], None]):
        self.ray, self.jobs, self.mark, self.say = ray, jobs, mark, say
        self.head: str = ray.get_runtime_context().gcs_address
        self.share = {"num_cpus": 1, "num_gpus": 0 if device == "cpu" else 1, "max_retries": 0}
        self.lost = tuple(getattr(ray.exceptions, name) for name in LOST)
        self.asked = time.monotonic()  # when the head last answered

    def each(
        self,
        work: "Callable[[Item, Callable[[News], None]], Result]",
        items: Sequence[Item],
        tell: "Callable[[News], None]",
    ) -> Iterator[tuple[Item, Result]]:
        """Do a piece of work for each item.

        Raises ChildProcessError where workers of one piece are lost again and again, ConnectionError where
        the head of Ray is, and BadInput where a machine differs from this one.
        """
        remote = self.ray.remote(streamed).options(**self.share)
        there = here(self.mark)
        waiting = deque((item, 1) for item in items)
        going: dict[Any, tuple[Item, int]] = {}
        try:
            while waiting or going:
                while waiting and len(going) < self.jobs:
                    item, tries = waiting.popleft()
                    going[remote.remote(there, work, item)] = item, tries
                for stream in self._ready(list(going)):
                    item, tries = going[stream]
                    try:
                        told = self.ray.get(next(stream))
                    except self.lost as error:
                        del going[stream]
                        waiting.appendleft((item, self._again(error, tries)))
                        continue
                    except self.ray.exceptions.RayError as error:
                        raise BadInput(f"a worker of Ray could not begin: {_last(error)}") from error
                    if over := self._heard(told, tell):
                        del going[stream]
                        yield item, over.result
        finally:
            for stream in going:
                with contextlib.suppress(Exception):
                    self.ray.cancel(stream, force=True)

    def environment(self, device: str, threads: int) -> dict[str, Any]:
        """Hardware and versions of one of the machines that do the work."""
        ((_, found),) = self.each(_environment, [(device, threads)], lambda news: None)
        return {**found, "ray": self.ray.__version__}

    def _ready(self, streams: list[Any]) -> list[Any]:
        """The streams with something to read, after a while at the latest."""
        if time.monotonic() - self.asked > WATCH:
            if why := silent(self.head):
                raise ConnectionError(
                    f"the head of Ray at {self.head} is gone ({why}); the same command goes on from here"
                )
            self.asked = time.monotonic()
        ready, _ = self.ray.wait(streams, num_returns=1, timeout=WAIT)
        return ready

    def _again(self, error: Exception, tries: int) -> int:
        if tries == TRIES:
            raise ChildProcessError(
                f"a piece of work lost its worker {TRIES} times: killed, or out of memory; the same command "
                "goes on from here, with fewer --jobs in less memory"
            ) from error
        self.say("a worker was lost; another takes up its work")
        return tries + 1

    def _heard(self, told: Sequence[Any], tell: "Callable[[News], None]") -> Over | None:
        """Hand on what was told; returns what came of the work, if it is over."""
        for one in told:
            match one:
                case Told(news):
                    tell(news)
                case Said(line):
                    self.say(line)
                case Failed(error, where):
                    raise error from RuntimeError(where)
                case Over():
                    return one
        return None


@contextlib.contextmanager
def connected(jobs: int, device: str, out: Path, say: Callable[[str], None]) -> Iterator[RayCluster]:
    """A pool on the cluster whose head `RAY_ADDRESS` names, or on a Ray that lives as long as this.

    `jobs` of 0 means as many as there are cores, or GPUs. Raises BadInput where Ray is not installed, its
    head does not answer, or no machine has the device.
    """
    check()
    ray = _ray()
    address = os.environ.get(ADDRESS, "")
    theirs = ray.is_initialized()  # by the program that calls us, which ends it too
    if not theirs:
        _begin(ray, address, jobs)
    out.mkdir(parents=True, exist_ok=True)
    mark = out.absolute() / f".seen-{uuid.uuid4().hex}"
    mark.touch()
    try:
        kind = "CPU" if device == "cpu" else "GPU"
        there = math.floor(ray.cluster_resources().get(kind, 0))
        if not there:
            raise BadInput(f"device {device!r} cannot be used here: no machine of this Ray has a {kind}")
        yield RayCluster(ray, jobs or there, device, mark, say)
    finally:
        mark.unlink(missing_ok=True)
        if not theirs:
            ray.shutdown()


def check() -> None:
    """Raise BadInput, within seconds, where Ray is not installed, or the head that is named is not there."""
    if find_spec("ray") is None:
        raise BadInput("--on ray needs the package ray: pip install 'wavetrain[cluster]'")
    address = os.environ.get(ADDRESS, "")
    if address in OWN:
        return
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or "/" in host:
        raise BadInput(f"expected {ADDRESS} as HOST:PORT of the head of Ray, got {address!r}")
    if why := silent(address):
        raise BadInput(f"no head of Ray answers at {address} ({ADDRESS}): {why}")


def _ray() -> Any:
    os.environ.update(SETTINGS)
    ray = importlib.import_module("ray")
    logging.getLogger("ray").setLevel(logging.CRITICAL)
    return ray


def _begin(ray: Any, address: str, jobs: int) -> None:
    """Connect to a head, or start a Ray of its own."""
    quiet = {"log_to_driver": False, "configure_logging": False}
    with _silenced():
        if address in OWN:
            cores = jobs or os.cpu_count() or 1
            own = {"num_cpus": cores, "include_dashboard": False, "object_store_memory": STORE}
            ray.init(address="local", **own, **quiet)
            return
        try:
            ray.init(address=address, **quiet)
        except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
            raise BadInput(f"the Ray at {address} cannot be used from here: {_last(error)}") from error


@contextlib.contextmanager
def _silenced() -> Iterator[None]:
    """Nothing is written to the error stream meanwhile: Ray's own log begins before it has a file."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 (a device)
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)


def _environment(asked: tuple[str, int], tell: "Callable[[News], None]") -> dict[str, Any]:
    from wavetrain.run.machine import environment

    return environment(*asked)


def _last(error: BaseException) -> str:
    """The last line of an error, which says what it is about."""
    return (str(error).strip().splitlines() or [type(error).__name__])[-1].strip()
