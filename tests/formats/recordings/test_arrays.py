"""Recordings of plain files and of objects: which axis is time, what is the rate, and whose is a position."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.formats.recordings import read_recording

PLACES = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
WIDE = np.arange(3000.0).reshape(3, 1000)  # channels first


def test_the_longer_axis_is_time_and_that_is_said() -> None:
    for given in (WIDE, WIDE.T, torch.tensor(WIDE)):
        found = read_recording(given, rate=10)
        np.testing.assert_array_equal(found.signal, WIDE.T)
        assert "time along the longer axis" in found.said[0] or given is not WIDE
    assert read_recording(np.arange(50), rate=5).signal.shape == (50, 1)


def test_positions_say_which_axis_is_channels() -> None:
    """Three samples of four channels: the longer axis is not time."""
    few = np.arange(12.0).reshape(3, 4)
    np.testing.assert_array_equal(read_recording(few, rate=10).signal, few.T)
    found = read_recording(few, rate=10, positions=np.zeros((4, 2)))
    np.testing.assert_array_equal(found.signal, few)


@pytest.mark.parametrize("ending", ["npz", "npy"])
def test_arrays_are_read(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"one.{ending}"
    if ending == "npz":
        names = np.array(["a", "b", "c"])
        np.savez(
            path, lfp=WIDE, fs=250, channel=names, position=PLACES, unit=np.array("uV"), other=np.zeros(7)
        )
        found = read_recording(path)
        assert found.channels == ("a", "b", "c") and found.unit == "uV" and found.rate == 250
        np.testing.assert_array_equal(found.positions, PLACES)
    else:
        np.save(path, WIDE)
        found = read_recording(path, rate=250)
        assert found.channels == ("0", "1", "2") and found.positions is None
        with pytest.raises(BadInput, match="expected a rate"):
            read_recording(path)
    np.testing.assert_array_equal(found.signal, WIDE.T)


def test_two_arrays_that_could_be_the_signal_are_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "two.npz", run01=WIDE, run02=WIDE + 1, rate=10)
    with pytest.raises(BadInput, match=r"run01 \(3, 1000\), run02 \(3, 1000\)"):
        read_recording(tmp_path / "two.npz")
    assert read_recording(tmp_path / "two.npz", name="run02").signal[0, 0] == 1
    with pytest.raises(BadInput, match="did you mean run02 or run01"):
        read_recording(tmp_path / "two.npz", name="run03")


def test_positions_of_an_animal_are_not_those_of_channels(tmp_path: Path) -> None:
    np.savez(tmp_path / "one.npz", data=WIDE, rate=10, position=np.zeros((1000, 2)))
    assert read_recording(tmp_path / "one.npz").positions is None
    with pytest.raises(BadInput, match=r"expected positions \(3, 2\)"):
        read_recording(WIDE, rate=10, positions=np.zeros((4, 2)))


def test_a_table_with_times_has_its_rate(tmp_path: Path) -> None:
    time = 5 + np.arange(100) / 50
    pd.DataFrame({"time (s)": time, "C3": np.sin(time), "C4": np.cos(time)}).to_csv(
        tmp_path / "one.csv", index=False
    )
    found = read_recording(tmp_path / "one.csv")
    assert found.rate == pytest.approx(50) and found.start == 5 and found.channels == ("C3", "C4")
    np.testing.assert_allclose(found.signal[:, 1], np.cos(time))


def test_a_table_without_times_asks_for_the_rate(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("a,b\n" + "1,2\n" * 20, encoding="utf-8")
    with pytest.raises(BadInput, match="expected a rate"):
        read_recording(tmp_path / "one.csv")
    assert read_recording(tmp_path / "one.csv", rate=20).seconds == 1
    (tmp_path / "one.csv").write_text("a,b\n" + "1,x\n" * 20, encoding="utf-8")
    with pytest.raises(BadInput, match="expected columns of numbers, got b"):
        read_recording(tmp_path / "one.csv", rate=20)


def test_a_missing_sample_is_nan_and_gaps_are_kept(tmp_path: Path) -> None:
    text = "t,a\n" + "".join(f"{at / 10},{at}\n" for at in range(40) if not 10 <= at < 15)
    (tmp_path / "one.csv").write_text(text.replace("3.0,30\n", "3.0,\n"), encoding="utf-8")
    found = read_recording(tmp_path / "one.csv")
    assert len(found) == 40 and np.flatnonzero(np.isnan(found.signal[:, 0])).tolist() == [*range(10, 15), 30]


def test_times_that_are_not_even_are_refused() -> None:
    frame = pd.DataFrame({"a": np.zeros(4)}, index=[0.0, 0.1, 0.25, 0.4])
    with pytest.raises(BadInput, match="resample them first"):
        read_recording(frame)
    with pytest.raises(BadInput, match="times that rise"):
        read_recording(frame.set_axis([0.0, 0.2, 0.1, 0.3]))


def test_a_frame_has_names_and_times() -> None:
    index = pd.date_range("2020-01-01", periods=100, freq="4ms")
    found = read_recording(pd.DataFrame({"C3": np.ones(100), "C4": np.zeros(100)}, index=index))
    assert found.channels == ("C3", "C4") and found.rate == pytest.approx(250) and found.start == 0


def test_an_array_of_xarray_has_its_coordinates() -> None:
    xarray = pytest.importorskip("xarray")
    array = xarray.DataArray(
        WIDE, dims=("site", "time"), coords={"site": ["a", "b", "c"], "time": 2 + np.arange(1000) / 500}
    )
    found = read_recording(array.assign_attrs(units="mV"))
    assert found.channels == ("a", "b", "c") and found.rate == pytest.approx(500)
    assert found.start == 2 and found.unit == "mV" and found.signal[1, 0] == 1


def test_signals_of_neo_keep_units_and_start() -> None:
    """Channels 2 and 0 of three with gains 1, 10 and 100, in mV: volts, a hundred times and once."""
    neo, pq = pytest.importorskip("neo"), pytest.importorskip("quantities")
    values = np.ones((50, 3)) * [1, 10, 100]
    whole = neo.AnalogSignal(values, units="mV", sampling_rate=2 * pq.kHz, t_start=3 * pq.s)
    found = read_recording(whole[:, [2, 0]])
    np.testing.assert_allclose(found.signal[0], [0.1, 0.001])
    assert found.unit == "V" and found.start == 3 and found.rate == 2000
    segment = neo.Segment()
    segment.analogsignals.append(whole)
    assert read_recording(segment).signal.shape == (50, 3)


def test_a_potential_of_doubtful_size_is_said() -> None:
    usual = np.random.default_rng(0).normal(size=(100, 2))
    xarray = pytest.importorskip("xarray")

    def said(unit: str) -> bool:
        array = xarray.DataArray(usual, dims=("time", "site"), attrs={"units": unit})
        return any("doubtful unit" in line for line in read_recording(array, rate=10).said)

    assert said("V") and not said("mV") and not said("uV") and said("nV")


@pytest.mark.parametrize(
    ("given", "more", "told"),
    [
        (np.zeros((2, 2, 200)), {"rate": 10}, r"expected numbers \(time, channels\)"),
        (np.zeros((200, 2), dtype=complex), {"rate": 10}, "complex"),
        (np.array(["a"] * 200), {"rate": 10}, "expected numbers"),
        (np.zeros((200, 2)), {"rate": 0}, "expected a rate above 0"),
        (np.zeros((200, 2)), {"rate": np.nan}, "expected a rate above 0"),
        (np.zeros((0, 2)), {"rate": 10}, "expected numbers"),
        (np.full((200, 2), np.inf), {"rate": 10}, "infinite at sample 0"),
        ([[1, 2], [3]], {"rate": 10}, "expected a recording, got list"),
    ],
)
def test_what_is_no_recording_is_one_line(given: object, more: dict[str, float], told: str) -> None:
    with pytest.raises(BadInput, match=told) as caught:
        read_recording(given, **more)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["none.npz", "one.wav", "broken.npy", "broken.npz", "broken.csv"])
def test_files_that_cannot_be_read_are_one_line(tmp_path: Path, name: str) -> None:
    if name.startswith("broken"):
        (tmp_path / name).write_bytes(b"\x00\xff" * 50)
    with pytest.raises(BadInput) as caught:
        read_recording(tmp_path / name, rate=10)
    assert "\n" not in str(caught.value) and name in str(caught.value)


def test_the_eeg_is_read_whole() -> None:
    folder = os.environ.get("WAVETRAIN_DATA", "")
    path = Path(folder) / "eeg_motor_imagery.npz"
    if not folder or not path.is_file():
        pytest.skip("eeg_motor_imagery.npz is not in WAVETRAIN_DATA")
    found = read_recording(path, name="run02")
    assert found.signal.shape == (9600, 64) and found.rate == 160 and "Oz" in found.channels
    at = dict(zip(found.channels, found.positions, strict=True))
    assert at["C4"][0] > 0 > at["C3"][0] and at["Fpz"][1] > 0 > at["Oz"][1]
