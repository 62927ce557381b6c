"""One layer of a comparison: what is searched, trained, scored and timed, and what is kept of it."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from wavetrain import find
from wavetrain.core import CLASSES, Batch, Recorded
from wavetrain.evidence.comparison import Context, Timings
from wavetrain.parts.stack import MLP, Answer
from wavetrain.run import contender
from wavetrain.run.answers import Answers
from wavetrain.run.contender import Entry, build, execute, measure
from wavetrain.run.looks import Crop
from wavetrain.run.terms import Terms
from wavetrain.train.lab import News, Plan
from wavetrain.train.ranks import ALONE

ROWS = torch.randn(12, 7, 3, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(12) % 2


def recorded(tokens: bool = False, every_step: bool = False) -> Recorded:
    parts = [Batch(ROWS[part], LABELS[part]) for part in (slice(5), slice(5, 8), slice(8, 12))]
    return Recorded(*parts, 3, 2, tokens=tokens, every_step=every_step, objective=CLASSES, chance=0.5)


TASK = recorded()
TERMS = Terms(depth=2, steps=110, batch=6, rates=(0.1, 0.003), search=0.07, seeds=(4, 2, 7), clip=0.5)


def entry(folder: Path, terms: Terms = TERMS, reading: Any = None, place: str = "") -> Entry:
    found = find.named("elman")
    if place:
        found = SimpleNamespace(name="mine", place=place, facts={}, load=found.load)  # type: ignore[assignment]
    return Entry(found, 4, 99, Crop(2, 5, 7), "a file", terms, folder, "cpu", reading)


@pytest.fixture
def data(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """What the source of an entry is read as."""
    found = SimpleNamespace(task=TASK, spread=False)
    monkeypatch.setattr(contender, "load", lambda source: found if source == "a file" else None)
    return found


class Rehearsed:
    """A lab that trains nothing and notes what it is asked for."""

    made: list[Any]
    searched: list[Any]
    trained: list[Any]
    diverged: tuple[int, ...]

    def __init__(self, folder: Path, seed: int, device: str, tell: Callable[[News], None]):
        self.seed, self.device = seed, torch.device(device)
        self.made.append((folder, seed, device, tell))

    def best(
        self, name: str, make: Callable[[], Answer], task: Any, plans: dict[str, Plan], rule: None
    ) -> Any:
        self.searched.append((self.seed, name, task, plans))
        return "0.003", None

    def fit(self, name: str, make: Callable[[], Answer], task: Any, plan: Plan, rule: None) -> Any:
        network = make()
        self.trained.append((self.seed, name, task, plan, network))
        return SimpleNamespace(network=network, diverged=self.seed in self.diverged)


@pytest.fixture
def rehearsed(data: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> type[Rehearsed]:
    """Scores are 0.5 and more, in the order of the seeds; the last one of three is infinite if 7 is bad."""

    class Own(Rehearsed):
        made, searched, trained, diverged = [], [], [], ()  # type: ignore[var-annotated]

    scores = {4: 0.5, 2: 0.75, 7: 0.625}

    def examined(network: nn.Module, batch: Batch, objective: Any) -> float:
        assert torch.equal(batch.x, ROWS[8:]) and objective is CLASSES
        return next(scores[one[0]] for one in Own.trained if one[-1] is network)

    monkeypatch.setattr(contender, "Lab", Own)
    monkeypatch.setattr("wavetrain.run.searched.examine", examined)
    monkeypatch.setattr(contender, "_timings", lambda network, task, terms: TIMINGS)
    Own.scores = scores  # type: ignore[attr-defined]
    return Own


TIMINGS = Timings(training_tokens_per_second=3, microseconds_per_step=1.5, routes={})


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The stacks and sequences that an operator was asked of."""
    found = list[Any]()

    def context(stack: nn.Module, x: torch.Tensor, part: Crop, **named: Any) -> Context:
        found.append((stack, x, part, named, stack.training))
        return Context(mean=1.5, reach=3, crop=part._asdict(), picture="a.npz")

    monkeypatch.setattr(contender.looks, "context", context)
    return found


