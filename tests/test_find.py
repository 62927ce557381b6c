"""`find` tells what there is without importing it, and refuses what is not there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from wavetrain import find
from wavetrain.core import Card
from wavetrain.core.card import card_of
from wavetrain.errors import BadInput


def test_every_member_file_is_found_once_in_order():
    found = [(one.kind, one.name) for one in find.everything()]
    files = {
        (kind, path.stem)
        for kind in find.KINDS
        for path in (find.ROOT / kind).rglob("*.py")
        if "/_" not in path.relative_to(find.ROOT).as_posix()
    }
    assert set(found) == files and len(found) == len(files)
    assert found == sorted(found, key=lambda one: (find.KINDS.index(one[0]), one[1]))
    assert {"wave_rnn", "identity_rnn"} <= {one.name for one in find.members("layers")}


def test_what_is_read_is_what_is_loaded():
    wave = find.named("wave_rnn")
    assert (wave.kind, wave.symbol, wave.summary.split(":")[0]) == ("layers", "WaveRNN", "Wave RNN")
    loaded = wave.load()
    assert loaded.__name__ == "WaveRNN" and wave.facts == loaded.card._asdict()
    assert wave.about == __import__(loaded.__module__, fromlist=["_"]).__doc__.rstrip()


@pytest.mark.parametrize("found", find.everything(), ids=lambda one: f"{one.kind}/{one.name}")
def test_every_member_is_what_its_file_is_called(found: find.Found):
    """A class for a system or task, a function for a lens or recording, the module for an experiment."""
    assert found.summary.endswith((".", "?")) or len(found.summary) > 20
    if found.kind == "experiments":
        assert found.symbol == "" and {"title", "sentence", "source", "topic", "parts"} <= set(found.facts)
        return
    one = found.load()
    assert callable(one) and one.__module__ == found.module
    if found.kind in ("lenses", "data"):
        assert one.__name__ == found.name, f"{found.kind}/{found.name} is found as {one.__name__}"
    if found.kind in find.CITED:
        card = card_of(one)
        assert isinstance(card, Card) and card._asdict() == found.facts


def test_a_wrong_name_is_answered_with_the_nearest():
    with pytest.raises(BadInput, match=r"no member is called 'wave_rn'; did you mean wave_rnn"):
        find.named("wave_rn")
    with pytest.raises(BadInput, match=r"no layer is called 'copying'; .*"):
        find.named("copying", ("layers",))
    assert find.named("copying", ("tasks",)).symbol == "Copying"


def test_a_file_must_define_what_it_is_called(tmp_path: Path):
    layers = tmp_path / "layers"
    layers.mkdir()
    (layers / "tide.py").write_text('"""Tide."""\n\n\nclass Wave:\n    pass\n')
    with pytest.raises(BadInput, match=r"layers/tide\.py must define .* tide"):
        find._read(layers / "tide.py", tmp_path)
    (layers / "tide.py").write_text(
        '"""Tide: goes.\n\nMore."""\n\nclass TIDE:\n    card = Card(title="A" "B", year=1 + 0, seed=f())\n'
    )
    found = find._read(layers / "tide.py", tmp_path)
    assert (found.symbol, found.summary, found.facts) == ("TIDE", "Tide: goes.", {"title": "AB"})


def test_a_card_on_several_lines_or_none(tmp_path: Path):
    (tmp_path / "rules").mkdir()
    path = tmp_path / "rules" / "ebb.py"
    card = '    card = Card(\n        title="A "\n        "(b",\n        year=2,\n    )\n    size = 3\n'
    path.write_text(f'"""Ebb."""\n\n\nclass Other:\n    card = Card(title="no")\n\n\nclass Ebb:\n{card}')
    assert find._read(path, tmp_path).facts == {"title": "A (b", "year": 2}
    path.write_text('"""Ebb."""\n\n\nclass Ebb:\n    pass\n\n\nclass Other:\n    card = Card(title="no")\n')
    assert find._read(path, tmp_path).facts == {}
    path.write_text('"""Ebb."""\n\n\nclass Ebb:\n    card = Card(title="A" year=2)\n')
    with pytest.raises(BadInput, match=r"rules/ebb\.py: its docstring or card cannot be read"):
        find._read(path, tmp_path)


def test_a_lens_is_its_function_not_its_result(tmp_path: Path):
    lenses = tmp_path / "lenses"
    lenses.mkdir()
    source = '"""Far."""\n\n\nclass FarSight:\n    pass\n\n\ndef far_sight(x):\n    return FarSight()\n'
    (lenses / "far_sight.py").write_text(source)
    assert find._read(lenses / "far_sight.py", tmp_path).symbol == "far_sight"


def test_finding_imports_nothing():
    script = (
        "import sys; from wavetrain import find; found = find.everything(); "
        "print(len(found), sorted(name for name in sys.modules if name.startswith(('wavetrain.', 'torch'))))"
    )
    environment = {**os.environ, "PYTHONPATH": str(find.ROOT.parent)}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert (
        done.stdout.strip() == f"{len(find.everything())} "
        "['wavetrain.errors', 'wavetrain.find', 'wavetrain.lazy', 'wavetrain.moved', 'wavetrain.outside']"
    )
