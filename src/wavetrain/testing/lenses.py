"""What every lens promises: it returns named arrays and numbers, the same each time, and changes nothing."""

import inspect
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch

from wavetrain.core import Layer
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.testing import shapes
from wavetrain.testing.company import frozen
from wavetrain.testing.promise import Promise, keep
from wavetrain.testing.tools import normal

Lens = Callable[..., Any]


def _given() -> tuple[Layer, dict[str, Any]]:
    """A layer, and what a lens may ask for, by the name of its argument."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layer = Elman(6, inputs=3).double()
    x, weight = normal(2, 12, 3), normal(48, 48, seed=5).abs()
    with torch.no_grad():
        y = layer(x)[0]
    return layer, {
        "layer": layer,
        "x": x,
        "activity": y,
        "other": y.flip(-1) ** 2,
        "recordings": [y, y.flip(-1) ** 2],
        "operator": layer.operator(x),
        "position": x[..., :2],
        "trials": normal(24, 30, 3, seed=4),
        "label": torch.arange(24) % 2,
        "weight": weight + weight.T,
        "system": layer,
        "systems": [layer, layer],
        "start": y[:, ::4].flatten(0, 1),  # of an Elman network the output is the state
        **recorded(),
    }


def recorded() -> dict[str, Any]:
    """Eight seconds of nine channels on a grid, 1 mm apart: a wave of 12 Hz that moves along x, in noise.

    With it come spikes: the phase of each, and a value that the phase goes down with; and counts of
    cells with fields on a track, up and down which an animal runs for half of the time, and whose order comes
    again while it rests.
    """
    rate, time = 200.0, np.arange(1600)[:, None] / 200.0
    positions = np.stack(np.meshgrid(np.arange(3.0), np.arange(3.0)), -1).reshape(-1, 2)
    wave = np.sin(2 * np.pi * (12 * time - positions[:, 0] / 10))
    value = np.linspace(0, 1, 60)
    place = np.concatenate([np.linspace(0, 1, 400), np.linspace(1, 0, 400), np.zeros(800)])
    counts = (np.abs(place[:, None] - np.linspace(0, 1, 9)) < 0.06).astype(float)
    counts[800:] = 0
    for begin in (900, 1200, 1450):
        counts[begin + np.arange(36), np.arange(36) // 4] = 1
    return {
        "recording": wave + normal(1600, 9, seed=2).numpy(),
        "rate": rate,
        "band": (8.0, 16.0),
        "positions": positions,
        "phase": (6 - 4 * value + 0.3 * normal(60, seed=3).numpy() + np.pi) % (2 * np.pi) - np.pi,
        "value": value,
        "counts": counts,
        "place": place,
    }


def _looked(lens: Lens, given: dict[str, Any]) -> Any:
    parameters = inspect.signature(lens).parameters.values()
    wanted = [one.name for one in parameters if one.default is one.empty]
    missing = [one for one in wanted if one not in given]
    assert not missing, (
        f"it asks for {', '.join(missing)}; a lens takes {', '.join(given)}, and more by default"
    )
    return lens(*(given[one] for one in wanted))


def check_returns(lens: Lens) -> None:
    """It returns a NamedTuple of arrays and numbers, the same for the same input."""
    _, given = _given()
    one, two = _looked(lens, given), _looked(lens, given)
    assert isinstance(one, tuple) and hasattr(one, "_fields"), (
        f"expected a NamedTuple, got {type(one).__name__}"
    )
    for name, value, again in zip(one._fields, one, two, strict=True):
        assert isinstance(value, np.ndarray | float | int), f"{name} is a {type(value).__name__}"
        np.testing.assert_array_equal(value, again, err_msg=f"{name} differs between two calls")


def check_changes_nothing(lens: Lens) -> None:
    """The layer is left as it was, without gradients, and nobody's random generator moves."""
    layer, given = _given()
    before = frozen(layer)
    torch_state, numpy_state = torch.get_rng_state(), _numpy_state()
    _looked(lens, given)
    assert frozen(layer) == before, "the module has changed"
    assert all(one.grad is None for one in layer.parameters()), "a gradient is left in a parameter"
    assert torch.equal(torch.get_rng_state(), torch_state), "torch's own generator has been used"
    assert _numpy_state() == numpy_state, "numpy's own generator has been used"


def check_annotations(lens: Lens) -> None:
    """What is given and returned has the shapes of the annotations."""
    _, given = _given()
    with shapes.held(lens):
        _looked(lens, given)


def _numpy_state() -> str:
    return repr([np.asarray(part).tobytes() for part in np.random.get_state()])  # noqa: NPY002


PROMISES = (check_returns, check_annotations, check_changes_nothing)


def promises(lens: Lens) -> Iterator[Promise]:
    """All promises of a lens."""
    for check in PROMISES:
        yield Promise(check.__name__.removeprefix("check_"), partial(check, lens))


def check_lens(lens: Lens) -> None:
    """Hold a lens to the contract.

    >>> from wavetrain.lenses import toeplitz
    >>> from wavetrain.testing import check_lens
    >>> check_lens(toeplitz)  # says nothing where all is well
    """
    keep(lens, promises(lens))
