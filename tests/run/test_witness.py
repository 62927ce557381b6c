"""Figures are held to the code of today: what changes them makes a result stale, and nothing else does."""

import dataclasses
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor

from wavetrain import core, find
from wavetrain.errors import BadInput
from wavetrain.evidence import replay, result
from wavetrain.evidence.result import CONFIRMED, OLDER, OPEN, STALE, Result
from wavetrain.experiments.waves import wave_rnn_copy
from wavetrain.layers.wave.wave_rnn import WaveRNN
from wavetrain.run import confirm, runner, witness
from wavetrain.run.order import Order
from wavetrain.run.pools import Processes
from wavetrain.tasks.recall import copying

COPY = find.named("wave_rnn_copy")


def measured(out: Path, scale: str = "smoke") -> Path:
    """The folder of results after one run of one seed."""
    home = out / "results"
    home.mkdir()
    order = Order(COPY, scale, 0, "cpu", 1, 10.0, out)
    (one,) = runner.run_all([[order]], Processes(1), home, lambda news: None)
    assert result.read_all(home) == [one] and one.standing() == CONFIRMED
    return home


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return measured(tmp_path_factory.mktemp("once"))


@pytest.fixture
def home(once: Path, tmp_path: Path) -> Path:
    """The same results for each test, to do with as it likes."""
    return shutil.copytree(once, tmp_path / "results")


def told(home: Path, names: Sequence[str] = ()) -> confirm.Told:
    (one,) = confirm.confirmed(home, confirm.checks(home, names, "cpu"), Processes(1))
    return one


def read(home: Path) -> Result:
    (one,) = result.read_all(home)
    return one


def test_the_same_code_is_confirmed_and_nothing_is_written(home: Path) -> None:
    before = (home / "wave_rnn_copy-smoke.json").read_bytes()
    one = told(home)
    assert (one.standing, one.why, one.worse) == (CONFIRMED, "", False)
    assert (home / "wave_rnn_copy-smoke.json").read_bytes() == before
    assert read(home).code == Order(COPY, "smoke", 0, "cpu", 1, 10.0, home).config["source"]


def test_the_first_seed_alone_bears_witness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, made = [], witness.made

    def noted(found: find.Found, scale: str, seed: int, device: str, seconds: float) -> result.Witness:
        asked.append(seed)
        return made(found, scale, seed, device, seconds)

    monkeypatch.setattr(witness, "made", noted)
    orders = [Order(COPY, "smoke", seed, "cpu", 1, 10.0, tmp_path) for seed in (0, 1)]
    (one,) = runner.run_all([orders], Processes(1), tmp_path, lambda news: None)
    assert asked == [0] and one.seeds == (0, 1)


def test_other_code_that_does_the_same_is_confirmed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confirm.today, "digest", lambda name: "another")
    one = told(home)
    assert one.standing == read(home).standing("another") == CONFIRMED
    last = read(home).confirmation
    assert last is not None and last.same and last.code == "another" and last.hardware
    assert read(home).standing("a third") == OPEN