def test_rates_are_searched_on_the_first_seed_and_all_are_trained_with_the_best(
    tmp_path: Path, rehearsed: type[Rehearsed], seen: list[Any]
) -> None:
    tell = [].append
    part = execute(entry(tmp_path), tell)
    assert rehearsed.made == [(tmp_path / f"elman-seed{seed}", seed, "cpu", tell) for seed in (4, 2, 7)]
    ((seed, name, task, plans),) = rehearsed.searched
    assert (seed, name, task) == (4, "search", TASK)
    assert plans == {
        "0.1": Plan(8, 6, 0.1, 0.5, every=8, held_out=500),  # 7 % of 110 steps
        "0.003": Plan(8, 6, 0.003, 0.5, every=8, held_out=500),
    }
    assert [one[:2] for one in rehearsed.trained] == [(4, "train"), (2, "train"), (7, "train")]
    for _, _, task, plan, network in rehearsed.trained:
        assert task is TASK and plan == Plan(110, 6, 0.003, 0.5, every=22, held_out=500)
        assert [type(layer).__name__ for layer in network.stack.layers] == ["Elman", "Elman"]
    found = part.figures
    assert found.scores == (0.5, 0.75, 0.625) and found.score == 0.625
    assert found.spread == pytest.approx(0.125) and found.diverged == ()  # sqrt(2 / 64 / 2)
    assert (found.layer, found.width, found.parameters, found.rate) == ("elman", 4, 99, 0.003)
    assert found.family == find.named("elman").facts["family"] and found.model == ""
    assert found.state_bytes == 2 * 4 * 4  # two layers of four floats
    assert found.context is not None and part.timings == TIMINGS
    ((stack, x, crop, named, training),) = seen
    assert stack is rehearsed.trained[0][-1].stack and torch.equal(x, ROWS[8:]) and not training
    assert crop == (2, 5, 7) and named == {"name": "elman", "folder": tmp_path, "encoded": False}
    kept = contender.answers.read(tmp_path / "elman.npz")
    assert kept.valid.shape == (3, 3, 2) and kept.test.shape == (3, 4, 2)
    rehearsed.trained.clear()
    assert execute(entry(tmp_path), tell) == part and not rehearsed.trained  # what is over is read


@pytest.mark.parametrize(("steps", "short", "every"), [(3, 1, 1), (4, 1, 1), (10, 1, 2), (22, 2, 4)])
def test_the_shortest_trainings_have_a_step_and_a_look(
    steps: int, short: int, every: int, tmp_path: Path, rehearsed: type[Rehearsed], seen: list[Any]
) -> None:
    execute(entry(tmp_path, Terms(steps=steps, search=0.07, rates=(0.003,), seeds=(2,))), print)
    (plan,) = rehearsed.searched[0][-1].values()
    assert (plan.steps, plan.every) == (short, short)
    assert (rehearsed.trained[0][3].steps, rehearsed.trained[0][3].every) == (steps, every)


def test_one_seed_has_no_spread_and_two_have_one(
    tmp_path: Path, rehearsed: type[Rehearsed], seen: list[Any]
) -> None:
    for seeds, score, spread in (((2,), 0.75, None), ((4, 2), 0.625, 0.125 * 2**0.5)):
        folder = tmp_path / f"{len(seeds)}"
        folder.mkdir()
        rehearsed.trained.clear()
        found = execute(entry(folder, Terms(depth=1, seeds=seeds)), print).figures
        assert found.score == score and found.diverged == ()
        assert found.spread == (None if spread is None else pytest.approx(spread))


