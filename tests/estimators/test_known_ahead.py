"""Only what is known ahead is read beyond the last row, and it is read where it is told."""

import functools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.estimators import Forecaster
from wavetrain.tables.panel import Panel, Series

DICE = np.random.default_rng(0)
LENGTH = 400
SALE = (DICE.random(LENGTH) < 0.3).astype(float)
SOLD = 10 + 5 * SALE + 0.1 * DICE.normal(size=LENGTH)
RAIN = DICE.normal(size=LENGTH)


def sales(rows: np.ndarray) -> Panel:
    return Panel(
        columns=("sold", "rain", "sale"),
        series=(Series(name="", values=rows),),
        targets=("sold",),
        known=("sale",),
    )


WHOLE = np.stack([SOLD, RAIN, SALE], 1)


@functools.cache
def fitted() -> Forecaster:
    """Once, for all who only ask it."""
    return Forecaster("elman", horizon=4, context=16, width=8, depth=1, steps=150, rate=1e-2).fit(
        sales(WHOLE[:390])
    )


def with_tail(tail: np.ndarray) -> np.ndarray:
    """The rows to 390, and later ones of which nothing is measured but what is known ahead."""
    later = np.full((len(tail), 3), np.nan)
    later[:, 2] = tail
    return np.concatenate([WHOLE[:390], later])


def test_what_is_known_ahead_is_learned_and_used():
    tail = np.array([1.0, 0.0, 0.0, 1.0])
    found = fitted().predict(sales(with_tail(tail)))
    assert np.abs(found.value[0, :, 0] - (10 + 5 * tail)).max() < 2.0 and not found.said  # of an effect of 5
    turned = fitted().predict(sales(with_tail(1 - tail)))
    assert (np.sign(found.value - turned.value)[0, :, 0] == np.sign(tail - 0.5)).all()


def test_rows_arrays_and_a_panel_of_later_rows_tell_the_same():
    tail = np.array([1.0, 0.0, 0.0, 1.0])
    rows = fitted().predict(sales(with_tail(tail))).value
    assert (fitted().predict(sales(WHOLE[:390]), ahead=[tail[:, None]]).value == rows).all()
    later = sales(np.stack([np.full(4, np.nan), np.full(4, 1e9), tail], 1))
    assert (fitted().predict(sales(WHOLE[:390]), ahead=later).value == rows).all()
    assert (fitted().predict(ahead=[tail[:, None]]).value == rows).all()


def test_rows_that_are_learned_from_tell_what_follows_them(tmp_path: Path):
    tail = np.array([1.0, 0.0, 0.0, 1.0])
    model = Forecaster("elman", horizon=4, context=16, width=8, depth=1, steps=5).fit(sales(with_tail(tail)))
    assert len(model.panel_.series[0]) == 390 and (model.ahead_[0].ravel() == tail).all()
    found = model.predict()
    assert not found.said and found.times[0][0] == "390"
    model.save(tmp_path)
    assert (Forecaster.load(tmp_path).predict().value == found.value).all()


def test_what_is_not_told_counts_as_its_mean_and_this_is_said():
    found = fitted().predict(sales(WHOLE[:390]))
    assert found.said == (
        "sale is known ahead, but not given for all rows to come: its mean in training counts there",
    )
    mean = np.full((4, 1), fitted().network_.ahead.centre.item())  # type: ignore[union-attr]
    np.testing.assert_allclose(fitted().predict(ahead=[mean]).value, found.value)
    assert fitted().predict(sales(with_tail(np.ones(2)))).said == found.said


@pytest.mark.parametrize("later", [np.nan, 1e9])
def test_no_other_column_is_read_beyond_the_last_row(later: float):
    """Ledger 37: a column that equals the target, and is not declared, changes nothing from the origin on."""
    rows = WHOLE.copy()
    rows[:, 1] = rows[:, 0]
    model = Forecaster("elman", horizon=4, context=16, width=8, depth=1, steps=20).fit(sales(rows[:390]))
    tail = rows[390:394].copy()
    tail[:, 0] = np.nan
    changed = tail.copy()
    changed[:, 1] = later
    one, other = (model.predict(sales(np.concatenate([rows[:390], end]))) for end in (tail, changed))
    np.testing.assert_array_equal(one.value, other.value)
    for origin in (320, 350):
        full = rows[:390].copy()
        full[origin:, :2] = later
        made = model.rolling(sales(full), np.zeros(1, int), np.array([origin]))
        plain = model.rolling(sales(rows[:390]), np.zeros(1, int), np.array([origin]))
        np.testing.assert_array_equal(made, plain)


def test_a_model_without_such_columns_takes_none():
    plain = replace(sales(WHOLE[:100]), known=())
    model = Forecaster("elman", horizon=2, width=4, depth=1, steps=1).fit(plain)
    with pytest.raises(BadInput, match="the model has no such columns"):
        model.predict(ahead=[np.zeros((2, 1))])
    with pytest.raises(BadInput, match="each of 1 series"):
        fitted().predict(ahead=[np.zeros((2, 1))])


def test_a_column_that_equals_the_target_is_doubted():
    """Ledger 37: declared as known ahead, it would make every forecast right."""
    rows = WHOLE[:60].copy()
    rows[:, 2] = rows[:, 0]
    with pytest.warns(UserWarning, match="sale is to be known ahead, and equals sold in all 60 rows"):
        Forecaster("elman", horizon=2, width=4, depth=1, steps=1).fit(sales(rows))
