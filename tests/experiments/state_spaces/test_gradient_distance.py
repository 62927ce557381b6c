"""The gradient over distance: the predicates, the matched inputs, and a bound that is one."""

import numpy as np
import torch

from tests.promises import normal
from wavetrain.evidence.claims import Measured
from wavetrain.experiments._layers import built
from wavetrain.experiments.state_spaces.gradient_distance import (
    RATE,
    _bound,
    claim,
    linear_wave,
    matched,
    small,
)
from wavetrain.layers.attention.softmax_attention import SoftmaxAttention
from wavetrain.layers.state_space.lru import LRU
from wavetrain.lenses.dynamics.gradient_highway import gradient_highway

FIGURES = {
    "flat_attention": 0.9,
    "over_bound_lru": 0.4,
    "over_bound_wave": 1.0,
    "lasting_lru": 1e-9,
    "lasting_wave": 1e-9,
}


def answers(**changes: float) -> list[bool | None]:
    return [part.holds(Measured(FIGURES | changes)) for part in claim.parts]


def test_each_part_on_either_side():
    assert answers() == [True, True, True]
    assert answers(flat_attention=0.5, lasting_lru=1e-3, lasting_wave=1e-3) == [True, True, True]
    assert answers(flat_attention=0.49) == [False, True, True]
    for name in ("lru", "wave"):
        assert answers(**{f"over_bound_{name}": 1.0 + 1e-8}) == [True, False, True]
        assert answers(**{f"lasting_{name}": 1.1e-3}) == [True, True, False]


def test_the_closed_form_refutes_nothing():
    """Attention that is shared by two steps alone, and gradients that are 0.9 to the distance."""
    far = np.array(small.distances)
    fading = RATE**far
    bound, lasting = (fading / RATE**far).max(), fading[-1] / fading[0]
    exact = {
        f"{what}_{name}": value
        for name in ("lru", "wave")
        for what, value in (("over_bound", bound), ("lasting", lasting))
    }
    assert answers(flat_attention=1.0, **exact) == [True, True, True]
    assert answers(flat_attention=float(lasting)) == [False, True, True], "an attention that fades as they do"


def test_the_match_takes_the_attention_at_each_distance():
    layer = built(lambda: SoftmaxAttention(small.width, heads=1, rotary=False), seed=3)
    x = matched(layer, small, torch.Generator().manual_seed(0))
    weight = layer.operator(x).weight[:, 0, -1].detach()  # (distances, T)
    for row, distance in zip(weight, small.distances, strict=True):
        assert row[-1] + row[-1 - distance] > 0.9
        assert 0.9 < row[-1] / row[-1 - distance] < 1.1


def test_bound_is_one_at_the_worst_and_over_all_distances():
    layer = built(lambda: LRU(4, largest=0.9), seed=3)
    size, rate = _bound(layer)
    norm = gradient_highway(layer, normal(1, 60, 4)).norm[0]
    assert rate <= 0.9 and (norm[1:] <= size * rate ** np.arange(1, 60)).all()


def test_linear_wave_is_orthogonal_but_for_its_rate():
    norm = gradient_highway(built(lambda: linear_wave(4), 0), normal(1, 65, 4)).norm[0]
    np.testing.assert_allclose(norm[[1, 4, 16, 64]], [0.9, 0.6561, 0.9**16, 0.9**64], rtol=1e-5)
