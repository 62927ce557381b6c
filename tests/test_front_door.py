"""The front door: names are imported when they are used, are those of `find`, and have types."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import wavetrain as wt
from tests.fresh import python, warm
from wavetrain import find, stubs
from wavetrain.core import Layer
from wavetrain.errors import BadInput
from wavetrain.run import looks


def test_all_is_what_is_offered() -> None:
    assert dir(wt) == sorted(wt.__all__) and {*KINDS} < {*dir(wt)}
    for name in dir(wt):
        assert getattr(wt, name).__name__.startswith("wavetrain.") == (
            name not in ("compare", "fit", "list", "load", "look") and not isinstance(getattr(wt, name), type)
        )


def test_importing_loads_no_torch_and_no_member() -> None:
    script = (
        "import sys, wavetrain as wt; dir(wt); wt.list(); "
        "print(sorted(name for name in sys.modules if name.startswith(('torch', 'numpy', 'wavetrain.'))))"
    )
    assert (
        python(script)
        == "['wavetrain.errors', 'wavetrain.find', 'wavetrain.lazy', 'wavetrain.moved', 'wavetrain.outside']"
    )


KINDS = [kind for kind in find.KINDS if find.members(kind)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_offers_what_is_found_and_nothing_else(kind: str) -> None:
    package = getattr(wt, kind)
    assert dir(package) == sorted(one.attribute for one in find.members(kind))
    for found in find.members(kind):
        assert getattr(package, found.attribute) is found.load()


def test_a_name_is_the_member_whatever_was_imported_before() -> None:
    """The lens `toeplitz` lies in a file of the same name, which Python would put in its place."""
    found = find.named("toeplitz")
    lines = [
        "import wavetrain as wt; a = wt.lenses.toeplitz",
        f"from {found.module} import toeplitz as b",
        "from wavetrain.lenses import toeplitz as c",
    ]
    for first in range(3):
        script = "\n".join([*lines[first:], *lines[:first], "print(a is b is c, callable(a))"])
        assert warm("-c", script).stdout == "True True\n"


def test_the_door_leads_to_layers_data_and_comparisons(tmp_path: Path) -> None:
    assert isinstance(wt.layers.WaveRNN(60), Layer)
    assert wt.load("copying").name == "copying"
    assert [one.name for one in wt.list("layers", "wave")] == ["wave_rnn", "wave_working_memory"]
    assert wt.list() == find.everything()
    assert {one.kind for one in wt.list("lenses", "rules")} == {"lenses", "rules"}
    with pytest.raises(BadInput, match=r"no kind or tag is called 'layer'; did you mean layers"):
        wt.list("layer")


def test_a_folder_of_a_kept_model_is_the_model(tmp_path: Path) -> None:
    wave = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=60), "y": np.arange(60) % 5.0, "z": 1.0})
    model = wt.fit(wave, wt.Forecaster("elman", width=2, depth=1, steps=1), target="y")
    assert isinstance(model, wt.Forecaster) and model.panel_.columns[0] == "y"
    model.save(tmp_path / "m")
    again = wt.load(tmp_path / "m")
    assert type(again) is wt.Forecaster and (again.predict().value == model.predict().value).all()
    wt.AnomalyDetector("last_value").fit(np.sin(np.arange(600.0))).save(tmp_path / "d")
    assert type(wt.load(str(tmp_path / "d"))) is wt.AnomalyDetector
    with pytest.raises(BadInput, match="expected a folder of a kept model"):
        wt.load(tmp_path)
    with pytest.raises(BadInput, match="its roles are said already"):
        wt.fit(model.panel_, target="y")


def test_a_wrong_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(
        AttributeError, match=r"'wavetrain.layers' has no attribute 'WaveRN'; did you mean WaveRNN"
    ):
        wt.layers.WaveRN  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'Tide'"):
        from wavetrain.layers import Tide  # noqa: F401


def test_a_comparison_is_typed_and_prints_its_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "LONGEST", 6)  # looking at long sequences takes the most time
    found = wt.compare(
        "copying", ["elman", "wave_rnn"], parameters=600, steps=4, batch=4, depth=1, seeds=1, out=tmp_path
    )
    assert {row.layer for row in found.rows} == {"elman", "wave_rnn"} and found.best is found.rows[0]
    first, second = (row.score for row in found.rows)
    assert first is not None and second is not None and (first >= second) == found.higher
    assert (found.data, found.chance) == ("copying", wt.load("copying").task.chance)
    assert all(row.picture and row.picture.exists() and row.scores == (row.score,) for row in found.rows)
    assert str(found).splitlines()[-1].split()[0] == "chance" and "wave_rnn" in str(found)
    assert (
        wt.compare(
            "copying", ["elman", "wave_rnn"], parameters=600, steps=4, batch=4, depth=1, seeds=1, out=tmp_path
        )
        == found
    )


@pytest.mark.parametrize("kind", stubs.kinds())
def test_stubs_are_current(kind: str) -> None:
    assert stubs.place(kind).read_text(encoding="utf-8") == stubs.stub(kind), "run `make stubs`"


@pytest.mark.slow
def test_a_type_checker_sees_the_types(tmp_path: Path) -> None:
    script = tmp_path / "mine.py"
    script.write_text(
        "import wavetrain as wt\n"
        "from wavetrain.layers import GRU\n"
        "reveal_type(wt.layers.WaveRNN(60).width)\n"
        "reveal_type(GRU(8))\n"
        "reveal_type(wt.lenses.toeplitz)\n"
        "reveal_type(wt.compare('mine.csv').best.score)\n"
        "reveal_type(wt.list()[0].name)\n"
        "wt.layers.Nothing\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "mypy", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=find.ROOT.parent.parent, check=False)
    said = [line.split(": ", 1)[1] for line in done.stdout.splitlines() if ": " in line]
    assert len(said) == 6, done.stdout + done.stderr
    assert said[0].endswith('"int"') and said[1].endswith('.GRU"') and "Toeplitz" in said[2]
    assert said[3].endswith('"float | None"') and said[4].endswith('"str"')
    assert 'has no attribute "Nothing"' in said[5]
