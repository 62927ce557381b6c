"""Holds calls to the shapes in their annotations, such as `x: Float[Tensor, "batch time inputs"]`.

An annotation does nothing while a program runs. Inside `held()` every call of a function of ours, and of the
members that are named, is looked at: what it is given and what it returns must have the type, the number of
axes and the sizes that are written there.

- An axis has one size throughout a call, wherever its name stands. A record (a NamedTuple, a dataclass) is
  held to its own annotations when it is made.
- An axis that is called like a whole number given to the function (`batch: int`), or declared in its class
  (`width: int`), has that size.
- A method that is silent about an argument, or about what it returns, is held to the annotations of the class
  that it comes from: to those of `Layer.step`.
- A call that raises is let go, as what it was given may be wrong on purpose.

Only shapes are looked at; the other types are for a type checker. Python's profiler is what looks: functions
stay as they are, and so do those who call them.
"""

import dis
import functools
import inspect
import sys
import types
import typing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, FunctionType, ModuleType
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import AbstractArray, Shaped, jaxtyped

OURS = "wavetrain"
RETURNED = "return"  # the name of what is returned, among annotations


class Annotated(NamedTuple):
    """A function whose annotations tell of shapes."""

    name: str  # "wavetrain.core.layer.Operator.mix"
    hints: dict[str, Any]  # where a method is silent, those of the method that it replaces
    sizes: frozenset[str]  # whole numbers that its class declares


class Call(NamedTuple):
    """A call that has begun."""

    frame: FrameType
    function: Annotated
    axes: Any  # the context in which axes have their sizes
    given: str
    faults: list[str]


@contextmanager
def held(*members: Any) -> Iterator[set[str]]:
    """Inside, calls are held to their shapes; yields the names of the annotated functions called so far.

    At the end it raises AssertionError where a call was not as its annotations say.
    """
    names = {OURS, *(str(getattr(one, "__module__", "")) for one in members)}
    modules = [one for name, one in list(sys.modules.items()) if names & {name, name.partition(".")[0]}]
    functions = {code: one for module in modules for code, one in annotated(module).items()}
    watch, before = _Watch(functions), sys.getprofile()
    failed: Exception | None = None
    sys.setprofile(watch)
    try:
        yield watch.seen
    except Exception as error:  # a wrong shape may be what it comes from
        failed = error
    finally:
        sys.setprofile(before)
    if watch.faults:
        raise AssertionError(watch.faults[0]) from failed
    if failed is not None:
        raise failed


class _Watch:
    """What Python calls whenever a function is called or returns."""

    def __init__(self, functions: dict[int, Annotated]):
        self.functions = functions
        self.calls: list[Call] = []
        self.faults: list[str] = []
        self.seen: set[str] = set()

    def __call__(self, frame: FrameType, event: str, value: Any) -> None:
        if event == "call" and id(frame.f_code) in self.functions:
            self._begin(frame, self.functions[id(frame.f_code)])
        elif event == "return" and self.calls and self.calls[-1].frame is frame:
            call = self.calls.pop()
            if _returns(frame):
                self._compare(call, RETURNED, value)
                self.faults += call.faults
            call.axes.__exit__(None, None, None)

    def _begin(self, frame: FrameType, function: Annotated) -> None:
        self.seen.add(function.name)
        axes = jaxtyped("context")
        axes.__enter__()
        given = {name: value for name, value in frame.f_locals.items() if name != "self"}
        sizes = {name: getattr(frame.f_locals.get("self"), name, None) for name in function.sizes}
        sizes |= {name: value for name, value in given.items() if function.hints.get(name) is int}
        for name, size in sizes.items():
            if isinstance(size, int) and size >= 0:  # -1 names the last axis, and is no size
                axis: Any = Shaped[np.ndarray, name]
                isinstance(np.broadcast_to(0, size), axis)  # the axis has this size from here on
        told = {**given, **{name: size for name, size in sizes.items() if isinstance(size, int)}}
        said = ", ".join(f"{name} {shape_of(value)}" for name, value in told.items() if shape_of(value))
        call = Call(frame, function, axes, said, [])
        self.calls.append(call)
        for name, value in given.items():
            self._compare(call, name, value)

    def _compare(self, call: Call, name: str, value: Any) -> None:
        hints = call.function.hints
        if name in hints and not fits(value, hints[name]):
            what = "what it returns" if name == RETURNED else name
            call.faults.append(
                f"{call.function.name} is annotated with {written(hints[name])} for {what}, "
                f"got {shape_of(value) or type(value).__name__}; it was called with {call.given}"
            )


