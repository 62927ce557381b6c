"""Arrays by their names: which is the signal, which axis is time, and what the others say about it."""

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from wavetrain.errors import BadInput
from wavetrain.formats.recordings import arrays, read_recording
from wavetrain.formats.recordings.arrays import recording_of
from wavetrain.parts.recording import Recording

PLACES = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
WIDE = np.arange(3000.0).reshape(3, 1000)  # channels first


def of(*, called: str = "it", **arrays: object) -> Recording:
    more = {name: arrays.pop(name) for name in ("name", "rate", "positions") if name in arrays}
    return recording_of({name: np.asarray(one) for name, one in arrays.items()}, called, **more)


USUAL = {
    "signal": (arrays.SIGNAL, ("signal", "recording", "data", "eeg", "lfp", "activity")),
    "rate": (arrays.RATE, ("rate", "sampling_rate", "fs", "sfreq")),
    "time": (arrays.TIME, ("time", "times", "timestamps", "t")),
    "channel": (arrays.CHANNEL, ("channel", "channels", "ch_names")),
    "position": (arrays.POSITION, ("position", "positions")),
}


@pytest.mark.parametrize("kind", USUAL)
def test_usual_names_are_taken_in_their_order(kind: str) -> None:
    """Of two arrays that could be the same thing, the earlier name counts."""
    found, names = USUAL[kind]
    assert found == names
    first: dict[str, object] = {"signal": WIDE, "rate": 10.0, "time": np.arange(1000) / 10}
    first |= {"channel": list("abc"), "position": PLACES}
    second = {"signal": WIDE + 1, "rate": 20.0, "time": np.arange(1000) / 20, "channel": list("xyz")}
    usual = {"signal": {"data": WIDE}, "rate": {"fs": 10.0}}
    beside = {key: one for other in usual if other != kind for key, one in usual[other].items()}
    for name, later in itertools.pairwise((*names, "")):
        given = {**beside, **({later: second.get(kind, PLACES + 1)} if later else {}), name: first[kind]}
        one = recording_of({key: np.asarray(value) for key, value in given.items()}, "it")
        assert one.rate == pytest.approx(10) and one.signal[0, 0] == 0
        assert one.channels == (("a", "b", "c") if kind == "channel" else ("0", "1", "2"))
        assert np.array_equal(one.positions, PLACES) if kind == "position" else one.positions is None


def test_a_lone_array_of_a_hundred_samples_is_the_signal() -> None:
    assert of(run=np.zeros((100, 2)), rate=10.0, notes=np.zeros(99)).signal.shape == (100, 2)
    assert of(run=np.zeros(100), rate=10.0).signal.shape == (100, 1)
    with pytest.raises(
        BadInput, match=r"^it: expected one array that is the signal, or its name, got run \(99,"
    ):
        of(run=np.zeros((99, 2)), fs=10.0)
    for other in (np.zeros((100, 2, 2)), np.zeros((100, 2), complex), np.zeros((100, 2), bool)):
        with pytest.raises(BadInput, match="expected one array that is the signal"):
            of(run=other, rate=10.0)
    with pytest.raises(BadInput, match="got none"):
        of()
    assert of(run=np.zeros((5, 2)), name="run", rate=10.0).signal.shape == (5, 2)


@pytest.mark.parametrize(
    ("shape", "more", "samples", "said"),
    [
        ((4, 9), {}, 9, ", time along the longer axis of (4, 9)"),
        ((9, 4), {}, 9, ", time along the longer axis of (9, 4)"),
        ((9,), {}, 9, ""),
        ((1, 9), {}, 9, ""),
        ((5, 5), {}, 5, ""),
        ((4, 9), {"time": np.arange(4) / 10}, 4, ""),
        ((4, 9), {"time": np.arange(9) / 10}, 9, ""),
        ((4, 9), {"channel": list("abcdefghi")}, 4, ""),
        ((9, 4), {"channel": list("abcdefghi")}, 4, ""),
        ((4, 9), {"channel": list("abcdefgh")}, 9, ", time along the longer axis of (4, 9)"),
        ((9, 4), {"position": np.zeros((4, 3))}, 9, ""),
        ((9, 4), {"position": np.zeros((9, 3))}, 9, ", time along the longer axis of (9, 4)"),  # an animal's
        ((9, 4), {"positions": np.zeros((9, 2))}, 4, ""),  # handed over: they are the channels'
    ],
)
def test_which_axis_is_time(shape: tuple[int, ...], more: dict, samples: int, said: str) -> None:
    signal = np.arange(float(np.prod(shape))).reshape(shape)
    found = of(signal=signal, **({} if "time" in more else {"rate": 10.0}), **more)
    assert len(found) == samples and found.rate == pytest.approx(10)
    plain = signal.reshape(len(signal), -1)
    np.testing.assert_array_equal(found.signal, plain if len(plain) == samples else plain.T)
    assert found.said[0] == f"signal: {signal.size // samples} channels, {samples:,} samples{said} at 10 Hz"
    named = more.get("channel", ())
    count = signal.size // samples
    assert found.channels == (tuple(named) if len(named) == count else tuple(map(str, range(count))))


