"""Change detection: on half of the trials one feature of one bar is the other one."""

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.working_memory.change_detection import Change, ChangeDetection


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("change", Change)
def test_exactly_one_bar_changes_in_exactly_one_feature(change: Change):
    x, y, facts = ChangeDetection(change=change).trials(300, generator())
    assert x.shape == (300, 20, 49) and ((y > 0).sum(1) == 1).all()
    assert set(facts["feature"].tolist()) == set(change.value)
    for trial in range(300):
        test = 1 + int(facts["retention"][trial])
        first, last = (x[trial, step, :-1].unflatten(0, (12, 4)) for step in (0, test))
        there = (first != 0).any(-1)
        assert there.sum() == facts["bars"][trial] and (first[there].abs() == 1).all()
        changed = int(facts["changed"][trial])
        assert (first != last).sum() == changed and y[trial, test] == 1 + changed
        assert (first != last).any(0).nonzero().flatten().tolist() == changed * [int(facts["feature"][trial])]
        assert ((last != 0).any(-1) == there).all()
        blank = [step for step in range(20) if step not in (0, test)]
        assert (x[trial, blank] == 0).all() and x[trial, :, -1].nonzero().tolist() == [[test]]
        assert x[trial, test, -1] == 1


def test_conditions_of_the_paper():
    facts = ChangeDetection().tested().facts
    assert set(facts["bars"].tolist()) == {2, 4, 6, 8, 10, 12}
    assert set(facts["retention"].tolist()) == {0, 6, 12, 18}
    assert abs(float(facts["changed"].double().mean()) - 0.5) < 5 * (0.25 / 2000) ** 0.5


def test_bad_sizes():
    with pytest.raises(BadInput, match="bars must be"):
        ChangeDetection(sets=(0,))
    with pytest.raises(BadInput, match="retention must be"):
        ChangeDetection(retentions=(-1,))
    least = ChangeDetection(sets=(1,), retentions=(0,))
    assert least.inputs == 5 and least.trials(3, generator()).x.shape == (3, 2, 5)
