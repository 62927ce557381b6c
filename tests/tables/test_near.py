"""A panel that is cut to what some forecasts read: every window is what it was."""

import numpy as np
import pytest
import torch

from wavetrain.estimators import Forecaster
from wavetrain.tables import phases
from wavetrain.tables.clock import DAY, Clock
from wavetrain.tables.near import near
from wavetrain.tables.panel import Panel, Series
from wavetrain.tables.windows import Place, Windows, anchors, unmeasured


def rows_of(*lengths: int) -> Panel:
    """Series of two columns with holes, hour by hour, each from another day on."""
    rng = np.random.default_rng(len(lengths))
    series = []
    for place, length in enumerate(lengths):
        values = rng.normal(size=(length, 2)).cumsum(0)
        values[rng.random(values.shape) < 0.2] = np.nan
        values[20:29] = np.nan
        times = place * DAY + np.arange(length) * (DAY // 24)
        series.append(Series(name=str(place), values=values, times=times))
    plain = Panel(columns=("a", "b"), series=tuple(series), targets=("b",), clock=Clock(1, "hour"))
    return phases.added(plain, ("day",))


@pytest.mark.parametrize("origins", [1, 4, 16])
@pytest.mark.parametrize("context", [1, 7])
@pytest.mark.parametrize("first", [1, 6, 7, 8, 41, 90])
def test_every_window_is_what_it_was(context: int, origins: int, first: int):
    whole, sizes = rows_of(100, 60, 80), {"context": context, "origins": origins, "horizon": 2}
    series = np.array([0, 2, 0, 2, 2, 0])
    rows = np.array([first, 30, 98, 44, 31, min(first + 5, 98)])
    cut, moved = near(whole, series, rows, **sizes)
    assert len(cut.series[1]) == 1 and cut.series[1].times == whole.series[1].times[-1:]
    assert len(cut.series[2]) <= 30 + 2 * context + 2 * origins
    before, after = anchors(rows, context, origins), anchors(moved, context, origins)
    np.testing.assert_array_equal(rows - before, moved - after)
    there = Windows(whole, **sizes).at(Place(series, before))
    here = Windows(cut, **sizes).at(Place(series, after))
    torch.testing.assert_close(here.seen[:, :context], there.seen[:, :context], rtol=0, atol=0)
    for row, place in enumerate(rows - before):
        for name in ("seen", "missing"):
            one, two = (getattr(side, name)[row, : context + place] for side in (here, there))
            torch.testing.assert_close(one, two, rtol=0, atol=0, equal_nan=True)
        for name in ("ahead", "wanted"):
            one, two = (getattr(side, name)[row, place] for side in (here, there))
            torch.testing.assert_close(one, two, rtol=0, atol=0, equal_nan=True)
    for name in ("level", "scale"):
        torch.testing.assert_close(getattr(here, name), getattr(there, name), rtol=0, atol=0, equal_nan=True)
    options = {"context": context, "origins": origins}
    np.testing.assert_array_equal(
        unmeasured(cut, series, moved, **options), unmeasured(whole, series, rows, **options)
    )


def test_forecasts_of_a_few_rows_are_those_among_many():
    """All rows from the first on leave nothing out; the last ones alone do."""
    whole = phases.without(rows_of(120), ("day",))
    model = Forecaster("gru", width=4, depth=1, steps=3, origins=4, context=12).fit(whole)
    rows = np.arange(1, 121)
    every = model.rolling(whole, np.zeros(120, int), rows)
    some = model.rolling(whole, np.zeros(9, int), rows[-9:])
    np.testing.assert_allclose(some, every[-9:], rtol=1e-12)


def test_windows_with_fewer_origins_share_their_rows():
    whole = rows_of(50)
    many = Windows(whole, context=6, origins=5, horizon=3)
    one, alone = many.by(1), Windows(whole, context=6, origins=1, horizon=3)
    assert one.rows is many.rows and many.origins == 5
    place = Place(np.zeros(3, int), np.array([1, 25, 50]))
    for mine, wanted in zip(one.at(place), alone.at(place), strict=True):
        torch.testing.assert_close(mine, wanted, rtol=0, atol=0, equal_nan=True)
    with pytest.raises(ValueError, match="expected origins of 1 to 5, got 6"):
        many.by(6)
