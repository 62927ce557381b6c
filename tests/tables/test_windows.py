"""Windows: counted by hand, in units of their own, from one series each, and never from what comes later."""

import numpy as np
import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tables.panel import Panel, Series, panel
from wavetrain.tables.windows import Place, Windows, filled, fitting_context, usual_context


def test_windows_lie_inside_one_series():
    """Two series of twenty rows, one at 0 and one at 1000: 14 windows each, and none of them varies."""
    windows = Windows(panel([np.zeros(20), np.full(20, 1000.0)]), context=5, origins=1, horizon=2)
    place = windows.places(first=5)
    assert len(place.row) == 28
    window = windows.at(place)
    raw = window.seen * window.scale[:, None] + window.level[:, None]
    assert (raw.std(1) == 0).all() and not window.missing.any()


def test_a_forecast_is_restored_in_units_of_the_panel():
    y = np.random.default_rng(0).normal(size=(40, 2)) * [1.0, 1e6] + [0.0, 1e7]
    windows = Windows(panel(y), context=6, origins=3, horizon=2)
    window = windows.at(Place(np.array([0]), np.array([10])))
    there = window.restored(window.wanted, windows.targets)[0]
    for origin in range(3):
        np.testing.assert_allclose(there[origin], y[10 + origin : 12 + origin], rtol=1e-12)
    seen = window.seen[0] * window.scale[0] + window.level[0]
    np.testing.assert_allclose(seen, y[4:12], rtol=1e-12)


def test_units_are_those_of_the_context_alone():
    y = np.random.default_rng(0).normal(size=40)
    changed = y.copy()
    changed[10:] = 1e6
    one, other = (
        Windows(panel(values), context=6, origins=3, horizon=2).at(Place(np.array([0]), np.array([10])))
        for values in (y, changed)
    )
    assert one.level == other.level == pytest.approx(y[4:10].mean())
    assert one.scale == other.scale == pytest.approx(y[4:10].std())


def test_missing_rows_do_not_count_for_the_units():
    window = Windows(panel([1.0, np.nan, 3.0, 0.0, 0.0]), context=3, origins=1, horizon=1).at(
        Place(np.array([0]), np.array([3]))
    )
    assert window.level == 2.0 and window.scale == 1.0
    assert window.seen.flatten().tolist() == [-1.0, -1.0, 1.0]  # the hole is filled from before it
    assert window.missing.flatten().tolist() == [False, True, False]


def test_a_flat_context_comes_back_as_it_was():
    windows = Windows(panel([5.0] * 8), context=4, origins=2, horizon=2)
    window = windows.at(windows.places(first=4))
    assert (window.restored(window.wanted, [0]) == 5.0).all() and (window.seen == 0).all()
    assert (window.restored(torch.ones_like(window.wanted), [0]) - 5.0).allclose(torch.tensor(5e-6).double())


def test_errors_in_tiny_units_weigh_little():
    """A context that is flat beside a series that varies by about 1."""
    y = np.r_[np.zeros(10), np.random.default_rng(0).normal(size=200)]
    windows = Windows(panel(y), context=5, origins=1, horizon=1)
    flat, usual = (windows.at(Place(np.array([0]), np.array([row]))) for row in (10, 100))
    assert usual.weight == 1.0
    in_panel = abs(y[10]) / (0.05 * y.std())
    assert float(flat.wanted[0, 0, 0, 0].abs() * flat.weight) == pytest.approx(in_panel)


def test_what_is_missing_is_never_filled_from_later():
    row = torch.tensor([[[1.0], [torch.nan], [torch.nan], [100.0]]])
    assert filled(row, row.isnan())[0, :3].max() <= 1.0


def test_a_series_is_not_filled_from_its_neighbour():
    first = Series(name="A", values=np.r_[np.zeros(9), 7.0][:, None])
    second = Series(name="B", values=np.r_[np.nan, np.ones(9)][:, None])
    both = Panel(columns=("y",), series=(first, second), targets=("y",))
    window = Windows(both, context=4, origins=1, horizon=1).at(Place(np.array([1]), np.array([2])))
    seen = window.seen * window.scale + window.level
    assert window.missing[0, :3].all() and 7.0 not in seen


