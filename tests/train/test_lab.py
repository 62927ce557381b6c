"""A training goes on where it stopped, bit for bit; divergence is said; bad checkpoints are refused."""

import json
import math
import signal
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import pytest
import torch
from torch import nn

from tests.fresh import warm
from wavetrain.core import Batch
from wavetrain.errors import BadInput
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.parts import saved
from wavetrain.parts.reader import Reader
from wavetrain.tasks.recall.adding import Adding
from wavetrain.train import lab
from wavetrain.train.fit import examine
from wavetrain.train.lab import Lab, Mark, News, Plan, curve

PLAN = Plan(steps=30, batch=8, rate=1e-2, every=7, held_out=20)


def make() -> Reader:
    return Reader(Elman(6, inputs=2), 1, every_step=False)


class Stopped(Exception):
    pass


def test_resumes_bit_for_bit(tmp_path: Path) -> None:
    whole = Lab(tmp_path / "whole", 3).fit("a", make, Adding(5), replace(PLAN, drops=((20, 10.0),)))

    def stop(news: News) -> None:
        if news.step == 21:
            raise Stopped

    cut = Lab(tmp_path / "cut", 3, tell=stop, save_every=0)
    with pytest.raises(Stopped):
        cut.fit("a", make, Adding(5), replace(PLAN, drops=((20, 10.0),)))
    later = Lab(tmp_path / "cut", 3).fit("a", make, Adding(5), replace(PLAN, drops=((20, 10.0),)))
    assert later.marks == whole.marks
    for ours, theirs in zip(later.network.parameters(), whole.network.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    lines = (tmp_path / "cut" / "metrics" / "a.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [7, 14, 21, 28, 30]


def test_a_finished_training_is_read_not_run(tmp_path: Path) -> None:
    first = Lab(tmp_path, 0).fit("a", make, Adding(5), PLAN)
    told: list[News] = []
    second = Lab(tmp_path, 0, tell=told.append).fit("a", make, Adding(5), PLAN)
    assert not told and second.marks == first.marks


def test_looks_at_other_batches_too(tmp_path: Path) -> None:
    others = Adding(9).valid(), Adding(5).test()
    first = Lab(tmp_path, 0).fit("a", make, Adding(5), PLAN, others=others)
    assert first.marks == Lab(tmp_path, 0).fit("a", make, Adding(5), PLAN, others=others).marks
    end = tuple(examine(first.network, batch, Adding(5).objective) for batch in others)
    assert first.marks[-1].others == end and len({mark.others for mark in first.marks}) == 5
    assert Lab(tmp_path, 0).fit("b", make, Adding(5), PLAN).marks[0].others == ()


def test_the_rate_drops(tmp_path: Path) -> None:
    plan = replace(PLAN, drops=((10, 2.0), (20, 5.0)))
    assert [plan.rate_at(step) for step in (0, 9, 10, 20)] == [1e-2, 1e-2, 5e-3, 1e-3]
    training = Lab(tmp_path, 0).fit("a", make, Adding(5), plan)
    assert training.optimiser.param_groups[0]["lr"] == 1e-3


def test_without_memory_adam_goes_by_the_sign_of_the_gradient(tmp_path: Path) -> None:
    """Betas of 0: a step of the learning rate in every weight that has a gradient, up or down."""
    start = make_alike()
    plan = replace(PLAN, steps=3, rate=0.5, betas=(0.0, 0.0))
    end = Lab(tmp_path, 0).fit("a", make_alike, Adding(5), plan)
    moves = [
        (one - two).detach().abs() / plan.rate
        for one, two in zip(end.network.parameters(), start.parameters(), strict=True)
    ]
    moved = torch.cat([one.flatten() for one in moves])
    torch.testing.assert_close(moved, moved.round(), rtol=0, atol=1e-4)
    assert set(moved.round().tolist()) <= {0.0, 1.0, 3.0} and (moved > 0.5).float().mean() > 0.9


def make_alike() -> Reader:
    torch.manual_seed(5)
    return make()


def test_usual_betas_are_those_of_adam_and_others_go_on_where_a_training_stopped(tmp_path: Path) -> None:
    usual = Lab(tmp_path / "usual", 0).fit("a", make, Adding(5), PLAN)
    named = Lab(tmp_path / "named", 0).fit("a", make, Adding(5), replace(PLAN, betas=(0.9, 0.999)))
    other = Lab(tmp_path / "other", 0).fit("a", make, Adding(5), replace(PLAN, betas=(0.9, 0.9)))
    assert usual.marks == named.marks != other.marks
    half = Lab(tmp_path / "half", 0).fit("a", make, Adding(5), replace(PLAN, steps=14, betas=(0.9, 0.9)))
    assert half.marks == other.marks[:2]
    whole = Lab(tmp_path / "half", 0).fit("a", make, Adding(5), replace(PLAN, betas=(0.9, 0.9)))
    assert whole.marks == other.marks and whole.optimiser.param_groups[0]["betas"] == (0.9, 0.9)


@pytest.mark.parametrize("stopped", [None, 7, 10, 11, 20])
def test_each_step_is_taken_at_its_rate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stopped: int | None
) -> None:
    """Steps 1 to 10, 11 to 20, 21 to 30; also where the training is left at a step and taken up again."""
    plan, rates, step = replace(PLAN, every=1, drops=((10, 2.0), (20, 5.0))), [], torch.optim.Adam.step

    def watched(optimiser: torch.optim.Adam) -> object:
        rates.append(optimiser.param_groups[0]["lr"])
        return step(optimiser)

    def stop(news: News) -> None:
        if news.step == stopped:
            raise Stopped

    monkeypatch.setattr(torch.optim.Adam, "step", watched)
    if stopped is not None:
        with pytest.raises(Stopped):
            Lab(tmp_path, 0, tell=stop, save_every=0).fit("a", make, Adding(5), plan)
        assert len(rates) == stopped
        rates.pop()  # its look was not over, so this step is not saved but taken again
    assert Lab(tmp_path, 0).fit("a", make, Adding(5), plan).done == 30
    assert rates == [1e-2] * 10 + [5e-3] * 10 + [1e-3] * 10


@dataclass(frozen=True)
class Slow(Adding):
    """Each batch takes half a second, on a clock that nothing else moves."""

    now: ClassVar[list[float]] = [100.0]

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        self.now[0] += 0.5 * (batch == PLAN.batch)  # of those to train on
        return super().draw(batch, generator)


def test_progress_is_told_and_kept_by_the_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two steps a second, also of one that goes on; saved after more than 2 seconds, and at the end."""
    monkeypatch.setattr(lab.time, "perf_counter", lambda: Slow.now[0])
    kept: list[int] = []
    save = lab.Training.save

    def watched(training: lab.Training, path: Path) -> None:
        kept.append(training.done)
        save(training, path)

    monkeypatch.setattr(lab.Training, "save", watched)
    told: list[News] = []

    def stop(news: News) -> None:
        told.append(news)
        if news.step == 21:
            raise Stopped

    with pytest.raises(Stopped):
        Lab(tmp_path / "seed", 0, tell=stop, save_every=2.0).fit("a", make, Slow(5), PLAN)
    assert kept == [5, 10, 15, 20]
    end = Lab(tmp_path / "seed", 0, tell=told.append, save_every=2.0).fit("a", make, Slow(5), PLAN)
    assert kept[4:] == [25, 30]
    steps = [7, 14, 21, 21, 28, 30]
    assert [(one.run, one.name, one.step, one.steps) for one in told] == [("seed", "a", n, 30) for n in steps]
    assert [one.speed for one in told] == [2.0] * 6
    looks = [told[0], told[1], *told[3:]]
    assert [(one.step, one.loss, one.score) for one in looks] == [mark[:3] for mark in end.marks]
    lines = [json.loads(line) for line in (tmp_path / "seed/metrics/a.jsonl").read_text().splitlines()]
    assert [Mark(**{**line, "others": tuple(line["others"])}) for line in lines] == end.marks


def test_a_loss_is_the_mean_of_all_steps_since_the_last_look(tmp_path: Path) -> None:
    each = Lab(tmp_path / "each", 0).fit("a", make, Adding(5), replace(PLAN, every=1)).marks
    for mark, first in zip(
        Lab(tmp_path, 0).fit("a", make, Adding(5), PLAN).marks, range(0, 30, 7), strict=True
    ):
        mean = sum(one.loss for one in each[first : mark.step]) / (mark.step - first)
        assert mark.loss == pytest.approx(mean, rel=1e-12)


def test_without_a_plan_for_more_it_looks_every_hundred_steps_at_all_there_is() -> None:
    plan = Plan(1, 2, 0.1)
    assert (plan.every, plan.clip, plan.until, plan.drops, plan.held_out) == (100, None, None, (), None)


def test_stops_when_satisfied(tmp_path: Path) -> None:
    training = Lab(tmp_path, 0).fit("a", make, Adding(5), replace(PLAN, until=lambda mark: mark.step >= 14))
    assert (training.done, training.solved, training.stopped) == (14, 14, True)
    never = Lab(tmp_path, 0).fit("b", make, Adding(5), replace(PLAN, until=lambda mark: False))
    assert (never.solved, never.stopped) == (30, False)


class Explosion(nn.Module):
    """Diverges at once."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(1e30))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (self.scale * x.sum((1, 2)) ** 3).unsqueeze(-1)


def test_divergence_is_reported_as_such(tmp_path: Path) -> None:
    training = Lab(tmp_path, 0).fit("a", Explosion, Adding(5), PLAN)
    assert training.diverged and math.isnan(training.score) and training.done == 7
    again = Lab(tmp_path, 0).fit("a", Explosion, Adding(5), PLAN)
    assert again.diverged


def test_search_prefers_first_solved_then_score_and_never_divergence(tmp_path: Path) -> None:
    plans = {f"{rate}": replace(PLAN, rate=rate) for rate in (1e-9, 1e-2, 1e12)}
    label, best = Lab(tmp_path, 0).best("a", make, Adding(5), plans)
    assert label == "0.01" and best.plan.rate == 1e-2
    label, _ = Lab(tmp_path / "b", 0).best("a", make, Adding(5), plans, prefer=lambda one: one.plan.rate)
    assert label == "1e-09"


def test_tuned_trains_with_what_had_the_least_loss(tmp_path: Path) -> None:
    lab = Lab(tmp_path, 0)
    training = lab.tuned("a", make, Adding(5), PLAN, trial=10, rates=(1e-9, 1e-2), clips=(None, 1.0))
    assert training.done == PLAN.steps and training.plan.rate == 1e-2
    losses = {
        name: json.loads((tmp_path / "metrics" / f"a-{name}.jsonl").read_text().splitlines()[-1])["loss"]
        for name in ("1e-09-None", "1e-09-1.0", "0.01-None", "0.01-1.0")
    }
    assert min(losses, key=lambda name: losses[name]) == f"0.01-{training.plan.clip}"
    picture = curve("title", {"a": training}, "score")
    assert picture.x.tolist() == [7, 14, 21, 28, 30] and picture.labels == ("a",)
    assert picture.lines[0, -1] == training.score


class Ends(Lab):
    """A lab whose trainings are over at once, with what stands here; it keeps what it was asked."""

    ends: dict[str, SimpleNamespace]
    asked: dict[str, Plan]

    def fit(self, name, make, task, plan, rule=None, others=()):
        self.asked = {**getattr(self, "asked", {}), name: plan}
        return self.ends.get(name, SimpleNamespace(plan=plan, name=name))


def end(score: float, *, stopped: bool = False, done: int = 30, diverged: bool = False, loss: float = 1.0):
    return SimpleNamespace(
        score=score, stopped=stopped, done=done, diverged=diverged, marks=[Mark(done, loss, score)]
    )


@pytest.mark.parametrize(
    ("one", "two", "higher", "best"),
    [
        (end(0.5), end(0.7), True, "two"),
        (end(0.5), end(0.7), False, "one"),
        (end(0.7), end(0.5), True, "one"),
        (end(0.1, stopped=True), end(0.9), True, "one"),  # who is satisfied comes before who scores
        (end(0.9, stopped=True, done=20), end(0.1, stopped=True, done=10), True, "two"),
        (end(0.1, stopped=True, done=20), end(0.9, stopped=True, done=20), True, "two"),
        (end(0.9, done=20), end(0.8, done=10), True, "one"),  # steps count for those alone who are satisfied
        (end(math.nan, diverged=True), end(-5.0), True, "two"),
        (end(0.5), end(0.5), True, "one"),  # the first of equals
    ],
)
def test_which_training_of_a_search_is_the_best(
    tmp_path: Path, one: SimpleNamespace, two: SimpleNamespace, higher: bool, best: str
) -> None:
    place = Ends(tmp_path, 0)
    place.ends = {"a-one": one, "a-two": two}
    task = SimpleNamespace(objective=SimpleNamespace(higher=higher))
    label, training = place.best("a", make, task, {"one": PLAN, "two": PLAN})  # type: ignore[arg-type]
    assert label == best and training is {"one": one, "two": two}[best]
    plans, places = {"one": PLAN, "two": PLAN}, [id(one), id(two)]  # then the least of what is preferred
    first, _ = place.best("a", make, task, plans, lambda end: places.index(id(end)))  # type: ignore[arg-type]
    last, _ = place.best("a", make, task, plans, lambda end: -places.index(id(end)))  # type: ignore[arg-type]
    assert (first, last) == ("two" if one.diverged else "one", "two")


@pytest.mark.parametrize(("trial", "every"), [(3, 3), (7, 7), (20, 7)])
def test_trials_are_short_and_have_no_end_of_their_own(tmp_path: Path, trial: int, every: int) -> None:
    place, plan = Ends(tmp_path, 0), replace(PLAN, until=lambda mark: True)
    place.ends = {
        f"a-{label}": SimpleNamespace(plan=replace(plan, rate=rate, clip=clip), **vars(end(0.0, loss=loss)))
        for label, rate, clip, loss in (
            ("0.1-None", 0.1, None, 3.0),
            ("0.1-2.0", 0.1, 2.0, 1.0),
            ("1e-05-None", 1e-5, None, 2.0),
            ("1e-05-2.0", 1e-5, 2.0, 4.0),
        )
    }
    task = SimpleNamespace(objective=SimpleNamespace(higher=True))
    training = place.tuned("a", make, task, plan, trial, (0.1, 1e-5), (None, 2.0))  # type: ignore[arg-type]
    assert training.plan == replace(plan, rate=0.1, clip=2.0) and list(place.asked) == [*place.ends, "a"]
    for name in place.ends:
        short = place.asked[name]
        assert (short.steps, short.every, short.until, short.batch) == (trial, every, None, plan.batch)


def test_two_trainings_of_one_name_are_refused(tmp_path: Path) -> None:
    lab = Lab(tmp_path, 0)
    lab.fit("a", make, Adding(5), PLAN)
    with pytest.raises(BadInput, match="called 'a'"):
        lab.fit("a", make, Adding(5), PLAN)


@pytest.mark.parametrize("damage", ["cut", "rubbish", "empty"])
def test_damaged_checkpoints_are_refused_and_kept(tmp_path: Path, damage: str) -> None:
    Lab(tmp_path, 0).fit("a", make, Adding(5), PLAN)
    path = tmp_path / "checkpoints" / "a.safetensors"
    content = {"cut": path.read_bytes()[:-10], "rubbish": b"x" * 100, "empty": b""}[damage]
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"a\.safetensors"):
        Lab(tmp_path, 0).fit("a", make, Adding(5), PLAN)
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("done", None),
        ("done", "30"),
        ("done", True),
        ("done", -1),
        ("done", 10**9),
        ("marks", None),
        ("marks", 3),
        ("marks", [[1, 2.0]]),
        ("diverged", 1),
        ("stopped", "no"),
    ],
)
def test_checkpoints_with_wrong_words_are_refused(tmp_path: Path, key: str, value: object) -> None:
    Lab(tmp_path, 0).fit("a", make, Adding(5), PLAN)
    path = tmp_path / "checkpoints" / "a.safetensors"
    tensors, words = saved.load(path)
    saved.save(path, tensors, words | {key: value})
    with pytest.raises(BadInput, match=r"a\.safetensors does not fit this training") as caught:
        Lab(tmp_path, 0).fit("a", make, Adding(5), PLAN)
    assert "\n" not in str(caught.value)


