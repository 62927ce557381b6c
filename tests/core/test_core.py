"""The exact facts of core: the tangent, operators, states, scores, held-out batches, and its refusals."""

import math

import pytest
import torch
from torch import Tensor, nn

from tests.promises import normal
from wavetrain import core
from wavetrain.core import CLASSES, TOKENS, VALUES, Batch, HeldOut, Operator, Recorded, State
from wavetrain.errors import BadInput
from wavetrain.tasks.recall.adding import Adding


def test_tangent_is_the_jacobian_of_the_whole_map():
    """A step with a nested state whose second part grows, against reverse mode over the whole sequence."""
    weight = normal(3, 2, seed=2)

    def step(x: Tensor, state: State) -> tuple[Tensor, State]:
        h, (kept,) = state
        kept = torch.cat([kept, (x * h[:, :2]).unsqueeze(1)], 1)  # (B, S, 2)
        h = torch.tanh(x @ weight.T + h.roll(1, -1)) + kept.sum((1, 2))[:, None]
        return h * x[:, :1], (h, (kept,))

    x = normal(2, 5, 2)
    state = torch.full((2, 3), 0.3, dtype=x.dtype), (x.new_zeros(2, 0, 2),)

    def run(x: Tensor) -> Tensor:
        carried, outputs = state, []
        for now in x.unbind(1):
            y, carried = step(now, carried)
            outputs.append(y)
        return torch.stack(outputs, 1)

    blocks = core.tangent(step, x, state)  # (B, T, D, T, I)
    jacobian = torch.autograd.functional.jacobian(run, x)  # (B, T, D, B, T, I)
    for row in range(2):
        torch.testing.assert_close(blocks[row], jacobian[row, :, :, row])
    assert not blocks[:, 1, :, 2:].any(), "a block above the diagonal is not zero"


def test_tangent_of_a_linear_map_is_its_matrix_power():
    """h = A h + V x, y = h: the block (t, s) is A^(t - s) V, whatever x is."""
    a, v = normal(3, 3, seed=1) / 2, normal(3, 2, seed=2)

    def step(x: Tensor, state: State) -> tuple[Tensor, State]:
        h = state @ a.T + x @ v.T
        return h, h

    blocks = core.tangent(step, normal(1, 6, 2), normal(1, 3))
    for t in range(6):
        for s in range(t + 1):
            torch.testing.assert_close(blocks[0, t, :, s], torch.linalg.matrix_power(a, t - s) @ v)


def test_operator_mixes_values_and_has_a_strength():
    weight, value = normal(2, 3, 4, 4).tril(), normal(2, 4, 3, 5)
    operator = Operator(weight, value)
    mixed = operator.mix()
    for b, t, h in ((0, 0, 0), (1, 3, 2), (0, 2, 1)):
        expected = sum(weight[b, h, t, s] * value[b, s, h] for s in range(4))
        torch.testing.assert_close(mixed[b, t, h], expected)
    torch.testing.assert_close(operator.strength(), (weight**2).sum(1).sqrt())
    assert operator.exact


def test_map_state_goes_through_tuples_and_walks_several_together():
    one, two = torch.ones(2), torch.full((3,), 2.0)
    state = (one, (two, (one,)))
    assert [len(leaf) for leaf in core.leaves(state)] == [2, 3, 2]
    doubled = core.map_state(lambda part: 2 * part, state)
    assert torch.equal(doubled[1][0], 2 * two) and isinstance(doubled[1][1], tuple)
    summed = core.map_state(lambda a, b, c: a + b + c, state, doubled, state)
    assert torch.equal(summed[1][1][0], 4 * one)
    assert torch.equal(core.map_state(torch.neg, one), -one) and core.leaves(one) == [one]
    with pytest.raises(ValueError):
        core.map_state(torch.add, state, (one,))


@pytest.mark.parametrize(
    ("number", "limit", "expected"),
    [(8, 2, 2), (7, 2, 1), (7, 7, 7), (12, 5, 4), (1, 9, 1), (6, 0.4, 1), (600, 6.1, 6), (64, 100, 64)],
)
def test_divisor(number: int, limit: float, expected: int):
    assert core.divisor(number, limit) == expected


@pytest.mark.parametrize("bad", [0, -3, 2.0, "8", None])
def test_sizes_are_whole_numbers_above_zero(bad: object):
    core.check_width("Name", width=1, inputs=3)
    with pytest.raises(BadInput, match=f"Name: inputs must be a whole number of at least 1, not {bad!r}"):
        core.check_width("Name", width=1, inputs=bad)  # type: ignore[arg-type]


