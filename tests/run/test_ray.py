"""Runs on Ray: nothing twice, nothing lost, whoever is killed when; the same figures as of processes here.

One Ray for the module, started here. Its workers are killed, never Ray itself.
"""

import dataclasses
import itertools
import json
import os
import signal
import statistics
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from wavetrain import find
from wavetrain.core import Batch
from wavetrain.errors import BadInput
from wavetrain.evidence.files import write_json
from wavetrain.evidence.result import Run
from wavetrain.evidence.shape import parsed, written
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.parts.reader import Reader
from wavetrain.run import runner
from wavetrain.run.order import Order
from wavetrain.run.pools import Pool, Processes, ray_cluster, ray_worker
from wavetrain.run.pools.ray_cluster import connected
from wavetrain.tasks.recall.adding import Adding
from wavetrain.train import lab as labs
from wavetrain.train.lab import Lab, News, Plan

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("ray") is None, reason="pip install 'wavetrain[cluster]'"),
]

STEPS, EVERY = 20, 5
PLAN = Plan(steps=STEPS, batch=4, rate=0.01, every=1)
WHEN = ("before", "amid", "after")


@pytest.fixture(scope="module")
def said() -> list[str]:
    return []


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, said: list[str]) -> Iterator[Pool]:
    with connected(2, "cpu", tmp_path_factory.mktemp("out"), said.append) as pool:
        yield pool


@dataclasses.dataclass(frozen=True)
class Piece:
    """One run of a task, and when its process dies the first time."""

    folder: Path
    seed: int
    dies: str = ""  # before, amid, after
    at: int = 0  # step


def squared(item: int, tell: Any) -> int:
    for step in range(item):
        tell((item, step))
    return item**2


def mark(piece: Piece, when: str) -> None:
    """Die here once."""
    died = piece.folder / f"died-{piece.seed}"
    if piece.dies == when and not died.exists():
        died.touch()
        os._exit(1)


def trained(piece: Piece, tell: Any) -> Run:
    """A training with a checkpoint every five steps, and its result in a file, as a run has it."""
    done = piece.folder / f"seed{piece.seed}" / "result.json"
    if done.exists():
        return parsed(Run, json.loads(done.read_text()))
    mark(piece, "before")
    clock = SimpleNamespace(now=0.0)
    task = Adding(5)
    draw = task.draw

    def counted(batch: int, generator: torch.Generator) -> Batch:
        if batch == PLAN.batch:  # and no held-out part
            clock.now += 1
            with (piece.folder / f"drawn-{piece.seed}").open("a") as file:
                file.write(f"{os.getpid()}\n")
        return draw(batch, generator)

    object.__setattr__(task, "draw", counted)
    before = labs.time
    labs.time = SimpleNamespace(perf_counter=lambda: clock.now)  # type: ignore[assignment]
    try:
        place = Lab(
            done.parent, piece.seed, tell=lambda news: told(piece, news, tell), save_every=EVERY - 0.5
        )
        training = place.fit("a", make, task, PLAN)
    finally:
        labs.time = before
    weights = {
        f"w{at}": float(one.detach().double().sum()) for at, one in enumerate(training.network.parameters())
    }
    run = Run(seed=piece.seed, figures={"score": training.score, **weights}, seconds=0.0, routes={})
    write_json(done, written(run))
    mark(piece, "after")
    return run


def told(piece: Piece, news: News, tell: Any) -> None:
    tell(news)
    if news.step == piece.at:
        mark(piece, "amid")


def make() -> Reader:
    return Reader(Elman(6, inputs=2), 1, every_step=False)


def table(pool: Pool, pieces: list[Piece], tell: Any = lambda news: None) -> dict[int, Run]:
    rows = [(piece.seed, run) for piece, run in pool.each(trained, pieces, tell)]
    assert len(rows) == len(pieces) == len(dict(rows))  # one row a run
    return dict(rows)


def steps(piece: Piece) -> list[int]:
    path = piece.folder / f"seed{piece.seed}" / "metrics" / "a.jsonl"
    return [json.loads(line)["step"] for line in path.read_text().splitlines()]


def test_all_news_come_in_order_and_before_the_result(cluster: Pool) -> None:
    heard = list[Any]()
    results = {}
    for item, result in cluster.each(squared, [3, 5, 200, 0], heard.append):
        assert [step for one, step in heard if one == item] == list(range(item))
        results[item] = result
    assert results == {3: 9, 5: 25, 200: 40_000, 0: 0} and cluster.jobs == 2
    assert list(cluster.each(squared, [], heard.append)) == []


@pytest.mark.parametrize("when", WHEN)
def test_a_run_that_dies_once_is_one_row_with_each_step_once(
    when: str, cluster: Pool, said: list[str], tmp_path: Path
) -> None:
    pieces = [Piece(tmp_path, seed, when if seed == 2 else "", at=13) for seed in range(4)]
    said.clear()
    found = table(cluster, pieces)
    assert said == ["a worker was lost; another takes up its work"]
    alone = tmp_path / "alone"
    alone.mkdir()
    assert found == table(Processes(1), [Piece(alone, seed) for seed in range(4)])
    for piece in pieces:
        assert steps(piece) == list(range(1, STEPS + 1))
        left = {path.name for path in (tmp_path / f"seed{piece.seed}").rglob("*") if path.is_file()}
        assert left == {"result.json", "a.jsonl", "a.safetensors", "a.safetensors.before"}


