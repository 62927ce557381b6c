"""Run the scripts of this folder at a modest size, and add what they measured to the record of speed.

    python benchmarks/record.py [SCRIPT ...] [--folder benchmarks/history]

Each script runs once, in a process of its own. The record keeps its comparisons with the date, the commit,
the machine and how busy it was. The page "How fast" of the documentation shows it.
"""

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

import history
from wavetrain import __version__
from wavetrain.evidence.shape import parsed

HERE = Path(__file__).resolve().parent
STREAMED = ("wave_rnn", "lstm", "s4d", "mamba", "aaren", "softmax_attention")  # one layer of each family
SCRIPTS: dict[str, tuple[str, ...]] = {  # of each question, the size at which it is recorded
    "scan_linear": ("--repeats", "5"),
    "scan_wave": ("--repeats", "2", "--steps", "60"),
    "scan_chunked": ("--repeats", "3"),
    "state_spaces": ("--repeats", "2", "--shape", "4", "512", "128"),
    "training_step": ("--repeats", "2", "--length", "60", "--batch", "64"),
    "torch_layers": ("--repeats", "15"),
    "hopfield": ("--repeats", "3", "--patterns", "50000"),
    "sparse_distributed": ("--repeats", "3"),
    "streaming": (*STREAMED, "--steps", "10000", "--budget", "5"),
    "temporal_memory": ("--records", "4000"),
    "delay_sheet": (),
    "spiking": ("--repeats", "5"),
    "beside_jax": ("--repeats", "5"),
    "rules": ("--repeats", "5"),
    "gpu": ("--seconds", "480"),
    "processes": ("--rounds", "5"),
    "lenses": ("waves", "--seconds", "60", "--repeats", "3"),
}
PACKAGES = ("torch", "numba", "numpy")


def git(*arguments: str) -> str:
    done = subprocess.run(("git", "-C", str(HERE), *arguments), capture_output=True, text=True, check=True)
    return done.stdout.strip()


def changed(folder: Path) -> bool:
    """Whether the checkout differs from its commit, the record itself left aside."""
    place = os.path.relpath(folder, git("rev-parse", "--show-toplevel"))
    return bool(git("status", "--porcelain", "--untracked-files=no", "--", ":/", f":(top,exclude){place}"))


def run(script: str, folder: Path) -> history.Run:
    """One script, once."""
    arguments = SCRIPTS[script]
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as scratch:
        figures = Path(scratch) / "figures.json"
        command = [sys.executable, str(HERE / f"{script}.py"), *arguments]
        subprocess.run([*command, "--json", str(figures)], check=True)
        found: dict[str, Any] = json.loads(figures.read_text(encoding="utf-8"))
    here = found["machine"]
    return history.Run(
        date=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M"),
        commit=git("rev-parse", "--short=12", "HEAD"),
        changed=changed(folder),
        command=" ".join(("python", f"benchmarks/{script}.py", *arguments)),
        setting=found["setting"],
        machine=history.Machine(
            cpu=here["cpu"],
            cores=os.cpu_count() or 1,
            threads=here["threads"],
            copy=here["copy GB/s"],
            product=here["large product GFLOP/s"],
            load_before=round(before, 1),
            load_after=round(os.getloadavg()[0], 1),
        ),
        versions={
            "wavetrain": __version__,
            "python": platform.python_version(),
            **{name: version(name) for name in PACKAGES},
        },
        comparisons=tuple(parsed(history.Comparison, one) for one in found["comparisons"]),
        skipped=tuple(found["skipped"]),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scripts", nargs="*", metavar="SCRIPT", help=f"of {', '.join(SCRIPTS)}; all if none")
    parser.add_argument("--folder", type=Path, default=history.HISTORY, help="where the record lies")
    options = parser.parse_args()
    if unknown := sorted(set(options.scripts) - set(SCRIPTS)):
        parser.error(f"there is no script {unknown[0]!r}; there are {', '.join(SCRIPTS)}")
    here = [name for name in SCRIPTS if name != "gpu" or torch.cuda.is_available()]
    for script in options.scripts or here:
        print(f"\n{script}: {' '.join(SCRIPTS[script])}", flush=True)
        print(f"added to {history.add(script, run(script, options.folder), options.folder)}", flush=True)


if __name__ == "__main__":
    main()
