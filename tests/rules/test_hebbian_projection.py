"""Hebbian projection: what is protected, what its neurons learn, and what it is without any."""

import pytest
import torch
from torch import Tensor, nn

from tests.promises import close, normal
from wavetrain.core import CLASSES, VALUES, Batch
from wavetrain.errors import BadInput
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.parts.reader import Reader
from wavetrain.rules._inputs import inputs_of
from wavetrain.rules.backpropagation import Backpropagation
from wavetrain.rules.hebbian_projection import HebbianProjection
from wavetrain.spiking.lif import LIF

WIDE = 10


def perceptron(bias: bool = False, inputs: int = WIDE, outputs: int = 3) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(inputs, 8, bias=bias), nn.ReLU(), nn.Linear(8, outputs, bias=bias)
    ).double()


def batch(seed: int = 1, many: int = 12) -> Batch:
    return Batch(normal(many, WIDE, seed=seed), torch.arange(many) % 3)


def axes(wide: int = WIDE, seed: int = 9) -> Tensor:
    """Orthonormal rows."""
    return torch.linalg.qr(normal(wide, wide, seed=seed))[0].mT


def with_energies(energies: Tensor, seed: int = 9) -> Tensor:
    """A batch whose second moments are exactly these along `axes`, with an equal share of each sign."""
    x = (len(energies) * energies).sqrt()[:, None] * axes(len(energies), seed)
    return torch.cat([x, -x])


def angle(rows: Tensor, wanted: Tensor) -> float:
    """The largest principal angle between what rows span, in degrees."""
    cosines = torch.linalg.svdvals(torch.linalg.qr(rows.mT)[0].mT @ wanted.mT)
    return float(torch.rad2deg(torch.arccos(cosines.min().clamp(max=1.0))))


def taught(rule: HebbianProjection, x: Tensor, batches: int) -> Tensor:
    """The rows after so many batches of the same inputs to one map."""
    torch.manual_seed(3)
    for _ in range(batches):
        rule.see({"map": x})
    return rule.new["map"]


def gradients(rule: HebbianProjection | Backpropagation, network: nn.Module, data: Batch) -> list[Tensor]:
    network.zero_grad()
    rule.learn(network, data, CLASSES.loss)
    return [one.grad.clone() for one in network.parameters() if one.grad is not None]


def holding(**rows: Tensor) -> HebbianProjection:
    """A rule for which a first task is over, with these rows of the two maps of a perceptron."""
    rule = HebbianProjection(1)
    rule.over({"0.weight": rows["first"], "2.weight": rows["second"]})
    return rule


# --- protection -----------------------------------------------------------------------------------------


def test_old_outputs_stay_exactly():
    """Both maps hold orthonormal rows that span what old inputs send in: no update changes old outputs."""
    network, old = perceptron(), normal(2, WIDE, seed=5)
    hidden = network[1](network[0](old)).detach()
    first, second = (torch.linalg.qr(one.mT)[0].mT for one in (old, hidden))
    rule, before = holding(first=first, second=second), network(old).detach()
    updates = torch.optim.SGD(network.parameters(), 0.5)
    for seed in range(20):
        updates.zero_grad()
        rule.learn(network, batch(seed), CLASSES.loss)
        updates.step()
    close(network(old).detach(), before, "outputs for old inputs")
    assert not torch.allclose(network(batch().x), perceptron()(batch().x), atol=0.1), "it learned nothing"


def test_an_update_has_no_part_in_what_is_held():
    rule = holding(first=axes()[:4], second=axes(8)[:3])
    for gradient, rows in zip(gradients(rule, perceptron(), batch()), rule.basis.values(), strict=True):
        close(gradient @ rows.mT, gradient.new_zeros(len(gradient), len(rows)), "gradient along held rows")
        assert gradient.abs().max() > 1e-3


def test_the_projected_gradient_is_that_of_projected_inputs():
    """Of the last map: sum of delta x_o', written out."""
    network, rule = perceptron(), holding(first=axes()[:4], second=axes(8)[:3])
    data, rows = batch(), rule.basis["2.weight"]
    x = network[1](network[0](data.x)).detach()
    delta = (network[2](x).softmax(-1).detach() - nn.functional.one_hot(data.y, 3)) / len(x)
    close(gradients(rule, network, data)[1], delta.mT @ (x - x @ rows.mT @ rows), "gradient by hand")


