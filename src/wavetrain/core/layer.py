"""A layer: one causal map with three forms, `step`, `forward` and `operator`, held equal by one test."""

import contextlib
import functools
import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Concatenate, NamedTuple, ParamSpec, TypeVar, final

import torch
from jaxtyping import Float, Inexact, Int
from torch import Tensor, nn

from wavetrain.core import precision
from wavetrain.core.across import Slices, in_one_piece, slices
from wavetrain.core.card import Card
from wavetrain.core.check import check_width
from wavetrain.core.state import State, unroll
from wavetrain.core.tangent import tangent
from wavetrain.errors import BadInput


class Operator(NamedTuple):
    """How much of each past value a layer mixes into each output: row = now, column = then.

    >>> from wavetrain.core import Operator
    >>> weight = torch.ones(1, 1, 3, 3).tril() / torch.arange(1, 4)[:, None]  # the mean of the past
    >>> operator = Operator(weight, torch.tensor([3.0, 1.0, 2.0]).reshape(1, 3, 1, 1))
    >>> operator.mix().flatten().tolist()
    [3.0, 2.0, 2.0]
    >>> operator.strength().shape
    torch.Size([1, 3, 3])
    """

    weight: Inexact[Tensor, "batch heads time past"]  # past = time; zero above the diagonal
    value: Inexact[Tensor, "batch past heads channels"]
    exact: bool = True  # whether read(mix()) is the output; else it is the tangent along the trajectory

    def mix(self) -> Inexact[Tensor, "batch time heads channels"]:
        """The mixed values."""
        return torch.einsum("bhts,bshp->bthp", self.weight, self.value)

    def strength(self) -> Float[Tensor, "batch time past"]:
        """The size of the influence of each past step on each step, over all heads."""
        return self.weight.norm(dim=1)


L = TypeVar("L", bound="Layer")
P = ParamSpec("P")
R = TypeVar("R")


def _noted(init: Callable[Concatenate[L, P], None]) -> Callable[Concatenate[L, P], None]:
    """A layer's `__init__`, which notes what it was given, so that the layer can be built again."""
    signature = inspect.signature(init)

    @functools.wraps(init)
    def run(self: L, *args: P.args, **kwargs: P.kwargs) -> None:
        if "given" not in vars(self):  # else by the class that was called, of which this is a base
            with contextlib.suppress(TypeError):  # which the call itself raises
                bound = signature.bind(self, *args, **kwargs)
                self.given = dict(list(bound.arguments.items())[1:])
        init(self, *args, **kwargs)

    return run  # type: ignore[return-value]  # of `self`, mypy wants the name too


def _checked(operator: Callable[[L, Tensor], Operator]) -> Callable[[L, Tensor], Operator]:
    """A layer's `operator`, which refuses what its `forward` refuses."""

    @functools.wraps(operator)
    def run(self: L, x: Tensor) -> Operator:
        in_one_piece(f"{type(self).__name__}.operator")
        self.check(x)
        return operator(self, x)

    return run


def _of_all_ranks(step: Callable[Concatenate[L, P], R]) -> Callable[Concatenate[L, P], R]:
    """A layer's `step`, which knows no slices."""

    @functools.wraps(step)
    def run(self: L, *args: P.args, **kwargs: P.kwargs) -> R:
        in_one_piece(f"{type(self).__name__}.step")
        return step(self, *args, **kwargs)

    return run  # type: ignore[return-value]  # as above


