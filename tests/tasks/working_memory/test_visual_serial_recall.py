"""Visual serial recall: lists of different symbols, asked in their order."""

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.working_memory.visual_serial_recall import VisualSerialRecall


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("lists", "symbols"), [((2, 5), 6), ((1,), 1), (tuple(range(2, 10)), 16)])
def test_layout(lists: tuple[int, ...], symbols: int):
    task = VisualSerialRecall(lists, symbols)
    x, y, facts = task.trials(80, generator())
    assert x.shape == (80, 2 * max(lists), symbols + 1)
    assert set(facts["list"].tolist()) == set(lists)
    for trial in range(80):
        n = int(facts["list"][trial])
        items = x[trial, :n, :-1].argmax(-1)
        assert len(set(items.tolist())) == n and (x[trial, :n].sum(-1) == 1).all()
        assert (x[trial, n : 2 * n, -1] == 1).all() and x[trial, n:, :-1].sum() == 0
        assert x[trial, 2 * n :].sum() == 0 and y[trial].count_nonzero() == n
        assert (y[trial, n : 2 * n] == items + 1).all()
        assert facts["position"][trial, n : 2 * n].tolist() == list(range(1, n + 1))


def test_symbols_are_as_likely_at_every_place():
    y = VisualSerialRecall((3,), 4).draw(8000, generator()).y[:, 3:]
    share = torch.stack([(y == symbol).double().mean(0) for symbol in range(1, 5)])
    assert (share - 1 / 4).abs().max() < 5 * (3 / 16 / 8000) ** 0.5


def test_sizes_of_the_paper():
    task = VisualSerialRecall()
    assert task.lists == (2, 3, 4, 5, 6, 7, 8, 9) and task.chance == 1 / 16


def test_bad_sizes():
    with pytest.raises(BadInput, match="4 symbols do not make a list of 5"):
        VisualSerialRecall((5,), 4)
    with pytest.raises(BadInput, match="list must be"):
        VisualSerialRecall((0, 2))
