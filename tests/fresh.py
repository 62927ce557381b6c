"""What a new interpreter does: imports, forks, threads and caches cannot be tried twice in one process."""

import os
import subprocess
import sys

from wavetrain import find


def python(code: str, **more: str) -> str:
    """What it prints; it must end well."""
    done = run(code, **more)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def run(code: str, **more: str) -> subprocess.CompletedProcess[str]:
    """The finished process, with `more` in its environment."""
    environment = os.environ | {"PYTHONPATH": str(find.ROOT.parent)} | more
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
