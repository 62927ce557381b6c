"""NWB files: units, times and electrodes as the file says them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.formats.recordings import read_recording

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
