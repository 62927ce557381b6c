"""Dense associative memory: the update written out, energies, capacities, and the theorems of the softmax."""

import itertools
import math

import pytest
import torch
from torch import Tensor

from tests.memories.test_hopfield import flipped, signs
from tests.promises import close, normal
from wavetrain.errors import BadInput
from wavetrain.memories.dense_hopfield import DenseHopfield, Steepness, on_sphere
from wavetrain.memories.hopfield import Hopfield

DISCRETE = [one for one in Steepness if one is not Steepness.SOFTMAX]


def grows(steepness: Steepness, power: int, z: Tensor) -> Tensor:
    if steepness is Steepness.EXPONENTIAL:
        return z.exp()
    return (z.relu() if steepness is Steepness.RECTIFIED else z) ** power


def stored(memory: DenseHopfield, pattern: Tensor):
    return memory.write(memory.empty(len(pattern)), pattern, pattern)


@pytest.mark.parametrize("power", [2, 3, 4, 7])
@pytest.mark.parametrize("steepness", DISCRETE)
def test_update_is_its_definition(steepness: Steepness, power: int):
    """Unit by unit and pattern by pattern, with the unit's own share taken out of the overlap."""
    memory = DenseHopfield(15, steepness=steepness, power=power).double()
    xi, cue = signs(1, 3, 15), signs(1, 8, 15, seed=2)
    expected = cue.clone()
    for c, sigma in enumerate(cue[0]):
        for i in range(15):
            rest = xi[0] @ sigma - xi[0, :, i] * sigma[i]
            up, down = (grows(steepness, power, sign * xi[0, :, i] + rest).sum() for sign in (1, -1))
            expected[0, c, i] = sigma[i] if up == down else (up - down).sign()
    state = memory.empty(1)
    with pytest.warns(UserWarning) if memory.capacity() < 3 else _quiet():
        state = memory.write(state, xi, xi)
    close(memory.update(state, cue), expected, "update, written out")


class _quiet:
    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None:
        return None


def test_a_square_is_the_classical_rule():
    dense, plain = DenseHopfield(31, steepness=Steepness.POWER, power=2).double(), Hopfield(31).double()
    xi, cue = signs(2, 4, 31), signs(2, 20, 31, seed=2)
    field = cue @ plain.weight(plain.write(plain.empty(2), xi, xi))
    state = dense.write(dense.empty(2), xi, xi)
    close(dense.update(state, cue), torch.where(field == 0, cue, field.sign()), "update, classical")
    order = [torch.Generator().manual_seed(3) for _ in range(2)]
    ends = [
        one.settle(one.write(one.empty(2), xi, xi), cue, generator=g)
        for one, g in zip((dense, plain), order, strict=True)
    ]
    close(*ends, "settled, classical")


@pytest.mark.parametrize("steepness", DISCRETE)
def test_one_at_a_time_the_energy_never_rises(steepness: Steepness):
    memory = DenseHopfield(20, steepness=steepness, power=4).double()
    xi, cue = signs(1, 40, 20), signs(1, 10, 20, seed=2)
    state, ends = stored(memory, xi), [cue]
    for sweeps in (1, 2, 20):
        ends.append(memory.settle(state, cue, sweeps=sweeps))
    energy = [memory.energy(state, end) for end in ends]
    for before, after in itertools.pairwise(energy):
        assert (after <= before + 1e-12 * before.abs()).all()
    assert (energy[-1] < energy[0] - 1e-6).any()
    close(memory.settle(state, ends[-1]), ends[-1], "settled again")


def test_energies_are_their_sums():
    xi, sigma = signs(1, 5, 12), signs(1, 3, 12, seed=2)
    overlap = sigma @ xi.mT
    for steepness in DISCRETE:
        memory = DenseHopfield(12, steepness=steepness).double()
        expected = -grows(steepness, 3, overlap).sum(-1)
        energy = memory.energy(stored(memory, xi), sigma)
        close(-(-energy).exp() if steepness is Steepness.EXPONENTIAL else energy, expected, "energy, the sum")


