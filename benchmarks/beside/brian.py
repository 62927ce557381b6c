"""The sheet of `delay_sheet.py` in brian2: a process of its own, without wavetrain.

    python -m beside.brian NPZ SECONDS

The file holds the wiring and the first state; the last line that is written is JSON: wall-clock and processor
seconds, spikes a cell and second, brian2's version, and how it makes its code. The numbers of a cell are
those of Davis et al. 2021, and potentials and conductances move by Euler's rule.
"""

import json
import sys
import time
from importlib.metadata import version

import brian2
import numpy as np

EQUATIONS = """
dv/dt = (10 * (-65 - v) - ge * v + gi * (-80 - v)) / (200 * ms) : 1 (unless refractory)
dge/dt = -ge / (5 * ms) : 1
dgi/dt = -gi / (5 * ms) : 1
"""


def main() -> None:
    with np.load(sys.argv[1], allow_pickle=False) as file:
        sheet = dict(file)
    seconds = float(sys.argv[2])
    brian2.prefs.core.default_float_dtype = np.float32
    brian2.defaultclock.dt = 0.1 * brian2.ms
    cells = brian2.NeuronGroup(
        len(sheet["v"]),
        EQUATIONS,
        threshold="v > -50",
        reset="v = -70",
        refractory=5 * brian2.ms,
        method="euler",
    )
    cells.v, cells.ge, cells.gi = sheet["v"], sheet["ge"], sheet["gi"]
    network = brian2.Network(cells)
    first = int(sheet["excitatory"])
    for part, change in (
        (slice(0, first), f"ge_post += {float(sheet['weight_e'])}"),
        (slice(first, None), f"gi_post += {float(sheet['weight_i'])}"),
    ):
        targets, delays = sheet["targets"][part], sheet["delays"][part]
        sources = np.repeat(np.arange(len(sheet["v"]))[part], targets.shape[1])
        synapses = brian2.Synapses(cells, cells, on_pre=change)
        synapses.connect(i=sources, j=targets.ravel())
        synapses.delay = delays.ravel() * 0.1 * brian2.ms
        network.add(synapses)
    seen = brian2.SpikeMonitor(cells)
    network.add(seen)
    network.run(1 * brian2.ms)  # compiles
    before, begun = int(seen.num_spikes), (time.perf_counter(), time.process_time())
    network.run(seconds * brian2.second)
    spent = time.perf_counter() - begun[0], time.process_time() - begun[1]
    print(
        json.dumps(
            {
                "wall": spent[0],
                "cpu": spent[1],
                "rate": (int(seen.num_spikes) - before) / len(sheet["v"]) / seconds,
                "version": version("brian2"),
                "target": str(brian2.prefs.codegen.target),
            }
        ),
        flush=True,
    )


if __name__ == "__main__":
    main()
