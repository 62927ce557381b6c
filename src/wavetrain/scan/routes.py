"""Which route is taken: the plain one, which is the definition, or a fast one where it can be.

    numba       a fused kernel, on the CPU
    triton      a fused kernel, on an NVIDIA GPU of compute capability 8.0 or later, where Triton is installed
    parallel    few operations of PyTorch in place of one a step, on any other device, for long sequences
    plain       step by step: the definition

A fast route is taken by tensors of a common dtype. The plain one is taken inside `only_plain`, by tensors
inside the transforms of torch.func and forward mode, and where PyTorch writes down a graph of known length
to be used elsewhere (torch.export, torch.jit.trace). In the graphs of torch.compile, and in those of
torch.export whose length is open, a fast route is an operator (`operators`). `only` asks for one fast route,
wherever it can be had; on the CPU the Triton kernels run in Triton's interpreter, which is slow and shows
that they are right.
"""

import contextlib
import functools
import importlib
import os
import warnings
from collections.abc import Callable, Iterator
from typing import Any, Literal, ParamSpec, TypeVar

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad

from wavetrain.core import transforms
from wavetrain.core.across import in_one_piece
from wavetrain.errors import BadInput

P = ParamSpec("P")
R = TypeVar("R")

KINDS = (torch.float32, torch.float64, torch.complex64, torch.complex128)
HALF = (torch.float16, torch.bfloat16)  # in which a kernel on a GPU may read and write, carrying float32
OLDEST = (8, 0)  # compute capability for which the kernels are written
MANY = 100  # steps that may be launched one by one on another device, at a few operations each

Fast = Literal["numba", "triton", "parallel"]


class _Taken:
    """Routes, as attributes: torch.compile would watch all keys of a dict, and compile anew for each more."""


_taken = _Taken()
_plain = False
_only: Fast | None = None


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
    in_one_piece(name)
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


@contextlib.contextmanager
def only(route: Fast) -> Iterator[None]:
    """Inside, every recurrence takes this fast route where it has one for its tensors, else the plain one.

    On the CPU, "triton" runs in Triton's interpreter, if TRITON_INTERPRET=1 was set when the process began.

    >>> from wavetrain.scan import linear, only, routes
    >>> with only("parallel"):
    ...     h, last = linear(torch.tensor([0.5]), torch.ones(1, 4, 1))
    >>> routes()["linear"]
    'parallel'
    """
    global _only
    before, _only = _only, route
    try:
        yield
    finally:
        _only = before


def asked_for_plain() -> bool:
    return _plain


def whole(function: Callable[P, R]) -> Callable[P, R]:
    """A door at which torch.compile breaks its graph, for what depends on numbers or on other processes."""

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
        return transforms.derived_in_graph()
    if transforms.at_work():
        return True
    return any(forward_ad.unpack_dual(tensor).tangent is not None for tensor in tensors)


def must_be_plain(*tensors: Tensor, time: int = 1) -> bool:
    """Whether no kernel of ours may be taken: as `written_out`, another dtype, or a graph is written down.

    `time` is the number of steps. In a graph that is exported for any number of them a kernel stays an
    operator, since steps that are written down are counted.
    """
    return any(tensor.dtype not in KINDS for tensor in tensors) or _in_no_kernel(*tensors, time=time)


def _in_no_kernel(*tensors: Tensor, time: int) -> bool:
    if torch.compiler.is_compiling():
        counted = torch.compiler.is_exporting() and not isinstance(time, torch.SymInt)
        return counted or written_out()
    if any(type(tensor) not in (Tensor, nn.Parameter) for tensor in tensors):
        return True
    return torch.jit.is_tracing() or written_out(*tensors)


def chosen(*tensors: Tensor, time: int, has: tuple[Fast, ...] = ("numba",)) -> Fast | None:
    """The fast route to take of those that a recurrence has; None for the plain one.

    Half precision is taken by a Triton kernel alone, which stores it as it comes.
    """
    types = {tensor.dtype for tensor in tensors}
    if not types <= {*KINDS, *HALF} or len({tensor.device for tensor in tensors}) > 1:
        return None
    if _in_no_kernel(*tensors, time=time):
        return None
    route = running(tensors[0])
    if route not in has or (route != "triton" and types & {*HALF}):
        return None
    if route == "parallel" and _only is None and not isinstance(time, torch.SymInt) and time <= MANY:
        return None
    return route if route != "numba" or _compiler() else None


def running(tensor: Tensor) -> Fast:
    """The fast route of the tensor's device, or the one that is asked for."""
    device = tensor.device.type
    if _only == "triton" and device == "cpu" and os.environ.get("TRITON_INTERPRET") != "1":
        raise BadInput("routes: 'triton' needs a GPU, or TRITON_INTERPRET=1 set before the process begins")
    if _only == "parallel" or (_only == "triton" and device in ("cpu", "meta")):
        return _only
    if device == "cpu":
        return "numba"
    return "triton" if device == "cuda" and _triton(tensor.device) else "parallel"


def recorded_as(tensor: Tensor) -> str:
    """The route of `running` as it is recorded: with the reason where a GPU has no kernels."""
    route = running(tensor)
    if route == "parallel" and _only is None and tensor.device.type == "cuda":
        return f"{route}, {_no_triton(tensor.device)}"
    return route


def on_cpu(*tensors: Tensor, time: int = 1) -> bool:
    """Whether a route in kept memory may be taken."""
    if any(tensor.device.type != "cpu" or tensor.dtype in HALF for tensor in tensors):
        return False
    return not must_be_plain(*tensors, time=time)


def fast(*tensors: Tensor, time: int = 1) -> bool:
    """Whether a numba kernel may be taken."""
    return _only in (None, "numba") and on_cpu(*tensors, time=time) and _compiler()


_found: bool | None = None


@transforms.at_writing
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


def kernels(name: str, tensor: Tensor) -> Any:
    """The file of this route with the recurrence's forward and backward, loaded when it is first needed."""
    folder = {"numba": "cpu", "triton": "gpu", "parallel": "portable"}[running(tensor)]
    return importlib.import_module(f"wavetrain.scan.{folder}.{name}")


@functools.cache
def _triton(device: torch.device) -> bool:
    """Whether Triton's kernels run on the device; where they do not, the reason is said once."""
    if reason := _no_triton(device):
        warnings.warn(f"{reason}: on {device} recurrences run without kernels", RuntimeWarning, stacklevel=2)
    return not reason


@functools.cache
def _no_triton(device: torch.device) -> str:
    """Why Triton's kernels do not run on the device; nothing where they do."""
    if torch.version.hip is not None:
        return "kernels are written for NVIDIA GPUs, and this is one of AMD"
    able = torch.cuda.get_device_capability(device)
    if able < OLDEST:
        needed, found = (f"{one[0]}.{one[1]}" for one in (OLDEST, able))
        return f"kernels need a GPU of compute capability {needed} or newer, got {found}"
    try:
        importlib.import_module("triton")
    except ImportError as error:
        return f"triton cannot be imported ({error})"
    return ""
