"""One contestant: what it is handed over, what is asked of it, and how its learning rate is chosen."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from wavetrain import find
from wavetrain.estimators import Forecaster
from wavetrain.evidence.comparison import Context, Part
from wavetrain.run import contestants
from wavetrain.run.contestants import (
    Answers,
    Entry,
    Question,
    Simplest,
    Simply,
    baselines,
    ends,
    execute,
    read_answers,
    read_split,
    rolled,
    write_split,
)
from wavetrain.run.terms import Terms
from wavetrain.tables.baselines import LastValue
from wavetrain.tables.panel import panel
from wavetrain.tables.split import in_time
from wavetrain.train.lab import News

QUESTION = Question(horizon=3, context=9, season=4)
TERMS = Terms(depth=3, steps=100, batch=5, rates=(0.1, 0.01, 0.5), search=0.07, seeds=(4, 2))


def entry(folder: Path, terms: Terms = TERMS) -> Entry:
    found = find.named("gru")
    return Entry(found=found, width=6, parameters=1, question=QUESTION, terms=terms, folder=folder)


def test_a_layer_stands_in_a_forecaster_of_these_terms(tmp_path: Path) -> None:
    model = entry(tmp_path).forecaster(steps=7, rate=0.25, seed=11)
    wanted = {
        "layer": "gru",
        "horizon": 3,
        "context": 9,
        "season": 4,
        "width": 6,
        "depth": 3,
        "steps": 7,
        "batch": 5,
        "rate": 0.25,
        "valid": 0.15,
        "random_state": 11,
    }
    given = model.get_params()
    assert {name: given[name] for name in wanted} == wanted
    usual = type(model)("gru").get_params()
    assert {name for name in given if name not in wanted and given[name] != usual[name]} == set()


def test_questions_have_defaults() -> None:
    one = Question()
    assert (one.horizon, one.metric.value, one.context, one.season) == (1, "mase", None, 1)


@pytest.mark.parametrize("season", [1, 2])
def test_without_a_season_there_is_no_seasonal_baseline(season: int) -> None:
    assert ("seasonal_naive" in baselines(Question(season=season))) is (season > 1)
    assert {"last_value", "ridge"} <= set(baselines(Question(season=season)))


def test_rows_are_handed_over_as_they_are(tmp_path: Path) -> None:
    split = in_time(panel([np.arange(40.0), np.arange(30.0)]), 3)
    write_split(split, tmp_path)
    found = read_split(tmp_path)
    assert found.firsts == split.firsts == (34, 26)
    for one, two in ((found.past, split.past), (found.test, split.test)):
        assert one.targets == two.targets
        for mine, theirs in zip(one.series, two.series, strict=True):
            np.testing.assert_array_equal(mine.values, theirs.values)


def test_answers_are_read_as_they_were_written(tmp_path: Path) -> None:
    one = Answers(*(np.full((1, 2, 3, 1), float(place)) for place in range(4)))
    one.write(tmp_path / "a.npz")
    found = read_answers(tmp_path / "a.npz")
    for name in ("valid", "test", "low", "high"):
        np.testing.assert_array_equal(getattr(found, name), getattr(one, name))
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


def test_the_validation_part_is_the_last_fifteen_of_a_hundred_rows() -> None:
    assert ends(panel([np.arange(100.0), np.arange(10.0)]), 3) == [85, 7]


def test_long_parts_are_scored_in_part() -> None:
    """Two million values at most: of 3 rows and 1000 columns 666 windows."""
    wide = panel(np.zeros((1100, 1000)))
    found = rolled(LastValue(horizon=3).rolling, wide, [10], Question(horizon=3, season=4))
    assert len(found.rows) == 666 and found.season == 4 and found.rows[0] == 10


class Tried:
    """A forecaster that errs as its learning rate says, and notes how it is fitted."""

    def __init__(self, asked: list[Any], steps: int, rate: float, seed: int):
        self.asked, self.steps, self.rate, self.seed = asked, steps, rate, seed

    def fit_told(self, past: Any, tell: Any) -> "Tried":
        self.asked.append((self.steps, self.rate, self.seed, past))
        self.history_ = [(1, 9.0), (2, abs(self.rate - 0.02)), (3, 8.0)]  # the best look counts
        tell(SimpleNamespace(step=3, loss=1.5, error=2.5, speed=4.5))
        return self


@pytest.mark.parametrize(("search", "short"), [(0.07, 7), (0.001, 1), (1.0, 100)])
def test_the_rate_is_that_which_errs_least_after_a_part_of_the_steps(
    search: float, short: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, news = list[Any](), list[News]()
    monkeypatch.setattr(
        Entry, "forecaster", lambda self, *, steps, rate, seed: Tried(asked, steps, rate, seed)
    )
    terms = Terms(steps=100, rates=(0.1, 0.01, 0.5), search=search, seeds=(4, 2))
    assert contestants._rate(entry(tmp_path, terms), "past", news.append) == 0.01  # type: ignore[arg-type]
    assert asked == [(short, rate, 4, "past") for rate in (0.1, 0.01, 0.5)]
    assert news[1] == News("gru-seed4", "search-0.01", 3, short, 1.5, 2.5, 4.5)
    asked.clear()
    one = Terms(rates=(0.3,))
    assert contestants._rate(entry(tmp_path, one), "past", news.append) == 0.3 and not asked  # type: ignore[arg-type]


def test_windows_that_are_looked_at_are_those_of_the_longest_series() -> None:
    asked = list[Any]()
    model = SimpleNamespace(
        ends_=[20, 50, 30], context_=9, origins_=4, inputs=lambda *given: asked.append(given)
    )
    contestants._inputs(model, "past")  # type: ignore[arg-type]
    model.ends_ = [10]  # hardly longer than a context
    contestants._inputs(model, "past")  # type: ignore[arg-type]
    for (past, series, rows), place, wanted in zip(asked, (1, 0), ([9, 21, 34, 46], [9] * 4), strict=True):
        assert past == "past" and series.tolist() == [place] * 4 and rows.tolist() == wanted


def test_a_baseline_is_fitted_once_for_each_part(tmp_path: Path) -> None:
    """And is read where it is over."""
    split = in_time(panel(np.arange(100.0)), 3)
    write_split(split, tmp_path)
    one = Simplest(name="last_value", question=QUESTION, folder=tmp_path)
    found = execute(one, lambda news: None)
    assert isinstance(found, Simply) and found.name == "last value" and found.model == "models/last_value"
    assert 0 <= found.seconds < 60 and round(found.seconds, 3) == found.seconds
    answers = read_answers(tmp_path / "last_value.npz")
    assert answers.valid.shape == (1, 11, 3, 1) and answers.test.shape == (1, 13, 3, 1)
    np.testing.assert_array_equal(answers.test[0, :, 0, 0], np.arange(84, 97))  # before rows 85, 86, ...
    np.testing.assert_array_equal(answers.valid[0, :, 2, 0], np.arange(71, 82))
    assert (answers.low <= answers.test).all() and (answers.high >= answers.test).all()
    (tmp_path / "last_value.npz").unlink()
    assert execute(one, lambda news: None) == found and not (tmp_path / "last_value.npz").exists()


@pytest.mark.slow
def test_a_layer_is_trained_for_each_seed_and_kept_of_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crops = list[Any]()  # looking takes the most time, and has tests of its own

    def context(stack: Any, x: Any, part: Any, *, name: str, folder: Path, encoded: bool) -> Context:
        crops.append((len(x), name, folder, encoded))
        return Context(mean=1.0, reach=2, crop=part._asdict(), picture="a.npz")

    monkeypatch.setattr(contestants.looks, "context", context)
    monkeypatch.setattr(contestants.looks, "LONGEST", 4)
    monkeypatch.setattr(contestants.looks, "STREAMED", 2)
    wave = np.sin(np.arange(100.0))
    split = in_time(panel(wave), 3)
    write_split(split, tmp_path)
    terms = Terms(depth=1, steps=1, batch=4, rates=(0.01,), seeds=(4, 2))
    news = list[News]()
    part = execute(entry(tmp_path, terms), news.append)
    assert isinstance(part, Part) and part.figures.rate == 0.01 and part.figures.model == "models/gru"
    assert {(one.run, one.name, one.steps) for one in news} == {
        ("gru-seed4", "train", 1),
        ("gru-seed2", "train", 1),
    }
    answers = read_answers(tmp_path / "gru.npz")
    assert answers.test.shape == answers.low.shape == answers.high.shape == (2, 13, 3, 1)
    assert not np.array_equal(answers.test[0], answers.test[1])
    first = Forecaster.load(tmp_path / "models" / "gru")
    assert (first.random_state, first.rate, first.steps) == (4, 0.01, 1)
    made = rolled(first.rolling, split.test, split.firsts, QUESTION).forecast
    np.testing.assert_allclose(answers.test[0], made, rtol=1e-9)
    low, high = first.intervals(split.test, np.zeros(13, int), np.arange(85, 98), coverage=0.9)
    np.testing.assert_allclose(answers.low[0], low, rtol=1e-9)
    np.testing.assert_allclose(answers.high[0], high, rtol=1e-9)
    assert (part.figures.family, part.figures.width) == (find.named("gru").facts["family"], 6)
    assert part.figures.scores == () and part.figures.score is None and part.figures.diverged == ()
    assert part.figures.context is not None
    assert part.figures.context.crop == {"sequences": 4, "steps": 4, "of": 8 + first.origins_}
    assert crops == [(4, "gru", tmp_path, False)]
    (tmp_path / "gru.npz").unlink()
    assert execute(entry(tmp_path, terms), news.append) == part and not (tmp_path / "gru.npz").exists()
