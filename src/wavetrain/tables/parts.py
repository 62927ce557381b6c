"""Three parts, to train, to choose by and to test: of sequences by a fixed shuffle, of rows in time.

Sequences with one label each are spread so that every class has its share in each part. Sequences of one
group (a person, a machine, a day) stay in one part where groups are given. What cannot be scored in a
part is refused: answers that are all the same there have neither an R² nor an accuracy worth the name.
"""

import numpy as np
from torch import Tensor

from wavetrain.core import Batch
from wavetrain.errors import BadInput

HELD = 0.15  # share of the sequences or rows in the part to choose by, and in that to test
SAME = 1e-6  # deviation of scaled values that is rounding
Parts = tuple[np.ndarray, np.ndarray, np.ndarray]  # places of sequences: to train, to choose by, to test


def sizes(count: int) -> tuple[int, int]:
    """How many sequences are to train, and how many in each other part."""
    held = round(HELD * count)
    return count - 2 * held, held


def shuffled(count: int) -> Parts:
    """By one fixed shuffle."""
    return _cut(np.random.default_rng(0).permutation(count))


def stratified(labels: np.ndarray) -> Parts:
    """By one fixed shuffle, in which each class (N,) is spread evenly.

    The k-th of n sequences of a class stands at (k + 1/2) / n of the way, so training has the first of each.
    """
    order = np.random.default_rng(0).permutation(len(labels))
    place = np.empty(len(labels))
    for label in np.unique(labels):
        mine = labels[order] == label
        place[mine] = (np.arange(mine.sum()) + 0.5) / mine.sum()
    return _cut(order[np.argsort(place, kind="stable")])


def shown(labels: np.ndarray) -> Parts:
    """By one fixed shuffle, but the first sequence that shows each class (N, T) is to train."""
    order = np.random.default_rng(0).permutation(len(labels))
    _, first = np.unique(labels[order], return_index=True)  # in the flattened labels
    first = np.unique(first // labels.shape[1])
    return _cut(np.concatenate([order[first], np.delete(order, first)]))


def grouped(groups: np.ndarray) -> Parts:
    """Whole groups (N,), by one fixed shuffle of them: to test until that part is full, then to choose by."""
    names, which, count = np.unique(groups, return_inverse=True, return_counts=True)
    if len(names) < 3:
        raise BadInput(f"expected at least 3 groups for three parts, got {len(names)}")
    part, held = np.zeros(len(names), int), sizes(len(groups))[1]
    queue = list(np.random.default_rng(0).permutation(len(names)))
    for place in (2, 1):
        while len(queue) > place and count[part == place].sum() < held:
            part[queue.pop()] = place
    train, valid, test = (np.flatnonzero(part[which] == place) for place in range(3))
    return train, valid, test


def _cut(order: np.ndarray) -> Parts:
    train, held = sizes(len(order))
    learn, valid, test = np.split(order, [train, len(order) - held])
    assert len(test) == held
    return learn, valid, test


def check_classes(labels: np.ndarray, parts: Parts, names: np.ndarray) -> None:
    """Training must see every class, and each other part at least two."""
    seen = [set(np.unique(labels[part]).tolist()) for part in parts]
    unseen = sorted(set(range(len(names))) - seen[0])
    if unseen:
        raise BadInput(
            f"expected each class more than once, got {len(names)} in {len(labels)} sequences, and none of "
            f"{names[unseen[0]]} to train; give floats for values"
        )
    for part, what in zip(seen[1:], ("to choose by", "to test"), strict=True):
        if len(part) < 2:
            (one,) = part
            raise BadInput(
                f"expected two classes or more in each part, got {names[one]} alone in the part {what}: any "
                f"answer would be right; of the rarest class there are {np.bincount(labels.flatten()).min()}"
            )


def check_varies(*answers: Tensor) -> None:
    """R² has no meaning where all values are the same, and no sense where training sees one value alone."""
    for part in answers:
        values = part.flatten(0, -2).double()
        if not bool((values.std(0, correction=0) > SAME).any()):
            raise BadInput(f"expected values that vary in each part, got {len(values)} times the same in one")


def windows(rows: Tensor, train: int, held: int, window: int) -> tuple[Batch, Batch, Batch]:
    """Three parts in time as windows, and what follows each of their steps, all views of the rows.

    A window to train from may start anywhere; those of the held-out parts lie one after another.
    """

    def cut(part: Tensor, apart: int) -> Batch:  # (K, window) tokens, or (K, window, C)
        return Batch(*(side.unfold(0, window, apart).movedim(-1, 1) for side in (part[:-1], part[1:])))

    learn, valid, test = rows.split((train, held, held))
    return cut(learn, 1), cut(valid, window), cut(test, window)
