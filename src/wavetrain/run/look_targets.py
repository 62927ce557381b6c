"""What can be looked at, and what each offers to lenses by the names of their arguments.

a recording          `recording` (time, channels), `rate`, `activity`, and `positions` where it has them
a layer, a network   `layer`, `system`, `x`, `start`, and what it says under its input as the recording
a model in a folder  the same, driven by data (`look_folders.py`)
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from wavetrain.core import Layer
from wavetrain.errors import BadInput
from wavetrain.formats.recordings import read_recording
from wavetrain.parts.recording import Recording
from wavetrain.run.look_driven import driven, noise

FITTED = "wavetrain.estimators"
WEIGHTS = ".safetensors"


class How(NamedTuple):
    """How recordings are read."""

    rate: float | None = None
    positions: Any = None
    channels: Sequence[str] = ()
    between: tuple[float, float] | None = None

    def read(self, source: Any, name: str) -> Recording:
        """The part of a recording that is asked for."""
        found = read_recording(source, rate=self.rate, positions=self.positions, name=name)
        found = found.picked(self.channels) if self.channels else found
        return found.between(*self.between) if self.between else found


class View(NamedTuple):
    """A target, ready to be looked at."""

    name: str
    said: tuple[str, ...]
    offered: dict[str, Any]
    made: bool = False  # a layer or a network, and no recording
    rows: np.ndarray | None = None  # (sequences, steps): which sample of the data drives each step
    of: int = 0  # samples of the data


def is_model(target: Any) -> bool:
    """Whether a target is a layer, a network or a model, and no recording."""
    if isinstance(target, str | Path):
        return Path(target).is_dir() or str(target).endswith(WEIGHTS)
    return isinstance(target, nn.Module) or type(target).__module__.startswith(FITTED)


def view(target: Any, how: How, *, data: Any, name: str, part: str, beside: Recording | None) -> View:
    """A target of any kind; a `beside` with as many samples as the data says what a step is worth."""
    if not is_model(target):
        if data is not None or part:
            raise BadInput("data and a part are for layers and models; this target is a recording")
        return of_recording(how.read(target, name), called(target))
    if isinstance(target, Layer) or (isinstance(target, nn.Module) and data is not None):
        return _of_network(target, how, data, name, part, beside)
    if isinstance(target, nn.Module):
        raise BadInput(f"{type(target).__name__}: expected data, an input (sequences, steps, channels)")
    from wavetrain.run import look_folders  # scikit-learn takes a second

    if isinstance(target, str | Path):
        folder, name = _place(Path(target), name)
        model = look_folders.in_folder(folder, data, name)
    else:
        model = look_folders.of_estimator(target, data)
    rate = _rate(how, model.of, beside)
    found = driven(model.network, model.x, part=part, rate=rate)
    said = (*model.said, *found.said, _paced(rate))
    return View(called(target), said, found.offered, True, model.rows, model.of)


def of_recording(recording: Recording, name: str) -> View:
    """What a recording offers."""
    offered: dict[str, Any] = {"recording": recording.signal, "rate": recording.rate}
    if recording.positions is not None:
        offered["positions"] = recording.positions
    offered["activity"] = recording.signal
    rows = np.arange(len(recording))[None]
    return View(name, recording.said, offered, False, rows, len(recording))


def called(target: Any) -> str:
    """What a target is called on a page."""
    if isinstance(target, str | Path):
        return Path(target).name
    return type(target).__name__


def _of_network(
    network: nn.Module, how: How, data: Any, name: str, part: str, beside: Recording | None
) -> View:
    rows, of, rate, said = None, 0, None, ""
    if data is None:
        assert isinstance(network, Layer)
        x, said = noise(network), "driven by noise"
    elif np.ndim(data) == 3 or (isinstance(data, Tensor) and not data.is_floating_point()):
        x = torch.as_tensor(data)
        said = f"driven by {len(x)} sequences of {x.shape[1]} steps"
    else:
        recording = how.read(data, name)
        if not np.isfinite(recording.signal).all():
            raise BadInput("expected data without gaps to drive a layer; look at a part between two gaps")
        x = torch.from_numpy(recording.signal)[None]
        rows, of, rate = np.arange(len(recording))[None], len(recording), recording.rate
        said = f"driven by {recording.said[0]}"
    if x.is_floating_point():
        x = x.to(next((one.dtype for one in network.parameters()), torch.get_default_dtype()))
    rate = _rate(how, of, beside) if rate is None else rate
    found = driven(network, x, part=part, rate=rate)
    inputs = f"{network.inputs} inputs, " * isinstance(network, Layer)
    size = sum(one.numel() for one in network.parameters())
    told = f"{type(network).__name__}: {inputs}{size:,} parameters, {said}"
    return View(type(network).__name__, (told, *found.said, _paced(rate)), found.offered, True, rows, of)


def _rate(how: How, of: int, beside: Recording | None) -> float:
    """Steps in a second: as given, as those of a recording of the same samples, or one."""
    if how.rate is not None:
        return how.rate
    return beside.rate if beside is not None and len(beside) == of else 1.0


def _paced(rate: float) -> str:
    return f"{rate:g} steps a second" if rate != 1 else "one step counts as a second"


def _place(path: Path, name: str) -> tuple[Path, str]:
    """The folder of a model, and the name of a training: of a checkpoint that is named itself, too."""
    if not path.name.endswith(WEIGHTS):
        return path, name
    if not path.is_file():
        raise BadInput(f"there is no file {path}")
    if path.parent.name == "checkpoints":
        return path.parent.parent, path.name.removesuffix(WEIGHTS)
    return path.parent, name
