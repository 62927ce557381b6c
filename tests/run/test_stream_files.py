"""A stream of files: classes by their names, channels in the units of the first, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
import torch

from wavetrain.core import majority
from wavetrain.errors import BadInput
from wavetrain.parts.task_sequence import Scenario
from wavetrain.run.stream_files import USUAL, asked, check, together
from wavetrain.tables.load import Described, load


def file(
    folder: Path, name: str, labels: tuple[str, ...], *, channels: int = 2, shift: float = 0.0, many: int = 40
) -> Described:
    """Sequences of 5 steps, of which class k has k + `shift` in the first channel, and noise besides."""
    y = np.arange(many) % len(labels)
    x = np.random.default_rng(0).normal(size=(many, 5, channels))
    x[..., 0] = y[:, None] + shift
    np.savez(folder / f"{name}.npz", x=x, y=np.array(labels)[y])
    return load(str(folder / f"{name}.npz"))


def test_the_same_classes_are_a_domain(tmp_path: Path):
    files = [file(tmp_path, "a", ("up", "down")), file(tmp_path, "b", ("up", "down"), shift=3)]
    sequence, said = together(files)
    assert sequence.scenario is Scenario.DOMAIN and sequence.outputs == 2
    assert sequence.heads == ((0, 1), (0, 1))
    assert said[-1] == "domain-incremental: the same 2 classes in each file"
    assert said[0].startswith("1. a: 40 sequences of 5 steps")


def test_other_classes_compete(tmp_path: Path):
    files = [file(tmp_path, "a", ("c", "a")), file(tmp_path, "b", ("b", "d", "e"))]
    sequence, said = together(files)
    assert sequence.scenario is Scenario.CLASS and sequence.outputs == 5
    assert [one.train.y.unique().tolist() for one in sequence.tasks] == [[0, 2], [1, 3, 4]]
    assert sequence.told().objective.score(torch.tensor([[0.0, 9, 1, 0, 0]]), torch.tensor([2])) == 1
    assert "other classes in each file, 5 in all, which all compete" in said[-1]


def test_a_class_of_one_name_is_one_class(tmp_path: Path):
    files = [file(tmp_path, "a", ("x", "z")), file(tmp_path, "b", ("y", "z"))]
    sequence, said = together(files)
    assert sequence.heads == ((0, 2), (1, 2)) and sequence.outputs == 3
    assert said[-1].endswith("3 classes in all, some of them in several files")
    assert sequence.tasks[1].names == ("x", "y", "z")


def test_channels_are_in_the_units_of_the_first_file(tmp_path: Path):
    """What is shifted stays shifted: a file that were scaled by itself would look like the first."""
    files = [file(tmp_path, name, ("up", "down"), shift=shift) for name, shift in (("a", 0), ("b", 10))]
    one, two = together(files)[0].tasks
    assert abs(float(one.train.x[..., 0].mean())) < 1e-5
    rows = torch.cat([part.x[..., 0].flatten() for part in (two.train, two.valid(), two.test())])
    spread = files[0].spread[0]
    assert float(rows.mean()) == pytest.approx((10.5 - files[0].centre[0]) / spread, abs=1e-3)
    assert two.chance == majority(two.test().y)


def test_labels_stay_with_their_sequences(tmp_path: Path):
    """In the first channel a class has its own number: the file's own order of names does not matter."""
    sequence, _ = together([file(tmp_path, "a", ("b", "a", "c")), file(tmp_path, "b", ("c", "b", "a"))])
    for task, order in zip(sequence.tasks, ((1, 0, 2), (2, 1, 0)), strict=True):
        level = task.train.x[:, 0, 0]
        ranks = level.unique().tolist().index
        found = {ranks(one): int(y) for one, y in zip(level.tolist(), task.train.y, strict=True)}
        assert found == {0: order[0], 1: order[1], 2: order[2]}


@pytest.mark.parametrize(
    ("channels", "y", "said"),
    [
        (3, None, "expected tasks of one shape, got sequences of 2 channels with one answer in task 1"),
        (2, "values", "b: expected a file of sequences with a class each"),
        (2, "steps", "b: expected a file of sequences with a class each"),
    ],
)
def test_files_that_do_not_go_together(tmp_path: Path, channels: int, y: str | None, said: str):
    first, second = (
        file(tmp_path, "a", ("up", "down")),
        file(tmp_path, "b", ("up", "down"), channels=channels),
    )
    if y is not None:
        x = np.random.default_rng(0).normal(size=(40, 5, 2))
        np.savez(tmp_path / "b.npz", x=x, y=x[:, 0, 0] if y == "values" else (x[..., 0] > 0).astype(int))
        second = load(str(tmp_path / "b.npz"))
    with pytest.raises(BadInput) as caught:
        together([first, second])
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_files_of_other_lengths(tmp_path: Path):
    first = file(tmp_path, "a", ("up", "down"))
    np.savez(tmp_path / "b.npz", x=np.random.default_rng(0).normal(size=(40, 7, 2)), y=np.arange(40) % 2)
    with pytest.raises(BadInput, match="of one length in all files, got 5 steps in a and 7 in b"):
        together([first, load(str(tmp_path / "b.npz"))])


def test_what_is_no_file_of_sequences(tmp_path: Path):
    with pytest.raises(BadInput, match="copying: expected a file of sequences with a class each"):
        together([load("copying")])
    with pytest.raises(BadInput, match="expected at least one task, got none"):
        together([])


def test_rules_by_name():
    assert [one.name for one in asked(())] == list(USUAL)
    assert [one.name for one in asked(("hebb", "hebb"))] == ["hebb"]
    with pytest.raises(BadInput, match="no rule is called 'replay'"):
        asked(("replay",))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"data": "", "stream": ()}, "expected a file or a name to compare layers on, or --stream and files"),
        ({"stream": (), "rules": ("nobody",)}, "no rule is called 'nobody'"),
        ({"stream": (), "rules": ("hebb",), "layers": ("gru", "lstm")}, "several rules teach one layer"),
        ({"stream": (), "rules": ("hebb",), "minutes": 3.0}, "rules teach for a number of --steps"),
        ({"stream": (), "rules": ("hebb",), "others": True}, "on text or on a task: expected no columns"),
        (
            {"data": "a.npz"},
            "expected one file to compare on, or --stream and files in turn, got both: a.npz",
        ),
        ({"rules": ("nobody",)}, "no rule is called 'nobody'"),
        ({"layers": ("gru", "lstm")}, "by one layer and several rules, got layers gru, lstm"),
        ({"layers": ("all",)}, "by one layer and several rules, got layers all"),
        ({"minutes": 3.0}, "expected no --minutes or --quick"),
        ({"quick": True}, "expected no --minutes or --quick"),
        ({"others": True}, "expected no columns, --classes, --horizon, --window or --split"),
    ],
)
def test_what_is_asked_for_must_go_together(words: dict[str, object], said: str):
    plain = {"data": "", "stream": ("a.npz",), "rules": (), "layers": ()}
    plain |= {"minutes": None, "quick": False, "others": False}
    if not words.get("stream", True) and "data" not in words:
        plain["data"] = "a.npz"
    with pytest.raises(BadInput, match=said):
        check(**plain | words)  # type: ignore[arg-type]


def test_what_goes_together_is_let_through():
    check("a.npz", (), (), ("gru", "lstm"), minutes=3.0, quick=False, others=True)
    check("", ("a.npz", "b.npz"), ("hebb",), ("gru",), minutes=None, quick=False, others=False)
