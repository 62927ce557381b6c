"""The floor of a commutative quotient, the two layers that are set by hand, and the predicates."""

import pytest
import torch

from tests.answers import exact_answers
from wavetrain.evidence.claims import Measured
from wavetrain.experiments.state_spaces import aussm_solvable
from wavetrain.experiments.state_spaces.aussm_solvable import TURN, Hand, by_parity, claim, floor
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


def answers(**changes: float) -> list[bool | None]:
    return [part.holds(Measured(WHOLE | changes)) for part in claim.parts]


def test_each_part_on_either_side():
    assert answers() == [True, True]
    assert answers(one_s3=0.43) == [True, True]
    assert answers(one_s3=0.44) == [True, False]
    assert answers(hand_float32=0.9999) == [False, True]
    assert answers(hand_float64=0.9999) == [False, True]
    assert answers(one_c6_trained=0.89) == [True, None]
    assert answers(one_c6_trained=0.9) == [True, True]


def test_at_chance_nobody_can_tell():
    """A block that guesses is below the floor, and has not learned C6 either."""
    assert answers(one_c6_trained=1 / 6, one_s3=1 / 6) == [True, None]


def test_the_layers_by_hand_and_the_best_guess_by_parity_refute_nothing(monkeypatch: pytest.MonkeyPatch):
    x, y = GroupWords(S3, 30).draw(20, torch.Generator().manual_seed(1))
    assert torch.equal(by_parity(x) == 0, torch.isin(y, torch.tensor([0, TURN, S3.table[TURN][TURN]])))
    assert exact_answers("aussm_solvable") == [True, True]
    monkeypatch.setattr(aussm_solvable, "by_parity", lambda x: y_of(x))  # no layer of turns knows this
    assert exact_answers("aussm_solvable") == [True, False]


def y_of(x: torch.Tensor) -> torch.Tensor:
    """The products of words of S3."""
    table, product = torch.tensor(S3.table), torch.zeros(len(x), dtype=torch.long)
    found = []
    for element in x.unbind(1):
        product = table[product, element]
        found.append(product)
    return torch.stack(found, 1)
