"""Promises about building: sizes, seeds, types, devices, saving, and refusing what cannot be used."""

import re
import tempfile
from pathlib import Path

import torch

from wavetrain.core import leaves, map_state
from wavetrain.parts import saved
from wavetrain.testing import shapes
from wavetrain.testing.tools import Make, close, generic, normal, refused, seeded, stepped


def check_builds(make: Make) -> None:
    """Name(8) and Name(7, inputs=3) work, and take and give what they say."""
    for layer, width, inputs in ((make(8), 8, 8), (make(7, inputs=3), 7, 3), (make(1), 1, 1)):
        says = layer.width, layer.inputs
        assert says == (width, inputs), f"expected width and inputs {(width, inputs)}, got {says}"
        shape = tuple(layer(torch.zeros(2, 3, inputs))[0].shape)
        assert shape == (2, 3, width), f"expected an output (2, 3, {width}), got {shape}"


def check_annotations(make: Make) -> None:
    """What is given and returned has the shapes of the annotations: the layer's own, and those of `Layer`."""
    layer, x = seeded(make, 6, 3, seed=18), normal(2, 5, 3, dtype=torch.float32)
    with torch.no_grad(), shapes.held(type(layer)):
        _, state = layer(x)
        layer(x, state)
        layer.step(x[:, 0], state)
        operator = layer.operator(x)
        layer.read(operator.mix())
        operator.strength()


def check_seed(make: Make) -> None:
    """The same seed gives the same parameters."""
    one, two = (seeded(make, 6, 3, seed=11).state_dict() for _ in range(2))
    torch.testing.assert_close(one, two, rtol=0, atol=0)


def check_save_and_load(make: Make) -> None:
    """Another layer that loads what was saved gives the same answers."""
    layer, x = generic(make, 6, 3, seed=12), normal(2, 5, 3)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "layer.safetensors"
        saved.save(path, layer.state_dict(), {"step": 7})
        tensors, words = saved.load(path)
    assert words == {"step": 7}, f"expected what was saved beside it, got {words}"
    other = generic(make, 6, 3, seed=13)
    other.load_state_dict(tensors)
    torch.testing.assert_close(other(x), layer(x), rtol=0, atol=0)


def check_dtype(make: Make) -> None:
    """Outputs and states have the type of the module, and float32 answers like float64."""
    for dtype in (torch.float32, torch.float64):
        layer, x = seeded(make, 6, 3, seed=14).to(dtype), normal(2, 5, 3, dtype=dtype)
        for y, state in (layer(x), stepped(layer, x)):
            assert y.dtype == dtype, f"{dtype} in, {y.dtype} out"
            floats = [part.dtype for part in leaves(state) if part.is_floating_point()]
            assert set(floats) <= {dtype}, f"{dtype} in, a state of {floats}"
        assert layer.operator(x).weight.dtype == dtype, f"an operator of another type than {dtype}"
    single, double = seeded(make, 6, 3, seed=14), seeded(make, 6, 3, seed=14).double()
    x = normal(2, 5, 3)
    torch.testing.assert_close(single(x.float())[0].double(), double(x)[0], rtol=1e-3, atol=1e-4)


def check_device(make: Make) -> None:
    """The first state and the steps lie where the module lies ("meta" is a device that every machine has)."""
    layer = make(6, inputs=3).to("meta")
    y, state = layer.step(torch.zeros(2, 3, device="meta"), layer.begin(2))
    devices = {part.device.type for part in [y, *leaves(layer.begin(2)), *leaves(state)]}
    assert devices == {"meta"}, f"the module is on the device meta, a state or an output on {devices}"
    if torch.cuda.is_available():
        layer, x = generic(make, 6, 3), normal(2, 9, 3)
        expected = layer(x)
        y, state = layer.cuda()(x.cuda())
        close((y.cpu(), map_state(torch.Tensor.cpu, state)), expected, "on the GPU, on the CPU")


def check_bad_sizes(make: Make) -> None:
    """A width or a number of inputs that is not a whole number above zero is refused by name."""
    for bad in (0, -1, 2.5, "8"):
        with refused("width", re.escape(repr(bad))):
            make(bad)
        with refused("inputs", re.escape(repr(bad))):
            make(4, inputs=bad)


def check_bad_input(make: Make) -> None:
    """A sequence of the wrong shape is refused, with the shape that was expected and the one that came."""
    layer = make(6, inputs=3)
    for shape in ((2, 5, 4), (2, 5, 6), (2, 3), (3,), (2, 5, 3, 1), (2, 0, 3)):
        x = torch.zeros(shape)
        expected = "at least one step" if shape == (2, 0, 3) else "(batch, time, 3)"
        for form in (layer, layer.operator):
            with refused("expected", re.escape(expected), re.escape(str(tuple(shape)))):
                form(x)
