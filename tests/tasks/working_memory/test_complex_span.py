"""Complex span: items, distractors in between, and the items among others at the end."""

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.working_memory.complex_span import ComplexSpan


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_layout():
    x, y, facts = ComplexSpan().trials(400, generator())
    assert x.shape == (400, 14, 305)
    codes, work, choice = x.split([32, 17, 256], -1)
    for trial in range(400):
        load, storage, processing = (int(facts[name][trial]) for name in ("load", "storage", "processing"))
        assert codes[trial].any(-1).nonzero().flatten().tolist() == [0, 6]
        distractors = [item + 1 + n for item in (0, 6) for n in range(load)]
        assert work[trial].any(-1).nonzero().flatten().tolist() == distractors
        assert choice[trial].any(-1).nonzero().flatten().tolist() == [12, 13]
        assert y[trial].nonzero().flatten().tolist() == [*distractors, 12, 13]
        for step in distractors:
            check_distractor(work[trial, step], processing, int(y[trial, step]))
        for item, step in ((0, 12), (6, 13)):
            alternatives = choice[trial, step].unflatten(0, (8, 32))
            slot = int(y[trial, step]) - 5 - 8 * storage
            known = (alternatives == codes[trial, item]).all(-1)
            assert known.nonzero().flatten().tolist() == [slot]
            check_alternatives(alternatives, slot, storage)


def check_distractor(work: torch.Tensor, processing: int, answer: int) -> None:
    cells, shade = work[:-1].unflatten(0, (4, 4)), float(work[-1])
    if processing:
        assert (cells == 0).all() and answer == {1.0: 3, -1.0: 4}[shade]
    else:
        odd = int((cells != cells.flip(-1)).sum()) // 2
        assert shade == 0 and (cells.abs() == 1).all() and odd == answer - 1


def check_alternatives(alternatives: torch.Tensor, slot: int, storage: int) -> None:
    arrows, cells = alternatives.split(16, -1)
    if storage:
        assert (arrows == 0).all() and ((cells > 0).sum(-1) == 8).all()
        others = torch.cat([cells[:slot], cells[slot + 1 :]])
        assert ((others != cells[slot]).sum(-1) == 6).all()
    else:
        assert (cells == 0).all() and len(arrows.argmax(-1).unique()) == 8 and (arrows.sum(-1) == 1).all()


def test_every_kind_of_trial_and_slot():
    _, y, facts = ComplexSpan().tested()
    kinds = 2 * facts["storage"] + facts["processing"]
    assert set(kinds.tolist()) == {0, 1, 2, 3} and set(facts["load"].tolist()) == {0, 1, 3, 5}
    assert set(y.unique().tolist()) == set(range(21))


def test_chance():
    assert ComplexSpan((0,)).chance == pytest.approx(1 / 16)
    assert ComplexSpan((3,)).chance == pytest.approx((3 / 4 + 1 / 16) / 4)


def test_bad_sizes():
    with pytest.raises(BadInput, match="load must be"):
        ComplexSpan((-1,))
