"""One order, its folder, and what is kept beside its figures: made once, and read where it is there."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from wavetrain import __version__
from wavetrain.errors import BadInput
from wavetrain.evidence import code
from wavetrain.evidence.claims import Claim, Part
from wavetrain.evidence.files import write_json
from wavetrain.evidence.result import Calibration, Replay, Run, Start, Witness, read
from wavetrain.report import draw
from wavetrain.run import calibration, witness
from wavetrain.run.order import Order, settings
from wavetrain.run.record import calibrated, record, witnessed

START = Start(losses=(1.5,), scores=(0.5,), stepped=2.0, states="ab")
WITNESS = Witness(smoke=Replay(trainings={"a": START}, figures={"x": 1.0}), start=None)
KNOWN = Calibration(untrained={"x": 0.25}, exact={"x": 1.0})


@dataclasses.dataclass(frozen=True)
class Scale:
    """What JSON knows, and what it does not."""

    steps: int = 3
    sizes: tuple[int, ...] = (1, 2)
    layer: Any = Path
    place: Any = Path("a/b")


CLAIM = Claim(
    title="A",
    sentence="B",
    topic="Gates",
    source="C",
    systems=(),
    parts=(Part(says="x is above its scale", holds=lambda one: one["x"] > one.scale.steps),),
)


@pytest.fixture
def mine(tmp_path: Path) -> Any:
    """An experiment of one file, which imports nothing."""
    path = tmp_path / "mine.py"
    path.write_text("x = 1\n")
    module = SimpleNamespace(smoke=Scale(), small=Scale(), full=Scale(5), claim=CLAIM)
    return SimpleNamespace(
        name="mine", about="about it", load=lambda: module, path=path, facts={"names": {"a": "b"}}
    )


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What was asked of a replay and of a calibration, neither of which is run."""
    asked = list[tuple[Any, ...]]()

    def answer(one: Any) -> Callable[..., Any]:
        def make(*given: Any) -> Any:
            asked.append(given)
            return one

        return make

    monkeypatch.setattr(witness, "made", answer(WITNESS))
    monkeypatch.setattr(calibration, "made", answer(KNOWN))
    return asked


def order(out: Path, experiment: Any, seed: int = 0, scale: str = "smoke") -> Order:
    return Order(experiment, scale, seed, "cpu", 1, 10.0, out)


def run(seed: int, x: float, **more: Any) -> Run:
    return Run(seed=seed, figures={"x": x}, seconds=1.0 + seed, routes={"wave": f"route {seed}"}, **more)


def test_a_witness_is_made_once(tmp_path: Path, mine: Any, made: list[tuple[Any, ...]]) -> None:
    one = order(tmp_path, mine)
    one.folder.mkdir()
    assert witnessed(one, run(0, 1.0)) == WITNESS and made == [(mine, "smoke", 0, "cpu", 1.0)]
    assert witnessed(one, run(0, 1.0)) == WITNESS and len(made) == 1
    other = dataclasses.replace(WITNESS, start=WITNESS.smoke)
    write_json(one.folder / "witness.json", dataclasses.asdict(other))
    assert witnessed(one, run(0, 1.0)) == other and len(made) == 1


def test_a_calibration_is_made_once(tmp_path: Path, mine: Any, made: list[tuple[Any, ...]]) -> None:
    one = order(tmp_path, mine)
    one.folder.mkdir()
    assert calibrated(one) == KNOWN and made == [(mine, "smoke", 0, "cpu")]
    assert calibrated(one) == KNOWN and len(made) == 1
    write_json(one.folder / "calibration.json", {"untrained": {"x": 0.5}, "exact": {}})
    assert calibrated(one) == Calibration(untrained={"x": 0.5}) and len(made) == 1


def test_a_folder_is_named_after_all_that_figures_depend_on(
    tmp_path: Path, mine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = order(tmp_path, mine, seed=3)
    assert one.folder.parent == tmp_path and one.folder.name.startswith("mine-smoke-seed3-")
    assert len(one.folder.name.rpartition("-")[2]) == 8
    assert one.config == {
        "experiment": "mine",
        "scale": "smoke",
        "settings": settings(mine, "smoke"),
        "seed": 3,
        "device": "cpu",
        "version": __version__,
        "source": code.digest([mine.path]),
    }
    same = dataclasses.replace(one, threads=2, save_every=1.0)  # which change no figure
    assert same.folder == one.folder
    other = dataclasses.replace(one, device="cuda")
    assert other.folder.name.rpartition("-")[0] == one.folder.name.rpartition("-")[0]
    assert other.folder != one.folder
    before = one.folder
    monkeypatch.setattr(code, "digest", lambda paths: "another")
    assert one.folder != before


def test_settings_are_what_json_knows(mine: Any) -> None:
    """A class goes by its name, anything else as text."""
    assert settings(mine, "smoke") == {"steps": 3, "sizes": [1, 2], "layer": "Path", "place": "a/b"}
    assert settings(mine, "full")["steps"] == 5
    del mine.load().small
    with pytest.raises(BadInput, match=r"no scale of mine is called 'small'; there are: full, smoke"):
        settings(mine, "small")


@pytest.mark.parametrize(
    ("scale", "word", "why"),
    [
        ("small", "reproduced", ""),
        ("smoke", "undecided", "this scale only shows that the program runs"),
    ],
)
def test_seeds_are_judged_together(
    scale: str,
    word: str,
    why: str,
    tmp_path: Path,
    mine: Any,
    made: list[tuple[Any, ...]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    orders = [order(tmp_path / "runs", mine, seed, scale) for seed in (0, 1, 2)]
    pictures = orders[0].folder / "pictures"
    pictures.mkdir(parents=True)
    for name in ("one.png", "one.svg"):
        (pictures / name).write_text(name)
    asked = list[tuple[Any, ...]]()
    monkeypatch.setattr(draw, "draw_all", lambda *given: asked.append(given) or [pictures / "one.png"])
    write_json(orders[0].folder / "environment.json", {"hardware": "A processor"})
    runs = [run(seed, 4.0 + seed, data={f"set{seed}": f"{seed}"}) for seed in (0, 1, 2)]
    home = tmp_path / "results"
    home.mkdir()
    found = record(orders, runs, home)
    assert read(home / f"mine-{scale}.json") == found
    assert found.verdict.word == word and found.verdict.parts[0].agree == 3
    assert found.verdict.parts[0].why == why
    assert found.seeds == (0, 1, 2) and found.seconds == (1.0, 2.0, 3.0)
    assert found.figures == ({"x": 4.0}, {"x": 5.0}, {"x": 6.0})
    assert found.command == f"wavetrain run mine --scale {scale} --seeds 3"
    assert found.data == {"set0": "0", "set1": "1", "set2": "2"} and found.routes == {"wave": "route 0"}
    assert found.environment == {"hardware": "A processor"} and asked == [
        (pictures, {"a": "b"}, [order.folder / "pictures" for order in orders[1:]])
    ]
    assert found.pictures == (f"pictures/mine-{scale}/one.png",)
    copies = {one.name: one.read_text() for one in (home / "pictures" / f"mine-{scale}").iterdir()}
    assert copies == {"one.png": "one.png", "one.svg": "one.svg"}
    assert (found.witness, found.calibration, found.code) == (WITNESS, KNOWN, code.digest([mine.path]))
    assert found.settings == json.loads(json.dumps(settings(mine, scale))) and found.about == "about it"
    assert made == [(mine, scale, 0, "cpu", 1.0), (mine, scale, 0, "cpu")]  # of the first seed alone