def faster(self: WaveRNN, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
    h = self._next(1.01 * self._drive(x), state.unflatten(-1, (self.channels, self.ring))).flatten(-2)
    return h, h


def in_step(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(WaveRNN, "step", faster)


def in_the_fast_form(patch: pytest.MonkeyPatch) -> None:
    drive = WaveRNN._drive
    patch.setattr(WaveRNN, "_drive", lambda self, x: 1.000001 * drive(self, x))


def in_a_sampler(patch: pytest.MonkeyPatch) -> None:
    def draw(self: copying.Copying, batch: int, generator: torch.Generator) -> core.Batch:
        return core.Batch(*(part.flip(0) for part in drawn(self, batch, generator)))

    drawn = copying.Copying.draw
    patch.setattr(copying.Copying, "draw", draw)


def in_an_evaluation(patch: pytest.MonkeyPatch) -> None:
    objective = copying.Copying.objective
    score = lambda output, y: objective.score(output, y) + 0.001  # noqa: E731
    patch.setattr(copying.Copying, "objective", dataclasses.replace(objective, score=score))


def in_what_comes_after(patch: pytest.MonkeyPatch) -> None:
    run = wave_rnn_copy.run
    patch.setattr(wave_rnn_copy, "run", lambda scale, lab: run(scale, lab) | {"wave_delay1": 5.0})


def in_the_names(patch: pytest.MonkeyPatch) -> None:
    run = wave_rnn_copy.run
    patch.setattr(wave_rnn_copy, "run", lambda scale, lab: run(scale, lab) | {"more": 5.0})


def in_settings(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(wave_rnn_copy, "smoke", dataclasses.replace(wave_rnn_copy.smoke, batch=5))


def in_all(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(wave_rnn_copy, "run", lambda scale, lab: 1 / 0)


BEHAVIOUR = [in_step, in_the_fast_form, in_a_sampler, in_an_evaluation, in_what_comes_after]
OTHERWISE = [in_the_names, in_settings, in_all]


@pytest.mark.parametrize("change", BEHAVIOUR + OTHERWISE)
def test_what_changes_makes_the_result_stale(
    home: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[pytest.MonkeyPatch], None]
) -> None:
    with monkeypatch.context() as patch:
        change(patch)
        one = told(home)
    assert one.standing == STALE and one.worse and one.why
    assert read(home).standing() == STALE and result.stale(home, ["wave_rnn_copy"]) == [read(home)]
    again = told(home)  # the change was taken back
    assert again.standing == read(home).standing() == CONFIRMED and not again.worse


def test_the_first_steps_are_of_the_scale_of_the_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change that the smoke scale is too short to meet."""
    small = dataclasses.replace(wave_rnn_copy.smoke, delays=(7,), steps=6, trial=3)
    monkeypatch.setattr(wave_rnn_copy, "small", small)
    home = measured(tmp_path, "small")
    start = read(home).witness.start  # type: ignore[union-attr]
    assert start is not None and start.figures
    assert {len(one.losses) for one in start.trainings.values()} == {witness.STEPS}
    assert told(home).standing == CONFIRMED
    drawn = copying.Copying.draw

    def draw(self: copying.Copying, batch: int, generator: torch.Generator) -> core.Batch:
        x, y = drawn(self, batch, generator)
        return core.Batch(x.flip(0) if self.delay > 5 else x, y)

    monkeypatch.setattr(copying.Copying, "draw", draw)
    one = told(home)
    assert one.standing == STALE and "first steps" in one.why


def test_a_witness_ends_where_it_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    small = dataclasses.replace(wave_rnn_copy.smoke, delays=(2, 3))
    monkeypatch.setattr(wave_rnn_copy, "small", small)
    monkeypatch.setattr(witness, "MOST", 4)
    one = witness.made(COPY, "small", 0, "cpu", seconds=1.0)
    assert one.start is not None and len(one.start.trainings) == 4 and not one.start.figures
    monkeypatch.setattr(witness, "MOST", 5)
    assert witness.again(one, COPY, "small", 0, "cpu") == one
    monkeypatch.setattr(witness, "SECONDS", 0.0)  # the first training ends too late
    assert witness.made(COPY, "small", 0, "cpu", seconds=0.0).start is None


def test_an_old_result_has_nothing_to_replay(home: Path) -> None:
    result.write(home, dataclasses.replace(read(home), code="", witness=None))
    before = (home / "wave_rnn_copy-smoke.json").read_bytes()
    one = told(home, ["wave_rnn_copy"])
    assert one.standing == OLDER and "no witness" in one.why and not one.worse
    assert (home / "wave_rnn_copy-smoke.json").read_bytes() == before


def test_a_recording_that_is_not_here_decides_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(scale: object, lab: object) -> dict[str, float]:
        raise BadInput("it comes from elsewhere")

    monkeypatch.setattr(wave_rnn_copy, "run", run)
    one = told(home)
    assert one.standing == OPEN and "it comes from elsewhere" in one.why
    assert read(home).standing() == CONFIRMED


def other(one: result.Witness, **changes: object) -> result.Witness:
    """With another first training."""
    (name, start), *rest = one.smoke.trainings.items()
    trainings = {name: dataclasses.replace(start, **changes), **dict(rest)}  # type: ignore[arg-type]
    return dataclasses.replace(one, smoke=dataclasses.replace(one.smoke, trainings=trainings))


def test_elsewhere_rounding_is_allowed_for(home: Path) -> None:
    one = read(home).witness
    assert one is not None
    losses, scores = (
        next(iter(getattr(start, part) for start in one.smoke.trainings.values()))
        for part in ("losses", "scores")
    )
    near = other(one, losses=tuple(1.0005 * loss for loss in losses))
    far = other(one, losses=tuple(1.002 * loss for loss in losses))
    step = other(one, scores=tuple(score + 0.01 for score in scores))
    more = dataclasses.replace(
        one, smoke=dataclasses.replace(one.smoke, figures={**one.smoke.figures, "more": 1.0})
    )
    fewer = dataclasses.replace(one, smoke=dataclasses.replace(one.smoke, trainings={}))
    moved = {name: value + 0.5 for name, value in one.smoke.figures.items() if value is not None}
    figure = dataclasses.replace(
        one, smoke=dataclasses.replace(one.smoke, figures={**one.smoke.figures, **moved})
    )
    assert moved
    same = {"near": near, "far": far, "step": step, "more": more, "fewer": fewer, "figure": figure}
    here = {name: replay.compared(one, new, exact=True).same for name, new in same.items()}
    there = {name: replay.compared(one, new, exact=False).same for name, new in same.items()}
    assert here == dict.fromkeys(same, False)
    assert there == {
        "near": True,
        "far": False,
        "step": None,
        "more": False,
        "fewer": False,
        "figure": None,  # what training came to elsewhere tells nothing for sure
    }
    assert replay.compared(one, one, exact=True) == (True, "")
    environment = read(home).environment
    assert replay.same_kind(environment, dict(environment, cores=64))
    assert not replay.same_kind(environment, dict(environment, torch="2.14.0"))


def test_what_is_measured_in_seconds_is_no_witness(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, clock = wave_rnn_copy.run, iter(range(100))
    monkeypatch.setattr(
        wave_rnn_copy, "run", lambda scale, lab: run(scale, lab) | {"seconds": float(next(clock))}
    )
    one = witness.made(COPY, "smoke", 0, "cpu", 1.0)
    assert one.smoke.varying == ("seconds",) and "seconds" not in one.smoke.figures
    assert replay.compared(one, witness.again(one, COPY, "smoke", 0, "cpu"), exact=True).same


def test_names_that_left_no_result_are_refused(home: Path) -> None:
    with pytest.raises(BadInput, match="holds no result of wave_rnn_digits"):
        told(home, ["wave_rnn_digits"])
