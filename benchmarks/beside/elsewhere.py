"""Timing of calls here and in another environment, in turn.

The process there times other libraries when it is asked, and waits meanwhile. At first it says what is
there, as a line of JSON with `there`, facts by name, and `skipped`, reasons. Then a name on its input
is answered with wall-clock and processor seconds.
"""

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from timing import Rows

FOLDER = Path(__file__).resolve().parent.parent


class Elsewhere:
    """The process, once it is ready; `there` is empty where its environment is not."""

    def __init__(self, python: Path, module: str, arguments: list[str], libraries: str):
        self.there: dict[str, Any] = {}
        self.skipped: list[str] = []
        if not python.exists():
            self.skipped = [f"{libraries}: no environment at {python.parent.parent.name}"]
            return
        self.process = subprocess.Popen(
            [str(python), "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=FOLDER,
            env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        )
        found = self._heard()
        self.there, self.skipped = found["there"], found["skipped"]

    def seconds(self, name: str) -> tuple[float, float]:
        """Wall-clock and processor seconds, once."""
        assert self.process.stdin is not None
        self.process.stdin.write(name + "\n")
        self.process.stdin.flush()
        wall, cpu = self._heard()
        return wall, cpu

    def _heard(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def close(self) -> None:
        """End the process."""
        if self.there:
            assert self.process.stdin is not None
            self.process.stdin.close()
            self.process.wait()


def here(call: Callable[[], object]) -> tuple[float, float]:
    """Wall-clock and processor seconds of the second of two calls."""
    call()
    begun = time.perf_counter(), time.process_time()
    result = call()
    spent = time.perf_counter() - begun[0], time.process_time() - begun[1]
    del result
    return spent


def in_turn(calls: dict[str, Callable[[], tuple[float, float]]], repeats: int) -> tuple[Rows, Rows]:
    """Wall-clock and processor seconds of each, round after round."""
    walls: Rows = {name: [] for name in calls}
    cpus: Rows = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            wall, cpu = call()
            walls[name].append(wall)
            cpus[name].append(cpu)
    return walls, cpus
