"""NWB files: units, times and electrodes as the file says them."""

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from wavetrain.errors import BadInput
from wavetrain.formats.recordings import nwb, read_recording

pynwb = pytest.importorskip("pynwb")


def written(
    path: Path, data: np.ndarray, more: dict[str, Any], electrodes: list[dict[str, Any]] | None = None
) -> Path:
    """A file with one electrical series, made anew."""
    file = pynwb.NWBFile(
        session_description="a test", identifier="test", session_start_time=datetime(2020, 1, 1, tzinfo=UTC)
    )
    device = file.create_device(name="probe")
    group = file.create_electrode_group(name="g", description="d", location="l", device=device)
    for name in sorted({key for row in electrodes or [] for key in row} & {"channel_name"}):
        file.add_electrode_column(name=name, description="its name")
    for row in electrodes or [{} for _ in range(data.shape[1])]:
        file.add_electrode(group=group, location="l", **row)
    region = file.create_electrode_table_region(region=list(range(data.shape[1])), description="all")
    file.add_acquisition(pynwb.ecephys.ElectricalSeries(name="lfp", data=data, electrodes=region, **more))
    with pynwb.NWBHDF5IO(path, "w") as out:
        out.write(file)
    return path


def test_stored_numbers_become_volts(tmp_path: Path) -> None:
    data = np.array([[100, 100], [32767, -32768], [0, 1]], dtype=np.int16)
    more = {"conversion": 1e-6, "channel_conversion": [1.0, 2.0], "offset": 5e-6, "rate": 10.0}
    found = read_recording(written(tmp_path / "one.nwb", data, more))
    np.testing.assert_allclose(found.signal[0], [1.05e-4, 2.05e-4], rtol=1e-12)
    np.testing.assert_allclose(found.signal[1], [32767e-6 + 5e-6, -65536e-6 + 5e-6], rtol=1e-12)
    assert found.unit == "V" and found.rate == 10


def test_times_count_from_the_start_by_the_rate(tmp_path: Path) -> None:
    data = np.zeros((200, 1))
    found = read_recording(written(tmp_path / "one.nwb", data, {"rate": 100.0, "starting_time": 2.5}))
    np.testing.assert_allclose(found.times[100:104], [3.50, 3.51, 3.52, 3.53], rtol=0, atol=1e-12)


def test_timestamps_keep_their_gap(tmp_path: Path) -> None:
    times = np.r_[np.arange(5) / 10, 3 + np.arange(5) / 10]
    data = np.arange(10.0)[:, None]
    found = read_recording(written(tmp_path / "one.nwb", data, {"timestamps": times}))
    assert found.rate == pytest.approx(10) and len(found) == 35
    assert found.signal[30, 0] == 5 and np.isnan(found.signal[5:30]).all()
    assert any("1 gaps in its timestamps" in line for line in found.said)


def test_electrodes_have_names_and_places(tmp_path: Path) -> None:
    rows = [dict(x=1.0, y=2.0 + at, z=3.0, channel_name=f"e{at}") for at in range(3)]
    found = read_recording(written(tmp_path / "one.nwb", np.zeros((5, 3)), {"rate": 10.0}, rows))
    assert found.channels == ("e0", "e1", "e2")
    np.testing.assert_array_equal(found.positions, [[1, 2 + at, 3] for at in range(3)])


def test_one_of_several_series_is_named(tmp_path: Path) -> None:
    path = written(tmp_path / "one.nwb", np.zeros((5, 1)), {"rate": 10.0})
    with pynwb.NWBHDF5IO(path, "a") as io:
        file = io.read()
        region = file.create_electrode_table_region(region=[0], description="all", name="electrodes")
        file.add_acquisition(
            pynwb.ecephys.ElectricalSeries(name="raw", data=np.ones((5, 1)), electrodes=region, rate=20.0)
        )
        io.write(file)
    with pytest.raises(BadInput, match="got lfp, raw"):
        read_recording(path)
    assert read_recording(path, name="raw").rate == 20
    with pytest.raises(BadInput, match="did you mean raw"):
        read_recording(path, name="rwa")


def test_a_damaged_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "broken.nwb").write_bytes(b"x" * 3000)
    with pytest.raises(BadInput, match=r"^broken.nwb cannot be read: [^\n]*$"):
        read_recording(tmp_path / "broken.nwb")


def test_spikes_are_counted_in_bins(tmp_path: Path) -> None:
    """The table of units over the time of the recording; times that restart or are in ms are refused."""

    def with_units(name: str, *trains: list[float]) -> Path:
        path = written(tmp_path / name, np.zeros((1000, 1)), {"rate": 100.0})
        with pynwb.NWBHDF5IO(path, "a") as out:
            file = out.read()
            for train in trains:
                file.add_unit(spike_times=np.array(train))
            out.write(file)
        return path

    found = read_recording(with_units("good.nwb", [0.1, 0.2, 9.99], [5.0]), rate=10, name="units")
    assert found.signal.shape == (100, 2) and found.rate == 10 and found.unit == "spikes"
    assert np.flatnonzero(found.signal[:, 0]).tolist() == [1, 2, 99]
    assert np.flatnonzero(found.signal[:, 1]).tolist() == [50] and "4 spikes of 2 units" in found.said[0]
    with pytest.raises(BadInput, match="in bins a second"):
        read_recording(tmp_path / "good.nwb", name="units")
    with pytest.raises(BadInput, match="unit 1: expected times that rise"):
        read_recording(with_units("back.nwb", [1.0], [1, 2, 3, 0.5]), rate=10, name="units")
    with pytest.raises(BadInput, match="milliseconds"):
        read_recording(with_units("ms.nwb", [100.0, 9000.0]), rate=10, name="units")
    none = written(tmp_path / "none.nwb", np.zeros((10, 1)), {"rate": 100.0})
    with pytest.raises(BadInput, match="a table of units"):
        read_recording(none, rate=10, name="units")


