"""Sequences in a file, as `fit` and `predict` take them."""

from pathlib import Path

import numpy as np

from wavetrain.errors import BadInput
from wavetrain.tables.cases import filled
from wavetrain.tables.cells import decoded
from wavetrain.tables.read.content import content_of
from wavetrain.tables.read.labelled import labelled


def read_sequences(path: str | Path) -> tuple[list[np.ndarray], np.ndarray | None]:
    """Sequences (steps, channels) of a `.ts` file of aeon or sktime, and what goes with each.

    Classes come as they are written, targets as numbers, None where the file has neither. Files may be
    gzipped. What was not measured (`?`, NaN) is the last value before it. Raises BadInput with the line that
    does not fit.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from wavetrain.estimators import SequenceClassifier, read_sequences
    >>> rows = ["1,2,3:up", "3,2,1:Down", "2,3,4,5:up", "4,3,?:Down"]
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "mine.ts"
    ...     _ = path.write_text("\\n".join(["@classLabel true up Down", "@data", *rows]))
    ...     X, y = read_sequences(path)
    >>> [one.shape for one in X], y.tolist()
    ([(3, 1), (3, 1), (4, 1), (3, 1)], ['up', 'Down', 'up', 'Down'])
    >>> SequenceClassifier("gru", width=8, steps=5).fit(X, y).predict(X).shape
    (4,)
    """
    path = Path(path)
    try:
        found = labelled(decoded(content_of(path)))
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from error
    X = [filled(one) for one in found.series]
    if found.labels is not None:
        return X, np.array(found.labels)
    return X, None if found.targets is None else np.array(found.targets)
