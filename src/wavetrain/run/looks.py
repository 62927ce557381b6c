"""What is seen of a trained stack, whatever it learned: its state, its reach, and what a step costs."""

import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from wavetrain.core import Layer, leaves
from wavetrain.evidence import picture
from wavetrain.evidence.comparison import Context, Figures
from wavetrain.evidence.picture import Matrix
from wavetrain.lenses.operator.effective_context import spread
from wavetrain.parts.reader import one_hot
from wavetrain.parts.stack import Body, Stack

LONGEST = 64  # steps that the operator is looked at
FLOATS = 2**24  # of one operator: 64 MB
OPERATORS = "operators"  # the folder of their pictures
STREAMED = 256  # steps of a stream that are timed


class Crop(NamedTuple):
    """The part of sequences that the operator is looked at on."""

    sequences: int
    steps: int
    of: int  # steps of the whole sequences


def crop(sequences: int, steps: int, blocks: int) -> Crop:
    """As much as keeps an operator in bounds: `blocks` is the number of floats for each pair of steps.

    >>> from wavetrain.run.looks import crop
    >>> crop(100, 50, 4), crop(100, 50, 2**22)
    (Crop(sequences=4, steps=50, of=50), Crop(sequences=1, steps=2, of=50))
    """
    seen = max(2, min(steps, LONGEST, math.isqrt(FLOATS // blocks)))
    return Crop(max(1, min(sequences, 4, FLOATS // (seen**2 * blocks))), seen, steps)


@torch.no_grad()
def state_bytes(stack: Stack, x: Tensor) -> int:
    """What one stream has to keep at the end of a sequence (1, T, ...)."""
    _, state = stack(x)
    return sum(leaf.numel() * leaf.element_size() for leaf in leaves(state))


@torch.no_grad()
def context(stack: Stack, x: Tensor, part: Crop, *, name: str, folder: Path, encoded: bool) -> Context | None:
    """How far back a stack reaches, from its inputs, or where `encoded`, from what its encoder makes of them.

    Writes the strength of the operator on the first sequence as a picture, operators/NAME.npz in the folder.
    None where the operator holds what is no number.
    """
    x = x[: part.sequences, : part.steps]
    seen: Layer = stack
    if encoded:
        x, seen = stack.encode(one_hot(x, stack.inputs, stack.encode.weight.dtype)), Body(stack)
    operator = seen.operator(x)
    if not operator.weight.isfinite().all():
        return None
    found = spread(operator.weight)
    strength = operator.strength()[0].double().cpu().numpy()
    (folder / OPERATORS).mkdir(parents=True, exist_ok=True)
    place = f"{OPERATORS}/{name}.npz"
    picture.save(folder / place, Matrix(f"{name}: influence of each step on each later one", strength))
    return Context(mean=found.mean, reach=found.reach, crop=part._asdict(), picture=place)


def draw_operators(folder: Path, figures: Sequence[Figures]) -> dict[str, str]:
    """Draw the operator of each layer; paths in the folder, by layer."""
    from wavetrain.report.draw import draw

    drawn = {}
    for one in figures:
        if one.context is not None:
            path = (folder / one.context.picture).with_suffix(".png")
            draw(picture.load(folder / one.context.picture), path)
            drawn[one.layer] = path.relative_to(folder).as_posix()
    return drawn


@torch.no_grad()
def stream(stack: Stack, x: Tensor) -> Iterator[None]:
    """One sequence (1, T, ...) step by step."""
    yield from steps_of(stack, one_hot(x[:, :STREAMED], stack.inputs, stack.encode.weight.dtype))


@torch.no_grad()
def steps_of(layer: Layer, x: Tensor) -> Iterator[None]:
    """One sequence (1, T, inputs) through a layer, step by step."""
    state = layer.begin(1)
    for token in x[:, :STREAMED].unbind(1):
        _, state = layer.step(token, state)
        yield


def seconds(steps: Iterator[object], device: torch.device) -> float:
    """The median time from one step to the next, after the first quarter."""
    begun, times = time.perf_counter(), []
    for _ in steps:
        settle(device)
        now = time.perf_counter()
        times.append(now - begun)
        begun = now
    return statistics.median(times[len(times) // 4 :])


def elapsed(work: Callable[[], object], device: torch.device) -> float:
    """The seconds of some work, and of no other that the device was given before."""
    settle(device)
    begun = time.perf_counter()
    work()
    settle(device)
    return time.perf_counter() - begun


def settle(device: torch.device) -> None:
    """Wait until a device has done all that it was given; a CPU always has."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
