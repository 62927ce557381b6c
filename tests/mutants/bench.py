"""One change after another, tried in a copy of the working tree."""

import difflib
import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator

from tests.fresh import Warm
from tests.mutants.choose import Tests, imported
from tests.mutants.draw import HERE, SOURCE, Change


class Run(NamedTuple):
    """How a run of pytest ended. `code` is None where it took too long."""

    code: int | None
    failed: str  # the first test that failed, if it has a name


# Loading these takes most of a short run of tests. Not what reads its environment when it is loaded, as numba
# does, and nothing whose assertions pytest rewrites.
LOADED = (
    "torch",
    "torch._dynamo",
    "pandas",
    "scipy.signal",
    "scipy.stats",
    "sklearn.ensemble",
    "matplotlib.pyplot",
)


class Bench:
    """A copy of the working tree in which one change is tried after another."""

    def __init__(self, root: Path, kernels: Path, seconds: float):
        self.root, self.kernels, self.seconds = root, kernels, seconds
        self.warm = Warm(LOADED)
        self.sound: dict[str, bool] = {}  # what passes without a change
        shutil.rmtree(root, ignore_errors=True)
        listed = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard"],
            cwd=HERE,
            capture_output=True,
            text=True,
            check=True,
        )
        for name in listed.stdout.splitlines():
            if (HERE / name).is_file():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(HERE / name, root / name)  # with its time, by which compiled code is known

    def pytest(self, *words: str, kernels: Path | None = None) -> Run:
        command = ["-m", "pytest", "-o", "addopts=", "-q", "-x", "-rfE", "--tb=no"]
        environment = {
            **os.environ,
            "PYTHONPATH": str(self.root / "src"),
            "OMP_NUM_THREADS": "1",
            "NUMBA_CACHE_DIR": str(kernels or self.kernels),
        }
        with tempfile.TemporaryDirectory() as folder:
            said = Path(folder) / "said"
            said.touch()
            work: dict[str, Any] = {"words": [*command, "-p", "no:cacheprovider", *words], "files": None}
            work |= {"cwd": str(self.root), "environment": environment, "input": os.devnull}
            code = self.warm.ask(work | {"output": str(said), "errors": os.devnull}, self.seconds)
            text = said.read_text(encoding="utf-8", errors="replace")
        if code is None:
            return Run(None, "")
        failed = re.search(r"^(?:FAILED|ERROR) (tests/\S+?\.py(?:::.*?)?)(?: - |$)", text, re.MULTILINE)
        return Run(code, failed[1] if failed else "")

    def passes(self, words: list[str]) -> bool:
        """Whether tests pass without a change; found once."""
        key = "\0".join(words)
        if key not in self.sound:
            self.sound[key] = self.pytest(*words).code in (0, 5)
        return self.sound[key]

    def verdict(self, change: Change, tests: Tests) -> dict[str, Any]:
        path, start = self.root / change.path, time.monotonic()
        whole, times = path.read_text(encoding="utf-8"), path.stat()
        changed = mutate_code(whole, get_operator(f"core/{change.operator}")(), change.occurrence)
        assert changed is not None
        shown = [
            line.rstrip("\n")
            for line in difflib.unified_diff(whole.splitlines(), changed.splitlines(), lineterm="", n=0)
            if not line.startswith(("---", "+++", "@@"))
        ]
        scratch = self.apart(change.path) if "@compiled" in whole else None
        run, words, before = Run(5, ""), [""], 0
        try:
            path.write_text(changed, encoding="utf-8")
            late = times.st_mtime_ns + 10**9 * (1 + int(change.key[:6], 16))  # no two changes at one time
            os.utime(path, ns=(times.st_atime_ns, late))
            for words in tests.of(change.path):
                run = self.pytest(*words, kernels=scratch)
                if run.code not in (0, 5):
                    break
                before += 1
        finally:
            path.write_text(whole, encoding="utf-8")
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
            if scratch is not None:
                shutil.rmtree(scratch)
        answer, by = self.judged(run, words, before)
        return {"verdict": answer, "by": by, "shown": shown, "seconds": round(time.monotonic() - start, 1)}

    def judged(self, run: Run, words: list[str], before: int) -> tuple[str, str]:
        """The verdict, and by which test or why."""
        if run.code in (0, 5):
            return "survived", ""
        if run.code is None and before and not self.passes(words):
            return "survived", f"not seen to the end: {' '.join(words)}"
        if not self.passes([run.failed] if "::" in run.failed else words):
            return "unclear", f"{run.failed or ' '.join(words)} fails without the change too"
        return "caught", run.failed or ("took too long" if run.code is None else f"ended with {run.code}")

    def apart(self, name: str) -> Path:
        """A folder of compiled kernels without those of a file, and of the files that import it."""
        scratch = self.root.with_name(f"{self.root.name}-kernels")
        shutil.rmtree(scratch, ignore_errors=True)
        if self.kernels.is_dir():
            shutil.copytree(self.kernels, scratch, copy_function=os.link)
        stems, near = {Path(name).stem}, {name}
        compiled = [path for path in (HERE / SOURCE).rglob("*.py") if "@compiled" in path.read_text("utf-8")]
        uses = {str(path.relative_to(HERE)): imported(path) for path in compiled}
        while near:
            near = {user for user, used in uses.items() if used & near and Path(user).stem not in stems}
            stems |= {Path(user).stem for user in near}
        for file in scratch.rglob("*.nb?"):
            if file.name.partition(".")[0] in stems:
                file.unlink()
        return scratch
