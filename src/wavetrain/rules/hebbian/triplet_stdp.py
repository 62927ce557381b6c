"""Triplet spike-timing-dependent plasticity: a pair counts more where one of its sides fired a while ago too.

Pfister and Gerstner 2006. Beside the fast traces x, y of a pair rule stand slow ones x2, y2, which are read
just before the spike of the step is added to them:

    w <- w + s_post x (A2_plus + A3_plus y2) - s_pre y (A2_minus + A3_minus x2)

A step: all traces decay; the spikes of the step are added to the fast ones; both terms are read; the spikes
are added to the slow ones; weights are clipped. Without triplets, A3 = 0, it is the pair rule. So depression
at low rates turns into potentiation at high ones, as pairs alone cannot. The defaults are the amplitudes and
time constants that are told of the minimal model of visual cortex; we have not checked them with the paper.
"""

from jaxtyping import Float
from torch import Tensor

from wavetrain.core import Card, State
from wavetrain.parts.bounds import Bounds
from wavetrain.parts.over_batch import OverBatch
from wavetrain.parts.traces import Trace
from wavetrain.rules.hebbian._spike_timing import SpikeTiming, amplitudes

HARD = Bounds()
TAUS = (16.8, 33.7, 101.0, 114.0)  # ms: x, y, x2, y2; x2 does not count in the minimal model


class TripletSTDP(SpikeTiming):
    """Changes weights (post, pre) by spikes (B, T, pre) and (B, T, post).

    `pairs` are A2_plus and A2_minus, `triplets` A3_plus and A3_minus, `taus` in ms those of the traces x, y,
    x2 and y2. The state are these traces.

    >>> from wavetrain.rules import TripletSTDP
    >>> pre, post = torch.zeros(2, 1, 60, 1)
    >>> pre[:, 30] = post[:, 32] = 1.0
    >>> alone, _ = TripletSTDP().run(torch.tensor([[0.5]]), pre, post)
    >>> post[:, 5] = 1.0  # long before
    >>> triplet, _ = TripletSTDP().run(torch.tensor([[0.5]]), pre, post)
    >>> round(alone.item(), 4), bool(triplet > alone)
    (0.5, True)
    """

    card = Card(
        title="Triplets of spikes in a model of spike timing-dependent plasticity",
        authors="Pfister, Jean-Pascal and Gerstner, Wulfram",
        year=2006,
        source="Journal of Neuroscience 26, doi 10.1523/JNEUROSCI.1425-06.2006",
        family="spike timing",
        topic="Learning rules",
    )

    def __init__(
        self,
        pairs: tuple[float, float] = (0.0, 7.1e-3),
        triplets: tuple[float, float] = (6.5e-3, 0.0),
        taus: tuple[float, float, float, float] = TAUS,
        *,
        dt: float = 1.0,
        bounds: Bounds = HARD,
        over_batch: OverBatch = OverBatch.SUM,
    ):
        super().__init__(dt=dt, bounds=bounds, over_batch=over_batch)
        amplitudes("TripletSTDP", *pairs, *triplets)
        self.pairs, self.triplets = pairs, triplets
        self.traces = tuple(Trace(tau, dt) for tau in taus)

    def begin(self, weight: Float[Tensor, "post pre"], batch: int) -> State:
        before, behind = (weight.new_zeros(batch, many) for many in reversed(weight.shape))
        return before, behind, before, behind

    def change(
        self,
        weight: Float[Tensor, "post pre"],
        pre: Float[Tensor, "batch pre"],
        post: Float[Tensor, "batch post"],
        state: State,
    ) -> tuple[Float[Tensor, "batch post pre"], State]:
        fast_x, fast_y, slow_x, slow_y = self.traces
        x, y = fast_x.step(pre, state[0]), fast_y.step(post, state[1])
        x2, y2 = slow_x.faded(state[2]), slow_y.faded(state[3])  # before the spikes of this step
        grows = (post * (self.pairs[0] + self.triplets[0] * y2))[:, :, None] * x[:, None]
        decays = y[:, :, None] * (pre * (self.pairs[1] + self.triplets[1] * x2))[:, None]
        changes = self.bounds.growth(weight) * grows - self.bounds.decay(weight) * decays
        return changes, (x, y, x2 + pre, y2 + post)
