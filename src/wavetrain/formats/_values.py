"""Arguments of layers as JSON, and back: by the type that a signature asks for, not by a name in a file."""

import dataclasses
import enum
import math
import types
import typing
from typing import Any

from wavetrain.errors import BadInput


def told(value: Any, where: str) -> Any:
    """An argument in plain values: members of an enum by their names, records by their fields."""
    if isinstance(value, enum.Enum):
        return value.name
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if _is_record(type(value)):
        return {field: told(getattr(value, field), where) for field in _fields(type(value))}
    if isinstance(value, tuple | list):
        return [told(one, where) for one in value]
    raise BadInput(f"{where} is a {type(value).__name__}, which has no description")


def spelled(value: Any) -> Any:
    """Plain values in strict JSON, which has no infinity: it is spelled as transformers does it."""
    if isinstance(value, dict):
        return {name: spelled(one) for name, one in value.items()}
    if isinstance(value, list):
        return [spelled(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {"__float__": str(value).replace("inf", "Infinity").replace("nan", "NaN")}
    return value


def value(kind: Any, given: Any, where: str, largest: int) -> Any:
    """What `told` made, as a value of a type; raises BadInput where it is none."""
    if isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union:
        kinds = typing.get_args(kind)
        if given is None and type(None) in kinds:
            return None
        kind = next(one for one in kinds if one is not type(None))
    inner = typing.get_args(kind)
    if typing.get_origin(kind) is tuple and isinstance(given, list):
        inner = inner[:1] * len(given) if inner[1:] == (...,) else inner
        if len(inner) == len(given):
            return tuple(value(one, part, where, largest) for one, part in zip(inner, given, strict=True))
    if isinstance(kind, type):
        if issubclass(kind, enum.Enum) and isinstance(given, str) and given in kind.__members__:
            return kind[given]
        if _is_record(kind) and isinstance(given, dict) and given.keys() <= (fields := _fields(kind)).keys():
            return kind(**{name: value(fields[name], part, where, largest) for name, part in given.items()})
        if (plain := _plain(kind, given, largest)) is not None:
            return plain
    limit = f" of at most {largest}" if kind is int else ""
    raise BadInput(f"{where} must be of type {getattr(kind, '__name__', kind)}{limit}, not {given!r}"[:200])


def _plain(kind: type, given: Any, largest: int) -> Any:
    """A number, a truth value or a string of that type; None where it is none."""
    if kind is float and type(given) in (int, float):
        return float(given)
    if kind is int and isinstance(given, int) and not isinstance(given, bool):
        return given if abs(given) <= largest else None
    return given if kind in (bool, str) and isinstance(given, kind) else None


def _is_record(kind: type) -> bool:
    return dataclasses.is_dataclass(kind) or hasattr(kind, "_fields")


def _fields(kind: Any) -> dict[str, Any]:
    """The fields of a data class or named tuple, with their types."""
    hints = typing.get_type_hints(kind)
    names = getattr(kind, "_fields", None) or [field.name for field in dataclasses.fields(kind)]
    return {name: hints[name] for name in names}
