"""Layers with planted bugs: each must break the promise that is there to catch it."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from tests.promises import building, company, maps, precision, transforms
from wavetrain import scan
from wavetrain.core import Operator, State
from wavetrain.layers.attention.softmax_attention import SoftmaxAttention
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.layers.recurrence.identity_rnn import IdentityRNN


class LateStep(Elman):
    """The step gives the state before the update."""

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        return state, super().step(x, state)[1]


class SeesTheFuture(Elman):
    """Forward lets a little of the next step in."""

    def whole(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        y, state = super().whole(x, state)
        return y + 0.01 * torch.cat([y[:, 1:], torch.zeros_like(y[:, :1])], 1), state


class DropsFirstState(Elman):
    """Forward starts from nothing, whatever it is given."""

    def whole(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        return super().whole(x, self.begin(len(x)))


class KeepsFirstState(Elman):
    """Forward gives back the state that it was given."""

    def whole(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        return super().whole(x, state)[0], state


class MixesTheBatch(Elman):
    """Outputs are centred over the batch, in both forms."""

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        y, state = super().step(x, state)
        return y - 0.1 * y.mean(0), state

    def whole(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        y, state = super().whole(x, state)
        return y - 0.1 * y.mean(0), state


class CutsTheGradient(Elman):
    """Right values, but no gradient leaves through the last state of forward."""

    def whole(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        y, state = super().whole(x, state)
        return y, state.detach() + 0 * state


class HalvesTheGradient(Elman):
    """Right values, but half of the gradient of the input, in both forms."""

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        return super().step((x + x.detach()) / 2, state)

    def whole(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        return super().whole((x + x.detach()) / 2, state)


class Remembers(Elman):
    """The state is left in the module."""

    def whole(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        y, self.last = super().whole(x, state)
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

    def whole(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        return super().whole(x * self.gain.item(), state)


class RoundsWhenLoaded(Elman):
    """What is loaded is rounded to half precision."""

    def load_state_dict(self, state_dict: Any, *arguments: Any, **named: Any) -> Any:
        rounded = {name: value.bfloat16().to(value.dtype) for name, value in state_dict.items()}
        return super().load_state_dict(rounded, *arguments, **named)


class HasOneType(Elman):
    """The first state is float32 whatever the module is."""

    def begin(self, batch: int) -> State:
        return torch.zeros(batch, self.width)


class NeedsOneLayout(Elman):
    """Reads the input as if it lay in memory in one piece."""

    def whole(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        return super().whole(torch.as_strided(x, x.shape, torch.empty(x.shape).stride()), state)


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

    def whole(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        return super().whole(x, (state[0], state[1], torch.ones_like(state[2])))


class TakesAnyInput(Elman):
    """Sizes are not looked at."""

    def check(self, x: Tensor) -> None:
        pass


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

    def whole(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        y, state = super().whole(x, state)
        return Once.apply(y), state


class ReadsNumbers(Elman):
    """Numbers leave the graph on the way."""

    def whole(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        y, state = super().whole(x, state)
        return y + float(x.detach().sum()), state


class AnswersNobody(Elman):
    """At least one sequence comes back."""

    def whole(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        y, state = super().whole(x, state)
        return torch.cat([y, y.new_zeros(1, *y.shape[1:])])[: max(1, len(y))], state


class UnrollsWhenCompiled(Elman):
    """Another route under torch.compile."""

    def whole(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        if torch.compiler.is_compiling():
            return scan.unroll(self.step, x, state)
        return super().whole(x, state)


class RoundsItsState(IdentityRNN):
    """What is carried is in half precision where the input is."""

    mixed = True

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        y, state = super().step(x, state)
        return y, state.to(x.dtype)

    def whole(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        return scan.unroll(self.step, x, state)


class MixesTypes(Elman):
    """Autocast gives the products one type, and what they are written into has another."""

    mixed = True

    def whole(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        y, state = super().whole(x, state)
        return y.index_add(1, torch.zeros(1, dtype=torch.long), 0 * self.recur(y[:, :1])), state


class LosesGradients(Elman):
    """Under autocast half of the gradient is lost."""

    mixed = True

    def whole(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        y, state = super().whole(x, state)
        return (y + y.detach()) / 2 if torch.is_autocast_enabled("cpu") else y, state


class KnowsOneType(Elman):
    """A constant is float32, whatever the default is."""

    def __init__(self, width: int, inputs: int | None = None):
        super().__init__(width, inputs)
        self.register_buffer("gain", torch.ones((), dtype=torch.float32))


class LosesABuffer(Elman):
    """A constant that is made once, and not kept with the rest."""

    gain: Tensor

    def __init__(self, width: int, inputs: int | None = None):
        super().__init__(width, inputs)
        self.register_buffer("gain", torch.ones(()), persistent=False)

    def whole(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        y, state = super().whole(x, state)
        return y * self.gain, state


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
    (RoundsWhenLoaded, building.check_save_and_load),
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
    (RoundsItsState, precision.check_half_precision),
    (MixesTypes, precision.check_autocast),
    (LosesGradients, precision.check_autocast),
    (KnowsOneType, precision.check_default_type),
    (LosesABuffer, precision.check_loads_into_garbage),
]
