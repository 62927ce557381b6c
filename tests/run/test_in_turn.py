"""Rules on files in turn: from files to figures, nothing lost when stopped, and what is forgotten seen."""

import json
from pathlib import Path

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.evidence.in_turn import InTurn, read_in_turn
from wavetrain.evidence.shape import written
from wavetrain.report.in_turn import kept_columns
from wavetrain.run.in_turn import compare_rules
from wavetrain.run.pools import Processes
from wavetrain.run.terms import Terms
from wavetrain.train.lab import News

TINY = Terms(parameters=300, steps=80, batch=8, depth=1, rates=(1e-2,), seeds=(0, 1))
TWO = ("backpropagation", "experience_replay")


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Two classes that a level tells; in the second file it is the other way round."""
    found = []
    for name, sign in (("a", 1), ("b", -1)):
        y = np.arange(60) % 2
        x = 0.1 * np.random.default_rng(0).normal(size=(60, 4, 2))
        x[..., 0] += sign * (2 * y[:, None] - 1)
        x[..., 1] += 3.0 * (sign < 0)  # which tells the file
        np.savez(tmp_path / f"{name}.npz", x=x, y=np.array(["down", "up"])[y])
        found.append(str(tmp_path / f"{name}.npz"))
    return found


def quiet(news: News) -> None:
    pass


def run(files: list[str], out: Path, rules=TWO, terms: Terms = TINY, tell=quiet, jobs: int = 1) -> InTurn:
    return compare_rules(files, rules, "elman", terms, out, "cpu", Processes(jobs), tell)


def test_from_files_to_figures(files: list[str], tmp_path: Path):
    result = run(files, tmp_path / "out")
    plain, replay = (next(one for one in result.rules if one.rule == name) for name in TWO)
    assert plain.after[0][0] > 0.9 and plain.after[1][1] > 0.9  # each is learned
    assert plain.backward < -0.3 and plain.forgetting == pytest.approx(-plain.backward)
    assert replay.average > plain.average and replay.forgetting < plain.forgetting
    assert result.frozen.backward == 0 and result.frozen.after[1] == result.frozen.after[0] == plain.after[0]
    assert result.at_once > 0.8
    assert [one.average for one in result.rules] == sorted(
        (one.average for one in result.rules), reverse=True
    )
    assert replay.stored > 0 == plain.stored
    folder = Path(result.folder)
    assert (folder / result.picture).read_bytes()[:4] == b"\x89PNG"
    page = (folder / "index.html").read_text()
    assert "experience replay" in page and "domain-incremental" in page and "frozen" in page
    json.dumps(written(result), allow_nan=False)
    assert read_in_turn(folder / "result.json") == result
    columns = kept_columns(result)
    assert {len(cells) for cells in columns.values()} == {4}
    assert list(columns)[-2:] == ["file\n1", "file\n2"] and columns["file\n2"][-1] == ""


def test_what_is_over_is_read(files: list[str], tmp_path: Path):
    first = run(files, tmp_path / "out")
    assert run(files, tmp_path / "out", tell=None) == first  # type: ignore[arg-type]
    assert run(list(reversed(files)), tmp_path / "out").folder != first.folder
    (Path(first.folder) / "result.json").write_text('{"files": 3}')
    with pytest.raises(BadInput, match=r"result\.json: .*delete it"):
        run(files, tmp_path / "out")


class Killed(Exception):
    """As from outside."""


def test_stopped_it_goes_on_to_the_same(files: list[str], tmp_path: Path):
    told: list[News] = []

    def kill(news: News) -> None:
        told.append(news)
        if len(told) == 5:
            raise Killed

    terms = Terms(parameters=300, steps=12, batch=8, depth=1, rates=(1e-3, 1e-2), seeds=(0, 1))
    with pytest.raises(Killed):
        run(files, tmp_path / "killed", terms=terms, tell=kill)
    assert not list(tmp_path.glob("killed/*/result.json"))
    resumed, whole = (run(files, tmp_path / name, terms=terms) for name in ("killed", "whole"))
    assert (resumed.rules, resumed.at_once, resumed.rate) == (whole.rules, whole.at_once, whole.rate)


def test_a_rule_that_cannot_teach_it_says_so_in_one_line(files: list[str], tmp_path: Path):
    with pytest.raises(BadInput) as caught:
        run(files, tmp_path / "out", ("by_chunks",))
    assert "ByChunks: expected a TolmanEichenbaum" in str(caught.value) and "\n" not in str(caught.value)
