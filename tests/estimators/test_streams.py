"""A stream is prediction on all rows so far: cut anywhere, kept and gone on with, series by series."""

import functools
from pathlib import Path

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.estimators import BaselineForecaster, Forecaster, ForecastStreams, _streams
from wavetrain.estimators._streams import Order
from wavetrain.parts import saved
from wavetrain.tables.clock import Clock, moment
from wavetrain.tables.panel import Panel, Series

DICE = np.random.default_rng(0)
HOUR = 3600 * 10**6
LENGTH = 24 * 12
TIMES = moment("2024-01-01") + np.arange(LENGTH) * HOUR
DAY = np.sin(np.arange(LENGTH) * 2 * np.pi / 24)
VALUES = {"A": 5 + DAY + 0.1 * DICE.normal(size=LENGTH), "B": 100 - 20 * DAY + DICE.normal(size=LENGTH)}
FIRST = 24 * 8  # rows that are learned from


def hours(last: int, names: str = "AB") -> Panel:
    series = tuple(Series(name=name, values=VALUES[name][:last, None], times=TIMES[:last]) for name in names)
    return Panel(columns=("y",), series=series, targets=("y",), clock=Clock(1, "hour"))


@functools.cache
def fitted() -> Forecaster:
    """Once, for all who only ask it."""
    return Forecaster("gru", horizon=3, width=4, depth=2, steps=10, context=30).fit(hours(FIRST))


LATER = slice(FIRST, FIRST + 40)
ROWS, LATER_TIMES = {name: VALUES[name][LATER, None] for name in "AB"}, TIMES[LATER]


def near(one: np.ndarray, other: np.ndarray) -> None:
    np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def told(name: str, chunk: int = 40) -> np.ndarray:
    stream = fitted().stream(name)
    parts = range(0, 40, chunk)
    return np.concatenate(
        [stream.extend(ROWS[name][at : at + chunk], LATER_TIMES[at : at + chunk]) for at in parts]
    )


def test_rows_behind_those_learned_from_are_as_if_all_had_come_at_once():
    """Ledger 33: fit(a), then stream b, is a + b."""
    for name in "AB":
        found = told(name)
        for row in (0, 1, 17, 39):
            whole = fitted().predict(hours(FIRST + row + 1, name))
            near(found[row], whole.value[0])


def test_kept_rows_are_enough_to_go_on(tmp_path: Path):
    """Ledger 34: what is left out of the folder is what no forecast reads."""
    fitted().save(tmp_path)
    again = Forecaster.load(tmp_path)
    assert len(again.panel_.series[0]) < FIRST
    near(again.stream("A").extend(ROWS["A"], LATER_TIMES), told("A"))


@pytest.mark.parametrize("chunk", [1, 7, 40])
def test_a_stream_gives_the_same_however_it_is_cut(chunk: int):
    near(told("B", chunk), told("B", 11))


def test_the_same_rows_streamed_twice_give_the_same():
    assert (told("A") == told("A")).all()


