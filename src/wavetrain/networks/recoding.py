"""Recoding: at every step the state of a language model is moved against the gradient of its own surprise.

Ulmer 2019, thesis, arXiv 2101.00674, after Giulianelli et al. 2018. At each step, in training and after:

    h, c = LSTM(x_t, h'_{t-1}, c'_{t-1}) of every layer;   o_t = decode(h)
    delta = an error signal of o_t;   G_s = d delta / d s   for every s among all h and c
    s' = s - a_s G_s;   o'_t = decode(h')

and s' goes on. G is a constant to the training loss, which is that of o'_t. Error signals, p = softmax(o):

    PRINTED     p_w^(-p_w) - 1: largest at p_w = 1/e, so that below it descent makes w less likely
    SURPRISAL   -ln p_w
    ENTROPY     -sum p ln p, p the mean over masks of dropout on h, or over decoders, where there are any

w is the word that comes next, where it is told, and else the likeliest one. Step sizes a_s: one number, a
learned one for each s, or a perceptron of s (`_step_sizes`).

The next word leaks: o'_t has been moved by the word that it is scored against, as in the evaluation of the
release. `before` are the logits o_t of a state that has seen no word too early; scored by them the recoding
is honest. The release's entropy also has a constant prior term, which has no gradient. Left out: its decoder
drawn by a prior. A step costs a gradient more than that of the word model alone.
"""

import enum
import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain.core import Card, Carrying, State, map_state
from wavetrain.errors import BadInput
from wavetrain.networks._step_sizes import Fixed
from wavetrain.networks._word_model import WordModel


class Signal(enum.Enum):
    """What is to become less by a step against its gradient."""

    PRINTED = "p^-p - 1"
    SURPRISAL = "-ln p"
    ENTROPY = "entropy"

    def of(
        self, readings: Float[Tensor, "many batch vocabulary"], words: Int[Tensor, "batch"] | None
    ) -> Float[Tensor, "batch"]:
        """The signal of each sequence, from logits of each mask or decoder.

        >>> from wavetrain.networks.recoding import Signal
        >>> even = torch.zeros(1, 1, 4)  # p = 1/4
        >>> [round(float(one.of(even, torch.tensor([2]))), 4) for one in Signal]
        [0.4142, 1.3863, 1.3863]
        """
        each = readings.log_softmax(-1)
        if self is Signal.ENTROPY:
            mean = each.logsumexp(0) - math.log(len(each))
            return -(mean.exp() * mean).sum(-1)
        logits = readings.mean(0)
        words = logits.argmax(-1) if words is None else words
        said = logits.log_softmax(-1).gather(-1, words.unsqueeze(-1)).squeeze(-1)
        return -said if self is Signal.SURPRISAL else torch.expm1(-said.exp() * said)


class Moment(NamedTuple):
    """One step: what was said, what is said after the step against the gradient, and the signal of each."""

    before: Float[Tensor, "batch vocabulary"]
    after: Float[Tensor, "batch vocabulary"]
    signal: Float[Tensor, "batch"]
    signal_after: Float[Tensor, "batch"]
    state: State  # recoded


class Recoded(NamedTuple):
    """All steps of a sequence: logits before and after each correction, and the signal."""

    before: Float[Tensor, "batch time vocabulary"]
    after: Float[Tensor, "batch time vocabulary"]
    signal: Float[Tensor, "batch time"]
    signal_after: Float[Tensor, "batch time"]
    state: State  # the last one


