"""A stream of a network: rows together, one by one and side by side are what is made at once."""

import functools

import numpy as np
import pytest
import torch

from wavetrain.core import leaves
from wavetrain.errors import BadInput
from wavetrain.estimators import Forecaster, _beside, _stream
from wavetrain.estimators._base import Kind
from wavetrain.estimators._beside import pushed
from wavetrain.estimators._blocks import TOGETHER, unmeasured
from wavetrain.estimators._single import Single
from wavetrain.estimators._stream import ForecastStream
from wavetrain.tables.panel import Panel, Series

DICE = np.random.default_rng(0)
CONTEXT, ORIGINS = 6, 4
ROWS = DICE.normal(size=(700, 3)).cumsum(0)
ROWS[DICE.random(ROWS.shape) < 0.05] = np.nan
ROWS[50:58, 0] = np.nan  # longer than a context


def panel(rows: np.ndarray, name: str = "a") -> Panel:
    one = Series(name=name, values=rows)
    return Panel(columns=("y", "x", "z"), series=(one,), targets=("y", "z"))


@functools.cache
def fitted(layer: str = "gru") -> Forecaster:
    """Once, for all who only ask it; what is zero at the start would hide a fault."""
    model = Forecaster(layer, horizon=2, width=4, depth=2, steps=0, context=CONTEXT, origins=ORIGINS)
    model.fit(panel(ROWS[:80]))
    assert model.origins_ == ORIGINS and model.base_.kind is not Kind.LEVEL
    draw = torch.Generator().manual_seed(0)
    for part in model.network_.parameters():
        torch.nn.init.normal_(part, std=0.3, generator=draw) if part.ndim > 1 else None
    return model


@functools.cache
def expected() -> np.ndarray:
    """What is forecast behind each row, made at once."""
    rows = np.arange(1, len(ROWS) + 1)
    longer = np.concatenate([ROWS, np.full((2, 3), np.nan)])
    return fitted().rolling(panel(longer), np.zeros(len(rows), int), rows)


def near(one: np.ndarray, other: np.ndarray) -> None:
    np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("cut", [(700,), (3, 697), (9, 1, 1, 2, 5, 82), (6, 4, 4, 4, 3, 1, 20), (1,) * 90])
def test_rows_are_forecast_alike_however_they_come(cut: tuple[int, ...]):
    """Also more blocks than are read side by side."""
    assert len(ROWS) > ORIGINS * TOGETHER
    stream, ends = fitted().stream(), np.cumsum(cut)
    found = np.concatenate(
        [stream.extend(ROWS[end - size : end]) for size, end in zip(cut, ends, strict=True)]
    )
    near(found, expected()[: len(found)])
    assert stream.count == ends[-1] and (np.isnan(found).all((1, 2)).sum() == 0)


def test_blocks_of_one_size_are_opened_side_by_side(monkeypatch: pytest.MonkeyPatch):
    """Five rows before a context is whole; 173 blocks of four, 128 at a time; three rows of another."""
    read, opened = [], _stream.opened
    monkeypatch.setattr(
        _stream, "opened", lambda *given: (read.append(given[2].shape[:2]), opened(*given))[1]
    )
    fitted().stream().extend(ROWS)
    assert read == [(5, 1), (TOGETHER, ORIGINS), (173 - TOGETHER, ORIGINS), (1, 3)] and TOGETHER == 128


@pytest.mark.parametrize("single", [True, False])
def test_one_row_goes_through_arrays_where_the_network_has_the_usual_form(
    single: bool, monkeypatch: pytest.MonkeyPatch
):
    stream, calls = fitted().stream(), []
    step = Single.step
    monkeypatch.setattr(Single, "step", lambda *given: (calls.append(1), step(*given))[1])
    if not single:
        stream.single = None
    near(np.stack([stream.push(row) for row in ROWS[:40]]), expected()[:40])
    begun = [row for row in range(1, 41) if row < CONTEXT or (row - CONTEXT) % ORIGINS == 0]
    assert len(calls) == (40 - len(begun) if single else 0)
    assert stream.rows.shape == (CONTEXT + ORIGINS - 1, 3)


