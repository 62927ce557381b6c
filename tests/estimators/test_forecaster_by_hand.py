"""What a forecaster finds before it is trained, by hand: parts, windows, starts, columns, errors."""

import numpy as np
import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.estimators import Forecaster, _base, forecaster
from wavetrain.estimators._base import Base, Kind
from wavetrain.estimators._forecast import Ahead
from wavetrain.tables.least_squares import ridge
from wavetrain.tables.panel import Panel, Series, panel
from wavetrain.tables.windows import Place, Window, Windows
from wavetrain.train.generators import seed_of

DICE = np.random.default_rng(0)
WALKS = [DICE.normal(size=60).cumsum(), 100 * DICE.normal(size=40).cumsum()]


def plain(**words: object) -> Forecaster:
    return Forecaster("elman", **{"width": 2, "depth": 1, "steps": 0, "season": 1, **words})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("asked", "context", "origins"),
    [
        ({}, 28, 1),  # one row and the horizon are left of the 32 that the shorter one learns from
        ({"context": 10}, 10, 16),
        ({"context": 20}, 20, 9),
        ({"context": 28}, 28, 1),
        ({"context": 29}, 29, 1),
        ({"context": 10, "origins": 4}, 10, 4),
        ({"context": 10, "origins": 99}, 10, 19),
    ],
)
def test_blocks_are_as_long_as_the_shortest_series_allows(asked: dict[str, int], context: int, origins: int):
    model = plain(horizon=3, valid=0.2, **asked).fit(WALKS)
    assert (model.ends_, model.context_, model.origins_) == ([48, 32], context, origins)
    assert (model.season_, model.before_, model.cycles_) == (1, [0, 0], ())
    held = model._valid(model._windows(model.panel_))
    assert held.series.tolist() == [0] * 10 + [1] * 6
    assert held.rows.tolist() == [*range(48, 58), *range(32, 38)]
    assert len(model.errors_) == 16


def test_a_part_to_learn_from_that_holds_no_window_is_refused():
    message = r"^Forecaster: expected rows for a context of 1 and a horizon of 3 before .*, got 2 rows$"
    with pytest.raises(BadInput, match=message):
        plain(horizon=3, valid=0.8).fit(np.arange(8.0))


@pytest.mark.parametrize(("values", "chosen", "lines"), [(75, 7, 3), (1000, 9, 9), (239, 9, 5), (10, 3, 3)])
def test_wide_tables_have_fewer_windows(
    values: int, chosen: int, lines: int, monkeypatch: pytest.MonkeyPatch
):
    """Ten rows of a context for each forecast to choose by, forty of four origins for a line."""
    for name, size in (("LEAST", 3), ("FITTED", 9), ("VALUES", values)):
        monkeypatch.setattr(forecaster, name, size)
    told: list[tuple[Window, Window, int]] = []
    fitted = forecaster.fitted_line
    monkeypatch.setattr(
        forecaster,
        "fitted_line",
        lambda train, valid, base, lags: (
            told.append((train, valid, lags)),
            fitted(train, valid, base, lags),
        )[1],
    )
    model = plain(horizon=3, valid=0.2, context=10, origins=4, random_state=7).fit(WALKS)
    windows = model._windows(model.panel_)
    held = model._valid(windows)
    places = np.r_[[(0, row) for row in range(48, 58)], [(1, row) for row in range(32, 38)]]
    some = np.linspace(0, 15, chosen).round().astype(int)
    np.testing.assert_array_equal(np.stack(held, 1), places[some])
    train = windows.places(last=[48, 32])
    order = np.random.default_rng(seed_of(7, "windows")).permutation(len(train.row))[:lines]
    if values == 239:
        assert lines == 239 // 40
    (one,) = told
    assert one[2] == 9
    for mine, wanted in zip(one[0], windows.at(Place(train.series[order], train.row[order])), strict=True):
        torch.testing.assert_close(mine, wanted, equal_nan=True)
    for mine, wanted in zip(one[1], windows.by(1).at(Place(*held)), strict=True):
        torch.testing.assert_close(mine, wanted, equal_nan=True)


def test_errors_are_in_scales_of_the_rows_before():
    """Without a step of training a walk is forecast by its last value, from the context or from a block."""
    model = plain(horizon=2, valid=0.2, context=6, origins=3).fit(WALKS)
    model.base_ = Base(Kind.LAST, 6, 2, (0,))
    wanted = []
    for walk, end in zip(WALKS, model.ends_, strict=True):
        for row in range(end, len(walk) - 1):
            anchor = 6 + (row - 6) // 3 * 3
            scale = walk[anchor - 6 : anchor].std()
            wanted.append(np.abs(walk[row : row + 2] - walk[row - 1]) / scale)
    made = plain(horizon=2, valid=0.2, context=6, origins=3)
    made._chosen = lambda *given: model.base_  # type: ignore[method-assign]
    np.testing.assert_allclose(made.fit(WALKS).errors_[..., 0], wanted, rtol=1e-9)


