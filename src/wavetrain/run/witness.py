"""The witness of a result: what the same code computes again in seconds.

It has two parts, both for the first seed. The whole experiment at its smoke scale, figures included, goes
through every line that the result rests on: tasks, rivals, training, evaluation, lenses. The same experiment
at the scale of the result, in which each training ends after a few steps, sees what depends on size. A claim
that trains nothing has the second part only where its run is quick.

A witness is made twice, and what the two do not share, such as a time that was measured, is left out.
"""

import contextlib
import hashlib
import json
import math
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from wavetrain.core import Batch, Layer, Rule, Task, examined
from wavetrain.evidence.replay import agreed
from wavetrain.evidence.result import Replay, Start, Witness, finite
from wavetrain.find import Found
from wavetrain.run.threads import limited, used
from wavetrain.train.generators import Shared, seed_of
from wavetrain.train.lab import Lab, Plan, Training

STEPS = 2  # of a training at the scale of the result
LOOKS = 3  # of a training that are kept
HELD_OUT = 64  # sequences that a training at the scale of the result is examined on
MOST = 40  # trainings at the scale of the result
SECONDS = 8.0  # of processor time; what ends later is not kept


class Enough(Exception):
    """The witness has seen what it needs."""


class Watched(Lab):
    """A lab that notes how each training begins, and ends the run after `most` or the first that is late."""

    def __init__(self, folder: Path, seed: int, device: str, cut: bool, most: int, seconds: float = math.inf):
        super().__init__(folder, seed, device)
        self.cut, self.most = cut, most
        self.end = time.process_time() + seconds
        self.starts: dict[str, Start] = {}

    def fit(
        self,
        name: str,
        make: Callable[[], nn.Module],
        task: Task,
        plan: Plan,
        rule: Rule | None = None,
        others: Sequence[Batch] = (),
    ) -> Training:
        if self.cut:
            held_out = HELD_OUT if plan.held_out is None else min(HELD_OUT, plan.held_out)
            plan = replace(plan, steps=min(STEPS, plan.steps), every=1, held_out=held_out)
            others = [Batch(*(part[:HELD_OUT] for part in one)) for one in others]
        training = super().fit(name, make, task, plan, rule, others)
        if time.process_time() > self.end:
            raise Enough
        self.starts[name] = _start(training, self.device)
        if len(self.starts) >= self.most:
            raise Enough
        return training


def made(experiment: Found, scale: str, seed: int, device: str, seconds: float) -> Witness:
    """The witness of a result whose first seed ran for so many seconds."""
    smoke = agreed(*(_replayed(experiment, "smoke", seed, device) for _ in range(2)))
    if scale == "smoke" or (not smoke.trainings and seconds > SECONDS):
        return Witness(smoke=smoke, start=None)
    begun = time.process_time()
    first = _replayed(experiment, scale, seed, device, cut=True, most=MOST, seconds=SECONDS)
    if time.process_time() - begun > SECONDS:
        first = replace(first, figures={})
    if not (first.figures or first.trainings):
        return Witness(smoke=smoke, start=None)
    return Witness(smoke=smoke, start=agreed(first, _again(first, experiment, scale, seed, device)))


def again(witness: Witness, experiment: Found, scale: str, seed: int, device: str) -> Witness:
    """The same with the code of today."""
    smoke = _replayed(experiment, "smoke", seed, device)
    if witness.start is None:
        return Witness(smoke=smoke, start=None)
    return Witness(smoke=smoke, start=_again(witness.start, experiment, scale, seed, device))


def _again(start: Replay, experiment: Found, scale: str, seed: int, device: str) -> Replay:
    """As far as the first time."""
    whole = start.figures or start.varying
    most = MOST if whole else len(start.trainings)
    return _replayed(experiment, scale, seed, device, cut=True, most=most)


def _replayed(
    experiment: Found,
    scale: str,
    seed: int,
    device: str,
    cut: bool = False,
    most: int = 10**9,
    seconds: float = math.inf,
) -> Replay:
    module, figures = experiment.load(), {}
    with tempfile.TemporaryDirectory(prefix="wavetrain-") as folder, limited(used(device)):
        lab = Watched(Path(folder), seed, device, cut, most, seconds)
        with contextlib.suppress(Enough), Shared(seed_of(seed, "run"), lab.device).drawn():
            figures = module.run(getattr(module, scale), lab)
    return Replay(
        trainings=lab.starts, figures=finite({name: float(value) for name, value in figures.items()})
    )


def _start(training: Training, device: torch.device) -> Start:
    looks = training.marks[:LOOKS]
    return Start(
        losses=tuple(_number(look.loss) for look in looks),
        scores=tuple(_number(score) for look in looks for score in (look.score, *look.others)),
        stepped=_stepped(training.network, device),
        states=_digest(training),
    )


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


@torch.no_grad()
def _stepped(network: nn.Module, device: torch.device) -> float:
    """Three steps of each layer in the network on random input: the mean of the squares."""
    total = 0.0
    with Shared(0, device).drawn(), examined(network):
        for layer in network.modules():
            if isinstance(layer, Layer) and type(layer).__module__.startswith("wavetrain.layers."):
                dtype = next((part.dtype for part in layer.parameters()), torch.float32)
                state = layer.begin(2)
                for x in torch.randn(3, 2, layer.inputs, dtype=dtype).to(device):
                    y, state = layer.step(x, state)
                    total += float(y.abs().square().mean())
    return total if math.isfinite(total) else -1.0


def _digest(training: Training) -> str:
    """Where the generators stand that the training draws from."""
    tensors, words = training.shared.kept()
    content = hashlib.sha256(json.dumps(words, sort_keys=True).encode())
    for tensor in (training.generator.get_state(), *tensors.values()):
        content.update(tensor.cpu().numpy().tobytes())
    return content.hexdigest()[:16]
