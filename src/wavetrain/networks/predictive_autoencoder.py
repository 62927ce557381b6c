"""Predictive autoencoder: a recurrent network that learns by itself to give its next input, a model of CA3.

Chen, Zhang, Cameron and Sejnowski 2024, Neuron 112:2645. Input x_t (from entorhinal cortex), hidden h_t
(CA3) and output y_t (at CA1), with f tanh or ReLU:

    h_t = f(W_i x_t + b_i + W_h h_{t-1} + b_h),   h_0 = 0
    y_t = g(W_o f(W_h h_t + b_h) + b_o)     predicts: one more recurrent step without input, to be x_{t+1}
    y_t = g(W_o h_t + b_o)                  does not: an autoencoder, to be x_t

Neither is told anything but its inputs. CA1 is the prediction beside the part of the input that exceeds it,
[y_{t-1}, relu(x_t - y_{t-1})], 2N channels. After a cue, outputs fed back as inputs run a learned sequence
by itself (replay). With W_h = 0 a prediction is the same whatever comes.
Left out: frozen or partly learned weights, a penalty on h, and the local rule without back-propagation.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wavetrain import scan
from wavetrain.core import Card, Carrying, State, check_width
from wavetrain.errors import BadInput
from wavetrain.scan import Activation


class PredictiveAutoencoder(Carrying):
    """x (B, T, inputs) to y (B, T, inputs); the state is h (B, hidden).

    >>> from wavetrain.networks import PredictiveAutoencoder
    >>> network = PredictiveAutoencoder(hidden=20, inputs=5)
    >>> network(torch.rand(2, 10, 5)).shape  # what comes next, at each step
    torch.Size([2, 10, 5])
    >>> network.replay(torch.rand(2, 3, 5), 7).shape  # after a cue it goes on by itself
    torch.Size([2, 7, 5])
    """

    card = Card(
        title="Predictive sequence learning in the hippocampal formation",
        authors="Chen, Yusi and Zhang, Huanqiu and Cameron, Mia and Sejnowski, Terrence J.",
        year=2024,
        source="Neuron 112:2645, bioRxiv doi 10.1101/2022.05.19.492731",
        family="recurrence",
        topic="Predicting the next input",
    )

    def __init__(
        self,
        hidden: int,
        inputs: int,
        predicts: bool = True,
        activation: Activation = Activation.TANH,
        output: Callable[[Tensor], Tensor] = torch.sigmoid,
    ):
        super().__init__()
        check_width("PredictiveAutoencoder", hidden=hidden, inputs=inputs)
        self.hidden, self.inputs, self.predicts = hidden, inputs, predicts
        self.activation, self.output = activation, output
        self.encode = nn.Linear(inputs, hidden)
        self.recur = nn.Linear(hidden, hidden)
        self.read = nn.Linear(hidden, inputs)
        for parameter in (*self.encode.parameters(), *self.recur.parameters()):
            nn.init.uniform_(parameter, -(hidden**-0.5), hidden**-0.5)  # as PyTorch's own recurrent networks

    def begin(self, batch: int) -> State:
        return self.recur.weight.new_zeros(batch, self.hidden)

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """One input x (B, inputs) and h give y (B, inputs) and the next h."""
        h = scan.dense_step(x, state, self.encode, self.recur, self.activation)
        return self.answer(h), h

    def carry(self, x: Float[Tensor, "batch time inputs"], state: State = None) -> tuple[Tensor, State]:
        h = self.ca3(x, state)
        return self.answer(h), h[:, -1]

    def ca3(self, x: Float[Tensor, "batch time inputs"], state: State = None) -> Tensor:
        """The hidden activity on x (B, T, inputs), (B, T, hidden), from rest where no h is given.

        Raises BadInput where x has another shape, or no step.
        """
        if x.ndim != 3 or x.shape[-1] != self.inputs or x.shape[1] == 0:
            raise BadInput(
                f"PredictiveAutoencoder: expected x (batch, time, {self.inputs}), got {tuple(x.shape)}"
            )
        state = self.begin(len(x)) if state is None else state
        return scan.dense(x, state, self.encode, self.recur, self.activation)[0]

    def answer(self, h: Tensor) -> Tensor:
        """The output of hidden activity (..., hidden): the next input, or the present one."""
        return self.output(self.read(self.activation(self.recur(h)) if self.predicts else h))

    def ca1(self, x: Tensor) -> Tensor:
        """Prediction and what of the input exceeds it, (B, T - 1, 2 inputs), from the second step on."""
        y = self(x)[:, :-1]
        return torch.cat([y, torch.relu(x[:, 1:] - y)], -1)

    def replay(self, cue: Tensor, steps: int) -> Tensor:
        """The outputs (B, steps, inputs) after a cue (B, C, inputs), each fed back as the next input."""
        check_width("PredictiveAutoencoder.replay", steps=steps)
        h = self.ca3(cue)[:, -1]
        outputs = [self.answer(h)]
        while len(outputs) < steps:
            y, h = self.step(outputs[-1], h)
            outputs.append(y)
        return torch.stack(outputs, 1)