def test_steeper_energies_hold_more():
    """50 units: one sweep keeps nearly all of 50 patterns for z^3, none of 500; all of 2000 for exp."""
    kept = {}
    for steepness, many in ((Steepness.POWER, 50), (Steepness.POWER, 500), (Steepness.EXPONENTIAL, 2000)):
        memory, xi = DenseHopfield(50, steepness=steepness), signs(1, many, 50, seed=many).float()
        full = many > memory.capacity()
        with pytest.warns(UserWarning, match="that it can hold") if full else _quiet():
            state = stored(memory, xi)
        kept[steepness, many] = (
            (memory.settle(state, xi[:, :20], sweeps=1) == xi[:, :20]).all(-1).float().mean()
        )
    assert kept[Steepness.POWER, 50] >= 0.9 and kept[Steepness.EXPONENTIAL, 2000] == 1
    assert kept[Steepness.POWER, 500] < 0.1


def test_capacities():
    size = 100
    assert DenseHopfield(size, steepness=Steepness.POWER, power=2).capacity() == size / (2 * math.log(size))
    assert DenseHopfield(size, steepness=Steepness.POWER, power=3).capacity() == size**2 / (
        6 * math.log(size)
    )
    assert DenseHopfield(size, steepness=Steepness.POWER, power=4).capacity() == size**3 / (
        30 * math.log(size)
    )
    assert DenseHopfield(size, steepness=Steepness.EXPONENTIAL).capacity() == 2.0**50
    assert DenseHopfield(size).capacity() == math.inf
    assert round(on_sphere(20, 1, 3, 0.001)[0], 4) == 3.1546
    assert (
        round(on_sphere(75, 1, 1, 0.001)[0], 4) == 1.3718 or round(on_sphere(75, 1, 1, 0.001)[0], 4) == 1.3719
    )
    c, many = on_sphere(20, 1, 3, 0.001)
    assert many == pytest.approx(0.001**0.5 * c ** (19 / 4))


def test_capacities_at_the_ends():
    """One unit has a logarithm of 0, for which 1/2 stands; and 2^1000 is the most that is said."""
    assert DenseHopfield(1, steepness=Steepness.POWER, power=2).capacity() == 1
    assert DenseHopfield(2, steepness=Steepness.RECTIFIED, power=2).capacity() == 1 / math.log(2)
    assert DenseHopfield(3, steepness=Steepness.EXPONENTIAL).capacity() == 2**1.5
    assert DenseHopfield(4000, steepness=Steepness.EXPONENTIAL).capacity() == 2.0**1000


@pytest.mark.parametrize("steepness", [Steepness.RECTIFIED, Steepness.EXPONENTIAL])
def test_values_are_read_by_what_fits(steepness: Steepness):
    """Rectified: what is at odds with the cue is not read at all; exp: the softmax of overlaps."""
    memory = DenseHopfield(9, values=4, steepness=steepness, power=4).double()
    key, value, cue = signs(1, 2, 9), normal(1, 2, 4), signs(1, 6, 9, seed=3)
    read = memory.read(memory.write(memory.empty(1), key, value), cue)
    overlap = cue @ key.mT
    assert (overlap < 0).any()
    weight = (overlap.clamp(min=0) / 9) ** 3 if steepness is Steepness.RECTIFIED else overlap.softmax(-1)
    close(read, weight @ value, "read, by hand")


