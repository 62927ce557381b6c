"""Looking at a recording, a layer or a model through the lenses that apply; and at two, one beside the other.

A lens says what it asks for by the names of its arguments; what the target has is offered by the same names
(`look_targets.py`). A `band` is asked for where a lens has none of its own. A lens that asks for more, or
refuses what it gets, is told with its reason.

With a recording beside the target, both go through the same lenses, with the same null, draws and seed.
Lenses that compare two get both: `recordings`, and `other`, the same samples of the recording, where the data
that drive a model have as many samples as the recording.
"""

import inspect
import time
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from wavetrain import find
from wavetrain.errors import BadInput
from wavetrain.parts.recording import Recording
from wavetrain.run.look_targets import How, View, called, is_model, of_recording, view

ASKED = {  # what a lens may ask for that a target may lack, and how to say it
    "rate": "a rate in samples per second",
    "positions": "positions of the channels",
    "position": "where an animal was",
    "band": "a band of frequencies: --band LOW HIGH",
    "layer": "a layer instead of a recording",
    "system": "a layer or a network instead of a recording",
    "systems": "systems along a training: call it in Python",
    "operator": "an operator, which a layer has",
    "start": "states to start from, of one size and of at most 512 numbers",
    "repeats": "sequences that repeat each other: name the lens to say that they do",
    "activity": "units in an order of their own: name the lens to say that the channels are in one",
    "weight": "weights between units, the same both ways: give them to the lens in Python",
    "trials": "trials with labels: give both to the lens in Python",
    "x": "an input, which a layer has",
    "recording": "a recording",
    "recordings": "a recording to compare with: --beside RECORDING",
    "other": "the same samples of two: --beside RECORDING, with as many samples as the data",
}
MADE = ("layer", "system", "systems", "operator", "x", "start")  # which recordings have not
COMPARED = {"other", "recordings"}  # which lenses ask for that compare two


class Seen(NamedTuple):
    """What one lens showed."""

    lens: str
    title: str  # one line on what the lens is for
    found: Any = None  # the lens's own NamedTuple; None where it does not apply
    why: str = ""  # why it does not
    seconds: float = 0.0
    both: bool = False  # whether it compares the target with the recording beside it


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
    beside: "Look | None" = None  # the recording beside it, through the same lenses

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
    data: Any = None,
    beside: Any = None,
    part: str = "",
    rate: float | None = None,
    positions: Any = None,
    band: tuple[float, float] | None = None,
    channels: Sequence[str] = (),
    between: tuple[float, float] | None = None,
    name: str = "",
) -> Look:
    """Look at a recording, a layer or a model through some lenses, or through all that apply.

    A recording is a file (.npz, .npy, .csv, .edf, .bdf, .fif, .nwb), an array (time, channels), or an object
    of pandas, xarray, MNE or neo; `rate` (samples per second) and `positions` (channels, 2 or 3) are given
    where it does not say them, `name` picks one of several arrays in a file, `channels` some channels, and
    `between` a part, in seconds. `band` (low, high) in Hz is for lenses that look at one.

    A model is a folder that `fit` or `compare` keeps, or what they return, and is driven by the rows of
    `data`; or the folder of a run, of which `name` picks a training. A layer is driven by `data` (time,
    inputs), or by noise. `part` names one layer of a model. `beside` is a recording that goes through the
    same lenses.

    Raises BadInput for what cannot be read, for a lens that there is not, and where a lens that is named does
    not apply.

    >>> import wavetrain as wt
    >>> found = wt.look(wt.layers.WaveRNN(12), lenses=["toeplitz"])
    >>> found["toeplitz"].kernel.shape[-1] > 1
    True
    """
    how = How(rate, positions, channels, between)
    model = is_model(target)
    other = None if beside is None else _beside(beside, how, "" if model and data is None else name)
    seen = view(target, how, data=data, name=name, part=part, beside=other)
    some = [find.named(one, ("lenses",)) for one in lenses] or [*find.members("lenses")]
    named = bool(lenses)
    offered = dict(seen.offered) | ({} if band is None else {"band": tuple(map(float, band))})
    pair = {} if other is None else _pair(seen, other)
    first = _all(some, offered | pair, named or seen.made, named)
    second = None
    if other is not None:
        its = called(beside)
        mine = of_recording(other, its if its != seen.name else f"{its} (beside)")
        theirs = mine.offered | ({"band": offered["band"]} if band is not None else {})
        second = Look(mine.name, mine.said, _all(some, theirs, named, named), theirs)
    there = {one.lens for one in second.applied} if second is not None else set[str]()
    for one in first:
        if named and one.found is None and one.lens not in there:
            raise BadInput(f"{one.lens} does not apply: {one.why}")
    told = first if seen.made else tuple(one for one in first if not _for_layers(one, some))
    return Look(seen.name, seen.said, told, offered, second)


