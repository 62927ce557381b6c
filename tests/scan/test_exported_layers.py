"""Layers that torch.export takes at any length, and that others are refused and never wrong."""

import io

import pytest
import torch

from tests.promises import close, generic, normal
from wavetrain import layers, spiking
from wavetrain.core import Layer

LENGTH = torch.export.Dim("length", min=1, max=4096)
ANY_LENGTH = (
    layers.AUSSM,
    layers.FSMN,
    layers.LRU,
    layers.LineAttractor,
    layers.Mamba,
    layers.TemporalConvolution,
    layers.WaveRNN,
    spiking.ALIF,
    spiking.LIF,
)
BY_STEPS = (layers.Elman, layers.LSTM)  # PyTorch's own recurrences among them


@pytest.mark.parametrize("make", ANY_LENGTH, ids=lambda make: make.__name__)
def test_exported_for_any_length_a_layer_is_itself_at_any_length(make: type[Layer]):
    layer = generic(make, 4, 3)
    program = torch.export.export(layer, (normal(2, 64, 3),), dynamic_shapes={"x": {1: LENGTH}})
    run = program.module()
    for time in (1, 65, 257):
        x = normal(2, time, 3, seed=time)
        close(run(x), layer(x), f"exported, {time} steps")


@pytest.mark.parametrize("make", BY_STEPS, ids=lambda make: make.__name__)
def test_a_layer_that_walks_step_by_step_has_the_length_of_its_example(make: type[Layer]):
    layer, x = generic(make, 4, 3), normal(2, 5, 3)
    with pytest.raises(torch._dynamo.exc.UserError, match="specialized it to be a constant"):
        torch.export.export(layer, (x,), dynamic_shapes={"x": {1: LENGTH}})
    run = torch.export.export(layer, (x,)).module()
    close(run(x), layer(x), "exported, as it is")
    with pytest.raises((AssertionError, RuntimeError), match=r"5"):
        run(normal(2, 6, 3))


class Step(torch.nn.Module):
    """One step of a layer."""

    def __init__(self, layer: Layer):
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor, state: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        y, after = self.layer.step(x, state)
        assert isinstance(after, torch.Tensor)
        return y, after


def test_a_step_is_exported_saved_and_loaded():
    layer = generic(layers.LRU, 4, 3)
    x, state = normal(2, 3), layer.begin(2)
    kept = io.BytesIO()
    torch.export.save(torch.export.export(Step(layer), (x, state)), kept)
    kept.seek(0)
    run = torch.export.load(kept).module()
    for seed in range(3):
        x = normal(2, 3, seed=seed)
        y, after = run(x, state)
        close((y, after), layer.step(x, state), "a step, exported")
        state = after
