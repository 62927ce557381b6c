"""Recordings that MNE reads: what it gets wrong in silence comes out right."""

from pathlib import Path

import numpy as np
import pytest
from tests.formats.recordings.edf_files import write_edf

from wavetrain.errors import BadInput
from wavetrain.formats.recordings import read_recording
from wavetrain.lenses.space.generalized_phase import generalized_phase

mne = pytest.importorskip("mne")

TIME = np.arange(1000) / 100
WAVES = np.stack([100 * np.sin(2 * np.pi * TIME), 50 * np.cos(2 * np.pi * TIME)])  # µV
STEP = 400 / 65535  # of what is stored, µV


def made(signal: np.ndarray, rate: float = 1000.0, **more: object):
    info = mne.create_info([f"C{at}" for at in range(len(signal))], rate, "eeg")
    return mne.io.RawArray(signal, info, verbose="ERROR", **more)


def test_volts_come_of_microvolts_and_millivolts(tmp_path: Path) -> None:
    micro = read_recording(write_edf(tmp_path / "micro.edf", WAVES))
    milli = read_recording(write_edf(tmp_path / "milli.edf", WAVES / 1000, unit="mV", limit=0.2))
    for found in (micro, milli):
        assert found.unit == "V" and found.rate == 100 and found.signal.shape == (1000, 2)
        np.testing.assert_allclose(found.signal.T, WAVES * 1e-6, atol=STEP * 1e-6)
    assert micro.signal.min() == pytest.approx(-1e-4, abs=STEP * 1e-6)


@pytest.mark.parametrize("unit", [b"\xf8\xe9?", "", "degC"])
def test_a_unit_that_is_not_known_is_no_volt(tmp_path: Path, unit: str | bytes) -> None:
    found = read_recording(write_edf(tmp_path / "odd.edf", WAVES, unit=unit))
    assert found.unit == ""
    assert any("unit unknown" in line and "EEG C0" in line for line in found.said)


def test_the_latin_micro_is_known(tmp_path: Path) -> None:
    found = read_recording(write_edf(tmp_path / "latin.edf", WAVES, unit=b"\xb5V"))
    assert found.unit == "V"


def test_a_gap_in_a_discontinuous_file_is_kept(tmp_path: Path) -> None:
    onsets = [*range(5), *range(65, 70)]
    path = write_edf(tmp_path / "gap.edf", WAVES, onsets=onsets, events=[(66, "seen")], kind="EDF+D")
    found = read_recording(path)
    assert len(found) == 7000 and found.times[-1] == pytest.approx(69.99)
    there = np.isfinite(found.signal).all(1)
    assert there[:500].all() and not there[500:6500].any() and there[6500:].all()
    np.testing.assert_allclose(found.signal[6500:].T, WAVES[:, 500:] * 1e-6, atol=STEP * 1e-6)
    assert found.events == ((66.0, "seen"),)
    assert "nothing was recorded from 5 to 65 s" in found.said
    part = found.between(65, 67)
    assert part.start == 65 and part.events == ((66.0, "seen"),)


def test_a_discontinuous_file_without_gaps_is_whole(tmp_path: Path) -> None:
    found = read_recording(write_edf(tmp_path / "whole.edf", WAVES, onsets=range(3, 13), kind="EDF+D"))
    assert np.isfinite(found.signal).all() and len(found) == 1000 and found.start == 3
    assert not any("nothing was recorded" in line for line in found.said)


def test_a_gap_of_days_is_refused_and_named(tmp_path: Path) -> None:
    onsets = [*range(5), *range(900_000, 900_005)]
    path = write_edf(tmp_path / "days.edf", WAVES, onsets=onsets, kind="EDF+D")
    with pytest.raises(BadInput, match="the gap after 0 s is too long"):
        read_recording(path)


def test_records_that_go_back_are_refused(tmp_path: Path) -> None:
    path = write_edf(tmp_path / "back.edf", WAVES, onsets=[*range(5), *range(5)], kind="EDF+D")
    with pytest.raises(BadInput, match="stretches that follow each other"):
        read_recording(path)


def test_events_keep_their_time_where_a_recording_begins_late() -> None:
    """An event at sample 12,000 of a recording from sample 10,000 on is two seconds after its start."""
    raw = made(np.zeros((2, 4000)), first_samp=10_000)
    raw.set_meas_date(0)
    raw.set_annotations(mne.Annotations([12.0], [0.0], ["seen"], orig_time=raw.info["meas_date"]))
    assert read_recording(raw).events == ((2.0, "seen"),)
    slow = raw.copy().resample(250, verbose="ERROR")
    assert read_recording(slow).events[0][0] == pytest.approx(2.0, abs=0.5 / 250)


