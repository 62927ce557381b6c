"""Forecasts of many series as they come, each with a state of its own, and the states in a file."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from wavetrain.errors import BadInput
from wavetrain.estimators._beside import pushed
from wavetrain.estimators._series_kept import digest
from wavetrain.estimators._series_stream import SeriesStream, missing
from wavetrain.estimators._stream import ForecastStream
from wavetrain.parts import saved

if TYPE_CHECKING:
    from wavetrain.estimators._series_model import SeriesModel

KIND = "wavetrain streams"
VERSION = 1
FEW = 8  # rows of each series, on average, below which series are read side by side


class Told(NamedTuple):
    """Forecasts behind rows, in the units of the file: each (rows, horizon, targets)."""

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray


class ForecastStreams:
    """Streams of several series, by their ids.

    A series that the model learned from goes on behind its rows there, unless all are to begin `fresh`; any
    other id begins a new one.

    >>> from wavetrain.estimators import Forecaster, ForecastStreams
    >>> wave = torch.sin(torch.arange(100) / 2).numpy()
    >>> streams = ForecastStreams(Forecaster("gru", horizon=2, width=4, steps=5).fit(wave))
    >>> streams.extend(["a", "b", "a"], np.array([[0.0], [5.0], [0.5]])).value.shape
    (3, 2, 1)
    """

    def __init__(self, model: "SeriesModel", *, fresh: bool = False, coverage: float = 0.9):
        self.model = model
        self.widths = model.widths(coverage)
        self.learned = () if fresh else tuple(one.name for one in model.panel_.series if len(one))
        self.streams: dict[str, SeriesStream[Any]] = {}
        self.numbers: dict[str, float] = {}  # of the last row of each series whose rows are numbered

    def extend(
        self,
        names: Sequence[str],
        rows: np.ndarray,
        times: np.ndarray | None = None,
        holes: Sequence[int] | None = None,
    ) -> Told:
        """Rows (n, columns) of series by name, as they come; returns the forecasts behind each."""
        places: dict[str, list[int]] = {}
        for place, name in enumerate(names):
            places.setdefault(name, []).append(place)
        value = np.empty((len(names), self.model.horizon, len(self.model.panel_.targets)))
        scale = np.empty((len(names), 1, value.shape[2]))
        few = len(places) > 1 and len(names) < FEW * len(places)
        beside: list[tuple[ForecastStream, list[int], np.ndarray, np.ndarray]] = []
        for name, mine in places.items():
            stream, moments = self.stream(name), None if times is None else times[mine]
            gaps = None if holes is None else [holes[place] for place in mine]
            if few and isinstance(stream, ForecastStream):
                steps = stream.steps(rows[mine], moments, gaps)
                if steps is not None:
                    beside.append((stream, mine, *steps))
                    continue
            value[mine], scale[mine] = stream.behind(rows[mine], moments, gaps)
        for step in range(max((len(one[1]) for one in beside), default=0)):
            there = [one for one in beside if len(one[1]) > step]
            mine = [one[1][step] for one in there]
            found = pushed(
                [one[0] for one in there],
                np.stack([one[2][step] for one in there]),
                np.stack([one[3][step] for one in there]),
            )
            value[mine], scale[mine] = found
        width = self.widths.at(scale)
        return Told(value, value - width, value + width)

    def stream(self, name: str) -> SeriesStream[Any]:
        """The stream of a series, begun where there is none yet."""
        if name not in self.streams:
            self.streams[name] = self.model.stream(name if name in self.learned else None)
        return self.streams[name]

    def save(self, path: Path) -> None:
        """Write all states as one file, whole or not at all."""
        tensors: dict[str, Tensor] = {}
        words: list[dict[str, Any]] = []
        for place, (name, stream) in enumerate(self.streams.items()):
            arrays, own = stream.state_of()
            tensors |= {f"{place} {array}": torch.from_numpy(part.copy()) for array, part in arrays.items()}
            words.append(
                {
                    "name": name,
                    "count": stream.count,
                    "time": stream.time,
                    "number": self.numbers.get(name),
                    **own,
                }
            )
        facts = {"kind": KIND, "version": VERSION, "model": digest(self.model)}
        saved.save(path, tensors, {**facts, "streams": words})

    def resume(self, path: Path) -> None:
        """Go on from what `save` wrote."""
        tensors, words = saved.load(path)
        if (words.get("kind"), words.get("version")) != (KIND, VERSION):
            raise BadInput(f"{path}: expected {KIND} of version {VERSION}, got something else")
        if words["model"] != digest(self.model):
            raise BadInput(f"{path}: expected the states of this model, got those of another one")
        try:
            for place, one in enumerate(words["streams"]):
                self._restore(place, one, tensors)
        except (KeyError, TypeError, ValueError) as error:
            raise BadInput(f"{path} is not a whole file of states ({error})") from error

    def _restore(self, place: int, words: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        stream = self.model.stream()
        stream.count, stream.time = words["count"], words["time"]
        front = f"{place} "
        mine = {name.removeprefix(front): part for name, part in tensors.items() if name.startswith(front)}
        stream.restore({name: part.numpy() for name, part in mine.items()}, words)
        self.streams[words["name"]] = stream
        if words["number"] is not None:
            self.numbers[words["name"]] = words["number"]


class Order:
    """Whether rows come in order, series by series, before they are forecast from."""

    def __init__(self, streams: ForecastStreams, step: float):
        self.streams, self.step = streams, step  # of numbered rows
        self.times: dict[str, int] = {}
        self.numbers = dict(streams.numbers)

    def holes(self, name: str, time: int | None, number: float | None) -> int:
        """How many rows are missing before the next one of a series; BadInput where it is out of order."""
        try:
            if time is not None:
                return self._timed(name, time)
            return self._numbered(name, number) if number is not None else 0
        except BadInput as error:
            raise BadInput(f"series {name!r}: {error}" if name else str(error)) from error

    def _timed(self, name: str, time: int) -> int:
        clock = self.streams.model.panel_.clock
        before = self.times.get(name, self.streams.stream(name).time)
        holes = 0
        if before is not None:
            if time <= before:
                told = clock.told(np.array([time, before])) if clock else [str(time), str(before)]
                raise BadInput(_out_of_order(told, time == before, name not in self.times))
            holes = missing(clock, before, time) if clock else 0
        self.times[name] = time
        return holes

    def _numbered(self, name: str, number: float) -> int:
        before = self.numbers.get(name)
        holes = 0
        if before is not None:
            if number <= before:
                raise BadInput(_out_of_order([f"{number:g}", f"{before:g}"], number == before, False))
            steps = (number - before) / self.step
            if abs(steps - round(steps)) > 1e-6 * steps or steps < 0.5:
                raise BadInput(f"expected a step of {self.step:g}, got {number:g} behind {before:g}")
            holes = round(steps) - 1
        self.numbers[name] = number
        return holes


def _out_of_order(told: Sequence[str], again: bool, known: bool) -> str:
    said = (
        f"expected each time once, got {told[0]} again"
        if again
        else (f"expected times that rise, got {told[0]} behind {told[1]}")
    )
    return said + f"; it goes on behind the rows known up to {told[1]}" * known
