"""Patterns stay without adaptation and give way with it; the equations, and the negative of a pattern."""

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.networks.adapting_attractors import AdaptingAttractors


def patterns(many: int = 3, units: int = 200) -> torch.Tensor:
    drawn = torch.randint(2, (many, units), generator=torch.Generator().manual_seed(0))
    return 2.0 * drawn - 1


@torch.no_grad()
def test_it_follows_its_definition():
    network = AdaptingAttractors(patterns(2, 6), adaptation=0.5, tau=4.0, tau_tired=9.0).double()
    x = torch.randn(2, 5, 6, dtype=torch.float64)
    y, (u, tired) = network.carry(x)
    weights = (patterns(2, 6).T @ patterns(2, 6) / 6).double()  # of patterns in float32
    weights.fill_diagonal_(0)
    for row in range(2):
        h, a = 0.5 * network.patterns[0], torch.zeros(6).double()
        for now in x[row]:
            said = torch.tanh(6 * h)
            h, a = h + (weights @ said + now - 0.5 * a - h) / 4, a + (said - a) / 9
        torch.testing.assert_close(u[row], h)
        torch.testing.assert_close(tired[row], a)
        torch.testing.assert_close(y[row, -1], torch.tanh(6 * h))


@torch.no_grad()
def test_a_pattern_stays_without_adaptation_and_gives_way_with_it():
    for adaptation, stays in ((0.0, True), (0.3, True), (0.7, False)):
        network = AdaptingAttractors(patterns(), adaptation)
        noise = torch.randn(1, 600, 200, generator=torch.Generator().manual_seed(1))
        first = network.overlaps(network(0.15 * noise))[0, :, 0]
        assert bool((first > 0.9).all()) is stays
        assert float(first[20]) > 0.9


@torch.no_grad()
def test_the_negative_of_a_pattern_is_one_too():
    network = AdaptingAttractors(patterns())
    u, tired = network.begin(1)
    y, _ = network.carry(torch.zeros(1, 200, 200), (-u, tired))
    assert float(network.overlaps(y)[0, -1, 0]) < -0.95


def test_what_does_not_fit_is_refused():
    for wrong in (torch.zeros(2, 4), torch.ones(4), torch.ones(0, 4)):
        with pytest.raises(BadInput, match="of -1 and 1"):
            AdaptingAttractors(wrong)
    with pytest.raises(BadInput, match="an adaptation of 0 or more"):
        AdaptingAttractors(patterns(), adaptation=-1.0)
    for wrong in (torch.zeros(1, 4, 3), torch.zeros(1, 0, 200), torch.zeros(1, 200)):
        with pytest.raises(BadInput, match=r"expected x \(batch, time, 200\)"):
            AdaptingAttractors(patterns())(wrong)


@pytest.mark.parametrize(
    ("name", "least", "less"),
    [("adaptation", 0.0, -1e-6), ("tau", 1.0, 0.999), ("tau_tired", 1.0, 0.999), ("steep", 1e-6, 0.0)],
)
def test_the_least_of_each_setting_is_taken_and_less_is_refused(name: str, least: float, less: float):
    y, _ = AdaptingAttractors(patterns(), **{name: least}).carry(torch.zeros(1, 1, 200))
    assert y.isfinite().all()
    for wrong in (less, float("nan")):
        with pytest.raises(BadInput, match="an adaptation of 0 or more"):
            AdaptingAttractors(patterns(), **{name: wrong})
