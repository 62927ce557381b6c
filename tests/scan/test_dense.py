"""The fully connected recurrence: PyTorch's route against the plain one, and what it refuses."""

import pytest
import torch
from torch import Tensor, nn

from tests.scan.agree import draw
from wavetrain import scan
from wavetrain.errors import BadInput
from wavetrain.scan import Activation


@pytest.mark.parametrize("activation", list(Activation))
def test_dense(activation):
    torch.manual_seed(0)
    encode, recur = nn.Linear(3, 5).double(), nn.Linear(5, 5).double()
    inputs = [draw(2, 7, 3), draw(2, 5)]
    weights = [*encode.parameters(), *recur.parameters()]

    def whole() -> list[Tensor]:
        x, state = (x.clone().requires_grad_() for x in inputs)
        h, last = scan.dense(x, state, encode, recur, activation)
        return [h, last, *torch.autograd.grad((h**2).sum() + last.sum(), [x, state, *weights])]

    fast = whole()
    assert scan.routes()["dense"] == ("plain" if activation is Activation.IDENTITY else "torch rnn")
    with scan.only_plain():
        plain = whole()
    assert scan.routes()["dense"] == "plain"
    torch.testing.assert_close(fast, plain)


def test_what_cannot_be_used_is_said():
    b = torch.rand(2, 4, 3)
    encode, recur = nn.Linear(3, 5), nn.Linear(5, 5)
    with pytest.raises(BadInput, match=r"expected x \(batch, time, 3\).*got \(2, 4, 4\)"):
        scan.dense(torch.rand(2, 4, 4), torch.rand(2, 5), encode, recur, Activation.TANH)
    with pytest.raises(BadInput, match=r"expected state \(2, 5\), got \(2, 3\)"):
        scan.dense(b, torch.rand(2, 3), encode, recur, Activation.TANH)
    with pytest.raises(BadInput, match="expected recur from 5 to 5, got 3 to 5"):
        scan.dense(b, torch.rand(2, 5), encode, encode, Activation.TANH)
