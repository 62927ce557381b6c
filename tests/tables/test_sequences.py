"""Parts of sequences: classes in their shares, groups whole, and parts that can be scored."""

import io
import zipfile

import numpy as np
import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tables import parts
from wavetrain.tables.sequences import sequences

X = np.random.default_rng(0).normal(size=(200, 4))


def saved(**arrays: object) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)  # type: ignore[arg-type]
    return file.getvalue()


@pytest.mark.parametrize("sizes", [(190, 10), (100, 60, 40), (180, 13, 7), (193, 7)])
def test_each_class_has_its_share_in_each_part(sizes: tuple[int, ...]):
    """No more than one sequence of a class more or fewer than its share, wherever it stands in the file."""
    y = np.repeat(np.arange(len(sizes)), sizes)
    task = sequences(saved(x=X, y=y))[0]
    for part, share in ((task.train, 0.7), (task.valid(), 0.15), (task.test(), 0.15)):
        assert len(part.y) == round(share * 200)
        for label, size in enumerate(sizes):
            assert abs(int((part.y == label).sum()) - share * size) <= 1


def test_the_fixed_shuffle_does_not_hang_on_names():
    y = np.arange(200) % 4 == 0
    one, other = (sequences(saved(x=X, y=labels))[0] for labels in (y, np.where(y, "yes", "no")))
    assert torch.equal(one.test().x, other.test().x) and torch.equal(one.test().y, other.test().y)


@pytest.mark.parametrize("rare", [1, 2, 3])
def test_a_part_with_one_class_is_refused(rare: int):
    """Any answer would be right there: accuracy 1.000 beside chance 1.000."""
    y = (np.arange(200) < rare).astype(int)
    with pytest.raises(BadInput, match=rf"got 0 alone in the part .* of the rarest class there are {rare}"):
        sequences(saved(x=X, y=y))
    with pytest.raises(BadInput, match="got 0 alone in the part"):
        sequences(saved(x=X, y=np.repeat(y[:, None], 4, 1)))  # one a step


def test_groups_stay_whole():
    groups = np.random.default_rng(1).integers(0, 12, 200)
    y = np.arange(200) % 2
    x = np.repeat(groups[:, None], 4, 1).astype(float)
    task, what, *_ = sequences(saved(x=x, y=y, groups=groups, note=np.ones(3)))
    seen = [set(part.x[:, 0, 0].tolist()) for part in (task.train, task.valid(), task.test())]
    assert sum(map(len, seen)) == 12 == len(set.union(*seen))
    assert sum(len(part.y) for part in (task.train, task.valid(), task.test())) == 200
    assert "12 groups kept whole" in what and "not read: note" in what
    assert 30 <= len(task.test().y) <= 30 + np.bincount(groups).max()


@pytest.mark.parametrize(
    "groups, said",
    [
        (np.arange(200) % 2, "at least 3 groups for three parts, got 2"),
        (np.arange(199), r"expected groups \(200,\) of integers or strings, got \(199,\)"),
        (np.arange(200.0), "got .* of float64"),
    ],
)
def test_groups_that_cannot_be_kept(groups: np.ndarray, said: str):
    with pytest.raises(BadInput, match=said):
        sequences(saved(x=X, y=np.arange(200) % 2, groups=groups))


def test_a_class_that_training_would_not_see_is_refused():
    """Of four groups of equal size two are held out, whatever their classes."""
    groups = np.arange(200) // 50
    held = 0
    for alone in range(4):
        y = np.where(groups == alone, 2, np.arange(200) % 2)
        try:
            sequences(saved(x=X, y=y, groups=groups))
        except BadInput as error:
            held += "none of 2 to train" in str(error)
    assert held == 2


def test_constant_answers_are_refused_in_each_part():
    values = np.random.default_rng(0).normal(size=200)
    for part in parts.shuffled(200):
        flat = values.copy()
        flat[part] = 3.0
        with pytest.raises(BadInput, match=f"values that vary in each part, got {len(part)} times the same"):
            sequences(saved(x=X, y=flat))
        flat[part] += 1e-15 * np.arange(len(part))  # rounding is no variation
        with pytest.raises(BadInput, match="values that vary in each part"):
            sequences(saved(x=X, y=flat))


