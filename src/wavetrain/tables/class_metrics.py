"""How well classes are told apart, and how surprising tokens are.

Labels are (N,), scores of classes (N, classes) in the order of `classes`. Accuracy and balanced accuracy say
what each sequence adds, so that two of them can be compared (`paired.py`); F1 and AUROC are scikit-learn's.

    balanced accuracy   the mean over classes that occur of the share of each that is found
    F1                  the mean over classes of scikit-learn's, 0 for one that is never found
    AUROC               one class against the others, the mean over classes that can be scored so
    nats                the mean of -log p of what came; bits per byte, their sum over log 2 and bytes
"""

import numpy as np
from sklearn.metrics import f1_score, roc_auc_score

from wavetrain.errors import BadInput
from wavetrain.tables.score import Score, averaged


def accuracy(*, truth: np.ndarray, forecast: np.ndarray) -> Score:
    """The share of labels (N,) that are right.

    >>> from wavetrain.tables.class_metrics import accuracy
    >>> print(accuracy(truth=np.array(["a", "b", "b", "b"]), forecast=np.array(["a", "b", "a", "b"])))
    accuracy 0.75 (4 windows of 4 series, 4 values)
    """
    right = _right(truth, forecast)
    return _score("accuracy", right, np.full(len(right), 1 / len(right)))


def balanced_accuracy(*, truth: np.ndarray, forecast: np.ndarray) -> Score:
    """The mean share that is right of each class that occurs in the truth (N,).

    >>> from wavetrain.tables.class_metrics import balanced_accuracy
    >>> balanced_accuracy(truth=np.array([0, 1, 1, 1]), forecast=np.array([1, 1, 1, 1])).value
    0.5
    """
    right = _right(truth, forecast)
    names, which, count = np.unique(truth, return_inverse=True, return_counts=True)
    return _score("balanced accuracy", right, 1 / (count[which] * len(names)))


def f1(*, truth: np.ndarray, forecast: np.ndarray) -> Score:
    """The mean over classes of the harmonic mean of precision and recall, from labels (N,).

    >>> from wavetrain.tables.class_metrics import f1
    >>> round(f1(truth=np.array([0, 0, 1, 1]), forecast=np.array([0, 1, 1, 1])).value, 4)
    0.7333
    """
    _right(truth, forecast)
    value = float(f1_score(truth, forecast, average="macro", zero_division=0))
    return _whole("F1 (mean over classes)", value, len(truth))


def auroc(*, truth: np.ndarray, scores: np.ndarray, classes: np.ndarray) -> Score:
    """The area under the curve of labels (N,) and scores (N, classes).

    A class that is missing from the truth, or is all of it, cannot be scored; it is counted as undefined.

    >>> from wavetrain.tables.class_metrics import auroc
    >>> scores = np.array([[0.9, 0.1], [0.6, 0.4], [0.7, 0.3], [0.2, 0.8]])
    >>> auroc(truth=np.array([0, 0, 1, 1]), scores=scores, classes=np.array([0, 1])).value
    0.75
    """
    y, given = np.asarray(truth), np.asarray(scores, np.float64)
    if y.ndim != 1 or not len(y) or given.shape != (len(y), len(classes)):
        raise BadInput(f"AUROC: expected scores ({y.size}, {len(classes)}), got {given.shape}")
    strange = sorted(set(y.tolist()) - set(np.asarray(classes).tolist()))
    if strange:
        raise BadInput(f"AUROC: expected the labels {_listed(classes)}; got {strange[0]}")
    missing = int(np.isnan(given).any(1).sum())
    able = [place for place, one in enumerate(classes) if 0 < (y == one).sum() < len(y)]
    if missing or not able:
        value = np.nan
    else:
        value = float(np.mean([roc_auc_score(y == classes[place], given[:, place]) for place in able]))
    return _whole("AUROC", value, len(y) - missing, missing, len(classes) - len(able))


def nats(*, truth: np.ndarray, log_shares: np.ndarray) -> Score:
    """The mean of -log p of tokens (N, T), from log p (N, T, tokens); below 0 in the truth stands no token.

    >>> from wavetrain.tables.class_metrics import nats
    >>> round(nats(truth=np.array([[0, 1, -1]]), log_shares=np.log(np.full((1, 3, 4), 0.25))).value, 4)
    1.3863
    """
    y, given = np.asarray(truth), np.asarray(log_shares, np.float64)
    if y.ndim != 2 or given.shape[:2] != y.shape or given.ndim != 3:
        raise BadInput(f"nats: expected tokens (N, T) and log p (N, T, tokens), got {y.shape}, {given.shape}")
    if y.max(initial=-1) >= given.shape[2]:
        raise BadInput(f"nats: expected tokens below {given.shape[2]}, got {y.max()}")
    lost = -np.take_along_axis(given, np.maximum(y, 0)[..., None], 2)
    return averaged("nats", lost, None, (y < 0)[..., None])


def bits_per_byte(nats: Score, *, size: int) -> float:
    """From nats of tokens that were `size` bytes of text.

    >>> from wavetrain.tables.class_metrics import bits_per_byte, nats
    >>> even = nats(truth=np.zeros((1, 8), int), log_shares=np.log(np.full((1, 8, 4), 0.25)))
    >>> round(bits_per_byte(even, size=4), 9)  # 8 tokens of 2 bits
    4.0
    """
    if size < 1:
        raise BadInput(f"bits per byte: expected at least one byte, got {size}")
    return float(nats.value * nats.points / np.log(2) / size)


def _right(truth: np.ndarray, forecast: np.ndarray) -> np.ndarray:
    """Whether each label is right."""
    y, f = np.asarray(truth), np.asarray(forecast)
    if y.ndim != 1 or y.shape != f.shape or not len(y):
        raise BadInput(f"expected labels (N,) and as many forecast, got {y.shape}, {f.shape}")
    if (y.dtype.kind in "US") != (f.dtype.kind in "US"):
        raise BadInput(f"expected labels of one kind, got {y.dtype} and {f.dtype}")
    if f.dtype.kind == "f" and np.isnan(f).any():
        raise BadInput(f"expected a label for each of {len(f)}, got {int(np.isnan(f).sum())} that are NaN")
    return y == f


def _score(name: str, right: np.ndarray, shares: np.ndarray) -> Score:
    value = float((right * shares).sum())
    return Score(
        name=name,
        value=value,
        series=right.astype(float),
        targets=np.array([value]),
        windows=len(right),
        points=len(right),
        parts=right * shares,
        shares=shares,
    )


def _whole(name: str, value: float, count: int, missing: int = 0, undefined: int = 0) -> Score:
    """A score that is no sum over sequences."""
    each = np.array([value])
    return Score(
        name=name,
        value=value,
        series=each,
        targets=each,
        windows=count,
        points=count,
        missing=missing,
        undefined=undefined,
    )


def _listed(names: np.ndarray) -> str:
    return ", ".join(map(str, names[:6])) + ", ..." * (len(names) > 6)
