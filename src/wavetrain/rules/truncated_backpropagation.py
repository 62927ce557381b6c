"""Truncated backpropagation: the error of a step goes back through a few steps, and no further.

Williams and Peng 1990, Neural Computation 2. Two algorithms are called so, with K the number of `steps`:

    blocks     the sequence is cut in blocks of K steps, counted from its start, and the gradient ends where
               a block begins; so the error of a step goes back through 1 to K steps
    sliding    the error of every step goes back through the last K, its own included, at K times the cost

Both carry the state on, and are backpropagation through time where K is at least the length. If only the
last step has an error and K divides the length, they are one. Outputs are found first, without gradients; so
blocks store K steps, and not the sequence.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from wavetrain.core import Batch, Card, State, check_width, detached, map_state
from wavetrain.core.terms import Stated, Terms, learns
from wavetrain.errors import BadInput
from wavetrain.parts.reader import one_hot
from wavetrain.rules._apart import errors_of
from wavetrain.rules._halves import Halves, halves


class TruncatedBackpropagation(Stated):
    """Teaches a `Reader` of one layer, or a stack that answers; `steps` is K, in blocks unless `sliding`.

    Raises BadInput for another network.

    >>> from wavetrain.core import VALUES, Batch
    >>> from wavetrain.layers import Elman
    >>> from wavetrain.parts.reader import Reader
    >>> from wavetrain.rules import TruncatedBackpropagation
    >>> network = Reader(Elman(6, inputs=3), outputs=2, every_step=True)
    >>> batch = Batch(torch.randn(4, 12, 3), torch.randn(4, 12, 2))
    >>> TruncatedBackpropagation(steps=3).learn(network, batch, VALUES.loss).shape
    torch.Size([])
    """

    card = Card(
        title="An efficient gradient-based algorithm for on-line training of recurrent network trajectories",
        authors="Williams, Ronald J. and Peng, Jing",
        year=1990,
        source="Neural Computation 2, doi 10.1162/neco.1990.2.4.490",
        family="gradient",
        topic="Learning rules",
    )

    def __init__(self, steps: int = 5, sliding: bool = False):
        check_width("TruncatedBackpropagation", steps=steps)
        self.steps, self.sliding = steps, sliding

    def terms(self, network: nn.Module) -> Terms:
        halves("TruncatedBackpropagation", network)
        if self.sliding:
            return Terms(
                trains=learns(network),
                passes=2 + self.steps,
                stored=lambda depth, time: depth * time * self.steps,
            )
        return Terms(
            trains=learns(network), passes=2, stored=lambda depth, time: depth * min(time, self.steps)
        )

    def learn(self, network: nn.Module, batch: Batch, loss: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        parts = halves("TruncatedBackpropagation", network)
        if not learns(network):
            raise BadInput("expected a loss of something that learns, got one of frozen parameters alone")
        x = one_hot(batch.x, parts.layer.inputs, next(network.parameters()).dtype)
        value, errors = errors_of(self._outputs(parts, x), batch.y, loss)
        (self._slide if self.sliding else self._blocks)(parts, x, errors)
        return value

    @torch.no_grad()
    def _outputs(self, parts: Halves, x: Tensor) -> Tensor:
        """What the network gives, found in blocks: what the layer gives is never there all at once."""
        state, outputs = parts.layer.begin(len(x)), []
        for now in x.split(self.steps, 1):
            y, state = parts.layer(now, state)
            outputs.append(parts.read(y if parts.every_step else y[:, -1]))
        return torch.cat(outputs, 1) if parts.every_step else outputs[-1]

    def _blocks(self, parts: Halves, x: Tensor, errors: Tensor) -> None:
        """Back through one block after the other."""
        state, blocks = parts.layer.begin(len(x)), x.split(self.steps, 1)
        wrongs = errors.split(self.steps, 1) if parts.every_step else (None,) * (len(blocks) - 1) + (errors,)
        for now, wrong in zip(blocks, wrongs, strict=True):
            with torch.set_grad_enabled(wrong is not None):
                y, state = parts.layer(now, detached(state))
            if wrong is not None:
                back(parts.read(y if parts.every_step else y[:, -1]), wrong)

    def _slide(self, parts: Halves, x: Tensor, errors: Tensor) -> None:
        """Back through a window that ends at each step, all windows at once."""
        (batch, time, inputs), layer = x.shape, parts.layer
        ends = range(time) if parts.every_step else (time - 1,)
        befores, state = [], layer.begin(batch)
        with torch.no_grad():
            for now in x.unbind(1):
                befores.append(state)
                _, state = layer.step(now, state)
        starts = [befores[max(0, end + 1 - self.steps)] for end in ends]
        state = map_state(lambda *every: torch.cat(every), *starts)  # (ends B, ...)
        for place in range(self.steps):
            at = torch.tensor([end + 1 - self.steps + place for end in ends])
            now = x[:, at.clamp(min=0)].transpose(0, 1).reshape(-1, inputs)
            y, after = layer.step(now, state)
            begun = (at >= 0).repeat_interleave(batch)
            state = map_state(lambda new, old, begun=begun: _chosen(begun, new, old), after, state)
        y = y.unflatten(0, (len(ends), batch)).transpose(0, 1)
        back(parts.read(y) if parts.every_step else parts.read(y[:, 0]), errors)


def back(outputs: Tensor, errors: Tensor) -> None:
    """Back from outputs that come from something that learns; others have no gradient to leave."""
    if outputs.requires_grad:
        outputs.backward(errors)


def _chosen(which: Tensor, one: State, other: State) -> State:
    """One of two states for each sequence."""
    return torch.where(which.reshape(-1, *(1,) * (one.ndim - 1)), one, other)
