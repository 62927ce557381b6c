"""How much more than backpropagation through time do rules cost that carry credit forward?

    python benchmarks/rules.py [--json PATH] [--repeats 5] [--width 128] [--batch 32] [--steps 100]

A rule learns one batch, from the outputs to the gradients, in turn with backpropagation on the same network.
Beside the time stands what the operations say. Counted are multiply-adds for each weight, sequence and step:

    backpropagation   forward, back to the state, back to the weight                         3
    SnAp-1            forward, two for the influence, one for its share of the gradient      4
    e-prop            the same, and one for the time constant of the read-out                5
    RTRL              forward, n^2 for the influence, n for its share                        1 + n + n^2

RTRL runs on a small network, since it cannot on a large one. Rules that walk forward run the network once
more than counted here, to know the errors before they begin.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from history import Comparison, Rival, compared, measured
from timing import machine, measure
from wavetrain.core import VALUES, Batch, Rule
from wavetrain.layers import GRU, Elman
from wavetrain.parts.leaky_reader import LeakyReader
from wavetrain.parts.reader import Reader
from wavetrain.rules import RTRL, Backpropagation, EProp, SnAp
from wavetrain.spiking import RecurrentLIF

BACKWARD = 3  # multiply-adds of backpropagation
SMALL = (16, 8, 50)  # width, batch and steps for RTRL


class Case(NamedTuple):
    """A rule on a network."""

    name: str
    rule: Rule
    network: nn.Module
    shape: tuple[int, int, int]  # width, batch, steps
    operations: float  # for each weight, sequence and step


def cases(width: int, batch: int, steps: int) -> list[Case]:
    shape, small = (width, batch, steps), SMALL[0]
    elman, gru = (Reader(kind(width, inputs=width), 2, True) for kind in (Elman, GRU))
    units = LeakyReader(RecurrentLIF(width, inputs=width), 2, tau=20.0)
    return [
        Case("SnAp-1, Elman", SnAp(), elman, shape, 4),
        Case("SnAp-1, GRU", SnAp(), gru, shape, 4),
        Case("e-prop, Elman", EProp(seed=0), elman, shape, 4),
        Case("e-prop, leaky units that fire", EProp(seed=0), units, shape, 5),
        Case("RTRL, Elman", RTRL(), Reader(Elman(small), 2, True), SMALL, 1 + small + small**2),
    ]


def timed(case: Case, repeats: int) -> tuple[Comparison, float]:
    """A rule beside backpropagation; and how often its time is what the operations say."""
    width, batch, steps = case.shape
    lesson = Batch(torch.randn(batch, steps, width), torch.randn(batch, steps, 2))

    def learning(rule: Rule) -> Callable[[], object]:
        return lambda: rule.learn(case.network, lesson, VALUES.loss)

    rows = measure({"ours": learning(case.rule), "backpropagation": learning(Backpropagation())}, repeats)
    name = f"{case.name}, {width} units, {batch} x {steps} steps"
    found = compared(rows, name, Rival.PEER, ours="ours", other="backpropagation", beside="backpropagation")
    return found, found.times / (case.operations / BACKWARD)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, default=100)
    options = parser.parse_args()
    torch.manual_seed(0)
    found, table = [], {}
    print(f"{'':48}{'ms':>8}{'times backpropagation':>24}{'by operations':>15}{'over that':>11}")
    for case in cases(options.width, options.batch, options.steps):
        comparison, over = timed(case, options.repeats)
        operations = case.operations / BACKWARD
        found.append(comparison)
        table[comparison.name] = {"operations": operations, "times": comparison.times, "over": over}
        print(
            f"{comparison.name:48}{1e3 * comparison.ours:8.1f}{comparison.times:24.2f}{operations:15.2f}"
            f"{over:11.2f}"
        )
    words = machine(2 * options.repeats)
    print(", ".join(f"{name} {value}" for name, value in words.items()))
    if options.json:
        setting = f"(D, B, T) = ({options.width}, {options.batch}, {options.steps}), float32"
        figures = {"rules": table, "machine": words} | measured(setting, found)
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
