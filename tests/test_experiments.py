"""Every experiment runs at its smoke scale and hands over what is needed; predicates know both answers."""

import dataclasses
import json
import math
from pathlib import Path

import pytest

from wavetrain import find
from wavetrain.evidence import picture
from wavetrain.evidence.claims import Claim, Measured
from wavetrain.evidence.result import Words
from wavetrain.experiments.waves import (
    wave_rnn_ablation,
    wave_rnn_adding,
    wave_rnn_copy,
    wave_rnn_digits,
    wave_rnn_waves,
)
from wavetrain.train.lab import Lab, Mark

EXPERIMENTS = find.members("experiments")


@pytest.mark.parametrize("found", EXPERIMENTS, ids=lambda found: found.name)
def test_smoke(found: find.Found, tmp_path: Path) -> None:
    module = found.load()
    assert isinstance(module.claim, Claim)
    lab = Lab(tmp_path, seed=0)
    figures = module.run(module.smoke, lab)
    assert figures and all(isinstance(float(value), float) for value in figures.values())
    assert module.claim.holds(Measured(figures, module.smoke)) in (True, False, None)
    pictures = [picture.load(path) for path in (tmp_path / "pictures").glob("*.npz")]
    assert pictures, "an experiment shows at least one picture"
    again = module.run(module.smoke, Lab(tmp_path, seed=0))  # everything is read back from its checkpoints
    assert json.dumps(again) == json.dumps(figures)


@pytest.mark.parametrize("name", [one.name for one in EXPERIMENTS if one.name.startswith("worm_")])
def test_whoever_is_compared_by_its_mistakes_stops_at_one_level(name: str, tmp_path: Path) -> None:
    """Each last training of a claim about effects on accuracy; the trials of a search do not stop."""
    module = find.named(name, ("experiments",)).load()
    plans = {}

    class Noting(Lab):
        def fit(self, name, make, task, plan, rule=None, others=()):  # type: ignore[no-untyped-def]
            plans[name] = plan
            return super().fit(name, make, task, plan, rule, others)

    figures = module.run(module.smoke, Noting(tmp_path, seed=0))
    compared = [key for key in plans if key.count("-") == 0 or key.endswith("-first")]
    assert len(compared) >= 3 and 0.5 < module.LEVEL < 1
    for key in compared:
        until = plans[key].until
        assert until is not None and until(Mark(1, 0.0, module.LEVEL))
        assert not until(Mark(1, 0.0, module.LEVEL - 0.001))
    assert (
        module.claim.holds(Measured(figures, module.smoke)) is None
        or min(value for key, value in figures.items() if key.startswith(("right_", "recall_")))
        >= module.LEVEL
    )


@pytest.mark.parametrize("found", EXPERIMENTS, ids=lambda found: found.name)
def test_scales_and_claim(found: find.Found) -> None:
    module = found.load()
    for scale in (module.smoke, module.small, module.full):
        assert dataclasses.is_dataclass(scale)
        assert type(scale).__dataclass_params__.frozen  # type: ignore[attr-defined]
        assert all(field.kw_only for field in dataclasses.fields(scale)), "@dataclass(kw_only=True)"
    known = {one.name for one in find.everything()}
    assert set(module.claim.systems) <= known
    assert Words.of(found.facts) == Words.of(
        vars(module.claim) | {"published": found.facts.get("published", {})}
    )


def test_copy_predicate() -> None:
    solved = {f"recall_{name}_delay0": 0.99 for name in ("wave", "identity100", "identity625")}
    lost = solved | {"recall_identity100_delay0": 0.2, "recall_identity625_delay0": 0.2}
    holds = wave_rnn_copy.claim.holds
    assert holds({"wave_delay0": 50, "identity100_delay0": 500, "identity625_delay0": 500, **lost}) is True
    assert holds({"wave_delay0": 50, "identity100_delay0": 500, "identity625_delay0": 800, **solved}) is True
    assert holds({"wave_delay0": 50, "identity100_delay0": 490, "identity625_delay0": 800, **solved}) is False
    assert holds({"wave_delay0": 51, "identity100_delay0": 500, "identity625_delay0": 500, **lost}) is None
    nobody = {name: 0.1 for name in solved}
    assert holds({"wave_delay0": 500, "identity100_delay0": 500, "identity625_delay0": 500, **nobody}) is None
    rival = nobody | {"recall_identity625_delay0": 1.0}
    assert holds({"wave_delay0": 500, "identity100_delay0": 500, "identity625_delay0": 90, **rival}) is False


def test_adding_predicate() -> None:
    holds = wave_rnn_adding.claim.holds
    both = {"r2_wave_length50": 0.8, "r2_identity_length50": 0.8}
    wave = both | {"r2_identity_length50": 0.0}
    assert holds({"wave_length50": 100, "identity_length50": 1000, **both}) is True
    assert holds({"wave_length50": 100, "identity_length50": 900, **both}) is False
    assert holds({"wave_length50": 100, "identity_length50": 900, **wave}) is None
    assert holds({"wave_length50": 100, "identity_length50": 1000, **wave}) is True
    assert holds({"wave_length50": 900, "identity_length50": 90, **both, "r2_wave_length50": 0.0}) is False


def test_ablation_predicate_on_the_published_table() -> None:
    published = dict(wave_rnn_ablation.claim.published)
    assert wave_rnn_ablation.claim.holds(published) is True
    assert wave_rnn_ablation.claim.holds(published | {"wave_minus_shift": published["wave"]}) is False
    assert wave_rnn_ablation.claim.holds(published | {"wave": math.nan}) is False


def test_digits_predicate_on_the_published_table() -> None:
    published = dict(wave_rnn_digits.claim.published)
    assert wave_rnn_digits.claim.holds(published) is True
    assert wave_rnn_digits.claim.holds(published | {"wave_rows": 0.99}) is False
    assert wave_rnn_digits.claim.holds(published | {"gru_permuted": 0.99}) is False


def test_waves_predicate() -> None:
    holds = wave_rnn_waves.claim.holds
    assert holds({"wave": 0.5, "identity": 0.1, "wave_p": 1 / 201}) is True
    assert holds({"wave": 0.5, "identity": 0.2, "wave_p": 1 / 201}) is False
    assert holds({"wave": 0.05, "identity": 0.01, "wave_p": 2 / 201}) is False


def test_solved_means_the_published_error() -> None:
    """R² 0.7 is a mean squared error of 0.05, since the sum of two uniform numbers has variance 1/6."""
    assert pytest.approx(0.05) == (1 - wave_rnn_adding.SOLVED) / 6
