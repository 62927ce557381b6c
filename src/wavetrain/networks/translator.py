"""Encoder and decoder: one recurrent network folds a sentence into its state, another unfolds that state.

Sutskever, Vinyals and Le 2014, arXiv 1409.3215, and Cho et al. 2014, arXiv 1406.1078; attention by Bahdanau,
Cho and Bengio 2015, arXiv 1409.0473, in the form of Luong, Pham and Manning 2015, arXiv 1508.04025 (global
attention, general score). The source has S words, the target U tokens, the last of which is END:

    m_1 .. m_S, s_0 = encoder(e(x_1) .. e(x_S))             its outputs and its last state
    h_t, s_t = decoder(e(y_{t-1}), s_{t-1}),  y_0 = END     in training y is the right translation
    y_t ~ softmax(W_o h_t),                                 or with attention
    y_t ~ softmax(W_o tanh(W_c [c_t, h_t])),   c_t = sum_i softmax_i(h_t . W_a m_i) m_i

Without attention what is said depends on the source through s_0 alone, whose size is fixed. Two encoders that
read from both ends (Schuster and Paliwal 1997) have half of the width each, so that their states together
are the decoder's first. A translation is found word by word, the likeliest each time.
Left out: beam search, depth, input feeding, sources of unequal length in one batch. Bahdanau et al. score by
a small network, and attend before the decoder's step.
"""

import enum
from collections.abc import Callable

import torch
from torch import Tensor, nn

from wavetrain.core import Card, Layer, Network, State, check_width, leaves, map_state
from wavetrain.errors import BadInput
from wavetrain.layers.gate.lstm import LSTM


class Reading(enum.Enum):
    """The order in which the source is read; the values say of each encoder whether it reads backwards."""

    FORWARD = (False,)
    REVERSED = (True,)
    BOTH = (False, True)


