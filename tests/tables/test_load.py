"""Data of one's own: what is read, how it is split and scaled, and one clear line for whatever is wrong."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from wavetrain.core import CLASSES, TOKENS, VALUES, Recorded, explained
from wavetrain.errors import BadInput
from wavetrain.tables.load import load
from wavetrain.tables.texts import FEWEST_BYTES


def normal(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape)


def write(folder: Path, name: str, content: Any) -> str:
    """A file of bytes, of text, or of arrays by name."""
    path = folder / name
    if isinstance(content, dict):
        np.savez(path, **content)
    elif isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content)
    return str(path)


def recorded(source: str) -> Recorded:
    task = load(source).task
    assert isinstance(task, Recorded)
    return task


def table(*columns: np.ndarray, head: str = "") -> str:
    return head + "\n".join(",".join(map(repr, map(float, row))) for row in zip(*columns, strict=True))


LABELS = np.arange(40) % 3
SHAPES = {
    "classes": ({"x": normal(40, 5, 2), "y": LABELS}, CLASSES, False, False, 2, 3),
    "classes of one channel": (
        {"x": normal(40, 5), "y": LABELS.astype(np.uint8)},
        CLASSES,
        False,
        False,
        1,
        3,
    ),
    "names": ({"x": normal(40, 5), "y": np.array(["no", "yes"] * 20)}, CLASSES, False, False, 1, 2),
    "booleans": ({"x": normal(40, 5), "y": LABELS == 1}, CLASSES, False, False, 1, 2),
    "a value": ({"x": normal(40, 5), "y": normal(40)}, VALUES, False, False, 1, 1),
    "values": ({"x": normal(40, 5), "y": normal(40, 3)}, VALUES, False, False, 1, 3),
    "a value a step": ({"x": normal(40, 5, 2), "y": normal(40, 5)}, VALUES, True, False, 2, 1),
    "values a step": ({"x": normal(40, 5, 2), "y": normal(40, 5, 3)}, VALUES, True, False, 2, 3),
    "a class a step": ({"x": normal(40, 5), "y": LABELS[:, None] + np.arange(5)}, CLASSES, True, False, 1, 7),
    "tokens": ({"x": (normal(40, 5) > 0).astype(np.int64), "y": LABELS}, CLASSES, False, True, 3, 3),
    "small integers": ({"x": (normal(40, 5) > 0).astype(np.int16), "y": LABELS}, CLASSES, False, False, 1, 3),
}


@pytest.mark.parametrize(
    "content, objective, every_step, tokens, inputs, outputs", SHAPES.values(), ids=SHAPES
)
def test_sequences(
    tmp_path: Path, content: dict, objective, every_step: bool, tokens: bool, inputs: int, outputs: int
):
    task = recorded(write(tmp_path, "mine.npz", content))
    assert (task.objective, task.every_step, task.tokens) == (objective, every_step, tokens)
    assert (task.inputs, task.outputs) == (inputs, outputs)
    parts = task.train, task.valid(), task.test()
    assert [len(part.x) for part in parts] == [28, 6, 6] == [len(part.y) for part in parts]
    for x, y in (*parts, task.draw(4, torch.Generator().manual_seed(0))):
        assert x.shape[1:] == ((5,) if tokens else (5, inputs))
        assert y.shape[1:] == (5,) * every_step + ((outputs,) if objective is VALUES else ())
        assert y.dtype == (torch.float32 if objective is VALUES else torch.int64)


def test_the_parts_of_sequences_hold_each_of_them_once(tmp_path: Path):
    x = np.repeat(np.arange(40.0)[:, None], 3, 1)
    task = recorded(write(tmp_path, "mine.npz", {"x": x, "y": LABELS}))
    ranks = (
        torch.cat([part.x[:, 0, 0] for part in (task.train, task.valid(), task.test())]).argsort().argsort()
    )
    assert ranks.sort().values.tolist() == list(range(40))
    labels = torch.cat([part.y for part in (task.train, task.valid(), task.test())])
    assert labels[ranks.argsort()].tolist() == LABELS.tolist()  # each sequence kept its own


def test_training_sees_every_class(tmp_path: Path):
    y = np.arange(40) % 2
    y[:12] = np.arange(12)
    task = recorded(write(tmp_path, "mine.npz", {"x": normal(40, 3), "y": y}))
    assert set(task.train.y.tolist()) == set(range(12))


@pytest.mark.parametrize("y", [LABELS, normal(40, 2)], ids=["labels", "values"])
def test_nothing_of_the_held_out_parts_is_in_the_scaling(tmp_path: Path, y: np.ndarray):
    x = normal(40, 5, 2)
    before = recorded(write(tmp_path, "mine.npz", {"x": x, "y": y}))
    train = before.train.x.flatten(0, 1)
    assert torch.allclose(train.mean(0), torch.zeros(2), atol=1e-6)
    assert torch.allclose(train.std(0, correction=0), torch.ones(2), atol=1e-6)
    parts = torch.cat([part.x[:, 0, 0] for part in (before.train, before.valid(), before.test())])
    rows = x[:, 0, 0].argsort()[parts.argsort().argsort()]  # of the file, in the order of the parts
    changed = x.copy(), y.copy()
    changed[0][rows[28:]] *= 1000
    changed[1][rows[28:]] += y is not LABELS
    after = recorded(write(tmp_path, "other.npz", dict(zip("xy", changed, strict=True))))
    assert torch.equal(before.train.x, after.train.x) and torch.equal(before.train.y, after.train.y)
    assert not torch.equal(before.test().x, after.test().x)


def test_nothing_of_the_test_part_of_a_table_is_in_the_scaling(tmp_path: Path):
    rows = normal(200)
    before = recorded(write(tmp_path, "mine.csv", table(rows)))
    rows[140:] += 50.0
    after = recorded(write(tmp_path, "mine.csv", table(rows)))
    assert torch.equal(before.train.x, after.train.x)
    assert after.test().x.mean() > 40


def test_a_constant_channel_is_fine(tmp_path: Path):
    x = np.stack([normal(40, 5), np.full((40, 5), 7.1)], -1)
    task = recorded(write(tmp_path, "mine.npz", {"x": x, "y": LABELS}))
    assert max(task.train.x[..., 1].abs().max(), task.test().x[..., 1].abs().max()) < 1e-6
    task = recorded(write(tmp_path, "mine.csv", table(normal(100), np.full(100, 1e9))))
    assert task.train.x[..., 1].abs().max() < 1e-6


@pytest.mark.parametrize("rows, window", [(60, 8), (400, 59), (2000, 128)])
def test_windows_of_a_table_follow_on_and_stay_in_their_part(tmp_path: Path, rows: int, window: int):
    task = recorded(write(tmp_path, "mine.csv", table(np.sqrt(np.arange(rows)), head="root\n")))
    held = int(0.15 * rows)
    first, scale = task.train.x[0, 0], task.train.x[0, 1] - task.train.x[0, 0]  # of row 0, and on to row 1
    parts = {}
    for name, (x, y) in {"train": task.train, "valid": task.valid(), "test": task.test()}.items():
        x, y = (((side - first) / scale).square().round().long() for side in (x, y))  # rows of the file
        assert x.shape[1:] == (window, 1)
        assert torch.equal(y, x + 1) and torch.equal(x[:, 1:], x[:, :-1] + 1)
        parts[name] = (int(x.min()), int(y.max()))
    assert parts["train"] == (0, rows - 2 * held - 1)
    assert parts["valid"][0] == rows - 2 * held and parts["valid"][1] < rows - held
    assert parts["test"][0] == rows - held and parts["test"][1] < rows
    assert len(task.train.x) == rows - 2 * held - window  # every start
    assert len(task.test().x) == (held - 1) // window  # one after another


def test_training_windows_are_views(tmp_path: Path):
    task = recorded(write(tmp_path, "mine.csv", table(normal(2000))))
    assert task.train.x.untyped_storage().nbytes() <= 2000 * 4


def test_chance_of_a_forecast_is_to_repeat_the_last_row(tmp_path: Path):
    rows = normal(400).cumsum()
    described = load(write(tmp_path, "mine.csv", table(rows)))
    test = described.task.test()
    assert described.task.chance == float(explained(test.x, test.y)) > 0.5
    assert described.chance == "repeating the last row"


DAYS = [str(np.datetime64("2023-11-20") + row) for row in range(100)]
HEADS = {
    "no header": ("", [], ""),
    "header": ("a,b\n", ["1.5"] * 100, ""),
    "times": ("time,b\n", [f"{day} 00:00:00" for day in DAYS], "time, which dates the rows"),
    "dates of another form": (
        "day,b\n",
        ["/".join(day.split("-")[::-1]) for day in DAYS],
        "day, which dates",
    ),
    "unnamed numbers": (",b\n", list(map(str, range(100))), "the unnamed column 1, which numbers the rows"),
    "named numbers": ("id,b\n", list(map(str, range(7, 107))), "id, which numbers the rows"),
    "times without header": ("", [f"{day}T00:00" for day in DAYS], "column 1, which dates the rows"),
}


@pytest.mark.parametrize("case", HEADS)
def test_headers_and_first_columns(tmp_path: Path, case: str):
    head, first, left_out = HEADS[case]
    cells = (
        [[value] for value in map(str, normal(100))]
        if not first
        else zip(first, map(str, normal(100)), strict=True)
    )
    described = load(write(tmp_path, "mine.csv", head + "\n".join(map(",".join, cells))))
    assert described.task.inputs == described.task.outputs == 1 + (case == "header")
    assert "100 rows of" in described.what
    assert ("left out" in described.what) == bool(left_out) and left_out in described.what


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_delimiters(tmp_path: Path, delimiter: str):
    text = table(normal(100), normal(100), head="a,b\n").replace(",", delimiter)
    assert load(write(tmp_path, "mine.csv", text)).task.inputs == 2


def test_text(tmp_path: Path):
    content = bytes(np.random.default_rng(0).choice(list(b"abc\xff"), 4000).astype(np.uint8))
    content = content[:-10] + b"z" * 10  # not in the training part
    task = recorded(write(tmp_path, "mine.txt", content))
    assert task.objective is TOKENS and task.tokens and task.every_step
    assert task.inputs == task.outputs == 5  # and one for any other
    assert task.train.x.shape == (3200 - 128, 128) and task.test().x.shape == (3, 128)
    assert torch.equal(task.train.y[:, :-1], task.train.x[:, 1:])
    assert int(task.train.x.max()) == 3
    share = np.bincount(task.test().y.flatten()) / task.test().y.numel()
    share = share[share > 0]
    assert task.chance == pytest.approx(-(share * np.log(share)).sum())


def test_names_of_the_library():
    assert load("digits").task.inputs == 1
    assert load("adding").name == "adding"


GOOD = {"x": normal(40, 5, 2), "y": LABELS}


def spoiled(value: float) -> np.ndarray:
    x = normal(40, 5, 2)
    x[3, 2, 1] = value
    return x


BAD = {
    "no such file": ("absent.npz", None, "no such file"),
    "near name": ("digitz", None, "did you mean digits?"),
    "unknown suffix": ("mine.parquet", "x", r"expected a file that ends in \.npz, \.ts, \.csv, \.txt"),
    "empty": ("mine.npz", b"", "is empty"),
    "empty table": ("mine.csv", b"", "is empty"),
    "not an archive": ("mine.npz", b"hello there", "pickled|damaged"),
    "lone array": ("mine.npz", b"\x93NUMPY", "damaged"),
    "objects": ("mine.npz", {"x": np.array([{}] * 20, dtype=object), "y": np.arange(20)}, "pickled"),
    "no y": ("mine.npz", {"x": normal(40, 5), "label": LABELS}, "called x and y, got x, label"),
    "axes of x": ("mine.npz", {"x": normal(40), "y": LABELS}, r"x \(N, T\) or \(N, T, C\), got \(40,\)"),
    "axes of y": ("mine.npz", {"x": normal(40, 5), "y": normal(40, 5, 1, 1)}, r"got y \(40, 5, 1, 1\)"),
    "labels of another shape": ("mine.npz", GOOD | {"y": np.ones((40, 2), int)}, r"y \(N,\) or \(N, T\)"),
    "another time": ("mine.npz", GOOD | {"y": normal(40, 4, 2)}, r"for x \(40, 5, 2\), got y \(40, 4, 2\)"),
    "lengths": ("mine.npz", GOOD | {"y": LABELS[:39]}, r"got x \(40, 5, 2\) and y \(39,\)"),
    "no axis in y": ("mine.npz", GOOD | {"y": np.array(3)}, r"y \(\)"),
    "complex": ("mine.npz", GOOD | {"x": normal(40, 5) * 1j}, "expected x of real numbers, got complex128"),
    "strings": ("mine.npz", GOOD | {"x": np.full((40, 5), "a")}, "expected x of real numbers, got <U1"),
    "complex answers": ("mine.npz", GOOD | {"y": normal(40) * 1j}, "expected y of .* got complex128"),
    "nan": ("mine.npz", GOOD | {"x": spoiled(np.nan)}, "got nan in x at row 3, step 2, channel 1"),
    "infinity": ("mine.npz", GOOD | {"x": spoiled(-np.inf)}, "got -inf in x at row 3, step 2, channel 1"),
    "nan in y": ("mine.npz", GOOD | {"y": np.array([1.0] * 9 + [np.nan] * 31)}, "got nan in y at row 9"),
    "too large": ("mine.npz", GOOD | {"x": spoiled(1e300) * 1e5}, "expected numbers that can be scaled"),
    "one class": ("mine.npz", GOOD | {"y": np.ones(40, int)}, "got one class only: 1"),
    "one value": ("mine.npz", GOOD | {"y": np.ones(40)}, "expected values that vary"),
    "classes of one": ("mine.npz", GOOD | {"y": np.arange(40)}, "got 40 in 40 .* give floats"),
    "few sequences": ("mine.npz", {"x": normal(9, 5), "y": LABELS[:9]}, "at least 10 sequences .* got 9"),
    "short sequences": ("mine.npz", {"x": normal(40, 1), "y": LABELS}, "at least 2 steps"),
    "no channels": ("mine.npz", {"x": normal(40, 5, 0), "y": LABELS}, "1 channel"),
    "text column": ("mine.csv", "a,b\n" + "1,2\n" * 80 + "1,red\n", "line 82, b: .* number, got 'red'"),
    "text first": ("mine.csv", "a,b\n" + "x,2\n" * 80, "line 2, a: expected a number, got 'x'"),
    "missing cell": ("mine.csv", "1,2\n" * 70 + "1,\n", "line 71, column 2: expected a number, got ''"),
    "ragged": ("mine.csv", "a,b\n" + "1,2\n" * 80 + "1,2,3\n", "line 82: expected 2 cells, got 3"),
    "nan in a table": ("mine.csv", "a,b\n" + "1,2\n" * 80 + "1,nan\n", "line 82, b: .* finite .* 'nan'"),
    "few rows": ("mine.csv", "a\n" + "1\n2\n" * 29, "at least 60 rows .* got 58"),
    "header alone": ("mine.csv", "a,b\n", "at least 60 rows .* got 0"),
    "blank lines": ("mine.csv", "\n\n\n", "got blank lines"),
    "times alone": ("mine.csv", "day\n" + "2024-01-01\n" * 80, "besides those that tell rows apart"),
    "one row repeated": ("mine.csv", "1\n" * 80, "expected values that vary"),
    "short text": ("mine.txt", "ab" * 20, f"at least {FEWEST_BYTES} bytes .* got 40"),
    "one letter": ("mine.txt", "a" * 3000, "got one byte repeated: b'a'"),
}  # fmt: skip


@pytest.mark.parametrize("name, content, message", BAD.values(), ids=BAD)
def test_bad_input_is_one_clear_line(tmp_path: Path, name: str, content: Any, message: str, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if content is not None:
        write(tmp_path, name, content)
    with pytest.raises(BadInput, match=message) as caught:
        load(name)
    assert "\n" not in str(caught.value) and name in str(caught.value)


def test_a_truncated_archive_is_one_clear_line(tmp_path: Path):
    path = Path(write(tmp_path, "mine.npz", GOOD))
    whole = path.read_bytes()
    for size in range(1, len(whole), 97):
        path.write_bytes(whole[:size])
        with pytest.raises(BadInput, match=r"damaged|pickled"):
            load(str(path))


def test_a_folder_is_not_a_file(tmp_path: Path):
    with pytest.raises(BadInput, match="ends in"):
        load(str(tmp_path))
