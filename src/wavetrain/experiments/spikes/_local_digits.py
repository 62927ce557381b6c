"""Digits of 8 x 8 pixels, learned by units with windows and by fully connected ones: who learns what.

All images are split anew for each network. Kinds and codes are those of `locally_connected_digits.py`.
"""

from typing import NamedTuple

import numpy as np
import torch

from wavetrain.data.images.digits import digits
from wavetrain.experiments.spikes._competing import RATES, Drive, Images, Net, Read, begun, examined, teach
from wavetrain.parts import saved
from wavetrain.parts.competition import Competition
from wavetrain.parts.interval_code import interval_spikes
from wavetrain.parts.rate_code import poisson_spikes
from wavetrain.parts.windows import Windows, scattered
from wavetrain.train.generators import seed_of
from wavetrain.train.lab import Lab, News

CELL = Competition(inhibition=120.0)
RATE = 256.0  # Hz
SQUARES = Windows(side=8, kernel=5, stride=3)
SUMS = {"local": 0.3 * 25, "full": 0.2 * 64}  # of the weights of a unit
CODES = {"tuned": poisson_spikes, "regular": interval_spikes}
LEARN = 1200  # images at the most; the others are asked about


class Arm(NamedTuple):
    """What is trained on the digits of 8 x 8 pixels."""

    kind: str
    code: str = "tuned"  # of CODES
    factor: float = 1.0  # of the sum of weights
    passes: int = 3
    search: bool = False  # on some of the images to learn from, and asked about the others of them


def top(read: Read) -> float:
    """The best of the three read-outs."""
    return max(read.votes, read.shares, read.pairs)


def network(arm: Arm, index: int, lab: Lab) -> Net:
    """A network for digits of 8 x 8 pixels, before it learns."""
    kind = arm.kind.removeprefix("frozen_")
    if kind in ("full", "wide"):
        windows, total, width = None, SUMS["full"], 80 if kind == "wide" else 31
    else:
        windows, total, width = SQUARES.pixels(), SUMS["local"], 80
    if kind == "scattered":
        dice = torch.Generator().manual_seed(seed_of(lab.seed, index, "scattered"))
        windows = scattered(SQUARES.places, SQUARES.kernel**2, 64, generator=dice)
    rates = RATES if kind == arm.kind else (0.0, 0.0)
    seed = seed_of(lab.seed, index, "weights")
    return begun(width, 64, windows, arm.factor * total, cell=CELL, rates=rates, seed=seed)


def mean(arm: Arm, networks: int, images: int, lab: Lab) -> list[Read]:
    """What is read after each pass over so many images, as means over networks."""
    courses = np.mean([_course(arm, index, images, lab) for index in range(networks)], 0)
    return [Read(*map(float, one)) for one in courses]


def _course(arm: Arm, index: int, images: int, lab: Lab) -> list[Read]:
    """What is read of one network after each pass; read back if there."""
    name = f"{arm.kind}-{arm.code}-{arm.factor:.2f}-{'search' if arm.search else 'all'}-{index}"
    path = lab.folder / "checkpoints" / f"{name}.safetensors"
    if path.exists():
        return [Read(*one) for one in saved.load(path)[1]["course"]]
    task = digits()
    x, y = (torch.cat(part) for part in zip(task.train, task.valid(), task.test(), strict=True))
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(seed_of(lab.seed, index, "split")))
    first, last = order[:images], order[LEARN : LEARN + images]
    if arm.search:
        first, last = first.tensor_split([3 * len(first) // 4])
    learn, ask = (Images(x[rows].flatten(1), y[rows]) for rows in (first, last))
    drive, net = Drive(rate=RATE, code=CODES[arm.code]), network(arm, index, lab)
    course = []
    for done in range(arm.passes):
        teach(net, learn.x, drive, seed_of(lab.seed, index, "learn", done))
        course.append(examined(net.layer, learn, ask, drive, seed_of(lab.seed, index, "read", done)))
        nan = float("nan")
        lab.tell(News(lab.folder.name, name, done + 1, arm.passes, nan, course[-1].pairs, nan))
    saved.save(path, {}, {"course": course})
    return course
