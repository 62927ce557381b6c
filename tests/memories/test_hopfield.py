"""Hopfield's network: energies that never rise, what each way to store holds, and the capacity."""

import pytest
import torch
from torch import Tensor

from tests.promises import close
from wavetrain.errors import BadInput
from wavetrain.memories.hopfield import Hopfield, Storage, Update


def signs(*shape: int, seed: int = 1) -> Tensor:
    return torch.randint(2, shape, generator=torch.Generator().manual_seed(seed)).double() * 2 - 1


def flipped(pattern: Tensor, share: float, seed: int = 5) -> Tensor:
    return (
        torch.where(torch.rand(pattern.shape, generator=torch.Generator().manual_seed(seed)) < share, -1, 1)
        * pattern
    )


def stored(memory: Hopfield, pattern: Tensor):
    return memory.write(memory.empty(len(pattern)), pattern, pattern)


@pytest.mark.parametrize("storage", Storage)
def test_weights_are_symmetric_without_a_diagonal(storage: Storage):
    memory = Hopfield(20, storage=storage).double()
    weight = memory.weight(stored(memory, signs(3, 5, 20)))
    close(weight, weight.mT, "weights, transposed")
    assert not weight.diagonal(dim1=-2, dim2=-1).any() and weight.any()


def test_hebb_is_the_sum_of_outer_products():
    memory, pattern = Hopfield(20).double(), signs(1, 5, 20)
    by_hand = sum(torch.outer(one, one) for one in pattern[0]) / 20
    close(memory.weight(stored(memory, pattern))[0], by_hand - torch.diag(by_hand.diag()), "weights, by hand")


def test_storkey_is_its_rule_written_out():
    size, pattern = 7, signs(1, 4, 7)
    weight = torch.zeros(size, size, dtype=torch.float64)
    for xi in pattern[0]:
        new = weight.clone()
        for i in range(size):
            for j in range(size):
                if i != j:
                    rest = [k for k in range(size) if k not in (i, j)]
                    h_ij, h_ji = (sum(weight[a, k] * xi[k] for k in rest) for a in (i, j))
                    new[i, j] += (xi[i] * xi[j] - xi[i] * h_ji - h_ij * xi[j]) / size
        weight = new
    memory = Hopfield(size, storage=Storage.STORKEY).double()
    close(memory.weight(stored(memory, pattern))[0], weight, "weights, the rule")


@pytest.mark.parametrize("storage", Storage)
def test_a_cue_reads_the_value_that_was_written_with_it(storage: Storage):
    """Values that are no patterns and no keys, each with its sign."""
    memory = Hopfield(64, storage=storage).double()
    key, value = signs(2, 3, 64), signs(2, 3, 64, seed=9)
    state = memory.write(memory.empty(2), key, value)
    read = memory.read(state, key)
    assert ((read * value).mean(-1) > 0.5).all()


@pytest.mark.parametrize("storage", Storage)
def test_energy_is_the_quadratic_form_of_any_numbers(storage: Storage):
    memory = Hopfield(9, storage=storage).double()
    state = stored(memory, signs(2, 3, 9))
    pattern = torch.randn(2, 4, 9, generator=torch.Generator().manual_seed(2)).double()
    weight, energy = memory.weight(state), memory.energy(state, pattern)
    for b in range(2):
        for m in range(4):
            form = sum(
                weight[b, i, j] * pattern[b, m, i] * pattern[b, m, j] for i in range(9) for j in range(9)
            )
            close(energy[b, m], -form / 2, "energy, the sum over pairs")


@pytest.mark.parametrize("storage", Storage)
def test_a_flip_lowers_the_energy_by_twice_the_field(storage: Storage):
    memory = Hopfield(24, storage=storage).double()
    state = stored(memory, signs(1, 6, 24))
    now = signs(1, 1, 24, seed=2)
    weight, flips = memory.weight(state)[0], 0
    for i in list(range(24)) * 3:
        field = (weight[i] @ now[0, 0]).item()
        after = now.clone()
        after[..., i] = 1.0 if field > 0 else -1.0 if field < 0 else now[0, 0, i]
        fallen = (memory.energy(state, now) - memory.energy(state, after)).item()
        flips += not torch.equal(after, now)
        assert fallen == pytest.approx(2 * abs(field) if not torch.equal(after, now) else 0, abs=1e-12)
        now = after
    assert flips > 3
    close(memory.energy(state, -now), memory.energy(state, now), "energy of the negative")


@pytest.mark.parametrize("storage", Storage)
def test_settling_never_rises_and_ends_at_a_fixed_point(storage: Storage):
    memory = Hopfield(40, storage=storage, sweeps=50).double()
    state, cue = stored(memory, signs(2, 5, 40)), signs(2, 30, 40, seed=2)
    end = memory.settle(state, cue)
    assert (memory.energy(state, end) <= memory.energy(state, cue)).all()
    close(memory.settle(state, end), end, "settled again")
    assert (end * (end @ memory.weight(state)) >= 0).all(), "a unit is against its field"


def test_one_pattern_and_its_negative_are_all_there_is():
    memory, pattern = Hopfield(31).double(), signs(1, 1, 31)
    cue = signs(1, 50, 31, seed=3)
    overlap = (cue @ pattern.mT)[0]
    sure = overlap.abs()[:, 0] > 1  # without its own share no unit is then against the overlap
    end = memory.settle(stored(memory, pattern), cue)
    close(end[0][sure], (overlap.sign() * pattern[0])[sure], "end, plus or minus the pattern")
    assert sure.sum() > 30