def through(
    found: find.Found, offered: Mapping[str, Any], *, ordered: bool = True, repeated: bool = False
) -> Seen:
    """What one lens shows of what is offered, or why it shows nothing.

    `ordered` says whether units are in an order of their own, such as that of places along a line, and
    `repeated` whether sequences repeat the same course.
    """
    lens = found.load()
    title = (inspect.getdoc(inspect.getmodule(lens)) or found.name).splitlines()[0].rstrip(".")
    wanted = wants(found)
    given = dict(offered)
    axes = _axes(lens)
    if "repeats" in axes and "activity" in given and not repeated:
        return Seen(found.name, title, why=f"it asks for {ASKED['repeats']}")
    if "positions" in axes and not ordered:
        del given["activity"]
    if "operator" in wanted and "layer" in given:
        given["operator"] = given["layer"].operator(given["x"])
    missing = [one for one in wanted if one not in given]
    if missing:
        kinds = [one for one in MADE if one in missing] or missing
        return Seen(found.name, title, why=f"it asks for {ASKED.get(kinds[0], kinds[0])}")
    for key in ("activity", "other"):
        if axes[:1] == ["*samples"] and key in wanted and np.ndim(given[key]) == 2:
            given[key] = given[key][None]  # samples in time, of one sequence
    begun = time.perf_counter()
    try:
        shown = lens(*(given[one] for one in wanted))
    except BadInput as error:
        return Seen(found.name, title, why=str(error))
    except RuntimeError as error:  # of torch, such as of states that grow where a lens wants them of one size
        first = (str(error).splitlines() or [type(error).__name__])[0]
        return Seen(found.name, title, why=f"it cannot read this target ({first})")
    both = not COMPARED.isdisjoint(wanted)
    return Seen(found.name, title, shown, seconds=time.perf_counter() - begun, both=both)


def wants(found: find.Found) -> list[str]:
    """The names of the arguments that a lens cannot do without."""
    return [
        one.name
        for one in inspect.signature(found.load()).parameters.values()
        if one.default is inspect.Parameter.empty
    ]


def _all(
    some: Sequence[find.Found], offered: Mapping[str, Any], ordered: bool, repeated: bool
) -> tuple[Seen, ...]:
    return tuple(through(one, offered, ordered=ordered, repeated=repeated) for one in some)


def _for_layers(one: Seen, some: Sequence[find.Found]) -> bool:
    """Whether a lens shows nothing of a recording since it is for layers: that needs no words."""
    if one.found is not None:
        return False
    (found,) = (each for each in some if each.name == one.lens)
    return bool(set(wants(found)) & set(MADE))


def _beside(given: Any, how: How, name: str) -> Recording:
    if is_model(given):
        raise BadInput("expected a recording to stand beside the target, got a model: let it be the target")
    return how.read(given, name)


def _pair(seen: View, other: Recording) -> dict[str, Any]:
    """What lenses get that compare two: both, and the same samples of both where that can be told."""
    found: dict[str, Any] = {"recordings": [seen.offered["activity"], other.signal]}
    if seen.rows is not None and seen.of == len(other):
        found["other"] = other.signal[seen.rows if len(seen.rows) > 1 else seen.rows[0]]
    return found


def _axes(lens: Any) -> list[str]:
    """The names of the axes of the activity that a lens takes."""
    hint = typing.get_type_hints(lens).get("activity")
    kinds = typing.get_args(hint) or (hint,)
    return str(getattr(kinds[0], "dim_str", "")).split()
