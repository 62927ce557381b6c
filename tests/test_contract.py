"""The contract: every layer that is found keeps every promise, on generated shapes, in float64.

A failure names the layer and the promise, and hypothesis prints the smallest case that breaks it. At the
end stand layers with planted bugs: each must break the promise that is there to catch it.
"""

import datetime
from collections.abc import Callable
from typing import Any

import hypothesis
import pytest
import torch
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from tests.promises import (
    ON_BUILDING,
    ON_SEQUENCES,
    Make,
    building,
    company,
    generic,
    maps,
    normal,
    transforms,
)
from wavetrain import find, scan
from wavetrain.core import Layer, Operator, State
from wavetrain.layers.elman import Elman
from wavetrain.layers.softmax_attention import SoftmaxAttention

SYSTEMS = [found for found in find.everything() if found.kind in find.SYSTEMS]
LAYERS = {found.name: found.load() for found in SYSTEMS}
LAYERS = {name: kind for name, kind in LAYERS.items() if isinstance(kind, type) and issubclass(kind, Layer)}


@st.composite
def cases(draw: st.DrawFn) -> tuple[int, int, Tensor, int]:
    """Width, inputs, a sequence (B, T, inputs) and the seed of the parameters."""
    width, inputs = draw(st.integers(1, 9)), draw(st.integers(1, 5))
    batch, time = draw(st.integers(1, 3)), draw(st.sampled_from([1, 2, 3, 4, 5, 7, 8, 9, 11, 13]))
    seed = draw(st.integers(0, 2**16))
    return width, inputs, normal(batch, time, inputs, seed=seed), seed


SMALLEST = (1, 1, normal(1, 1, 1), 0)
ODD = (7, 3, normal(2, 11, 3), 1)


