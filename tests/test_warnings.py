"""Nothing warns: all of it runs where warnings are errors, as under `python -W error`."""

from pathlib import Path

import numpy as np

from tests.fresh import warm

ERRORS = "import warnings; warnings.simplefilter('error')\n"


def test_no_member_warns() -> None:
    """Loading all of them, and for every layer forward, backward, a step and the operator."""
    code = """
import torch
from wavetrain import find
for kind in find.KINDS:
    for one in find.members(kind):
        member = one.load()
        if kind == "layers":
            layer = member(4)
            layer(torch.randn(2, 5, 4, requires_grad=True))[0].sum().backward()
            layer.step(torch.randn(2, 4), layer.begin(2))
            layer.operator(torch.randn(2, 3, 4))
"""
    done = warm("-c", ERRORS + code)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_no_comparison_warns(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    np.savez(tmp_path / "mine.npz", x=draw.normal(size=(40, 9, 2)), y=np.arange(40) % 3)
    mine, out = str(tmp_path / "mine.npz"), str(tmp_path / "runs")
    code = f"""
import sys
from wavetrain.cli import main
names = ["--layers", "elman", "wave_rnn", "softmax_attention"]
size = "--steps 2 --seeds 1 --parameters 400 --batch 2 --rates 0.001 --jobs 1".split()
sys.argv = ["wavetrain", "compare", {mine!r}, *names, *size, "--out", {out!r}]
main()
"""
    done = warm("-c", ERRORS + code)
    assert done.returncode == 0 and "elman" in done.stdout, done.stderr
