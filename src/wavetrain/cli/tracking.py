"""The option `--track`: the names of trackers, and news that are handed on to one."""

import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from wavetrain.errors import unknown

if TYPE_CHECKING:
    from wavetrain.train.lab import News
    from wavetrain.train.track import TensorBoard, WeightsAndBiases


@contextlib.contextmanager
def tracking(
    name: str | None, out: Path, tell: "Callable[[News], None]"
) -> "Iterator[Callable[[News], None]]":
    """Inside, each piece of news goes to the tracker of this name too, which writes into OUT/NAME."""
    if name is None:
        yield tell
        return
    from wavetrain.train.track import tracked

    with tracked(partial(kind(name), out / name), tell) as hand_on:
        yield hand_on


def kind(name: str) -> "type[TensorBoard] | type[WeightsAndBiases]":
    """What a name stands for; raises BadInput where it is none, and where its package is missing."""
    from wavetrain.train.track import TensorBoard, WeightsAndBiases

    kinds: dict[str, type[TensorBoard] | type[WeightsAndBiases]]
    kinds = {"tensorboard": TensorBoard, "wandb": WeightsAndBiases}
    if name not in kinds:
        raise unknown("tracker", name, kinds)
    kinds[name].check()
    return kinds[name]
