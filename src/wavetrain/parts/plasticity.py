"""Plasticity: what spikes before and behind a connection change of its weight, in whatever network.

Weights (post, pre) are those of a linear map. Spikes are 0 or 1, in steps of `dt` ms; those before a
connection are taken as they arrive, so a delay has passed already. A member says what each sequence of a
batch asks for in a step; how these become one change, and where weights end, is the same for all:

    change_b = change(w, pre_b, post_b, state_b)    for each sequence, all from the same weights
    w <- clip(w + over_batch(change_1, ..., change_B))

Sequences of a batch never mix. The state is handed on, so a sequence may be cut anywhere.
"""

import math
from abc import ABC, abstractmethod

from jaxtyping import Float
from torch import Tensor

from wavetrain.core import State, leaves
from wavetrain.errors import BadInput
from wavetrain.parts.bounds import Bounds
from wavetrain.parts.over_batch import OverBatch


class Plasticity(ABC):
    """How spikes change weights: step by step, in a run, or in total from weights that stay.

    A member says after "A step:" what a step does in which order. The rules of this kind that there are keep
    its promises (`wavetrain.testing.plasticity`), beside those of a rule.
    """

    def __init__(self, *, dt: float, bounds: Bounds, over_batch: OverBatch):
        if not 0 < dt < math.inf:
            raise BadInput(f"{type(self).__name__}: expected dt above 0 ms, got {dt!r}")
        self.dt, self.bounds, self.over_batch = dt, bounds, over_batch

    @abstractmethod
    def begin(self, weight: Float[Tensor, "post pre"], batch: int) -> State:
        """The state before the first step: nobody has fired."""

    @abstractmethod
    def change(
        self,
        weight: Float[Tensor, "post pre"],
        pre: Float[Tensor, "batch pre"],
        post: Float[Tensor, "batch post"],
        state: State,
    ) -> tuple[Float[Tensor, "batch post pre"], State]:
        """What each sequence asks for in a step, and the state after it."""

    def step(
        self,
        weight: Float[Tensor, "post pre"],
        pre: Float[Tensor, "batch pre"],
        post: Float[Tensor, "batch post"],
        state: State,
    ) -> tuple[Float[Tensor, "post pre"], State]:
        """The weights after a step, within their bounds, and the state. Spikes are taken to be checked."""
        changes, state = self.change(weight, pre, post, state)
        return self.bounds.clipped(weight + self.over_batch(changes)), state

    def run(
        self,
        weight: Float[Tensor, "post pre"],
        pre: Float[Tensor, "batch time pre"],
        post: Float[Tensor, "batch time post"],
        state: State = None,
    ) -> tuple[Float[Tensor, "post pre"], State]:
        """The weights after all steps, each of which starts from those that the last one left.

        Raises BadInput for spikes that are not 0 or 1 or of another shape, and for a state of another batch.
        """
        state = self.begun(weight, pre, post, state)
        for before, behind in zip(pre.unbind(1), post.unbind(1), strict=True):
            weight, state = self.step(weight, before, behind, state)
        return weight, state

    def total(
        self,
        weight: Float[Tensor, "post pre"],
        pre: Float[Tensor, "batch time pre"],
        post: Float[Tensor, "batch time post"],
        state: State = None,
    ) -> tuple[Float[Tensor, "batch post pre"], State]:
        """What each sequence asks for over all steps while the weights stay as they are. Raises as `run`."""
        state = self.begun(weight, pre, post, state)
        changes = weight.new_zeros(len(pre), *weight.shape)
        for before, behind in zip(pre.unbind(1), post.unbind(1), strict=True):
            more, state = self.change(weight, before, behind, state)
            changes = changes + more
        return changes, state

    def begun(self, weight: Tensor, pre: Tensor, post: Tensor, state: State) -> State:
        """The state to start from, after a look at what came."""
        name = type(self).__name__
        sizes = (*post.shape[-1:], *pre.shape[-1:])
        if pre.ndim != 3 or post.ndim != 3 or pre.shape[:2] != post.shape[:2] or sizes != weight.shape:
            raise BadInput(
                f"{name}: expected spikes (batch, time, pre) and (batch, time, post) for weights "
                f"{tuple(weight.shape)}, got {tuple(pre.shape)} and {tuple(post.shape)}"
            )
        for about, spikes in (("before", pre), ("behind", post)):
            wrong = spikes[(spikes != 0) & (spikes != 1)]
            if len(wrong):
                raise BadInput(f"{name}: expected spikes {about} of 0 or 1, got {float(wrong[0]):g}")
        if state is None:
            return self.begin(weight, len(pre))
        for part in leaves(state):
            if len(part) != len(pre):
                raise BadInput(
                    f"{name}: expected a state of {len(pre)} sequences, as the spikes have, got one of "
                    f"{len(part)}; begin makes a new one"
                )
        return state
