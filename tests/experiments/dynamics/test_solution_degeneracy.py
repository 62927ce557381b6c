"""Members know nothing of each other, distances find a planted order, and the predicates on either side."""

import numpy as np
import pytest
import torch

from tests.answers import answers
from wavetrain.core import Batch
from wavetrain.experiments.dynamics.solution_degeneracy import ROW, Bits, Group, Together, claim, distance
from wavetrain.layers.recurrence.elman import Elman


def dice(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@torch.no_grad()
def test_each_member_is_an_elman_network():
    group, x = Group(3, 5, 2, dice()), Bits(2, 9).draw(4, dice()).x
    for member in range(3):
        layer = Elman(5, 2)
        layer.encode.weight.copy_(group.encode[member].T)
        layer.recur.weight.copy_(group.recur[member].T)
        layer.encode.bias.copy_(group.bias[member, 0])
        layer.recur.bias.zero_()
        h, _ = layer(x)
        torch.testing.assert_close(group.states(x)[:, :, member], h)
        torch.testing.assert_close(group(x)[:, :, member], h @ group.read[member] + group.offset[member])


def test_groups_of_one_seed_start_with_the_same_recurrent_weights_whatever_their_task():
    assert torch.equal(Group(3, 5, 1, dice()).recur, Group(3, 5, 4, dice()).recur)
    assert not torch.equal(Group(3, 5, 1, dice()).recur, Group(3, 5, 1, dice(1)).recur)


def test_members_learn_as_if_they_were_alone():
    group, batch = Group(2, 4, 1, dice()), Bits(1, 6).draw(8, dice())
    Together(0.0, 0.1).learn(group, batch, Bits.objective.loss)
    assert group.recur.grad is not None and group.read.grad is not None
    errors = (group(batch.x) - batch.y[:, :, None]).square().mean((0, 1, 3))
    for member, error in enumerate(errors):
        alone = error + 0.1 * group.recur[member].abs().sum()
        recur, read = torch.autograd.grad(alone, (group.recur, group.read), retain_graph=True)
        torch.testing.assert_close(group.recur.grad[member], recur[member])
        torch.testing.assert_close(group.read.grad[member], read[member])
        assert not recur[1 - member].any()
    torch.testing.assert_close(Bits.objective.loss(group(batch.x), batch.y), errors.sum())
    torch.testing.assert_close(Bits.objective.score(group(batch.x), batch.y), errors.max())


def test_a_member_is_kept_as_it_was_after_three_good_batches_in_a_row():
    group = Group(2, 3, 1, dice())
    good = [(True, False), (True, True), (False, True), (True, True), (True, True), (True, True)]
    for step, now in enumerate(good):
        torch.nn.init.constant_(group.recur, step)
        group.note(torch.tensor(now))
    assert ROW == 3 and group.done.all() and group.taken.tolist() == [6, 4]
    torch.nn.init.constant_(group.recur, 9)
    group.finish()
    assert group.recur[:, 0, 0].tolist() == [5, 3]
    late = Group(2, 3, 1, dice())
    late.note(torch.tensor([True, True]))
    torch.nn.init.constant_(late.recur, 9)
    late.finish()  # nobody has learned: all stay as they are
    assert not late.done.any() and (late.recur == 9).all()


def test_the_threshold_decides_what_is_good():
    group, batch = Group(2, 3, 1, dice()), Batch(torch.zeros(1, 4, 1), torch.zeros(1, 4, 1))
    with torch.no_grad():
        for weight in group.parameters():
            weight.zero_()
        group.offset[1] = 0.1  # an error of 0.01
    Together(0.009, 0.0).learn(group, batch, Bits.objective.loss)
    assert group.below.tolist() == [1, 0]


def test_a_planted_order_of_units_is_found():
    random = np.random.default_rng(0)
    # weights that hang together, as those that have learned: at random alone the search has little to go by
    one = random.normal(size=(24, 2)) @ random.normal(size=(2, 24)) + 0.1 * random.normal(size=(24, 24))
    order = random.permutation(24)
    assert distance(one, one[np.ix_(order, order)]) == pytest.approx(0, abs=1e-6)
    assert distance(one, one) == pytest.approx(0, abs=1e-6)
    two = random.normal(size=(24, 24))
    apart = np.linalg.norm(one - two)
    assert 0 < distance(one, two) <= apart
    assert distance(one, one + 1) == pytest.approx(
        24
    )  # no order helps: the distance of the two means is left


WHOLE = {f"learned_{group}": 1.0 for group in ("bits1", "bits2", "bits4", "wide", "penalty")}
WHOLE |= {"weights_bits1": 6.4, "weights_bits2": 6.9, "weights_bits4": 7.5, "weights_penalty": 5.0}
WHOLE |= {"dynamics_bits1": 0.167, "dynamics_bits2": 0.169, "dynamics_bits4": 0.118}
WHOLE |= {"dynamics_wide": 0.1, "dynamics_penalty": 0.1, "ratio_bits2": 1.1, "ratio_wide": 1.0}
WHOLE |= {"behaviour_bits2": 3e-5, "behaviour_wide": 2e-5, "behaviour_penalty": 2e-5}


@pytest.mark.parametrize(
    ("change", "part", "said"),
    [
        ({"weights_bits2": 6.4}, 0, False),
        ({"weights_bits4": 6.9}, 0, False),
        ({"learned_bits2": 0.875}, 0, None),
        ({"dynamics_bits4": 0.167}, 1, False),
        ({"learned_bits4": 0.875}, 1, None),
        ({"dynamics_wide": 0.169}, 2, False),
        ({"ratio_wide": 1.1}, 2, False),
        ({"learned_wide": 0.875}, 2, None),
        ({"behaviour_wide": 3e-5}, 3, False),
        ({"dynamics_penalty": 0.169}, 4, False),
        ({"weights_penalty": 6.9}, 4, False),
        ({"behaviour_penalty": 3e-5}, 5, False),
        ({"learned_penalty": 0.875}, 5, None),
    ],
)
def test_each_part_on_either_side(change: dict[str, float], part: int, said: bool | None):
    assert answers(claim, WHOLE) == [True] * 6
    assert answers(claim, WHOLE | change)[part] is said
