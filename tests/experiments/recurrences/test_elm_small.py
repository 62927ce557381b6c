"""The claim on the small ELM neuron: its predicate, and the sizes that it speaks of."""

import math

import pytest
import torch

from tests.answers import answers, exact_answers
from wavetrain.experiments.recurrences import elm_small
from wavetrain.layers.gate.lstm import LSTM
from wavetrain.parts.reader import Reader
from wavetrain.tasks.recall.spike_adding import SpikeAdding

LEARNED = {
    "elm": 0.96,
    "elm_short": 0.2,
    "lstm": 0.2,
    "lstm_larger": 0.2,
    "parameters_elm": 4513,
}


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ({}, [True, True, True]),
        ({"elm": 0.84}, [False, True, True]),
        ({"parameters_elm": 10_000}, [False, True, True]),
        ({"lstm": 0.46}, [True, False, True]),
        ({"lstm_larger": 0.46}, [True, False, True]),
        ({"lstm_larger": math.nan}, [True, False, True]),
        ({"elm_short": 0.36}, [True, True, False]),
        ({"elm": 0.3, "lstm": 0.9}, [False, False, True]),
    ],
)
def test_predicates(changed: dict[str, float], parts: list[bool]):
    assert answers(elm_small.claim, LEARNED | changed) == parts
    assert elm_small.claim.holds(LEARNED | changed) is all(parts)


def test_nothing_is_decided_where_nobody_learned():
    """At chance, which is the commonest sum; whoever knows all sums is at 1."""
    chance = elm_small.small.task.chance
    nobody = dict.fromkeys(("elm", "elm_short", "lstm", "lstm_larger"), chance) | {"parameters_elm": 4513}
    assert answers(elm_small.claim, nobody) == [None, None, None]
    assert answers(elm_small.claim, nobody | {"elm": 1.0}) == [True, True, True]


def test_rivals_are_as_large_as_told():
    for scale in (elm_small.small, elm_small.full):
        task = scale.task
        elm = elm_small._count(elm_small.Neuron(scale, scale.longest))
        equal, larger = (
            elm_small._count(Reader(LSTM(units, task.inputs), task.outputs, every_step=False))
            for units in (scale.lstm, scale.larger)
        )
        assert elm <= equal <= 1.1 * elm < 11_000
        assert elm < 10_000 and abs(larger / elm - 2) < 0.05
    assert elm_small._count(elm_small.Neuron(elm_small.small, 150.0)) == 4513


def test_the_likeliest_sum_meets_the_limits_and_one_that_slips_does_not(monkeypatch: pytest.MonkeyPatch):
    assert exact_answers("elm_small") == [True, None, True]
    rule = elm_small.added

    def slips(task: SpikeAdding, x: torch.Tensor) -> torch.Tensor:
        """One too many in every fifth answer."""
        return (rule(task, x) + (torch.arange(len(x)) % 5 == 0)).clamp(max=task.outputs - 1)

    monkeypatch.setattr(elm_small, "added", slips)
    assert exact_answers("elm_small") == [False, None, True]
    monkeypatch.setattr(elm_small, "added_late", rule)  # who remembers the first digit
    assert exact_answers("elm_small")[2] is False
