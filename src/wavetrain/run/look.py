"""Looking at a recording, or at a layer, through the lenses that apply.

A lens says what it asks for by the names of its arguments; what the target has is offered by the same names.
Of a recording these are `recording` (time, channels), `rate`, and `positions` where it has them; of a layer
`layer`, `system`, an input `x`, its `activity` on it and its `operator`. A `band` is asked for where a lens
has none of its own. A lens that asks for more, or refuses what it gets, is told with its reason.
"""

import inspect
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch

from wavetrain import find
from wavetrain.core import Layer
from wavetrain.errors import BadInput
from wavetrain.formats.recordings import read_recording
from wavetrain.parts.recording import Recording

ASKED = {  # what a lens may ask for that a recording may lack, and how to say it
    "rate": "a rate in samples per second",
    "positions": "positions of the channels",
    "position": "where an animal was",
    "band": "a band of frequencies: --band LOW HIGH",
    "layer": "a layer instead of a recording",
    "system": "a layer or a network instead of a recording",
    "operator": "an operator, which a layer has",
    "activity": "units in an order of their own: name the lens to say that the channels are in one",
    "other": "a second population on the same samples: give both to the lens in Python",
    "x": "an input, which a layer has",
    "recording": "a recording",
}


class Seen(NamedTuple):
    """What one lens showed."""

    lens: str
    title: str  # one line on what the lens is for
    found: Any = None  # the lens's own NamedTuple; None where it does not apply
    why: str = ""  # why it does not
    seconds: float = 0.0


@dataclass(frozen=True, eq=False)
class Look:
    """A target through several lenses.

    >>> import numpy as np, wavetrain as wt
    >>> time = np.arange(4000)[:, None] / 200
    >>> dice = np.random.default_rng(0)
    >>> noisy = np.sin(2 * np.pi * 10 * time + np.arange(4)) + dice.normal(size=(4000, 4))
    >>> found = wt.look(noisy, rate=200, band=(8, 12))
    >>> found.said[0]
    'signal: 4 channels, 4,000 samples, time along the longer axis of (4000, 4) at 200 Hz'
    """

    target: str
    said: tuple[str, ...]  # what was understood
    seen: tuple[Seen, ...]
    offered: dict[str, Any]  # what the lenses were given, by name

    @property
    def applied(self) -> tuple[Seen, ...]:
        """The lenses that showed something."""
        return tuple(one for one in self.seen if one.found is not None)

    def __getitem__(self, lens: str) -> Any:
        """What a lens of that name showed."""
        for one in self.seen:
            if one.lens == lens and one.found is not None:
                return one.found
            if one.lens == lens:
                raise BadInput(f"{lens} showed nothing: {one.why}")
        raise BadInput(f"{lens} was not looked through; there are {', '.join(one.lens for one in self.seen)}")


def look(
    target: Any,
    *,
    lenses: Sequence[str] = (),
    rate: float | None = None,
    positions: Any = None,
    band: tuple[float, float] | None = None,
    channels: Sequence[str] = (),
    between: tuple[float, float] | None = None,
    name: str = "",
) -> Look:
    """Look at a recording or a layer through some lenses, or through all that apply.

    A recording is a file (.npz, .npy, .csv, .edf, .bdf, .fif, .nwb), an array (time, channels), or an object
    of pandas, xarray, MNE or neo; `rate` (samples per second) and `positions` (channels, 2 or 3) are given
    where it does not say them, `name` picks one of several arrays in a file, `channels` some channels, and
    `between` a part, in seconds. `band` (low, high) in Hz is for lenses that look at one.

    Raises BadInput for what cannot be read, for a lens that there is not, and where a lens that is named does
    not apply.

    >>> import wavetrain as wt
    >>> found = wt.look(wt.layers.WaveRNN(12), lenses=["toeplitz"])
    >>> found["toeplitz"].kernel.shape[-1] > 1
    True
    """
    if isinstance(target, Layer):
        offered, said, told = _of_layer(target), _words_of(target), type(target).__name__
    else:
        recording = read_recording(target, rate=rate, positions=positions, name=name)
        recording = recording.picked(channels) if channels else recording
        recording = recording.between(*between) if between else recording
        offered, said = _of_recording(recording, bool(lenses)), recording.said
        told = Path(target).name if isinstance(target, str | Path) else type(target).__name__
    if band is not None:
        offered["band"] = tuple(map(float, band))
    some = [find.named(one, ("lenses",)) for one in lenses] or [*find.members("lenses")]
    seen = []
    for one in some:
        shown = through(one, offered)
        if shown.found is None and lenses:
            raise BadInput(f"{one.name} does not apply: {shown.why}")
        if shown.found is None and "layer instead" in shown.why and not isinstance(target, Layer):
            continue  # of the other kind: nothing to tell
        seen.append(shown)
    return Look(told, tuple(said), tuple(seen), offered)


def through(found: find.Found, offered: Mapping[str, Any]) -> Seen:
    """What one lens shows of what is offered, or why it shows nothing."""
    lens = found.load()
    title = (inspect.getdoc(inspect.getmodule(lens)) or found.name).splitlines()[0].rstrip(".")
    wanted = [
        one.name
        for one in inspect.signature(lens).parameters.values()
        if one.default is inspect.Parameter.empty
    ]
    missing = [one for one in wanted if one not in offered]
    if missing:
        kinds = [one for one in ("layer", "system", "operator", "x") if one in missing] or missing
        return Seen(found.name, title, why=f"it asks for {ASKED.get(kinds[0], kinds[0])}")
    begun = time.perf_counter()
    try:
        shown = lens(*(offered[one] for one in wanted))
    except BadInput as error:
        return Seen(found.name, title, why=str(error))
    return Seen(found.name, title, shown, seconds=time.perf_counter() - begun)


def _of_recording(recording: Recording, named: bool) -> dict[str, Any]:
    """What a recording offers; its channels are units in an order of their own only where a lens is named."""
    offered: dict[str, Any] = {"recording": recording.signal, "rate": recording.rate}
    if recording.positions is not None:
        offered["positions"] = recording.positions
    if named:
        offered["activity"] = recording.signal
    return offered


def _of_layer(layer: Layer, steps: int = 64) -> dict[str, Any]:
    """What a layer offers: it is driven by noise of its own type, the same each time."""
    like = next(layer.parameters(), torch.zeros(()))
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, steps, layer.inputs, generator=generator).to(like.device, torch.get_default_dtype())
    with torch.no_grad():
        activity = layer(x)[0]
    return {"layer": layer, "system": layer, "x": x, "activity": activity, "operator": layer.operator(x)}


def _words_of(layer: Layer) -> tuple[str, ...]:
    size = sum(part.numel() for part in layer.parameters())
    return (f"{type(layer).__name__}: {layer.inputs} inputs, {size:,} parameters, driven by noise",)
