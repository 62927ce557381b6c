"""Batches for data loaders: those of our own loop, the same on every walk."""

import pytest
import torch
from torch.utils.data import DataLoader

from wavetrain.core import Batch
from wavetrain.errors import BadInput
from wavetrain.tasks.recall.adding import Adding
from wavetrain.train.draws import Draws


def test_a_loader_gives_the_batches_that_a_task_draws_each_time_anew():
    draws = Draws(Adding(6), batch=4, steps=3, seed=2)
    generator = torch.Generator().manual_seed(2)
    expected = [Adding(6).draw(4, generator) for _ in range(3)]
    loader = DataLoader(draws, batch_size=None)
    assert len(loader) == 3
    for _ in range(2):
        for one, other in zip(loader, expected, strict=True):
            assert isinstance(one, Batch) and torch.equal(one.x, other.x) and torch.equal(one.y, other.y)


def test_the_shared_generator_is_left_alone():
    before = torch.get_rng_state()
    list(Draws(Adding(6), batch=4, steps=3))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(("batch", "steps", "what"), [(0, 3, "batch"), (4, -1, "steps"), (4, 1.5, "steps")])
def test_sizes_that_are_none_are_refused(batch: int, steps: int, what: str):
    with pytest.raises(BadInput, match=f"Draws: {what} must be a whole number"):
        Draws(Adding(6), batch=batch, steps=steps)
