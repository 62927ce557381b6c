"""The loop of cortex and basal ganglia as attention: what the striatum selects is added to what came in.

The construction is ours. Muller, Churchland and Sejnowski 2024, arXiv 2401.14267, ask whether the loop from
cortex through basal ganglia and thalamus could do what self-attention does. Their answer is words and a
drawing; there are no equations, no task and no figures in it. This is the simplest circuit that fits them:

    cortex      a wave carries the last n tokens on, one place a step: B_t = [x_t, x_{t-1}, ..., x_{t-n+1}]
    striatum    one channel for each place; its drive is s_j = (W_q x_t) . (W_k B_t[j]) / sqrt(D)
    pallidum    holds all channels down but for what is selected: p = softmax(s / temperature), or at
                temperature 0 the winner alone
    thalamus    returns what the selected channels hold: r_t = sum_j p_j W_v B_t[j]
    cortex      adds it to what came in: y_t = x_t + r_t

So it is causal attention to a window of n steps plus the identity, which is what a transformer calls its
residual stream; with n at least as long as the sequence it is full causal attention. Where all scores are
alike it is the moving average, a Toeplitz operator: the state-space layer among attentions. Dopamine, which
teaches what to select, is a rule (`rules/three_factor.py`). Left out: several loops side by side, positions,
and what follows in a block, an MLP, which a stack adds.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from wavetrain.core import Card, Layer, Operator, State, check_width
from wavetrain.errors import BadInput
from wavetrain.parts.sliding_attention import sharpened, sliding_attention, winner


class Selection(NamedTuple):
    """What there is to select from at one step."""

    now: Float[Tensor, "batch width"]  # the token that came in
    fit: Float[Tensor, "batch places"]  # s / temperature of each place, oldest first
    returns: Float[Tensor, "batch places width"]  # what the thalamus returns if a place is selected


class LoopAttention(Layer):
    """x (B, T, inputs) to y (B, T, width).

    The state is the wave of the last `window` tokens, oldest first, (B, window, width), and which places it
    has reached (B, window). At `temperature` 0 one place is selected, and nothing teaches which by gradients.
    Where there are as many inputs as channels, tokens enter as they are, else by a linear map. The operator
    has two heads: the identity, and the attention.

    >>> from wavetrain.layers import LoopAttention
    >>> layer = LoopAttention(8, window=3)
    >>> weight = layer.operator(torch.randn(1, 6, 8)).weight[0]
    >>> weight[0].equal(torch.eye(6)), (weight[1] > 0).int().tolist()[5]  # itself, and the last three steps
    (True, [0, 0, 0, 1, 1, 1])
    """

    residual = True
    card = Card(
        title="Transformers and cortical waves: encoders for pulling in context across time",
        authors="Muller, Lyle and Churchland, Patricia S. and Sejnowski, Terrence J.",
        year=2024,
        source="Trends in Neurosciences 47(10):788, arXiv 2401.14267",
        family="attention",
        topic="Loops of cortex and basal ganglia",
    )

    def __init__(self, width: int, inputs: int | None = None, window: int = 16, temperature: float = 1.0):
        super().__init__(width, inputs)
        check_width("LoopAttention", window=window)
        if not (math.isfinite(temperature) and temperature >= 0):
            raise BadInput(
                f"LoopAttention: expected a temperature of 0 or above, which is finite, got {temperature}"
            )
        self.window, self.temperature = window, temperature
        self.encode = nn.Identity() if self.inputs == width else nn.Linear(self.inputs, width)
        self.query, self.key, self.value = (nn.Linear(width, width, bias=False) for _ in range(3))
        for one in (self.query, self.key, self.value):
            nn.init.normal_(one.weight, 0.0, width**-0.5)

    def begin(self, batch: int) -> tuple[Float[Tensor, "batch window width"], Bool[Tensor, "batch window"]]:
        wave = self.query.weight.new_zeros(batch, self.window, self.width)
        return wave, torch.zeros_like(wave[..., 0], dtype=torch.bool)

    def step(
        self,
        x: Float[Tensor, "batch inputs"],
        state: tuple[Float[Tensor, "batch window width"], Bool[Tensor, "batch window"]],
    ) -> tuple[
        Float[Tensor, "batch width"],
        tuple[Float[Tensor, "batch window width"], Bool[Tensor, "batch window"]],
    ]:
        x = self.encode(x)
        wave, reached = self._travelled(x.unsqueeze(1), state)
        q, k, v = self.query(x), self.key(wave), self.value(wave)
        mask = reached[:, None, None]
        mixed = sharpened(q[:, None, None], k.unsqueeze(1), v.unsqueeze(1), mask, self.temperature)
        return x + mixed[:, 0, 0], (wave, reached)

    def whole(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        x = self.encode(x)
        wave, reached = state
        tokens = torch.cat([wave[:, 1:], x], 1)
        there = torch.cat([reached[:, 1:], reached.new_ones(x.shape[:2])], 1)
        k, v = self.key(tokens), self.value(tokens)
        mixed = sliding_attention(self.query(x), k, v, there, self.temperature)
        return x + mixed, self._travelled(x, state)

    def fresh(self, x: Tensor) -> tuple[Tensor, State]:
        if x.shape[1] > self.window:
            return super().fresh(x)
        state, x = self.begin(len(x)), self.encode(x)
        q, k, v = (one(x).unsqueeze(1) for one in (self.query, self.key, self.value))
        mixed = sharpened(q, k, v, None, self.temperature)  # all of the past is in the window
        return x + mixed.squeeze(1), self._travelled(x, state)

    def operator(self, x: Tensor) -> Operator:
        x = self.encode(x)
        time = x.shape[1]
        itself = torch.eye(time, dtype=x.dtype, device=x.device).expand(len(x), -1, -1)
        window = torch.ones_like(itself, dtype=torch.bool).tril().triu(1 - self.window)
        fit = self._fit(self.query(x), self.key(x)).masked_fill(~window, -torch.inf)
        selected = fit.softmax(-1) if self.temperature else winner(fit)
        return Operator(torch.stack([itself, selected], 1), torch.stack([x, self.value(x)], 2))

    def read(self, mixed: Tensor) -> Tensor:
        return mixed.sum(-2)

    def selection(self, x: Float[Tensor, "batch time inputs"]) -> Selection:
        """What there is to select from at the last step of x (B, T, inputs), from the first state.

        Queries and keys alone carry a gradient of the fit, not the map of the inputs.
        """
        self.check(x)
        tokens = self.encode(x[:, -self.window :]).detach()
        fit = self._fit(self.query(tokens[:, -1:]), self.key(tokens)).squeeze(1)
        return Selection(tokens[:, -1], fit, self.value(tokens))

    def _fit(self, q: Tensor, k: Tensor) -> Tensor:
        """Scores over the temperature, (B, T, S)."""
        return q @ k.mT * (q.shape[-1] ** -0.5 / (self.temperature or 1.0))

    def _travelled(self, x: Tensor, state: State) -> State:
        """The wave after the tokens x (B, T, D)."""
        wave, reached = state
        wave = torch.cat([wave, x], 1)[:, -self.window :]
        reached = torch.cat([reached, reached.new_ones(x.shape[:2])], 1)[:, -self.window :]
        return wave, reached
