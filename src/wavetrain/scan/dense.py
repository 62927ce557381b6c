"""The fully connected recurrence, by PyTorch's own fused kernels where they have its activation."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wavetrain.core import precision, unroll
from wavetrain.errors import BadInput
from wavetrain.scan.activation import Activation
from wavetrain.scan.routes import took, written_out


@precision.door
def dense(
    x: Float[Tensor, "batch time inputs"],
    state: Float[Tensor, "batch width"],
    encode: nn.Linear,
    recur: nn.Linear,
    activation: Activation,
) -> tuple[Float[Tensor, "batch time width"], Float[Tensor, "batch width"]]:
    """The fully connected recurrence h_t = act(encode(x_t) + recur(h_{t-1})).

    Returns h and its last step. ReLU and tanh are run by PyTorch's own fused kernel, which wants both maps to
    have a bias.

    >>> from wavetrain.scan import Activation, dense
    >>> encode, recur = torch.nn.Linear(1, 3), torch.nn.Linear(3, 3)
    >>> h, last = dense(torch.randn(2, 50, 1), torch.zeros(2, 3), encode, recur, Activation.TANH)
    >>> h.shape, torch.equal(h[:, -1], last)
    (torch.Size([2, 50, 3]), True)
    """
    _check(x, state, encode, recur)
    by_steps = activation is Activation.IDENTITY or x.dtype not in (torch.float32, torch.float64)
    if by_steps or written_out(x, state, encode.weight):
        took("dense", "plain")
        return unroll(lambda now, state: (dense_step(now, state, encode, recur, activation),) * 2, x, state)
    took("dense", "torch rnn")
    run = torch.rnn_relu if activation is Activation.RELU else torch.rnn_tanh
    weights = [encode.weight, recur.weight, encode.bias, recur.bias]
    # biases, one layer, no dropout, gradients wanted, one direction, batch first
    h, last = run(x, state[None], weights, True, 1, 0.0, True, False, True)  # (B, T, D), (1, B, D)
    return h, last[0]


@precision.door
def dense_step(
    x: Float[Tensor, "batch inputs"],
    state: Float[Tensor, "batch width"],
    encode: nn.Linear,
    recur: nn.Linear,
    activation: Activation,
) -> Float[Tensor, "batch width"]:
    """One step of `dense`: x and state give the next state.

    >>> from wavetrain.scan import Activation, dense_step
    >>> encode, recur = torch.nn.Linear(1, 3), torch.nn.Linear(3, 3)
    >>> dense_step(torch.randn(2, 1), torch.zeros(2, 3), encode, recur, Activation.RELU).shape
    torch.Size([2, 3])
    """
    return activation(encode(x) + recur(state))


def _check(x: Tensor, state: Tensor, encode: nn.Linear, recur: nn.Linear) -> None:
    """Raise for what `scan.dense` cannot take."""
    if x.ndim != 3 or x.shape[1] == 0 or x.shape[2] != encode.in_features:
        raise BadInput(
            f"dense: expected x (batch, time, {encode.in_features}) with at least one step, "
            f"got {tuple(x.shape)}"
        )
    width = encode.out_features
    if (recur.in_features, recur.out_features) != (width, width):
        raise BadInput(
            f"dense: expected recur from {width} to {width}, got {recur.in_features} to {recur.out_features}"
        )
    if state.shape != (x.shape[0], width):
        raise BadInput(f"dense: expected state {(x.shape[0], width)}, got {tuple(state.shape)}")
