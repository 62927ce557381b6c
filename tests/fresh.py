"""What a new interpreter does: imports, forks, threads and caches cannot be tried twice in one process.

`run` and `python` start one. `warm` takes one in which PyTorch is loaded already, which spares seconds: for
all who do not ask what is imported, in what order, or with which warnings.
"""

import atexit
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from wavetrain import find


def python(code: str, **more: str) -> str:
    """What it prints; it must end well."""
    done = run(code, **more)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def run(code: str, **more: str) -> subprocess.CompletedProcess[str]:
    """The finished process, with `more` in its environment."""
    return subprocess.run(
        [sys.executable, "-c", code], env=_environment(more), capture_output=True, text=True, check=False
    )


def warm(
    *words: str, cwd: Path | None = None, files: int | None = None, by: "Warm | None" = None, **more: str
) -> subprocess.CompletedProcess[str]:
    """What `python WORDS` does, `-c CODE` or `-m MODULE ...`, where PyTorch is loaded already.

    With `more` in its environment; `files` bounds the bytes of each file that it may write. It is a fork of
    `by`, where one has more loaded than PyTorch.
    """
    with tempfile.TemporaryDirectory() as folder:
        output, errors = Path(folder) / "output", Path(folder) / "errors"
        output.touch()
        errors.touch()
        work: dict[str, Any] = {"words": words, "cwd": str(cwd or Path.cwd()), "files": files}
        work |= {"environment": _environment(more), "input": os.devnull}
        work |= {"output": str(output), "errors": str(errors)}
        code = (by or _waiting).ask(work)
        assert code is not None
        encoding = more.get("PYTHONIOENCODING", "utf-8")
        said = (path.read_text(encoding=encoding) for path in (output, errors))
        return subprocess.CompletedProcess([sys.executable, *words], code, *said)


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(find.ROOT.parent)} | more


class Warm:
    """A process that forks a new interpreter for each work. It loads `names` first, or what warm.py lists."""

    def __init__(self, names: Sequence[str] = ()):
        self.names = names
        self.process: subprocess.Popen[str] | None = None

    def ask(self, work: Mapping[str, Any], seconds: float | None = None) -> int | None:
        """The exit code. Past `seconds` it is None, and all that was started is killed."""
        if self.process is None:
            command = [sys.executable, str(Path(__file__).with_name("warm.py")), *self.names]
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            threads = os.environ | {"OMP_NUM_THREADS": "1"}
            self.process = subprocess.Popen(  # type: ignore[call-overload]
                command, env=threads, text=True, start_new_session=True, **pipes
            )
            atexit.register(self.end)
        process = self.process
        assert process is not None and process.stdin is not None and process.stdout is not None
        process.stdin.write(json.dumps(work) + "\n")
        process.stdin.flush()
        if not select.select([process.stdout], [], [], seconds)[0]:
            os.killpg(process.pid, signal.SIGKILL)
            self.end()
            return None
        return int(process.stdout.readline())

    def end(self) -> None:
        if self.process is not None:
            self.process.communicate()
            self.process = None


_waiting = Warm()