def _returns(frame: FrameType) -> bool:
    """Whether a frame that ends does so by returning, and not by an exception."""
    return dis.opname[frame.f_code.co_code[frame.f_lasti]].startswith("RETURN")


def fits(value: Any, hint: Any) -> bool:
    """Whether the arrays in a value are as an annotation says; other things are not looked at."""
    if _is_array(hint):
        return isinstance(value, hint)
    parts, origin = typing.get_args(hint), typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, part) for part in parts) if _tells(hint) else True
    if origin is tuple and isinstance(value, tuple):
        parts = parts[:1] * len(value) if parts[1:] == (...,) else parts
        return len(parts) == len(value) and all(map(fits, value, parts))
    if origin is list and isinstance(value, list):
        return all(fits(one, parts[0]) for one in value)
    return value is None if hint is types.NoneType else True


def written(hint: Any) -> str:
    """An annotation as it is written: Float[Tensor, "batch time"]."""
    text = hint.__name__ if isinstance(hint, type) and not typing.get_args(hint) else str(hint)
    return text.replace("jaxtyping.", "").replace("'", '"')


def shape_of(value: Any) -> str:
    """The type and shape of the arrays in a value, or a whole number; nothing of anything else."""
    if isinstance(value, tuple | list):
        inner = [shape_of(one) for one in value]
        return f"({', '.join(inner)})" if any(inner) else ""
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"{str(value.dtype).removeprefix('torch.')} {tuple(value.shape)}"
    return str(value) if isinstance(value, int) else ""


@functools.cache
def annotated(module: ModuleType) -> dict[int, Annotated]:
    """The functions and methods that a module defines and whose annotations tell of shapes.

    By the identity of their code: the constructors of two records with the same fields have equal code.
    """
    found: dict[int, Annotated] = {}
    for one in list(vars(module).values()):
        if getattr(one, "__module__", "") != module.__name__:
            continue
        if isinstance(one, type):
            found |= _methods(one)
        elif (function := _plain(one)) is not None and tells(function):
            found[id(function.__code__)] = Annotated(name_of(function), _hints(function), frozenset())
    return found


def _methods(one: type) -> dict[int, Annotated]:
    family = [base for base in one.__mro__ if base.__module__.partition(".")[0] not in ("builtins", "torch")]
    sizes = frozenset(
        name for base in family for name, hint in vars(base).get("__annotations__", {}).items() if hint is int
    )
    found = {}
    for name, method in vars(one).items():
        function = _plain(method)
        if function is None or function.__code__.co_flags & inspect.CO_GENERATOR:
            continue
        same = [_plain(vars(base)[name]) for base in family if name in vars(base)]
        hints: dict[str, Any] = {}
        for other in reversed([other for other in same if other is not None]):
            hints |= _hints(other)
        if any(map(_tells, hints.values())):
            found[id(function.__code__)] = Annotated(
                f"{one.__module__}.{one.__qualname__}.{name}", hints, sizes
            )
    return found


def name_of(function: Any) -> str:
    """The dotted name of a function, under decorators or not."""
    return f"{function.__module__}.{function.__qualname__}"


def tells(one: Any) -> bool:
    """Whether something is a function, under decorators or not, whose annotations tell of shapes."""
    function = _plain(one)
    return function is not None and any(map(_tells, inspect.get_annotations(function).values()))


def _plain(one: Any) -> FunctionType | None:
    """The function beneath decorators, a property, or a static method; None where there is none."""
    one = one.fget if isinstance(one, property) else getattr(one, "__func__", one)
    one = inspect.unwrap(one) if isinstance(one, Callable) else one  # type: ignore[arg-type]
    return one if isinstance(one, FunctionType) else None


def _hints(function: FunctionType) -> dict[str, Any]:
    """The annotations of a function that tell of a shape, or of a whole number."""
    hints, code = inspect.get_annotations(function), function.__code__
    if code.co_flags & inspect.CO_VARARGS:  # *args: the annotation is that of each
        name = code.co_varnames[code.co_argcount + code.co_kwonlyargcount]
        hints |= {name: types.GenericAlias(tuple, (hints[name], ...))} if name in hints else {}
    return {name: hint for name, hint in hints.items() if _tells(hint) or hint is int}


def _tells(hint: Any) -> bool:
    """Whether an annotation tells of a shape."""
    return _is_array(hint) or any(map(_tells, typing.get_args(hint)))


def _is_array(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, AbstractArray)