def test_what_does_not_fit_is_said(tmp_path: Path) -> None:
    """The last line of the error of whoever read it, and the name of an error that says nothing."""
    Lab(tmp_path, 0).fit("a", make, Adding(5), PLAN)
    path = tmp_path / "checkpoints" / "a.safetensors"
    tensors, words = saved.load(path)
    saved.save(path, tensors, words | {"done": -1})
    with pytest.raises(BadInput, match=r"does not fit this training \(its counts are -1, False and False\)"):
        Lab(tmp_path, 0).fit("a", make, Adding(5), PLAN)


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    Lab(tmp_path, 0).fit("a", make, Adding(5), PLAN)

    def wider() -> Reader:
        return Reader(Elman(7, inputs=2), 1, every_step=False)

    with pytest.raises(BadInput, match="does not fit"):
        Lab(tmp_path, 0).fit("a", wider, Adding(5), PLAN)


def test_looks_do_not_change_the_training(tmp_path: Path) -> None:
    often = Lab(tmp_path / "often", 0).fit("a", make, Adding(5), replace(PLAN, every=1))
    rarely = Lab(tmp_path / "rarely", 0).fit("a", make, Adding(5), replace(PLAN, every=30))
    assert often.marks[-1].score == rarely.marks[-1].score
    assert isinstance(often.marks[0], Mark)