def test_what_goes_back_to_lower_maps_is_not_projected():
    """With nothing held of the first map its gradient is the plain one, whatever the second holds."""
    rule = holding(first=axes()[:0], second=axes(8)[:8])
    ours, plain = (gradients(one, perceptron(), batch()) for one in (rule, Backpropagation()))
    close(ours[0], plain[0], "gradient of the lower map")
    assert ours[1].abs().max() < 1e-12 < plain[1].abs().max()


def test_as_many_rows_as_inputs_leave_no_update():
    for gradient in gradients(holding(first=axes(), second=axes(8)), perceptron(), batch()):
        close(gradient, torch.zeros_like(gradient), "gradient with all directions held")


def test_without_rows_it_is_backpropagation():
    """Bit for bit, over three tasks."""
    ends = []
    for rule in (HebbianProjection(0), Backpropagation()):
        network = perceptron()
        updates = torch.optim.SGD(network.parameters(), 0.1)
        for seed in range(6):
            updates.zero_grad()
            rule.learn(network, batch(seed), CLASSES.loss)
            updates.step()
            if isinstance(rule, HebbianProjection) and seed % 2:
                rule.remember()
        ends.append(network.state_dict())
    torch.testing.assert_close(ends[0], ends[1], rtol=0, atol=0)


def test_the_present_task_is_not_blocked():
    """Its own rows project nothing before it is over, however well they are learned."""
    rule = HebbianProjection(8, rate=0.1)
    for _ in range(20):
        ours = gradients(rule, perceptron(), batch())
    close(ours, gradients(Backpropagation(), perceptron(), batch()), "gradient on the first task")


def test_gradients_add_up_unprojected_to_those_that_are_there():
    rule, network = holding(first=axes()[:4], second=axes(8)[:3]), perceptron()
    once = gradients(rule, network, batch())
    network.zero_grad()
    for parameter in network.parameters():
        parameter.grad = torch.ones_like(parameter)
    rule.learn(network, batch(), CLASSES.loss)
    close([one.grad - 1 for one in network.parameters()], once, "what was added")


def test_what_is_no_weight_of_a_map_is_held_still_from_the_second_task_on():
    network, rule = perceptron(bias=True), HebbianProjection(2)
    assert all(one.abs().max() > 0 for one in gradients(rule, network, batch()))
    rule.remember()
    still = [one.abs().max() == 0 for one in gradients(rule, network, batch())]
    assert still == [False, True, False, True]


def test_a_fused_recurrence_is_held_still_and_its_reader_protected():
    torch.manual_seed(0)
    network = Reader(Elman(6, inputs=3), 2, every_step=True)
    rule, data = HebbianProjection(2), Batch(torch.randn(4, 7, 3), torch.randn(4, 7, 2))
    rule.learn(network, data, VALUES.loss)
    assert list(rule.new) == ["read.weight"] and rule.new["read.weight"].shape == (2, 6)
    rule.remember()
    network.zero_grad()
    rule.learn(network, data, VALUES.loss)
    moves = {name for name, one in network.named_parameters() if one.grad.any()}
    assert moves == {"read.weight"}


def test_inputs_of_all_steps_and_of_all_calls_are_seen():
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False)
            self.two.weight = self.one.weight

        def forward(self, x: Tensor) -> Tensor:
            return self.two(self.one(x))

    torch.manual_seed(0)
    network = Twice().double()
    x = normal(3, 5, 4)
    seen = inputs_of(network, x)
    close(seen["one.weight"], torch.cat([x.flatten(0, 1), network.one(x).flatten(0, 1)]), "inputs")


def test_spiking_layers_are_maps_too():
    """They use their weights without calling them: what comes in at each step is seen, and is protected."""
    torch.manual_seed(0)
    layer = LIF(4, inputs=3, tau=5.0)
    network = Reader(layer, outputs=2, every_step=True)
    x = (torch.rand(2, 30, 3) < 0.5).float()
    seen = inputs_of(network, x)
    assert torch.equal(seen["layer.encode.weight"], x.flatten(0, 1))
    assert torch.equal(seen["read.weight"], layer(x)[0].flatten(0, 1))


