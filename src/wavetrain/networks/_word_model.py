"""A word model as recurrent networks began with: a table of words, stacked LSTMs, and a linear decoder.

    x_t = dropout(E[w_t]);   h^1_t, c^1_t = LSTM_1(x_t, ...), h^2_t, c^2_t = LSTM_2(h^1_t, ...), ...
    logits_t = W dropout(h_t) + b     of the last layer; of several decoders, their mean

Several decoders are an anchored ensemble (Pearce, Zaki, Brintrup, Anastassacos and Neely 2018, arXiv
1810.05546): each is held near weights of its own that were drawn when it began and never learn.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain.core import State, check_width
from wavetrain.errors import BadInput
from wavetrain.layers.gate.lstm import LSTM


class WordModel(nn.Module):
    """Tokens (B, T) to logits (B, T, vocabulary); the state is h and c, (B, width) each, of every layer.

    >>> from wavetrain.networks._word_model import WordModel
    >>> model = WordModel(vocabulary=50, width=16, depth=2)
    >>> model(torch.randint(50, (2, 20))).shape, len(model.begin(2))
    (torch.Size([2, 20, 50]), 2)
    """

    def __init__(
        self, vocabulary: int, width: int = 128, depth: int = 1, dropout: float = 0.2, decoders: int = 1
    ):
        super().__init__()
        check_width("WordModel", vocabulary=vocabulary, width=width, depth=depth, decoders=decoders)
        if not 0 <= dropout < 1:
            raise BadInput(f"WordModel: expected a dropout from 0 to below 1, got {dropout}")
        self.vocabulary, self.width, self.dropout = vocabulary, width, dropout
        self.embeddings = nn.Embedding(vocabulary, width)
        self.layers = nn.ModuleList(LSTM(width) for _ in range(depth))
        self.decoders = nn.ModuleList(nn.Linear(width, vocabulary) for _ in range(decoders))
        if decoders > 1:
            for index in range(decoders):
                for name, drawn in nn.Linear(width, vocabulary).named_parameters():
                    self.register_buffer(f"anchor_{name}_{index}", drawn.detach())

    def begin(self, batch: int) -> State:
        return tuple(layer.begin(batch) for layer in self.layers)  # type: ignore[operator]

    def forward(self, tokens: Int[Tensor, "batch time"]) -> Float[Tensor, "batch time vocabulary"]:
        return self.carry(tokens)[0]

    def carry(
        self, tokens: Int[Tensor, "batch time"], state: State = None
    ) -> tuple[Float[Tensor, "batch time vocabulary"], State]:
        """Logits (B, T, V) and the last state. Raises as `check`."""
        self.check(tokens)
        state = self.begin(len(tokens)) if state is None else state
        stream, after = self.see(tokens), []
        for layer, before in zip(self.layers, state, strict=True):
            stream, now = layer(stream, before)
            after.append(now)
        return self.readings(stream).mean(0), tuple(after)

    def step(
        self, token: Int[Tensor, "batch"], state: State
    ) -> tuple[Float[Tensor, "batch vocabulary"], State]:
        """One token for each sequence gives logits (B, V) and the next state."""
        after = self.cells(self.see(token), state)
        return self.readings(after[-1][0]).mean(0), after

    def see(self, tokens: Int[Tensor, "*steps"]) -> Float[Tensor, "*steps width"]:
        """The words of tokens as the first layer gets them."""
        return F.dropout(self.embeddings(tokens), self.dropout, self.training)

    def cells(self, stream: Float[Tensor, "batch width"], state: State) -> State:
        """The next state of every layer, from what the first one sees."""
        after = []
        for layer, before in zip(self.layers, state, strict=True):
            stream, now = layer.step(stream, before)  # type: ignore[operator]
            after.append(now)
        return tuple(after)

    def readings(self, top: Float[Tensor, "*steps width"]) -> Float[Tensor, "decoders *steps vocabulary"]:
        """Logits of each decoder for activity of the last layer, under one mask of dropout."""
        kept = F.dropout(top, self.dropout, self.training)
        return torch.stack([decoder(kept) for decoder in self.decoders])

    def anchored(self, strength: float) -> Float[Tensor, ""]:
        """What the anchors add to the loss: strength mean_k (1 + |W_k - anchor| + |b_k - anchor|).

        The strength is the paper's lambda / N. Raises BadInput where there is one decoder, without anchor.
        """
        if len(self.decoders) == 1:
            raise BadInput("WordModel: expected several decoders to anchor, got 1")
        away = [
            1 + sum((one - self.get_buffer(f"anchor_{name}_{index}")).norm() for name, one in parts)
            for index, parts in enumerate(decoder.named_parameters() for decoder in self.decoders)
        ]
        return strength * torch.stack([torch.as_tensor(one) for one in away]).mean()

    def check(self, tokens: Tensor, about: str = "tokens") -> None:
        """Raise BadInput unless tokens are (batch, at least one step), from 0 to the vocabulary."""
        if tokens.ndim != 2 or tokens.shape[1] == 0:
            raise BadInput(
                f"WordModel: expected {about} (batch, at least one step), got {tuple(tokens.shape)}"
            )
        low, high = (int(tokens.min()), int(tokens.max())) if tokens.numel() else (0, 0)
        if low < 0 or high >= self.vocabulary:
            raise BadInput(
                f"WordModel: expected {about} from 0 to {self.vocabulary - 1}, got {low} to {high}"
            )
