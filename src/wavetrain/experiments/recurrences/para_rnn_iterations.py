"""Are three iterations of Newton's method enough, and is it noticed when they are not?

Danieli et al. 2026 (ParaRNN), arXiv 2510.21450; the released code takes three iterations and does not test
whether they were enough. ParaGRUs of six channels get recurrent weights s N(0, 1) and inputs N(0, 1), in
float64. For each s the figures are

    error       largest error of a state after three iterations, against the walk step by step; the median
                over draws
    residual    what the method itself reports after three iterations
    iterations  how many it takes to converge
    lost        share of sequences that have not converged in 20

`missed` counts solutions that are off by more than 1e-3 and called converged, after 0 to 8 iterations.
`fallback` is the largest error where sequences that are lost are walked, as the library does.
"""

from dataclasses import dataclass

import numpy as np
import torch

from wavetrain import scan
from wavetrain.evidence.claims import Claim, Figure, Part
from wavetrain.evidence.picture import Curve
from wavetrain.layers.gate.para_gru import ParaGRU
from wavetrain.scan import Newton
from wavetrain.train.lab import Lab

SIZES = (0.5, 1.0, 2.0, 4.0)  # s
WIDTH, COUNTS, THREE = 6, 9, 3  # channels; iterations from 0 to 8 are looked at; those of the released code
WRONG = 1e-3  # error of a state, which lies between -1 and 1


claim = Claim(
    title="Three Newton iterations fail for large weights, and it is noticed",
    sentence="Three iterations of Newton's method solve a ParaGRU while its recurrent weights are small "
    "(scale 0.5). At scale 4 they end far from the states found step by step, and every wrong solution is "
    "reported and computed step by step instead.",
    topic="Recurrences in parallel",
    source="Danieli et al. 2026, arXiv 2510.21450, and its released code (three iterations, no test)",
    systems=("para_gru",),
    parts=(
        Part(
            says="With recurrent weights of scale 0.5 three iterations leave an error of at most 0.001 "
            "(median over draws).",
            holds=lambda figures: figures["error_scale0.5"] <= WRONG,
            figures=("error_scale0.5",),
        ),
        Part(
            says="With weights of scale 4 they leave an error of more than 0.001 (median over draws).",
            holds=lambda figures: figures["error_scale4"] > WRONG,
            figures=("error_scale4",),
        ),
        Part(
            says="No solution that is off by more than 0.001 is reported as converged.",
            holds=lambda figures: figures["missed"] == 0,
            figures=("missed",),
        ),
        Part(
            says="With sequences that do not converge computed step by step, no state is off by more than "
            "0.001 at any scale.",
            holds=lambda figures: figures["fallback"] <= WRONG,
            figures=("fallback",),
        ),
    ),
    figures=(
        Figure(
            name="missed",
            says="solutions off by more than 0.001 that were called converged",
            unit="count",
        ),
        Figure(
            name="fallback",
            says="largest error of a state where what does not converge is computed step by step",
            unit="absolute error",
        ),
        Figure(
            name="error_scale{s}",
            says=("largest error of a state after three iterations, median of draws, weights of scale {s}"),
            unit="absolute error",
        ),
        Figure(
            name="residual_scale{s}",
            says="residual that the method reports after three iterations, weights of scale {s}",
            unit="absolute error",
        ),
        Figure(
            name="iterations_scale{s}",
            says="iterations until convergence, weights of scale {s}",
            unit="iterations",
        ),
        Figure(
            name="lost_scale{s}",
            says="sequences that do not converge in 20 iterations, weights of scale {s}",
            unit="share",
        ),
    ),
    notes="The paper prints no such figure. Weights, inputs and what counts as an error are ours; a state "
    "lies between -1 and 1. Errors are the median over draws of the largest error in a sequence.",
)


@dataclass(frozen=True, kw_only=True)
class Scale:
    draws: int
    time: int


smoke = Scale(draws=1, time=60)
small = Scale(draws=16, time=512)
full = Scale(draws=64, time=8192)


@torch.no_grad()
def run(scale: Scale, lab: Lab) -> dict[str, float]:
    generator, cell = lab.generator(), ParaGRU(WIDTH).to(lab.device, torch.float64)
    error = np.zeros((len(SIZES), COUNTS, scale.draws))
    residual, iterations, lost = np.zeros((3, len(SIZES), scale.draws))
    missed, fallback = 0, 0.0
    for draw in range(scale.draws):
        weight = torch.randn(3, WIDTH, dtype=torch.float64, generator=generator)
        drive = torch.randn(1, scale.time, 3, WIDTH, dtype=torch.float64, generator=generator).to(lab.device)
        first = drive.new_zeros(1, 1, WIDTH)
        for row, size in enumerate(SIZES):
            cell.recur.copy_(size * weight)
            with scan.only_plain():
                walk, _ = scan.newton(cell, drive, first)
            for count in range(COUNTS):
                h, info = scan.newton(cell, drive, first, Newton(cap=count, fallback=False))
                error[row, count, draw] = float((h - walk).abs().max())
                missed += error[row, count, draw] > WRONG and bool(info.converged)
                if count == THREE:
                    residual[row, draw] = float(info.residual)
            h, info = scan.newton(cell, drive, first, Newton())
            iterations[row, draw], lost[row, draw] = float(info.iterations), not info.converged
            fallback = max(fallback, float((h - walk).abs().max()))
    middle = np.median(error, -1)
    title = f"Newton's method on a ParaGRU, {scale.time} steps: the largest error, median of {scale.draws}"
    labels, lines = tuple(f"weights {size:g} N(0, 1)" for size in SIZES), np.maximum(middle, 1e-17)
    lab.show("error", Curve(title, np.arange(float(COUNTS)), lines, labels, "iterations", "error", log=True))
    figures = {"missed": float(missed), "fallback": fallback}
    for row, size in enumerate(SIZES):
        figures[f"error_scale{size:g}"] = float(middle[row, THREE])
        figures[f"residual_scale{size:g}"] = float(np.median(residual[row]))
        figures[f"iterations_scale{size:g}"] = float(iterations[row].mean())
        figures[f"lost_scale{size:g}"] = float(lost[row].mean())
    return figures
