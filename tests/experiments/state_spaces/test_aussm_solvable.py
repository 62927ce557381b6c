"""The floor of a commutative quotient, the two layers that are set by hand, and the predicate."""

import pytest
import torch

from wavetrain.experiments.state_spaces.aussm_solvable import Hand, claim, floor
from wavetrain.tasks.languages.group_words import A4, A5, S3, S4, GroupWords, cyclic


def test_floor_is_one_in_the_commutator_subgroup():
    """A3 in S3, four elements in A4, A4 in S4, all of A5; the neutral element alone where all commutes."""
    assert [floor(group) for group in (S3, A4, S4, A5)] == [1 / 3, 1 / 4, 1 / 12, 1 / 60]
    assert floor(cyclic(6)) == 1


@torch.no_grad()
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_two_layers_by_hand_follow_s3(dtype: torch.dtype):
    """Every word of three elements, and long ones: the right logit leads by cos(pi/6)^2, without drift."""
    network = Hand().to(dtype)
    short = torch.cartesian_prod(*[torch.arange(6)] * 3)
    table = torch.tensor(S3.table)
    answer = table[table[short[:, 0], short[:, 1]], short[:, 2]]
    assert torch.equal(network(short)[:, -1].argmax(-1), answer)
    x, y = GroupWords(S3, 3000).draw(5, torch.Generator().manual_seed(1))
    logits = network(x)
    right = logits.gather(-1, y[..., None])
    others = logits.scatter(-1, y[..., None], -torch.inf)
    lead = (right - others).amin(-1)
    assert lead.min() > 0.749 and lead.max() < 0.751


WHOLE = {"one_c6_trained": 0.99, "hand_float32": 1.0, "hand_float64": 1.0, "one_s3": 0.4, "floor_s3": 1 / 3}


def test_predicate():
    assert claim.holds(WHOLE) is True
    assert claim.holds(WHOLE | {"one_s3": 0.44}) is False
    assert claim.holds(WHOLE | {"hand_float32": 0.999}) is False
    assert claim.holds(WHOLE | {"one_c6_trained": 0.8}) is None
