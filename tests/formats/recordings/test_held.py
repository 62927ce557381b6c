"""Objects that hold a recording: their index, their coordinates, their attributes."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from wavetrain.errors import BadInput
from wavetrain.formats.recordings import read_recording
from wavetrain.formats.recordings.held import _of_neo, held
from wavetrain.parts.recording import Recording

VALUES = np.arange(8.0).reshape(4, 2)


@pytest.mark.parametrize(
    ("index", "start"),
    [
        (pd.date_range("2024-01-01 05:00", periods=4, freq="250ms"), 0.0),
        (pd.timedelta_range("3s", periods=4, freq="250ms"), 3.0),
        (pd.Index([5.0, 5.25, 5.5, 5.75]), 5.0),
    ],
)
def test_an_index_of_times_gives_the_rate_and_the_start(index: pd.Index, start: float) -> None:
    found = read_recording(pd.DataFrame(VALUES, index=index, columns=["a", 7]))
    assert found.rate == pytest.approx(4) and found.start == start and found.channels == ("a", "7")
    np.testing.assert_array_equal(found.signal, VALUES)


def test_an_index_that_counts_gives_no_rate() -> None:
    with pytest.raises(BadInput, match=r"^the frame: expected a rate"):
        read_recording(pd.DataFrame(VALUES))
    column = read_recording(pd.Series(VALUES[:, 0], name="load"), rate=2)
    assert column.channels == ("load",) and column.rate == 2
    places = [[0, 1], [2, 3]]
    np.testing.assert_array_equal(
        read_recording(pd.DataFrame(VALUES), rate=2, positions=places).positions, places
    )


def test_coordinates_of_xarray() -> None:
    xarray = pytest.importorskip("xarray")

    def of(time: Any = None, dims: tuple[str, ...] = ("time", "site"), **more: Any) -> Recording:
        coords = {} if time is None else {"time": time}
        rate = more.pop("rate", None)
        values = VALUES if dims[0] == "time" else VALUES.T
        array = xarray.DataArray(values, dims=dims, coords=coords, attrs=more)
        return read_recording(array, rate=rate)

    days = np.datetime64("2024-01-01") + np.arange(4) * np.timedelta64(500, "ms")
    for time, start in (
        (days, 0.0),
        (days - days[0] + np.timedelta64(2, "s"), 0.0),
        ([7.0, 7.5, 8.0, 8.5], 7.0),
    ):
        for dims in (("time", "site"), ("site", "time")):
            found = of(time, dims, rate=None)
            assert found.rate == pytest.approx(2) and found.start == start
            np.testing.assert_array_equal(found.signal, VALUES)
    assert of(rate=3, fs=5).rate == 3 and of(fs=5).rate == 5 and of(fs=5, **{"units": "mV"}).unit == "mV"
    assert read_recording(xarray.DataArray(VALUES, dims=("time", "x"), attrs={"rate": 6, "fs": 5})).rate == 6
    with pytest.raises(BadInput, match=r"^expected dimensions time and another one, got a, b$"):
        read_recording(xarray.DataArray(VALUES, dims=("a", "b")), rate=1)
    with pytest.raises(BadInput, match=r"^expected dimensions time and another one, got time$"):
        read_recording(xarray.DataArray(VALUES[:, 0], dims="time"), rate=1)


class Quantity:
    """What is asked of a number of quantities."""

    def __init__(self, magnitude: float, unit: str):
        self.magnitude, self.unit = magnitude, unit

    def rescale(self, unit: str) -> "Quantity":
        assert unit == self.unit
        return self


class Signal(SimpleNamespace):
    """What is asked of an analog signal of neo: here one of no potential."""

    shape = VALUES.shape
    magnitude = VALUES
    dimensionality = "degC"
    sampling_rate, t_start = Quantity(4.0, "Hz"), Quantity(1.5, "s")

    def rescale(self, unit: str) -> None:
        raise ValueError(f"this is not in {unit}")


def test_signals_of_neo_that_are_no_potentials_keep_their_unit() -> None:
    found = _of_neo(Signal(name="a"), "")
    assert (found.unit, found.rate, found.start, found.channels) == ("degC", 4, 1.5, ("0", "1"))
    assert found.said == ("2 channels, 4 samples at 4 Hz", "no positions of channels")
    named = {"channel_names": ["x", "y"], "channel_ids": [8, 9]}
    assert _of_neo(Signal(array_annotations=named), "").channels == ("x", "y")
    assert _of_neo(Signal(array_annotations={"channel_ids": [8, 9]}), "").channels == ("8", "9")


def test_one_signal_of_several_is_named() -> None:
    second = Signal(name="b", array_annotations={"channel_ids": [8, 9]})
    several = SimpleNamespace(analogsignals=[Signal(name="a"), second], name="s")
    block = SimpleNamespace(segments=[several])
    assert _of_neo(block, "b").channels == ("8", "9") and _of_neo(block, "a").channels == ("0", "1")
    for given, name, told in (
        (block, "", "one analog signal, got a, b;"),
        (several, "c", "one analog signal, got a, b;"),
        (SimpleNamespace(analogsignals=[]), "", "one analog signal, got none;"),
        (SimpleNamespace(segments=[several, several]), "a", "one segment, got s, s;"),
    ):
        with pytest.raises(BadInput, match=f"^expected {told} hand over the one that is meant$"):
            _of_neo(given, name)


def test_a_recording_is_taken_as_it_is() -> None:
    one = Recording(signal=VALUES, rate=3, channels=("a", "b"))
    assert held(one, 7, None) is one
