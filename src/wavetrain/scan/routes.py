"""Which route is taken: the plain one, which is the definition, or a fast one where it can be.

A fast route is taken by tensors of a common dtype on the CPU. The plain one is taken inside `only_plain`, by
tensors inside the transforms of torch.func and forward mode, and where PyTorch writes down a graph of known
length to be used elsewhere (torch.export, torch.jit.trace). In the graphs of torch.compile, and in those of
torch.export whose length is open, a fast route is an operator (`operators`).
"""

import contextlib
import functools
import importlib
import warnings
from collections.abc import Callable, Iterator
from typing import ParamSpec, TypeVar

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad

from wavetrain.core import transforms

P = ParamSpec("P")
R = TypeVar("R")

KINDS = (torch.float32, torch.float64, torch.complex64, torch.complex128)


class _Taken:
    """Routes, as attributes: torch.compile would watch all keys of a dict, and compile anew for each more."""


_taken = _Taken()
_plain = False


def routes() -> dict[str, str]:
    """The route that each recurrence took last in this process: its name and the kernel's.

    >>> from wavetrain.scan import linear, routes
    >>> h, last = linear(torch.tensor([0.5]), torch.ones(1, 4, 1))
    >>> routes()["linear"]  # a fused kernel on CPU
    'numba'
    """
    return dict(vars(_taken))


@contextlib.contextmanager
def recorded() -> Iterator[dict[str, str]]:
    """Inside, routes are noted for this piece of work alone.

    >>> from wavetrain.scan import linear, only_plain, recorded
    >>> with recorded() as taken, only_plain():
    ...     h, last = linear(torch.tensor([0.5]), torch.ones(1, 4, 1))
    >>> taken
    {'linear': 'plain'}
    """
    global _taken
    before, _taken = _taken, _Taken()
    try:
        yield vars(_taken)
    finally:
        _taken = before


def took(name: str, route: str) -> None:
    setattr(_taken, name, route)


@contextlib.contextmanager
def only_plain() -> Iterator[None]:
    """Inside, every recurrence takes its plain PyTorch route.

    >>> from wavetrain.scan import linear, only_plain, routes
    >>> with only_plain():
    ...     h, last = linear(torch.tensor([0.5]), torch.ones(1, 4, 1))
    >>> routes()["linear"]
    'plain'
    """
    global _plain
    before, _plain = _plain, True
    try:
        yield
    finally:
        _plain = before


def asked_for_plain() -> bool:
    return _plain


def whole(function: Callable[P, R]) -> Callable[P, R]:
    """A door that torch.compile does not look behind: it would see only the plain route, step by step."""

    @functools.wraps(function)
    def door(*args: P.args, **kwargs: P.kwargs) -> R:
        if torch.compiler.is_compiling() and not torch.compiler.is_exporting():
            return torch.compiler.disable(function)(*args, **kwargs)
        return function(*args, **kwargs)

    return door


def written_out(*tensors: Tensor) -> bool:
    """Whether even PyTorch's own fused kernels are left aside: asked for, in torch.func, in forward mode.

    The tensors (...,) are those that go into the recurrence.

    >>> from wavetrain.scan import only_plain, written_out
    >>> x = torch.ones(3)
    >>> written_out(x), torch.func.vmap(lambda one: one * written_out(one))(x)
    (False, tensor([1., 1., 1.]))
    >>> with only_plain():
    ...     print(written_out(x))
    True
    """
    if _plain:
        return True
    if torch.compiler.is_compiling():
        return _derived_inside()
    if transforms.at_work(*tensors):
        return True
    return any(forward_ad.unpack_dual(tensor).tangent is not None for tensor in tensors)


def _at_writing(function: Callable[[], bool]) -> Callable[[], bool]:
    """A function that torch.compile calls while it writes a graph down, in place of looking into it."""
    marked: Callable[[], bool] = torch.compiler.assume_constant_result(function)
    return marked


@_at_writing
def _derived_inside() -> bool:
    """Whether the graph that is written down now has derivatives inside, by torch.func or forward mode.

    No tensors can be looked at then, but those that are made new are wrapped, or can have a tangent.
    """
    new = torch.zeros(())
    if transforms.at_work(new):
        return True
    try:
        forward_ad.make_dual(new, new)
    except RuntimeError:  # there is no level
        return False
    return True


def must_be_plain(*tensors: Tensor, time: int = 1) -> bool:
    """Whether no kernel of ours may be taken: as `written_out`, another dtype, or a graph is written down.

    `time` is the number of steps. In a graph that is exported for any number of them a kernel stays an
    operator, since steps that are written down are counted.
    """
    if any(tensor.dtype not in KINDS for tensor in tensors):
        return True
    if torch.compiler.is_compiling():
        counted = torch.compiler.is_exporting() and not isinstance(time, torch.SymInt)
        return counted or written_out()
    if any(type(tensor) not in (Tensor, nn.Parameter) for tensor in tensors):
        return True
    return torch.jit.is_tracing() or written_out(*tensors)


def on_cpu(*tensors: Tensor, time: int = 1) -> bool:
    """Whether a route in kept memory may be taken."""
    return all(tensor.device.type == "cpu" for tensor in tensors) and not must_be_plain(*tensors, time=time)


def fast(*tensors: Tensor, time: int = 1) -> bool:
    """Whether a numba kernel may be taken."""
    return on_cpu(*tensors, time=time) and _compiler()


_found: bool | None = None


@_at_writing
def _compiler() -> bool:
    """Whether there is a compiler for the kernels; where there is none, that is said once."""
    global _found
    if _found is None:
        _found = _look()
    return _found


def _look() -> bool:
    try:
        importlib.import_module("numba")
    except ImportError as error:
        warnings.warn(
            f"numba cannot be imported ({error}): recurrences take their plain route, which is slow",
            RuntimeWarning,
            stacklevel=2,
        )
        return False
    return True