def test_rows_that_are_drawn_apart_stay_apart():
    """Orthogonal to rows that are held, they are so after learning; the others first have to lose them."""
    energies = torch.tensor([6.0, 5.0, 4.0, 3.0, 2.0, 1.0, 1.0, 1.0, 0.5, 0.5]).double()
    overlaps = []
    for apart in (False, True):
        rule = HebbianProjection(4, rate=0.02, apart=apart)
        rule.over({"map": axes()[:4]})
        rows = taught(rule, with_energies(energies), 5)
        overlaps.append(float((rows @ axes()[:4].mT).norm()))
    assert overlaps[0] > 0.1 and overlaps[1] < 1e-12


def test_a_new_head_is_free():
    network = perceptron()
    rule = HebbianProjection(2)
    rule.learn(network, batch(), CLASSES.loss)
    rule.remember()
    torch.manual_seed(8)
    network.append(nn.Linear(3, 3, bias=False).double())
    ours, plain = (gradients(one, network, batch()) for one in (rule, Backpropagation()))
    close(ours[2], plain[2], "gradient of a map that no old task used")
    assert rule.new["3.weight"].shape == (2, 3)


# --- what the neurons learn -----------------------------------------------------------------------------


def test_rows_of_an_invariant_subspace_stay():
    """Any orthonormal rows that span directions of the second moments are a fixed point."""
    x = with_energies(torch.linspace(1.0, 4.0, WIDE, dtype=torch.float64))
    turn = torch.linalg.qr(normal(3, 3, seed=2))[0]
    rows = turn @ axes()[[1, 4, 7]]
    rule = HebbianProjection(3, rate=0.5)
    rule.new, rule.momentum = {"map": rows.clone()}, {"map": torch.zeros_like(rows)}
    rule.see({"map": x})
    close(rule.new["map"], rows, "rows at a fixed point")


def test_the_principal_subspace_is_learned():
    """Without noise and with a gap of 2: the angle goes to 0, and the rows become orthonormal."""
    energies = torch.cat([torch.full((3,), 2.0), torch.full((7,), 1.0)]).double()
    rows = taught(HebbianProjection(3, rate=0.1), with_energies(energies), 200)
    assert angle(rows, axes()[:3]) < 0.01
    square, projector = rows @ rows.mT, rows.mT @ rows
    assert (square - torch.eye(3).double()).norm() < 1e-6
    close(projector @ projector, projector, "projector, twice")
    assert torch.linalg.matrix_rank(projector) == 3 and projector.trace() == pytest.approx(3)


def test_the_principal_subspace_is_learned_from_gaussian_batches():
    """Eigenvalues 2 against 1, a new batch each time, a small rate: within 5 degrees of the exact one."""
    draw, rule = torch.Generator().manual_seed(4), HebbianProjection(4, rate=0.003)
    scales = torch.cat([torch.full((4,), 2.0), torch.full((8,), 1.0)]).double().sqrt()
    torch.manual_seed(3)
    for _ in range(800):
        x = torch.randn(128, 12, generator=draw, dtype=torch.float64)
        rule.see({"map": (x * scales) @ axes(12)})
    rows = rule.new["map"]
    assert angle(rows, axes(12)[:4]) < 5
    assert (rows @ rows.mT - torch.eye(4).double()).norm() < 0.05


def test_new_rows_learn_what_old_ones_leave():
    energies = torch.tensor([6.0, 5.0, 4.0, 3.0, 2.0, 1.0, 1.0, 1.0, 0.5, 0.5]).double()
    rule = HebbianProjection(2, then=3, rate=0.1)
    rule.over({"map": axes()[:2]})
    rows = taught(rule, with_energies(energies), 400)
    assert angle(rows, axes()[2:5]) < 0.01
    rule.remember()
    held = rule.basis["map"]
    close(held[:2], axes()[:2], "rows that were frozen")
    assert held.shape == (5, WIDE) and angle(held, axes()[:5]) < 0.01


def test_a_step_by_hand():
    """D, its cut at 10, momentum and rate, for one repeat."""
    rule = HebbianProjection(1, rate=0.5, repeats=1)
    rule.new = {"map": torch.tensor([[1.0, 0.0]], dtype=torch.float64)}
    rule.momentum = {"map": torch.tensor([[0.2, 0.0]], dtype=torch.float64)}
    rule.see({"map": torch.tensor([[2.0, 1.0], [2.0, 20.0]]).double()})
    # Y = (2, 2), X - Y H = ((0, 1), (0, 20)), D = (0, 21), cut (0, 10), P = 0.9 (0.2, 0) + 0.1 (0, 10)
    close(rule.new["map"], torch.tensor([[1.09, 0.5]], dtype=torch.float64), "row, by hand")


