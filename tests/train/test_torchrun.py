"""A script that trains in a lab under torchrun: the figures of one process, and an end that is seen."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fresh import _environment, warm

SCRIPT = """
import sys
from pathlib import Path

from wavetrain.layers import Elman
from wavetrain.parts.reader import Reader
from wavetrain.tasks import Adding
from wavetrain.train.lab import Lab, Plan
from wavetrain.train.ranks import here

lab = Lab(Path(sys.argv[1]), seed=0)
plan = Plan(steps=8, batch=6, rate=1e-2, every=4, held_out=10)
lab.fit("a", lambda: Reader(Elman(4, inputs=2), 1, every_step=False), Adding(3), plan)
if here().first:
    print("over")
"""


def torchrun(*words: str, cwd: Path, seconds: float = 120) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", *words]
    return subprocess.run(
        command,
        cwd=cwd,
        env=_environment({"OMP_NUM_THREADS": "1"}),
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


@pytest.mark.slow
def test_figures_are_those_of_one_process(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SCRIPT)
    done = torchrun("train.py", "two", cwd=tmp_path)
    assert done.returncode == 0 and done.stdout == "over\n", done.stderr
    assert warm("-c", SCRIPT.replace("sys.argv[1]", "'one'"), cwd=tmp_path).returncode == 0
    one, two = (
        [json.loads(line) for line in (tmp_path / name / "metrics/a.jsonl").read_text().splitlines()]
        for name in ("one", "two")
    )
    for ours, theirs in zip(one, two, strict=True):
        for name in ("step", "loss", "score"):
            assert theirs[name] == pytest.approx(ours[name], rel=1e-4)
