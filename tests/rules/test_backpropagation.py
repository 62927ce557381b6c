"""Backpropagation: the gradient of the loss, by hand and by differences, and it learns."""

import torch
from torch import Tensor, nn

from tests.promises import close, normal
from wavetrain.core import Batch
from wavetrain.layers.gate.gru import GRU
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.parts.reader import Reader
from wavetrain.rules.backpropagation import Backpropagation


def test_gradient_by_hand():
    """y = w x, squared error: the gradient is 2 mean((w x - y) x)."""
    network = nn.Linear(1, 1, bias=False).double()
    x, y = normal(9, 1), normal(9, 1, seed=2)
    loss = Backpropagation().learn(network, Batch(x, y), nn.functional.mse_loss)
    error = network.weight.detach() * x - y
    close(loss, error.square().mean(), "loss, by hand")
    close(network.weight.grad, 2 * (error * x).mean()[None, None], "gradient, by hand")


def test_gradient_through_time_is_that_of_differences():
    torch.manual_seed(0)
    network = Reader(Elman(3, inputs=2), outputs=1, every_step=False).double()
    batch = Batch(normal(4, 12, 2), normal(4, 1, seed=2))
    Backpropagation().learn(network, batch, nn.functional.mse_loss)
    for parameter in network.parameters():
        for place in range(parameter.numel()):
            with torch.no_grad():
                values = []
                for small in (1e-6, -1e-6):
                    parameter.view(-1)[place] += small
                    values.append(nn.functional.mse_loss(network(batch.x), batch.y))
                    parameter.view(-1)[place] -= small
            slope = (values[0] - values[1]) / 2e-6
            torch.testing.assert_close(parameter.grad.view(-1)[place], slope, rtol=1e-4, atol=1e-7)


def test_gradients_add_up_until_they_are_cleared():
    """As any optimiser expects of `.grad`."""
    network, batch = nn.Linear(2, 1).double(), Batch(normal(5, 2), normal(5, 1, seed=2))
    Backpropagation().learn(network, batch, nn.functional.mse_loss)
    once = network.weight.grad.clone()
    Backpropagation().learn(network, batch, nn.functional.mse_loss)
    close(network.weight.grad, 2 * once, "after two, twice after one")


def test_any_optimiser_may_follow():
    torch.manual_seed(0)
    network = Reader(GRU(8, inputs=1), outputs=1, every_step=True)
    x = normal(16, 10, 1, dtype=torch.float32)
    batch = Batch(x, x.roll(1, 1) * (torch.arange(10) > 0)[:, None])
    optimiser = torch.optim.Adam(network.parameters(), 0.02)

    def learn() -> Tensor:
        optimiser.zero_grad()
        loss = Backpropagation().learn(network, batch, nn.functional.mse_loss)
        optimiser.step()
        return loss

    losses = [float(learn()) for _ in range(150)]
    assert losses[-1] < 0.1 * losses[0]
