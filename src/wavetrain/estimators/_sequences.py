"""What the estimators of whole sequences share: sequences in, a stack of layers, and its training.

Sequences are an array (N, T, C), or (N, T) of one channel each, or a list of arrays (T, C) of any lengths.
Channels are brought to mean 0 and deviation 1 by the sequences that training sees. A stack reads each
sequence; the mean and the largest value of its stream over the steps, and the stream at the last step, are
read out together. What follows a sequence in a padded batch reaches none of its steps, since layers are
causal. Training computes in float32, answers in float64: so they do not depend on what else is asked in the
same call.

Where there are enough sequences, a part of them is kept to choose by: training stops at the step that errs
least there. Of several processes each answers its share of every batch; the loss is of all of them.
"""

import copy
import functools
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import torch
from jaxtyping import Float, Int
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor, nn

from wavetrain.core import Layer
from wavetrain.errors import BadInput
from wavetrain.estimators import _sequences_kept
from wavetrain.estimators._kept import layer_of
from wavetrain.parts.stack import MLP, Stack
from wavetrain.tables.class_baselines import ClassBaseline
from wavetrain.tables.read.answered import Reading
from wavetrain.tables.simple_kept import Simplest
from wavetrain.train.generators import Shared
from wavetrain.train.ranks import here
from wavetrain.train.sharded import optimiser_of

LOOKS = 20  # at the sequences to choose by
FEWEST = 40  # sequences from which on some are kept to choose by
TOGETHER = 256  # sequences that are read at once


class Sequences(NamedTuple):
    """Sequences, padded with zeros behind their ends."""

    x: Float[Tensor, "batch time channels"]
    lengths: Int[Tensor, "batch"]

    def part(self, rows: Tensor) -> "Sequences":
        lengths = self.lengths[rows]
        return Sequences(self.x[rows, : int(lengths.max())], lengths)


class Pooled(nn.Module):
    """Sequences to an output each, (batch, outputs)."""

    def __init__(self, stack: Stack, outputs: int, last: float):
        super().__init__()
        self.stack, self.last = stack, last  # the weight of the last step in what is read out
        width = stack.encode.out_features
        self.norm = nn.RMSNorm(width, eps=1e-6)
        self.read = nn.Linear(3 * width, outputs)

    def forward(self, sequences: Sequences) -> Float[Tensor, "batch outputs"]:
        stream, _ = self.stack.stream(sequences.x)
        stream, lengths = self.norm(stream), sequences.lengths[:, None]
        there = (torch.arange(stream.shape[1], device=stream.device) < lengths)[..., None]
        mean = (stream * there).sum(1) / lengths
        last = stream[torch.arange(len(stream), device=stream.device), sequences.lengths - 1]
        largest = stream.masked_fill(~there, -torch.inf).amax(1)  # an event counts wherever it was
        return self.read(torch.cat([mean, self.last * last, largest], -1))

    @property
    def outputs(self) -> int:
        return self.read.out_features


class Ended(nn.Module):
    """The last output of a stack, (batch, outputs), as comparisons train it (`together`)."""

    def __init__(self, stack: Stack, steps: int):
        super().__init__()
        self.stack, self.steps = stack, steps

    def forward(self, sequences: Sequences) -> Float[Tensor, "batch outputs"]:
        y, _ = self.stack(together(sequences, self.steps))
        return y[:, -1]

    @property
    def outputs(self) -> int:
        return self.stack.width


class Simple(nn.Module):
    """A simple answer that a comparison fitted, (batch, outputs): scores of classes, or numbers."""

    def __init__(self, simple: Simplest, steps: int):
        super().__init__()
        self.simple, self.steps = simple, steps

    def forward(self, sequences: Sequences) -> Float[Tensor, "batch outputs"]:
        x = together(sequences, self.steps).numpy()
        simple = self.simple
        found = simple.scores(x) if isinstance(simple, ClassBaseline) else simple.predict(x)
        return torch.from_numpy(np.array(found, np.float64))


