"""Runs over seeds: what a run notes of itself, and in which order results come out."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.evidence import reads
from wavetrain.evidence.result import Run
from wavetrain.evidence.shape import written
from wavetrain.run import runner
from wavetrain.run.order import Order
from wavetrain.run.runner import execute, over, run_all
from wavetrain.train.generators import seed_of
from wavetrain.train.lab import Lab, News

NEWS = News("a run", "train", 3, 9, 1.0, 0.5, 2.0)


def order(out: Path, seed: int = 0, scale: str = "tiny", name: str = "mine", run: Any = None) -> Any:
    """An order of an experiment that is not looked up."""
    module = SimpleNamespace(run=run, tiny="the tiny scale", full="the full scale")
    experiment = SimpleNamespace(name=name, load=lambda: module)
    folder, device = out / f"{name}-{scale}-seed{seed}", "cpu"
    facts = {"experiment": experiment, "scale": scale, "seed": seed, "folder": folder, "device": device}
    return SimpleNamespace(**facts, threads=1, save_every=7.5, config={"seed": seed})


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What bears witness, without being replayed; and a clock that goes on two seconds at each look."""
    found = list[Any]()
    clock = iter(range(0, 1000, 2))
    monkeypatch.setattr(runner, "calibrated", lambda order: found.append(("calibrated", order.seed)))
    monkeypatch.setattr(runner, "witnessed", lambda order, run: found.append(("witnessed", run)))
    monkeypatch.setattr(runner.time, "perf_counter", lambda: float(next(clock)))
    return found


def test_a_run_is_told_with_its_time_its_routes_and_what_it_read(tmp_path: Path, noted: list[Any]) -> None:
    """Also those of earlier tries, which were cut off."""
    told = list[News]()

    def run(scale: Any, lab: Lab) -> dict[str, float]:
        assert scale == "the tiny scale" and (lab.seed, lab.folder, lab.save_every) == (0, one.folder, 7.5)
        assert noted == [("calibrated", 0)]
        state = torch.Generator().manual_seed(seed_of(0, "run")).get_state()
        assert torch.equal(torch.get_rng_state(), state)
        reads.note("digits", "ab")
        lab.tell(NEWS)
        kept = json.loads((one.folder / "noted.json").read_text())
        assert kept["seconds"] == 12.5 and kept["data"] == {"old": "cd", "digits": "ab"}
        for name in ("b.npz", "a.npz", "c.png"):
            (one.folder / "pictures" / name).touch()
        return {"loss": np.float32(0.5), "lost": math.inf}  # type: ignore[dict-item]

    one = order(tmp_path, run=run)
    one.folder.mkdir()
    before = {"seconds": 10.5, "routes": {"lstm": "loop"}, "data": {"old": "cd"}}
    (one.folder / "noted.json").write_text(json.dumps(before))
    found = execute(one, told.append)
    assert told == [NEWS] and found.seconds == 14.5 and found.seed == 0  # 10.5, and two looks at the clock
    assert found.figures == {"loss": 0.5, "lost": None} and type(found.figures["loss"]) is float
    assert found.data == {"old": "cd", "digits": "ab"} and found.routes == {"lstm": "loop"}
    assert found.pictures == ("a", "b") and noted[1:] == [("witnessed", found)]
    assert json.loads((one.folder / "config.json").read_text()) == {"seed": 0}
    assert json.loads((one.folder / "environment.json").read_text())["threads"] == 1
    assert execute(one, told.append) == over(one) == found and len(told) == 1


def test_seconds_have_one_digit_and_the_first_seed_alone_bears_witness(
    tmp_path: Path, noted: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([1.0, 4.26])
    monkeypatch.setattr(runner.time, "perf_counter", lambda: next(clock))
    found = execute(
        order(tmp_path, seed=1, scale="full", run=lambda scale, lab: {"whole": scale[4:8] == "full"}), print
    )
    assert (found.seconds, found.figures, found.data, found.pictures) == (3.3, {"whole": 1.0}, {}, ())
    assert not noted


def test_a_damaged_result_of_a_run_says_how_it_is_made_anew(tmp_path: Path) -> None:
    one = order(tmp_path)
    one.folder.mkdir()
    (one.folder / "result.json").write_text('{"seed": "x"}')
    with pytest.raises(BadInput, match=r"result\.json: `seed` must be int, got \"x\"; delete it"):
        over(one)


def test_each_result_comes_when_its_last_seed_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs that are over are read first; seeds stand in the order in which they were asked for."""

    def ran(one: Any) -> Run:
        return Run(seed=one.seed, figures={"a": float(one.seed)}, seconds=1.0, routes={})

    def pooled(work: Any, items: list[Any], tell: Any) -> Iterator[Any]:
        assert work is execute and tell is print
        for one in reversed(items):
            worked.append((one.experiment.name, one.scale, one.seed))
            yield one, ran(one)

    groups = [[order(tmp_path, seed, scale, name) for seed in (4, 2)] for scale, name in ASKED]
    done = groups[0][0]
    done.folder.mkdir()
    (done.folder / "result.json").write_text(json.dumps(written(ran(done))))
    worked, recorded = list[Any](), list[Any]()

    def record(orders: list[Order], runs: list[Run], home: Path) -> str:
        assert home == tmp_path / "home"
        recorded.append((orders, [one.seed for one in runs], len(worked)))
        return orders[0].scale

    monkeypatch.setattr(runner, "record", record)
    assert list(run_all(groups, SimpleNamespace(each=pooled), tmp_path / "home", print)) == [
        "tiny",
        "full",
        "tiny",
    ]
    assert recorded == [(groups[2], [4, 2], 2), (groups[1], [4, 2], 4), (groups[0], [4, 2], 5)]
    assert ("a", "tiny", 4) not in worked and len(worked) == 5


ASKED = (("tiny", "a"), ("full", "a"), ("tiny", "b"))