def test_one_step_of_the_circuit_by_hand():
    memory = soft(3, beta=0.7)
    state = stored(memory, normal(1, 2, 3))
    x, v, h = state[0][0], normal(3, seed=4), normal(2, seed=5)
    f = (0.7 * h).softmax(0)
    feature, hidden = memory.flow(state, v[None, None], h[None, None], slow=2.0, fast=0.5, dt=0.1, steps=1)
    close(feature[0, 0], v + 0.1 / 2.0 * (x.T @ f - v), "feature neurons")
    close(hidden[0, 0], h + 0.1 / 0.5 * (x @ v - h), "memory neurons")
    energy = v @ v / 2 + h @ f - (0.7 * h).logsumexp(0) / 0.7 - f @ (x @ v)
    close(memory.circuit_energy(state, v[None, None], h[None, None])[0, 0], energy, "the circuit's energy")


def test_without_patterns_nothing_attracts():
    now = 3 * torch.ones(1, 1, 4).double()
    for steepness, energy in zip(Steepness, (0.0, 0.0, math.inf, 18.0), strict=True):
        memory = DenseHopfield(4, steepness=steepness).double()
        assert memory.energy(memory.empty(1), now).tolist() == [[energy]]


def test_the_energy_of_the_softmax_written_out():
    memory, x, now = soft(4, beta=0.6), normal(1, 3, 4), normal(4, seed=2)
    most = max(float(row @ row) for row in x[0])
    energy = -(0.6 * x[0] @ now).exp().sum().log() / 0.6 + now @ now / 2 + math.log(3) / 0.6 + most / 2
    close(memory.energy(stored(memory, x), now[None, None])[0, 0], energy, "energy, written out")


def test_it_settles_until_a_millionth():
    """By as many updates as it takes for none to move by more, or by as many as are allowed."""
    memory, x = soft(beta=0.9), normal(1, 4, 6)
    state, cue = stored(memory, x), normal(1, 3, 6, seed=2)
    now, moved = cue, []
    while not moved or moved[-1] > 1e-6:
        after = memory.update(state, now)
        moved.append(float((after - now).abs().max()))
        now = after
        close(memory.settle(state, cue, sweeps=len(moved)), now, f"after {len(moved)}")
    assert len(moved) > 3
    close(memory.settle(state, cue), now, "settled")


def test_it_warns_when_it_is_full():
    """50 units with z^3: N^2 / (6 ln N) = 106 patterns."""
    memory, xi = DenseHopfield(50, steepness=Steepness.POWER), signs(1, 107, 50).float()
    state = stored(memory, xi[:, :106])
    about = (
        "DenseHopfield: 107 patterns are more than the 106 that it can hold .random patterns without errors"
    )
    with pytest.warns(UserWarning, match=about):
        memory.write(state, xi[:, 106:], xi[:, 106:])


def test_large_powers_do_not_overflow():
    memory = DenseHopfield(784, steepness=Steepness.POWER, power=30)
    xi = signs(1, 5, 784).float()
    state = stored(memory, xi)
    assert torch.equal(memory.update(state, flipped(xi, 0.2).float()), xi)
    memory = DenseHopfield(784, steepness=Steepness.EXPONENTIAL)
    assert torch.equal(memory.update(stored(memory, xi), flipped(xi, 0.2).float()), xi)
    assert memory.energy(stored(memory, xi), xi).isfinite().all()


@pytest.mark.parametrize("power", [2, 3, 4])
def test_values_are_read_by_powers_of_the_overlap(power: int):
    memory = DenseHopfield(9, values=4, steepness=Steepness.POWER, power=power).double()
    key, value, cue = signs(1, 2, 9), normal(1, 2, 4), signs(1, 5, 9, seed=3)
    state = memory.write(memory.empty(1), key, value)
    close(memory.read(state, cue), (cue @ key.mT / 9) ** (power - 1) @ value, "read, powers")


# --- the softmax ----------------------------------------------------------------------------------------


def soft(size: int = 6, beta: float = 1.5) -> DenseHopfield:
    return DenseHopfield(size, beta=beta).double()


