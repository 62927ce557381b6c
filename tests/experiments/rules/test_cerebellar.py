"""What claims about cerebella share: the true gradient at a window's end is that of later errors alone."""

import torch
from torch import nn

from tests.promises import normal
from wavetrain.core import Batch
from wavetrain.experiments.rules._cerebellar import agreement, foreseen
from wavetrain.layers import LSTM
from wavetrain.parts.cerebellar_reader import CerebellarReader

X, Y = normal(3, 7, 2), normal(3, 7, 2, seed=2)


def network(every_step: bool = True) -> CerebellarReader:
    torch.manual_seed(0)
    found = CerebellarReader(LSTM(4, inputs=2), 2, every_step, (5,)).double()
    nn.init.normal_(found.cerebellum[-1].weight)
    return found


def test_the_true_gradient_at_an_end_is_that_of_what_follows():
    one = network()
    said, true = foreseen(one, Batch(X, Y), nn.functional.mse_loss, 3)
    assert said.shape == true.shape == (2, 3, 8)
    for window, end in enumerate((3, 6)):
        _, state = one.layer(X[:, :end])
        state = tuple(part.detach().requires_grad_() for part in state)
        rest, _ = one.layer(X[:, end:], state)
        value = (one.read(rest) - Y[:, end:]).square().sum() / Y.numel()
        torch.testing.assert_close(true[window], torch.cat(torch.autograd.grad(value, state), 1))
        told = one.cerebellum(torch.cat(state, 1)).detach()
        torch.testing.assert_close(said[window], told)


def test_where_the_last_step_alone_has_an_error():
    one = network(every_step=False)
    _, true = foreseen(one, Batch(X, Y[:, -1]), nn.functional.mse_loss, 2)
    assert true.shape == (3, 3, 8) and (true.flatten(1).norm(dim=1) > 0).all()


def test_agreement_is_the_cosine_of_all_that_is_said():
    said, true = foreseen(network(), Batch(X, Y), nn.functional.mse_loss, 3)
    cosine = (said * true).sum() / said.norm() / true.norm()
    assert abs(agreement(said, true) - float(cosine)) < 1e-12
    assert abs(agreement(2 * true, true) - 1) < 1e-12 and agreement(0 * said, true) == 0
