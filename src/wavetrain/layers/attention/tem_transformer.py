"""TEM-transformer: attention that asks by place and answers by stimulus; actions move the place.

Whittington, Warren and Behrens 2022, ICLR, arXiv 2112.04035. A token is a stimulus x_t and the action a_t
that is then taken; the output speaks of the stimulus behind it, x_{t+1}, which it has not seen.

    e_{t+1} = s(e_t W(a_t)) / |.|,   W(a) = I + sum_k a_k (W_k - I)    a matrix for each action, e_1 learned
    k_t = e_t W_e / |.|                                                queries and keys alike, of places alone
    y_t = W_x sum_{s <= t} softmax_s(exp(b) k_{t+1} . k_s) x_s         values are stimuli alone

Keys of places that were reached on different ways fall together where the W_k have learned the structure of
the world: then what was seen at a place is told behind links that were never taken. In the paper's terms the
attention of step t + 1 goes to earlier steps only. s is the identity or ReLU; no action, all zero, stays.

What is ours, as the paper's appendix of sizes was not in the version that we read: e and keys are of unit
length, with a learned scale exp(b) from e^2 in place of 1 / sqrt(P); W_k starts at the orthogonal factor of
I + G / (2 sqrt(hidden)), G normal; W_e and W_x at the identity. Left out: several heads, which are TEM's
frequencies, the correction of e by what is seen, and the MLP behind y. Linear in its values, so the operator
is exact.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain import scan
from wavetrain.core import Card, Layer, Operator, State, check_width
from wavetrain.errors import BadInput


class TemTransformer(Layer):
    """x (B, T, inputs) to y (B, T, width). The last `actions` channels of x are actions, the others stimuli.

    By default half of the channels are actions. The state is the place e (B, hidden), the keys (B, S, hidden)
    and stimuli (B, S, inputs - actions) so far, and which of the S steps there are (B, S).

    >>> from wavetrain.layers import TemTransformer
    >>> layer = TemTransformer(8, inputs=8, actions=4)
    >>> x = torch.cat([torch.randn(1, 3, 4), torch.zeros(1, 3, 4)], -1)  # stimuli; no action, so it stays
    >>> layer.operator(x).weight[0, 0].detach()  # all that was seen at this one place counts alike
    tensor([[1.0000, 0.0000, 0.0000],
            [0.5000, 0.5000, 0.0000],
            [0.3333, 0.3333, 0.3333]])
    """

    card = Card(
        title="Relating transformers to models and neural representations of the hippocampal formation",
        authors="Whittington, James C. R. and Warren, Joseph and Behrens, Timothy E. J.",
        year=2022,
        source="ICLR 2022, arXiv 2112.04035",
        family="attention",
        topic="Cognitive maps",
    )

    def __init__(
        self,
        width: int,
        inputs: int | None = None,
        actions: int | None = None,
        hidden: int = 32,
        activation: scan.Activation = scan.Activation.IDENTITY,
    ):
        super().__init__(width, inputs)
        check_width("TemTransformer", hidden=hidden)
        actions = self.inputs // 2 if actions is None else actions
        if not isinstance(actions, int) or not 0 <= actions < self.inputs:
            raise BadInput(
                f"TemTransformer: actions must be a whole number from 0 to {self.inputs - 1}, got {actions!r}"
            )
        self.actions, self.hidden = actions, hidden
        self.activation = activation
        self.first = nn.Parameter(torch.randn(hidden) * hidden**-0.5)
        near = torch.eye(hidden) + 0.5 * hidden**-0.5 * torch.randn(actions, hidden, hidden)
        u, _, v = torch.linalg.svd(near)
        self.move = nn.Parameter(u @ v)  # (A, hidden, hidden), e from the left
        self.key = nn.Linear(hidden, hidden, bias=False)
        self.sharpness = nn.Parameter(torch.tensor(2.0))  # b
        self.out = nn.Linear(self.inputs - actions, width, bias=False)
        nn.init.eye_(self.key.weight)
        nn.init.eye_(self.out.weight)

    def begin(
        self, batch: int
    ) -> tuple[
        Float[Tensor, "batch hidden"],
        Float[Tensor, "batch past hidden"],
        Float[Tensor, "batch past stimulus"],
        Bool[Tensor, "batch past"],
    ]:
        none = self.first.new_zeros(batch, 0, self.hidden)
        seen = torch.zeros(batch, 0, dtype=torch.bool, device=none.device)
        place = F.normalize(self.first, dim=0).repeat(batch, 1)
        return place, none, none.new_zeros(batch, 0, self.inputs - self.actions), seen

    def step(
        self,
        x: Float[Tensor, "batch inputs"],
        state: tuple[
            Float[Tensor, "batch hidden"],
            Float[Tensor, "batch past hidden"],
            Float[Tensor, "batch past stimulus"],
            Bool[Tensor, "batch past"],
        ],
    ) -> tuple[Float[Tensor, "batch width"], State]:
        y, state = self.whole(x.unsqueeze(1), state)
        return y.squeeze(1), state

    def whole(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        operator, state = self._attend(x, state)
        return self.read(operator.mix()), state

    def operator(self, x: Tensor) -> Operator:
        return self._attend(x, self.begin(len(x)))[0]

    def read(self, mixed: Tensor) -> Tensor:
        return self.out(mixed.squeeze(-2))

    def places(
        self, action: Float[Tensor, "batch time actions"], place: Float[Tensor, "batch hidden"] | None = None
    ) -> Float[Tensor, "batch time hidden"]:
        """Where actions lead from a place, by default the first."""
        place = self.begin(len(action))[0] if place is None else place
        stay = torch.eye(self.hidden, dtype=place.dtype, device=place.device)
        turn = torch.cat([self.move, stay.unsqueeze(0)])  # (A + 1, hidden, hidden), the last for no action
        turn = turn.permute(1, 0, 2).flatten(1)  # (hidden, (A + 1) hidden): all at once
        action = torch.cat([action, 1 - action.sum(2, keepdim=True)], 2)

        def go(a: Tensor, e: Tensor) -> tuple[Tensor, Tensor]:
            behind = (e @ turn).unflatten(1, (-1, self.hidden))  # (B, A + 1, hidden)
            e = F.normalize(self.activation((a.unsqueeze(1) @ behind).squeeze(1)), dim=1)
            return e, e

        return scan.unroll(go, action, place)[0]

    def _attend(self, x: Tensor, state: State) -> tuple[Operator, State]:
        """How the new steps weigh all steps so far, (B, 1, T, S), and the state behind them."""
        place, keys, values, seen = state
        stimulus, action = x.split((self.inputs - self.actions, self.actions), 2)
        way = torch.cat([place.unsqueeze(1), self.places(action, place)], 1)  # (B, T + 1, hidden)
        k = F.normalize(self.key(way), dim=2)
        keys = torch.cat([keys, k[:, :-1]], 1)
        values = torch.cat([values, stimulus], 1)
        seen = torch.cat([seen, seen.new_ones(x.shape[:2])], 1)
        past = torch.ones(x.shape[1], keys.shape[1], dtype=torch.bool, device=x.device)
        past = past.tril(keys.shape[1] - x.shape[1]) & seen.unsqueeze(1)  # (B, T, S)
        fit = self.sharpness.exp() * (k[:, 1:] @ keys.mT)
        weight = fit.masked_fill(~past, -torch.inf).softmax(2)
        return Operator(weight.unsqueeze(1), values.unsqueeze(2)), (way[:, -1], keys, values, seen)
