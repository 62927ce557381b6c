"""Predicted gradients in a memory network: the predicate, and rivals of one size that start alike."""

import pytest
import torch

from wavetrain.experiments.memories.neural_memory_synthetic_gradients import _episodes, claim, full, small
from wavetrain.layers.gate.lstm import LSTM
from wavetrain.networks.neural_memory import Feedback, NeuralMemory, Place
from wavetrain.tasks.streams.prototype_stream import PrototypeStream

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
    assert claim.holds(dict.fromkeys(RIGHT, RIGHT["chance"])) is None


@pytest.mark.parametrize("part", ["second", "rare"])
def test_where_exact_gradients_gain_too_little_nothing_is_told(part: str):
    """Of them the predicate is true wherever it can be true of anybody."""
    assert claim.holds(RIGHT | {f"{part}_truncated": 0.751}) is None
    exact = RIGHT | {f"{which}_predicted": RIGHT[f"{which}_whole"] for which in ("second", "rare")}
    assert claim.holds(exact | {f"{part}_truncated": 0.75}) is True


def test_rivals_have_as_many_parameters():
    for scale in (small, full):
        inputs = scale.channels + len(scale.shares)
        memory = NeuralMemory(scale.width, inputs, scale.slots, Feedback(scale.horizon, 1.0, (Place.WRITE,)))
        of_memory, of_lstm = (
            sum(one.numel() for name, one in layer.named_parameters() if not name.startswith("cuts"))
            for layer in (memory, LSTM(scale.lstm, inputs))
        )
        assert 0 <= of_lstm / of_memory - 1 < 0.05


def test_episodes_are_those_of_the_test_part():
    task = PrototypeStream(6, (0.5, 0.5))
    x, y, kinds = _episodes(task, task.held_out)
    assert torch.equal(x, task.test().x) and torch.equal(y, task.test().y) and kinds.shape == y.shape