def test_energy_is_bounded_and_never_rises():
    memory, x = soft(), normal(2, 9, 6)
    state = stored(memory, x)
    most = x.norm(dim=-1).amax(-1)
    now = normal(2, 40, 6, seed=2)
    now = now / now.norm(dim=-1, keepdim=True) * most[:, None, None] * torch.rand(2, 40, 1).double()
    for _ in range(30):
        energy = memory.energy(state, now)
        assert (energy >= 0).all() and (energy <= 2 * most[:, None] ** 2).all()
        now = memory.update(state, now)
        assert (memory.energy(state, now) <= energy + 1e-12).all()


def test_the_update_is_a_step_down_the_gradient():
    memory, state = soft(), None
    state = stored(memory, normal(1, 9, 6))
    now = normal(1, 5, 6, seed=2).requires_grad_()
    (slope,) = torch.autograd.grad(memory.energy(state, now).sum(), now)
    close(memory.update(state, now), now - slope, "update, state less gradient")


def test_the_jacobian_and_its_bound():
    memory, x = soft(), normal(1, 9, 6)
    state, now = stored(memory, x), normal(6, seed=2)
    jacobian = torch.autograd.functional.jacobian(
        lambda one: memory.update(state, one[None, None])[0, 0], now
    )
    p = (memory.beta * x[0] @ now).softmax(0)
    expected = memory.beta * x[0].T @ (torch.diag(p) - torch.outer(p, p)) @ x[0]
    close(jacobian, expected, "jacobian, beta X (diag p - pp') X'")
    assert torch.linalg.matrix_norm(jacobian, 2) <= memory.beta / 2 * torch.linalg.matrix_norm(x[0], 2) ** 2


def test_limits_of_beta():
    x, cue = normal(1, 9, 6), normal(1, 4, 6, seed=2)
    cold, hot = soft(beta=1e4), soft(beta=1e-9)
    nearest = x[0][(cue @ x.mT)[0].argmax(-1)]
    close(cold.update(stored(cold, x), cue)[0], nearest, "large beta, nearest")
    torch.testing.assert_close(hot.update(stored(hot, x), cue), x.mean(1, keepdim=True).expand(1, 4, 6))
    close(
        soft().update(stored(soft(), x[:, :1]), cue), x[:, :1].expand(1, 4, 6), "one pattern, found at once"
    )


def test_the_order_of_patterns_is_unseen():
    x, value, cue = normal(1, 9, 6), normal(1, 9, 6, seed=3), normal(1, 4, 6, seed=2)
    memory, other = soft(), torch.randperm(9, generator=torch.Generator().manual_seed(1))
    read = [
        memory.read(memory.write(memory.empty(1), x[:, p], value[:, p]), cue)
        for p in (torch.arange(9), other)
    ]
    close(*read, "in order, in another")


def test_the_error_of_one_update_is_within_its_bound():
    """||new - x*|| <= 2 (S - 1) M exp(-beta (Delta - 2 max(||xi - x||, ||x* - x||) M))."""
    checked = 0
    for seed in range(60):
        x = 3 * torch.nn.functional.normalize(normal(1, 5, 20, seed=seed), dim=-1)
        memory = soft(20, beta=2.0)
        state = stored(memory, x)
        end = memory.settle(state, x, sweeps=500)
        cue = x + 0.05 * normal(1, 5, 20, seed=seed + 1000)
        gram = (x @ x.mT)[0]
        apart = gram.diag() - (gram - 1e9 * torch.eye(5)).amax(-1)
        far = torch.maximum((cue - x).norm(dim=-1), (end - x).norm(dim=-1))[0]
        bound = 2 * 4 * 3 * torch.exp(-2.0 * (apart - 2 * far * 3))
        error = (memory.update(state, cue) - end).norm(dim=-1)[0]
        assert (error <= bound + 1e-6).all()
        checked += int((bound < 0.1).sum())
    assert checked > 100, "the bound says nothing here"