class Translator(Network):
    """Tokens x (B, S + U), source, `end` and the target so far, to scores (B, S + U, outputs) of the next.

    The scores of the S steps before `end` are zero: nothing is said there. A class is the token of the same
    number. `layer(width, inputs)` makes encoders and decoder; its state is vectors (B, width), as that of
    LSTM, GRU and Elman is.

    >>> from wavetrain.networks import Translator
    >>> network = Translator(16, inputs=50, outputs=20)
    >>> source = torch.randint(2, 50, (2, 6))
    >>> network.translate(source, most=8).shape  # word by word, the likeliest each time
    torch.Size([2, 8])
    """

    card = Card(
        title="Sequence to sequence learning with neural networks",
        authors="Sutskever, Ilya and Vinyals, Oriol and Le, Quoc V.",
        year=2014,
        source="NeurIPS 2014, arXiv 1409.3215; attention arXiv 1409.0473 and 1508.04025",
        family="recurrence",
        topic="Translation by recurrent networks",
    )

    def __init__(
        self,
        width: int,
        inputs: int,
        outputs: int,
        attention: bool = True,
        reading: Reading = Reading.BOTH,
        layer: Callable[[int, int], Layer] = LSTM,
        end: int = 1,
    ):
        super().__init__()
        check_width("Translator", width=width, inputs=inputs, outputs=outputs)
        if not 0 <= end < outputs <= inputs or width < len(reading.value):
            raise BadInput(
                f"Translator: expected end < outputs <= inputs and a width for {len(reading.value)} "
                f"encoders, got end {end}, outputs {outputs}, inputs {inputs}, width {width}"
            )
        self.width, self.inputs, self.outputs, self.reading, self.end = width, inputs, outputs, reading, end
        self.embed = nn.Embedding(inputs, width)
        sizes = [width] if len(reading.value) == 1 else [width // 2, width - width // 2]
        self.encoders = nn.ModuleList(layer(size, width) for size in sizes)
        self.decoder = layer(width, width)
        if any(part.shape != (1, width) for part in leaves(self.decoder.begin(1))):
            raise BadInput(
                f"Translator: expected a layer whose state is vectors, not {type(self.decoder).__name__}"
            )
        self.fit = nn.Linear(width, width, bias=False) if attention else None
        self.mix = nn.Linear(2 * width, width, bias=False) if attention else None
        self.read = nn.Linear(width, outputs)

    def forward(self, x: Tensor) -> Tensor:
        source, target = self._split(x)
        memory, state = self.encode(source)
        scores, _ = self.decode(target, memory, state)
        return torch.cat([scores.new_zeros(*source.shape, self.outputs), scores], 1)

    def encode(self, source: Tensor) -> tuple[Tensor, State]:
        """Tokens (B, S) to what attention reads, (B, S, width), and the decoder's first state."""
        words = self.embed(source)
        memories, states = [], []
        for encoder, backwards in zip(self.encoders, self.reading.value, strict=True):
            memory, state = encoder(words.flip(1) if backwards else words)
            memories.append(memory.flip(1) if backwards else memory)
            states.append(state)
        return torch.cat(memories, -1), map_state(lambda *parts: torch.cat(parts, -1), *states)

    def decode(self, target: Tensor, memory: Tensor, state: State) -> tuple[Tensor, State]:
        """Tokens (B, U), the first of which is `end`, to scores (B, U, outputs) and the decoder's state."""
        h, state = self.decoder(self.embed(target), state)
        if self.mix is not None:
            context = self._weights(h, memory) @ memory  # (B, U, width)
            h = self.mix(torch.cat([context, h], -1)).tanh()
        return self.read(h), state

    @torch.no_grad()
    def align(self, x: Tensor) -> Tensor:
        """How much each step of the target reads of each word of the source, (B, U, S), of sum 1 over S.

        Raises BadInput for a translator without attention.
        """
        if self.fit is None:
            raise BadInput("Translator: without attention no word is aligned to another")
        source, target = self._split(x)
        memory, state = self.encode(source)
        return self._weights(self.decoder(self.embed(target), state)[0], memory)

    @torch.no_grad()
    def translate(self, source: Tensor, most: int) -> Tensor:
        """The likeliest word, time after time: tokens (B, S) to at most `most` tokens (B, up to most).

        It stops where all have said `end`; what stands behind the first `end` of a row means nothing.
        """
        check_width("Translator.translate", most=most)
        memory, state = self.encode(self._tokens(source))
        said = [torch.full_like(source[:, 0], self.end)]
        ended = torch.zeros_like(said[0], dtype=torch.bool)
        while len(said) <= most and not ended.all():
            scores, state = self.decode(said[-1][:, None], memory, state)
            said.append(scores.squeeze(1).argmax(-1))
            ended |= said[-1] == self.end
        return torch.stack(said[1:], 1)

    def _weights(self, h: Tensor, memory: Tensor) -> Tensor:
        """Attention of h (B, U, width) to memory (B, S, width), (B, U, S)."""
        assert self.fit is not None
        return (h @ self.fit(memory).mT).softmax(-1)

    def _split(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The source (B, S), and `end` with the target behind it (B, U)."""
        ends = (self._tokens(x) == self.end).long()
        place = ends.argmax(1)
        if not ends.any(1).all() or (place != place[0]).any() or place[0] == 0:
            raise BadInput(
                f"Translator: expected sources of one length and {self.end} behind each, got "
                f"{sorted({int(where) for where in place})} words before it in x {tuple(x.shape)}"
            )
        return x[:, : place[0]], x[:, place[0] :]

    def _tokens(self, x: Tensor) -> Tensor:
        if x.ndim != 2 or x.dtype != torch.long or not x.numel():
            raise BadInput(f"Translator: expected tokens (batch, time), got {tuple(x.shape)} of {x.dtype}")
        if int(x.min()) < 0 or int(x.max()) >= self.inputs:
            raise BadInput(
                f"Translator: expected tokens from 0 to {self.inputs - 1}, "
                f"got {int(x.min())} to {int(x.max())}"
            )
        return x
