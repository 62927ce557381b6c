"""How the changes of a batch become one."""

import torch

from tests.promises import close, normal
from wavetrain.parts.over_batch import OverBatch


def test_equal_changes():
    change = normal(2, 3)
    copies = change.expand(4, -1, -1)
    for one, times in zip(OverBatch, (4, 1, 1), strict=True):
        close(one(copies), times * change, one.value)


def test_mean_is_at_most_the_largest_and_that_at_most_the_sum_where_all_grow():
    changes = normal(5, 2, 3).abs()
    mean, largest, total = (one(changes) for one in (OverBatch.MEAN, OverBatch.LARGEST, OverBatch.SUM))
    assert (mean <= largest).all() and (largest <= total).all()


def test_the_largest_goes_by_value():
    assert OverBatch.LARGEST(torch.tensor([[-3.0, 1.0], [-1.0, 2.0]])).tolist() == [-1.0, 2.0]
