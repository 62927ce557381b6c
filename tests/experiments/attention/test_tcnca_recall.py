"""The predicate knows both answers and when there is none; rivals have equally many parameters."""

import pytest
import torch

from tests.answers import answers
from wavetrain.experiments.attention.tcnca_recall import Chunks, Scale, claim, full, rivals, small
from wavetrain.layers.convolution.tcnca import TCNCA
from wavetrain.tasks.recall.associative_recall import unbound


def test_predicate():
    both = {"unbound": 0.52, "mega": 0.9, "tcnca": 0.885}
    assert answers(claim, both) == [True]
    assert answers(claim, both | {"tcnca": 0.87}) == [False]
    assert answers(claim, both | {"mega": 0.5, "tcnca": 0.45}) == [None]
    assert answers(claim, both | {"mega": 0.5, "tcnca": 0.9}) == [True]


@pytest.mark.parametrize("scale", [small, full])
def test_perfect_recall_is_enough_and_chance_decides_nothing(scale: Scale):
    known = unbound(scale.pairs)
    assert answers(claim, {"unbound": known, "mega": 1.0, "tcnca": 1.0}) == [True]
    for score in (known, 1 / scale.vocabulary):
        assert answers(claim, {"unbound": known, "mega": score, "tcnca": score}) == [None]


@pytest.mark.parametrize("scale", [small, full])
def test_parameters_are_equal(scale: Scale):
    layers = {name: make() for name, make in rivals(scale).items()}
    count = {name: sum(part.numel() for part in layer.parameters()) for name, layer in layers.items()}
    assert count["tcnca"] == pytest.approx(count["mega"], rel=0.01)
    assert count["chunks"] < count["mega"]
    assert isinstance(layers["tcnca"], TCNCA) and layers["tcnca"].reach >= scale.length


def test_the_control_sees_its_chunk_alone():
    torch.manual_seed(0)
    layer, x = Chunks(4, 3), torch.randn(2, 8, 4)
    moved = layer(x + torch.nn.functional.pad(torch.ones(2, 1, 4), (0, 0, 3, 4)))[0] - layer(x)[0]
    assert [bool(step.any()) for step in moved.unbind(1)] == [False] * 3 + [True] * 3 + [False] * 2
    y, state = [], layer.begin(2)
    for now in x.unbind(1):
        out, state = layer.step(now, state)
        y.append(out)
    torch.testing.assert_close(torch.stack(y, 1), layer(x)[0])
