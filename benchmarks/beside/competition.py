"""Diehl and Cook's network while it learns, by our compiled walk, by the definition, and by BindsNET.

100 units that inhibit one another hear 784 pixels for 100 steps of 1 ms, in batches of 16 whose changes are
summed. All get the same Poisson trains, made beforehand, of random images as bright as MNIST's; what is timed
is the walk with plasticity and the scaling of weights, in one thread.

    python -m beside.competition [PYTHON]    from this folder; PYTHON is one that has BindsNET

BindsNET 0.3.4 asks for a newer torch than ours and for torchvision. Its network needs neither: it is
installed without what it asks for, and imported without the package's `__init__`, which loads all the rest.
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from timing import measure
from wavetrain import scan
from wavetrain.parts.rate_code import poisson_spikes
from wavetrain.rules import MinibatchSTDP
from wavetrain.spiking import DiehlCook

UNITS, PIXELS, STEPS, BATCH = 100, 784, 100, 16
BRIGHT = 0.19  # of the pixels of a digit
PEER = """
import importlib.util, sys, time, types
import numpy as np, torch
torch.set_num_threads(1)
place = importlib.util.find_spec("bindsnet").submodule_search_locations
package = types.ModuleType("bindsnet")
package.__path__ = list(place)
sys.modules["bindsnet"] = package
import bindsnet.network
from bindsnet.models import DiehlAndCook2015v2
x = torch.from_numpy(np.load(sys.argv[1])).transpose(0, 1)
network = DiehlAndCook2015v2(n_inpt=x.shape[2], n_neurons=int(sys.argv[2]), inh=120, norm=78.4,
                             nu=(1e-4, 1e-2), theta_plus=0.05, inpt_shape=(x.shape[2],))
for _ in range(int(sys.argv[3])):
    begun, busy = time.perf_counter(), time.process_time()
    network.run(inputs={"X": x}, time=x.shape[0])
    print(time.perf_counter() - begun, time.process_time() - busy)
    network.reset_state_variables()
"""


def trains(batch: int = BATCH) -> Tensor:
    """Spikes of random images, (B, T, pixels): a fifth of the pixels is bright, to different degrees."""
    draw = torch.Generator().manual_seed(0)
    bright = torch.rand(batch, PIXELS, generator=draw) < BRIGHT
    return poisson_spikes(128 * bright * torch.rand(batch, PIXELS, generator=draw), STEPS, draw)


def calls(spikes: Tensor) -> dict[str, Callable[[], object]]:
    """One batch with plasticity, by each of our routes; each goes on with its own weights."""

    def of(plain: bool) -> Callable[[], object]:
        layer, rule = DiehlCook(UNITS, inputs=PIXELS), MinibatchSTDP(total=78.4)

        def call() -> object:
            if not plain:
                return rule.teach(layer, spikes)
            with scan.only_plain():
                return rule.teach(layer, spikes)

        return call

    return {"compiled": of(plain=False), "loop": of(plain=True)}


def peer(spikes: Tensor, python: str, repeats: int) -> tuple[list[float], list[float]]:
    """Wall-clock and processor seconds of BindsNET for the same batch, without the first, which warms up.

    Raises CalledProcessError where that Python has no BindsNET.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "spikes.npy"
        np.save(path, spikes.numpy())
        words = [python, "-c", PEER, str(path), str(UNITS), str(repeats + 1)]
        told = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    rows = [tuple(map(float, line.split())) for line in told.splitlines() if line[:1].isdigit()][1:]
    return [wall for wall, _ in rows], [busy for _, busy in rows]


def main() -> None:
    torch.set_num_threads(1)
    for batch in (1, BATCH, 256):
        spikes = trains(batch)
        for name, row in measure(calls(spikes), 3 if batch <= BATCH else 1).items():
            print(f"{name}, {batch} at once: {batch / min(row):.0f} images a second")
        if len(sys.argv) > 1:
            wall, _ = peer(spikes, sys.argv[1], 5)
            print(f"BindsNET, {batch} at once: {batch / min(wall):.0f} images a second")


if __name__ == "__main__":
    main()
