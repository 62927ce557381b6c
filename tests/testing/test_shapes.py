"""Calls are held to the shapes of annotations: what is wrong is named, what is right passes in silence."""

import functools
import inspect
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

import wavetrain.core
import wavetrain.scan
from wavetrain import find
from wavetrain.core import Batch, Memory, State
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.lenses.operator.toeplitz import Toeplitz, toeplitz
from wavetrain.memories.hopfield import Hopfield
from wavetrain.tasks.recall.copying import Copying
from wavetrain.testing import check_layer, check_lens, check_memory, check_task
from wavetrain.testing.shapes import held


class Pair(NamedTuple):
    one: Float[Tensor, "batch time"]
    many: int


def turned(x: Float[Tensor, "batch time"]) -> Float[Tensor, "time batch"]:
    return x.t()


def kept(x: Float[Tensor, "batch time"]) -> Float[Tensor, "time batch"]:
    return x


def chosen(x: Float[Tensor, "batch time"] | Int[Tensor, "batch"], mask: Bool[Tensor, "time"] | None) -> None:
    """Values of each step, or one class for each sequence."""


def made(batch: int) -> tuple[Float[Tensor, "batch 3"], State]:
    return torch.zeros(2, 3), None


def raised(x: Float[np.ndarray, "time"]) -> Float[np.ndarray, "time"]:
    raise ValueError("no")


def joined(*parts: Float[Tensor, "batch time"]) -> None:
    """All of one shape."""


@functools.wraps(kept)
def wrapped(*args: Any) -> Any:
    return kept(*args)


X = torch.zeros(2, 3)
RIGHT = [
    lambda: turned(X),
    lambda: kept(X[:, :2]),
    lambda: chosen(X, torch.ones(3).bool()),
    lambda: chosen(torch.zeros(2).long(), None),
    lambda: made(2),
    lambda: Pair(X, 3),
    lambda: joined(),
    lambda: joined(X, X),
]
WRONG = {
    r"turned is annotated with Float\[Tensor, \"batch time\"\] for x, got int64 \(2, 3\)": lambda: turned(
        X.long()
    ),
    r"for x, got float32 \(3,\)": lambda: turned(X[0]),
    r"kept is annotated with Float\[Tensor, \"time batch\"\] for what it returns, got float32 \(2, 3\); "
    r"it was called with x float32 \(2, 3\)": lambda: wrapped(X),
    r"chosen is annotated with .* for x, got int64 \(2, 3\)": lambda: chosen(X.long(), None),
    r"chosen is annotated with .* for mask, got bool \(2,\)": lambda: chosen(X, torch.ones(2).bool()),
    r"made is annotated with .* got \(float32 \(2, 3\), \); it was called with batch 4": lambda: made(4),
    r"joined is annotated with .* for parts, got \(float32 \(2, 3\), float32 \(3, 2\)\)": lambda: joined(
        X, X.t()
    ),
    r"Pair.__new__ is annotated with Float\[Tensor, \"batch time\"\] for one, got float32 \(3,\)": lambda: (
        Pair(X[0], 3)
    ),
}


@pytest.mark.parametrize("right", RIGHT)
def test_what_is_right_passes(right: Callable[[], Any]) -> None:
    with held(right) as seen:
        right()
    assert len(seen) >= 1


@pytest.mark.parametrize("message", WRONG)
def test_what_is_wrong_is_named(message: str) -> None:
    with pytest.raises(AssertionError, match=message), held(turned):
        WRONG[message]()


def test_errors_pass_and_the_profiler_is_put_back() -> None:
    before = sys.getprofile()
    with pytest.raises(ValueError, match="no"), held(raised):
        raised(np.zeros(3))
    with held(raised):
        with pytest.raises(ValueError, match="no"):
            raised(np.zeros(3))
        turned(X)
    assert sys.getprofile() is before


def test_records_of_the_same_fields_are_told_apart() -> None:
    """Their constructors have equal code."""

    class Other(NamedTuple):
        one: list[int]
        many: int

    with held(Other):
        assert Other([1], 2).one == [1] and Pair(X, 2).many == 2


