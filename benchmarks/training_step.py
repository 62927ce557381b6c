"""How fast is a whole training step of the wave RNN on adding? Beside the straightforward program.

    python benchmarks/training_step.py [--length 400] [--batch 128] [--repeats 5] [--json PATH]

The straightforward program has one padded circular convolution and a ReLU a step, all recorded by autograd.
It can be written in two ways: map the whole input at once and take `drive[:, t]` at each step, whose
backward makes a gradient as large as the drive for every step; or map the input of each step by itself, which
is the best that we know. All draw the same batches and use the same Adam. Measured in turn, round after
round; a time is the median of the rounds, a ratio that of the ratios in a round.

A run in which a gradient of our step is further than 1e-4 from that of the same program in float64 stops and
gives no figures. It is looked at on eight sequences, before anything is learned.
"""

import argparse
import json
import platform
import statistics
import time
from pathlib import Path

import torch
from torch import nn

from history import Rival, compared, measured
from timing import machine
from wavetrain.layers.wave.wave_rnn import WaveRNN
from wavetrain.parts.reader import Reader
from wavetrain.tasks.recall.adding import Adding

CHANNELS, RING = 27, 100
WORST = 1e-4  # of the errors of gradients against float64, over the largest number in each


class PerStep(nn.Module):
    """The wave RNN as one writes it down: a linear map and a circular convolution at each step."""

    def __init__(self, at_once: bool) -> None:
        super().__init__()
        self.at_once = at_once  # whether the input is mapped as a whole
        self.encode = nn.Linear(2, CHANNELS * RING)
        self.recur = nn.Conv1d(CHANNELS, CHANNELS, 3, padding=1, padding_mode="circular")
        self.read = nn.Linear(CHANNELS * RING, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = x.new_zeros(len(x), CHANNELS, RING)
        drive = self.encode(x).unflatten(-1, (CHANNELS, RING)) if self.at_once else None
        for t in range(x.shape[1]):
            now = self.encode(x[:, t]).unflatten(-1, (CHANNELS, RING)) if drive is None else drive[:, t]
            h = torch.relu(now + self.recur(h))
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


def errors(ours: Reader, task: Adding) -> dict[str, float]:
    """Those of the gradients of one step, against the straightforward program in float64."""
    exact = PerStep(at_once=False)
    same_start(ours, exact)
    exact.double()
    x, y = task.draw(8, torch.Generator().manual_seed(1))
    task.objective.loss(ours(x), y).backward()
    task.objective.loss(exact(x.double()), y.double()).backward()
    layer = ours.layer
    assert isinstance(layer, WaveRNN)
    pairs = {
        "input map": (layer.encode.weight, exact.encode.weight),
        "input bias": (layer.encode.bias, exact.encode.bias),
        "kernel": (layer.kernel, exact.recur.weight),
        "kernel bias": (layer.bias, exact.recur.bias),
        "read-out": (ours.read.weight, exact.read.weight),
    }
    found = {}
    for name, (mine, its) in pairs.items():
        assert mine.grad is not None and its.grad is not None
        found[name] = ((mine.grad - its.grad).abs().max() / its.grad.abs().max()).item()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--length", type=int, default=400)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path)
    parser.add_argument(
        "--best-only", action="store_true", help="leave out the plain program that takes minutes a step"
    )
    given = parser.parse_args()
    torch.manual_seed(0)
    task = Adding(given.length)
    ours = Reader(WaveRNN(CHANNELS * RING, inputs=2, channels=CHANNELS), 1, every_step=False)
    wrong = errors(ours, task)
    print("errors of gradients against float64: " + ", ".join(f"{name} {x:.1e}" for name, x in wrong.items()))
    if max(wrong.values()) > WORST:
        raise SystemExit(f"an error of the gradients against float64 is above {WORST}")
    rivals = {"mapped each step": PerStep(at_once=False)}
    rivals |= {} if given.best_only else {"mapped at once": PerStep(at_once=True)}
    for rival in rivals.values():
        same_start(ours, rival)
    programs = {"wavetrain": ours, **rivals}
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
    print(f"adding, length {given.length}, batch {given.batch}, {CHANNELS} rings of {RING}, fp32")
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}, {platform.machine()}")
    figures: dict[str, dict[str, float]] = {
        "seconds": medians,
        "ratio": {},
        "difference": {},
        "errors": wrong,
    }
    timed = {name: times[1:] for name, times in seconds.items()}
    for name, median in medians.items():
        print(f"{name:>16}  {1e3 * median:9.1f} ms a training step")
    for name in rivals:
        pairs = zip(timed["wavetrain"], timed[name], strict=True)
        figures["ratio"][name] = statistics.median(theirs / ours for ours, theirs in pairs)
        both = zip(losses["wavetrain"], losses[name], strict=True)
        figures["difference"][name] = max(abs(a - b) / abs(b) for a, b in both)
        print(
            f"{figures['ratio'][name]:.1f} times faster than {name}; losses differ by at most "
            f"{figures['difference'][name]:.1e}, relatively"
        )
    if given.json:
        comparisons = [
            compared(
                timed,
                "training step of the wave RNN on adding",
                Rival.LOOP,
                ours="wavetrain",
                other=name,
                beside=f"the straightforward PyTorch program, input {name}",
            )
            for name in rivals
        ]
        sizes = f"length {given.length}, batch {given.batch}, {CHANNELS} rings of {RING}, float32, Adam"
        setting = f"{sizes}; gradients within {WORST} of float64"
        written = {**figures, "machine": machine(), **measured(setting, comparisons)}
        given.json.write_text(json.dumps(written, indent=1) + "\n")


if __name__ == "__main__":
    main()