def test_a_lost_run_goes_on_from_its_last_checkpoint(cluster: Pool, tmp_path: Path) -> None:
    """Saved every five steps and killed at thirteen: steps eleven to twenty are done by another worker."""
    piece = Piece(tmp_path, 0, "amid", at=13)
    table(cluster, [piece])
    first, *_, last = drawn = (tmp_path / "drawn-0").read_text().split()
    assert first != last and [drawn.count(one) for one in (first, last)] == [13, 10]
    assert steps(piece) == list(range(1, STEPS + 1))


def test_a_damaged_checkpoint_costs_five_steps_and_is_said(
    cluster: Pool, said: list[str], tmp_path: Path
) -> None:
    piece = Piece(tmp_path, 0, "amid", at=13)
    with pytest.raises(ChildProcessError):
        ray_cluster.TRIES, tries = 1, ray_cluster.TRIES
        try:
            table(cluster, [piece])
        finally:
            ray_cluster.TRIES = tries
    newest = tmp_path / "seed0" / "checkpoints" / "a.safetensors"
    newest.write_bytes(newest.read_bytes()[:-100])
    said.clear()
    found = table(cluster, [piece])
    assert [line.partition(" was damaged; the training goes on from")[0] for line in said] == [str(newest)]
    drawn = (tmp_path / "drawn-0").read_text().split()
    assert len(drawn) == 13 + 15 and steps(piece) == list(range(1, STEPS + 1))
    (tmp_path / "alone").mkdir()
    assert found == table(Processes(1), [Piece(tmp_path / "alone", 0)])


def killed_always(item: int, tell: Any) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return item


def test_work_that_kills_every_worker_is_given_up(cluster: Pool, said: list[str]) -> None:
    said.clear()
    with pytest.raises(
        ChildProcessError, match=r"lost its worker 4 times.*the same command goes on"
    ) as caught:
        list(cluster.each(killed_always, [1], print))
    assert "\n" not in str(caught.value) and len(said) == 3
    assert dict(cluster.each(squared, [2], lambda news: None)) == {2: 4}  # others still work


def fails(item: int, tell: Any) -> int:
    tell("begun")
    raise BadInput(f"expected anything else, got {item}")


def test_an_error_of_the_work_is_the_same_here(cluster: Pool) -> None:
    heard = list[Any]()
    with pytest.raises(BadInput, match="expected anything else, got 7") as caught:
        list(cluster.each(fails, [7], heard.append))
    assert heard == ["begun"] and "in fails" in str(caught.value.__cause__)  # where it was raised


def warns(item: int, tell: Any) -> str:
    import warnings

    warnings.warn("something is odd", stacklevel=1)
    sys.stdout.write("not for the command\n")
    return str(Path.cwd() / os.environ.get("WAVETRAIN_HERE", ""))


def test_a_worker_stands_where_the_command_does_and_warns_through_it(
    cluster: Pool, said: list[str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WAVETRAIN_HERE", "there")
    said.clear()
    assert dict(cluster.each(warns, [0], print)) == {0: str(Path.cwd() / "there")}
    assert said == ["something is odd"] and capfd.readouterr() == ("", "")


def test_seeds_of_an_experiment_are_the_same_as_in_processes(cluster: Pool, tmp_path: Path) -> None:
    experiment = find.named("wave_rnn_waves", ("experiments",))

    def figures(pool: Pool, out: Path) -> Any:
        orders = [Order(experiment, "smoke", seed, "cpu", 1, 10.0, out) for seed in (0, 1)]
        (result,) = runner.run_all([orders], pool, out / "results", lambda news: None)
        return result.figures, result.witness, result.routes, result.code

    assert figures(cluster, tmp_path / "ray") == figures(Processes(1), tmp_path / "here")


def test_a_folder_that_is_not_shared_is_said(cluster: Any, tmp_path: Path, monkeypatch: Any) -> None:
    for there, why in (
        ({"mark": str(tmp_path / "none")}, "does not see what is written"),
        ({"place": str(tmp_path / "none")}, "has no folder"),
        ({"source": "other"}, "has another wavetrain"),
    ):
        found = dataclasses.replace(ray_worker.here(cluster.mark), **there)
        monkeypatch.setattr(ray_cluster, "here", lambda mark, found=found: found)
        with pytest.raises(BadInput, match=why) as caught:
            list(cluster.each(squared, [1], print))
        assert "\n" not in str(caught.value)
        monkeypatch.undo()


def test_the_machine_that_worked_is_the_one_recorded(cluster: Pool) -> None:
    mine, theirs = Processes(1).environment("cpu", 1), cluster.environment("cpu", 1)
    assert theirs.pop("ray") and theirs == mine


def test_ray_adds_less_than_a_fifth_of_a_second_to_a_run(cluster: Pool) -> None:
    """From one end to the next, where there is next to nothing to do; a worker that starts anew aside."""
    ends = [time.monotonic() for _ in cluster.each(squared, list(range(40)), lambda news: None)]
    assert len(ends) == 40
    assert statistics.median(after - before for before, after in itertools.pairwise(ends)) < 0.2


def test_a_head_that_is_gone_ends_the_command(cluster: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_cluster, "WATCH", 0.0)
    monkeypatch.setattr(ray_cluster, "silent", lambda head: "Connection refused")
    with pytest.raises(ConnectionError, match=r"is gone \(Connection refused\); the same command goes on"):
        list(cluster.each(squared, [1], print))
    monkeypatch.undo()
    assert ray_cluster.silent(cluster.head) == ""  # type: ignore[attr-defined]


def test_a_device_that_no_machine_has_is_said(cluster: Pool, tmp_path: Path) -> None:
    with (
        pytest.raises(BadInput, match="device 'cuda' cannot be used here: no machine of this Ray has a GPU"),
        connected(0, "cuda", tmp_path, print),
    ):
        pass
    assert not list(tmp_path.iterdir())
