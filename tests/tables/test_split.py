"""What is tested is never learned from, and both are all there is."""

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.tables.panel import Panel, Series, panel
from wavetrain.tables.split import by_series, in_time, later, until

SHOPS = panel([np.arange(20.0) + 100 * place for place in range(10)])


def test_in_time_the_last_rows_are_tested():
    whole = panel([np.arange(100.0), np.arange(40.0)])
    split = in_time(whole, horizon=3)
    assert split.firsts == (85, 34)
    for past, one, first in zip(split.past.series, split.test.series, split.firsts, strict=True):
        assert past.values.tolist() == one.values[:first].tolist()
    assert split.test is whole and split.said == "the last 6 to 15 rows of each series are tested"


def test_one_horizon_is_tested_at_least():
    assert in_time(panel(np.arange(30.0)), horizon=12).firsts == (18,)
    with pytest.raises(BadInput, match="expected more rows than a horizon of 30, got 30"):
        in_time(panel(np.arange(30.0)), horizon=30)


def test_whole_series_are_tested_or_learned_from():
    split = by_series(SHOPS, context=5)
    tested, learned = ({one.name for one in part.series} for part in (split.test, split.past))
    assert len(tested) == 2 and not tested & learned and len(tested | learned) == 10
    assert split.firsts == (5, 5) and split.said == "2 of 10 series are tested"
    assert {one.name for one in by_series(SHOPS, context=5).test.series} == tested  # always the same
    with pytest.raises(BadInput, match="at least 3 series"):
        by_series(panel([np.arange(9.0), np.arange(9.0)]), context=2)


def test_a_short_series_is_read_for_half_of_it():
    assert by_series(SHOPS, context=50).firsts == (10, 10)


def test_another_table_is_tested():
    split = later(SHOPS, panel([np.arange(8.0)]), context=3)
    assert split.firsts == (3,) and split.past is SHOPS and split.said == "8 rows of another table are tested"
    with pytest.raises(BadInput, match="expected the columns y to test; got y1, y2"):
        later(SHOPS, panel(np.zeros((9, 2))), context=3)


def test_times_are_cut_with_the_rows():
    series = Series(name="", values=np.arange(5.0)[:, None], times=np.arange(5) * 10)
    (cut,) = until(Panel(columns=("y",), series=(series,), targets=("y",)), [2]).series
    assert cut.values.ravel().tolist() == [0, 1] and cut.times.tolist() == [0, 10]
