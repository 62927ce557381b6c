"""Identity RNN: at the start an accumulator that has lost the order of its inputs; shifted, a slow wave."""

import functools

import pytest
import torch
from torch import Tensor, nn

from tests.promises import ON_SEQUENCES, Make, close, generic, normal, stepped
from tests.promises.variants import on_building
from wavetrain.layers.recurrence.identity_rnn import IdentityRNN
from wavetrain.scan import Activation


def accumulator() -> tuple[IdentityRNN, Tensor]:
    """The start of the paper, with non-negative drive."""
    torch.manual_seed(0)
    layer = IdentityRNN(6, inputs=3).double()
    with torch.no_grad():
        layer.encode.weight.abs_()
        layer.encode.bias.abs_()
    return layer, normal(2, 12, 3).abs()


def test_starts_at_the_identity():
    torch.manual_seed(0)
    layer = IdentityRNN(200, inputs=50)
    assert torch.equal(layer.recur.weight, torch.eye(200)) and not layer.recur.bias.any()
    assert 0.0009 < layer.encode.weight.std() < 0.0011
    assert 0 < layer.encode.bias.abs().max() <= 50**-0.5
    usual = IdentityRNN(200, inputs=50, spread=None).encode.weight
    assert 0.9 * 50**-0.5 < usual.abs().max() <= 50**-0.5


def test_accumulates_all_drive():
    layer, x = accumulator()
    close(layer(x)[0], layer.encode(x).cumsum(1), "state, sum of all drive")


def test_order_of_the_past_is_lost():
    layer, x = accumulator()
    order = torch.randperm(12, generator=torch.Generator().manual_seed(1))
    close(layer(x[:, order])[1], layer(x)[1], "last state with the inputs in another order, in order")


def test_order_is_kept_when_shifted():
    torch.manual_seed(0)
    layer = IdentityRNN(12, inputs=1, shift=True, source=True).double()
    x = normal(2, 12, 1).abs()
    close(layer(x)[1], x.squeeze(-1).roll(1, 1), "last state, the inputs laid out round the ring")


def test_shifted_it_moves_an_impulse_one_unit_a_step_toward_lower_index_and_home_again():
    layer = IdentityRNN(7, inputs=1, shift=True, source=True).double()
    x = torch.zeros(1, 16, 1, dtype=torch.float64)
    x[0, 0] = 1
    y, _ = layer(x)
    for s in range(16):
        assert y[0, s].nonzero().flatten().tolist() == [-s % 7]
        assert y[0, s].sum() == 1


def test_is_the_relu_network_of_torch():
    layer, x, first = generic(IdentityRNN, 5, 3), normal(2, 9, 3), normal(2, 5, seed=2)
    torchs = nn.RNN(3, 5, batch_first=True, nonlinearity="relu").double()
    names = ("weight_ih_l0", "bias_ih_l0", "weight_hh_l0", "bias_hh_l0")
    torchs.load_state_dict(dict(zip(names, layer.parameters(), strict=True)))
    y, last = torchs(x, first[None])
    close(layer(x, first), (y, last[0]), "forward, torch.nn.RNN")
    close(stepped(layer, x, first), (y, last[0]), "steps, torch.nn.RNN")


def test_linear_tangent_is_the_matrix_power():
    layer, x = generic(functools.partial(IdentityRNN, activation=Activation.IDENTITY), 3, 2), normal(1, 5, 2)
    blocks = layer.operator(x).weight.unflatten(1, (3, 2))  # (1, D, I, T, T)
    for t in range(5):
        for s in range(t + 1):
            expected = torch.linalg.matrix_power(layer.recur.weight, t - s) @ layer.encode.weight
            close(blocks[0, :, :, t, s], expected, f"block {t}, {s}")


VARIANTS = {
    "shift": functools.partial(IdentityRNN, shift=True, source=True),
    "tanh": functools.partial(IdentityRNN, activation=Activation.TANH),
    "linear": functools.partial(IdentityRNN, activation=Activation.IDENTITY, spread=None),
}


@pytest.mark.parametrize("promise", ON_SEQUENCES, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("variant", VARIANTS)
def test_variants_keep_the_promises(variant: str, promise):
    promise(generic(VARIANTS[variant], 5, 3), normal(2, 7, 3))


@on_building(VARIANTS, graphs={"linear": VARIANTS["linear"]})  # those of tanh are in the contract, of Elman
def test_variants_are_built_as_promised(make: Make, promise):
    promise(make)