def test_all_at_once_may_end_in_a_cycle():
    """One pattern of two units, stored as +1 +1, from +1 -1: each takes the other's state for ever."""
    pattern, cue = torch.ones(1, 1, 2).double(), torch.tensor([[[1.0, -1.0]]]).double()
    for sweeps, expected in ((1, -cue), (2, cue), (3, -cue)):
        memory = Hopfield(2, update=Update.SYNCHRONOUS, sweeps=sweeps).double()
        close(memory.settle(stored(memory, pattern), cue), expected, f"after {sweeps}")
    one = Hopfield(2).double()
    assert one.settle(stored(one, pattern), cue).sum().abs() == 2, "one at a time it settles"


def test_a_tie_keeps_the_state():
    """Three units are alike in both patterns. With two of them at odds the third is pulled both ways."""
    pattern = torch.tensor([[[1.0, 1, 1, 1, 1], [1, 1, 1, -1, -1]]]).double()
    cue = torch.tensor([[[1.0, -1, -1, 1, 1], [1, 1, -1, 1, -1]]]).double()
    for update in Update:
        memory = Hopfield(5, update=update, sweeps=1).double()
        field = cue @ memory.weight(stored(memory, pattern))
        still = field == 0
        assert still.any()
        close(
            memory.settle(stored(memory, pattern), cue)[still], cue[still], "units without a field, the cue"
        )


@pytest.mark.parametrize("update", Update)
def test_few_patterns_are_completed(update: Update):
    memory, pattern = Hopfield(200, update=update).double(), signs(2, 6, 200)
    cue = flipped(pattern, 0.15)
    close(memory.settle(stored(memory, pattern), cue), pattern, "settled, stored")


def test_values_come_back_with_their_keys():
    """Another pattern of another size behind each key: the sign of the field of the value units."""
    memory = Hopfield(200, values=30).double()
    key, value = signs(2, 5, 200), signs(2, 5, 30, seed=2)
    state = memory.write(memory.empty(2), key, value)
    close(memory.read(state, flipped(key, 0.1)).sign(), value, "signs of what is read, values")


def test_the_pseudo_inverse_holds_any_independent_patterns():
    """As many as there are units, less one, strongly alike: all fixed points, and values without error."""
    size = 16
    key = flipped(signs(1, 1, size).expand(1, size - 1, size), 0.3)
    assert torch.linalg.matrix_rank(key[0]) == size - 1
    memory = Hopfield(size, values=3, storage=Storage.PSEUDO_INVERSE).double()
    value = torch.randn(1, size - 1, 3, generator=torch.Generator().manual_seed(2)).double()
    state = memory.write(memory.empty(1), key, value)
    close(memory.settle(state, key), key, "settled, stored")
    close(memory.read(state, key), value, "read, written")
    projection = torch.linalg.pinv(key[0]) @ key[0]
    close(state[0][0] / size, projection, "W with its diagonal, the projection on the patterns")
    again = memory.write(state, key[:, :1], value[:, :1])
    close(again[:2], state[:2], "after a pattern that is known, before")
    plain = Hopfield(size).double()
    assert not torch.equal(plain.settle(stored(plain, key), key), key), "Hebb would do as well here"


def test_capacity():
    """400 units from the patterns themselves: nearly all bits right at 0.10 N, a collapse at 0.18 N."""
    overlap = {}
    for many in (20, 40, 72):
        memory, pattern = Hopfield(400, sweeps=30), signs(1, many, 400, seed=many).float()
        if many > memory.capacity():
            with pytest.warns(
                UserWarning, match=r"72 patterns are more than the 55 that it can hold \(0.138 N"
            ):
                state = stored(memory, pattern)
        else:
            state = stored(memory, pattern)
        end = memory.settle(state, pattern[:, :12])
        overlap[many] = (end * pattern[:, :12]).mean().item()
    assert overlap[20] > 0.995 and overlap[40] > 0.97 and overlap[72] < 0.9, overlap


def test_it_warns_once_when_it_is_full():
    memory, pattern = Hopfield(40).double(), signs(1, 20, 40)
    state = memory.write(memory.empty(1), pattern[:, :5], pattern[:, :5])
    with pytest.warns(UserWarning, match=r"Hopfield: 6 patterns are more than the 5 that it can hold"):
        state = memory.write(state, pattern[:, 5:6], pattern[:, 5:6])
    assert state[2].tolist() == [6]
    memory.write(state, pattern[:, 6:], pattern[:, 6:])
    roomy = Hopfield(40, storage=Storage.PSEUDO_INVERSE).double()
    assert (memory.capacity(), roomy.capacity()) == (0.138 * 40, 40)
    stored(roomy, pattern)


def test_orders_are_drawn_afresh_or_by_the_generator():
    memory = Hopfield(31, sweeps=1).double()
    state, cue = stored(memory, signs(1, 4, 31)), signs(1, 60, 31, seed=4)
    close(memory.settle(state, cue), memory.settle(state, cue), "twice")
    others = [memory.settle(state, cue, torch.Generator().manual_seed(seed)) for seed in (1, 2)]
    assert not torch.equal(*others)


def test_other_alphabets_are_refused():
    memory = Hopfield(4)
    state, good = memory.empty(1), torch.ones(1, 2, 4)
    with pytest.raises(BadInput, match=r"Hopfield: expected patterns of \+1 and -1, got 0 in \(1, 2, 4\)"):
        memory.write(state, torch.zeros(1, 2, 4), good)
    for form in (memory.settle, memory.read):
        with pytest.raises(
            BadInput, match=r"Hopfield: expected patterns of \+1 and -1, got 0.5 in \(1, 2, 4\)"
        ):
            form(state, good / 2)
    with pytest.raises(BadInput, match=r"expected key \(batch, many, 4\), got \(1, 2, 3\)"):
        memory.write(state, torch.ones(1, 2, 3), good)
