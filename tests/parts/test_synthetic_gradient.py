"""Synthetic gradients: what comes back through a cut, by hand, and who learns from whom."""

import torch
from torch import nn

from tests.promises import close, normal
from wavetrain.parts.synthetic_gradient import Cut, predictor


def test_a_predictor_says_zero_at_first_and_its_hidden_layers_are_drawn():
    net = predictor(3, 2, (7, 5))
    assert [type(one) for one in net] == [nn.Linear, nn.ReLU, nn.Linear, nn.ReLU, nn.Linear]
    assert [(one.in_features, one.out_features) for one in net[::2]] == [(3, 7), (7, 5), (5, 2)]
    assert net[0].weight.any() and net[2].weight.any()
    assert not net[4].weight.any() and not net[4].bias.any() and not net(torch.randn(4, 3)).any()
    assert len(predictor(3, 2, ())) == 1


def test_half_a_share_is_half_of_each():
    """g / 2 + prediction / 2, of a gradient known by hand."""
    cut, a, context = Cut(3, 2, 0.5, 0.5).double(), normal(4, 3).requires_grad_(), normal(4, 2)
    nn.init.normal_(cut.net[-1].weight)
    cut.size, guess = torch.tensor(2.0).double(), cut.guess(a, context).detach()
    pull = normal(4, 3, seed=9)
    out = cut(a, context)
    close(out, a, "forwards, as it is")
    (out * pull).sum().backward()
    size = (0.999 * 4 + 0.001 * pull.square().mean()).sqrt()
    close(cut.size, size, "running size, by hand")
    close(a.grad, 0.5 * pull + 0.5 * size * guess, "backwards, the mixture")


def test_predictor_learns_the_squared_error():
    """Its gradient is that of the mean of (guess - g / size)^2, and none of it reaches a or the context."""
    cut, a, context = Cut(3, 2, 1.0, 0.0).double(), normal(4, 3).requires_grad_(), normal(4, 2)
    nn.init.normal_(cut.net[-1].weight)
    pull = normal(4, 3, seed=9)
    (cut(a, context) * pull).sum().backward()
    got = [one.grad.clone() for one in cut.parameters()]
    cut.zero_grad()
    (cut.guess(a.detach(), context) - pull / pull.square().mean().sqrt()).square().mean().backward()
    close(got, [one.grad for one in cut.parameters()], "gradient, of the squared error")
    close(a.grad, pull, "gradient of a, untouched")


def test_the_running_size_of_gradients_by_hand():
    """The first as it is, then a thousandth of each; a gradient of zeros is none, first or later."""
    cut = Cut(2, 1, 1.0, 0.0).double()
    cut.track(torch.zeros(3, 2).double())
    assert cut.size == 0
    cut.track(torch.tensor([[3.0, 1.0], [1.0, 3.0]]).double())
    close(cut.size, torch.tensor(5.0, dtype=torch.float64).sqrt(), "the first")
    cut.track(torch.zeros(3, 2).double())
    cut.track(torch.full((4, 2), 7.0).double())
    close(cut.size, (torch.tensor(0.999 * 5 + 0.001 * 49, dtype=torch.float64)).sqrt(), "after another")


def test_a_linear_predictor_becomes_exact_for_a_squared_error():
    """d/da (a - y)^2 / 2 = a - y, linear in a and y; then a full cut gives back what backpropagation does."""
    cut, a, y = Cut(3, 3, 0.0, 1.0).double(), normal(50, 3).requires_grad_(), normal(50, 3, seed=2)
    cut.net = nn.Sequential(nn.Linear(6, 3)).double()
    optimiser = torch.optim.Adam(cut.parameters(), 0.03)
    for _ in range(600):
        optimiser.zero_grad()
        a.grad = None
        (cut(a, y) - y).square().sum().div(2).backward()
        optimiser.step()
    torch.testing.assert_close(a.grad, (a - y).detach(), rtol=0, atol=1e-4)
