"""Paired associates: the answer is that of the pair with the key, and the given read-out tells it exactly."""

import math

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.recall.paired_associates import PairedAssociates


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("pairs", "keys", "values", "width"), [(8, 8, 8, 32), (2, 5, 3, 8), (1, 2, 2, 4)])
def test_answers_are_those_of_the_pair(pairs: int, keys: int, values: int, width: int):
    task = PairedAssociates(pairs, keys, values, width, seed=3)
    x, y = task.draw(50, generator())
    assert x.shape == (50, pairs + 1, width) and y.shape == (50,)
    key, value = (x @ task.asks().T, x @ task.given().T)
    for told, shown, answer in zip(key, value, y.tolist(), strict=True):
        assert torch.allclose(shown[-1], torch.zeros(values), atol=1e-4), "the query holds no value"
        for part in (told, shown[:-1]):
            assert torch.allclose(part, (part > 0.5).float(), atol=1e-4), "each token holds one of each"
            assert (part > 0.5).sum(1).eq(1).all()
        places = told.argmax(1).tolist()
        assert len(set(places[:-1])) == pairs == len(set(shown[:-1].argmax(1).tolist()))
        assert int(shown[places.index(places[-1])].argmax()) == answer


def test_answers_and_places_are_uniform():
    task = PairedAssociates()
    x, y = task.draw(8000, generator())
    error = math.sqrt(1 / 8 * 7 / 8 / 8000)
    assert (y.bincount(minlength=8) / 8000 - 1 / 8).abs().max() < 4.5 * error
    place = ((x[:, :-1] @ task.asks().T).argmax(2) == (x[:, -1:] @ task.asks().T).argmax(2)).float()
    assert torch.equal(place.sum(1), torch.ones(8000))
    assert (place.mean(0) - 1 / 8).abs().max() < 4.5 * error


def test_the_mean_of_all_places_tells_nothing():
    """Each value is there once, so that their mean is the same in all trials, up to the key that is asked."""
    task = PairedAssociates()
    x, _ = task.draw(20, generator())
    told = x.mean(1) @ task.given().T
    torch.testing.assert_close(told, torch.full((20, 8), 1 / 9), rtol=0, atol=1e-4)


def test_vectors_are_those_of_the_seed():
    one, again, other = PairedAssociates(seed=1), PairedAssociates(seed=1), PairedAssociates(seed=2)
    assert torch.equal(one.key, again.key) and torch.equal(one.value, again.value)
    assert not torch.equal(one.key, other.key)
    assert torch.equal(one.draw(3, generator()).x, again.draw(3, generator()).x)


def test_bad_sizes():
    with pytest.raises(BadInput, match="in 16 channels or more, got a width of 15"):
        PairedAssociates(width=15)
    with pytest.raises(BadInput, match="keys must be a whole number of at least 8, got 7"):
        PairedAssociates(keys=7)
