"""Compiled kernels are kept on disk, and whatever becomes of that folder a kernel runs; without numba too."""

import ast
import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.fresh import python, warm
from wavetrain import find

USE = "import torch, wavetrain.scan as s; x = torch.ones(1, 3, 2); print(s.linear(x, x)[1].tolist())"
ANSWER = "[[3.0, 3.0]]"


def used(folder: Path, code: str = USE) -> str:
    """What a new process says on its way to the right answer."""
    done = warm("-c", code, NUMBA_CACHE_DIR=str(folder))
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ANSWER
    return done.stderr


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the kernels of USE, compiled."""
    folder = tmp_path_factory.mktemp("once")
    assert used(folder) == ""
    return folder


@pytest.fixture
def folder(once: Path, tmp_path: Path) -> Path:
    """The same for each test, to do with as it likes."""
    return shutil.copytree(once, tmp_path / "kernels")


def kept(folder: Path, kind: str) -> list[Path]:
    return sorted(folder.rglob(f"linear._walk-*.{kind}"))


def test_a_kernel_is_compiled_once(folder: Path) -> None:
    (data,) = kept(folder, "nbc")
    written = data.stat().st_mtime_ns
    assert used(folder) == ""
    assert data.stat().st_mtime_ns == written


def test_a_kernel_is_compiled_again_where_a_function_that_it_calls_has_changed(tmp_path: Path) -> None:
    """In another file, whose functions are compiled into the kernel."""
    shutil.copytree(find.ROOT, tmp_path / "wavetrain", ignore=shutil.ignore_patterns("__pycache__"))
    code = """
import numpy as np
from wavetrain.scan.cpu import short
y = np.empty(1)
short._silu(np.ones(1), y)
print(y[0], len(short._silu.signatures))
"""

    def silu_of_one() -> str:
        done = warm("-c", code, PYTHONPATH=str(tmp_path), NUMBA_CACHE_DIR=str(tmp_path / "kernels"))
        assert done.returncode == 0, done.stderr
        return done.stdout

    before = silu_of_one()
    assert before.startswith("0.73105") and before.endswith(" 1\n")
    source = tmp_path / "wavetrain/scan/cpu/compiled.py"
    text = source.read_text(encoding="utf-8")
    assert text.count("return one / (one + exp(-z, like))") == 1
    source.write_text(
        text.replace("return one / (one + exp(-z, like))", "return one + one"), encoding="utf-8"
    )
    assert silu_of_one() == "2.0 1\n"


def test_what_is_compiled_lies_where_its_changes_are_seen() -> None:
    """`kept` looks at the folder of a kernel and at `scan/cpu`: a kernel imports from there alone."""
    marks = re.compile(r"^@(borrowed|compiled|exactly|summed)$", re.MULTILINE)
    kernels = [path for path in find.ROOT.rglob("*.py") if marks.search(path.read_text(encoding="utf-8"))]
    names = {path.relative_to(find.ROOT).as_posix() for path in kernels}
    assert {"scan/cpu/linear.py", "memories/_kernels/segments.py"} <= names
    for path in kernels:
        own = ".".join(("wavetrain", *path.parent.relative_to(find.ROOT).parts))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("wavetrain"):
                assert f"{node.module}.".startswith((f"{own}.", "wavetrain.scan.cpu.")), (
                    f"{path}: {node.module}"
                )


def test_kernels_that_check_their_bounds_are_others(folder: Path) -> None:
    (data,) = kept(folder, "nbc")
    fast = data.read_bytes()
    done = warm("-c", USE, NUMBA_CACHE_DIR=str(folder), NUMBA_BOUNDSCHECK="1")
    assert done.stdout.strip() == ANSWER
    assert data.read_bytes() != fast


@pytest.mark.parametrize("kind", ["nbi", "nbc"])
@pytest.mark.parametrize("damage", [b"", b"half"])
def test_what_cannot_be_read_is_compiled_again_and_replaced(folder: Path, kind: str, damage: bytes) -> None:
    for path in folder.rglob(f"*.{kind}"):
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2] if damage == b"half" else damage)
    said = used(folder)
    assert said.count("RuntimeWarning") == 1
    assert f"kernels kept in {folder}" in said and "cannot be read" in said
    assert used(folder) == "", "what was damaged has not been replaced"


def test_files_that_may_not_be_read(folder: Path) -> None:
    """Of another user, say; here folders in their place, which not even root can read as files."""
    for path in folder.rglob("*.nbi"):
        path.unlink()
        path.mkdir()
    said = used(folder)
    assert said.count("RuntimeWarning") == 1 and "cannot be read (IsADirectoryError" in said


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits of a process")
def test_a_full_disk(tmp_path: Path) -> None:
    full = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
"""
    said = used(tmp_path, full + USE)
    assert said.count("RuntimeWarning") == 1 and "cannot be kept in" in said and "File too large" in said
    assert not [path for path in tmp_path.rglob("*") if ".tmp." in path.name]


def test_nowhere_to_keep_anything() -> None:
    done = warm("-c", USE, NUMBA_CACHE_LOCATOR_CLASSES="IPythonCacheLocator")
    assert done.stdout.strip() == ANSWER
    assert done.stderr.count("RuntimeWarning") == 1 and "can be kept nowhere" in done.stderr


def test_warnings_may_be_errors() -> None:
    """Nothing is to be said where all is well."""
    assert python(USE, PYTHONWARNINGS="error") == ANSWER


BLOCKED = "import sys; sys.modules['numba'] = None\n"


def test_without_numba_the_plain_route_is_taken() -> None:
    code = """
import torch
from wavetrain import find, scan
torch.manual_seed(0)
for one in find.members("layers"):
    layer = one.load()(3)
    y, _ = layer(torch.randn(2, 4, 3, requires_grad=True))
    y.sum().backward()
assert "numba" not in scan.routes().values(), scan.routes()
print(sorted(scan.routes()))
"""
    done = warm("-c", BLOCKED + code)
    assert done.returncode == 0, done.stderr
    assert "'linear'" in done.stdout and "'selective'" in done.stdout and "'wave'" in done.stdout
    said = [line for line in done.stderr.splitlines() if "Warning" in line]
    assert len(said) == 1 and "numba cannot be imported" in said[0] and "plain route" in said[0]


def test_without_numba_the_temporal_memory_is_plain_python() -> None:
    code = """
import torch
from wavetrain.memories.temporal_memory import Dendrites, TemporalMemory, categories
symbols = categories(3, 64, 8, torch.Generator().manual_seed(0))
memory = TemporalMemory(64, 4, Dendrites(activation=5, matching=4, grow=8), seed=1)
trace, state = memory.forward(symbols[torch.tensor([0, 1, 2] * 8)])
print(trace.anomaly.tolist(), memory.predict(state).sum())
"""
    done = warm("-c", BLOCKED + code)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("numba cannot be imported") == 1
    assert done.stdout == warm("-c", code).stdout


def test_the_command_runs_without_numba(tmp_path: Path) -> None:
    code = f"""
import sys
sys.argv = ["wavetrain", "run", "wave_rnn_copy", "--scale", "smoke", "--out", {str(tmp_path)!r}]
sys.argv += ["--seeds", "1", "--jobs", "1"]  # in this process, where numba is blocked
from wavetrain.cli import main
main()
"""
    done = warm("-c", BLOCKED + code)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stderr.count("numba cannot be imported") == 1
    assert (tmp_path / "results").exists() and list(tmp_path.glob("wave_rnn_copy-smoke-seed0-*/result.json"))