def test_joins_are_marked() -> None:
    """Of two recordings that were put together, the second begins with NaN: nothing runs across."""
    whole = mne.concatenate_raws([made(np.ones((1, 3000))), made(np.full((1, 2000), 2.0))], verbose="ERROR")
    found = read_recording(whole)
    assert np.flatnonzero(np.isnan(found.signal[:, 0])).tolist() == [3000]
    assert found.signal[2999, 0] == 1 and found.signal[3001, 0] == 2 and found.events == ()
    assert any("1 joins" in line for line in found.said)


def test_no_filter_runs_across_a_join() -> None:
    """Two sines of 1 µV whose offset jumps by 1 mV: the amplitude is that of the sine up to the border."""
    time = np.arange(10_000) / 1000
    wave = 1e-6 * np.sin(2 * np.pi * 10 * time)[None]
    whole = mne.concatenate_raws([made(wave), made(wave + 1e-3)], verbose="ERROR")
    found = read_recording(whole)
    seen = generalized_phase(found.signal, found.rate, (5.0, 20.0))
    border = round(seen.border * 1000)
    unknown = np.isnan(seen.amplitude[:, 0])
    assert unknown[10_000 - border : 10_000 + border].all()
    assert unknown.sum() == 4 * border + 1  # at both ends of both, and the sample that was left out
    np.testing.assert_allclose(seen.amplitude[~unknown], 1e-6, rtol=0.05)


def test_what_was_skipped_is_nan() -> None:
    raw = made(np.ones((1, 3000)))
    raw.set_annotations(mne.Annotations([1.0, 2.5], [0.5, 0.0], ["BAD_ACQ_SKIP", "seen"]))
    found = read_recording(raw)
    assert np.flatnonzero(np.isnan(found.signal[:, 0]))[[0, -1]].tolist() == [1000, 1499]
    assert found.events == ((2.5, "seen"),)


def test_epochs_keep_both_ends_and_never_touch() -> None:
    values = np.arange(3 * 2 * 501, dtype=float).reshape(3, 2, 501)
    epochs = mne.EpochsArray(values, mne.create_info(2, 500.0, "eeg"), tmin=0.0, verbose="ERROR")
    found = read_recording(epochs)
    assert len(found) == 3 * 502 - 1 and any(
        "of 501 samples, both ends counted" in line for line in found.said
    )
    assert np.flatnonzero(np.isnan(found.signal[:, 0])).tolist() == [501, 1003]
    np.testing.assert_array_equal(found.signal[502:1003].T, values[1])


def test_positions_belong_to_names() -> None:
    """x to the right, y to the front; a channel that is dropped or moved takes its own along."""
    raw = mne.io.RawArray(
        np.zeros((4, 100)), mne.create_info(["Oz", "C4", "Fz", "C3"], 100.0, "eeg"), verbose="ERROR"
    )
    assert read_recording(raw).positions is None
    places = {"C3": (-0.06, 0, 0.06), "C4": (0.06, 0, 0.06), "Fz": (0, 0.06, 0.07), "Oz": (0, -0.1, 0.0)}
    raw.set_montage(mne.channels.make_dig_montage(places, coord_frame="head"))
    found = read_recording(raw)
    at = dict(zip(found.channels, found.positions, strict=True))
    for name, place in places.items():
        np.testing.assert_allclose(at[name], place, atol=1e-7)
    assert found.length == "m"
    fewer = read_recording(raw.copy().pick(["C3", "Oz"]))
    for name, place in zip(fewer.channels, fewer.positions, strict=True):
        np.testing.assert_array_equal(place, at[name])


def test_markers_are_no_channels() -> None:
    info = mne.create_info(["C3", "mark"], 100.0, ["eeg", "stim"])
    assert read_recording(mne.io.RawArray(np.zeros((2, 100)), info, verbose="ERROR")).channels == ("C3",)


def test_a_fif_file_is_read(tmp_path: Path) -> None:
    made(np.full((2, 500), 1e-5)).save(tmp_path / "one_raw.fif", verbose="ERROR")
    found = read_recording(tmp_path / "one_raw.fif")
    assert found.signal.shape == (500, 2) and found.unit == "V" and found.rate == 1000
    np.testing.assert_allclose(found.signal, 1e-5, rtol=1e-6)


@pytest.mark.parametrize("ending", [".edf", ".fif", ".bdf"])
@pytest.mark.parametrize("content", [b"", b"0", b"x" * 5000])
def test_damaged_files_are_one_line(tmp_path: Path, ending: str, content: bytes) -> None:
    path = tmp_path / f"broken{ending}"
    path.write_bytes(content)
    with pytest.raises(BadInput) as caught:
        read_recording(path)
    assert "\n" not in str(caught.value) and "broken" in str(caught.value)


