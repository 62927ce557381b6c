"""Pairs of spikes, one before a connection and one behind it: what pair rules and their relatives share."""

from jaxtyping import Float
from torch import Tensor

from wavetrain.core import State
from wavetrain.parts.bounds import Bounds
from wavetrain.parts.over_batch import OverBatch
from wavetrain.parts.traces import Trace
from wavetrain.rules.hebbian._spike_timing import SpikeTiming, amplitudes


class Pairs(SpikeTiming):
    """Traces of spikes before and behind; a trace holds the spikes of its own step when it is read."""

    def __init__(
        self,
        potentiation: float,
        depression: float,
        *,
        tau_plus: float,
        tau_minus: float,
        dt: float,
        nearest: bool,
        bounds: Bounds,
        over_batch: OverBatch,
    ):
        super().__init__(dt=dt, bounds=bounds, over_batch=over_batch)
        self.potentiation, self.depression = amplitudes(type(self).__name__, potentiation, depression)
        self.before, self.behind = Trace(tau_plus, dt, nearest), Trace(tau_minus, dt, nearest)

    def begin(self, weight: Float[Tensor, "post pre"], batch: int) -> State:
        return weight.new_zeros(batch, weight.shape[1]), weight.new_zeros(batch, weight.shape[0])

    def change(
        self,
        weight: Float[Tensor, "post pre"],
        pre: Float[Tensor, "batch pre"],
        post: Float[Tensor, "batch post"],
        state: State,
    ) -> tuple[Float[Tensor, "batch post pre"], State]:
        x, y = self.before.step(pre, state[0]), self.behind.step(post, state[1])
        return self.weighed(weight, post[:, :, None] * x[:, None], y[:, :, None] * pre[:, None]), (x, y)

    def weighed(
        self,
        weight: Float[Tensor, "post pre"],
        grows: Float[Tensor, "batch post pre"],
        decays: Float[Tensor, "batch post pre"],
    ) -> Float[Tensor, "batch post pre"]:
        """The change of pairs that strengthen and pairs that weaken, by amplitudes and bounds."""
        return (
            self.potentiation * self.bounds.growth(weight) * grows
            - self.depression * self.bounds.decay(weight) * decays
        )