def both(streams: ForecastStreams, order: str) -> dict[str, np.ndarray]:
    """The forecasts of both series, whose rows come in an order such as ABBA, again and again."""
    taken = {"A": 0, "B": 0}
    names, rows, times = [], [], []
    for name in order * (80 // len(order)):
        names.append(name)
        rows.append(ROWS[name][taken[name]])
        times.append(LATER_TIMES[taken[name]])
        taken[name] += 1
    value = streams.extend(names, np.array(rows), np.array(times)).value
    return {name: value[[one == name for one in names]] for name in "AB"}


@pytest.mark.parametrize("order", ["AB", "ABBA", "A" * 40 + "B" * 40])
def test_series_whose_rows_alternate_are_each_by_itself(order: str):
    found = both(ForecastStreams(fitted()), order)
    near(found["A"], told("A"))
    near(found["B"], told("B"))


def test_a_new_id_begins_a_new_series():
    """Also one that was learned from, where all begin fresh."""
    new = fitted().stream().extend(ROWS["A"], LATER_TIMES)
    streams = ForecastStreams(fitted())
    near(streams.extend(["C"] * 40, ROWS["A"], LATER_TIMES).value, new)
    near(ForecastStreams(fitted(), fresh=True).extend(["A"] * 40, ROWS["A"], LATER_TIMES).value, new)
    assert np.abs(new[0] - told("A")[0]).max() > 1e-3


def test_states_that_are_kept_go_on_bit_for_bit(tmp_path: Path):
    """Ledger 34."""
    names = ["A", "B"] * 20
    rows = np.stack([ROWS["A"], ROWS["B"]], 1)[:20].reshape(40, 1)
    times = np.repeat(LATER_TIMES[:20], 2)
    whole = ForecastStreams(fitted())
    first = whole.extend(names[:14], rows[:14], times[:14])
    whole.save(tmp_path / "state")
    again = ForecastStreams(fitted())
    again.resume(tmp_path / "state")
    one, other = (each.extend(names[14:], rows[14:], times[14:]) for each in (whole, again))
    for mine, theirs in zip(one, other, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert first.low.shape == (14, 3, 1) and (first.low < first.value).all()


def test_states_of_another_model_are_refused(tmp_path: Path):
    streams = ForecastStreams(fitted())
    streams.extend(["A"], ROWS["A"][:1], LATER_TIMES[:1])
    streams.save(tmp_path / "state")
    other = Forecaster("gru", horizon=3, width=4, steps=1, context=30).fit(hours(FIRST))
    with pytest.raises(BadInput, match="the states of this model"):
        ForecastStreams(other).resume(tmp_path / "state")
    (tmp_path / "state").write_bytes(b"damaged")
    with pytest.raises(BadInput, match="not a whole"):
        streams.resume(tmp_path / "state")


def test_the_intervals_are_those_of_prediction():
    found = ForecastStreams(fitted(), coverage=0.8).extend(["A"] * 5, ROWS["A"][:5], LATER_TIMES[:5])
    whole = fitted().predict(hours(FIRST + 5, "A"), coverage=0.8)
    near(found.low[-1], whole.low[0])
    near(found.high[-1], whole.high[0])


@pytest.mark.parametrize("gap", [1, 5, 29, 40, 61, 62, 63, 75, 400])
@pytest.mark.parametrize("start", [4, FIRST])
def test_steps_that_are_left_out_are_rows_without_values(gap: int, start: int):
    """However long the gap, and where the stream has only begun."""
    stream = fitted().stream("A") if start == FIRST else fitted().stream()
    if start != FIRST:
        stream.extend(VALUES["A"][:start, None], TIMES[:start])
    later = moment("2024-01-01") + (start + gap + np.arange(20)) * HOUR
    values = VALUES["A"][:20, None]
    found = stream.extend(values, later)
    whole = np.full((start + gap + 20, 1), np.nan)
    whole[:start], whole[-20:] = VALUES["A"][:start, None], values
    times = moment("2024-01-01") + np.arange(len(whole)) * HOUR
    for last in (0, 3, 19):
        end = start + gap + last + 1
        one = Series(name="A", values=whole[:end], times=times[:end])
        expected = fitted().predict(
            Panel(columns=("y",), series=(one,), targets=("y",), clock=Clock(1, "hour"))
        )
        near(found[last], expected.value[0])


def test_numbered_rows_may_have_gaps_too():
    y = VALUES["A"]
    model = Forecaster("elman", horizon=2, width=4, depth=1, steps=3, context=12).fit(y[:100])
    holes = [0, 3, 0, 200, 0]
    found = model.stream("").behind(y[100:105, None], None, holes).value
    whole = list(y[:100])
    for value, hole in zip(y[100:105], holes, strict=True):
        whole += [np.nan] * hole + [value]
    near(found[-1], model.predict(np.array(whole)).value[0])


def test_times_out_of_order_or_beside_their_step_are_refused():
    stream = fitted().stream("A")
    for time, message in (
        (TIMES[FIRST - 1], "out of order, or repeated"),
        (TIMES[3], "out of order, or repeated"),
        (TIMES[FIRST] + HOUR // 2, "expected times every hour, got 2024-01-09 00:30:00"),
    ):
        with pytest.raises(BadInput, match=message):
            stream.push(0.0, int(time))
    with pytest.raises(BadInput, match="a series that was learned from, got 'Z'"):
        fitted().stream("Z")


def test_the_last_value_of_a_stream_is_forecast_from_it():
    """Ledger 33: [1, 2, 3], then 10: a forecast of 10, one step on."""
    times = moment("2024-01-01") + np.arange(30) * 24 * HOUR
    one = Series(name="", values=np.cumsum(DICE.normal(size=(30, 1)), 0), times=times)
    days = Panel(columns=("y",), series=(one,), targets=("y",), clock=Clock(1, "day"))
    model = Forecaster("elman", width=2, depth=1, steps=0, context=1, origins=1).fit(days)
    assert model.base_.kind.value == "level"  # of a context of one row: the last value
    stream = model.stream("")
    assert stream.push(10.0, int(times[-1]) + 24 * HOUR).item() == pytest.approx(10.0)
    assert stream.time == times[-1] + 24 * HOUR


@pytest.mark.parametrize("layer", ["gru", "softmax_attention"])
def test_many_series_with_few_rows_each_are_each_by_itself(layer: str, tmp_path: Path):
    """Rows of several series are read side by side: some begin a block, some are missing, some have gaps."""
    model = Forecaster(layer, horizon=2, width=4, depth=1, steps=2, context=6, origins=3, phases=False).fit(
        VALUES["A"][:80]
    )
    names = [f"{place:02}" for place in range(12)]
    rows = {name: np.where(DICE.random(30) < 0.1, np.nan, DICE.normal(size=30)) for name in names}
    rows["03"][8:20] = np.nan
    gaps = {name: (DICE.random(30) < 0.05) * DICE.integers(1, 30, 30) for name in names}
    streams, found = ForecastStreams(model), {name: [] for name in names}
    alone = {name: model.stream() for name in names}
    expected = {name: alone[name].behind(rows[name][:, None], None, gaps[name]).value for name in names}
    for at in range(30):
        if at == 17:
            streams.save(tmp_path / "state")
            streams = ForecastStreams(model)
            streams.resume(tmp_path / "state")
        order = [name for name in DICE.permutation(names).tolist() if at < 25 or name != "05"]
        told = streams.extend(
            order, np.array([[rows[name][at]] for name in order]), None, [gaps[name][at] for name in order]
        )
        for name, value in zip(order, told.value, strict=True):
            found[name].append(value)
    for name in names:
        np.testing.assert_allclose(
            np.stack(found[name]), expected[name][: len(found[name])], rtol=1e-4, atol=1e-5
        )
    assert np.isnan(found["03"][15]).all() and np.isfinite(found["03"][7]).all()


# --- before they are forecast from --------------------------------------------------------------------


@functools.cache
def plain() -> BaselineForecaster:
    return BaselineForecaster("last_value", horizon=2, season=1).fit(hours(FIRST))


def test_intervals_hold_nine_of_ten_and_series_go_on_where_nothing_else_is_asked():
    one, other, fresh = ForecastStreams(plain()), ForecastStreams(plain(), coverage=0.9), None
    assert (one.widths.scaled == other.widths.scaled).all() and one.learned == ("A", "B")
    fresh = ForecastStreams(plain(), fresh=True)
    assert fresh.learned == () and fresh.stream("A").count == 0 and one.stream("A").count == FIRST
    assert one.stream("A") is one.stream("A") and one.stream("C").count == 0


@pytest.mark.parametrize(
    ("names", "beside"),
    [("AB" * 7 + "A", [2] * 7 + [1]), ("AB" * 8, []), ("A" * 7, []), ("ABC", [3]), ("AAB", [2, 1])],
)
def test_few_rows_of_several_series_are_read_side_by_side(
    names: str, beside: list[int], monkeypatch: pytest.MonkeyPatch
):
    """Fewer than eight of each, on average."""
    model, read = fitted(), []
    pushed = _streams.pushed
    monkeypatch.setattr(_streams, "pushed", lambda *given: (read.append(len(given[0])), pushed(*given))[1])
    times = [LATER_TIMES[names[:at].count(name)] for at, name in enumerate(names)]
    found = ForecastStreams(model).extend(list(names), np.zeros((len(names), 1)), np.array(times))
    assert read == beside and np.isfinite(found.value).all() and (found.low < found.high).all()


def test_order_tells_how_many_rows_are_missing():
    order = Order(ForecastStreams(plain()), 0.5)
    begin = int(TIMES[FIRST])
    told = [order.holes("A", begin + hours_ * HOUR, None) for hours_ in (0, 1, 4)]
    assert told == [0, 0, 2] and order.times == {"A": begin + 4 * HOUR}
    assert order.holes("B", begin + 2 * HOUR, None) == 2  # behind those learned from
    assert order.holes("new", int(TIMES[0]), None) == 0 and order.holes("new", int(TIMES[2]), None) == 1
    assert order.holes("C", None, None) == 0 and order.numbers == {}
    assert [order.holes("C", None, number) for number in (3.0, 3.5, 5.0)] == [0, 0, 2]
    assert order.holes("D", None, 9.0) == 0 and order.numbers == {"C": 5.0, "D": 9.0}
    streams = ForecastStreams(plain())
    streams.numbers["C"] = 7.0
    again = Order(streams, 1.0)
    assert again.holes("C", None, 9.0) == 1 and streams.numbers == {"C": 7.0}  # until they are forecast from


def test_order_refuses_and_says_what_is_known():
    order = Order(ForecastStreams(plain()), 0.5)
    last, known = int(TIMES[FIRST - 1]), "; it goes on behind the rows known up to 2024-01-08 23:00:00"
    for time, message in (
        (last, f"series 'A': expected each time once, got 2024-01-08 23:00:00 again{known}"),
        (
            last - HOUR,
            "series 'A': expected times that rise, got 2024-01-08 22:00:00 behind 2024-01-08 23:00:00"
            + known,
        ),
        (last + HOUR // 2, "series 'A': expected times every hour, got 2024-01-08 23:30:00 behind .*:00:00"),
    ):
        with pytest.raises(BadInput, match=f"^{message}$"):
            order.holes("A", time, None)
    order.holes("A", last + HOUR, None)
    order.holes("", None, 3.0)
    for name, time, number, message in (
        ("A", last + HOUR, None, "series 'A': expected each time once, got 2024-01-09 again"),
        ("", None, 3.0, "expected each time once, got 3 again"),
        ("", None, 2.5, "expected times that rise, got 2.5 behind 3"),
        ("", None, 3.75, "expected a step of 0.5, got 3.75 behind 3"),
        ("", None, 3.2, "expected a step of 0.5, got 3.2 behind 3"),
        ("", None, 3.0 + 1e-7, "expected a step of 0.5, got 3 behind 3"),
        ("", None, 3.50001, "expected a step of 0.5, got 3.50001 behind 3"),
    ):
        with pytest.raises(BadInput, match=f"^{message}$"):
            order.holes(name, time, number)
    assert order.holes("", None, 3.5 + 1e-8) == 0  # but for rounding
    assert order.holes("", None, 53.5 + 2e-5) == 99  # a millionth of all the steps between


def test_a_clock_that_is_none_tells_times_as_numbers():
    bare = BaselineForecaster("last_value", season=1).fit(VALUES["A"][:60])
    order = Order(ForecastStreams(bare), 1.0)
    assert order.holes("x", 70, None) == 0 and order.holes("x", 90, None) == 0
    with pytest.raises(BadInput, match=r"^series 'x': expected times that rise, got 80 behind 90$"):
        order.holes("x", 80, None)


def test_a_file_of_states_holds_numbers_and_is_refused_where_it_is_none(tmp_path: Path):
    streams = ForecastStreams(plain())
    streams.extend(["A", "C"], np.array([[1.0], [2.0]]), LATER_TIMES[[0, 0]])
    streams.numbers["C"] = 7.5
    path = tmp_path / "state"
    streams.save(path)
    again = ForecastStreams(plain())
    again.resume(path)
    assert again.numbers == {"C": 7.5} and list(again.streams) == ["A", "C"]
    assert again.streams["C"].count == 1 and again.streams["A"].count == FIRST + 1
    assert again.streams["A"].time == again.streams["C"].time == LATER_TIMES[0]
    tensors, words = saved.load(path)
    for changed, message in (
        ({"kind": "other"}, "expected wavetrain streams of version 1, got something else"),
        ({"version": 2}, "expected wavetrain streams of version 1, got something else"),
        ({"streams": [{**words["streams"][0], "name": []}]}, "is not a whole file of states"),
        ({"streams": [{}]}, r"is not a whole file of states \('count'\)"),
    ):
        saved.save(path, tensors, {**words, **changed})
        with pytest.raises(BadInput, match=message):
            again.resume(path)
    saved.save(path, tensors, words)
    wider = BaselineForecaster("last_value", horizon=2, season=1).fit(hours(FIRST))
    other = ForecastStreams(wider)
    other.resume(path)  # the same rows and weights are the same model
    assert other.numbers == {"C": 7.5}
