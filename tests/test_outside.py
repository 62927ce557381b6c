"""Members from outside: by the path of a file, and from other packages; whatever is wrong is one line."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import wavetrain as wt
from tests.fresh import run
from wavetrain import find, outside
from wavetrain.cli import command as cli
from wavetrain.core import Layer, Task
from wavetrain.errors import BadInput
from wavetrain.evidence import code
from wavetrain.run import looks

MINE = '''"""Tide: comes and goes. Nobody 2026."""

import wavetrain as wt
from helper import GAIN
from wavetrain.core import Card
from wavetrain.layers import Elman


class Tide(Elman):
    """An Elman network under another name."""

    card = Card("Tides", "Nobody, No", 2026, "here, pp. 1", "tide", "none")


class Ebb(wt.tasks.Copying):
    """Copying, much shorter."""

    def __init__(self, delay: int = 1):
        super().__init__(delay)


def spread(layer, x):
    """A lens."""


def _hidden(layer):
    pass


class Plain:
    """Of no kind."""


number = GAIN
'''


@pytest.fixture
def mine(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "helper.py").write_text("GAIN = 2\n")
    path = tmp_path / "mine.py"
    path.write_text(MINE)
    before = list(sys.path)
    yield path
    sys.path[:] = before
    for name in [name for name in sys.modules if name == "helper" or name.startswith("mine_")]:
        del sys.modules[name]


def test_a_member_is_found_by_the_path_of_its_file(mine: Path) -> None:
    found = find.named(f"{mine}:Tide")
    assert (found.kind, found.name, found.symbol) == ("layers", "Tide", "Tide")
    assert found.summary == "Tide: comes and goes. Nobody 2026." and found.facts["family"] == "tide"
    assert found.path == mine and found.module == "mine"
    assert issubclass(found.load(), Layer) and found.load()(5).width == 5
    assert find.named(f"{mine}:Ebb").kind == "tasks" and find.named(f"{mine}:spread").kind == "lenses"
    assert [one.name for one in wt.list(str(mine))] == ["Tide", "Ebb", "spread"]
    assert [one.name for one in wt.list(str(mine), "layers")] == ["Tide"]
    assert isinstance(wt.load(f"{mine}:Ebb").task, Task)


def test_a_layer_that_overrides_forward_is_told_what_to_write(tmp_path: Path) -> None:
    path = tmp_path / "old.py"
    path.write_text(
        "from wavetrain.core import Nonlinear, check_input\n\n\n"
        "class Old(Nonlinear):\n"
        "    def forward(self, x, state=None):\n"
        "        check_input(self, x)\n"
    )
    with pytest.raises(BadInput, match=r"^\S+old\.py, line 4: .*Old: expected whole\(x, state\)") as told:
        find.named(f"{path}:Old")
    assert "\n" not in str(told.value)


def test_a_changed_file_is_read_anew(mine: Path) -> None:
    first = find.named(f"{mine}:Tide").load()
    assert find.named(f"{mine}:Tide").load() is first
    mine.write_text(MINE.replace("An Elman network", "A network"))
    assert find.named(f"{mine}:Tide").load() is not first


def test_it_is_compared_like_ours_in_this_process_and_in_others(
    mine: Path,
    tmp_path: Path,
    warm_workers: None,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(looks, "draw_operators", lambda folder, figures: {})  # which takes the most time
    layers = [f"{mine}:Tide", "elman"]
    small = dict(parameters=600, steps=4, batch=4, depth=1, seeds=1)
    one = wt.compare(f"{mine}:Ebb", layers, **small, out=tmp_path / "one")
    assert [row.family for row in one.rows if row.layer == "Tide"] == ["tide"]
    assert len({row.score for row in one.rows}) == 1, "it is an Elman network under another name"
    words = ["--parameters", "600", "--steps", "4", "--batch", "4", "--depth", "1", "--seeds", "1"]
    words = [
        "compare",
        f"{mine}:Ebb",
        "--layers",
        *layers,
        *words,
        "--jobs",
        "2",
        "--out",
        str(tmp_path / "two"),
    ]
    cli.main([*words, "--json"])
    two = json.loads(capsys.readouterr().out)
    assert {row["layer"]: row["scores"] for row in two["figures"]} == {
        row.layer: list(row.scores) for row in one.rows
    }
    (tmp_path / "others").mkdir()
    again = tmp_path / "others" / "again.py"
    again.write_text(MINE.replace("from helper import GAIN", "GAIN = 3"))
    with pytest.raises(BadInput, match="expected layers of different names, got more than one Tide"):
        wt.compare(f"{mine}:Ebb", [f"{mine}:Tide", f"{again}:Tide"], **small, out=tmp_path)


def test_what_it_rests_on_is_in_the_digest(mine: Path, tmp_path: Path) -> None:
    """The file, what lies beside it, and what it takes from the package, however it is imported."""
    names = {path.name for path in code.closure([mine])}
    assert {"mine.py", "helper.py", "elman.py", "copying.py"} <= names
    before = code.digest([mine])
    (tmp_path / "helper.py").write_text("GAIN = 3\n")
    assert code.digest([mine]) != before


def test_show_tells_of_it(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["show", f"{mine}:Tide"])
    said = capsys.readouterr().out
    assert "Tides" in said and "comes and goes" in said


@pytest.mark.parametrize(
    ("place", "what"),
    [
        ("nowhere.py:Tide", r"there is no file .*nowhere\.py"),
        ("mine.py:Tid", r"no class or function of .*mine\.py is called 'Tid'; did you mean Tide"),
        ("mine.py:Plain", r"mine\.py:Plain: expected a Layer, Memory, .* got a class made from nothing"),
        ("mine.py:number", r"mine\.py:number: expected a class or a function, got int"),
        ("mine.py:Ebb", r"mine\.py:Ebb is not a layer: it is one of the tasks"),
        ("mine.py", r"mine\.py has no `claim` and no `run`, .* write .*mine\.py:NAME"),
        ("syntax.py:Tide", r"syntax\.py, line 3: .*"),
        ("raises.py:Tide", r"raises\.py, line 2: importing it raised ZeroDivisionError: division by zero"),
        ("leaves.py:Tide", r"leaves\.py, line 2: importing it raised SystemExit: 0"),
        ("needs.py:Tide", r"needs\.py, line 1: importing it raised ModuleNotFoundError: .*'no_such'"),
    ],
)
def test_what_is_wrong_is_one_line(
    place: str, what: str, mine: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "syntax.py").write_text("import math\n\nclass Tide(\n")
    (tmp_path / "raises.py").write_text("import math\nx = 1 / 0\n")
    (tmp_path / "leaves.py").write_text("import sys\nsys.exit(0)\n")
    (tmp_path / "needs.py").write_text("import no_such\n")
    with pytest.raises(BadInput, match=what):
        find.named(f"{tmp_path / place}", ("layers",))
    with pytest.raises(SystemExit) as left:
        cli.main(["compare", "copying", "--layers", f"{tmp_path / place}"])
    streams = capsys.readouterr()
    assert left.value.code == 2 and len(streams.err.splitlines()) == 1 and "wavetrain: " in streams.err


@pytest.fixture
def installed(mine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package beside ours, with entry points that work and that do not."""
    (tmp_path / "tides.py").write_text(MINE)
    (tmp_path / "broken.py").write_text("1 / 0\n")
    info = tmp_path / "tides-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tides\nVersion: 1.2\n")
    lines = ["[wavetrain]", "tide = tides:Tide", "ebb = tides:Ebb", "bad = broken:Tide", "elman = tides:Tide"]
    (info / "entry_points.txt").write_text("\n".join(lines))
    monkeypatch.syspath_prepend(str(tmp_path))
    cached = (find.everything, find._brought, outside.entry_points)
    for one in cached:
        one.cache_clear()
    yield tmp_path
    for one in cached:
        one.cache_clear()
    for name in ("tides", "broken"):
        sys.modules.pop(name, None)
    vars(wt.layers).pop("Tide", None)


def test_other_packages_bring_members(installed: Path) -> None:
    with pytest.warns(UserWarning) as warned:
        found = {one.name: one for one in find.everything() if one.place}
    assert set(found) == {"tide", "ebb"}
    said = sorted(str(one.message) for one in warned)
    assert "bad of the package tides 1.2: " in said[0] and "ZeroDivisionError" in said[0]
    assert "elman of the package tides 1.2: one of the layers has that name already" in said[1]
    assert found["tide"].kind == "layers" and found["tide"].module == "tides"
    assert find.named("tide", ("layers",)) == found["tide"] in wt.list("layers", "tide")
    assert wt.layers.Tide is found["tide"].load() and "Tide" in dir(wt.layers)
    assert wt.load("ebb").name == "ebb"
    assert find.named("elman").path.parent != installed


def test_one_that_is_broken_stops_nothing(installed: Path) -> None:
    code = "from wavetrain.cli import main; main(['list', 'layers'])"
    done = run(code, PYTHONPATH=f"{installed}:{find.ROOT.parent}")
    assert done.returncode == 0 and "tide" in done.stdout and "wave_rnn" in done.stdout
    assert "left out: bad of the package tides 1.2" in done.stderr
