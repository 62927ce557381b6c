"""Simple answers for whole sequences come back from their arrays as they were."""

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.tables.class_baselines import ClassBaseline
from wavetrain.tables.simple_kept import KINDS, parts, whole

DICE = np.random.default_rng(0)
X = DICE.normal(size=(40, 12, 2))


@pytest.mark.parametrize("name", KINDS)
def test_what_is_kept_answers_alike(name: str) -> None:
    kind = KINDS[name]
    if issubclass(kind, ClassBaseline):
        first = kind.fit(X[:30], np.arange(30) % 3)
        again = whole(*parts(first))
        assert isinstance(again, ClassBaseline)
        assert np.array_equal(first.scores(X[30:]), again.scores(X[30:]))
    else:
        first = kind.fit(X[:30], X[:30, -1])
        again = whole(*parts(first))
    assert np.array_equal(first.predict(X[30:]), again.predict(X[30:]))


def test_what_is_not_whole_is_refused() -> None:
    kind, arrays = parts(KINDS["Mean"].fit(X, X[:, 0]))
    with pytest.raises(BadInput, match=r"expected one of Majority, .*got 'Median'"):
        whole("Median", arrays)
    with pytest.raises(BadInput, match=r"Mean: expected mean; got $"):
        whole(kind, {})
