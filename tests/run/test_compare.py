"""Comparisons: each kind of data from file to table, one budget for all, and nothing lost when killed."""

import dataclasses
import importlib
import json
import math
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from wavetrain import find
from wavetrain.core import Task
from wavetrain.errors import BadInput
from wavetrain.evidence.comparison import Record, read_record
from wavetrain.evidence.shape import written
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.report.tables import comparison, scores
from wavetrain.run import looks
from wavetrain.run.chosen import founders
from wavetrain.run.compare import compare_layers
from wavetrain.run.contender import build, crop_of, fitting_width
from wavetrain.run.pools import Processes
from wavetrain.run.terms import Terms
from wavetrain.tables.load import load
from wavetrain.tasks.recall.adding import Adding
from wavetrain.tasks.recall.copying import Copying
from wavetrain.train.lab import Lab, News

module = importlib.import_module("wavetrain.run.compare")
TINY = Terms(parameters=600, steps=4, batch=4, depth=1, rates=(1e-3, 1e-2), search=0.5, seeds=(0, 1))
TWO = ("elman", "softmax_attention")
LABELS = np.arange(40) % 3


@pytest.fixture
def drawn() -> None:
    """For a test that asks for pictures."""


@pytest.fixture(autouse=True)
def short_operators(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking at long ones takes the most time, and drawing them, where nobody asks for pictures."""
    monkeypatch.setattr(looks, "LONGEST", 6)
    if "drawn" not in request.fixturenames:
        request.getfixturevalue("undrawn")


def quiet(news: News) -> None:
    pass


def run(source: str, out: Path, layers=TWO, terms: Terms = TINY, tell=quiet) -> Record:
    return compare_layers(source, layers, terms, out, "cpu", Processes(1), tell)


def source_of(kind: str, folder: Path) -> str:
    """A small file of each kind, or the name of a task."""
    draw = np.random.default_rng(0)
    x, path = draw.normal(size=(40, 9, 2)), folder / f"mine.{kind if kind in ('csv', 'txt') else 'npz'}"
    match kind:
        case "csv":
            path.write_text("\n".join(f"{a},{b}" for a, b in draw.normal(size=(120, 2)).cumsum(0)))
        case "txt":
            path.write_bytes(bytes(draw.integers(97, 101, 1400).astype(np.uint8)))
        case "labels":
            np.savez(path, x=x, y=LABELS)
        case "values":
            np.savez(path, x=x, y=x[:, :2, 0])
        case "labels a step":
            np.savez(path, x=x, y=(x[..., 0] > 0).astype(int))
        case "values a step":
            np.savez(path, x=x, y=x[..., 0].cumsum(1))
        case "tokens":
            np.savez(path, x=draw.integers(0, 4, (40, 9)), y=LABELS)
        case _:
            return kind
    return str(path)


KINDS = ("csv", "txt", "labels", "values", "labels a step", "values a step", "tokens")


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_data_from_file_to_table(tmp_path: Path, kind: str, drawn: None):
    result = run(source_of(kind, tmp_path), tmp_path / "out")
    assert {one.layer for one in result.figures} == set(TWO)
    scores = [one.score for one in result.figures]
    assert scores == sorted(scores, reverse=result.higher)  # best first
    for one in result.figures:
        assert len(one.scores) == 2 and one.diverged == () and one.spread >= 0
        assert one.rate in TINY.rates and 0 < one.parameters <= 660
        assert 0 <= one.context.mean <= one.context.crop["steps"] - 1
        assert one.state_bytes > 0
        assert result.timings[one.layer].training_tokens_per_second > 0
        assert result.timings[one.layer].microseconds_per_step > 0
        assert (Path(result.folder) / result.pictures[one.layer]).read_bytes()[:4] == b"\x89PNG"
    columns = comparison(result)
    assert {len(cells) for cells in columns.values()} == {3}
    assert columns["layer"][-1] == "chance" and result.measure in columns
    json.dumps(written(result), allow_nan=False)
    assert read_record(Path(result.folder) / "result.json") == result


def test_state_is_measured_at_the_end_of_a_sequence(tmp_path: Path):
    result = run(source_of("labels", tmp_path), tmp_path / "out")
    figures = {one.layer: one for one in result.figures}
    assert figures["elman"].state_bytes == 4 * figures["elman"].width
    width = figures["softmax_attention"].width
    assert figures["softmax_attention"].state_bytes == 9 * (2 * 4 * width + 1)  # keys, values, and a mark


def test_a_comparison_that_is_over_is_read(tmp_path: Path):
    source = source_of("labels", tmp_path)
    first = run(source, tmp_path / "out")
    assert re.fullmatch(r"compare-\w+-[0-9a-f]{8}", Path(first.folder).name)
    assert run(source, tmp_path / "out", tell=None) == first  # type: ignore[arg-type]  (nothing is told)
    assert run(source, tmp_path / "out", terms=dataclasses.replace(TINY, steps=3)).folder != first.folder
    (Path(first.folder) / "result.json").write_text('{"measure": 3}')
    with pytest.raises(BadInput, match=r"result\.json: `data` must be dict, got null; delete it"):
        run(source, tmp_path / "out")
    np.savez(source, x=np.ones((40, 9)), y=LABELS)
    assert run(source, tmp_path / "out").folder != first.folder


class Killed(Exception):
    """As from outside."""


@pytest.mark.parametrize("after", [3, 14])
def test_resumed_is_equal_to_uninterrupted(tmp_path: Path, after: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Lab.__init__, "__defaults__", ("cpu", quiet, 0.0, None))  # a checkpoint every step
    source, told = source_of("labels", tmp_path), []

    def kill(news: News) -> None:
        told.append(news)
        if len(told) == after:
            raise Killed

    with pytest.raises(Killed):
        run(source, tmp_path / "killed", tell=kill)
    assert not list(tmp_path.glob("killed/*/result.json"))
    resumed, whole = run(source, tmp_path / "killed"), run(source, tmp_path / "whole")
    assert resumed.figures == whole.figures


def test_two_processes_give_the_same_figures(tmp_path: Path, warm_workers: None):
    source, told = source_of("labels", tmp_path), []
    terms = dataclasses.replace(TINY, seeds=(0,))
    two = compare_layers(source, TWO, terms, tmp_path / "two", "cpu", Processes(2), told.append)
    one = compare_layers(source, TWO, terms, tmp_path / "one", "cpu", Processes(1), quiet)
    assert two.figures == one.figures
    names = {re.sub(r"^compare-\w+-[0-9a-f]{8}-", "", news.run) for news in told}
    assert names == {"elman-seed0", "softmax_attention-seed0"}


def test_a_training_that_diverges_is_no_figure(tmp_path: Path):
    terms = dataclasses.replace(TINY)
    object.__setattr__(terms, "rates", (1e30,))  # which Terms would not have
    result = run(source_of("values", tmp_path), tmp_path / "out", ("elman",), terms)
    (figures,) = result.figures
    assert figures.diverged and figures.score is None and figures.spread is None
    assert None in figures.scores
    assert comparison(result)["R²"][0].startswith("diverged (")
    table = scores(result)  # one row for each layer and baseline, whatever a layer that diverged lacks
    assert {len(column) for column in table.values()} == {1 + len(result.baselines)}
    assert table["R²"][-1].startswith("diverged (") and table["R²"][0] != ""
    json.dumps(written(result), allow_nan=False)


@pytest.mark.parametrize("found", find.members("layers"), ids=lambda found: found.name)
@pytest.mark.parametrize(
    "task, terms",
    [(Adding(), Terms(2_000)), (Adding(), Terms(20_000)), (Copying(), Terms(20_000, depth=1))],
    ids=str,
)
def test_the_budget_is_kept(found: find.Found, task: Task, terms: Terms):
    """Of parameters that learn: what is fixed at random, as in a reservoir, costs nothing."""

    def trained(width: int) -> int:
        stack = build(found.load(), width, task, terms.depth)
        learn = (part for part in stack.parameters() if part.requires_grad)
        return sum(part.numel() * (1 + part.is_complex()) for part in learn)

    least = trained(1)
    if least > 1.1 * terms.parameters:  # no width is narrow enough: that is said, not passed over
        with pytest.raises(BadInput, match=f"{found.name}: expected a budget of at least"):
            fitting_width(found, task, terms)
        return
    width, parameters = fitting_width(found, task, terms)
    assert parameters == trained(width) and parameters <= 1.1 * terms.parameters
    assert parameters > 0.85 * terms.parameters or trained(width + 1) > 1.1 * terms.parameters  # coarse steps


def test_what_does_not_fit_is_left_out_of_the_default(tmp_path, monkeypatch):
    """A state space of 64 x 64 is more than 600 parameters: left out by default, refused when asked for."""
    named = [find.named(name, ("layers",)) for name in ("elman", "lssl")]
    monkeypatch.setattr(module, "founders", lambda: named)
    result = run(source_of("values", tmp_path), tmp_path / "out", None, TINY)
    assert [one.layer for one in result.figures] == ["elman"]
    assert "lssl: expected a budget of at least" in result.left_out["lssl"]
    with pytest.raises(BadInput, match="lssl: expected a budget"):
        run(source_of("values", tmp_path), tmp_path / "out", ("lssl",), TINY)


@pytest.mark.parametrize("order", [("lssl", "elman"), ("elman", "lssl")])
def test_what_does_not_fit_is_left_out_wherever_it_stands(tmp_path, monkeypatch, order: tuple[str, ...]):
    named = [find.named(name, ("layers",)) for name in order]
    monkeypatch.setattr(module, "founders", lambda: named)
    terms = dataclasses.replace(TINY, steps=1, seeds=(0,), rates=(1e-3,))
    result = run(source_of("values", tmp_path), tmp_path / "out", None, terms)
    assert [one.layer for one in result.figures] == ["elman"] and set(result.left_out) == {"lssl"}


@pytest.mark.parametrize("count", [1, 2])
def test_where_nothing_fits_that_is_said(tmp_path, monkeypatch, count: int):
    named = [find.named(name, ("layers",)) for name in ("s4", "lssl")]
    monkeypatch.setattr(module, "founders", lambda: named[-count:])
    with pytest.raises(BadInput, match="lssl: expected a budget of at least"):
        run(source_of("values", tmp_path), tmp_path / "out", None, dataclasses.replace(TINY, parameters=60))


@pytest.mark.parametrize("period", [1, 2, 3, 7, 8])
def test_the_width_is_the_nearest_that_there_is(period: int):
    """Of a layer that can only have every second, third ... eighth width, against trying them all."""

    def make(width: int) -> Elman:
        if width % period:
            raise BadInput(f"expected a multiple of {period}")
        return Elman(width)

    found = SimpleNamespace(name="coarse", load=lambda: make)
    sizes = {
        width: sum(part.numel() for part in build(Elman, width, Adding(), 1).parameters())
        for width in range(period, 60, period)
    }
    for budget in range(800, 6000, 650):
        wanted = min(
            (width for width in sizes if sizes[width] <= 1.1 * budget),
            key=lambda width, budget=budget: abs(sizes[width] - budget),
        )
        got = fitting_width(found, Adding(), Terms(budget, depth=1))  # type: ignore[arg-type]
        assert got == (wanted, sizes[wanted])


def test_a_complex_parameter_counts_as_two():
    class Turned(Elman):
        def __init__(self, width: int):
            super().__init__(width)
            self.turn = torch.nn.Parameter(torch.zeros(100, dtype=torch.complex64))

    def trained(width: int) -> int:
        return sum(part.numel() for part in build(Elman, width, Adding(), 1).parameters()) + 200

    found = SimpleNamespace(name="turned", load=lambda: Turned)
    width, parameters = fitting_width(found, Adding(), Terms(3000, depth=1))  # type: ignore[arg-type]
    assert parameters == trained(width)


def test_a_budget_too_small_is_one_clear_line():
    with pytest.raises(BadInput, match=r"elman: expected a budget of at least \d+ parameters .* got 10"):
        fitting_width(find.named("elman"), Adding(), Terms(10))


def test_the_width_search_leaves_the_generator_alone():
    state = torch.get_rng_state()
    fitting_width(find.named("lstm"), Adding(), Terms(1000))
    assert torch.equal(state, torch.get_rng_state())


def test_by_default_there_is_the_oldest_layer_of_each_family():
    layers = find.members("layers")
    names = {one.name: one for one in founders()}
    assert {one.facts["family"] for one in layers} == {one.facts["family"] for one in names.values()}
    assert len(names) == len({one.facts["family"] for one in layers})
    assert {"elman", "lstm"} <= set(names) and "identity_rnn" not in names


def test_long_sequences_are_looked_at_in_part(tmp_path: Path):
    assert crop_of(Adding(100), 40) == (4, 6, 100)
    assert crop_of(Adding(3), 40) == (4, 3, 3)
    wide = dataclasses.replace(load("digits").task, inputs=1024, outputs=1024)  # type: ignore[type-var]
    assert crop_of(wide, 40) == (1, 4, 64)
    tokens = load(source_of("tokens", tmp_path)).task
    assert crop_of(tokens, 40) == (4, 6, 9)  # 40 x 40 floats for each of 6 x 6 pairs of steps
    assert crop_of(tokens, 4096) == (1, 2, 9)  # as many as there may be, for a single pair
    assert crop_of(tokens, 1024) == (1, 4, 9)
    assert crop_of(tokens, 512) == (1, 6, 9)
    assert crop_of(tokens, 482) == (2, 6, 9)  # 482**2 is just below half of 2**24 / 36


BAD = {
    "parameters": dict(parameters=0),
    "steps": dict(steps=-1),
    "learning rates": dict(rates=(1e-3, math.nan)),
    "search": dict(search=0.0),
    "seeds": dict(seeds=(1, 1)),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_terms_are_one_clear_line(what: str):
    with pytest.raises(BadInput, match=f"compare: expected .*{what}"):
        Terms(**BAD[what])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "most"), [("parameters", 10**8), ("steps", 10**9), ("batch", 10**6), ("depth", 1000)]
)
def test_sizes_have_their_limits(name: str, most: int):
    assert getattr(Terms(**{name: most}), name) == most
    for bad in (0, most + 1):
        with pytest.raises(BadInput, match=f"compare: expected {name} above 0, at most {most:,}, got {bad}"):
            Terms(**{name: bad})


def test_a_wrong_layer_or_file_leaves_nothing_behind(tmp_path: Path):
    with pytest.raises(BadInput, match="no layer is called 'elmann'; did you mean elman"):
        run("adding", tmp_path / "out", layers=("elmann",))
    with pytest.raises(BadInput, match="no such file"):
        run("absent.csv", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_all_takes_every_layer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of sequences of three steps. Their operators are not drawn: half of the time."""
    monkeypatch.setattr(looks, "draw_operators", lambda folder, figures: {})
    short = np.random.default_rng(0).normal(size=(40, 3, 2))
    np.savez(tmp_path / "short.npz", x=short, y=LABELS)
    terms = Terms(parameters=3000, steps=2, batch=4, depth=1, rates=(1e-3,), search=0.5, seeds=(0,))
    result = run(str(tmp_path / "short.npz"), tmp_path, ("all",), terms)
    every = {one.name for one in find.members("layers")}
    assert {one.layer for one in result.figures} | set(result.left_out) == every
    assert len(result.left_out) <= 1, result.left_out
    assert all(one.score is not None for one in result.figures)