def test_a_rate_of_0_learns_nothing_and_repeats_are_steps():
    x = with_energies(torch.linspace(1.0, 4.0, WIDE, dtype=torch.float64))
    still = taught(HebbianProjection(2, rate=0.0), x, 5)
    close(still @ still.mT, torch.eye(2).double(), "rows as they were drawn")
    five, one = (HebbianProjection(2, rate=0.01, repeats=repeats) for repeats in (5, 1))
    close(taught(five, x, 1), taught(one, x, 5), "rows after five steps")


def test_rows_end_where_a_map_has_as_many_as_inputs():
    network, rule = perceptron(), HebbianProjection(7)
    for rows in ([7, 7], [10, 8], [10, 8]):
        rule.learn(network, batch(), CLASSES.loss)
        rule.remember()
        assert [len(one) for one in rule.basis.values()] == rows


def test_rows_and_rates_may_differ_between_maps():
    network, rule = perceptron(), HebbianProjection((4, 2), then=(1, 3), rate=(0.0, 0.1))
    for rows in ([4, 2], [5, 5]):
        rule.learn(network, batch(), CLASSES.loss)
        rule.remember()
        assert [len(one) for one in rule.basis.values()] == rows
    drawn = rule.basis["0.weight"][:4]
    close(drawn @ drawn.mT, torch.eye(4).double(), "rows as drawn, where the rate is 0")
    learned = rule.basis["2.weight"][:2]
    assert (learned @ learned.mT - torch.eye(2).double()).norm() > 1e-3


def test_two_tasks_in_different_directions():
    """Regression in turn: with the rule the first is kept, without it is lost, and both learn the second."""

    def losses(rows: int) -> list[float]:
        torch.manual_seed(0)
        network = nn.Linear(WIDE, 1, bias=False).double()
        rule, updates = HebbianProjection(rows, rate=0.05), torch.optim.SGD(network.parameters(), 0.05)
        first, second = axes()[:4], axes()[2:6]  # they share two directions
        tasks = []
        for seed, span in ((1, first), (2, second)):
            x = normal(60, 4, seed=seed) @ span
            tasks.append(Batch(x, x @ normal(WIDE, 1, seed=seed + 5)))
        for task in tasks:
            for _ in range(300):
                updates.zero_grad()
                rule.learn(network, task, VALUES.loss)
                updates.step()
            rule.remember()
        with torch.no_grad():
            return [float(VALUES.loss(network(task.x), task.y)) for task in tasks]

    kept, lost = losses(4), losses(0)
    assert kept[0] < 1e-3 and lost[0] > 0.5
    assert lost[1] < 1e-3 < kept[1], "what is shared is held for the first task"


# --- what is refused ------------------------------------------------------------------------------------


def test_bad_input_is_refused():
    for rows in (-1, (3, -1), 2.5):
        with pytest.raises(BadInput, match="HebbianProjection: expected rows of at least 0, got"):
            HebbianProjection(rows)
    with pytest.raises(BadInput, match="expected rates of at least 0, got -1"):
        HebbianProjection(1, rate=-1.0)
    with pytest.raises(BadInput, match="repeats must be a whole number of at least 1, not 0"):
        HebbianProjection(1, repeats=0)
    with pytest.raises(BadInput, match="a task that was learned before it is remembered"):
        HebbianProjection(1).remember()
    with pytest.raises(BadInput, match=r"rows for 2 maps \(0.weight, 2.weight\), got 3"):
        HebbianProjection((1, 1, 1)).learn(perceptron(), batch(), CLASSES.loss)
    with pytest.raises(BadInput, match="and 3 rates"):
        HebbianProjection(1, rate=(0.1, 0.1, 0.1)).learn(perceptron(), batch(), CLASSES.loss)
    with pytest.raises(BadInput, match="a network with a linear map that learns, got Scale"):
        HebbianProjection(1).learn(Scale(), batch(), CLASSES.loss)


class Scale(nn.Module):
    """Learns, but not by a linear map."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(WIDE).double())

    def forward(self, x: Tensor) -> Tensor:
        return self.gain * x
