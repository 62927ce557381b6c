"""Models of several layers in half precision, under autocast and in float64; loading without memory."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from tests.promises import normal
from wavetrain import find
from wavetrain.core import Memory
from wavetrain.layers.attention.mega import MEGA
from wavetrain.layers.attention.sdm_attention import SdmAttention, Weights
from wavetrain.layers.attention.softmax_attention import SoftmaxAttention
from wavetrain.layers.state_space.lru import LRU
from wavetrain.layers.state_space.mamba import Mamba
from wavetrain.layers.state_space.mamba2 import Mamba2
from wavetrain.networks.cortical_columns import CorticalColumns
from wavetrain.networks.language_model import LanguageModel
from wavetrain.networks.neural_memory import NeuralMemory
from wavetrain.networks.tolman_eichenbaum import TolmanEichenbaum
from wavetrain.parts import ragged
from wavetrain.parts.stack import MLP, Stack
from wavetrain.testing.precision import spoil

HALF = pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
TIME, CUT = 60, 25


def model() -> LanguageModel:
    torch.manual_seed(0)
    layers = [Mamba(16), SoftmaxAttention(16, heads=2), Mamba2(16, heads=2), LRU(16), MEGA(16)]
    return LanguageModel(layers, 11, mlp=32, positions=TIME)


def tokens() -> Tensor:
    return torch.randint(11, (2, TIME), generator=torch.Generator().manual_seed(1))


def cut(model: LanguageModel) -> Tensor:
    """A piece, then steps, then a piece."""
    read = tokens()
    first, state = model(read[:, :CUT])
    parts = [first]
    for token in read[:, CUT : CUT + 5].unbind(1):
        y, state = model.step(token, state)
        parts.append(y[:, None])
    return torch.cat([*parts, model(read[:, CUT + 5 :], state)[0]], 1)


def off(found: Tensor, expected: Tensor) -> float:
    return ((found.double() - expected).norm() / expected.norm()).item()


@HALF
def test_a_language_model_in_half_precision(dtype: torch.dtype):
    low = model().to(dtype)
    expected = copy.deepcopy(low).double()(tokens())[0]
    for found in (low(tokens())[0], cut(low)):
        assert found.dtype == dtype
        assert off(found, expected) < 4 * torch.finfo(dtype).eps
    chosen = list(low.generate(tokens()[:, :5], 3))
    assert len(chosen) == 3


def test_a_language_model_under_autocast():
    own = model()
    expected = own(tokens())[0]
    slopes = torch.autograd.grad(expected.sin().sum(), list(own.parameters()))
    with torch.autocast("cpu", torch.bfloat16):
        found, parts = own(tokens())[0], cut(own)
    assert found.dtype == torch.bfloat16
    assert max(off(found, expected), off(parts, expected)) < 0.02
    cast = torch.autograd.grad(found.float().sin().sum(), list(own.parameters()))
    joined, wanted = (torch.cat([part.flatten() for part in one]) for one in (cast, slopes))
    assert off(joined, wanted.double()) < 0.05


@HALF
def test_a_stack_in_half_precision(dtype: torch.dtype):
    torch.manual_seed(0)
    low = Stack([Mamba(16), LRU(16)], 3, 2, MLP.PLAIN).to(dtype)
    x = normal(2, TIME, 3).to(dtype)
    expected = copy.deepcopy(low).double()(x.double())[0]
    found, state = low(x)
    assert found.dtype == dtype and off(found, expected) < 4 * torch.finfo(dtype).eps
    assert low.step(x[:, 0], state)[0].dtype == dtype


@HALF
def test_ragged_sequences_in_half_precision(dtype: torch.dtype):
    """Padded sequences go as by themselves, and on from there."""
    torch.manual_seed(0)
    for layer in (Mamba(6, 3).to(dtype), SoftmaxAttention(6, 3).to(dtype), LRU(6, 3).to(dtype)):
        x, lengths = normal(2, 9, 3).to(dtype), [4, 9]
        y, state = ragged.padded(layer, x, lengths)
        after, _ = layer(x, state)
        for row, length in enumerate(lengths):
            one = x[row : row + 1]
            own, last = layer(one[:, :length])
            close = {"rtol": 2 * torch.finfo(dtype).eps, "atol": 2e-3}
            torch.testing.assert_close(y[row, :length], own[0], **close)
            torch.testing.assert_close(after[row], layer(one, last)[0][0], **close)


# --- buffers: built without memory, given memory with anything in it or none, and loaded ----------------

MODULES: dict[str, Callable[[], nn.Module]] = {
    "language model": model,
    "cortical columns": lambda: CorticalColumns(8),
    "neural memory": lambda: NeuralMemory(8),
    "tolman eichenbaum": lambda: TolmanEichenbaum(8),
    "sdm attention, binary": lambda: SdmAttention(8, weights=Weights.BINARY),
    "sdm attention, caps": lambda: SdmAttention(8, weights=Weights.CAP),
}
MEMORIES = {
    found.name: found.load()
    for found in find.members("memories")
    if isinstance(found.load(), type) and issubclass(found.load(), Memory)
}


@pytest.mark.parametrize("assign", [False, True], ids=["to_empty", "assign"])
@pytest.mark.parametrize("name", [*MODULES, *MEMORIES])
def test_nothing_is_lost_that_is_not_loaded(name: str, assign: bool):
    make = MODULES[name] if name in MODULES else lambda: MEMORIES[name](8)
    own = make()
    with torch.device("meta"):
        other = make()
    if not assign:
        spoil(other.to_empty(device="cpu"))
    other.load_state_dict(own.state_dict(), assign=assign)
    expected = dict(own.named_buffers())
    assert {name for name, _ in other.named_buffers()} == set(expected)
    for place, part in other.named_buffers():
        torch.testing.assert_close(part, expected[place], rtol=0, atol=0, msg=place)


@pytest.mark.parametrize("name", [*MODULES, *MEMORIES])
def test_numbers_are_float64_where_that_is_the_default(name: str):
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        own = MODULES[name]() if name in MODULES else MEMORIES[name](8)
    finally:
        torch.set_default_dtype(before)
    kinds = {place: part.dtype for place, part in own.state_dict().items()}
    assert not [place for place, kind in kinds.items() if kind in (torch.float32, torch.complex64)]
