"""How long does a second of a spiking sheet take?

    python benchmarks/delay_sheet.py [--cells 12500] [--each 800] [--seconds 1] [--peers PYTHON] [--json PATH]

The sheet of Davis et al. 2021 in steps of 0.1 ms, on one core: one compiled walk, in which spikes are
delivered as they come. Weights are scaled with the connections of a cell, from 2 and 20 nS at 800, so that
the sheet goes on; its length keeps the density of 12,500 cells on 4 mm. Beside it stands the definition,
PyTorch step by step, for a few steps from the last state, and brian2 with the same wiring and first state,
where its environment is there (`make bench-spiking`). Wall-clock and processor seconds; others may be at
work.
"""

import argparse
import json
import math
import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from history import Comparison, Rival, measured
from timing import machine
from wavetrain import scan
from wavetrain.parts.conductances import Conductances
from wavetrain.parts.sheet import Sheet
from wavetrain.parts.wiring import wired
from wavetrain.spiking import DelaySheet

HERE = Path(__file__).resolve().parent
PEERS = HERE.parent / ".venv-peers-spiking" / "bin" / "python"
FEW = 50  # steps of the definition


def timed(call: Callable[[], Any]) -> tuple[Any, float, float]:
    """What the call gives, and its wall-clock and processor seconds."""
    begun = time.perf_counter(), time.process_time()
    result = call()
    return result, time.perf_counter() - begun[0], time.process_time() - begun[1]


def in_brian(one: DelaySheet, start: scan.SheetState, seconds: float, python: Path) -> dict[str, Any] | str:
    """What brian2 took for it, or why there is nothing."""
    if not python.exists():
        return f"no environment at {python.parent.parent.name}"
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "sheet.npz"
        np.savez(
            file,
            targets=one.wiring.targets.numpy(),
            delays=one.wiring.delays.numpy(),
            excitatory=one.wiring.sheet.excitatory,
            weight_e=one.cell.weight_e,
            weight_i=one.cell.weight_i,
            v=start.v[0].numpy(),
            ge=start.ge[0].numpy(),
            gi=start.gi[0].numpy(),
        )
        done = subprocess.run(
            [str(python), "-m", "beside.brian", str(file), str(seconds)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=HERE,
            env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        )
    if done.returncode:
        return "it failed; its last lines are above"
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=12_500)
    parser.add_argument("--each", type=int, default=800, help="connections of a cell")
    parser.add_argument("--seconds", type=float, default=1.0, help="of the sheet")
    parser.add_argument("--peers", type=Path, default=PEERS, help="the Python of brian2's environment")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    torch.set_num_threads(1)
    scale = 800 / options.each
    sheet = Sheet(options.cells, 4 * math.sqrt(options.cells / 12_500))
    wiring, drawn, _ = timed(lambda: wired(sheet, each=options.each))
    one = DelaySheet(wiring, Conductances(weight_e=2 * scale, weight_i=20 * scale))
    start = one.begin(1, torch.Generator().manual_seed(0))
    one.run(1, start)  # compiles
    steps = round(options.seconds * 1000 / one.dt)
    (seen, state), wall, cpu = timed(lambda: one.run(steps, start))
    with scan.only_plain():
        plain = timed(lambda: one.run(FEW, state))[2] / FEW
    sent = len(seen.cell) * options.each
    setting = (
        f"{options.cells:,} cells, {options.cells * options.each:,} connections, {steps:,} steps, float32, "
        f"{len(seen.cell) / options.cells / options.seconds:.1f} spikes a cell and second"
    )
    print(setting)
    print(f"drawn in {drawn:.1f} s; {wall:.2f} s, of a processor {cpu:.2f} s")
    print(f"{1e9 * cpu / max(sent, 1):.1f} ns of it for each delivery, all other work included")
    print(f"a step {1e3 * cpu / steps:.3f} ms; step by step in PyTorch {1e3 * plain:.1f} ms")
    brian = in_brian(one, start, options.seconds, options.peers)
    if isinstance(brian, str):
        print(f"brian2: {brian}")
    else:
        print(
            f"brian2 {brian['version']} ({brian['target']}): {brian['wall']:.2f} s, of a processor "
            f"{brian['cpu']:.2f} s, {brian['rate']:.1f} spikes a cell and second"
        )
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"memory of the process, at most {memory:.2f} GiB")
    here = machine()
    print(", ".join(f"{word} {value}" for word, value in here.items()))
    if options.json:
        comparison = Comparison(
            name=f"a step of {options.cells:,} spiking cells, {options.each:,} connections each",
            rival=Rival.LOOP.value,
            beside="the definition, PyTorch step by step, in processor seconds",
            ours=cpu / steps,
            other=plain,
            times=cpu / steps / plain,
            low=cpu / steps / plain,
            high=cpu / steps / plain,
        )
        comparisons, skipped = [comparison], []
        if isinstance(brian, str):
            skipped = [f"brian2: {brian}"]
        else:
            comparisons.append(
                Comparison(
                    name=f"{options.seconds:g} s of {options.cells:,} cells, {options.each:,} targets each",
                    rival=Rival.PEER.value,
                    beside=f"brian2 {brian['version']}, in processor seconds",
                    ours=cpu,
                    other=brian["cpu"],
                    times=cpu / brian["cpu"],
                    low=cpu / brian["cpu"],
                    high=cpu / brian["cpu"],
                )
            )
        figures = {"wall": wall, "cpu": cpu, "drawn": drawn, "spikes": len(seen.cell), "GiB": memory}
        figures |= {"machine": here, **measured(setting, comparisons, skipped)}
        figures["brian2"] = brian
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
