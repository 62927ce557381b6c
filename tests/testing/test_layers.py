"""What layers promise: members that break what those of `tests/promises` leave whole, and what is said."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.promises import planted
from wavetrain.core import Card, Nonlinear, Operator, State
from wavetrain.testing import building, company, layers, maps, precision, transforms
from wavetrain.testing.tools import generic, normal


class Leak(Nonlinear):
    """h_t = h_{t-1} / 2 + W x_t."""

    card = Card("A toy", "Nobody, No", 2026, "this file, pp. 1", "toy", "none")

    def __init__(self, width: int, inputs: int | None = None):
        super().__init__(width, inputs)
        self.weight = nn.Parameter(torch.rand(self.inputs, width))

    def begin(self, batch: int) -> State:
        return self.weight.new_zeros(batch, self.width)

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        h = state / 2 + x @ self.weight
        return h, h


class Wide(Leak):
    """Has one more channel than it says."""

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        y, state = super().step(x, state)
        return torch.cat([y, y[:, :1]], 1), state


class SaysOther(Leak):
    def __init__(self, width: int, inputs: int | None = None):
        super().__init__(width, inputs)
        if inputs is not None:
            self.inputs = width


class Late(Leak):
    """Where nothing is given, another first state."""

    def fresh(self, x: Tensor) -> tuple[Tensor, State]:
        return self.whole(x, self.begin(len(x)) + 1e-8)


class Shared(Leak):
    """One first state for all sequences."""

    def begin(self, batch: int) -> State:
        return super().begin(1)


class Numbered(Leak):
    """Another first state for each sequence."""

    def begin(self, batch: int) -> State:
        return super().begin(batch) + torch.arange(batch)[:, None]


class Idle(Leak):
    """A parameter that has no part in the output."""

    def __init__(self, width: int, inputs: int | None = None):
        super().__init__(width, inputs)
        self.rest = nn.Parameter(torch.zeros(3))


class Dices(Leak):
    """Parameters that no seed decides."""

    made = 0

    def __init__(self, width: int, inputs: int | None = None):
        super().__init__(width, inputs)
        Dices.made += 1
        self.weight.data *= Dices.made


class TakesHalves(Leak):
    """Sizes that are no whole numbers are rounded."""

    def __init__(self, width: Any, inputs: Any = None):
        super().__init__(int(width) if isinstance(width, float) else width, inputs)


class TakesHalfInputs(Leak):
    def __init__(self, width: Any, inputs: Any = None):
        super().__init__(width, int(inputs) if isinstance(inputs, float) else inputs)


class OtherTypeOut(Leak):
    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        y, state = super().step(x, state)
        return y.double(), state


class OtherTypeKept(Leak):
    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        y, state = super().step(x, state.to(x.dtype))
        return y, state.double()


class OtherTypeMixed(Leak):
    def operator(self, x: Tensor) -> Operator:
        found = super().operator(x)
        return found._replace(weight=found.weight.float())


class OtherAnswer(Leak):
    """float32 answers otherwise than float64."""

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        return super().step(x * (1.01 if x.dtype == torch.float32 else 1), state)


class NoLength(Leak):
    """Takes sequences of no step."""

    def check(self, x: Tensor) -> None:
        if x.shape[1:2] != (0,):
            super().check(x)


class Sees(Leak):
    """The gradient flows back from an output to a later input, and the values know nothing of it."""

    def whole(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        y, state = super().whole(x, state)
        return y + (x - x.detach()).flip(1).sum(2, keepdim=True), state


class Square(Leak):
    """Weights of no head."""

    def operator(self, x: Tensor) -> Operator:
        found = super().operator(x)
        return found._replace(weight=found.weight[:, :, 1:])


class OfTheFuture(Leak):
    def operator(self, x: Tensor) -> Operator:
        found = super().operator(x)
        return found._replace(weight=found.weight + 1e-6)


class ReadsMore(Leak):
    def read(self, mixed: Tensor) -> Tensor:
        return 1.0001 * super().read(mixed)


class Counts(Leak):
    calls = 0

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        self.calls += 1
        return super().step(x, state)


class WritesToTheInput(Leak):
    def whole(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        answer = super().whole(x, state)
        x.data.mul_(0.5)
        return answer


class OtherWithoutGradients(Leak):
    def whole(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        y, state = super().whole(x, state)
        return (y if torch.is_grad_enabled() else 1.001 * y), state


class OtherInInference(Leak):
    def whole(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        y, state = super().whole(x, state)
        return (1.001 * y if torch.is_inference_mode_enabled() else y), state


ON_BUILDING = [
    (Wide, building.check_builds, r"expected an output \(2, 3, 8\), got \(2, 3, 9\)"),
    (SaysOther, building.check_builds, r"expected width and inputs \(7, 3\), got \(7, 7\)"),
    (Wide, building.check_annotations, "is annotated with"),
    (Dices, building.check_seed, "Tensor-likes are not equal"),
    (TakesHalves, building.check_bad_sizes, "nothing was refused; expected BadInput that says width and 2"),
    (TakesHalfInputs, building.check_bad_sizes, "nothing was refused; .* inputs and 2"),
    (OtherTypeOut, building.check_dtype, "torch.float32 in, torch.float64 out"),
    (OtherTypeKept, building.check_dtype, r"torch.float32 in, a state of \[torch.float64\]"),
    (OtherTypeMixed, building.check_dtype, "an operator of another type than torch.float64"),
    (OtherAnswer, building.check_dtype, "Tensor-likes are not close"),
    (
        NoLength,
        building.check_bad_input,
        "expected at least one step|instead of BadInput|nothing was refused",
    ),
    (planted.AnswersNobody, transforms.check_no_sequence, r"whole: y has shape \(1, 5, 4\)"),
    (planted.KnowsOneType, precision.check_default_type, "gain is torch.float32"),
]
ON_SEQUENCES = [
    (Late, maps.check_begin, r"from begin\(\), from nothing"),
    (Shared, maps.check_begin, "a first state is not batch first"),
    (Numbered, maps.check_begin, "first state of row 1"),
    (Idle, maps.check_every_parameter_learns, r"^no gradient reaches rest(\n|$)"),
    (Sees, maps.check_causal, "gradient of output 0 after its step, zero"),
    (planted.SeesTheFuture, maps.check_causal, "outputs to step 0 with another future, as they were"),
    (Square, maps.check_operator, r"weight has shape \(2, 21, 4, 5\)"),
    (OfTheFuture, maps.check_operator, "weight above the diagonal"),
    (ReadsMore, maps.check_operator, r"read\(mix\), derivative along x"),
    (planted.WrongTangent, maps.check_operator, "tangent, transposed and pulled back"),
    (Counts, company.check_keeps_nothing, "the module has changed"),
    (
        WritesToTheInput,
        company.check_keeps_nothing,
        "two calls of forward differ|the input has been written to",
    ),
    (
        planted.WritesToTheState,
        company.check_keeps_nothing,
        "differ|the state that was given has been written to",
    ),
    (OtherWithoutGradients, company.check_any_layout, "without gradients, with"),
    (OtherInInference, company.check_any_layout, "in inference mode, outside"),
    (planted.NeedsOneLayout, company.check_any_layout, "scattered in memory, in one piece"),
    (planted.MixesTheBatch, company.check_batch, "row 0 in the batch, alone"),
]


@pytest.mark.parametrize(
    ("kind", "check", "what"), ON_BUILDING, ids=lambda one: getattr(one, "__name__", None)
)
def test_a_layer_that_is_built_wrong_is_seen(kind, check, what: str):
    with pytest.raises(AssertionError, match=what):
        check(kind)


@pytest.mark.parametrize(
    ("kind", "check", "what"), ON_SEQUENCES, ids=lambda one: getattr(one, "__name__", None)
)
def test_a_layer_that_goes_wrong_is_seen(kind, check, what: str):
    with pytest.raises(AssertionError, match=what):
        check(generic(kind, 7, 3), normal(2, 5, 3))


def test_the_toy_keeps_them():
    for check in {check for _, check, _ in ON_BUILDING}:
        check(Leak)
    for check in {check for _, check, _ in ON_SEQUENCES}:
        check(generic(Leak, 7, 3), normal(2, 5, 3))


def test_each_promise_on_sequences_is_tried_on_three_shapes():
    tried = []

    def note(layer: Leak, x: Tensor) -> None:
        tried.append((layer.width, layer.inputs, tuple(x.shape), x))

    layers._on_all(note, Leak)
    assert [one[:3] for one in tried] == [(1, 1, (1, 1, 1)), (7, 3, (2, 11, 3)), (4, 2, (3, 8, 2))]
    assert len({float(one[3].flatten()[0]) for one in tried}) == 3


def test_all_promises_are_yielded():
    names = [one.name for one in layers.promises(Leak)]
    checks = [*layers.ON_BUILDING, *layers.ON_SEQUENCES]
    assert names == [check.__name__.removeprefix("check_") for check in checks]
    of_files = {
        name
        for file in (building, company, maps, precision, transforms)
        for name, one in vars(file).items()
        if name.startswith("check_") and one.__module__ == file.__name__
    }
    assert of_files == {check.__name__ for check in checks}, "a check that nobody calls"


def test_half_precision_is_held_to_the_bound_of_the_layer():
    """An error of one rounding is allowed for, and one of twice the bound is not."""
    layer = generic(Leak, 4, 3).float()
    expected = normal(2, precision.TIME, 4)
    unit = expected.to(torch.bfloat16).double() - expected
    for share in (1.19, -1.19):
        precision._within(layer, expected + share * unit, expected, torch.bfloat16, "forward")
    with pytest.raises(
        AssertionError, match=r"forward, from step 0: an error of 1\.21 roundings .* at most 1\.2"
    ):
        precision._within(layer, expected + 1.21 * unit, expected, torch.bfloat16, "forward")
    late = expected.clone()
    late[:, 160:] += 1.21 * unit[:, 160:]  # right in the beginning, so that all in all it is within
    with pytest.raises(AssertionError, match=r"forward, from step 160: an error of 1\.21 roundings"):
        precision._within(layer, late, expected, torch.bfloat16, "forward")
