"""New interpreters in which PyTorch is loaded already: this file, run as a script, waits for work and forks.

    process = subprocess.Popen([sys.executable, "tests/warm.py"], stdin=PIPE, stdout=PIPE, text=True)

It loads LOADED, or what its words name. Each line that it reads is the work of one interpreter, as JSON;
each line that it writes is an exit code. Loading PyTorch takes seconds, and forking takes none. Nothing of
Wavetrain is loaded before the fork. `tests.fresh` is the way in.

An interpreter ends once all that was asked to run at its end has run. Python would go on to take PyTorch
apart, piece by piece, which takes more than a second.
"""

import atexit
import gc
import importlib
import io
import json
import os
import resource
import runpy
import sys
from collections.abc import Sequence
from typing import Any

LOADED = ("torch", "torch._dynamo", "numpy", "scipy.linalg", "sklearn.base", "numba")


def main() -> None:
    """Fork for each line of standard input until it ends."""
    atexit.register(_leave)  # first, so that it is called last
    gc.disable()
    for name in sys.argv[1:] or LOADED:
        importlib.import_module(name)
    if "numba" in sys.modules:
        _fill_tables()
    answers = os.fdopen(os.dup(1), "w")
    sys.path.pop(0)  # the folder of this file
    inherited = os.environ.get("PYTHONPATH", "")
    own = [path for path in sys.path if path not in inherited.split(os.pathsep)]
    gc.freeze()
    for line in iter(sys.stdin.readline, ""):
        work = json.loads(line)
        child = os.fork()
        if not child:
            gc.enable()
            answers.close()
            begin(work, own)
            return
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(code, file=answers, flush=True)


def _fill_tables() -> None:
    """Of what numba can compile: each process that calls a kernel would do it, in a third of a second."""
    from numba.core.registry import cpu_target

    cpu_target.typing_context.refresh()
    cpu_target.target_context.refresh()


def begin(work: dict[str, Any], own: Sequence[str]) -> None:
    """Be the interpreter that was asked for: its environment, its streams, its code."""
    os.chdir(work["cwd"])
    os.environ.clear()
    os.environ.update(work["environment"])
    if "numba" in sys.modules:
        sys.modules["numba"].config.reload_config()  # which it has read from another environment
    for number, name in enumerate(("input", "output", "errors")):
        stream = os.open(work[name], os.O_WRONLY if number else os.O_RDONLY)
        os.dup2(stream, number)
        os.close(stream)
    encoding = os.environ.get("PYTHONIOENCODING", "utf-8")
    sys.stdin = io.TextIOWrapper(io.FileIO(0, closefd=False), encoding=encoding)  # type: ignore[arg-type]
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding=encoding)  # type: ignore[union-attr]
    paths = os.environ.get("PYTHONPATH", "")
    sys.path[:] = [work["cwd"], *(path for path in paths.split(os.pathsep) if path), *own]
    importlib.invalidate_caches()
    if work["files"] is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (work["files"], work["files"]))
    try:
        _run(*work["words"])
        _code.append(0)
    except SystemExit as left:
        _code.append(left.code if isinstance(left.code, int) else int(left.code is not None))
        raise


def _run(kind: str, what: str, *words: str) -> None:
    sys.argv[1:] = words
    if kind == "-m":
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})


_code: list[int] = []  # in a fork that has ended by itself: the exit code


def _leave() -> None:
    if _code:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(_code[0])


if __name__ == "__main__":
    main()