@pytest.mark.parametrize(
    ("y", "season", "context", "kind"),
    [
        (np.tile([0.0, 7, 1, 3, 9], 12), 5, 5, Kind.SEASON),
        (np.tile([0.0, 7, 1, 3, 9], 12), 5, 4, Kind.LINE),  # a season does not fit
        (np.tile([1.0, -1.0], 30), 2, 2, Kind.SEASON),
        (np.arange(60.0), 1, 2, Kind.LINE),
        (
            np.arange(60.0),
            1,
            1,
            Kind.LAST,
        ),  # the mean is that of the row before a block; a line needs a row more
        (np.tile([4.0, -1.0, -3.0], 20), 1, 3, Kind.LINE),
    ],
)
def test_the_start_that_errs_least(y: np.ndarray, season: int, context: int, kind: Kind):
    model = plain(horizon=2, season=season, context=context).fit(y)
    assert model.base_.kind is kind and model.base_.season == season and model.base_.targets == (0,)
    if kind is Kind.LINE:
        assert model.base_.weight is not None and model.base_.weight.shape == (1, context, 2)


def test_noise_around_a_level_is_forecast_by_the_level(monkeypatch: pytest.MonkeyPatch):
    """Of two columns both are read, in their order; a season of one is none."""
    monkeypatch.setattr(
        forecaster, "fitted_line", lambda train, valid, base, lags: base._replace(kind=Kind.LAST)
    )
    y = np.tile([1.0, -1.0, 1.0, -1.0, -1.0, 1.0, -1.0, 1.0], 8)
    base = plain(context=8).fit(np.stack([y, 5 - y], 1)).base_
    assert base.kind is Kind.LEVEL and base.targets == (0, 1) and base.context == 8 and base.horizon == 1


def test_a_level_that_wanders_is_smoothed():
    """The gain of the Kalman filter of a local level with variances q and 1 is (sqrt(q^2 + 4q) - q) / 2."""
    generator = np.random.default_rng(3)
    level, noise = generator.standard_normal((2, 3000))
    y = np.cumsum(level * np.sqrt(0.05)) + noise  # a gain of 0.2
    model = plain(context=40, horizon=1, valid=0.3).fit(y)
    windows = Windows(panel(y), context=40, origins=1, horizon=1)
    train = windows.at(Place(np.zeros(1500, int), np.arange(40, 1540)))
    found = _base.fitted_smoothing(train, Base(Kind.LEVEL, 40, 1, (0,)))
    assert found.kind is Kind.SMOOTHED and found.weight is not None
    np.testing.assert_allclose(found.weight, 0.8 ** np.arange(40)[::-1] / (0.8 ** np.arange(40)).sum())
    errors = {kind: _base.error(found._replace(kind=kind), train) for kind in (Kind.LEVEL, Kind.LAST)}
    assert _base.error(found, train) < min(errors.values())
    assert model.base_.kind in (Kind.SMOOTHED, Kind.LINE)  # a ridge regression on many rows is as good


def test_smoothing_reads_the_rows_before_each_origin():
    base = Base(Kind.SMOOTHED, 3, 2, (1,), weight=np.array([1.0, 2.0, 4.0]) / 7)
    seen = np.stack([np.full(5, np.nan), [7.0, 0, 0, 14, 7]], 1)[None]
    wanted = np.repeat(np.array([1.0, 8.0, 8.0])[None, :, None, None], 2, 2)
    np.testing.assert_allclose(base.read(seen), wanted)


@pytest.mark.parametrize(("horizon", "far"), [(1, 2.7), (1, 2.9), (3, 1.6), (3, 1.7)])
def test_a_gain_counts_from_a_standard_error_on(horizon: int, far: float):
    """Gains of 1 + far and 1 - far by turns, 4 of each: a mean of 1 and a deviation of far.

    Of eight forecasts of three rows each that overlap, 8 / 3 count.
    """
    generator = np.random.default_rng(0)
    y = np.r_[generator.standard_normal(4), np.zeros(10 + horizon - 1)]
    window = (
        Windows(panel(y), context=1, origins=1, horizon=horizon)
        .by(1)
        .at(Place(np.zeros(10, int), np.arange(4, 14)))
    )
    gains = 1 + far * (-1.0) ** np.arange(8)
    weight = torch.ones(10, 1)
    at = [10 * np.ones(10), np.r_[10 - gains, 0, 0]]  # errors of the two; of the last two nothing is known

    class Told(Base):
        def read(self, seen: np.ndarray) -> np.ndarray:
            return np.repeat(at[self.season][:, None, None, None], self.horizon, 2)

    wanted = torch.zeros_like(window.wanted)
    wanted[8:] = torch.nan
    window = window._replace(wanted=wanted, weight=weight)
    one, other = (Told(Kind.LAST, 1, horizon, (0,), which) for which in (1, 0))
    assert _base.better(one, other, window) == (far / np.sqrt(8 / horizon) < 1)
    assert not _base.better(other, one, window)