def archive(name: str, content: bytes, compression: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as whole:
        whole.writestr(name, content)
        whole.writestr("y.npy", npy("(200,)", b"\0" * 1600))
    return file.getvalue()


def npy(shape: str, data: bytes = b"", kind: str = "<f8") -> bytes:
    head = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}"
    return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head.encode() + data


def patched(content: bytes, offset: int, value: int) -> bytes:
    """With two bytes changed in the first entry's own header and in that of the directory."""
    raw = bytearray(content)
    for place, at in ((0, offset), (raw.index(b"PK\x01\x02"), offset + 2)):
        raw[place + at : place + at + 2] = value.to_bytes(2, "little")
    return bytes(raw)


GOOD = saved(x=X, y=np.arange(200) % 2)
HOSTILE = {
    "petabytes": archive("x.npy", npy("(1000000000000, 1000)", b"\0" * 80)),
    "more than can be counted": archive("x.npy", npy("(9223372036854775807, 9223372036854775807)")),
    "negative": archive("x.npy", npy("(-5, 4)")),
    "encrypted": patched(GOOD, 6, 1),
    "unknown compression": patched(GOOD, 8, 97),
    "bytes that are no arrays": archive("x.npy", b"hello"),
    "bytes by another name": archive("x", b"hello"),
    "nested header": archive("x.npy", npy("(" * 5000 + ")" * 5000)),
    "no dtype": archive("x.npy", npy("(200, 4)", kind="nonsense")),
    "short": archive("x.npy", npy("(200, 4)", b"\0" * 80)),
    "cut": GOOD[: len(GOOD) // 2],
    "a lone answer": saved(x=X, y=np.array(1)),
    "a lone value": saved(x=X, y=np.array(1.5)),
    "records": saved(x=np.zeros(200, [("a", "f8")]), y=np.arange(200)),
    "objects": saved(x=np.array([{}] * 200, dtype=object), y=np.arange(200)),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_archives_from_anyone_are_one_line(case: str):
    with pytest.raises(BadInput, match="expected") as caught:
        sequences(HOSTILE[case])
    assert len(str(caught.value)) < 400


def test_two_steps_of_ten_sequences_are_enough():
    y = np.arange(10) % 2
    assert sequences(saved(x=X[:10, :2], y=y))[0].inputs == 1
    with pytest.raises(BadInput, match=r"at least 2 steps and 1 channel, got x \(10, 1\)"):
        sequences(saved(x=X[:10, :1], y=y))
    with pytest.raises(BadInput, match=r"at least 2 steps and 1 channel, got x \(10, 4, 0\)"):
        sequences(saved(x=np.zeros((10, 4, 0)), y=y))
    with pytest.raises(BadInput, match="at least 10 sequences for three parts, got 9"):
        sequences(saved(x=X[:9], y=y[:9]))


def test_one_class_alone_is_refused_wherever_another_would_stand():
    y = np.zeros(20, int)
    with pytest.raises(BadInput, match="two classes or more, got one class only: 0"):
        sequences(saved(x=X[:20], y=y))


@pytest.mark.parametrize(
    "groups", [np.zeros((200, 1), int), np.zeros(199, int), np.zeros(200), np.zeros((200, 4), int)]
)
def test_groups_are_one_whole_number_or_name_for_each_sequence(groups: np.ndarray):
    with pytest.raises(BadInput, match=r"expected groups \(200,\) of integers or strings, got"):
        sequences(saved(x=X, y=np.arange(200) % 2, groups=groups))


def test_the_units_of_values_are_told():
    y = np.random.default_rng(0).normal(5.0, 3.0, size=(200, 2))
    task = sequences(saved(x=X, y=y))[0]
    train = np.sort(task.train.y.numpy() * np.array(task.scale) + np.array(task.level), 0)
    assert np.isin(train.round(4), y.round(4)).mean() > 0.99 and len(task.scale) == len(task.level) == 2
    assert (task.chance, task.names, task.outputs) == (0.0, (), 2)