@pytest.mark.parametrize("promise", ON_SEQUENCES, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("name", LAYERS)
@hypothesis.given(case=cases())
@hypothesis.example(case=SMALLEST)
@hypothesis.example(case=ODD)
def test_on_sequences(
    name: str, promise: Callable[[Layer, Tensor], None], case: tuple[int, int, Tensor, int]
):
    width, inputs, x, seed = case
    promise(generic(LAYERS[name], width, inputs, seed), x)


@pytest.mark.parametrize("promise", ON_BUILDING, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("name", LAYERS)
def test_on_building(name: str, promise: Callable[[Make], None]):
    promise(LAYERS[name])


@pytest.mark.parametrize("found", SYSTEMS, ids=lambda found: found.name)
def test_card_is_complete(found: find.Found):
    card = found.load().card
    assert all(card), f"{found.name}: an empty field in {card}"
    assert 1850 < card.year <= datetime.date.today().year
    assert card._asdict() == found.facts, "the card is not written with plain literals"
    assert "," in card.authors and all("," in author for author in card.authors.split(" and "))
    assert any(mark in card.source for mark in ("arXiv", "doi", "ISBN", "RFC", "pp.", "http")), card.source
    assert str(card.year) in found.about or "arXiv" in found.about, "the docstring of the file cites nothing"
    assert any(author.split(",")[0].split()[-1] in found.about for author in card.authors.split(" and "))


# --- planted bugs ---------------------------------------------------------------------------------------


class LateStep(Elman):
    """The step gives the state before the update."""

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        return state, super().step(x, state)[1]


class SeesTheFuture(Elman):
    """Forward lets a little of the next step in."""

    def forward(self, x: Tensor, state: State = None) -> tuple[Tensor, State]:
        y, state = super().forward(x, state)
        return y + 0.01 * torch.cat([y[:, 1:], torch.zeros_like(y[:, :1])], 1), state


class DropsFirstState(Elman):
    """Forward starts from nothing, whatever it is given."""

    def forward(self, x: Tensor, state: State = None) -> tuple[Tensor, State]:
        return super().forward(x)


class KeepsFirstState(Elman):
    """Forward gives back the state that it was given."""

    def forward(self, x: Tensor, state: State = None) -> tuple[Tensor, State]:
        return super().forward(x, state)[0], self.begin(len(x)) if state is None else state


class MixesTheBatch(Elman):
    """Outputs are centred over the batch, in both forms."""

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        y, state = super().step(x, state)
        return y - 0.1 * y.mean(0), state

    def forward(self, x: Tensor, state: State = None) -> tuple[Tensor, State]:
        y, state = super().forward(x, state)
        return y - 0.1 * y.mean(0), state


class CutsTheGradient(Elman):
    """Right values, but no gradient leaves through the last state of forward."""

    def forward(self, x: Tensor, state: State = None) -> tuple[Tensor, State]:
        y, state = super().forward(x, state)
        return y, state.detach() + 0 * state


class HalvesTheGradient(Elman):
    """Right values, but half of the gradient of the input, in both forms."""

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        return super().step((x + x.detach()) / 2, state)

    def forward(self, x: Tensor, state: State = None) -> tuple[Tensor, State]:
        return super().forward((x + x.detach()) / 2, state)


class Remembers(Elman):
    """The state is left in the module."""

    def forward(self, x: Tensor, state: State = None) -> tuple[Tensor, State]:
        y, self.last = super().forward(x, state)
        return y, self.last


class WritesToTheState(Elman):
    """The step updates the state that it was given."""

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        y, after = super().step(x, state)
        return y, state.data.copy_(after.detach()) + (after - after.detach())


class DoesNotSaveAll(Elman):
    """A random part that is no parameter and no buffer."""

    def __init__(self, width: int, inputs: int | None = None):
        super().__init__(width, inputs)
        self.gain = torch.rand(())

    def forward(self, x: Tensor, state: State = None) -> tuple[Tensor, State]:
        return super().forward(x * self.gain.item(), state)


class HasOneType(Elman):
    """The first state is float32 whatever the module is."""

    def begin(self, batch: int) -> State:
        return torch.zeros(batch, self.width)


class NeedsOneLayout(Elman):
    """Reads the input as if it lay in memory in one piece."""

    def forward(self, x: Tensor, state: State = None) -> tuple[Tensor, State]:
        return super().forward(torch.as_strided(x, x.shape, torch.empty(x.shape).stride()), state)


class TransposedOperator(SoftmaxAttention):
    """The operator's rows and columns are exchanged."""

    def operator(self, x: Tensor) -> Operator:
        operator = super().operator(x)
        return operator._replace(weight=operator.weight.mT)


class UnscaledOperator(SoftmaxAttention):
    """The operator forgets the output's share of a head."""

    def operator(self, x: Tensor) -> Operator:
        operator = super().operator(x)
        return operator._replace(weight=operator.weight * 1.001)


class WrongTangent(Elman):
    """The tangent of another layer."""

    def operator(self, x: Tensor) -> Operator:
        return super().operator(x * 1.01)


class TakesPaddingForKeys(SoftmaxAttention):
    """Zeros behind the end of a state count as steps."""

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        return super().step(x, (state[0], state[1], torch.ones_like(state[2])))

    def forward(self, x: Tensor, state: State = None) -> tuple[Tensor, State]:
        state = self.begin(len(x)) if state is None else state
        return super().forward(x, (state[0], state[1], torch.ones_like(state[2])))


class TakesAnyInput(Elman):
    """Sizes are not looked at."""

    def forward(self, x: Tensor, state: State = None) -> tuple[Tensor, State]:
        y, last = self.unchecked(x)
        return y, last[0]

    def unchecked(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return nn.RNN(self.inputs, self.width, batch_first=True, dtype=x.dtype)(x)


class Once(torch.autograd.Function):
    """The tangent hyperbolic, with first derivatives only, from numbers that are kept beside the graph."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        y = x.tanh()
        ctx.y = y.detach()
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return grad * (1 - ctx.y**2)


class DifferentiatesOnce(Elman):
    """Right first derivatives, and nothing beyond."""

    def forward(self, x: Tensor, state: State = None) -> tuple[Tensor, State]:
        y, state = super().forward(x, state)
        return Once.apply(y), state


class ReadsNumbers(Elman):
    """Numbers leave the graph on the way."""

    def forward(self, x: Tensor, state: State = None) -> tuple[Tensor, State]:
        y, state = super().forward(x, state)
        return y + float(x.detach().sum()), state


class AnswersNobody(Elman):
    """At least one sequence comes back."""

    def forward(self, x: Tensor, state: State = None) -> tuple[Tensor, State]:
        y, state = super().forward(x, state)
        return torch.cat([y, y.new_zeros(1, *y.shape[1:])])[: max(1, len(y))], state


class UnrollsWhenCompiled(Elman):
    """Another route under torch.compile."""

    def forward(self, x: Tensor, state: State = None) -> tuple[Tensor, State]:
        if torch.compiler.is_compiling():
            return scan.unroll(self.step, x, self.begin(len(x)) if state is None else state)
        return super().forward(x, state)


PLANTED = [
    (LateStep, maps.check_step_is_forward),
    (SeesTheFuture, maps.check_causal),
    (SeesTheFuture, maps.check_step_is_forward),
    (DropsFirstState, maps.check_state_carries),
    (KeepsFirstState, maps.check_step_is_forward),
    (KeepsFirstState, maps.check_state_carries),
    (MixesTheBatch, company.check_batch),
    (MixesTheBatch, company.check_ragged),
    (CutsTheGradient, maps.check_gradients),
    (HalvesTheGradient, maps.check_against_differences),
    (Remembers, company.check_keeps_nothing),
    (WritesToTheState, company.check_keeps_nothing),
    (DoesNotSaveAll, building.check_save_and_load),
    (HasOneType, building.check_dtype),
    (HasOneType, building.check_device),
    (NeedsOneLayout, company.check_any_layout),
    (TransposedOperator, maps.check_operator),
    (UnscaledOperator, maps.check_operator),
    (WrongTangent, maps.check_operator),
    (TakesPaddingForKeys, company.check_ragged),
    (TakesAnyInput, building.check_bad_input),
    (DifferentiatesOnce, transforms.check_second_derivatives),
    (DifferentiatesOnce, transforms.check_per_sample_gradients),
    (DifferentiatesOnce, transforms.check_forward_mode),
    (DifferentiatesOnce, transforms.check_outputs_changed_in_place),
    (ReadsNumbers, transforms.check_export),
    (ReadsNumbers, transforms.check_trace),
    (AnswersNobody, transforms.check_no_sequence),
    (UnrollsWhenCompiled, transforms.check_compile),
]


@pytest.mark.parametrize(("bug", "promise"), PLANTED, ids=lambda part: part.__name__)
def test_the_contract_catches_planted_bugs(bug: type[Layer], promise: Callable[..., None]):
    arguments = [bug] if promise in ON_BUILDING else [generic(bug, 7, 3), normal(2, 5, 3)]
    with pytest.raises((AssertionError, RuntimeError)):  # RuntimeError: torch itself objects to a mixture
        promise(*arguments)