def test_a_cut_file_is_read_or_refused_in_one_line(tmp_path: Path) -> None:
    whole = write_edf(
        tmp_path / "whole.edf", WAVES, onsets=[*range(5), *range(65, 70)], kind="EDF+D"
    ).read_bytes()
    for size in (200, 700, 1500, len(whole) - 1000):
        (tmp_path / "cut.edf").write_bytes(whole[:size])
        with pytest.raises(BadInput) as caught:
            read_recording(tmp_path / "cut.edf")
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("channels", [4, 5])
def test_four_channels_of_an_unknown_unit_are_named(channels: int, tmp_path: Path) -> None:
    waves = np.tile(WAVES[:1], (channels, 1))
    said = read_recording(write_edf(tmp_path / "odd.edf", waves, unit="degC")).said[-1]
    more = " and more" if channels > 4 else ""
    assert said == f"unit unknown: that of EEG C0, EEG C1, EEG C2, EEG C3{more} is none of volts"


@pytest.mark.parametrize("gaps", [3, 4])
def test_three_gaps_are_told(gaps: int, tmp_path: Path) -> None:
    onsets = [3 * place for place in range(gaps + 1)]
    found = read_recording(
        write_edf(tmp_path / "gaps.edf", WAVES[:, : 100 * (gaps + 1)], onsets=onsets, kind="EDF+D")
    )
    assert found.said[-1] == (
        f"nothing was recorded from 1 to 3 s, 4 to 6 s, 7 to 9 s{' and more' if gaps > 3 else ''}"
    )
    assert len(found) == 100 * (3 * gaps + 1)


def test_half_a_sample_is_no_gap(tmp_path: Path) -> None:
    for off, there in ((0.004, False), (0.012, True)):
        onsets = [0, 1, 2 + off, 3 + off]
        found = read_recording(write_edf(tmp_path / "off.edf", WAVES[:, :400], onsets=onsets, kind="EDF+D"))
        assert any("nothing was recorded" in line for line in found.said) is there
        assert len(found) == 400 + there


def test_what_is_said_of_channels_and_epochs() -> None:
    info = mne.create_info(["A", "B", "C", "S"], 100.0, ["eeg", "ecog", "misc", "stim"])
    found = read_recording(mne.io.RawArray(np.ones((4, 1234)), info, verbose="ERROR"))
    assert found.channels == ("A", "B") and found.unit == ""  # of two kinds
    assert found.said[:2] == ("2 channels (ecog, eeg) at 100 Hz, 1,234 samples", "no positions of channels")
    others = mne.create_info(["C", "S"], 100.0, ["misc", "stim"])
    assert read_recording(mne.io.RawArray(np.ones((2, 9)), others, verbose="ERROR")).channels == ("C",)
    with pytest.raises(BadInput, match="expected a channel of EEG, MEG or a field potential, got none"):
        read_recording(
            mne.io.RawArray(np.ones((1, 9)), mne.create_info(["S"], 100.0, "stim"), verbose="ERROR")
        )
    for kind, unit in (
        ("seeg", "V"),
        ("ecog", "V"),
        ("dbs", "V"),
        ("mag", "T"),
        ("grad", "T/m"),
        ("misc", ""),
    ):
        made_ = mne.io.RawArray(np.ones((1, 9)) * 1e-4, mne.create_info(["A"], 100.0, kind), verbose="ERROR")
        assert read_recording(made_).unit == unit
    epochs = mne.EpochsArray(
        np.ones((2, 1, 21)) * 1e-4, mne.create_info(1, 10.0, "eeg"), tmin=-0.5, verbose="ERROR"
    )
    said = read_recording(epochs).said
    assert said[0] == (
        "2 epochs of 21 samples, both ends counted, from -0.5 to 1.5 s at 10 Hz, "
        "laid one after another with a gap of one sample"
    )
    assert read_recording(epochs).unit == "V" and said[1] == "no positions of channels"


def test_channels_without_a_position_are_counted() -> None:
    raw = mne.io.RawArray(np.zeros((3, 9)), mne.create_info(["A", "B", "C"], 100.0, "eeg"), verbose="ERROR")
    for place, at in enumerate([[0.1, 0, 0], [0, 0, 0], [np.nan, 0, 1]]):
        raw.info["chs"][place]["loc"][:3] = at
    found = read_recording(raw)
    assert found.positions is not None and np.isnan(found.positions).all(1).tolist() == [False, True, True]
    assert (
        found.said[-1]
        == "positions in the head frame (x to the right, y to the front, m); 2 channels have none"
    )
