"""A sequence in pieces: nothing is lost going forward, and no gradient crosses a cut."""

import pytest
import torch
from torch import nn

from wavetrain import find
from wavetrain.core import Layer, State, detached, leaves
from wavetrain.layers.gate.gru import GRU
from wavetrain.layers.state_space.mamba import Mamba
from wavetrain.networks.language_model import LanguageModel
from wavetrain.parts.stack import MLP, Stack

LAYERS = {found.name: found.load() for found in find.members("layers")}
X = torch.randn(2, 12, 8, generator=torch.Generator().manual_seed(1))


def loss(layer: nn.Module, x: torch.Tensor, state: State = None) -> tuple[torch.Tensor, State]:
    """The sum of squares, weighed by the step."""
    y, state = layer(x, state)
    return (y.square() * torch.linspace(1, 2, y.shape[-1])).sum(), state


@pytest.mark.parametrize("name", LAYERS)
def test_two_halves_with_the_state_handed_on_lose_as_much_as_the_whole(name: str):
    torch.manual_seed(0)
    layer: Layer = LAYERS[name](8).double()
    x = X.double()
    whole, _ = loss(layer, x)
    for hand in (lambda state: state, detached):
        first, state = loss(layer, x[:, :7])
        second, _ = loss(layer, x[:, 7:], hand(state))
        torch.testing.assert_close(first + second, whole, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", LAYERS)
def test_no_gradient_crosses_a_cut(name: str):
    """To no input before it. Without a cut it does, unless nothing is carried."""
    torch.manual_seed(0)
    layer: Layer = LAYERS[name](8).double()
    reached = []
    for hand in (detached, lambda state: state):
        x = X.double().requires_grad_()
        _, state = layer(x[:, :7])
        after, _ = loss(layer, x[:, 7:], hand(state))
        (gradient,) = torch.autograd.grad(after, x)
        assert gradient[:, 7:].any()
        reached.append(bool(gradient[:, :7].any()))
    assert reached == [False, any(part.numel() for part in leaves(state))]


def test_the_gradient_of_cut_pieces_is_the_sum_of_their_own():
    """Each piece from its state as it stands, as if that had been given as numbers."""
    torch.manual_seed(0)
    layer = GRU(8)
    first, state = loss(layer, X[:, :7])
    second, _ = loss(layer, X[:, 7:], detached(state))
    together = torch.autograd.grad(first + second, list(layer.parameters()))
    numbers = torch.tensor(state.tolist())
    apart = [
        torch.autograd.grad(loss(layer, *piece)[0], list(layer.parameters()))
        for piece in ((X[:, :7],), (X[:, 7:], numbers))
    ]
    for whole, parts in zip(together, zip(*apart, strict=True), strict=True):
        torch.testing.assert_close(whole, sum(parts))


def test_a_state_that_is_detached_is_the_same_and_remembers_no_graph():
    torch.manual_seed(0)
    for model, x in (
        (Stack([GRU(8), Mamba(8)], 8, 3, MLP.PLAIN), X),
        (LanguageModel([GRU(8), Mamba(8)], vocabulary=5, positions=20), torch.arange(10).view(2, 5) % 5),
    ):
        _, state = model(x)
        cut = detached(state)
        assert any(part.requires_grad for part in leaves(state))
        assert not any(part.requires_grad for part in leaves(cut))
        for one, other in zip(leaves(state), leaves(cut), strict=True):
            assert torch.equal(one, other)
        torch.testing.assert_close(model(x, cut)[0], model(x, state)[0], rtol=0, atol=0)
