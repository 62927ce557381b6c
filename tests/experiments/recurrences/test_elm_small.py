"""The claim on the small ELM neuron: its predicate, and the sizes that it speaks of."""

from wavetrain.experiments.recurrences import elm_small
from wavetrain.layers.gate.lstm import LSTM
from wavetrain.parts.reader import Reader


def test_predicate():
    holds = elm_small.claim.holds
    figures = {
        "elm": 0.96,
        "elm_short": 0.2,
        "lstm": 0.2,
        "lstm_larger": 0.2,
        "parameters_elm": 4513,
    }
    assert holds(figures) is True
    assert holds(figures | {"elm": 0.84}) is False
    assert holds(figures | {"elm_short": 0.36}) is False
    assert holds(figures | {"lstm": 0.46}) is False
    assert holds(figures | {"lstm_larger": 0.46}) is False
    assert holds(figures | {"parameters_elm": 10_000}) is False
    assert holds(figures | {"elm": 0.3}) is None, "nobody learned"
    assert holds(figures | {"elm": 0.3, "lstm": 0.9}) is False


def test_rivals_are_as_large_as_told():
    for scale in (elm_small.small, elm_small.full):
        task = scale.task
        elm = elm_small._count(elm_small.Neuron(scale, scale.longest))
        equal, larger = (
            elm_small._count(Reader(LSTM(units, task.inputs), task.outputs, steps=False))
            for units in (scale.lstm, scale.larger)
        )
        assert elm <= equal <= 1.1 * elm < 11_000
        assert elm < 10_000 and abs(larger / elm - 2) < 0.05
    assert elm_small._count(elm_small.Neuron(elm_small.small, 150.0)) == 4513
