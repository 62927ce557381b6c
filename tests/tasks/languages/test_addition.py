"""Addition: which pairs are learned and which are asked."""

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.languages.addition import Split, addition


@pytest.mark.parametrize(
    ("split", "learned", "asked"), [("PAIRS", 70, 30), ("SUMS", 55, 45), ("FIRST", 60, 30)]
)
def test_sizes(split: str, learned: int, asked: int):
    """Of 10 x 10; in FIRST a is 6 to 9 and b at most 14 - a: 9 + 8 + 7 + 6."""
    task = addition(9, Split[split])
    held_out = torch.cat([task.valid().x, task.test().x])
    assert (len(task.train.x), len(held_out), task.outputs) == (learned, asked, 19)
    assert len(torch.unique(torch.cat([task.train.x, held_out]), dim=0)) == learned + asked
    for part in (task.train, task.valid(), task.test()):
        assert torch.equal(part.x.sum(1), part.y)


def test_what_is_asked():
    sums = addition(9, Split.SUMS)
    assert sums.train.y.max() == 9 and sums.test().y.min() >= 10
    first = addition(9, Split.FIRST)
    assert first.train.x[:, 0].max() == 5 and first.test().x[:, 0].min() == 6
    assert first.train.y.max() == 14 and first.test().y.max() <= 14


def test_the_seed_draws_the_pairs():
    assert not torch.equal(addition(seed=1).train.x, addition(seed=2).train.x)
    assert torch.equal(addition(seed=1).train.x, addition(seed=1).train.x)
    with pytest.raises(BadInput, match="largest"):
        addition(2)