def test_retrieval_of_many_in_one_update():
    """64 channels, 2000 normal patterns, noise 0.3, beta 1: within a hundredth."""
    x = normal(1, 2000, 64, dtype=torch.float32)
    memory = DenseHopfield(64, beta=1.0)
    cue = x[:, :100] + 0.3 * normal(1, 100, 64, seed=2, dtype=torch.float32)
    found = memory.update(stored(memory, x), cue)
    assert (found - x[:, :100]).norm() / x[:, :100].norm() < 0.01


def test_one_update_is_attention():
    memory = DenseHopfield(6, values=4).double()
    key, value, cue = normal(2, 9, 6), normal(2, 9, 4, seed=2), normal(2, 5, 6, seed=3)
    state = memory.write(memory.empty(2), key, value)
    expected = torch.nn.functional.scaled_dot_product_attention(cue, key, value)
    close(memory.read(state, cue), expected, "read, attention")
    twice = DenseHopfield(6, values=4, updates=2).double()
    moved = torch.nn.functional.scaled_dot_product_attention(cue, key, key)
    expected = torch.nn.functional.scaled_dot_product_attention(moved, key, value)
    close(twice.read(state, cue), expected, "two updates, attention twice")


def test_places_that_are_not_taken_are_not_read():
    memory = soft()
    key, value, taken = stored(memory, normal(2, 5, 6))
    padded = (
        torch.cat([key, torch.zeros(2, 3, 6)], 1),
        torch.cat([value, torch.zeros(2, 3, 6)], 1),
        torch.cat([taken, torch.zeros(2, 3, dtype=torch.bool)], 1),
    )
    cue = normal(2, 4, 6, seed=2)
    for form in (memory.read, memory.update, memory.energy, memory.settle):
        close(form(padded, cue), form((key, value, taken), cue), f"{form.__name__} with holes, without")


def test_the_circuit_settles_where_the_update_does():
    memory, x = soft(beta=2.0), normal(1, 5, 6)
    state, cue = stored(memory, x), x + 0.2 * normal(1, 5, 6, seed=2)
    feature, hidden, energy = cue, cue @ x.mT, []
    for _ in range(40):
        energy.append(memory.circuit_energy(state, feature, hidden))
        feature, hidden = memory.flow(state, feature, hidden, slow=1.0, fast=0.1, dt=0.01, steps=50)
    assert all((after <= before + 1e-9).all() for before, after in itertools.pairwise(energy))
    torch.testing.assert_close(feature, memory.settle(state, cue, sweeps=1000), atol=1e-3, rtol=1e-3)


def test_bad_input_is_refused():
    with pytest.raises(BadInput, match=r"DenseHopfield: expected patterns of \+1 and -1, got 2"):
        memory = DenseHopfield(4, steepness=Steepness.POWER)
        memory.write(memory.empty(1), 2 * torch.ones(1, 1, 4), torch.ones(1, 1, 4))
    state, half = memory.empty(1), 0.5 * torch.ones(1, 1, 4)
    for form in (memory.read, memory.settle, memory.update):
        with pytest.raises(BadInput, match=r"DenseHopfield: expected patterns of \+1 and -1, got 0.5 in"):
            form(state, half)
    with pytest.raises(BadInput, match=r"DenseHopfield: expected key \(batch, many, 4\), got \(1, 1, 3\)"):
        memory.write(state, half[..., :3], half)
    with pytest.raises(BadInput, match="beta must be above 0, got -1"):
        DenseHopfield(4, beta=-1)
    with pytest.raises(BadInput, match="expected power >= 2 and updates >= 1, got 1 and 1"):
        DenseHopfield(4, power=1)
    with pytest.raises(BadInput, match="expected power >= 2 and updates >= 1, got 3 and 0"):
        DenseHopfield(4, updates=0)
    for beta in (0.0, math.inf, math.nan):
        with pytest.raises(BadInput, match=f"beta must be above 0, got {beta}"):
            DenseHopfield(4, beta=beta)
    assert DenseHopfield(4).beta == 0.5 and DenseHopfield(4, power=2, updates=1).power == 2