class Recoding(Carrying):
    """A word model whose states are corrected; the state is that of the word model.

    `size` is the step size, or what makes one from the width of a state (`Learned`, `Predicted`); `masks` is
    the number of dropout masks that the signal is taken over, each with a rate of `masked`, 0 for none. They
    are drawn by the generator that all share. `Recoding(model, ...)` adds the mechanism to a model that has
    been trained, and `.model` is without it.

    >>> from wavetrain.networks.recoding import Recoding, Signal, WordModel
    >>> network = Recoding(WordModel(vocabulary=50, width=16), Signal.SURPRISAL, size=0.1)
    >>> tokens = torch.randint(50, (2, 21))
    >>> network(tokens).shape  # nobody says which word comes next
    torch.Size([2, 21, 50])
    >>> told = network.eval().recode(tokens[:, :-1], tokens[:, 1:])
    >>> bool((told.signal_after < told.signal).all())  # the word itself is in what is said after it
    True
    """

    card = Card(
        title="Recoding latent sentence representations: Dynamic gradient-based activation modification in "
        "RNNs",
        authors="Ulmer, Dennis",
        year=2019,
        source="MSc thesis, University of Amsterdam, arXiv 2101.00674",
        family="language model",
        topic="Predicting the next input",
    )

    def __init__(
        self,
        model: WordModel,
        signal: Signal = Signal.PRINTED,
        size: float | Callable[[int], nn.Module] = 0.1,
        masks: int = 0,
        masked: float = 0.21,
    ):
        super().__init__()
        if not isinstance(masks, int) or masks < 0 or not 0 < masked < 1:
            raise BadInput(
                f"Recoding: expected 0 masks or more, at a rate between 0 and 1, got {masks!r} and {masked}"
            )
        self.model, self.signal, self.masks, self.masked = model, signal, masks, masked
        self.sizes = nn.ModuleList(
            Fixed(size) if isinstance(size, int | float) else size(model.width)
            for _ in range(2 * len(model.layers))
        )  # of h and c of the first layer, of the second, ...

    def begin(self, batch: int) -> State:
        return self.model.begin(batch)

    def carry(
        self, x: Int[Tensor, "batch time"], state: State = None
    ) -> tuple[Float[Tensor, "batch time vocabulary"], State]:
        told = self.recode(x, state=state)
        return told.after, told.state

    def recode(
        self,
        tokens: Int[Tensor, "batch time"],
        words: Int[Tensor, "batch time"] | None = None,
        state: State = None,
    ) -> Recoded:
        """All steps of tokens (B, T), each told the word that comes next where `words` (B, T) are given.

        Raises BadInput where tokens or words are of another shape, or not in the vocabulary.
        """
        moments = list(self.walk(tokens, words, state))
        before, after, signal, signal_after = (
            torch.stack([moment[part] for moment in moments], 1) for part in range(4)
        )
        return Recoded(before, after, signal, signal_after, moments[-1].state)

    def walk(
        self,
        tokens: Int[Tensor, "batch time"],
        words: Int[Tensor, "batch time"] | None = None,
        state: State = None,
    ) -> Iterator[Moment]:
        """As `recode`, step after step, so that logits of all steps need not be held at once.

        Raises BadInput as `recode`.
        """
        self.model.check(tokens)
        if words is not None:
            self.model.check(words, "words")
            if words.shape != tokens.shape:
                raise BadInput(
                    f"Recoding: expected a word for each of tokens {tuple(tokens.shape)}, got "
                    f"{tuple(words.shape)}"
                )
        state = self.begin(len(tokens)) if state is None else state
        for time, token in enumerate(tokens.unbind(1)):
            moment = self.step(token, state, None if words is None else words[:, time])
            state = moment.state
            yield moment

    def step(
        self, token: Int[Tensor, "batch"], state: State, words: Int[Tensor, "batch"] | None = None
    ) -> Moment:
        """One token for each sequence, a state, and the word that comes next where it is told."""
        learning = torch.is_grad_enabled()
        with torch.enable_grad():  # the way back from the signal is there when nothing learns, too
            seen = self.model.see(token)
            if not seen.requires_grad:
                seen = seen.detach().requires_grad_()
            carried = state if learning else map_state(Tensor.detach, state)
            after = self.model.cells(seen, carried)
            top = after[-1][0]
            plain, keep = self.model.readings(top), self._keep(top)
            signal = self.signal.of(plain if keep is None else self._masked(top, keep), words)
            directions = self.directions(signal, after)
        with torch.set_grad_enabled(learning):
            moved = self._moved(after, directions)
            again = self.model.readings(moved[-1][0])
            signal_after = self.signal.of(again if keep is None else self._masked(moved[-1][0], keep), words)
            moment = Moment(plain.mean(0), again.mean(0), signal, signal_after, moved)
        return moment if learning else Moment(*(map_state(Tensor.detach, part) for part in moment))

    def directions(self, signal: Float[Tensor, "batch"], states: State) -> list[Tensor]:
        """The gradient of the signal at h and c, (B, width) each, layer after layer; a control has others."""
        flat = [part for pair in states for part in pair]
        return list(torch.autograd.grad(signal.sum(), flat, retain_graph=True))

    def _moved(self, states: State, directions: list[Tensor]) -> State:
        moved = [
            part - size(part) * direction
            for part, size, direction in zip(
                (part for pair in states for part in pair), self.sizes, directions, strict=True
            )
        ]
        return tuple(zip(moved[::2], moved[1::2], strict=True))

    def _keep(self, top: Tensor) -> Tensor | None:
        """Masks of dropout (masks, B, width), the same before and after the correction."""
        return F.dropout(top.new_ones(self.masks, *top.shape), self.masked) if self.masks else None

    def _masked(self, top: Tensor, keep: Tensor) -> Tensor:
        """Logits under each mask (masks, B, V)."""
        return torch.stack([decoder(keep * top) for decoder in self.model.decoders]).mean(0)
