"""`wavetrain new`: what it writes passes under the contract, and nothing is overwritten."""

import ast
import json
from pathlib import Path

import pytest

from tests.fresh import warm
from wavetrain import find
from wavetrain.cli import main
from wavetrain.cli.new import FOLDERS


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as left:
        main(words)
    said = capsys.readouterr().err
    assert left.value.code == 2 and len(said.splitlines()) == 1
    return said


@pytest.mark.slow
def test_each_kind_passes_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for what in FOLDERS:
        main(["new", what, f"my_{what}", "--folder", str(tmp_path), "--json"])
        files = json.loads(capsys.readouterr().out)["files"]
        assert files == [str(tmp_path / f"my_{what}.py"), str(tmp_path / f"test_my_{what}.py")]
    words = ["-p", "wavetrain.testing.plugin", "-W", "error", "-W", "ignore:.torch.jit:DeprecationWarning"]
    words += ["-q", "-rA", "--rootdir", str(tmp_path), str(tmp_path)]
    script = f"import sys, pytest; sys.path.insert(0, {str(tmp_path)!r}); sys.exit(pytest.main({words!r}))"
    done = warm("-c", script)
    assert done.returncode == 0, done.stdout + done.stderr
    for what in FOLDERS:
        assert f"test_my_{what}.py::" in done.stdout
    for name, kind in (("layer", "layers"), ("spiking", "spiking")):
        found = {one.name: one.kind for one in find.select(str(tmp_path / f"my_{name}.py"))}
        assert found == {f"My{name.title()}": kind}


@pytest.mark.parametrize("what", FOLDERS)
def test_it_says_what_was_written_and_what_to_do_with_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    """A file of one's own can be shown by its path; a claim, and what lies in a checkout, cannot."""
    inside, group = (
        tmp_path / "checkout",
        {"layer": "wave", "task": "recall", "lens": "space", "claim": "waves"},
    )
    (inside / "src" / "wavetrain").mkdir(parents=True)
    for folder, more in ((tmp_path, ()), (inside, ("--group", group.get(what, "")))):
        main(["new", what, "tide_pool", "--folder", str(folder), *(more if more[1:] != ("",) else ())])
        wrote, tested, to_do, *look = capsys.readouterr().out.splitlines()
        assert wrote.startswith(f"wrote {folder}") and wrote.endswith("/tide_pool.py")
        assert tested.startswith(f"wrote {folder}") and tested.endswith("/test_tide_pool.py")
        assert to_do == f"test it:    pytest {tested.removeprefix('wrote ')}"
        path, symbol = folder / "tide_pool.py", "tide_pool" if what == "lens" else "TidePool"
        shown = folder == tmp_path and what != "claim"
        assert look == [f"look at it: wavetrain show {path}:{symbol}"] * shown


def test_nothing_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "test_tide.py").write_text("mine")
    assert "test_tide.py is there already" in refused(
        capsys, "new", "layer", "tide", "--folder", str(tmp_path)
    )
    assert [path.name for path in tmp_path.iterdir()] == ["test_tide.py"]
    assert "there is a layer called gru already" in refused(capsys, "new", "layer", "gru")
    assert "there is a spiking network called lif already" in refused(capsys, "new", "spiking", "lif")
    assert "small letters" in refused(capsys, "new", "layer", "MyTide")
    assert "small letters" in refused(capsys, "new", "layer", "../tide")
    assert "tide" in refused(capsys, "new", "tide", "layer")


def test_in_a_checkout_it_goes_to_its_group(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "src" / "wavetrain").mkdir(parents=True)
    words = ("--folder", str(tmp_path))
    assert "expected --group with one of attention, " in refused(capsys, "new", "layer", "tide", *words)
    assert "no group is called 'waves'; did you mean wave" in refused(
        capsys, "new", "layer", "tide", "--group", "waves", *words
    )
    main(["new", "layer", "tide", "--group", "wave", *words])
    main(["new", "rule", "ebb", *words])
    main(["new", "rule", "swell", "--group", "hebbian", *words])  # a kind with members in groups and beside
    main(["new", "claim", "flow", "--group", "waves", *words])
    for path in ("layers/wave/tide", "rules/ebb", "rules/hebbian/swell", "experiments/waves/flow"):
        member = tmp_path / "src" / "wavetrain" / f"{path}.py"
        test = tmp_path / "tests" / path.rpartition("/")[0] / f"test_{path.rpartition('/')[2]}.py"
        assert ast.parse(member.read_text()) and ast.parse(test.read_text())
    assert "from wavetrain.layers import Tide" in (tmp_path / "tests/layers/wave/test_tide.py").read_text()
    assert (
        "import wavetrain.experiments.waves.flow as"
        in (tmp_path / "tests/experiments/waves/test_flow.py").read_text()
    )
    assert "has no src/wavetrain" in refused(
        capsys, "new", "layer", "tide", "--group", "wave", "--folder", str(tmp_path / "src")
    )