@pytest.mark.parametrize("layer", ["gru", "softmax_attention"])
def test_streams_side_by_side_are_each_by_itself(layer: str, monkeypatch: pytest.MonkeyPatch):
    """At different rows of their blocks, a few at a time, with the scale of each."""
    monkeypatch.setattr(_beside, "TOGETHER", 2)
    model = fitted(layer)
    begins = [0, 3, 6, 7, 9, 9, 52]
    together, alone = ([model.stream() for _ in begins] for _ in range(2))
    for one, other, begin in zip(together, alone, begins, strict=True):
        one.extend(ROWS[:begin])
        other.extend(ROWS[:begin])
    for step in range(8):
        rows = np.stack([ROWS[begin + step] for begin in begins])
        found = pushed(together, rows, np.full((len(rows), 2, 0), np.nan))
        singly = [one.behind(row[None]) for one, row in zip(alone, rows, strict=True)]
        near(found.value, np.concatenate([one.value for one in singly]))
        near(found.scale, np.concatenate([one.scale for one in singly]))
        if layer == "gru":
            near(found.value, np.stack([expected()[begin + step] for begin in begins]))
    for one, other in zip(together, alone, strict=True):
        assert (one.count, one.held) == (other.count, other.held)
        near(one.rows[: one.held], other.rows[: one.held])
        near(one.seen[: one.held], other.seen[: one.held])


@pytest.mark.parametrize("begin", [0, 5, 9])
def test_a_state_is_all_that_is_carried(begin: int):
    one, other = fitted().stream(), fitted().stream()
    one.extend(ROWS[:begin])
    arrays, words = one.state_of()
    assert words["held"] == one.held and (words["state"] is None) == (begin == 0)
    other.restore({name: part.copy() for name, part in arrays.items()}, words)
    other.count = one.count
    np.testing.assert_array_equal(other.extend(ROWS[begin : begin + 9]), one.extend(ROWS[begin : begin + 9]))


def test_a_state_that_does_not_fit_is_refused():
    stream = fitted().stream()
    stream.extend(ROWS[:9])
    arrays, words = stream.state_of()
    parts = len(leaves(stream.state))
    assert words["state"] == parts == 2
    for name in ("rows", "seen", "level", "scale"):
        with pytest.raises(ValueError, match=rf"^{name} has the shape \(1, 7\)$"):
            fitted().stream().restore({**arrays, name: np.zeros((1, 7))}, words)
    more = {**arrays, f"state {parts}": arrays["state 0"]}
    with pytest.raises(ValueError, match="a state has more parts than the model"):
        fitted().stream().restore(more, {**words, "state": parts + 1})
    with pytest.raises(KeyError, match="state 2"):
        fitted().stream().restore(arrays, {**words, "state": parts + 1})


@pytest.mark.parametrize("rows", [11, 15, 16, 17, 20, 78, 79, 80, 81])
def test_a_stream_goes_on_in_step_with_the_blocks_of_what_was_learned(rows: int):
    """Blocks that no later forecast reads are left out; of the first one that is read, a row may be left."""
    stream = fitted().stream()
    stream.go_on(panel(ROWS[:rows]).series[0], 0)
    assert stream.count == rows and stream.time is None
    near(stream.extend(ROWS[rows : rows + 9]), expected()[rows : rows + 9])
    behind = fitted().stream()
    behind.go_on(panel(ROWS[ORIGINS:rows]).series[0], ORIGINS)  # some rows before are not kept
    assert behind.count == rows
    if rows > CONTEXT + 2 * ORIGINS:
        near(behind.extend(ROWS[rows : rows + 9]), expected()[rows : rows + 9])
    with pytest.raises(BadInput, match="a series that was learned from, got 'b'"):
        fitted().stream("b")


def test_what_was_measured_in_a_context():
    rows = np.array([[1.0, np.nan], [np.nan, np.nan], [np.nan, 3.0], [np.nan, np.nan]])
    assert unmeasured(rows, 2).tolist() == [[False, True], [True, False], [True, False]]
    assert unmeasured(rows, 3).tolist() == [[False, False], [True, False]]
    assert unmeasured(rows, 4).tolist() == [[False, False]]


def test_tensors_of_a_state_are_taken_in_their_order():
    parts = [torch.full((1,), float(one)) for one in range(4)]
    like = (torch.zeros(1), (torch.zeros(1), ()), torch.zeros(1))
    found = _stream._nested(like, parts)
    assert [one.item() for one in leaves(found)] == [0, 1, 2] and found[1][1] == () and len(parts) == 1
    assert isinstance(fitted().stream(), ForecastStream)
