"""Predicted gradients in a memory network: the predicate, and rivals of one size that start alike."""

import torch

from wavetrain.experiments.neural_memory_synthetic_gradients import _episodes, claim, full, small
from wavetrain.layers.lstm import LSTM
from wavetrain.networks.neural_memory import Feedback, NeuralMemory, Place
from wavetrain.tasks.prototype_stream import PrototypeStream

RIGHT = {
    "chance": 0.2,
    **{
        f"{part}_{name}": score
        for part in ("second", "rare")
        for name, score in (("whole", 0.8), ("truncated", 0.6), ("predicted", 0.78), ("mixed", 0.6))
    },
}


def test_predicate():
    assert claim.holds(RIGHT) is True
    assert claim.holds(RIGHT | {"rare_predicted": 0.64}) is False
    assert claim.holds(RIGHT | {"second_predicted": 0.76}) is False  # more than 3 points behind
    mixed = RIGHT | {"second_predicted": 0.1, "second_mixed": 0.77, "rare_mixed": 0.9}
    assert claim.holds(mixed) is True  # one of the two is enough
    assert (
        claim.holds(RIGHT | {"second_predicted": 0.1, "second_mixed": 0.77}) is False
    )  # but at both figures
    assert claim.holds(RIGHT | {"second_whole": 0.29}) is None


def test_rivals_have_as_many_parameters():
    for scale in (small, full):
        inputs = scale.channels + len(scale.shares)
        memory = NeuralMemory(scale.width, inputs, scale.slots, Feedback(scale.horizon, 1.0, (Place.WRITE,)))
        of_memory, of_lstm = (
            sum(one.numel() for name, one in layer.named_parameters() if not name.startswith("cuts"))
            for layer in (memory, LSTM(scale.lstm, inputs))
        )
        assert 0 <= of_lstm / of_memory - 1 < 0.05
        assert scale.horizon * 10 == scale.length


def test_episodes_are_those_of_the_test_part():
    task = PrototypeStream(6, (0.5, 0.5))
    x, y, kinds = _episodes(task, task.held_out)
    assert torch.equal(x, task.test().x) and torch.equal(y, task.test().y) and kinds.shape == y.shape
