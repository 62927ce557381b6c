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


def test_nothing_spills():
    assert all(one["spilled"] == 0 for row in TABLE["kernels"].values() for one in row.values())


def test_the_table_is_what_comes_out():
    if triton.__version__ != TABLE["triton"]:
        pytest.skip(f"the table is of triton {TABLE['triton']}, here is {triton.__version__}")
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    ended = subprocess.run(
        [sys.executable, BENCHMARKS / "cubins.py", "--check"],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
