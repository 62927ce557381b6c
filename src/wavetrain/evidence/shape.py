"""JSON as frozen dataclasses and back: the shape of a file is written once, as the types of its fields.

A field is a string, a number, a truth value, null, a list (`tuple[X, ...]`), an object (`Mapping[str, X]`),
another dataclass, one of several of these (`X | Y`), or anything (`Any`). A field with a default may be
missing. What does not fit raises BadInput with the place in the file, as `figures[0].loss`.
"""

import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from wavetrain.errors import BadInput

T = TypeVar("T")
DEEPEST = 50  # lists and objects inside each other
LARGEST = 10**18  # whole number
NAMES = {float: "int or float", tuple: "list", Mapping: "dict"}  # as JSON has them, in Python's words


def parsed(kind: type[T], value: Any) -> T:
    """The dataclass that JSON describes."""
    if (deep := _depth(value)) > DEEPEST:
        raise BadInput(f"expected lists and objects at most {DEEPEST} deep, got {deep}")
    return typing.cast(T, _parsed(kind, value, ""))


def written(one: Any) -> Any:
    """The same as JSON."""
    if dataclasses.is_dataclass(one):
        return {field.name: written(getattr(one, field.name)) for field in dataclasses.fields(one)}
    if isinstance(one, Mapping):
        return {name: written(value) for name, value in one.items()}
    return [written(value) for value in one] if isinstance(one, list | tuple) else one


def _parsed(kind: Any, value: Any, place: str) -> Any:
    kinds = _choices(kind)
    for choice in kinds:
        if _fits(choice, value):
            return _inside(choice, value, place)
    if isinstance(value, int) and not isinstance(value, bool) and {int, float} & set(kinds):
        raise BadInput(
            f"`{place}` must be a number of at most {LARGEST}, got one of {len(str(abs(value)))} digits"
        )
    names = " or ".join(NAMES.get(_plain(one), _plain(one).__name__) for one in kinds)
    name = f"`{place}`" if place else "what it holds"
    raise BadInput(f"{name} must be {names}, got {json.dumps(value)[:60]}")


def _choices(kind: Any) -> tuple[Any, ...]:
    union = isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union
    return typing.get_args(kind) if union else (kind,)


def _plain(kind: Any) -> Any:
    """`tuple` of `tuple[int, ...]`, and Mapping of a dataclass, which is an object in JSON."""
    if dataclasses.is_dataclass(kind):
        return Mapping
    return typing.get_origin(kind) or kind


def _fits(kind: Any, value: Any) -> bool:
    plain = _plain(kind)
    if plain is Any:
        return True
    if plain in (int, float):
        number = isinstance(value, int if plain is int else int | float) and not isinstance(value, bool)
        return number and (isinstance(value, float) or abs(value) <= LARGEST)
    return isinstance(value, {tuple: list, Mapping: dict}.get(plain, plain))


def _inside(kind: Any, value: Any, place: str) -> Any:
    plain = _plain(kind)
    if dataclasses.is_dataclass(kind):
        return _object(kind, value, place)
    if plain is tuple:
        item, _ = typing.get_args(kind)
        return tuple(_parsed(item, one, f"{place}[{index}]") for index, one in enumerate(value))
    if plain is Mapping:
        _, item = typing.get_args(kind)
        return {name: _parsed(item, one, f"{place}.{name}") for name, one in value.items()}
    return value


def _object(kind: Any, value: dict[str, Any], place: str) -> Any:
    hints, before = typing.get_type_hints(kind), f"{place}." if place else ""
    fields = {field.name: field for field in dataclasses.fields(kind)}
    if unknown := sorted(value.keys() - fields.keys()):
        raise BadInput(f"`{before}{unknown[0]}` is none of {', '.join(fields)}")
    found = {}
    for name, field in fields.items():
        needed = field.default is field.default_factory is dataclasses.MISSING
        if name in value or needed:
            found[name] = _parsed(hints[name], value.get(name), before + name)
    return kind(**found)


def _depth(value: Any) -> int:
    """How deep lists and objects are nested; without recursion, since that has an end of its own."""
    depth, level = 0, [value]
    while level := [one for one in level if isinstance(one, dict | list)]:
        depth += 1
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)]
    return depth
