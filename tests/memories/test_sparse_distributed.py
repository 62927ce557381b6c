"""Sparse distributed memory: its two views, balls and caps, reading again, and neurons that die."""

import itertools
import math
import warnings

import pytest
import torch
from torch import Tensor

from tests.memories.test_hopfield import signs
from tests.promises import close, normal
from wavetrain.errors import BadInput
from wavetrain.memories.sparse_distributed import SharedNeurons, Space, SparseDistributed
from wavetrain.parts import balls


def wrong_bits(pattern: Tensor, many: int) -> Tensor:
    """The patterns with the same number of bits flipped in each, other ones in each."""
    order = torch.rand(pattern.shape, generator=torch.Generator().manual_seed(7)).argsort(-1)
    return torch.where(order < many, -pattern, pattern)


def built(size: int, neurons: int, radius: float, values: int | None = None, space: Space = Space.BINARY):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return SparseDistributed(size, values, neurons, radius, space).double()


def stored(memory, pattern: Tensor):
    return memory.write(memory.empty(len(pattern)), pattern, pattern)


@pytest.mark.parametrize("radius", [2, 3, 4])
def test_it_is_the_definition(radius: int):
    """Neuron by neuron and bit by bit, with integers."""
    memory, key, value, cue = (
        built(10, 60, radius),
        signs(1, 4, 10),
        signs(1, 4, 10, seed=2),
        signs(1, 6, 10, seed=3),
    )
    address = memory.address.int().tolist()
    storage, times = [[0] * 10 for _ in address], [0] * 60

    def near(j: int, pattern: Tensor) -> bool:
        return sum(a != b for a, b in zip(address[j], pattern.int().tolist(), strict=True)) <= radius

    for m, j in itertools.product(range(4), range(60)):
        if near(j, key[0, m]):
            times[j] += 1
            storage[j] = [s + v for s, v in zip(storage[j], value[0, m].int().tolist(), strict=True)]
    expected = torch.zeros(1, 6, 10, dtype=torch.float64)
    for c in range(6):
        active = [j for j in range(60) if near(j, cue[0, c])]
        count = sum(times[j] for j in active)
        if count:
            expected[0, c] = torch.tensor(
                [sum(storage[j][i] for j in active) / count for i in range(10)], dtype=torch.float64
            )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        close(memory.read(memory.write(memory.empty(1), key, value), cue), expected, "read, the definition")
    assert expected.any()


