"""Every experiment runs at its smoke scale and hands over what is needed."""

import dataclasses
import functools
import json
import re
from pathlib import Path

import pytest

from wavetrain import find
from wavetrain.evidence import picture
from wavetrain.evidence.claims import TITLE, Claim, Measured
from wavetrain.evidence.result import Words
from wavetrain.evidence.topics import TOPICS, topic
from wavetrain.train.lab import Lab, Mark, Plan

EXPERIMENTS = find.members("experiments")


class Noting(Lab):
    """A lab that keeps the plans it was given."""

    def __init__(self, folder: Path, seed: int):
        super().__init__(folder, seed=seed)
        self.plans: dict[str, Plan] = {}

    def fit(self, name, make, task, plan, rule=None, others=()):  # type: ignore[no-untyped-def]
        self.plans[name] = plan
        return super().fit(name, make, task, plan, rule, others)


@functools.cache
def smoked(name: str, folder: Path) -> tuple[dict[str, float], dict[str, Plan]]:
    """The figures of an experiment at its smoke scale, in a folder of its own, and the plans of trainings."""
    module = find.named(name, ("experiments",)).load()
    lab = Noting(folder / name, seed=0)
    return module.run(module.smoke, lab), lab.plans


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("smoked")


@pytest.mark.parametrize("found", EXPERIMENTS, ids=lambda found: found.name)
def test_smoke(found: find.Found, folder: Path) -> None:
    module = found.load()
    assert isinstance(module.claim, Claim)
    figures, _ = smoked(found.name, folder)
    assert figures and all(isinstance(float(value), float) for value in figures.values())
    assert module.claim.holds(Measured(figures, module.smoke)) in (True, False, None)
    own = folder / found.name
    pictures = [picture.load(path) for path in (own / "pictures").glob("*.npz")]
    assert pictures, "an experiment shows at least one picture"
    again = module.run(module.smoke, Lab(own, seed=0))  # everything is read back from its checkpoints
    assert json.dumps(again) == json.dumps(figures)


@pytest.mark.parametrize("name", [one.name for one in EXPERIMENTS if one.name.startswith("worm_")])
def test_whoever_is_compared_by_its_mistakes_stops_at_one_level(name: str, folder: Path) -> None:
    """Each last training of a claim about effects on accuracy; the trials of a search do not stop."""
    module = find.named(name, ("experiments",)).load()
    figures, plans = smoked(name, folder)
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
    assert 0 < len(module.claim.title) <= TITLE and not module.claim.title.endswith((".", "?"))
    assert topic(module.claim.topic) in TOPICS
    assert 1 <= len(module.claim.parts) <= 6
    assert len({part.says for part in module.claim.parts}) == len(module.claim.parts)
    told = " ".join(str(one) for one in module.claim.published.values())
    if any(int(times.replace(",", "")) >= 10 for times in re.findall(r"(\d[\d,]*) times", told)):
        assert all(part.stronger for part in module.claim.parts), "tested at this strength? If not, say so"
    known = {one.name for one in find.everything()}
    assert set(module.claim.systems) <= known
    assert Words.of(found.facts) == Words.of(
        vars(module.claim) | {"published": found.facts.get("published", {})}
    )
