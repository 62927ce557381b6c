"""Trainings of a lab in several processes: figures of one process, one writer, a way back after a stop."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from torch import Tensor, nn

from tests.together import Together, together
from wavetrain.core import VALUES, Batch, Objective
from wavetrain.errors import BadInput
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.parts import saved
from wavetrain.parts.reader import Reader
from wavetrain.rules.e_prop import EProp
from wavetrain.tasks.recall.adding import Adding
from wavetrain.train.lab import Lab, News, Plan
from wavetrain.train.ranks import here

PLAN = Plan(steps=30, batch=7, rate=1e-2, every=7, held_out=19, clip=1.0, drops=((20, 10.0),))
Told = tuple[list[tuple[float, ...]], list[Tensor], list[News], list[str]]


class Lossy(Reader):
    """Part of the input is lost at random while it learns."""

    def __init__(self) -> None:
        super().__init__(Elman(6, inputs=2), 1, every_step=False)
        self.lose = nn.Dropout(0.3)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(self.lose(x))


def make() -> Reader:
    return Reader(Elman(6, inputs=2), 1, every_step=False).double()


@dataclass(frozen=True)
class Precise(Adding):
    """In float64, which shows more than rounding."""

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        return Batch(*(part.double() for part in super().draw(batch, generator)))


def _fitted(folder: Path, plan: Plan, make: Callable[[], nn.Module] = make, stop: int = 0) -> Told:
    told: list[News] = []

    def tell(news: News) -> None:
        told.append(news)
        if news.step == stop:
            raise Stopped

    task = Precise(5) if make is not Lossy else Adding(5)
    lab = Lab(folder, 3, tell=tell, save_every=0 if stop else 10)
    end = lab.fit("a", make, task, plan, others=[task.test()])
    marks = [(one.step, one.loss, one.score, *one.others) for one in end.marks]
    written = [str(path.relative_to(folder)) for path in sorted(folder.rglob("*.*"))]
    return marks, [one.detach() for one in end.network.parameters()], told, written


class Stopped(Exception):
    pass


@pytest.mark.parametrize(
    ("world", "plan"),
    [(2, PLAN), (3, PLAN), (2, replace(PLAN, pieces=2)), (2, replace(PLAN, sharded=True))],
    ids=("two", "three", "in pieces", "sharded"),
)
def test_figures_are_those_of_one_process(tmp_path: Path, world: int, plan: Plan) -> None:
    marks, weights, told, written = _fitted(tmp_path / "one", replace(plan, pieces=1, sharded=False))
    found = together(world, _fitted, tmp_path / "many", plan)
    for rank, (theirs, others, news, files) in enumerate(found):
        for ours, mark in zip(marks, theirs, strict=True):
            assert mark == pytest.approx(ours, rel=1e-10)
        assert theirs == found[0][0]
        for one, two, three in zip(weights, others, found[0][1], strict=True):
            torch.testing.assert_close(two, one, rtol=0, atol=1e-10)
            assert torch.equal(two, three)
        assert [one.step for one in news] == ([] if rank else [one.step for one in told])
        if not rank:
            assert files == written
    lines = (tmp_path / "many" / "metrics" / "a.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [7, 14, 21, 28, 30]


@pytest.mark.parametrize("sharded", [False, True])
def test_what_is_kept_is_what_one_process_keeps(tmp_path: Path, sharded: bool) -> None:
    """Of a training over, the same names and shapes, whoever trained it and however."""
    _fitted(tmp_path / "one", PLAN)
    together(2, _fitted, tmp_path / "two", replace(PLAN, sharded=sharded))
    ours, theirs = (saved.load(tmp_path / one / "checkpoints" / "a.safetensors")[0] for one in ("one", "two"))
    assert {name: one.shape for name, one in ours.items()} == {
        name: one.shape for name, one in theirs.items() if not name.startswith("shared.1.")
    }
    assert {name for name in theirs if name.startswith("shared.1.")} == {"shared.1.torch"}
    for name, one in ours.items():
        torch.testing.assert_close(theirs[name], one, rtol=1e-9, atol=1e-10)


def _stopped(folder: Path, plan: Plan, stop: int) -> str:
    try:
        _fitted(folder, plan, Lossy, stop)
    except (Stopped, ChildProcessError) as error:
        return type(error).__name__
    return ""


@pytest.mark.parametrize("plan", [PLAN, replace(PLAN, sharded=True)], ids=("plain", "sharded"))
def test_goes_on_bit_for_bit(tmp_path: Path, plan: Plan) -> None:
    """With dropout, of which each process draws its own. The first fails at a look; the other ends too."""
    plan = replace(plan, every=3, steps=9)
    whole = together(2, _fitted, tmp_path / "whole", plan, Lossy)
    assert together(2, _stopped, tmp_path / "cut", plan, 6) == ["Stopped", "ChildProcessError"]
    later = together(2, _fitted, tmp_path / "cut", plan, Lossy)
    for one, two in zip(whole, later, strict=True):
        assert one[0] == two[0]
        for ours, theirs in zip(one[1], two[1], strict=True):
            assert torch.equal(ours, theirs)
    assert [news.step for news in later[0][2]] == [6, 9]


def _first_draws(folder: Path) -> list[Tensor]:
    """What dropout lost in each process: all ones that are kept."""
    lab, kept = Lab(folder, 0), []

    class Watched(Lossy):
        def forward(self, x: Tensor) -> Tensor:
            if self.training:
                kept.append(self.lose(torch.ones(50)))
            return super().forward(x)

    lab.fit("a", Watched, Adding(5), Plan(steps=2, batch=4, rate=1e-2))
    return kept


def test_each_process_draws_noise_of_its_own_and_the_first_what_one_draws(tmp_path: Path) -> None:
    one = _first_draws(tmp_path / "one")
    first, second = together(2, _first_draws, tmp_path / "two")
    assert torch.equal(one[0], first[0]) and not torch.equal(first[0], second[0])


@pytest.mark.parametrize("worlds", [(1, 2), (2, 1), (2, 3), (3, 2)])
def test_goes_on_with_another_number_of_processes(tmp_path: Path, worlds: tuple[int, int]) -> None:
    before, after = worlds
    marks, weights, *_ = _fitted(tmp_path / "one", PLAN)
    together(before, _fitted, tmp_path / "many", replace(PLAN, steps=14))
    marks_before = _steps_of(tmp_path / "many")
    for theirs, others, news, _ in together(after, _fitted, tmp_path / "many", PLAN):
        assert [mark[0] for mark in theirs] == [mark[0] for mark in marks] and marks_before == [7, 14]
        for one, two in zip(weights, others, strict=True):
            torch.testing.assert_close(two, one, rtol=0, atol=1e-10)
        assert [one.step for one in news] in ([], [21, 28, 30])


def _steps_of(folder: Path) -> list[int]:
    lines = (folder / "metrics" / "a.jsonl").read_text().splitlines()
    return [json.loads(line)["step"] for line in lines]


@dataclass(frozen=True)
class Rows(Adding):
    """Ten sequences, of which the rows that are drawn are noted."""

    noted: ClassVar[list[int]] = []
    slow: float = 0.0

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        found = super().draw(10, torch.Generator().manual_seed(0))
        rows = torch.randint(10, (batch,), generator=generator)
        self.noted.extend(rows.tolist())
        time.sleep(self.slow)
        return Batch(*(part[rows] for part in found))


def _noted(folder: Path, steps: int, save_every: float = 10.0, slow: float = 0.0) -> list[int]:
    Rows.noted.clear()
    plan = Plan(steps=steps, batch=3, rate=1e-2, every=100)
    Lab(folder, 0, save_every=save_every).fit("a", Lossy, Rows(5, slow=slow), plan)
    return list(Rows.noted)


def _weights(folder: Path) -> dict[str, Tensor]:
    return saved.load(folder / "checkpoints" / "a.safetensors")[0]


def _noted_in_turn(folder: Path, stops: tuple[int, ...]) -> list[list[int]]:
    """What is drawn by a training that is never stopped, and by those that are, before and after."""
    found = [_noted(folder / "whole", 7)]
    for stop in stops:
        found += [_noted(folder / str(stop), steps) for steps in (stop, 7)]
    return found


def test_no_draw_is_lost_or_made_twice_by_a_stop(tmp_path: Path) -> None:
    held, stops = 2 * 1000, tuple(range(1, 7))  # what looks draw is no batch
    first, second = together(2, _noted_in_turn, tmp_path, stops)
    assert first == second
    whole = _batches(first[0], held)
    for place, stop in enumerate(stops):
        before, after = (_batches(one, held) for one in first[1 + 2 * place : 3 + 2 * place])
        assert len(before) == 3 * stop and before + after == whole
        ours, theirs = _weights(tmp_path / "whole"), _weights(tmp_path / str(stop))
        for name in ours:
            assert torch.equal(ours[name], theirs[name]) or name == "losses"


def _batches(noted: list[int], held: int) -> list[int]:
    return noted[held // 2 :]


def test_killed_at_any_moment_all_end_and_go_on(tmp_path: Path) -> None:
    """One process is killed outright while they learn, after a checkpoint that the clock has asked for."""
    whole = together(2, _noted, tmp_path / "whole", 40)
    group = Together(2, _noted, tmp_path / "cut", 40, 0.2, 0.05)
    checkpoint = tmp_path / "cut" / "checkpoints" / "a.safetensors"
    end = time.monotonic() + 30
    while not checkpoint.exists() and time.monotonic() < end:
        time.sleep(0.02)
    group.kill(1)
    first, killed = group.results(20)
    assert killed is None and isinstance(first, ChildProcessError)
    done = saved.load(checkpoint)[1]["done"]
    assert 0 < done < 40
    later = together(2, _noted, tmp_path / "cut", 40)
    assert _batches(later[0], 2000) == _batches(whole[0], 2000)[3 * done :]
    ours, theirs = _weights(tmp_path / "whole"), _weights(tmp_path / "cut")
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def _failing(folder: Path, who: int) -> None:
    class Fails(Reader):
        def forward(self, x: Tensor) -> Tensor:
            if self.training and here().rank == who:
                raise BadInput("expected better rows")
            return super().forward(x)

    Lab(folder, 0).fit("a", lambda: Fails(Elman(6, inputs=2), 1, every_step=False), Adding(5), PLAN)


@pytest.mark.parametrize("who", [0, 1])
def test_where_one_fails_the_others_end(tmp_path: Path, who: int) -> None:
    found = Together(2, _failing, tmp_path, who).results(30)
    assert isinstance(found[who], BadInput) and isinstance(found[1 - who], ChildProcessError)


def _with_rule(folder: Path) -> None:
    Lab(folder, 0).fit("a", make, Precise(5), PLAN, rule=EProp())


def test_a_rule_that_needs_whole_batches_is_one_line(tmp_path: Path) -> None:
    for one in Together(2, _with_rule, tmp_path).results():
        assert isinstance(one, BadInput) and str(one).startswith("EProp learns from whole batches")


class Averages(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm, self.read = nn.BatchNorm1d(2), nn.Linear(2, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.read(self.norm(x[:, -1]))


def _averaged(folder: Path) -> None:
    Lab(folder, 0).fit("a", Averages, Adding(5), replace(PLAN, every=2))


def test_what_keeps_statistics_of_its_rows_is_refused(tmp_path: Path) -> None:
    for one in Together(2, _averaged, tmp_path).results():
        assert isinstance(one, BadInput) and "norm.running_mean of the network is not the same" in str(one)


@dataclass(frozen=True)
class Peculiar(Precise):
    """A loss that is no mean over answers."""

    objective: ClassVar[Objective] = replace(
        VALUES, loss=lambda output, y: ((output - y) ** 2).mean().sqrt(), count=None
    )


def _peculiar(folder: Path) -> list[float]:
    return [mark.loss for mark in Lab(folder, 0).fit("a", make, Peculiar(5), PLAN).marks]


def test_a_loss_that_is_no_mean_is_that_of_one_process(tmp_path: Path) -> None:
    one = _peculiar(tmp_path / "one")
    for theirs in together(3, _peculiar, tmp_path / "three"):
        assert theirs == pytest.approx(one, rel=1e-10)
