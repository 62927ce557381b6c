"""Predicates are held to what is known before anything is trained: untrained networks and exact solutions."""

import dataclasses
import inspect
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from wavetrain import find
from wavetrain.cli import main
from wavetrain.evidence.claims import Claim, Measured, Part
from wavetrain.evidence.result import Calibration, read, read_all, write
from wavetrain.layers.gate.lstm import LSTM
from wavetrain.parts.reader import Reader
from wavetrain.run import calibration
from wavetrain.tasks.recall.copying import Copying
from wavetrain.train.lab import Plan

ROOT = Path(__file__).parents[2]
KNOWN = [one for one in read_all(ROOT / "results") if one.calibration is not None]


def claim(limit: float) -> Claim:
    part = Part(
        says=f"recall above {limit}", holds=lambda figures: figures["a"] > limit * figures.get("more", 1.0)
    )
    return Claim(title="A", sentence="A", topic="Gates", source="a source", systems=(), parts=(part,))


def test_a_limit_between_chance_and_the_exact_solution_is_taken() -> None:
    found = Calibration(untrained={"a": 0.1}, exact={"a": 1.0})
    assert calibration.refused(claim(0.5), found, None) == []


def test_a_limit_that_untrained_networks_meet_is_refused() -> None:
    found = Calibration(untrained={"a": 0.1}, exact={"a": 1.0})
    assert calibration.refused(claim(0.05), found, None) == ["untrained networks satisfy: recall above 0.05"]


def test_a_limit_that_the_exact_solution_fails_is_refused() -> None:
    found = Calibration(untrained={"a": 0.1}, exact={"a": 1.0})
    assert calibration.refused(claim(2.0), found, None) == ["the exact solution fails: recall above 2.0"]


def test_a_part_about_what_is_not_learned_is_not_held_to_untrained_networks() -> None:
    one = claim(0.05)
    start = dataclasses.replace(one, parts=(dataclasses.replace(one.parts[0], learned=False),))
    found = Calibration(untrained={"a": 0.1}, exact={"a": 0.01})
    assert calibration.refused(start, found, None) == ["the exact solution fails: recall above 0.05"]


def test_what_is_not_known_refuses_nothing() -> None:
    assert calibration.refused(claim(0.05), Calibration(), None) == []


def test_the_figures_of_an_exact_solution_are_taken_where_an_experiment_has_one() -> None:
    module = SimpleNamespace(
        smoke=1, small=2, run=lambda scale, lab: {"a": 0.0}, exact=lambda scale, lab: {"a": scale + lab.seed}
    )
    found = calibration.made(SimpleNamespace(load=lambda: module), "small", 3, "cpu")  # type: ignore[arg-type]
    assert found == Calibration(untrained={}, exact={"a": 5.0})  # nothing is trained


def test_no_weight_moves_in_an_untrained_lab(tmp_path: Path) -> None:
    task = Copying(1)
    lab = calibration.Untrained(tmp_path, seed=3)
    plan = Plan(50, 4, 1e-1, clip=1.0, every=10, until=lambda mark: True, held_out=4)

    def make() -> Reader:
        return Reader(LSTM(5, inputs=task.inputs), task.outputs, every_step=True)

    training = lab.tuned("lstm", make, task, plan, trial=7, rates=(1e-1, 1e-2), clips=(None, 1.0))
    torch.manual_seed(0)
    fresh = lab.fit("fresh", make, task, plan)
    for one, other in zip(training.network.parameters(), fresh.network.parameters(), strict=True):
        assert torch.equal(one, other)
    assert not training.stopped and lab.count == 6


@pytest.mark.parametrize("result", KNOWN, ids=lambda one: one.name)
def test_committed_claims_are_calibrated(result) -> None:  # type: ignore[no-untyped-def]
    module = find.named(result.experiment, ("experiments",)).load()
    assert calibration.refused(module.claim, result.calibration, getattr(module, result.scale)) == []


@pytest.mark.parametrize(
    "result", [one for one in KNOWN if one.calibration and one.calibration.exact], ids=lambda one: one.name
)
def test_an_exact_solution_has_figures_that_a_run_has_and_decides_a_part(result) -> None:  # type: ignore[no-untyped-def]
    assert set(result.calibration.exact) <= set(result.figures[0])
    module = find.named(result.experiment, ("experiments",)).load()
    assert list(inspect.signature(module.exact).parameters) == ["scale", "lab"]
    measured = Measured(result.calibration.exact, getattr(module, result.scale))
    assert any(decides(part, measured) for part in module.claim.parts)


def decides(part: Part, measured: Measured) -> bool:
    try:
        return part.holds(measured) is True
    except KeyError:
        return False


def test_the_command_says_what_is_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["run", "wave_rnn_copy", "--calibrate", "--scale", "smoke", "--jobs", "1", "--out", str(tmp_path)]
    main([*words, "--json"])
    (told,) = json.loads(capsys.readouterr().out)
    assert told == {"experiment": "wave_rnn_copy", "known": ["untrained networks"], "refused": []}
    main(words)
    assert "wave_rnn_copy smoke: untrained networks" in capsys.readouterr().out


def test_exact_solutions_alone_leave_the_figures_of_untrained_networks(tmp_path: Path) -> None:
    name = "mamba_selective_copying-small.json"
    (before,) = (one for one in KNOWN if one.name == name)
    assert before.calibration is not None
    write(tmp_path, dataclasses.replace(before, calibration=Calibration(untrained={"selective": 0.07})))
    main(["run", "mamba_selective_copying", "--calibrate", "--exact", "--results", str(tmp_path)])
    after = read(tmp_path / name)
    assert after == dataclasses.replace(
        before, calibration=Calibration(untrained={"selective": 0.07}, exact={"selective": 1.0})
    )


def test_exact_goes_with_calibrate(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["run", "wave_rnn_copy", "--exact"])
    assert left.value.code == 2 and "--calibrate" in capsys.readouterr().err
