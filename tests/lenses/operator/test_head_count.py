"""Head count: the theorem both ways, on linear systems, and heads that make a layer when they are run."""

import functools

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.lenses.operators import Given, empty, jordan, lags, rotation, system
from tests.promises import generic, normal
from wavetrain.errors import BadInput
from wavetrain.layers.attention.softmax_attention import SoftmaxAttention
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.layers.state_space.lru import LRU
from wavetrain.layers.state_space.mamba import Mamba
from wavetrain.lenses.operator.head_count import HeadCount, head_count


def look(weight: Tensor, tolerance: float = 1e-8) -> HeadCount:
    return head_count(Given(weight), empty(weight), tolerance)


def built(found: HeadCount) -> np.ndarray:
    """The operator of the heads."""
    return np.einsum("bkts,kh->bhts", found.weight, found.value)


B, C, TIME = normal(5, 4, seed=2), normal(4, 5, seed=3), 16
SYSTEMS = {
    "scalar": (0.9 * torch.eye(5).double(), 1),
    "two rates": (torch.diag(torch.tensor([0.9, 0.9, 0.5, 0.5, 0.5]).double()), 2),
    "rotation": (torch.block_diag(rotation(0.7, 0.9), torch.zeros(3, 3).double()), 3),  # with A = 0: a third
    "Jordan block": (jordan(0.5, 5), 5),
    "generic": (0.4 * normal(5, 5), 5),
}


@pytest.mark.parametrize("name", SYSTEMS)
def test_k_heads_make_a_linear_system_and_fewer_do_not(name: str):
    a, count = SYSTEMS[name]
    weight = system(a, B, C, TIME)
    found = look(weight)
    assert found.heads == count
    np.testing.assert_allclose(built(found), weight, atol=1e-13 * float(weight.abs().max()))
    assert found.error[count] < 1e-14 and found.error[count - 1] > 1e-4
    assert look(weight[..., :2, :2]).heads == min(count, 2), "no more heads than lags"


def test_heads_depend_on_the_lag_alone():
    """f^h_ij are the coordinates of the lag i - j: the weights of each head are Toeplitz."""
    found = look(system(jordan(0.5, 5), B, C, TIME))
    for head in found.weight[0]:
        for back in range(TIME):
            np.testing.assert_allclose(np.diagonal(head, -back), head[back, 0], atol=1e-12)


def test_one_head_less_leaves_the_tail_of_the_singular_values():
    """On a sequence where each lag occurs once: only the last step answers."""
    weight = system(rotation(0.7, 0.9), B[:2], C[:, :2], TIME)
    weight[..., : TIME - 1, :] = 0
    stacked = lags(rotation(0.7, 0.9), B[:2], C[:, :2], TIME).flatten(1)
    singular = torch.linalg.svdvals(stacked)
    found = look(weight)
    assert found.heads == 2
    np.testing.assert_allclose(found.error[1], singular[1] / stacked.norm())
    np.testing.assert_allclose(found.error[0], 1)


def test_error_is_what_the_heads_leave():
    weight = normal(2, 6, 5, 5).tril()
    found = look(weight, tolerance=0.5)
    assert 0 < found.heads < 6
    left = np.linalg.norm(built(found) - weight.numpy()) / weight.norm()
    np.testing.assert_allclose(found.error[found.heads], left)
    assert found.error[found.heads] <= 0.5 < found.error[found.heads - 1]


def test_value_maps_are_shared_by_all_sequences():
    """Each sequence alone needs one head, both together two."""
    weight = torch.zeros(2, 2, 4, 4)
    weight[0, 0], weight[1, 1] = normal(4, 4).tril(), normal(4, 4).tril()
    assert look(weight).heads == 2 and look(weight[:1]).heads == look(weight[1:]).heads == 1


def test_nothing_needs_no_head():
    found = look(torch.zeros(1, 3, 4, 4))
    assert found.heads == 0 and (found.error == 0).all() and found.value.shape == (0, 3)


X = normal(2, 20, 3)


@pytest.mark.parametrize(
    ("make", "count"),
    [
        (functools.partial(SoftmaxAttention, heads=1), 1),
        (functools.partial(SoftmaxAttention, heads=2), 2),
        (functools.partial(LRU, states=2), 5),
        (functools.partial(Mamba, expand=1), 4),
        (Elman, 12),
    ],
)
def test_heads_make_the_output_of_a_layer(make, count: int):
    """Run as attention: mixed by the heads' weights and value maps, read by the layer."""
    layer = generic(make, 4, 3)
    found, operator = head_count(layer, X), layer.operator(X)
    assert found.heads == count
    weight = torch.from_numpy(built(found))
    torch.testing.assert_close(operator._replace(weight=weight).mix(), operator.mix())


def test_orthogonal_value_maps():
    found = head_count(generic(functools.partial(LRU, states=2), 4, 3), X)
    np.testing.assert_allclose(found.value @ found.value.T, np.eye(5), atol=1e-12)


def test_bad_tolerance():
    with pytest.raises(BadInput, match="tolerance between 0 and 1"):
        look(torch.zeros(1, 1, 2, 2), 0.0)


TRIANGLE = torch.tensor([[2.0, 0.0], [5.0, -10.0]]).double()


def test_rounding_counts_by_the_pairs_of_steps_and_by_the_type():
    """Two heads, half of 210 pairs of two sequences at an angle of a, half at -a: one head leaves sin a.

    In single precision that is none below 420 times 2^-23, 5e-5; in double below the tolerance.
    """
    now, then = torch.tril_indices(20, 20)
    for angle, heads in ((4e-5, 1), (6e-5, 2)):
        weight = torch.zeros(2, 2, 20, 20).double()
        weight[:, 0, now, then] = 3.0
        weight[:, 1, now, then] = 3 * angle * (-1.0) ** torch.arange(210).double()
        found = look(weight.float())
        assert found.heads == heads and found.error[:2] == pytest.approx([1, angle], rel=1e-4)
        assert look(weight).heads == 2 and look(weight, 5e-5).heads == heads


def test_heads_are_told_at_the_size_of_the_operator():
    """Weights 3 t and 4 t on two heads that go together: one head of value (3, 4) / 5 for weights 5 t."""
    weight = torch.stack([3 * TRIANGLE, 4 * TRIANGLE])
    found = look(weight[None])
    assert found.heads == 1 and np.abs(found.value) == pytest.approx(np.array([[0.6, 0.8]]))
    sign = np.sign(found.value[0, 0])
    np.testing.assert_allclose(sign * found.weight, [[[[10, 0], [25, -50]]]], atol=1e-12)
    np.testing.assert_allclose(found.error, [1, 0, 0], atol=1e-12)
