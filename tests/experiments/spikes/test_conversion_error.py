"""The claim of conversion: the predicates, the length stress, and what is measured of a network."""

import math

import pytest
import torch

from tests.answers import answers
from wavetrain.core import Batch
from wavetrain.experiments.spikes._networks import Called
from wavetrain.experiments.spikes.conversion_error import (
    FirstSymbol,
    _picture,
    claim,
    converted,
    counted,
    enough,
    smoke,
)
from wavetrain.layers.recurrence.quantised_rnn import QuantisedRNN
from wavetrain.tasks import Copying

RIGHT = {
    "right_quantised": 0.6,
    "rows_once_8": 1.0,
    "rows_once_16": 1.0,
    "off_once_8": 0.0,
    "off_once_16": 0.0,
    "agree_once_6": 0.99,
    "rows_streamed_8": 0.99,
    "enough_streamed": 128.0,
    "first_converted_long": 0.5,
    "first_lif_long": 0.3,
}


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ({}, [True, True, True, True, True]),
        ({"right_quantised": 0.59}, [False, None, None, None, True]),  # the net that says nothing
        ({"rows_once_8": 0.99}, [True, False, True, True, True]),
        ({"rows_once_16": 0.99}, [True, False, True, True, True]),
        ({"off_once_8": 1e-12}, [True, False, True, True, True]),
        ({"off_once_16": math.nan}, [True, False, True, True, True]),
        ({"agree_once_6": 1.0}, [True, True, False, True, True]),
        ({"rows_streamed_8": 1.0}, [True, True, True, False, True]),
        ({"enough_streamed": math.nan}, [True, True, True, False, True]),
        ({"first_converted_long": 0.49}, [True, True, True, True, None]),
        ({"first_lif_long": 0.31}, [True, True, True, True, False]),
        ({"first_converted_long": math.nan, "first_lif_long": 0.1}, [True, True, True, True, None]),
        ({"first_converted_long": math.nan, "first_lif_long": 0.9}, [True, True, True, True, False]),
    ],
)
def test_predicates(changed: dict[str, float], parts: list[bool | None]):
    assert answers(claim, RIGHT | changed) == parts


def test_the_first_symbol_is_told_once_and_the_rest_is_noise():
    x, y = FirstSymbol(20).draw(50, torch.Generator().manual_seed(0))
    assert torch.equal(x[:, 0, :8].argmax(1), y) and (x[:, :, :8].sum((1, 2)) == 1).all()
    assert x[:, :, 8].min() >= 0 and 0.15 < x[:, :, 8].max() <= 0.2 and set(y.tolist()) == set(range(8))


def network(seed: int = 0) -> tuple[Called, Batch]:
    """Driven to all levels."""
    torch.manual_seed(seed)
    task = Copying(delay=10)
    made = Called(QuantisedRNN(8, task.inputs), 4, steps=10).double()
    made.layer.encode.weight.data.mul_(5)  # type: ignore[operator, union-attr]
    made.layer.recur.weight.data.normal_(0, 0.5)  # type: ignore[operator, union-attr]
    x = torch.randn(6, 12, task.inputs, dtype=torch.float64)
    return made, Batch(x, torch.arange(6) % 4)


def test_what_a_network_is_in_spikes():
    made, test = network()
    found = converted(made, test, smoke)
    assert found["rows_once_8"] == found["rows_once_16"] == 1 and found["off_once_8"] == 0
    assert found["rows_once_6"] < 1 and found["off_once_6"] > 0 and found["enough_once"] == 8
    assert found["rows_streamed_8"] < 1


@pytest.mark.parametrize(
    ("equal", "least"),
    [({6: False, 8: True, 16: True}, 8), ({1: True, 2: False, 4: True}, 4), ({1: True, 2: True}, 1)],
)
def test_the_inner_steps_from_which_all_is_equal(equal: dict[int, bool], least: int):
    assert enough(equal) == least
    assert math.isnan(enough(equal | {99: False}))


def test_ties_and_operations_are_counted():
    made, test = network()
    found = counted(made, test.x)
    assert found["ties"] == 0 and 0 < found["spikes_down"] < 1
    assert found["additions"] == pytest.approx(found["spikes"] / (12 * 8))  # of each unit in each frame
    with torch.no_grad():
        made.layer.encode.weight.zero_()  # type: ignore[operator, union-attr]
        made.layer.recur.weight.zero_()  # type: ignore[operator, union-attr]
        made.layer.encode.bias.copy_(1.5 * made.layer.log.exp())  # type: ignore[operator, union-attr]
    assert counted(made, test.x)["ties"] == 6 * 12 * 8


def test_the_picture_has_a_line_for_each_form():
    figures = {f"agree_{form}_{inner}": inner / 16 for form in ("once", "streamed") for inner in smoke.inner}
    picture = _picture(figures | {"agree_streamed_8": 0.25}, smoke)
    assert picture.x.tolist() == [6, 8, 16] and picture.labels == ("once", "streamed")
    assert picture.lines.tolist() == [[0.375, 0.5, 1], [0.375, 0.25, 1]]
