"""The type to compute in: half precision stores and multiplies, float32 carries a state through time.

bfloat16 keeps 8 binary digits and float16 11: a decay of 0.999 becomes 1, a long sum stands still, and what
is rounded at one step is carried to all later ones. So a state and what it decays by are never in half
precision, nor are sums over time; an output is rounded once, at its end. Autocast must not reach in either.

    carried(dtype)    the type in which a state is carried where inputs have this type
    wide(value)       a tensor, or a nested tuple of them, in that type
    exactly(tensor)   a context in which autocast leaves the tensor's device alone
    door              for a recurrence: its tensors come in wide, its first result goes out as they came
    method            for a method of a layer: the same with all parameters, see `core.Layer`

Without half precision and autocast, all of them leave everything as it is.
"""

import contextlib
import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import torch
from torch import Tensor, nn

P = ParamSpec("P")
R = TypeVar("R")

_CARRIED = {
    torch.float16: torch.float32,
    torch.bfloat16: torch.float32,
    torch.complex32: torch.complex64,
}
_STATES = ("state", "past")  # what a recurrence calls what it carries


def carried(dtype: torch.dtype) -> torch.dtype:
    """The type in which a state is carried: float32 for half precision, any other type as it is."""
    return _CARRIED.get(dtype, dtype)


def wide(value: Any) -> Any:
    """A tensor, nested tuple of tensors or linear map in the type that is carried; others as they are."""
    if isinstance(value, Tensor):
        return value.to(carried(value.dtype))
    if type(value) is tuple:
        return tuple(wide(part) for part in value)
    if isinstance(value, nn.Linear) and value.weight.dtype in _CARRIED:
        return _Wide(value)
    return value


class _Wide(nn.Linear):
    """A linear map whose weights are not its own: those of another, in the type that is carried."""

    def __init__(self, other: nn.Linear):
        nn.Module.__init__(self)  # makes no weights
        self.in_features, self.out_features = other.in_features, other.out_features
        self.weight, self.bias = wide(other.weight), wide(other.bias)


def exactly(tensor: Tensor) -> contextlib.AbstractContextManager[Any]:
    """A context in which autocast does not round what is computed on the device of the tensor."""
    if _autocast(tensor):
        return torch.autocast(tensor.device.type, enabled=False)
    return contextlib.nullcontext()


def door(function: Callable[P, R]) -> Callable[P, R]:
    """A recurrence that computes in the carried type, whatever comes.

    Its first result has the type that its tensors without the state have together; a state stays wide.
    """
    names = list(inspect.signature(function).parameters)

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> Any:
        parts = [part for part in (*args, *kwargs.values()) if isinstance(part, Tensor)]
        if not _autocast(parts[0]) and all(part.dtype not in _CARRIED for part in parts):
            return function(*args, **kwargs)
        given = {**dict(zip(names, args, strict=False)), **kwargs}
        own = [part.dtype for name, part in given.items() if isinstance(part, Tensor) and name not in _STATES]
        with exactly(parts[0]):
            result = function(*wide(args), **{name: wide(part) for name, part in kwargs.items()})
        return _narrow(result, functools.reduce(torch.promote_types, own))

    return run


def method(function: Callable[P, R]) -> Callable[P, R]:
    """A method of a module that runs with wide arguments, parameters and buffers, and without autocast.

    The first of two results, or the only tensor, has the type of the first argument; a state stays wide. A
    method may write to buffers of whole numbers, but not to what is in half precision: it has a wide copy.
    In half precision one layer must not run in two threads at once: they would exchange the same parameters.
    """

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> Any:
        module, *others = args
        assert isinstance(module, nn.Module)
        given = next((part for part in (*others, *kwargs.values()) if isinstance(part, Tensor)), None)
        known = [part for part in (given, next(module.parameters(), None)) if part is not None]
        if not any(part.dtype in _CARRIED or _autocast(part) for part in known):
            return function(*args, **kwargs)
        with exactly(known[0]):
            call = _Call(module, function)
            tensors = {**dict(call.named_parameters()), **dict(call.named_buffers())}
            tensors = {name: wide(part) for name, part in tensors.items() if part.dtype in _CARRIED}
            named = {name: wide(part) for name, part in kwargs.items()}
            result = torch.func.functional_call(call, tensors, (wide(tuple(others)), named))
        return result if given is None else _narrow(result, given.dtype)

    return run


class _Call(nn.Module):
    """A method as a module, so that `torch.func.functional_call` can exchange what it computes with."""

    def __init__(self, module: nn.Module, function: Callable[..., Any]):
        super().__init__()
        self.module, self.function = module, function

    def forward(self, others: tuple[Any, ...], named: dict[str, Any]) -> Any:
        return self.function(self.module, *others, **named)


def _narrow(result: Any, dtype: torch.dtype) -> Any:
    """A tensor, or the first of several, as the inputs came, where they came in half precision."""
    if type(result) is tuple:
        return _narrow(result[0], dtype), *result[1:]
    if isinstance(result, Tensor) and dtype in _CARRIED and not result.is_complex():
        return result.to(dtype)
    return result


def _autocast(tensor: Tensor) -> bool:
    kind = tensor.device.type
    return torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)
