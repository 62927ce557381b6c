"""A layer that learns digits without labels: units compete, and who fires often gets a higher threshold.

Diehl and Cook 2015, Frontiers in Computational Neuroscience 9:99, in the form with one layer, which inhibits
itself, of Saunders et al. 2019 (arXiv 1909.02549). Potentials are in mV above rest, times in ms.

    v_t = exp(-dt / tau) v_{t-1} + W x_t - inhibition (spikes of the others in the last step)
    crossed where v_t > threshold + raised,    v_t <- reset where crossed
    s_t = 1 for the one of them that is furthest above its threshold

A step: units that are silent keep their potential; the others decay and take the current of the inputs and of
the last step's spikes; those above their thresholds are reset and silent for the refractory time; the one
furthest above its threshold is let through as a spike, and inhibits the others in the next step.

Weights and thresholds learn by `rules.MinibatchSTDP`; a forward pass changes neither. Other codes draw which
of those that cross is let through; here nothing is drawn, so that a batch equals its sequences one by one.
Left out: the separate layer of inhibitory units, of which each hears one unit and inhibits all others.
"""

from wavetrain.core import Card
from wavetrain.parts.competition import Competition
from wavetrain.spiking._competing import Competing

CELL = Competition()


class DiehlCook(Competing):
    """x (B, T, inputs) to spikes (B, T, width), at most one in a step; times in ms, potentials in mV.

    The state is the potential above rest v (B, width), for how many steps each unit is still silent, and the
    spikes of the last step, (B, width) each.

    >>> from wavetrain.parts.rate_code import poisson_spikes
    >>> from wavetrain.rules import MinibatchSTDP
    >>> from wavetrain.spiking import DiehlCook
    >>> layer, rates = DiehlCook(20, inputs=64), 128.0 * torch.rand(16, 64)  # Hz
    >>> x = poisson_spikes(rates, 100, torch.Generator().manual_seed(0))
    >>> spikes = MinibatchSTDP(total=19.2).teach(layer, x)  # changes weights and thresholds
    >>> spikes.shape, bool(spikes.sum(-1).max() == 1), bool((layer.raised > 0).any())
    (torch.Size([16, 100, 20]), True, True)
    """

    card = Card(
        title="Unsupervised learning of digit recognition using spike-timing-dependent plasticity",
        authors="Diehl, Peter U. and Cook, Matthew",
        year=2015,
        source="Frontiers in Computational Neuroscience 9:99, doi 10.3389/fncom.2015.00099",
        family="spiking",
        topic="Waves in spiking networks",
    )

    def __init__(self, width: int, inputs: int | None = None, cell: Competition = CELL, dt: float = 1.0):
        super().__init__(width, inputs, cell=cell, dt=dt)
