"""Where a recording comes from, and whether its size is that of a potential."""

from pathlib import Path

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.formats.recordings import read_recording
from wavetrain.parts.recording import Recording


def of(level: float, unit: str = "V") -> tuple[str, ...]:
    signal = np.array([[level], [-level], [level], [np.nan]])
    return read_recording(Recording(signal=signal, rate=1, channels=("a",), unit=unit)).said


@pytest.mark.parametrize(
    ("level", "unit", "doubt"),
    [
        (1e-7, "V", ""),
        (9.9e-8, "V", "0.099 µV"),
        (1e-2, "V", ""),
        (1.01e-2, "V", "1.01e+04 µV"),
        (10.0, "mV", ""),
        (11.0, "mV", "1.1e+04 µV"),
        (0.1, "uV", ""),
        (0.09, "µV", "0.09 µV"),
        (100.0, "nV", ""),
        (90.0, "nV", "0.09 µV"),
        (0.0, "V", ""),
        (np.nan, "V", ""),
        (1e9, "T", ""),
    ],
)
def test_a_potential_lies_between_a_tenth_of_a_microvolt_and_ten_millivolts(
    level: float, unit: str, doubt: str
) -> None:
    told = f"doubtful unit: half of all samples are above {doubt}"
    assert of(level, unit) == ((told,) if doubt else ())


def test_the_middle_of_all_samples_counts() -> None:
    signal = np.array([[1e-4, 5.0], [1e-4, 5.0], [1e-4, 1e-4]])
    held = Recording(signal=signal, rate=1, channels=("a", "b"), unit="V", said=("mine",))
    assert read_recording(held).said == ("mine",)


@pytest.mark.parametrize("rate", [0, -1, np.nan, np.inf])
def test_a_rate_is_above_zero_and_finite(rate: float) -> None:
    with pytest.raises(BadInput, match=f"^expected a rate above 0 samples per second, got {rate}$"):
        read_recording(np.zeros(9), rate=rate)


def test_files_are_known_by_their_ending(tmp_path: Path) -> None:
    table = "a,b\n" + "1,2\n" * 5
    for name in ("a.CSV", "a.tsv"):
        (tmp_path / name).write_text(table if name == "a.CSV" else table.replace(",", "\t"))
        assert read_recording(str(tmp_path / name), rate=2).channels == ("a", "b")
    np.save(tmp_path / "a.npy", np.arange(12.0).reshape(3, 4))
    placed = read_recording(tmp_path / "a.npy", rate=2, positions=[[0, 0]] * 4)
    assert placed.signal.shape == (3, 4) and placed.positions.shape == (4, 2)
    np.savez(tmp_path / "a.npz", one=np.zeros((5, 2)), two=np.ones((5, 3)))
    assert read_recording(tmp_path / "a.npz", rate=2, name="two", positions=np.zeros((3, 2))).rate == 2
    with pytest.raises(BadInput, match=r"^a.wav: expected a recording that ends in .npz, .npy, .csv, "):
        read_recording(tmp_path / "a.wav")
    with pytest.raises(BadInput, match=r"^there is no file .*b.npz$"):
        read_recording(tmp_path / "b.npz")