def test_scores():
    y = torch.tensor([[0, 1], [2, 2]])
    right = 9.0 * nn.functional.one_hot(y, 3)
    assert core.accuracy(right, y) == 1 and core.accuracy(right.roll(1, -1), y) == 0
    half = right.clone()
    half[0] = half[0].roll(1, -1)
    assert CLASSES.score(half, y) == 0.5
    assert math.isclose(TOKENS.score(torch.zeros(2, 2, 3), y), math.log(3), rel_tol=1e-6)
    assert TOKENS.higher is False and CLASSES.higher and VALUES.higher
    values = normal(10, 4, 2)
    assert core.explained(values, values) == 1
    assert core.explained(values.mean((0, 1)).expand_as(values), values).abs() < 1e-12
    assert core.explained(values + 3, values) < 0
    assert VALUES.loss(values + 2, values) == pytest.approx(4)
    assert core.majority(torch.tensor([1, 1, 0, 2])) == 0.5


def test_what_is_held_out_is_drawn_by_no_seed_that_is_used():
    """torch keeps the low 32 bits of a seed, so that a large seed may be a small one in disguise."""
    task = Adding(length=6)
    for part in (task.valid(), task.test()):
        assert len(part.x) == Adding.held_out
        for seed in range(2000):
            first = task.draw(1, torch.Generator().manual_seed(seed)).x[0, :, 0]
            assert not torch.equal(first, part.x[0, :, 0]), f"seed {seed}"


def test_each_part_that_is_held_out_has_its_own_generator():
    """The seeds of all results that are published, so that no figure of them moves."""
    seeds = [part.generator().initial_seed() for part in HeldOut]
    assert seeds == [2**32 - 1, 2**32 - 2, 2**32 - 3]
    task = Adding(length=6)
    for part, seed in zip((task.valid(), task.test()), seeds, strict=False):
        assert torch.equal(part.x, task.draw(1000, torch.Generator().manual_seed(seed)).x)


def test_facts_that_follow_from_fields_are_set_once():
    task = Adding(length=6)
    task.set_facts(inputs=7, tokens=False, chance=0.0)
    assert (task.inputs, task.outputs, task.tokens, task.chance) == (7, 1, False, 0.0)
    with pytest.raises(AttributeError, match="cannot assign"):
        task.inputs = 3
    assert repr(task) == "Adding(length=6)"


def test_recordings_are_drawn_with_replacement_from_the_training_part():
    parts = [Batch(torch.full((n, 4, 1), float(n)), torch.zeros(n, dtype=torch.long)) for n in (3, 2, 1)]
    parts[0].x[:, 0, 0] = torch.arange(3.0)
    task = Recorded(
        *parts, inputs=1, outputs=2, tokens=False, every_step=False, objective=CLASSES, chance=1.0
    )
    drawn = task.draw(300, torch.Generator().manual_seed(0))
    assert drawn.x.shape == (300, 4, 1) and drawn.y.shape == (300,)
    counts = drawn.x[:, 0, 0].long().bincount()
    assert len(counts) == 3 and counts.min() > 70
    assert (task.valid(), task.test()) == (parts[1], parts[2])
    assert drawn.to(torch.device("meta")).x.device.type == "meta"


class Leak(core.Nonlinear):
    """What a beginner writes: h_t = h_{t-1} / 2 + x_t, and nothing else."""

    def begin(self, batch: int) -> State:
        return torch.zeros(batch, self.width)

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        h = state / 2 + x
        return h, h


def test_a_layer_of_begin_and_step_alone_has_all_three_forms():
    layer, x = Leak(1), torch.tensor([[[8.0], [0.0], [4.0]]])
    y, state = layer(x)
    assert y.flatten().tolist() == [8, 4, 6] and state.item() == 6
    assert layer(x, state)[0].flatten().tolist() == [11, 5.5, 6.75]
    torch.testing.assert_close(
        layer.operator(x).weight[0, 0], torch.tensor([[1, 0, 0], [0.5, 1, 0], [0.25, 0.5, 1]])
    )
    assert Leak(5).inputs == 5 and Leak(5, inputs=2).inputs == 2


def test_what_a_layer_is_built_with_and_given_is_checked_for_all():
    with pytest.raises(BadInput, match="Leak: inputs must be a whole number of at least 1, not 0"):
        Leak(3, inputs=0)
    for form in (Leak(3), Leak(3).operator):
        with pytest.raises(BadInput, match=r"Leak: expected x \(batch, time, 3\), got \(2, 5, 4\)"):
            form(torch.zeros(2, 5, 4))


def test_forward_belongs_to_the_base():
    with pytest.raises(
        BadInput, match=r"Old: expected whole\(x, state\) for the whole sequence, got forward"
    ):

        class Old(Leak):
            def forward(self, x: Tensor, state: State = None) -> tuple[Tensor, State]:  # type: ignore[misc]
                return x, state
