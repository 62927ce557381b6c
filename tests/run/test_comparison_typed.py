"""A record of a comparison as one to work with: each fact in its place, and none where there is none."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from wavetrain.evidence.comparison import (
    Chance,
    Context,
    Figures,
    Judged,
    Record,
    Simple,
    Source,
    Timings,
)
from wavetrain.run import contestants, own
from wavetrain.run.comparison import typed
from wavetrain.run.forecasts import digest
from wavetrain.tables.panel import panel

GRU = Figures(
    layer="gru",
    family="gates",
    width=4,
    parameters=99,
    rate=0.25,
    scores=(0.5, 1.5),
    score=1.0,
    spread=0.7,
    diverged=(),
    state_bytes=16,
    context=Context(mean=2.5, reach=7, crop={"sequences": 1, "steps": 2, "of": 3}, picture="a.npz"),
    metrics={"MAE": 1.25},
    columns={"y": 0.75},
    model="models/gru",
)
ELMAN = replace(
    GRU, layer="elman", scores=(0.5, None), score=None, spread=None, diverged=(1,), context=None, model=""
)
LAST = Simple(name="last", score=2.0, metrics={"MAE": 3.0}, columns={}, seconds=0.5, model="models/last")
RECORD = Record(
    data=Source(source="a.csv", name="a", what="rows"),
    measure="MASE",
    higher=False,
    chance=Chance(score=1.75, answer="the last value"),
    terms={"seeds": [0, 1]},
    left_out={"s4": "too wide"},
    figures=(GRU, ELMAN),
    timings={
        name: Timings(training_tokens_per_second=tokens, microseconds_per_step=tokens / 8, routes={})
        for name, tokens in (("gru", 10), ("elman", 20))
    },
    pictures={"gru": "operators/gru.png"},
    environment={},
    folder="here",
    baselines=(LAST, replace(LAST, name="ridge", model="", score=None)),
    verdict=Judged(says="It does.", advice="gru", earns=True, chosen=("gru", "last")),
)


@pytest.fixture(autouse=True)
def tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table is its name."""
    for name in ("scores", "comparison"):
        monkeypatch.setattr(f"wavetrain.run.comparison.{name}", lambda record, name=name: f"the {name}")
    monkeypatch.setattr("wavetrain.run.comparison.columns_table", lambda found: found)
    monkeypatch.setattr("wavetrain.run.comparison.plain_text", lambda found: found)


def test_each_fact_is_in_its_place() -> None:
    found = typed(RECORD)
    assert (found.data, found.what, found.measure, found.higher) == ("a", "rows", "MASE", False)
    assert (found.chance, found.chance_answer, found.folder) == (1.75, "the last value", Path("here"))
    assert (found.verdict, found.advice, found.left_out) == ("It does.", "gru", {"s4": "too wide"})
    assert str(found) == found.table == "the scores" and found.model == Path("here/models/gru")
    one, two = found.rows
    assert found.best is one
    assert (one.layer, one.family, one.width, one.parameters, one.rate) == ("gru", "gates", 4, 99, 0.25)
    assert (one.score, one.spread, one.scores, one.diverged) == (1.0, 0.7, (0.5, 1.5), ())
    assert (one.state_bytes, one.tokens_per_second, one.microseconds_per_step) == (16, 10, 1.25)
    assert (one.mean_reach, one.most_within, one.picture) == (2.5, 7, Path("here/operators/gru.png"))
    assert (one.metrics, one.columns, one.model) == ({"MAE": 1.25}, {"y": 0.75}, Path("here/models/gru"))
    assert (two.layer, two.tokens_per_second, two.microseconds_per_step) == ("elman", 20, 2.5)
    assert two.score is two.spread is two.mean_reach is two.most_within is two.picture is two.model is None
    assert (two.scores, two.diverged) == ((0.5, None), (1,))
    last, ridge = found.baselines
    assert (last.name, last.score, last.metrics, last.seconds) == ("last", 2.0, {"MAE": 3.0}, 0.5)
    assert last.model == Path("here/models/last") and ridge.model is ridge.score is None


def test_without_baselines_there_is_no_verdict() -> None:
    found = typed(replace(RECORD, baselines=(), verdict=None))
    assert (found.verdict, found.advice, found.baselines) == ("", "gru", ())
    assert found.table == "the comparison" and found.model is None


def test_what_a_layer_costs_follows_from_its_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five windows of eight rows in a twentieth of a second; a step of a stream in 2.34 microseconds."""
    x = SimpleNamespace(shape=(4, 8, 3), device="cpu")
    monkeypatch.setattr(contestants, "_inputs", lambda model, past: Windows(x))
    crops, streamed = list[Any](), list[Any]()
    monkeypatch.setattr(contestants.looks, "crop", lambda *given: crops.append(given) or "crop")
    monkeypatch.setattr(contestants.looks, "stream", lambda stack, x: streamed.append((stack, x)))
    monkeypatch.setattr(contestants.looks, "seconds", lambda steps, device: 2.34e-6)
    monkeypatch.setattr(contestants.looks, "state_bytes", lambda stack, x: 16)
    monkeypatch.setattr(contestants.looks, "context", lambda *given, **named: GRU.context)
    model = SimpleNamespace(
        network_=SimpleNamespace(stack="stack"), horizon=6, speed=lambda: SimpleNamespace(step=0.05)
    )
    found = SimpleNamespace(name="mine", facts={})
    entry = SimpleNamespace(
        name="mine", found=found, width=4, parameters=9, folder=tmp_path, terms=SimpleNamespace(batch=5)
    )
    part = contestants._looked(entry, model, 0.5, SimpleNamespace(targets=("y", "z")))  # type: ignore[arg-type]
    assert part.timings.training_tokens_per_second == 800 and part.timings.microseconds_per_step == 2.3
    assert crops == [(4, 8, 3 * 6 * 2)] and streamed == [("stack", "the first")]
    assert (part.figures.family, part.figures.state_bytes, part.figures.model) == ("", 16, "models/mine")


class Windows:
    """Windows of which the first is asked for."""

    def __init__(self, x: Any):
        self.shape, self.device = x.shape, x.device

    def __len__(self) -> int:
        return 4

    def __getitem__(self, part: slice) -> str:
        assert part == slice(None, 1)
        return "the first"


def changed() -> Iterator[Any]:
    """The same rows, and others in one thing."""
    rows = np.arange(60.0)
    usual = {"horizon": 3, "window": 8}
    yield own.series(panel(rows), own.Roles(), **usual)  # type: ignore[arg-type]
    for values, asked in ((rows + (np.arange(60) == 0), usual), (rows + (np.arange(60) == 59), usual)):
        yield own.series(panel(values), own.Roles(), **asked)  # type: ignore[arg-type]
    yield own.series(panel([rows, rows]), own.Roles(), **usual)  # type: ignore[arg-type]
    yield own.series(panel(np.stack([rows, rows], 1)), own.Roles(), **usual)  # type: ignore[arg-type]


def test_a_digest_tells_every_row_apart() -> None:
    found = [digest(one.split) for one in changed()]
    assert len(set(found)) == 5 and found == [digest(one.split) for one in changed()]
    split = next(changed()).split
    assert digest(split) != digest(replace(split, firsts=(1,)))