def test_positions_in_a_file_are_those_of_channels_in_a_plane_or_in_space() -> None:
    for shape, there in (((3, 2), True), ((3, 3), True), ((3, 1), False), ((3, 4), False), ((2, 2), False)):
        found = of(data=WIDE, rate=10.0, position=np.zeros(shape, int))
        assert (found.positions is not None) == there
        told = "positions of the channels, in the frame of the file" if there else "no positions of channels"
        assert found.said == (f"data: 3 channels, 1,000 samples{'' if there else SAID} at 10 Hz", told)
        assert not there or found.positions.dtype == np.float64
    with pytest.raises(
        BadInput, match=r"expected positions \(3, 2\) or \(3, 3\) of the channels, got \(3, 1\)"
    ):
        of(data=WIDE, rate=10.0, positions=np.zeros((3, 1)))


SAID = ", time along the longer axis of (3, 1000)"


def test_three_samples_are_a_recording() -> None:
    assert len(of(data=np.zeros((3, 1)), rate=1.0)) == 3
    with pytest.raises(BadInput, match=r"^it: expected 3 samples or more, got data with 2$"):
        of(data=np.zeros((2, 1)), rate=1.0)


def test_a_step_and_a_half_is_a_gap() -> None:
    times = np.array([0.0, 1, 2, 3.07, 4, 6, 7])
    found = of(data=np.arange(7.0), time=times)
    assert found.start == 0 and len(found) == 8 and found.said[1] == "1 gaps in it's times"
    assert np.flatnonzero(np.isnan(found.signal[:, 0])).tolist() == [5]
    even = of(data=np.arange(3.0), time=np.array([5, 6, 7]))
    assert even.start == 5 and even.said == (
        "data: 1 channels, 3 samples at 1 Hz",
        "no positions of channels",
    )
    other = of(data=np.zeros((7, 2)), time=times[:5], rate=4.0)  # times of something else
    assert (other.rate, other.start) == (4, 0)


def test_units_are_words_and_rates_are_one_number() -> None:
    assert of(data=WIDE, fs=[[250]], unit="mV").rate == 250
    for unit in ("mV", b"mV", ["mV"]):
        assert of(data=WIDE, rate=10.0, unit=unit).unit == "mV"
    for unit in (3, ["mV", "V"]):
        assert of(data=WIDE, rate=10.0, unit=unit).unit == ""
    for names in (list("abc"), [b"a", b"b", b"c"], [list("abc")]):
        assert of(data=WIDE, rate=10.0, ch_names=names).channels == ("a", "b", "c")
    assert of(data=WIDE, rate=10.0, ch_names=[7, 8, 9]).channels == ("7", "8", "9")
    with pytest.raises(
        BadInput, match=r"^it: expected a rate in samples per second, or a time for each sample"
    ):
        of(data=WIDE, fs=[250, 250])


@pytest.mark.parametrize("name", ["Time (s)", "times", "T", "seconds", "Second", "t [ms]"])
def test_a_column_of_times_is_known_by_its_name(name: str, tmp_path: Path) -> None:
    time = np.arange(20) / 10
    frame = pd.DataFrame({"a": time * 2, name: time, "time": time * 5})
    (tmp_path / "one.tsv").write_text("# a comment\n" + frame.to_csv(sep="\t", index=False))
    found = read_recording(tmp_path / "one.tsv")
    assert found.channels == ("a", "time") and found.rate == pytest.approx(10)
    np.testing.assert_allclose(found.signal[:, 0], time * 2)


def test_four_columns_of_text_are_named(tmp_path: Path) -> None:
    text = "a,b,c,d,e,f\n" + "x,y,z,u,v,1\n" * 5
    (tmp_path / "one.csv").write_text(text)
    with pytest.raises(BadInput, match=r"^one.csv: expected columns of numbers, got a, b, c, d$"):
        read_recording(tmp_path / "one.csv", rate=1)
