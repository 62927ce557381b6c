"""Tools of the promises: a layer in general position, a walk by steps, and what it means to be equal."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from wavetrain.core import Layer, State, map_state
from wavetrain.core.spiking import Spiking
from wavetrain.errors import BadInput
from wavetrain.parts.quantised import Quantised
from wavetrain.scan import unroll

Make = Callable[..., Layer]


def close(actual: Any, expected: Any, about: str) -> None:
    """Equal in float64 up to rounding; in front of the message stands what was compared."""
    torch.testing.assert_close(actual, expected, rtol=1e-9, atol=1e-10, msg=lambda text: f"{about}: {text}")


@contextmanager
def refused(*patterns: str) -> Iterator[None]:
    """What is done inside must raise BadInput, with one line in which each of the patterns is found."""
    try:
        yield
    except BadInput as error:
        said = str(error)
    except (RuntimeError, TypeError, ValueError, ZeroDivisionError, IndexError, AttributeError) as error:
        raise AssertionError(f"{type(error).__name__} instead of BadInput: {error}") from error
    else:
        raise AssertionError(f"nothing was refused; expected BadInput that says {' and '.join(patterns)}")
    missing = [pattern for pattern in patterns if not re.search(pattern, said)]
    assert not missing, f"{said!r} does not say {' and '.join(missing)}"
    assert "\n" not in said, f"expected one line, got {said!r}"


def generic(make: Make, width: int, inputs: int, seed: int = 0) -> Layer:
    """A layer in float64 with no special parameters: a start at zero or identity hides mistakes."""
    layer = seeded(make, width, inputs, seed).double()
    noise = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=noise, dtype=parameter.dtype))
    return layer


def seeded(make: Make, width: int, inputs: int, seed: int) -> Layer:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make(width, inputs=inputs)


def normal(*shape: int, seed: int = 1, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def stepped(layer: Layer, x: Tensor, state: State = None) -> tuple[Tensor, State]:
    """The definition: one step after the other."""
    return unroll(layer.step, x, layer.begin(len(x)) if state is None else state)


def whole(layer: Layer, x: Tensor, state: State = None) -> tuple[Tensor, State]:
    return layer(x, state)


def differentiable(layer: Layer) -> Layer:
    """The layer; of spikes and of rounded values, the smooth twin, whose derivatives are the true ones."""
    return layer.smoothed() if isinstance(layer, Spiking | Quantised) else layer


def tracked(part: Tensor) -> Tensor:
    """A copy that gradients are kept for, where it can have any."""
    return part.detach().clone().requires_grad_() if part.is_floating_point() or part.is_complex() else part


def beside(*states: State) -> State:
    """States of several batches as the state of one."""
    return map_state(lambda *parts: torch.cat(parts), *states)