@pytest.mark.parametrize("radius", [3, 4, 6])
@pytest.mark.parametrize("space", Space)
def test_views_of_neurons_and_of_patterns_agree(space: Space, radius: int):
    memory = built(16, 2000, radius, space=space)
    make = signs if space is Space.BINARY else normal
    key, value, cue = make(2, 12, 16), signs(2, 12, 16, seed=2), make(2, 20, 16, seed=3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        read = memory.read(memory.write(memory.empty(2), key, value), cue)
    weight = memory.shared(cue, key)
    total = weight.sum(-1, keepdim=True)
    votes = weight @ value
    close(read, torch.where(total > 0, votes / total, 0.0), "neurons, patterns")
    assert torch.equal(read.sign(), votes.sign()) and votes.any(), "a bit differs"
    zeros_and_ones = torch.where(total > 0, weight @ ((value + 1) / 2) / total > 0.5, False)
    assert torch.equal(zeros_and_ones, votes > 0), "counters of 0 and 1 with a threshold of one half"


def test_neurons_at_all_addresses_share_whole_circles():
    memory = built(10, 1024, 3)
    memory.address.copy_(torch.tensor(list(itertools.product((-1.0, 1.0), repeat=10))))
    cue, key = signs(1, 30, 10), signs(1, 30, 10, seed=2)
    apart = ((10 - cue @ key.mT) / 2).long()
    close(memory.shared(cue, key), torch.tensor(balls.circle(10, 3)).double()[apart], "counted, circles")
    expected = SharedNeurons(10, radius=3).double()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        read = [one.read(stored(one, key), cue) for one in (memory, expected)]
    close(*read, "all neurons, expected shares")


def test_one_pattern_is_found_from_within_twice_the_radius():
    pattern, memory = signs(1, 1, 40), SharedNeurons(40, radius=6).double()
    state = stored(memory, pattern)
    for many in (0, 5, 12):
        close(memory.read(state, wrong_bits(pattern, many)), pattern, f"{many} wrong bits, the pattern")
    for many in (13, 20):
        cue = wrong_bits(pattern, many)
        assert not memory.read(state, cue).any()
        close(memory.settle(state, cue), cue, f"{many} wrong bits, left as they are")


@pytest.mark.parametrize("size", [15, 21, 33, 100])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_whole_bits_are_not_rounded_into_a_ball(size: int, dtype: torch.dtype):
    """At 2 d + 1 wrong bits no neuron is shared, whatever (n - 2 v) / n is rounded to."""
    pattern = torch.ones(1, 1, size, dtype=dtype)
    for radius in range(1, (size - 1) // 2):
        memory = SharedNeurons(size, radius=radius).to(dtype)
        assert not memory.read(stored(memory, pattern), wrong_bits(pattern, 2 * radius + 1)).any()


def test_caps_are_looked_up_by_whole_bits():
    memory, pattern = SharedNeurons(15, radius=4, caps=True).double(), torch.ones(1, 1, 15).double()
    for many in range(16):
        weight = memory.weigh(wrong_bits(pattern, many), pattern, torch.ones(1, 1, 1, dtype=torch.bool))
        assert weight.item() == (memory.overlap[many] > 0), "of one pattern all, or none"
    assert memory.overlap[0] == 1 and not memory.overlap[-1]


def test_weights_linear_in_the_overlap_are_hopfields():
    """w = n - 2 v without a threshold: the sum of patterns by their overlaps, over the sum of overlaps."""
    memory = SharedNeurons(9, radius=4).double()
    memory.overlap.copy_(1 - 2 * torch.arange(10).double() / 9)  # n - 2 v, over n
    key, cue = signs(1, 2, 9), signs(1, 8, 9, seed=2)
    weight = cue @ key.mT / 9
    total = weight.sum(-1, keepdim=True)
    some = total[..., 0] > 1e-9
    close(
        (memory.read(stored(memory, key), cue) * total)[some], (weight @ key)[some], "sum, Hopfield's field"
    )
    assert some.any()


def test_three_radii_of_64_bits():
    """1024 patterns: radius 5 stops dead at twice 5; 11 and 15 clean 16 wrong bits, 15 not in one read."""
    pattern = signs(1, 1024, 64)
    found = {}
    for radius, many in ((5, 10), (5, 12), (11, 16), (15, 16)):
        memory = SharedNeurons(64, radius=radius).double()
        state, cue = stored(memory, pattern), wrong_bits(pattern[:, :100], many)
        for reads in (1, 50):
            end = memory.settle(state, cue, reads)
            found[radius, many, reads] = (end == pattern[:, :100]).all(-1).double().mean().item()
    assert found[5, 10, 50] >= 0.99 and found[5, 12, 50] == 0
    assert found[11, 16, 50] >= 0.9 and found[15, 16, 50] >= 0.9
    assert found[11, 16, 1] - found[15, 16, 1] >= 0.3


def test_physical_neurons_clean_a_cue():
    memory = built(256, 5000, 112, space=Space.BINARY)
    pattern = signs(1, 20, 256)
    assert 5000 * balls.fraction(256, 112) > 10 and memory.capacity() > 20
    state, cue = stored(memory, pattern), wrong_bits(pattern, 30)
    close(memory.settle(state, cue), pattern, "settled, stored")


def test_many_neurons_may_die():
    memory, pattern = built(256, 5000, 112), signs(1, 20, 256)
    state, dice = stored(memory, pattern), torch.Generator().manual_seed(3)
    less = memory.without(state, 0.5, dice)
    assert (less[0].flatten(2).any(-1)).sum() < 0.6 * (state[0].any(-1)).sum()
    close(memory.read(less, wrong_bits(pattern, 10)).sign(), pattern, "read with half of the neurons, stored")
    assert not memory.read(memory.without(state, 1.0, dice), pattern).any()
    close(memory.without(state, 0.0, dice), state, "no neuron dies")
    for share in (2, 1.001, -0.001):
        with pytest.raises(BadInput, match=f"expected a share of neurons from 0 to 1, got {share}"):
            memory.without(state, share, dice)


def test_chains_are_followed():
    """A pattern as the key of the next: from a cue with wrong bits the whole chain comes back."""
    memory, chain = SharedNeurons(128, radius=30).double(), signs(1, 11, 128)
    state, now = memory.write(memory.empty(1), chain[:, :-1], chain[:, 1:]), wrong_bits(chain[:, :1], 10)
    for t in range(1, 11):
        now = memory.read(state, now).sign()
        close(now, chain[:, t : t + 1], f"link {t}")


def test_how_many_neurons_answer():
    """p r on average; on the sphere the share of a cap."""
    for space, share in ((Space.BINARY, balls.fraction(24, 8)), (Space.CONTINUOUS, balls.cap(24, 8, 0))):
        memory = built(24, 40_000, 8, space=space)
        make = signs if space is Space.BINARY else normal
        active = memory.active(make(1, 20, 24)).double().mean().item()
        assert active == pytest.approx(share, rel=0.03)


def test_expected_caps_are_what_neurons_on_the_sphere_share():
    memory = built(12, 60_000, 4, space=Space.CONTINUOUS)
    expected = SharedNeurons(12, radius=4, space=Space.CONTINUOUS, caps=True).double()
    key = normal(1, 5, 12)
    cue = key + 0.4 * normal(1, 5, 12, seed=2)
    value = torch.eye(5, 12).double()[None]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        counted, shares = (one.read(one.write(one.empty(1), key, value), cue) for one in (memory, expected))
    torch.testing.assert_close(counted, shares, atol=0.02, rtol=0)
    scaled = expected.read(expected.write(expected.empty(1), 3 * key, value), 5 * cue)
    close(scaled, shares, "longer keys and cues, the same")


def test_it_warns_when_it_is_full():
    memory = built(64, 500, 25)
    room = int(memory.capacity())
    assert 3 < room < 200
    pattern = signs(1, room + 1, 64)
    state = stored(memory, pattern[:, :room])
    with pytest.warns(
        UserWarning, match=f"{room + 1} patterns are more than the {room} that it can hold.*500 neurons"
    ):
        memory.write(state, pattern[:, room:], pattern[:, room:])


def test_neurons_at_all_addresses_are_full_at_last():
    """The formula for 2^n neurons; where that is no float, more than can be stored."""
    memory = SharedNeurons(16, radius=5)
    room = int(memory.capacity())
    assert memory.capacity() == balls.capacity(16, 2.0**16, balls.fraction(16, 5)) and 20 < room < 200
    pattern = signs(1, room + 1, 16).float()
    state = stored(memory, pattern[:, :room])
    about = f"SharedNeurons: {room + 1} patterns are more than the {room} that it can hold.*radius 5"
    with pytest.warns(UserWarning, match=about):
        memory.write(state, pattern[:, room:], pattern[:, room:])
    assert 1e100 < SharedNeurons(1200).capacity() < math.inf
    sphere = SharedNeurons(16, radius=5, space=Space.CONTINUOUS)
    stored(sphere, normal(1, room + 1, 16, dtype=torch.float32))  # attention over keys, of any number
    assert SharedNeurons(1).capacity() == SparseDistributed(1).capacity() == math.inf


def test_the_default_radius_is_reached():
    for size in (8, 64, 256):
        memory = SparseDistributed(size)
        assert memory.radius == max(1, balls.clear_radius(size, 1000, 100))
        assert math.isclose(
            memory.capacity(), balls.capacity(size, 1000, balls.fraction(size, memory.radius))
        )


def test_bad_input_is_refused():
    memory, sphere = built(8, 20, 3), built(8, 20, 3, space=Space.CONTINUOUS)
    good = torch.ones(1, 1, 8).double()
    with pytest.raises(BadInput, match=r"SparseDistributed: expected patterns of \+1 and -1, got 0.5"):
        memory.read(memory.empty(1), good / 2)
    with pytest.raises(
        BadInput, match=r"expected patterns that can be normalised, got one of zeros in \(1, 1, 8\)"
    ):
        sphere.write(sphere.empty(1), 0 * good, good)
    with pytest.raises(BadInput, match="SparseDistributed: expected patterns that can be normalised"):
        sphere.read(sphere.empty(1), 0 * good)
    shared = [SharedNeurons(8, space=space).double() for space in Space]
    for form in (shared[0].read, shared[0].settle):
        with pytest.raises(BadInput, match=r"SharedNeurons: expected patterns of \+1 and -1, got 0 in"):
            form(shared[0].empty(1), 0 * good)
    with pytest.raises(BadInput, match=r"SharedNeurons: expected finite key, got nan in \(1, 1, 8\)"):
        shared[0].write(shared[0].empty(1), math.nan * good, good)
    with pytest.raises(BadInput, match="SharedNeurons: expected patterns that can be normalised, got one of"):
        shared[1].write(shared[1].empty(1), 0 * good, good)
    with pytest.raises(BadInput, match=r"SharedNeurons: expected cue \(batch, many, 8\), got \(1, 1, 7\)"):
        shared[1].read(shared[1].empty(1), good[..., :7])
    with pytest.raises(BadInput, match="expected a radius above 0 and below half of 8 bits, got 4"):
        SparseDistributed(8, radius=4)
    with pytest.raises(BadInput, match="neurons must be a whole number of at least 1, not 0"):
        SparseDistributed(8, neurons=0)
    with pytest.raises(BadInput, match="SharedNeurons: expected a radius above 0"):
        SharedNeurons(8, radius=0)


@pytest.mark.parametrize("space", Space)
def test_a_radius_lies_below_half_of_the_bits_or_one_and_a_half(space: Space):
    for size, last in ((1, 1.5), (2, 1.5), (3, 1.5), (4, 2.0), (9, 4.5)):
        SparseDistributed(size, radius=last - 0.01, neurons=3, space=space)
        SparseDistributed(size, radius=0.01, neurons=3, space=space)
        for wrong in (last, 0.0, math.nan):
            with pytest.raises(BadInput, match=f"below half of {size} bits, got {wrong}"):
                SparseDistributed(size, radius=wrong, neurons=3, space=space)


def test_capacities_of_balls_and_of_caps():
    """A part of a bit reaches no further on the cube; on the sphere it does, and one bit is no sphere."""
    for radius in (5, 5.7):
        cube = SparseDistributed(16, radius=radius, neurons=300)
        assert cube.capacity() == balls.capacity(16, 300, balls.fraction(16, 5))
        sphere = SparseDistributed(16, radius=radius, neurons=300, space=Space.CONTINUOUS)
        assert sphere.capacity() == balls.capacity(16, 300, balls.cap(16, radius, 0.0))
    two = SparseDistributed(2, values=3, radius=1, neurons=300, space=Space.CONTINUOUS)
    assert two.capacity() == balls.capacity(3, 300, balls.cap(2, 1, 0.0))
    one = SparseDistributed(1, values=3, radius=1, neurons=300, space=Space.CONTINUOUS)
    assert one.capacity() == balls.capacity(3, 300, balls.fraction(1, 1))
    assert SparseDistributed(16, values=1).capacity() == math.inf
    assert SparseDistributed(16, values=2).capacity() < math.inf


def test_on_the_sphere_it_settles_by_directions():
    """Read, normalise, and again until none moves by a millionth; who reads nothing stays."""
    memory = SharedNeurons(6, radius=2, space=Space.CONTINUOUS).double()
    key = normal(1, 3, 6)
    state = stored(memory, key)
    cue = torch.cat([key + 0.5 * normal(1, 3, 6, seed=2), -key[:, :1]], 1)
    now, moved = cue, []
    while not moved or moved[-1] >= 1e-6:
        read = memory.read(state, now)
        norm = read.norm(dim=-1, keepdim=True)
        after = torch.where(norm > 0, read / norm.clamp(min=1e-300), now)
        moved.append(float((after - now).abs().max()))
        now = after
        close(memory.settle(state, cue, len(moved)), now, f"after {len(moved)} reads")
    assert len(moved) > 2
    close(memory.settle(state, cue), now, "settled")
    close(memory.settle(state, cue, 0), cue, "without a read")


def test_as_many_neurons_die_as_told():
    memory = built(4, 10, 1)
    state = torch.ones(1, 10, 5).double(), torch.tensor([3])
    for share, dead in ((0.0, 0), (0.24, 2), (0.26, 3), (0.99, 10), (1.0, 10)):
        left, stored = memory.without(state, share, torch.Generator().manual_seed(1))
        assert int((left == 0).all(-1).sum()) == dead and left.sum() == 5 * (10 - dead) and stored == 3


@pytest.mark.parametrize("space", Space)
def test_a_place_that_is_not_readable_has_no_weight(space: Space):
    """The shares of the others go to one, whatever lies there."""
    memory = SharedNeurons(16, radius=6 if space is Space.BINARY else 0.4, space=space).double()
    key = signs(1, 5, 16) if space is Space.BINARY else normal(1, 5, 16, seed=1).double()
    key = key if space is Space.BINARY else key / key.norm(dim=-1, keepdim=True)
    readable = torch.tensor([[[True, False, True, True, False]]])
    weight = memory.weigh(key, key, readable)
    assert not weight[..., ~readable[0, 0]].any()
    mine = weight[0, readable[0, 0]]  # cues that lie at what is readable
    close(mine.sum(-1), torch.ones(3, dtype=mine.dtype), "shares of what is readable, one")