@pytest.mark.parametrize(
    ("diverged", "infinite", "bad", "looked"),
    [((4,), None, (4,), 1), ((4, 7), None, (4, 7), 1), ((), 2, (2,), 0), ((4, 2), 7, (4, 2, 7), None)],
)
def test_a_seed_that_diverged_leaves_no_figure_and_the_first_that_did_not_is_looked_at(
    diverged: tuple[int, ...],
    infinite: int | None,
    bad: tuple[int, ...],
    looked: int | None,
    tmp_path: Path,
    rehearsed: type[Rehearsed],
    seen: list[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rehearsed.diverged = diverged
    if infinite is not None:
        rehearsed.scores[infinite] = float("inf")  # type: ignore[attr-defined]
    found = execute(entry(tmp_path), print).figures
    assert found.diverged == bad and found.score is None and found.spread is None
    assert [score is None for score in found.scores] == [seed in bad for seed in (4, 2, 7)]
    if looked is None:
        assert found.context is None and not seen
    else:
        assert [one[0] for one in seen] == [rehearsed.trained[looked][-1].stack]


def test_answers_are_those_for_whole_sequences_alone(
    tmp_path: Path, rehearsed: type[Rehearsed], seen: list[Any], data: SimpleNamespace
) -> None:
    data.task = recorded(every_step=True)
    execute(entry(tmp_path), print)
    assert not (tmp_path / "elman.npz").exists()
    assert all(one[-1].every_step for one in rehearsed.trained)


@pytest.mark.parametrize("place", ["", "mine.py:Mine"])
def test_what_answers_sequences_of_a_file_is_kept(
    place: str, tmp_path: Path, data: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under the place that a layer of one's own is found again by."""
    given = list[Any]()

    def of_layer(*parts: Any, **named: Any) -> Any:
        given.append((parts, named))
        return SimpleNamespace(save=lambda folder: given.append(folder))

    monkeypatch.setattr(contender, "of_layer", of_layer)
    one, network = entry(tmp_path, reading="a reading", place=place), object()
    data.spread = True
    name = "mine" if place else "elman"
    assert contender._kept(one, data, network, 0.25) == f"models/{name}"  # type: ignore[arg-type]
    named = {"layer": place or "elman", "width": 4, "depth": 2, "rate": 0.25}
    assert given == [((network, data, "a reading"), named), tmp_path / "models" / name]
    given.clear()
    for spread, reading, task in ((False, "a", TASK), (True, None, TASK), (True, "a", recorded(True))):
        data.spread, data.task = spread, task
        one = entry(tmp_path, reading=reading)
        assert contender._kept(one, data, network, 0.25) == "" and not given  # type: ignore[arg-type]


@pytest.fixture
def clocked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """A step of a training takes half a second, one of a stream 2.34 microseconds, a test a quarter."""
    asked = list[Any]()

    def fit(*given: Any) -> Any:
        asked.append(given)
        return iter(())

    def elapsed(work: Callable[[], object], device: torch.device) -> float:
        work()
        return 0.25

    times = iter([0.5, 2.34e-6])
    monkeypatch.setattr(contender, "fit", fit)
    monkeypatch.setattr(contender.looks, "seconds", lambda steps, device: next(times))
    monkeypatch.setattr(contender.looks, "elapsed", elapsed)
    monkeypatch.setattr(contender, "examine", lambda *given, together: asked.append(given))
    return asked


def as_asked(given: Any, steps: int) -> None:
    network, task, _, optimiser, generator, batch, some, clip, *shared_with = given
    assert all(one is ALONE for one in shared_with)
    assert task is TASK and (batch, some, clip) == (6, range(steps), 0.5)
    assert optimiser.param_groups[0]["lr"] == 0 and generator.initial_seed() == 0
    assert set(optimiser.param_groups[0]["params"]) == set(network.parameters())


def test_a_budget_is_planned_by_four_steps_and_four_tests(
    tmp_path: Path, data: SimpleNamespace, clocked: list[Any]
) -> None:
    found = measure(entry(tmp_path), print)
    assert found.fixed == 4 * 0.25 and found.course(7) == 3.5
    as_asked(clocked[0], 4)
    network, batch, objective = clocked[1]
    assert network is clocked[0][0] and objective is CLASSES and torch.equal(batch.x, ROWS[8:])


def test_timings_are_of_fourteen_steps_and_of_one_stream(
    clocked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    streamed = list[Any]()
    monkeypatch.setattr(contender.looks, "stream", lambda *given: streamed.append(given))
    network = Answer(build(find.named("elman").load(), 4, TASK, 2), every_step=False).eval()
    found = contender._timings(network, TASK, TERMS)
    assert found.training_tokens_per_second == 84  # 6 sequences of 7 steps in half a second
    assert found.microseconds_per_step == 2.3 and network.training
    as_asked(clocked[0], 14)
    ((stack, x),) = streamed
    assert stack is network.stack and torch.equal(x, ROWS[8:9])


def test_each_layer_stands_in_a_stack_with_a_plain_mlp() -> None:
    widths = list[int]()

    def make(width: int) -> Any:
        widths.append(width)
        return find.named("elman").load()(width)

    stack = build(make, 5, TASK, 3)
    assert widths == [5, 5, 5] and (stack.inputs, stack.decode[-1].out_features) == (3, 2)
    assert [type(one) for one in stack.mlps] == [type(one) for _ in range(3) for one in MLP.PLAIN.build(5)]


def test_answers_have_a_seed_a_sequence_and_a_class() -> None:
    """As the networks give them, of the two parts."""
    networks = [Answer(build(find.named("elman").load(), 4, TASK, 1), every_step=False) for _ in range(2)]
    found = contender.answers.answered(networks, TASK)
    with torch.no_grad():
        wanted = Answers(
            *(torch.stack([one.eval()(x) for one in networks]).numpy() for x in (ROWS[5:8], ROWS[8:]))
        )
    for one, two in zip(found, wanted, strict=True):
        assert one == pytest.approx(two, abs=1e-6)