def together(sequences: Sequences, steps: int) -> Float[Tensor, "batch time channels"]:
    """Sequences that end together, behind zeros up to `steps` or the longest, as comparisons have them."""
    x, lengths = sequences
    steps = max(steps, int(lengths.max()))
    place = torch.arange(steps, device=x.device) - (steps - lengths[:, None])
    rows = torch.arange(len(x), device=x.device)[:, None]
    moved = x[rows, place.clamp(min=0, max=x.shape[1] - 1)]
    return torch.where((place >= 0)[..., None], moved, 0.0)


def learned(found: Sequence[np.ndarray], y: Tensor) -> dict[str, str]:
    """What a model learned from, in words: how many sequences, how long, and a digest of them."""
    lengths = sorted({len(one) for one in found})
    whole = hashlib.sha256(np.ascontiguousarray(y.numpy()).tobytes())
    for one in found:
        whole.update(str(one.shape).encode() + np.ascontiguousarray(one).tobytes())
    steps = f"{lengths[0]:,}" if len(lengths) == 1 else f"{lengths[0]:,} to {lengths[-1]:,}"
    return {"sequences": f"{len(found):,}", "steps": steps, "sha256": whole.hexdigest()}


class SequenceEstimator(BaseEstimator):
    """What a classifier and a regressor of sequences have in common."""

    _last: float  # the weight with which the last step of the stream is read out

    def __init__(
        self,
        layer: str | type[Layer] = "gru",
        *,
        width: int = 32,
        depth: int = 2,
        steps: int = 300,
        batch: int = 32,
        rate: float = 3e-3,
        valid: float = 0.15,
        random_state: Any = 0,
    ):
        self.layer, self.width, self.depth, self.steps = layer, width, depth, steps
        self.batch, self.rate, self.valid, self.random_state = batch, rate, valid, random_state

    def save(self, folder: str | Path) -> None:
        """Write all that is needed to go on; no sequence is in it."""
        check_is_fitted(self)
        _sequences_kept.save(self, Path(folder))

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """What `save` wrote; nothing is unpickled."""
        return _sequences_kept.load(cls, Path(folder))

    def _taken(self, X: Any, y: Any = None) -> tuple[list[np.ndarray], Any]:
        """The sequences, each (T, C), and the answers as they were checked; without `y` for new sequences."""
        if isinstance(X, list | tuple) and len(X) and np.ndim(X[0]) == 2:
            return self._list(X, y)
        options: dict[str, Any] = {"ensure_2d": True, "allow_nd": True, "dtype": np.float64}
        if y is None:
            x = validate_data(self, X, reset=False, **options)
        else:
            x, y = validate_data(self, X, y, multi_output=True, y_numeric=False, **options)
        if x.ndim not in (2, 3):
            raise BadInput(f"expected X (sequences, steps) or (sequences, steps, channels), got {x.shape}")
        return list(x.reshape(*x.shape[:2], -1)), y

    def _list(self, X: Sequence[Any], y: Any) -> tuple[list[np.ndarray], Any]:
        found = [np.asarray(one, np.float64) for one in X]
        widths = {one.shape[-1] for one in found}
        if any(one.ndim != 2 or not len(one) for one in found) or len(widths) > 1:
            shapes = sorted({one.shape for one in found})[:3]
            raise BadInput(f"expected sequences (steps, channels) of the same channels, got {shapes}")
        if any(not np.isfinite(one).all() for one in found):
            raise BadInput("expected finite numbers; a sequence holds NaN or infinity")
        answers = None if y is None else np.asarray(y)
        if answers is not None and len(answers) != len(found):
            raise BadInput(f"expected an answer for each of {len(found)} sequences, got {len(answers)}")
        if answers is not None:
            self.n_features_in_ = found[0].shape[0]
        return found, answers

    def _sequences(self, found: list[np.ndarray]) -> Sequences:
        """In units of training, padded."""
        channels = found[0].shape[1]
        if channels != len(self.centre_):
            raise BadInput(f"expected sequences of {len(self.centre_)} channels, got {channels}")
        lengths = torch.tensor([len(one) for one in found])
        x = torch.zeros(len(found), int(lengths.max()), channels, dtype=torch.float64)
        for row, one in enumerate(found):
            x[row, : len(one)] = torch.from_numpy((one - self.centre_) / self.spread_)
        return Sequences(x, lengths)

    def _asked(self, y: Any) -> None:
        if y is None:
            raise BadInput(f"{type(self).__name__} requires y to be passed, but the target y is None")

    def _learn(
        self,
        found: list[np.ndarray],
        y: Tensor,
        outputs: int,
        held: np.ndarray,
        loss: Callable[[Tensor, Tensor], Tensor],
    ) -> None:
        """Train on all sequences but those held, which are chosen by if there are any."""
        if not self.batch >= 1 or not self.steps >= 0:
            raise BadInput(
                f"expected a batch of at least 1 and steps of at least 0, got {self.batch}, {self.steps}"
            )
        train = np.setdiff1d(np.arange(len(found)), held)
        rows = np.concatenate([found[row] for row in train])
        self.centre_, spread = rows.mean(0), rows.std(0)
        self.spread_ = np.where(spread > 0, spread, 1.0)
        self.reading_: Reading | None = None  # of a source, where they were read from one (`answering.py`)
        self.learned_ = learned([found[row] for row in train], y[torch.from_numpy(train)])
        whole = self._sequences(found)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        generator = torch.Generator().manual_seed(seed)
        with Shared(seed).drawn():
            kind = layer_of(self.layer)
            layers = [kind(self.width) for _ in range(self.depth)]
            stack = Stack(layers, whole.x.shape[-1], 1, MLP.PLAIN)
            self.network_: Pooled | Ended | Simple = Pooled(stack, outputs, self._last)
            with here().noise():
                self.history_ = self._trained(
                    whole, y, torch.from_numpy(train), torch.from_numpy(held), loss, generator
                )

    def _trained(
        self,
        whole: Sequences,
        y: Tensor,
        train: Tensor,
        held: Tensor,
        loss: Callable[[Tensor, Tensor], Tensor],
        generator: torch.Generator,
    ) -> list[tuple[int, float]]:
        network, single, ranks = self.network_, Sequences(whole.x.float(), whole.lengths), here()
        ranks.check_same(network)
        settings = {"lr": self.rate, "betas": (0.9, 0.999), "weight_decay": 1e-2}
        optimiser = optimiser_of(network.parameters(), torch.optim.AdamW, settings, ranks)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, self.rate, total_steps=self.steps + 1)
        history: list[tuple[int, float]] = []
        best, left = np.inf, None

        def answered(drawn: Tensor, rows: slice) -> Tensor:
            return self.network_(single.part(drawn[rows]))

        every = max(1, self.steps // LOOKS)
        for step in range(1, self.steps + 1):
            network.train()
            drawn = train[torch.randint(len(train), (min(self.batch, len(train)),), generator=generator)]
            now = loss(ranks.outputs(functools.partial(answered, drawn), len(drawn)), y[drawn])
            optimiser.zero_grad()
            now.backward()
            ranks.sum_gradients(network.parameters(), now)
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            if len(held) and (step % every == 0 or step == self.steps):
                network.eval()
                ranks.check_same(network)
                found = ranks.outputs(lambda rows: self._outputs(single.part(held[rows])), len(held))
                history.append((step, ranks.agreed(float(loss(found, y[held])))))
                if history[-1][1] < best:
                    best, left = history[-1][1], copy.deepcopy(network.state_dict())
        if left is not None:
            network.load_state_dict(left)
        network.eval().double()
        return history

    def _judge(self, found: list[np.ndarray], y: np.ndarray, held: np.ndarray) -> None:
        """How good it is on the sequences that the step was chosen by, if there were any."""
        self.held_ = len(held)
        self.valid_score_: float | None = None
        if self.held_:
            self.valid_score_ = float(self.score([found[row] for row in held], y[held]))

    @torch.no_grad()
    def _outputs(self, sequences: Sequences) -> Tensor:
        """The outputs of the network, (batch, outputs), in its own precision."""
        dtype = next((one.dtype for one in self.network_.parameters()), torch.float64)
        sequences = Sequences(sequences.x.to(dtype), sequences.lengths)
        rows = torch.arange(len(sequences.x)).split(TOGETHER)
        return torch.cat([self.network_(sequences.part(some)) for some in rows])

    def _answered(self, X: Any) -> Tensor:
        """The outputs for new sequences."""
        check_is_fitted(self)
        found, _ = self._taken(X)
        return self._outputs(self._sequences(found))