def command(out: Path) -> list[str]:
    words = "run wave_rnn_waves wave_rnn_adding --scale smoke --seeds 1 --jobs 1 --save-every 0 --json"
    return ["-m", "wavetrain.cli", *words.split(), "--out", str(out)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of the command, left alone."""
    out = tmp_path_factory.mktemp("whole")
    assert warm(*command(out)).returncode == 0
    return out


KILLED = """
import os, signal, sys, threading, time
from pathlib import Path

from wavetrain.cli import main

out, saves, words = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]


def kill() -> None:
    seen = set()
    while len(seen) < saves:  # each a file of its own, which is moved over the one before
        seen |= {path.stat().st_mtime_ns for path in out.glob("*/checkpoints/*.safetensors")}
        time.sleep(0.0005)
    os.kill(os.getpid(), signal.SIGKILL)


threading.Thread(target=kill, daemon=True).start()
main(words)
"""


@pytest.mark.slow
@pytest.mark.parametrize("saves", [2, 5])
def test_kill_9_and_the_same_command_again(tmp_path: Path, whole: Path, saves: int) -> None:
    """A real process is killed while it trains; the same command ends with the same figures."""

    def figures(out: Path) -> list[object]:
        paths = sorted((out / "results").glob("*.json"))
        return [(path.name, json.loads(path.read_text())["figures"]) for path in paths]

    cut = tmp_path / "cut"
    killed = warm("-c", KILLED, str(cut), str(saves), *command(cut)[2:])
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not list((cut / "results").glob("*adding*"))
    assert warm(*command(cut)).returncode == 0
    assert figures(cut) == figures(whole)
    assert len(figures(whole)) == 2
