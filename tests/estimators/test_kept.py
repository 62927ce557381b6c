"""A kept forecaster is the forecaster: in another process, in another place, and nothing else is needed."""

import functools
import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from tests.fresh import warm
from wavetrain.errors import BadInput
from wavetrain.estimators import Forecaster
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.tables.clock import Clock, moment
from wavetrain.tables.panel import Panel, Series

DICE = np.random.default_rng(0)
TIMES = moment("2024-01-01") + np.arange(24 * 16) * 3600 * 10**6
Y = np.sin(np.arange(len(TIMES)) * 2 * np.pi / 24) + 0.1 * DICE.normal(size=len(TIMES))
HOURS = Panel(
    columns=("y",),
    series=(Series(name="007", values=Y[:, None], times=TIMES),),
    targets=("y",),
    clock=Clock(1, "hour", zone="Europe/Oslo"),
)


@functools.cache
def fitted() -> Forecaster:
    """Once, for all who only ask it."""
    return Forecaster(Elman, horizon=3, width=4, depth=1, steps=10, context=30).fit(HOURS)


READ = """
import json, sys
from wavetrain.estimators import Forecaster
found = Forecaster.load(sys.argv[1]).predict()
print(json.dumps([found.value.tolist(), found.low.tolist(), found.times, found.series]))
"""


def test_it_forecasts_the_same_in_another_process_and_place(tmp_path: Path):
    before = fitted().predict()
    fitted().save(tmp_path / "here")
    assert (fitted().predict().value == before.value).all()  # saving changes nothing
    (tmp_path / "here").rename(tmp_path / "there")
    done = warm("-c", READ, str(tmp_path / "there"))
    assert done.returncode == 0, done.stderr
    value, low, times, series = json.loads(done.stdout)
    np.testing.assert_array_equal(value, before.value)
    np.testing.assert_array_equal(low, before.low)
    assert [tuple(one) for one in times] == list(before.times) and series == ["007"]


def test_other_series_are_forecast_the_same_too(tmp_path: Path):
    fitted().save(tmp_path)
    other = HOURS.cut(0, 100)
    assert (Forecaster.load(tmp_path).predict(other).value == fitted().predict(other).value).all()


def test_no_row_is_kept_where_none_is_wanted(tmp_path: Path):
    fitted().save(tmp_path)
    fitted().save(tmp_path, rows=False)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["card.md", "model.safetensors"]
    again = Forecaster.load(tmp_path)
    assert (again.predict(HOURS).value == fitted().predict(HOURS).value).all()
    with pytest.raises(BadInput, match="at least one row of each series"):
        again.predict()


def test_it_can_be_pickled_and_copied():
    again = pickle.loads(pickle.dumps(fitted()))
    assert (again.predict().value == fitted().predict().value).all()


def test_a_layer_that_cannot_be_found_again_is_refused(tmp_path: Path):
    class Mine(Elman):
        pass

    model = Forecaster(Mine, horizon=1, width=2, depth=1, steps=1).fit(Y[:40])
    with pytest.raises(BadInput, match=r"mine.py:Mine"):
        model.save(tmp_path)


def test_what_is_no_forecaster_is_one_line(tmp_path: Path):
    with pytest.raises(BadInput, match="expected a folder with model"):
        Forecaster.load(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(BadInput, match="not a whole"):
        Forecaster.load(tmp_path)


def test_nothing_is_unpickled(tmp_path: Path):
    class Trap:
        def __reduce__(self):  # type: ignore[no-untyped-def]
            return (Path.touch, (tmp_path / "sprung",))

    fitted().save(tmp_path)
    np.savez(tmp_path / "rows.npz", **{"values 0": np.array([Trap()], object), "names": np.array(["a"])})
    with pytest.raises(BadInput):
        Forecaster.load(tmp_path)
    (tmp_path / "rows.npz").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(BadInput):
        Forecaster.load(tmp_path)
    assert not (tmp_path / "sprung").exists()


# --- a stream ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("holes", [False, True])
def test_a_stream_is_prediction_on_all_rows_so_far(holes: bool):
    y = Y.copy()
    if holes:
        y[20:24] = y[61] = np.nan
    model = Forecaster("gru", horizon=3, width=4, depth=2, steps=5, origins=7, context=30, phases=False).fit(
        y
    )
    stream = model.stream()
    for row in range(1, 80):
        told = stream.push(y[row - 1])
        np.testing.assert_allclose(told, model.predict(y[:row]).value[0], rtol=1e-5, atol=1e-6)
    assert stream.rows.shape == stream.seen.shape == (36, 1)  # memory does not grow


@pytest.mark.parametrize("chunk", [2, 5, 7, 200])
def test_rows_that_come_together_are_forecast_alike(chunk: int):
    y = Y[:200, None].copy()
    y[50:53] = np.nan
    model = Forecaster("gru", horizon=3, width=4, steps=5, origins=7, context=30, phases=False).fit(y)
    one_by_one, together = model.stream(), model.stream()
    expected = np.stack([one_by_one.push(row) for row in y])
    found = [together.extend(y[first : first + chunk]) for first in range(0, len(y), chunk)]
    np.testing.assert_allclose(np.concatenate(found), expected, rtol=1e-5, atol=1e-6)


def test_a_stream_in_time_knows_its_phases():
    model = fitted()
    stream = model.stream()
    for row in range(60):
        told = stream.push(Y[row], int(TIMES[row]))
        np.testing.assert_allclose(told, model.predict(HOURS.cut(0, row + 1)).value[0], rtol=1e-5, atol=1e-6)
    with pytest.raises(BadInput, match="out of order, or repeated"):
        stream.push(0.0, int(TIMES[row]))
    with pytest.raises(BadInput, match="a time with each row"):
        stream.push(0.0)


def test_a_row_that_is_none_is_refused():
    stream = Forecaster("elman", width=2, depth=1, steps=1).fit(Y[:60]).stream()
    with pytest.raises(BadInput, match="expected rows of 1 columns"):
        stream.push(np.zeros(2))
    with pytest.raises(BadInput, match="row 1 is infinite"):
        stream.push(np.inf)