def test_without_it_annotations_do_nothing() -> None:
    assert kept(X) is X and tuple(turned(X.long()).shape) == (3, 2)


class Mistaken(Elman):
    """A planted mistake: the output of a step is said to have an axis of time."""

    def step(
        self, x: Float[Tensor, "batch inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        return super().step(x, state)


class Swapped(Elman):
    """A planted mistake: inputs and width are exchanged."""

    def whole(self, x: Float[Tensor, "batch time width"], state: State) -> tuple[Tensor, State]:
        return super().whole(x, state)


class Unannotated(Elman):
    """A planted bug in a method that says nothing: it is held to `Layer.step` all the same."""

    def step(self, x, state):
        y, state = super().step(x, state)
        return y[:, 1:], state


class Forgetful(Hopfield):
    """A planted mistake: cues are said to be as many as the values."""

    def fetch(self, state: State, cue: Float[Tensor, "batch values size"]) -> Tensor:
        return super().fetch(state, cue)


class Timeless(Copying):
    """A planted mistake: a batch without time."""

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        x, y = super().draw(batch, generator)
        return Batch(x, y) if batch > 3 else Batch(x[:, 0], y)


def bent(layer: Elman, x: Float[Tensor, "batch inputs"]) -> Toeplitz:
    """A planted mistake: sequences are said to have no time."""
    return toeplitz(layer, x)


@pytest.mark.parametrize(
    ("check", "member", "message"),
    [
        (
            check_layer,
            Mistaken,
            r"Mistaken.step is annotated with .*batch time width.* got \(float32 \(2, 6\)",
        ),
        (check_layer, Swapped, r"Swapped.whole is annotated with .*batch time width.*"),
        (
            check_layer,
            Unannotated,
            r"Unannotated.step is annotated with .*width.* for what it returns, got \(float32 \(2, 5\)",
        ),
        (check_memory, Forgetful, r"Forgetful.fetch is annotated with .* got float64 \(3, 1, 8\)"),
        (check_task, Timeless, r"Batch.__new__ is annotated with .* for x, got float32 \(3, 10\)"),
        (check_lens, bent, r"bent is annotated with .* for x, got float64 \(2, 12, 3\)"),
    ],
)
def test_the_contract_catches_planted_annotations(
    check: Callable[[Any], None], member: Any, message: str
) -> None:
    with pytest.raises(AssertionError, match=f"breaks the promise 'annotations': .*{message}"):
        check(member)


def test_a_memory_that_is_right_passes() -> None:
    assert issubclass(Hopfield, Memory)
    check_memory(Hopfield)


def silent(function: Callable[..., Any]) -> list[str]:
    """The arguments, and `return`, of which a function says no more than that they are tensors or arrays."""
    bare = {Tensor, Tensor | None, np.ndarray, np.ndarray | None}
    return [name for name, hint in inspect.get_annotations(inspect.unwrap(function)).items() if hint in bare]


PLACES = [wavetrain.core, wavetrain.scan, *(one.load() for one in find.members("lenses"))]


def test_public_functions_say_their_shapes() -> None:
    """Those of the core and of the recurrences, methods included, and all lenses with what they return."""
    public = [getattr(place, name) for place in PLACES[:2] for name in place.__all__]
    public += PLACES[2:]
    public += [inspect.get_annotations(lens)["return"] for lens in PLACES[2:]]
    said: dict[str, list[str]] = {}
    for one in public:
        methods = {name: getattr(one, name) for name in vars(one)} if isinstance(one, type) else {"": one}
        for name, function in methods.items():
            if inspect.isfunction(function) and not (name.startswith("_") and name != "__new__"):
                said[f"{one.__name__}.{name}"] = silent(function)
    assert len(said) > 80
    may = {"Layer.check", "check_input.", "written_out."}  # which take any shape, if only to refuse it
    assert not {name: names for name, names in said.items() if names and name not in may}
