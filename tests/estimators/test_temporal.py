"""A temporal memory that watches: its bits, ranges and buckets by hand, and a course however it is cut."""

import numpy as np
import pytest

from wavetrain.estimators import _temporal
from wavetrain.estimators._temporal import Temporal, usual
from wavetrain.memories.temporal_memory import Dendrites, TemporalMemory
from wavetrain.tables.clock import DAY, Clock, moment
from wavetrain.tables.panel import Panel, Series

TINY = TemporalMemory(128, 4, Dendrites(activation=2, matching=2, grow=4), seed=3)
BEGIN = moment("2024-01-01")  # a Monday
HOUR = DAY // 24
VALUES = np.tile([1.0, 5.0, 2.0, 7.0], 20)


def panel(values: np.ndarray) -> Panel:
    """The second column is watched."""
    one = Series(
        name="",
        values=np.stack([np.full(len(values), 1e9), values], 1),
        times=BEGIN + np.arange(len(values)) * HOUR,
    )
    return Panel(columns=("x", "y"), series=(one,), targets=("y",), clock=Clock(1, "hour"))


def watching(cycles: tuple[str, ...] = ()) -> Temporal:
    return Temporal(TINY, [1], cycles).learn(panel(VALUES))


def test_sizes_are_those_of_the_study():
    assert (_temporal.BITS, _temporal.ONES, _temporal.BUCKETS) == (109, 29, 22)
    assert (_temporal.CLOCK, _temporal.BESIDE, _temporal.SPARSE) == ({"day": 600, "week": 100}, 0.2, 50)
    memory = usual()
    assert (memory.columns, memory.cells, memory.seed) == (1024, 8, 0) and usual(5).seed == 5
    assert memory.dendrites == Dendrites(activation=8, matching=6, grow=16)


@pytest.mark.parametrize(("columns", "winners"), [(60, 2), (100, 2), (149, 2), (150, 3), (1024, 20)])
def test_two_of_a_hundred_columns_win_and_two_at_least(columns: int, winners: int):
    memory = TemporalMemory(columns, 2, Dendrites(activation=2, matching=2, grow=4), seed=1)
    watch = Temporal(memory, [0, 1], ("day", "year"))
    assert watch.pooler.winners == winners and watch.cycles == ("day",) and watch.name == "temporal memory"
    assert watch.pooler.inputs == 2 * 109 + 600 and watch.reader.cells == 2 * columns
    assert [one.shape for one in watch.weights] == [(2 * columns, 22)] * 2


def test_the_range_is_that_of_what_was_learned_and_a_fifth_on_both_sides():
    watch = watching()
    assert watch.low == pytest.approx([1 - 0.2 * 6]) and watch.high == pytest.approx([7 + 0.2 * 6])
    for level, beside in ((0.0, 1.0), (0.5, 1.0), (-40.0, 40.0), (40.0, 40.0)):
        flat = watch.learn(panel(np.append(np.full(9, level), np.nan)))
        assert (flat.low.item(), flat.high.item()) == (level - beside, level + beside)


def test_values_and_times_are_bits():
    watch = watching(("day", "week"))
    watch.low, watch.high = np.array([0.0]), np.array([80.0])  # a bit for each one
    bits = watch.bits(np.array([[0.0], [7.0], [80.0]]), BEGIN + np.array([0, 6 * HOUR, 3 * DAY + 12 * HOUR]))
    assert bits.shape == (3, 109 + 600 + 100) and (bits.sum(1) == 3 * 29).all()
    parts = [part.int().argmax(1).tolist() for part in bits.split([109, 600, 100], 1)]
    assert parts == [[0, 7, 80], [0, 150, 300], [0, 3, 50]]
    assert watching().bits(np.array([[3.0]]), None).shape == (1, 109)


def test_buckets_cut_the_range_into_equal_parts():
    watch = watching()
    watch.low, watch.high = np.array([-1.0]), np.array([10.0])  # each is half wide
    values = np.array([[-1.0], [-0.51], [-0.5], [9.49], [9.51], [10.0], [99.0], [-99.0], [np.nan]])
    assert watch.buckets(values).ravel().tolist() == [0, 0, 1, 20, 21, 21, 21, 0, 0]


@pytest.mark.parametrize("size", [1, 3, 8, 40])
def test_a_course_says_the_same_however_it_is_cut(size: int):
    values = VALUES[:40].copy()
    values[[30, 31]] = np.nan
    watch, one = watching(("day",)), panel(values).series[0]
    assert one.times is not None
    whole, course = watch.over(panel(values), 0), watch.begin()
    parts = []
    for first in range(0, 40, size):
        part = slice(first, first + size)
        parts += [
            course.extend(one.values[part], one.times[part]),
            course.extend(one.values[:0], one.times[:0]),
        ]
        assert parts[-1].expected.shape == (0, 1) and len(parts[-1].surprise) == 0
    for name in ("expected", "surprise"):
        joined = np.concatenate([getattr(part, name) for part in parts])
        np.testing.assert_allclose(joined, getattr(whole, name), rtol=1e-6)
        assert np.isnan(joined[:10]).all() and np.isfinite(joined[10:]).all()


def test_what_is_studied_is_remembered_and_what_is_watched_is_not():
    watch = watching()
    first = watch.over(panel(VALUES), 0)
    again = watch.over(panel(VALUES), 0)
    np.testing.assert_array_equal(first.surprise, again.surprise)
    assert all((weight == 0).all() for weight in watch.weights)
    studied = watch.study(panel(VALUES), 0)
    np.testing.assert_array_equal(studied.surprise, first.surprise)
    later = watch.over(panel(VALUES), 0)
    assert first.surprise is not None and later.surprise is not None
    assert later.surprise[10:].mean() < 0.5 * first.surprise[10:].mean()
    apart = [np.abs(one.expected - VALUES[:, None])[10:].mean() for one in (first, later)]
    assert apart[1] < apart[0]
    assert any((weight != 0).any() for weight in watch.weights)


@pytest.mark.parametrize("bucket", [None, 0, 21])
def test_what_is_expected_is_the_mean_of_the_middles_of_buckets(bucket: int | None):
    """All of them alike, before anything is learned; nothing at all in the first ten rows."""
    watch = watching()
    middle = (watch.low + watch.high).item() / 2
    if bucket is not None:
        watch.weights[0][:, bucket] = 50.0
        middle = watch.low.item() + (bucket + 0.5) * 8.4 / 22
    course, row = watch.begin(), panel(VALUES).series[0].values[:1]
    assert np.isnan(course.next).all() and course.count == 0
    course.extend(row, None)
    assert np.isnan(course.next).all() and course.count == 1
    course = watch.begin()
    course.count = 10
    assert np.isnan(course.extend(row, None).expected).all()  # nothing came before
    assert course.next.item() == pytest.approx(middle)
    assert course.extend(row, None).expected.item() == pytest.approx(middle)
