"""How fast is a whole training step of the wave RNN on adding? Beside the straightforward program.

    python benchmarks/training_step.py [--length 400] [--batch 128] [--repeats 5] [--json PATH]

The straightforward program is the paper's: for each step one linear map of the input, one padded circular
convolution and a ReLU, all recorded by autograd. Both draw the same batches and use the same Adam. Measured
in turn, round after round; a time is the median of the rounds, a ratio that of the ratios in a round.
"""

import argparse
import json
import platform
import statistics
import time
from pathlib import Path

import torch
from torch import nn

from wavetrain.layers.wave_rnn import WaveRNN
from wavetrain.stack import Reader
from wavetrain.tasks.adding import Adding

CHANNELS, RING = 27, 100


class PerStep(nn.Module):
    """The wave RNN as one writes it down: a linear map and a circular convolution at each step."""

    def __init__(self) -> None:
        super().__init__()
        self.encode = nn.Linear(2, CHANNELS * RING)
        self.recur = nn.Conv1d(CHANNELS, CHANNELS, 3, padding=1, padding_mode="circular")
        self.read = nn.Linear(CHANNELS * RING, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = x.new_zeros(len(x), CHANNELS, RING)
        for now in x.unbind(1):
            h = torch.relu(self.encode(now).unflatten(-1, (CHANNELS, RING)) + self.recur(h))
        return self.read(h.flatten(1))


def same_start(ours: Reader, theirs: PerStep) -> None:
    layer = ours.layer
    assert isinstance(layer, WaveRNN)
    with torch.no_grad():
        pairs = [
            (theirs.encode, layer.encode.weight, layer.encode.bias),
            (theirs.recur, layer.kernel, layer.bias),
            (theirs.read, ours.read.weight, ours.read.bias),
        ]
        for place, weight, bias in pairs:
            place.weight.copy_(weight)
            place.bias.copy_(bias)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--length", type=int, default=400)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    torch.manual_seed(0)
    task = Adding(given.length)
    ours = Reader(WaveRNN(CHANNELS * RING, inputs=2, channels=CHANNELS), 1, steps=False)
    theirs = PerStep()
    same_start(ours, theirs)
    programs = {"wavetrain": ours, "per step": theirs}
    optimisers = {name: torch.optim.Adam(network.parameters(), 1e-3) for name, network in programs.items()}
    generators = {name: torch.Generator().manual_seed(0) for name in programs}
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    losses: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(1 + given.repeats):  # the first round warms up
        for name, network in programs.items():
            begun = time.perf_counter()
            x, y = task.draw(given.batch, generators[name])
            optimisers[name].zero_grad()
            loss = task.objective.loss(network(x), y)
            loss.backward()
            optimisers[name].step()
            seconds[name].append(time.perf_counter() - begun)
            losses[name].append(float(loss.detach()))
    medians = {name: statistics.median(times[1:]) for name, times in seconds.items()}
    ratio = statistics.median(
        theirs / ours for ours, theirs in zip(seconds["wavetrain"][1:], seconds["per step"][1:], strict=True)
    )
    differ = max(abs(a - b) / abs(b) for a, b in zip(losses["wavetrain"], losses["per step"], strict=True))
    print(f"adding, length {given.length}, batch {given.batch}, {CHANNELS} rings of {RING}, fp32")
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}, {platform.machine()}")
    for name, median in medians.items():
        print(f"{name:>10}  {1e3 * median:9.1f} ms a training step")
    print(f"{ratio:.1f} times faster; losses differ by at most {differ:.1e}, relatively")
    if given.json:
        given.json.write_text(
            json.dumps({"seconds": medians, "ratio": ratio, "difference": differ}, indent=1)
        )


if __name__ == "__main__":
    main()
