"""Signal propagation: the target goes forward through the same layers as the data, and nothing goes back.

Kohan, Rietman and Siegelmann 2022, arXiv 2204.01723, after the authors' code and tutorial. The label, or any
context c, is made into a second input. Every layer has a loss of its own, which draws what it makes of the
data to what it makes of the target of the same class, and away from others, and no gradient passes a layer:

    h_1 = f(W_1 x),  t_1 = f(S_1 c) or f(W_1 P c),     [h_i; t_i] = f(W_i [sg h_{i-1}; sg t_{i-1}])
    l_i = L(h_i, t_i),     the update of W_i being d l_i / d W_i alone

L is a `LayerLoss`. In a recurrence the target comes in at every step together with the data, each step has
its loss, and the state between steps is cut, so that credit is given for the present alone. Of units that
fire the loss looks at the potential, whose gradient by the present drive is all that is taken: no surrogate
slope is asked for. The last map is a read-out by the task's own loss on the last hidden layer. Another needs
none: `scores` compares the data with the class bank, which is what each layer makes of each class, or with a
part of it, from branch to branch of a tree of classes.

A stage is a map with the norm and activation behind it. An update of a layer is found before those below
have been made, where the authors make them at once. Both streams pass a norm over the batch by themselves,
as theirs do. Ours: contexts that are values have unit length; an output at a step for which the loss does
not ask has no loss in the layers; potentials are normalised over units, and their products divided by the
root of the width. Left out: how a tree of classes is grown. The paper's tables could not be had.
"""

import enum
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain.core import Batch, Card, check_width, examined, go_back
from wavetrain.core.terms import Sight, Stated, Terms, learns
from wavetrain.errors import BadInput
from wavetrain.rules._apart import errors_of
from wavetrain.rules._contrast import LayerLoss, products
from wavetrain.rules._signals import Signal, Signals
from wavetrain.rules._stages import Piece, Stage, Staged, staged


class Told(enum.Enum):
    """What the context is."""

    ANSWER = "the answer"
    ERROR = "the error of the outputs, which come first: error forward-propagation"
    BOTH = "the answer, and then the error of the outputs"


class Target(NamedTuple):
    """What goes in beside the data."""

    contexts: Tensor  # (rows, classes), or (rows, T, classes) where each step has its own
    labels: Tensor | None  # of a class bank: (B,) or (B, T)
    asked: Tensor | None  # (B, T), 1 where the loss asks for outputs; None for everywhere
    steps: int


