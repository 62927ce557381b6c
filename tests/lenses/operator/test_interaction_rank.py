"""Interaction rank of layers whose span is known: heads, channels, linear systems, networks through tanh."""

import functools

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.lenses.operators import Given, empty, jordan, rotation, system
from tests.promises import generic, normal
from wavetrain.errors import BadInput
from wavetrain.layers.attention.linear_attention import LinearAttention
from wavetrain.layers.attention.softmax_attention import SoftmaxAttention
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.layers.state_space.aussm import AUSSM
from wavetrain.layers.state_space.lru import LRU
from wavetrain.layers.state_space.mamba import Mamba
from wavetrain.lenses.operator.interaction_rank import interaction_rank


def look(weight: Tensor):
    return interaction_rank(Given(weight), empty(weight))


SYSTEMS = {
    "scalar": (0.9 * torch.eye(4).double(), 1),
    "two rates": (torch.diag(torch.tensor([0.9, 0.9, 0.5, 0.5]).double()), 2),
    "rotation": (rotation(0.7, 0.95), 2),
    "Jordan block": (jordan(0.5, 5), 5),
    "generic": (0.4 * normal(5, 5), 5),
}


@pytest.mark.parametrize("name", SYSTEMS)
def test_linear_system_has_the_degree_of_its_minimal_polynomial(name: str):
    a, rank = SYSTEMS[name]
    found = look(system(a, normal(len(a), 4, seed=2), normal(4, len(a), seed=3), 16))
    assert (found.rank.tolist(), found.together, found.heads) == ([rank], rank, 16)


def test_one_input_and_one_output_span_one_dimension():
    assert look(system(0.4 * normal(5, 5), normal(5, 1), normal(1, 5), 16)).rank == 1


def test_no_more_dimensions_than_lags():
    weight = system(0.4 * normal(5, 5), normal(5, 4), normal(4, 5), 16)
    assert [look(weight[..., :t, :t]).together for t in (1, 2, 3, 8)] == [1, 2, 3, 5]


def test_what_decays_fast_counts_too():
    """A second mode that is a thousandth after one step, with a value map of its own."""
    a = torch.diag(torch.tensor([1e-3, 1e-5]).double())
    assert look(system(a, torch.eye(2).double(), torch.eye(2).double(), 3)).rank == 2


def test_singular_values_in_closed_form():
    """Two maps of length 1 at an angle: singular values sqrt(1 +- cos)."""
    angle = torch.tensor(0.3, dtype=torch.float64)
    weight = torch.zeros(1, 2, 2, 2).double()
    weight[0, :, 0, 0] = 7 * torch.tensor([1.0, 0.0])
    weight[0, :, 1, 1] = 0.01 * torch.stack([angle.cos(), angle.sin()])
    expected = ((1 - angle.cos()) / (1 + angle.cos())).sqrt()
    np.testing.assert_allclose(look(weight).singular, [[1, float(expected)]], rtol=1e-12)


def test_sequences_may_span_different_dimensions():
    weight = torch.zeros(2, 3, 4, 4)
    weight[0, 0], weight[1, 2] = normal(4, 4).tril(), normal(4, 4).tril()
    found = look(weight)
    assert found.rank.tolist() == [1, 1] and found.together == 2


def test_nothing_spans_nothing():
    found = look(torch.zeros(2, 3, 4, 4))
    assert found.rank.tolist() == [0, 0] and found.together == 0 and (found.singular == 0).all()


X = normal(2, 20, 3)


@pytest.mark.parametrize("heads", [1, 2, 4])
@pytest.mark.parametrize("kind", [SoftmaxAttention, LinearAttention])
@pytest.mark.parametrize("scale", [0.1, 1, 100])
def test_attention_has_at_most_its_heads_whatever_the_input(kind: type, heads: int, scale: float):
    found = interaction_rank(generic(functools.partial(kind, heads=heads), 4, 3), scale * X)
    assert found.heads == heads and found.together <= heads
    if scale <= 1:
        assert found.rank.tolist() == [heads, heads]


def test_is_not_the_rank_of_the_attention_matrix():
    layer = generic(functools.partial(SoftmaxAttention, heads=1), 4, 3)
    assert (torch.linalg.matrix_rank(layer.operator(X).weight) == 20).all()
    assert interaction_rank(layer, X).together == 1


@pytest.mark.parametrize(
    ("make", "width", "rank"),
    [
        (functools.partial(Mamba, expand=1), 3, 3),  # channels
        (AUSSM, 3, 3),
        (functools.partial(LRU, states=2), 4, 5),  # two complex modes, and the skip
        (functools.partial(LRU, states=16), 3, 9),  # outputs x inputs
        (Elman, 3, 9),
        (Elman, 5, 15),
    ],
)
def test_dimension_of_layers(make, width: int, rank: int):
    assert interaction_rank(generic(make, width, 3), X).rank.tolist() == [rank, rank]


def test_float32_knows_its_rounding():
    layer = generic(functools.partial(LRU, states=1), 4, 3).float()
    assert interaction_rank(layer, X.float()).rank.tolist() == [3, 3]
    both = interaction_rank(generic(functools.partial(SoftmaxAttention, heads=2), 4, 3).float(), X.float())
    assert both.together == 2


def test_no_tolerance_lets_rounding_count():
    """The rounding of a sum over all pairs of steps grows with their number, and is no dimension."""
    layer = generic(functools.partial(LRU, states=1), 4, 3).float()
    long = torch.randn(2, 60, 3, generator=torch.Generator().manual_seed(3))
    assert interaction_rank(layer, long, 1e-12).rank.tolist() == [3, 3]


@pytest.mark.parametrize("tolerance", [0.0, 1.0, -1e-3, float("nan")])
def test_bad_tolerance(tolerance: float):
    with pytest.raises(BadInput, match="tolerance between 0 and 1"):
        interaction_rank(generic(Elman, 3, 3), X, tolerance)


def test_rounding_counts_by_the_pairs_of_steps_and_by_the_type():
    """Two heads, half of 210 pairs at an angle of a, half at -a: a second singular value of tan a.

    In single precision it counts from 210 times 2^-23 on, 2.5e-5; in double from the tolerance.
    """
    now, then = torch.tril_indices(20, 20)
    for angle, rank in ((2e-5, 1), (4e-5, 2)):
        weight = torch.zeros(3, 2, 20, 20).double()
        weight[:, 0, now, then] = 1.0
        weight[:, 1, now, then] = angle * (-1.0) ** torch.arange(210).double()
        found = look(weight.float())
        assert found.rank.tolist() == [rank] * 3 and found.together == rank and found.heads == 2
        assert found.singular[:, 1] == pytest.approx(angle, rel=1e-5)
        assert look(weight).rank.tolist() == [2] * 3
        assert interaction_rank(Given(weight), empty(weight), 3e-5).rank.tolist() == [rank] * 3


def test_maps_below_rounding_are_none():
    """A map of 1e-8 is rounding next to one of 1 in single precision, and is a map in double."""
    weight = torch.zeros(1, 2, 2, 2).double()
    weight[0, 0, 0, 0], weight[0, 1, 1, 1] = 1.0, 1e-8
    assert look(weight).rank.tolist() == [2] and look(weight.float()).rank.tolist() == [1]
    weight[0, 1, 1, 1] = 1e-6
    assert look(weight.float()).rank.tolist() == [2]
