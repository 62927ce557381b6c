"""The kernels, compiled with no GPU at hand: what the assembler says is what the committed table says."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import triton

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"
TABLE = json.loads((BENCHMARKS / "cubins.json").read_text(encoding="utf-8"))

SMALLEST = """
import cubins, gpu_cases as g
f = g.SINGLE
cases = [g.linear(1, 1, 1, f), g.linear(1, 1, 1, g.COMPLEX), g.chunked(1, 1, 1, 1, f), g.lif(1, 1, 1)]
cases += [g.short(1, 1, 1, 2), g.selective(1, 1, 1, 1), g.blocks(1, 1, 2, 1), g.softmax(1, 1, 1, 1)]
cases += [g.wave(1, 1, 1, 3), g.unitary(1, 1, 1, 1), g.unitary(1, 9, 1, 3), g.unitary(1, 9, 3, 1)]
for launch in cubins.launches(cases).values():
    assert cubins.compiled(launch, 90)["spilled"] == 0, launch
"""


def test_nothing_spills():
    assert all(one["spilled"] == 0 for row in TABLE["kernels"].values() for one in row.values())


def test_the_table_is_what_comes_out():
    if triton.__version__ != TABLE["triton"]:
        pytest.skip(f"the table is of triton {TABLE['triton']}, here is {triton.__version__}")
    ended = apart(str(BENCHMARKS / "cubins.py"), "--check")
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_sizes_of_one_compile():
    """Such a size is a constant for Triton, which is no tensor: the interpreter does not see it."""
    ended = apart("-c", SMALLEST)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def apart(*words: str) -> subprocess.CompletedProcess[str]:
    """Python in another process, where kernels are compiled and not interpreted."""
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    path = os.pathsep.join([str(BENCHMARKS), environment.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, *words], env=environment | {"PYTHONPATH": path}, capture_output=True, text=True
    )