class SignalPropagation(Stated):
    """Teaches a Sequential of maps with a hidden layer, a `Chain`, or a `Reader` or `LeakyReader` of a layer.

    Without a `signal` it is OWN into maps, and PROJECTED into a layer. `clean` compares contexts in every
    layer, and not the targets that came in; `scaled` divides scores by the root of a layer's width, as those
    of potentials always are; `k` is that of MOST; with a `rate` the map of contexts learns. Raises BadInput
    for another network, a single sequence where targets of others are needed, and a bank without classes.

    >>> from wavetrain.core import CLASSES, Batch
    >>> from wavetrain.rules.signal_propagation import LayerLoss, SignalPropagation
    >>> network = torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.Tanh(), torch.nn.Linear(8, 2))
    >>> rule, x = SignalPropagation(LayerLoss.BANK), torch.randn(64, 1, 3)
    >>> y = (x[..., 0] > 0).long()
    >>> step = torch.optim.Adam(network[:1].parameters(), lr=0.02)  # the hidden layer alone learns
    >>> for _ in range(100):
    ...     step.zero_grad()
    ...     _ = rule.learn(network, Batch(x, y), CLASSES.loss)
    ...     step.step()
    >>> bool((rule.scores(network, x)[0].argmax(-1) == y).float().mean() > 0.9)  # without a read-out
    True
    """

    card = Card(
        title="Signal propagation: the framework for learning and inference in a forward pass",
        authors="Kohan, Adam and Rietman, Edward A. and Siegelmann, Hava T.",
        year=2022,
        source="IEEE TNNLS 2023, arXiv 2204.01723",
        family="forward",
        topic="Learning rules",
    )

    def __init__(
        self,
        loss: LayerLoss = LayerLoss.ALL,
        signal: Signal | None = None,
        told: Told = Told.ANSWER,
        *,
        clean: bool = False,
        scaled: bool = False,
        k: int = 6,
        rate: float = 0.0,
        seed: int = 0,
    ):
        check_width("SignalPropagation", k=k)
        if loss is LayerLoss.BANK and (signal is Signal.JOINED or told is not Told.ANSWER):
            raise BadInput(
                "SignalPropagation: expected contexts that are those of classes for a class bank, "
                f"got {'JOINED' if told is Told.ANSWER else told.name}"
            )
        self.loss, self.told, self.clean, self.scaled, self.k, self.seed = loss, told, clean, scaled, k, seed
        self.signals = Signals(signal, rate, seed)

    def terms(self, network: nn.Module) -> Terms:
        staged("SignalPropagation", network)
        passes = {Told.ANSWER: 2, Told.ERROR: 3, Told.BOTH: 4}[self.told]
        blind = frozenset({Sight.LATER_LAYERS} if self.told is Told.ANSWER else ())
        return Terms(trains=learns(network), blind=blind, passes=passes, stored=lambda depth, time: time)

    def state_dict(self) -> dict[str, Tensor]:
        return self.signals.state_dict()

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        self.signals.load_state_dict(state)

    def learn(self, network: nn.Module, batch: Batch, loss: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        parts = staged("SignalPropagation", network)
        if not learns(network):
            raise BadInput("expected a loss of something that learns, got one of frozen parameters alone")
        x, y = parts.enter(batch.x), None
        self._check(parts, batch.y)
        asked = self._asked(parts, x, batch, loss)
        steps = x.shape[1] if x.ndim == 3 else 1
        if self.told is not Told.ERROR:
            y = self._sweep(network, parts, x, self._answers(parts, self.tells(batch.y), asked, steps))
        if self.told is not Told.ANSWER:
            with torch.no_grad():
                outputs = parts.read(self._through(parts, x) if y is None else y)
            errors = -errors_of(outputs, batch.y, loss)[1]
            y = self._sweep(network, parts, x, Target(_unit(errors), None, asked, steps))
        assert y is not None
        value = loss(parts.read(y), batch.y)
        if value.requires_grad:  # else the read-out is frozen
            go_back(value)
        return value.detach()

    def tells(self, y: Shaped[Tensor, "batch *answer"]) -> Shaped[Tensor, "batch *answer"]:
        """What the stream of targets is told of the answers: all, unless a subclass tells something else."""
        return y

    @torch.no_grad()
    def scores(
        self, network: nn.Module, x: Float[Tensor, "batch *axes"], among: Sequence[int] | None = None
    ) -> tuple[Float[Tensor, "batch *time classes"], ...]:
        """How much each layer makes the data look like each class, the first layer first.

        The largest score of the last is the answer without a read-out. With `among` only these classes are
        sent in and compared with, in this order: so a tree of classes is gone down, a few at each branch.
        Raises BadInput where contexts come in together with the data, and for classes that are not there.
        """
        if self.signals.signal is Signal.JOINED:
            raise BadInput("SignalPropagation: expected contexts apart from the data, got JOINED")
        parts, found = staged("SignalPropagation", network), []
        with examined(network):
            x = parts.enter(x)
            bank = torch.eye(parts.outputs, dtype=x.dtype, device=x.device)
            if among is not None:
                if not among or not all(0 <= one < parts.outputs for one in among):
                    raise BadInput(
                        f"SignalPropagation: expected some classes from 0 to {parts.outputs - 1}, "
                        f"got {list(among)}"
                    )
                bank = bank[list(among)]
            streams = [x, bank]
            for place, stage in enumerate(parts.stages):
                pieces = list(self._pieces(network, stage, streams, place, each=False))
                tables = [products(*piece.seen) for piece in pieces]
                table = tables[0] if pieces[0].step is None else torch.stack(tables)
                found.append(table.transpose(0, 1) if table.ndim == 3 else table)
                streams = _sent(pieces)
        return tuple(found)

    def _asked(
        self, parts: Staged, x: Tensor, batch: Batch, loss: Callable[[Tensor, Tensor], Tensor]
    ) -> Tensor | None:
        """For which steps the loss asks: those whose outputs it changes with, found at outputs by chance."""
        if not (parts.every_step and x.ndim == 3):
            return None
        draw = torch.Generator().manual_seed(self.seed)
        outputs = torch.randn(*x.shape[:2], parts.outputs, generator=draw).to(x)
        return (errors_of(outputs, batch.y, loss)[1] != 0).any(-1).to(x)

    def _check(self, parts: Staged, y: Tensor) -> None:
        """Raise BadInput for answers that are no contexts of this rule, before anything is taught."""
        bank, classes = self.loss is LayerLoss.BANK, parts.outputs
        if y.is_floating_point():
            if y.ndim < 2 or y.shape[-1] != classes:
                raise BadInput(
                    f"SignalPropagation: expected answers (batch, ..., {classes}), got {tuple(y.shape)}"
                )
            if bank and not (((y == 0) | (y == 1)).all() and (y.sum(-1) == 1).all()):
                raise BadInput("SignalPropagation: expected classes for a class bank, got other values")
        elif (y >= classes).any():
            raise BadInput(f"SignalPropagation: expected classes from 0 to {classes - 1}, got {int(y.max())}")
        fewest = self.k if self.loss is LayerLoss.MOST else 2
        if not bank and len(y) < fewest:
            raise BadInput(
                f"SignalPropagation: expected {fewest} sequences or more, to be told apart, got {len(y)}"
            )

    def _answers(self, parts: Staged, y: Tensor, asked: Tensor | None, steps: int) -> Target:
        """Answers as contexts; raises BadInput for a class below 0 where the loss asks."""
        if y.is_floating_point():
            labels, contexts = y.argmax(-1), _unit(y)
        else:
            if not (y >= 0 if asked is None or asked.shape != y.shape else (y >= 0) | (asked == 0)).all():
                raise BadInput(
                    f"SignalPropagation: expected classes from 0 to {parts.outputs - 1}, got {int(y.min())}"
                )
            labels = y.long().clamp(min=0)
            weight = next(parts.stages[0].modules[0].parameters())
            contexts = F.one_hot(labels, parts.outputs).to(weight)
        if self.loss is LayerLoss.BANK:
            return Target(torch.eye(parts.outputs).to(contexts), labels, asked, steps)
        return Target(contexts, None, asked, steps)

    def _sweep(self, network: nn.Module, parts: Staged, x: Tensor, target: Target) -> Tensor:
        """Teach stage after stage; what the last one makes of the data, which nothing goes back through."""
        streams, incoming = [x, target.contexts], target.contexts
        for place, stage in enumerate(parts.stages):
            pieces = []
            taught = bool(stage.learning) or (place == 0 and self.signals.rate > 0)
            each = target.contexts.ndim == 3 or (target.labels is not None and target.labels.ndim == 2)
            with torch.set_grad_enabled(taught):
                for piece in self._pieces(network, stage, streams, place, each):
                    if taught:
                        self._back(piece, incoming, target, self.scaled or stage.scaled)
                    pieces.append(Piece(piece.step, [], piece.sent))
            for one in stage.learning:
                one.grad = torch.zeros_like(one) if one.grad is None else one.grad
            streams = _sent(pieces)
            if not self.clean:
                incoming = streams[1]
        return streams[0]

    def _back(self, piece: Piece, incoming: Tensor, target: Target, scaled: bool) -> None:
        """The gradient of the loss of a piece."""
        labels, asked, scores = target.labels, target.asked, products(*piece.seen)
        if scaled:
            scores = scores / piece.seen[0].shape[1 if piece.seen[0].ndim == 4 else -1] ** 0.5
        alike = None
        if labels is None:
            came = incoming if piece.step is None or incoming.ndim < 3 else incoming[:, piece.step]
            alike = products(came, came)
            alike = alike.mean(0) if alike.ndim > scores.ndim else alike
        elif labels.ndim == 2:
            labels = labels.mT if piece.step is None else labels[:, piece.step]
        losses = self.loss(scores, alike, labels, self.k)
        if asked is None:
            steps = 1 if piece.step is None else target.steps
            (losses.mean() / steps).backward()
            return
        here = asked.mT if piece.step is None else asked[:, piece.step]
        ((losses * here).sum() / asked.sum().clamp(min=1.0)).backward()

    def _pieces(
        self, network: nn.Module, stage: Stage, streams: list[Tensor], place: int, each: bool
    ) -> Iterator[Piece]:
        """What a stage makes of both streams; contexts come into the first."""
        return stage.pieces(streams, each) if place else self.signals.pieces(network, stage, streams, each)

    def _through(self, parts: Staged, x: Tensor) -> Tensor:
        """What the last stage makes of the data alone."""
        streams = [x]
        for stage in parts.stages:
            streams = _sent(list(stage.pieces(streams, each=True)))
        return streams[0]


def _unit(values: Tensor) -> Tensor:
    """Contexts of unit length, so that no other is more alike to one than itself."""
    return F.normalize(values, dim=-1)


def _sent(pieces: list[Piece]) -> list[Tensor]:
    """The streams that go on from a stage."""
    if pieces[0].step is None:
        return pieces[0].sent
    return [torch.stack(steps, 1) for steps in zip(*(piece.sent for piece in pieces), strict=True)]
