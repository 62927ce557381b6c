"""A language model: tokens in, for each of them logits of the next one out, around any sequence layers.

The backbone of Gu and Dao 2023, arXiv 2312.00752, with the head tied as in Press and Wolf 2017, arXiv
1608.05859. V tokens, width D:

    x = E[tokens], of deviation 0.02, plus P[place] where a table of positions is given
    x = x + layer(norm(x));  then x = x + MLP(norm(x)) where a hidden width is given, with GELU
    logits = E norm(x), or W norm(x) where the head is not tied;  all norms are RMSNorm with eps 0.00001

The layers come as they are built: the paper's division of their last weight by the root of the depth is left
out. Parameters lie under the names of the published checkpoints, without their `backbone.`; see
`wavetrain.formats.checkpoints`. A model steps, carries its state, and takes ragged batches like a layer.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain.core import Card, Carrying, Layer, State, check_width
from wavetrain.errors import BadInput
from wavetrain.parts import ragged
from wavetrain.parts.sampling import GREEDY, Sampling

EPS = 1e-5


class LanguageModel(Carrying):
    """Tokens (B, T) to logits (B, T, vocabulary).

    `layers` are of one width, with as many inputs. `mlp` is the hidden width of the MLP in each block, 0 for
    none; `positions` is the number of rows of a learned table of positions, None for no table; a head that is
    not `tied` to the table of tokens has weights of its own. The state is that of each layer, and how many
    tokens have come (B).

    >>> from wavetrain.layers import GRU
    >>> from wavetrain.networks import LanguageModel
    >>> network = LanguageModel([GRU(16), GRU(16)], vocabulary=50)
    >>> network(torch.randint(50, (2, 20)))[0].shape  # scores of the next token at each step
    torch.Size([2, 20, 50])
    >>> len(list(network.generate(torch.tensor([[1, 2, 3]]), 5)))  # one token after another
    5
    """

    card = Card(
        title="Mamba: Linear-time sequence modeling with selective state spaces",
        authors="Gu, Albert and Dao, Tri",
        year=2023,
        source="arXiv 2312.00752",
        family="language model",
        topic="Selective state spaces",
    )

    def __init__(
        self,
        layers: Sequence[Layer],
        vocabulary: int,
        mlp: int = 0,
        positions: int | None = None,
        tied: bool = True,
    ):
        super().__init__()
        widths = {layer.width for layer in layers} | {layer.inputs for layer in layers}
        if len(widths) != 1:
            raise BadInput(
                f"LanguageModel: expected layers of one width and as many inputs, got widths {sorted(widths)}"
            )
        check_width("LanguageModel", vocabulary=vocabulary)
        if mlp:
            check_width("LanguageModel", mlp=mlp)
        if positions is not None:
            check_width("LanguageModel", positions=positions)
        (width,) = widths
        self.width, self.vocabulary = width, vocabulary
        self.embeddings = nn.Embedding(vocabulary, width)
        self.positions = None if positions is None else nn.Embedding(positions, width)
        self.layers = nn.ModuleList(Block(layer, mlp) for layer in layers)
        self.norm_f = nn.RMSNorm(width, eps=EPS)
        self.lm_head = None if tied else nn.Linear(width, vocabulary, bias=False)
        for table in (self.embeddings, self.positions):
            if table is not None:
                nn.init.normal_(table.weight, std=0.02)

    def begin(self, batch: int) -> State:
        none = torch.zeros(batch, dtype=torch.long, device=self.embeddings.weight.device)
        return tuple(block.mixer.begin(batch) for block in self.blocks()), none

    def step(self, token: Tensor, state: State) -> tuple[Tensor, State]:
        """One token for each sequence, (B,), and a state give logits (B, V) and the next state.

        Raises BadInput where there is not one token for each sequence.
        """
        if token.ndim != 1:
            raise BadInput(f"LanguageModel: expected one token for each sequence, got {tuple(token.shape)}")
        carried, count = self._carried(state, len(token))
        stream, after = self._embed(token, count), []
        for block, before in zip(self.blocks(), carried, strict=True):
            stream, now = block.step(stream, before)
            after.append(now)
        return self.head(self.norm_f(stream)), (tuple(after), count + 1)

    def forward(self, tokens: Tensor, state: State = None) -> tuple[Tensor, State]:
        """As `carry`, as a layer does it: tokens (B, T) give logits (B, T, V) and the last state.

        `Predictor` gives the answers alone.
        """
        return self.carry(tokens, state)

    def carry(self, x: Tensor, state: State = None) -> tuple[Tensor, State]:
        """Tokens (B, T) give logits (B, T, V) and the last state."""
        stream, state = self.through(x, state)
        return self.head(stream), state

    def through(self, tokens: Tensor, state: State = None) -> tuple[Tensor, State]:
        """What the head reads: tokens (B, T) give the normalised stream (B, T, D) and the last state.

        Raises BadInput where there is no token, or x is not (B, T).
        """
        if tokens.ndim != 2 or tokens.shape[1] == 0:
            raise BadInput(
                f"LanguageModel: expected tokens (batch, at least one step), got {tuple(tokens.shape)}"
            )
        carried, count = self._carried(self.begin(len(tokens)) if state is None else state, len(tokens))
        time = torch.arange(tokens.shape[1], device=tokens.device)
        stream, after = self._embed(tokens, count[:, None] + time), []
        for block, before in zip(self.blocks(), carried, strict=True):
            stream, now = block(stream, before)
            after.append(now)
        return self.norm_f(stream), (tuple(after), count + tokens.shape[1])

    def head(self, stream: Tensor) -> Tensor:
        """Logits (..., V) of the normalised stream (..., D)."""
        return F.linear(stream, (self.embeddings if self.lm_head is None else self.lm_head).weight)

    def blocks(self) -> "list[Block]":
        """The blocks in order; the layer of each is its `mixer`."""
        return list(self.layers)  # type: ignore[arg-type]

    def generate(
        self,
        prompt: Tensor,
        count: int,
        sampling: Sampling = GREEDY,
        generator: torch.Generator | None = None,
        *,
        lengths: Sequence[int] | None = None,
        end: int | None = None,
    ) -> Iterator[Tensor]:
        """Yield up to `count` tokens (B,) behind a prompt (B, T), one step each: only the state is kept.

        `generator` draws where `sampling` has a temperature. Row b of a padded prompt is `lengths[b]` tokens
        long; what stands behind is not read. A row that has said `end` says nothing else from then on, and
        when all rows have, the text is over.

        Raises BadInput for an empty prompt, a negative count, lengths or an end out of range, or a
        temperature without a generator.
        """
        self._check_tokens(prompt)
        rows, time = prompt.shape if prompt.ndim == 2 else (0, 0)
        if time == 0:
            raise BadInput(
                f"LanguageModel: expected a prompt (batch, at least one token), got {tuple(prompt.shape)}"
            )
        ends = [time] * rows if lengths is None else [int(length) for length in lengths]
        if len(ends) != rows or any(not 0 < length <= time for length in ends):
            raise BadInput(f"LanguageModel: expected {rows} lengths from 1 to {time}, got {ends}")
        if type(count) is not int or count < 0:
            raise BadInput(f"LanguageModel: expected a count of at least 0, got {count!r}")
        if sampling.top_k is not None and sampling.top_k > self.vocabulary:
            raise BadInput(f"LanguageModel: expected top_k from 1 to {self.vocabulary}, got {sampling.top_k}")
        if end is not None and not 0 <= end < self.vocabulary:
            raise BadInput(f"LanguageModel: expected an end from 0 to {self.vocabulary - 1}, got {end}")
        if self.positions is not None and count:  # the last token is said, and not read again
            self._check_length(max(ends, default=0) + count - 1)
        if sampling.temperature and generator is None:
            raise BadInput(
                f"LanguageModel: expected a generator to draw at temperature {sampling.temperature}"
            )
        return self._generate(prompt, ends, count, sampling, generator, end)

    @torch.no_grad()
    def _generate(
        self,
        prompt: Tensor,
        lengths: list[int],
        count: int,
        sampling: Sampling,
        generator: torch.Generator | None,
        end: int | None,
    ) -> Iterator[Tensor]:
        if all(length == prompt.shape[1] for length in lengths):
            stream, state = self.through(prompt)
        else:
            stream, state = ragged.padded(_Stream(self), prompt, lengths)
        ends = torch.tensor(lengths, device=prompt.device)
        logits = self.head(stream[torch.arange(len(ends), device=prompt.device), ends - 1])
        del stream  # as long as the prompt
        said = None
        if sampling.repetition_penalty != 1:
            read = torch.arange(prompt.shape[1], device=prompt.device) < ends[:, None]
            said = torch.zeros_like(logits).scatter_add_(1, prompt.long(), read.to(logits.dtype)) > 0
        over = torch.zeros(len(ends), dtype=torch.bool, device=prompt.device)
        for left in reversed(range(count)):
            token = sampling.pick(logits, said, generator)
            if end is not None:
                token = torch.where(over, end, token)
                over = over | (token == end)
            yield token
            if not left or (end is not None and bool(over.all())):
                return
            if said is not None:
                said = said.scatter(1, token[:, None], True)
            logits, state = self.step(token, state)

    def _embed(self, tokens: Tensor, place: Tensor) -> Tensor:
        """The stream of tokens (...) that stand at `place` (...)."""
        self._check_tokens(tokens)
        stream = self.embeddings(tokens.long())
        if self.positions is None or not tokens.numel():
            return stream
        self._check_length(int(place.max()) + 1)
        return stream + self.positions(place)

    def _carried(self, state: State, batch: int) -> tuple[State, Tensor]:
        """The states of the layers and the count of tokens; raises where they are of another batch."""
        carried, count = state
        if len(count) != batch:
            raise BadInput(f"LanguageModel: expected a state of {batch} sequences, got one of {len(count)}")
        return carried, count

    def _check_tokens(self, tokens: Tensor) -> None:
        if tokens.dtype == torch.bool or tokens.is_floating_point() or tokens.is_complex():
            raise BadInput(f"LanguageModel: expected whole numbers as tokens, got {tokens.dtype}")
        if tokens.numel() and (int(tokens.min()) < 0 or int(tokens.max()) >= self.vocabulary):
            raise BadInput(
                f"LanguageModel: expected tokens from 0 to {self.vocabulary - 1}, "
                f"got {int(tokens.min())} to {int(tokens.max())}"
            )

    def _check_length(self, length: int) -> None:
        """Raise for more tokens than there are positions, where there is a table of them."""
        if self.positions is not None and length > (rows := self.positions.num_embeddings):
            raise BadInput(f"LanguageModel: expected at most {rows} tokens, its positions, got {length}")


class Block(nn.Module):
    """x + layer(norm(x)), and where `mlp` is not 0 also x + MLP(norm(x)), of that hidden width.

    A layer that brings a residual of its own gets no second one.
    """

    def __init__(self, mixer: Layer, mlp: int):
        super().__init__()
        width = mixer.width
        self.norm = nn.RMSNorm(width, eps=EPS)
        self.mixer = mixer
        self.mlp = (
            nn.Sequential(nn.RMSNorm(width, eps=EPS), nn.Linear(width, mlp), nn.GELU(), nn.Linear(mlp, width))
            if mlp
            else None
        )

    def step(self, stream: Tensor, state: State) -> tuple[Tensor, State]:
        y, state = self.mixer.step(self.norm(stream), state)
        return self._mixed(stream, y), state

    def forward(self, stream: Tensor, state: State) -> tuple[Tensor, State]:
        y, state = self.mixer(self.norm(stream), state)
        return self._mixed(stream, y), state

    def _mixed(self, stream: Tensor, y: Tensor) -> Tensor:
        stream = y if self.mixer.residual else stream + y
        return stream if self.mlp is None else stream + self.mlp(stream)


class Predictor(nn.Module):
    """A language model as a network to train: its logits at every step, (B, T, V), or at the last, (B, V)."""

    def __init__(self, model: LanguageModel, every_step: bool = True):
        super().__init__()
        self.model, self.every_step = model, every_step

    def forward(self, tokens: Tensor) -> Tensor:
        stream, _ = self.model.through(tokens)
        return self.model.head(stream if self.every_step else stream[:, -1])


class _Stream:
    """The backbone of a model without its head, as a layer is called: the stream is smaller than logits."""

    def __init__(self, model: LanguageModel):
        self.begin, self.through = model.begin, model.through

    def __call__(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        return self.through(x, state)
