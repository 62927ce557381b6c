"""`.ts` files as tasks: parts, units, unequal lengths, gaps; and what cannot be learned from is refused."""

from pathlib import Path

import numpy as np
import pytest
import torch

from wavetrain.core import CLASSES, VALUES, Recorded
from wavetrain.errors import BadInput
from wavetrain.tables.cases import cases, filled
from wavetrain.tables.load import load
from wavetrain.tables.parts import shuffled, stratified

DICE = np.random.default_rng(0)
LENGTHS = DICE.integers(3, 8, 40)
SERIES = [DICE.normal(5, 3, size=(length, 2)) for length in LENGTHS]
NAMES = ["Up", "down"]
LABELS = np.arange(40) % 2


def written(series: list[np.ndarray], answers: list[str], head: str) -> bytes:
    rows = [
        ":".join([*(",".join(map(str, column)) for column in one.T), answer])
        for one, answer in zip(series, answers, strict=True)
    ]
    return "\n".join([head, "@data", *rows]).encode()


CLASSED = written(SERIES, [NAMES[label] for label in LABELS], "@dimensions 2\n@classLabel true Up down")


def test_a_file_is_a_task_in_three_parts(tmp_path: Path):
    (tmp_path / "mine.ts").write_bytes(CLASSED)
    data = load(str(tmp_path / "mine.ts"))
    task = data.task
    assert isinstance(task, Recorded) and task.objective is CLASSES
    assert (task.inputs, task.outputs, task.every_step, task.tokens) == (2, 2, False, False)
    assert data.chance == "the commonest class" and data.what == (
        "40 series of 3 to 7 steps and 2 channels; 2 classes; 28 to train, 6 to choose by and 6 to test, by "
        "a fixed shuffle, each class in its share"
    )
    split = stratified(LABELS)
    for part, rows in zip((task.train, task.valid(), task.test()), split, strict=True):
        assert part.y.tolist() == LABELS[rows].tolist()


def test_series_end_together_in_units_of_the_training_part():
    task, *_ = cases(CLASSED)
    split = stratified(LABELS)
    train = np.concatenate([SERIES[row] for row in split[0]])
    mean, deviation = train.mean(0), train.std(0)
    for part, rows in zip((task.train, task.valid(), task.test()), split, strict=True):
        for x, row in zip(part.x.numpy(), rows, strict=True):
            length = len(SERIES[row])
            np.testing.assert_allclose(
                x[7 - length :], (SERIES[row] - mean) / deviation, rtol=1e-4, atol=1e-5
            )
            assert not x[: 7 - length].any()


def test_numbers_are_values_to_learn():
    numbers = DICE.normal(100, 10, 40)
    task, what, chance, *_ = cases(written(SERIES, [str(one) for one in numbers], "@targetLabel true"))
    assert task.objective is VALUES and chance == "the mean" and "a number for each" in what
    train = numbers[shuffled(40)[0]]
    expected = ((train - train.mean()) / train.std()).astype(np.float32)
    assert (task.scale, task.level) == (pytest.approx([train.std()]), pytest.approx([train.mean()]))
    assert (task.outputs, task.chance, task.names) == (1, 0.0, ())
    torch.testing.assert_close(task.train.y[:, 0], torch.from_numpy(expected))


def test_gaps_are_filled_by_what_came_before_and_told():
    nan = np.nan
    gaps = np.array([[nan, nan], [1, nan], [nan, nan], [3, nan]])
    np.testing.assert_array_equal(filled(gaps), [[1, 0], [1, 0], [1, 0], [3, 0]])
    content = CLASSED.replace(str(SERIES[0][1, 0]).encode(), b"?", 1)
    task, what, *_ = cases(content)
    assert what.endswith("; 1 values were not measured and are the last before them")
    assert task.train.x.isfinite().all()


def test_classes_in_numbers_are_in_their_order():
    for answers in (["10", "2"] * 5, ["10.0", "2.5"] * 5):
        task, *_ = cases(written(SERIES[:10], answers, "@classLabel true " + " ".join(answers[:2])))
        assert task.names == (answers[1], answers[0]) and task.outputs == 2
    task, *_ = cases(written(SERIES[:10], ["10", "02"] * 5, "@classLabel true 10 02"))
    assert task.names == ("02", "10")  # which are no numbers as they are written


def test_ten_series_of_one_length_are_enough():
    even = [one[:3] for one in SERIES[:10]]
    _, what, *_ = cases(written(even, ["a", "b"] * 5, "@classLabel true a b"))
    assert what.startswith("10 series of 3 steps and 2 channels; 2 classes")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"@data\n" + b"1,2\n" * 20, "expected a class or a number for each series"),
        (b"@classLabel true a b\n@data\n" + b"1,2:a\n" * 9, "at least 10 series for three parts, got 9"),
        (b"@classLabel true a b\n@data\n" + b"1,2:a\n" * 20, "two classes or more, got one class only: a"),
        (b"@classLabel true a b\n@data\n" + b"1,2:a\n" * 20 + b"1,2:b\n", "alone in the part"),
        (b"@targetLabel true\n@data\n" + b"1,2:3\n" * 20, "expected values that vary"),
        (b"@targetLabel true\n@data\n" + b"1,inf:3\n" * 20, "numbers that can be scaled"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(content: bytes, message: str):
    with pytest.raises(BadInput, match=message):
        cases(content)