def series(**more: Any) -> Any:
    """What is asked of a series that a file holds."""
    usual: dict[str, Any] = {
        "name": "s",
        "data": np.arange(8.0).reshape(4, 2),
        "conversion": 1.0,
        "offset": 0.0,
    }
    return SimpleNamespace(
        **(usual | {"rate": 2.0, "starting_time": None, "timestamps": None, "unit": "volts"} | more)
    )


def electrodes(**columns: list) -> Any:
    return SimpleNamespace(to_dataframe=lambda: pd.DataFrame(columns, index=[7, 9]))


@pytest.mark.parametrize(
    ("unit", "told"),
    [("volts", "V"), ("volt", "V"), ("tesla", "T"), ("unknown", ""), ("n/a", ""), ("", ""), ("degC", "degC")],
)
def test_units_as_files_write_them(unit: str, told: str) -> None:
    found = nwb._of(series(unit=unit), Path("a.nwb"))
    assert found.unit == told and found.start == 0 and found.channels == ("0", "1")
    assert found.said == ("series s: 2 channels, 4 samples at 2 Hz", "no positions of channels")


def test_a_step_and_a_half_between_timestamps_is_a_gap() -> None:
    for last, gaps in ((4.07, 0), (5.0, 1)):
        times = np.array([1.0, 2.0, 3.0, last])
        found = nwb._of(series(rate=None, timestamps=times, data=np.zeros(4)), Path("a.nwb"))
        assert found.start == 1 and len(found) == 4 + gaps
        assert (found.said[1] == "1 gaps in its timestamps") is bool(gaps)


PLACES: list[tuple[dict[str, list], str]] = [
    (
        {"rel_x": [1, 2], "rel_y": [3, 4], "rel_z": [5, 6], "x": [0, 0], "y": [0, 0]},
        "rel_x, rel_y, rel_z, along the probe",
    ),
    (
        {"rel_x": [1, 2], "rel_y": [3, 4], "x": [0, 0], "y": [0, 0], "z": [0, 0]},
        "rel_x, rel_y, along the probe",
    ),
    ({"x": [1, 2], "y": [3, 4], "z": [5, np.nan]}, "x, y, z, in the file's own frame"),
    ({"rel_x": [np.nan] * 2, "rel_y": [1, 2], "x": [1, 2], "y": [3, 4]}, "x, y, in the file's own frame"),
]


@pytest.mark.parametrize(("columns", "told"), PLACES)
def test_places_along_the_probe_come_first(columns: dict[str, list], told: str) -> None:
    names, places, said = nwb._electrodes(series(electrodes=electrodes(**columns)), 2)
    assert names == ("7", "9") and said == f"positions {told}, their unit unknown"
    axes = told.split(", ")[:-1]
    assert places is not None
    np.testing.assert_array_equal(places, np.stack([columns[axis] for axis in axes], 1))


def test_names_of_electrodes_are_all_different() -> None:
    for columns, names in (
        ({"channel_name": ["a", "b"], "label": ["x", "y"]}, ("a", "b")),
        ({"label": ["x", "y"]}, ("x", "y")),
        ({"label": ["x", "x"]}, ("7", "9")),
        ({"x": [np.nan] * 2, "y": [np.nan] * 2}, ("7", "9")),
    ):
        found = nwb._electrodes(series(electrodes=electrodes(**columns)), 2)
        assert found == (names, None, "no positions of channels")


def test_electrical_series_come_before_others() -> None:
    lfp, other = series(electrodes=None), series()
    for held, name, one in (
        ({"lfp": lfp, "other": other}, "", lfp),
        ({"lfp": lfp, "other": other}, "other", other),
        ({"other": other}, "", other),
    ):
        assert nwb._chosen(held, name, Path("a.nwb")) is one
    for held, told in (({}, "none"), ({"b": other, "a": other}, "a, b")):
        with pytest.raises(BadInput, match=rf"^a.nwb: expected one series, or the name of one, got {told}$"):
            nwb._chosen(held, "", Path("a.nwb"))


def test_when_a_series_ends() -> None:
    assert nwb._end(series()) == 2 and nwb._end(series(starting_time=3.5)) == 5.5
    stamped = {"rate": None, "timestamps": [1.0, 7.0]}
    assert nwb._end(series(**stamped)) == 7 and nwb._end(series(rate=None)) is None
    assert nwb._end(series(rate=None, timestamps=[])) is None


def test_spikes_without_a_series_end_with_the_last() -> None:
    class Units(dict):
        id = np.array([4, 6])

    held = SimpleNamespace(units=Units(spike_times=[[0.25, 0.5], [1.5]]), acquisition={})
    found = nwb._of_spikes(held, Path("a.nwb"), 2.0)
    assert found.channels == ("4", "6") and found.signal.tolist() == [[1, 0], [1, 0], [0, 0], [0, 1]]
    assert found.said == ("3 spikes of 2 units, counted in 4 bins of 0.5 s",)
    held.acquisition = {"short": series(), "long": series(data=np.zeros((10, 1))), "other": SimpleNamespace()}
    assert len(nwb._of_spikes(held, Path("a.nwb"), 2.0)) == 10  # to the end of the longest