def test_columns_known_ahead_are_read_beyond_the_present_and_others_are_not():
    values = np.stack([np.arange(20.0), 100 + np.arange(20.0)], 1)
    whole = Panel(columns=("y", "z"), series=(Series(name="", values=values),), targets=("y",), known=("z",))
    window = Windows(whole, context=4, origins=2, horizon=3).at(Place(np.array([0]), np.array([8])))
    assert window.ahead[0, 0].flatten().tolist() == [108.0, 109.0, 110.0]
    assert window.ahead[0, 1].flatten().tolist() == [109.0, 110.0, 111.0]


def test_rows_of_a_stream_share_the_window_of_their_block():
    windows = Windows(panel(np.arange(40.0)), context=6, origins=4, horizon=1)
    assert windows.anchors(np.arange(1, 16)).tolist() == [1, 2, 3, 4, 5, *[6] * 4, *[10] * 4, 14, 14]


@pytest.mark.parametrize("wrong", [{"context": 0}, {"origins": 0}, {"horizon": 0}])
def test_sizes_below_one_are_refused(wrong: dict):
    with pytest.raises(BadInput, match="of at least 1, got 0"):
        Windows(panel(np.arange(9.0)), **{"context": 2, "origins": 1, "horizon": 1, **wrong})


def test_many_windows_are_those_that_are_cut_one_by_one():
    rows = np.random.default_rng(0).normal(size=(700, 2)).cumsum(0)
    rows[100:130] = np.nan
    windows = Windows(panel(rows), context=6, origins=2, horizon=3)
    places = windows.places()
    assert len(places.row) > 512
    whole = windows.at(places)
    for some in (0, 255, 256, 511, len(places.row) - 1):
        one = windows.at(Place(places.series[some : some + 1], places.row[some : some + 1]))
        for side, mine in zip(whole, one, strict=True):
            torch.testing.assert_close(side[some : some + 1], mine, equal_nan=True, rtol=0, atol=0)


def test_contexts_that_are_chosen():
    assert [usual_context(season) for season in (1, 16, 17, 256, 257)] == [32, 32, 34, 512, 512]
    fits = [fitting_context(1, horizon=3, shortest=rows) for rows in (100, 36, 35, 5, 4, 3)]
    assert fits == [32, 32, 31, 1, 1, 1]


def test_a_context_of_zeros_has_the_least_scale():
    windows = Windows(panel(np.r_[np.zeros(4), 1.0]), context=3, origins=1, horizon=1)
    window = windows.at(Place(np.array([0]), np.array([4])))
    assert (window.level, window.scale) == (0.0, 1e-30)
    negative = Windows(panel([-5.0] * 5), context=3, origins=1, horizon=1).at(
        Place(np.array([0]), np.array([4]))
    )
    assert negative.scale.item() == pytest.approx(5e-6)


def test_places_of_windows_by_hand():
    """The last one ends with the series; a context that is longer than half of it begins before it."""
    both = Windows(panel([np.arange(10.0), np.arange(5.0)]), context=4, origins=2, horizon=3)
    place = both.places()
    assert place.series.tolist() == [0] * 3 + [1] * 0 and place.row.tolist() == [4, 5, 6]
    some = both.places(first=[5, 0], last=[9, 5])
    assert some.row.tolist() == [5]
    short = Windows(panel([np.arange(7.0)]), context=9, origins=1, horizon=1).places()
    assert short.row.tolist() == [3, 4, 5, 6]
    one = Windows(panel([np.arange(3.0)]), context=1, origins=1, horizon=1).places()
    assert one.row.tolist() == [1, 2]


def test_weights_are_by_rows_before_the_end_that_is_given():
    y = np.r_[np.zeros(10), np.ones(10), 1e6 * np.arange(10)]
    windows = Windows(panel(y), context=5, origins=1, horizon=1, until=[20])
    assert windows.least.item() == pytest.approx(0.05 * 0.5)


def test_beyond_a_series_nothing_is_read_of_the_next():
    both = Windows(panel([np.arange(6.0), np.full(9, 100.0)]), context=4, origins=2, horizon=3)
    window = both.at(Place(np.array([0, 1]), np.array([6, 1])))
    assert window.wanted[0].isnan().all() and window.missing[0, :, 0].tolist() == [False] * 4 + [True]
    assert window.missing[1, :, 0].tolist() == [True] * 3 + [False] * 2 and window.level[1] == 100.0