class Layer(nn.Module, ABC):
    """A causal map from (B, T, inputs) to (B, T, width); built as Name(width, inputs=width, ...).

    `step` is the definition; `forward` is the same map over a whole sequence; `operator` is the T x T matrix
    of what is mixed into what, and `read` leads from mixed values to the output.

    A member writes its parameters, `begin` and `step`. Where the whole sequence can be had faster than step
    by step, it writes `whole` too, and where its operator is exact, `operator` and `read`; else it is a
    `Nonlinear`. The rest is done here for all: the sizes are checked when a layer is built, x before
    `forward` and `operator`, and the first state is made where none is given.

    In half precision, or under autocast, a layer runs in float32 all through and rounds its output once. A
    layer that is `mixed` has its large products in half precision instead, and sees to the rest itself;
    `roundings` bounds what this costs. A layer that `splits` runs over slices of time (`scan.across_time`).

    >>> from wavetrain.core import Layer
    >>> from wavetrain.layers import LRU
    >>> layer, x = LRU(8, inputs=3), torch.randn(2, 50, 3)
    >>> y, state = layer(x)  # the whole sequence
    >>> now, state = layer.step(x[:, 0], state)  # one step more
    >>> isinstance(layer, Layer), y.shape, now.shape
    (True, torch.Size([2, 50, 8]), torch.Size([2, 8]))
    """

    card: ClassVar[Card]
    residual: ClassVar[bool] = False  # whether the output holds the input already, so that no stack adds it
    mixed: ClassVar[bool] = False
    splits: ClassVar[bool] = False  # whether its sequences may lie in slices on several ranks
    roundings: ClassVar[float] = 1.2  # the error in half precision, next to that of rounding the output once
    width: int
    inputs: int
    given: dict[str, Any]  # what it was built with, by the names of the parameters

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "forward" in vars(cls):
            raise BadInput(
                f"{cls.__name__}: expected whole(x, state) for the whole sequence, got forward; `forward` is "
                "the same for all layers: it checks x, begins the state and calls `whole`"
            )
        names = ("operator",) if cls.mixed else ("begin", "step", "whole", "fresh", "operator", "read")
        for name in names:
            if name in vars(cls):
                setattr(cls, name, precision.method(vars(cls)[name]))
        if "splits" not in vars(cls) and {"step", "whole", "fresh"} & set(vars(cls)):
            cls.splits = False  # what its base says holds for the base's own recurrence
        if "step" in vars(cls):
            setattr(cls, "step", _of_all_ranks(vars(cls)["step"]))  # noqa: B010 (mypy: a method)
        if "__init__" in vars(cls):
            setattr(cls, "__init__", _noted(vars(cls)["__init__"]))  # noqa: B010 (mypy: a method)
        if "operator" in vars(cls):
            setattr(cls, "operator", _checked(vars(cls)["operator"]))  # noqa: B010 (mypy: a method)

    @_noted
    def __init__(self, width: int, inputs: int | None = None):
        super().__init__()
        self.width, self.inputs = width, width if inputs is None else inputs
        check_width(type(self).__name__, width=self.width, inputs=self.inputs)

    @abstractmethod
    def begin(self, batch: int) -> State:
        """The state before the first token."""

    @abstractmethod
    def step(
        self, x: Float[Tensor, "batch inputs"], state: State
    ) -> tuple[Float[Tensor, "batch width"], State]:
        """One token: x (B, inputs) and a state give y (B, width) and the next state."""

    def whole(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        """How `forward` does it: x (B, T, inputs), which has been checked, gives y (B, T, width).

        By default step by step.
        """
        return unroll(self.step, x, state)

    def fresh(
        self, x: Float[Tensor, "batch time inputs"] | Int[Tensor, "batch time"]
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        """`whole` of x (B, T, inputs) from the first state; a member may then leave something out."""
        return self.whole(x, self.begin(len(x)))

    @final  # type: ignore[misc]  # torch declares `forward` as a variable
    def forward(
        self, x: Float[Tensor, "batch time inputs"] | Int[Tensor, "batch time"], state: State = None
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        """The whole sequence: x (B, T, inputs) gives y (B, T, width) and the last state.

        Few layers take tokens. Raises BadInput for what `check` refuses.
        """
        here = slices()
        if here is None:
            self.check(x)
        else:
            self._check_slice(here, x)
        return self.fresh(x) if state is None else self.whole(x, state)

    @abstractmethod
    def operator(self, x: Float[Tensor, "batch time inputs"]) -> Operator:
        """The interaction of every two steps on the sequence x (B, T, inputs), from the first state."""

    @abstractmethod
    def read(
        self, mixed: Inexact[Tensor, "batch *time heads channels"]
    ) -> Float[Tensor, "batch *time width"]:
        """From mixed values, (B, T, H, P) of a sequence or (B, H, P) of one step, to the output."""

    def _check_slice(self, here: Slices, x: Tensor) -> None:
        """Raise on all ranks what `check` raises on one; and for a layer that cannot hand its state on."""
        try:
            if not self.splits:
                in_one_piece(type(self).__name__)
            self.check(x)
        except BadInput as error:
            here.agree("an error", error=error)
            raise

    def check(self, x: Tensor) -> None:
        """Raise BadInput where x is not (B, T, inputs): wrong axes, channels, or no step at all."""
        check_input(self, x)


class Nonlinear(Layer):
    """A layer whose output is not linear in any values: its operator is its tangent.

    One head for each pair of output and input channel, with weight d y[t, d] / d x[s, i] and value x[s, i],
    so that `read(operator(x).mix())` is the derivative of the output along x itself.

    >>> from wavetrain.core import Nonlinear
    >>> from wavetrain.layers import Elman
    >>> layer = Elman(3, inputs=2)
    >>> operator = layer.operator(torch.randn(1, 10, 2))
    >>> isinstance(layer, Nonlinear), operator.exact
    (True, False)
    >>> operator.weight.shape  # a head for each pair of output and input channel
    torch.Size([1, 6, 10, 10])
    """

    def operator(self, x: Float[Tensor, "batch time inputs"]) -> Operator:
        weight = tangent(self.step, x, self.begin(len(x)))  # (B, T, D, T, I)
        width, inputs = weight.shape[2], weight.shape[4]
        weight = weight.permute(0, 2, 4, 1, 3).flatten(1, 2)  # (B, D I, T, T)
        value = x[:, :, None, :].expand(-1, -1, width, -1).reshape(*x.shape[:2], width * inputs, 1)
        return Operator(weight, value, exact=False)

    def read(self, mixed: Inexact[Tensor, "batch *time heads 1"]) -> Float[Tensor, "batch *time width"]:
        return mixed.squeeze(-1).unflatten(-1, (self.width, -1)).sum(-1)


def check_input(layer: Layer, x: Tensor) -> None:
    """Raise for a sequence that is not (batch, time, inputs), or has no step at all.

    >>> from wavetrain.core import check_input
    >>> from wavetrain.layers import Elman
    >>> check_input(Elman(8, inputs=3), torch.zeros(2, 50, 3))  # says nothing where all is well
    >>> check_input(Elman(8, inputs=3), torch.zeros(2, 50, 4))
    Traceback (most recent call last):
    wavetrain.errors.BadInput: Elman: expected x (batch, time, 3), got (2, 50, 4)
    """
    name = type(layer).__name__
    if x.ndim != 3 or x.shape[-1] != layer.inputs:
        raise BadInput(f"{name}: expected x (batch, time, {layer.inputs}), got {tuple(x.shape)}")
    if x.shape[1] == 0:
        raise BadInput(f"{name}: expected at least one step, got x {tuple(x.shape)}")