@pytest.mark.parametrize(("rate", "kind"), [(0.5, Kind.SMOOTHED), (1.0, Kind.LAST)])
def test_a_walk_starts_from_its_last_value_and_a_noisy_one_from_smoothing(
    rate: float, kind: Kind, monkeypatch: pytest.MonkeyPatch
):
    """Against a mean and the last value alone: a ridge regression can be either."""
    monkeypatch.setattr(
        forecaster, "fitted_line", lambda train, valid, base, lags: base._replace(kind=Kind.LAST)
    )
    generator = np.random.default_rng(5)
    shocks = generator.standard_normal(120)
    level = np.r_[0.0, np.cumsum(rate * shocks)[:-1]]  # exponential smoothing is the best forecast of this
    model = plain(context=16, valid=0.4).fit(level + shocks)
    assert model.base_.kind is kind


def test_columns_known_ahead_are_measured_before_the_part_to_choose_by():
    """Means and deviations of what is there; one that never varies counts as it is."""
    rows = DICE.normal(size=(40, 4))
    rows[:, 1], rows[5, 3] = 4.0, np.nan
    rows[33:, [1, 3]] = 1e6
    for hole, holes in ((None, False), (31, True), (33, False)):
        values = rows.copy()
        if hole:
            values[hole, 2] = np.nan
        whole = Panel(
            columns=("y", "a", "x", "b"),
            series=(
                Series(name="", values=values),
                Series(name="2", values=np.add(values[:20], [0, 0, 0, 1])),
            ),
            targets=("y",),
            known=("a", "b"),
        )
        found = plain(valid=0.175, context=4).fit(whole)._columns()
        both = np.r_[rows[:33, 3], rows[:16, 3] + 1]
        assert (found.columns, found.known, found.holes) == (4, (1, 3), holes)
        np.testing.assert_allclose(found.centre, [4.0, np.nanmean(both)])
        np.testing.assert_allclose(found.spread, [1.0, np.nanstd(both)])


def test_what_is_known_of_a_step_meets_the_state_by_hand():
    ahead = Ahead(2, torch.tensor([1.0, 5.0]).double(), torch.tensor([2.0, 4.0]).double(), 3)
    for part in ahead.parameters():
        torch.nn.init.normal_(part)
    stream, told = torch.randn(2, 4, 2), 3 * torch.randn(2, 4, 5, 2).double()
    told[1, 2, 3, 0] = torch.nan
    with torch.no_grad():
        found = ahead(stream, told)
        assert found.shape == (2, 4, 5, 3)
        for at in np.ndindex(2, 4, 5):
            known = ((told[at] - torch.tensor([1.0, 5.0])) / torch.tensor([2.0, 4.0])).float()
            known[known.isnan()] = 0.0
            mixed = ahead.state.weight @ stream[at[:2]] + ahead.state.bias + ahead.known.weight @ known
            torch.testing.assert_close(found[at], ahead.out.weight @ torch.nn.functional.gelu(mixed))


@pytest.mark.parametrize("holes", [False, True])
def test_a_line_by_hand(holes: bool):
    """Of each target by itself, weighed, without answers of which a part was not measured."""
    y = DICE.normal(size=(60, 2)).cumsum(0) * [1, 50]
    y[:9, 1] = 3.0  # a flat context has a small weight
    if holes:
        y[30, 0], y[36, 1] = np.nan, np.nan
    windows = Windows(panel(y), context=6, origins=3, horizon=2)
    train = windows.at(Place(np.zeros(30, int), np.arange(8, 38)))
    valid = windows.by(1).at(Place(np.zeros(12, int), np.arange(45, 57)))
    base = Base(Kind.LEVEL, 6, 2, (0, 1))
    weights = []
    for target in range(2):
        rows, answers = [], []
        for window in range(30):
            seen = train.seen[window, :, target].numpy()
            weight = train.weight[window, target].item()
            for origin in range(3):
                last = seen[5 + origin]
                answer = weight * (train.wanted[window, origin, :, target].numpy() - last)
                if np.isfinite(answer).all():
                    lags = np.r_[seen[5 + origin - 4 : 5 + origin] - last, 1.0]
                    rows.append(weight * lags)
                    answers.append(answer)
        assert (len(rows) < 90) == holes
        weights.append(ridge(np.array(rows), np.array(answers), _base.ALPHAS))
    lines = [base._replace(kind=Kind.LINE, weight=weight) for weight in np.stack(weights, 1)]
    errors = [_base.error(line, valid) for line in lines]
    found = _base.fitted_line(train, valid, base, 4)
    assert found.kind is Kind.LINE and found.weight is not None
    np.testing.assert_allclose(found.weight, lines[int(np.argmin(errors))].weight, rtol=1e-9)
    read = found.read(valid.seen.numpy())
    for window in range(12):
        for target in range(2):
            seen = valid.seen[window, :, target].numpy()
            lags = np.r_[seen[1:5] - seen[5], 1.0]
            np.testing.assert_allclose(
                read[window, 0, :, target], seen[5] + lags @ found.weight[target], rtol=1e-9
            )
