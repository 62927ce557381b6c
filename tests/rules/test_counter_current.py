"""Counter-current learning: updates by hand, what each level teaches, and what the rule never looks at."""

import itertools
import math
from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.promises import close, normal
from tests.rules.grads import grads, off
from wavetrain.core import CLASSES, Batch
from wavetrain.core.terms import Sight
from wavetrain.layers import GRU
from wavetrain.parts.reader import Reader
from wavetrain.rules.backpropagation import Backpropagation
from wavetrain.rules.counter_current import CounterCurrent, Match
from wavetrain.testing import check_rule
from wavetrain.testing.peak import Peak
from wavetrain.testing.tools import refused

SIZES = (5, 7, 6, 4)
X, Y = normal(12, 5), torch.arange(12) % 4


def chain(bias: bool = False, sizes: tuple[int, ...] = SIZES, seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    maps = [nn.Linear(one, other, bias=bias) for one, other in itertools.pairwise(sizes)]
    return nn.Sequential(*(part for one in maps[:-1] for part in (one, nn.ELU())), maps[-1]).double()


def elu_slope(a: Tensor) -> Tensor:
    """The derivative of ELU, from its value."""
    return torch.where(a > 0, torch.ones_like(a), a + 1)


def changed(rule: CounterCurrent, network: nn.Module, batch: Batch) -> list[Tensor]:
    """The step of each feedback map."""
    rule.meet(network, batch)
    before = [one.detach().clone() for one in rule.back]
    network.zero_grad()
    rule.learn(network, batch, CLASSES.loss)
    return [one.detach() - old for one, old in zip(rule.back, before, strict=True)]


# --- updates ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bias", [False, True])
def test_the_updates_by_hand(bias: bool):
    """Three maps: those of both networks, without autograd."""
    network, rule = chain(bias), CounterCurrent(rate=0.5, clip=None, seed=3)
    rule.meet(network, Batch(X, Y))
    v1, v2, v3 = (one.detach().clone() for one in rule.back)
    steps = changed(rule, network, Batch(X, Y))
    with torch.no_grad():
        a1 = F.elu(network[0](X))
        a2 = F.elu(network[2](a1))
        b3 = torch.eye(4, dtype=torch.float64)
        b2 = F.elu(b3 @ v3.T)
        b1 = F.elu(b2 @ v2.T)
        b0 = b1 @ v1.T
        asked = F.one_hot(Y, 4).double()

        def slope(a: Tensor, b: Tensor) -> Tensor:
            """Of 128 / d mean (a b' - Y)^2 by the products."""
            return 128 / a.shape[1] * 2 * (a @ b.T - asked) / asked.numel()

        error = (network[4](a2).softmax(-1) - asked) / len(X)
        for place, about, came in (
            (0, (slope(a1, b1) @ b1) * elu_slope(a1), X),
            (2, (slope(a2, b2) @ b2) * elu_slope(a2), a1),
            (4, error, a2),
        ):
            close(network[place].weight.grad, about.T @ came, f"forward map {place}")
            if bias:
                close(network[place].bias.grad, about.sum(0), f"bias {place}")
        for step, about, came in (
            (steps[0], slope(X, b0).T @ X, b1),
            (steps[1], (slope(a1, b1).T @ a1) * elu_slope(b1), b2),
            (steps[2], (slope(a2, b2).T @ a2) * elu_slope(b2), b3),
        ):
            close(step, -0.5 * about.T @ came, "feedback map")


@pytest.mark.parametrize("match", list(Match))
def test_each_level_teaches_one_map_of_either_network(match: Match):
    """The sum of all losses, with gradients cut at each map's input, has the same gradient as the rule."""
    network, rule = chain(), CounterCurrent(rate=1.0, clip=None, match=match)
    rule.meet(network, Batch(X, Y))
    back = [one.detach().clone().requires_grad_() for one in rule.back]
    steps = changed(rule, network, Batch(X, Y))
    forward = [one.weight.detach().clone().requires_grad_() for one in network if isinstance(one, nn.Linear)]
    a, b = [X], [torch.eye(4, dtype=torch.float64)]
    for place, weight in enumerate(forward):
        y = a[-1].detach() @ weight.T
        a.append(F.elu(y) if place < 2 else y)
    for place in (2, 1, 0):
        y = b[0].detach() @ back[place].T
        b.insert(0, F.elu(y) if place else y)
    losses = [rule.compare(a[level], b[level], F.one_hot(Y, 4).double()) for level in range(3)]
    losses.append(F.cross_entropy(a[3], Y))
    touched = [
        [
            one is not None and bool(one.any())
            for one in torch.autograd.grad(loss, forward + back, retain_graph=True, allow_unused=True)
        ]
        for loss in losses
    ]
    assert torch.tensor(touched).int().tolist() == [
        [0, 0, 0, 1, 0, 0],
        [1, 0, 0, 0, 1, 0],
        [0, 1, 0, 0, 0, 1],
        [0, 0, 1, 0, 0, 0],
    ]
    found = torch.autograd.grad(sum(losses), forward + back)
    weights = [one.weight.grad for one in network if isinstance(one, nn.Linear)]
    close([*weights, *(-one for one in steps)], list(found), "updates of both networks")


def test_the_last_map_learns_as_by_backpropagation():
    network = chain(bias=True)
    grads(CounterCurrent(), network, Batch(X, Y), CLASSES.loss)
    weight, bias, hidden = network[4].weight.grad, network[4].bias.grad, network[0].weight.grad
    grads(Backpropagation(), network, Batch(X, Y), CLASSES.loss)
    close((weight, bias), (network[4].weight.grad, network[4].bias.grad), "last map")
    assert off(hidden, network[0].weight.grad) > 0.1


def test_steps_of_sequences_are_rows():
    network = chain()
    flat = grads(CounterCurrent(), network, Batch(X, Y), CLASSES.loss)
    assert torch.equal(
        grads(CounterCurrent(), network, Batch(X.view(3, 4, 5), Y.view(3, 4)), CLASSES.loss), flat
    )


def test_updates_add_up_until_they_are_cleared():
    network, rule = chain(), CounterCurrent(rate=0.0)
    once = grads(rule, network, Batch(X, Y), CLASSES.loss)
    rule.learn(network, Batch(X, Y), CLASSES.loss)
    close(torch.cat([one.grad.flatten() for one in network.parameters()]), 2 * once, "after two")


# --- losses of a level --------------------------------------------------------------------------------


def test_activity_that_is_constant_stops_at_nine_hundredths():
    """Of ten balanced classes the best constant product is 0.1, with a squared error of 0.09."""
    asked, rule = torch.eye(10, dtype=torch.float64).repeat(3, 1), CounterCurrent()
    a, b = torch.ones(30, 8, dtype=torch.float64), torch.full((10, 8), 0.1 / 8, dtype=torch.float64)
    assert float(rule.compare(a, b, asked)) == pytest.approx(0.09 * 256 * 0.5 / 8)
    for other in (0.05, 0.15):
        assert float(rule.compare(a, other / 0.1 * b, asked)) > float(rule.compare(a, b, asked))


def test_normalised_rows_may_have_any_length():
    rule, asked = CounterCurrent(match=Match.NORMALISED), F.one_hot(Y, 4).double()
    a, b = normal(12, 7), normal(4, 7, seed=2)
    longer = a * normal(12, 1, seed=3).abs(), b * normal(4, 1, seed=4).abs()
    close(rule.compare(*longer, asked), rule.compare(a, b, asked), "loss, of rows of other lengths")
    assert float(rule.compare(a, b, asked)) <= 4 + 2  # all products are from -1 to 1


def test_the_two_terms_of_normalised_rows_are_in_conflict():
    """Where each class has its own orthonormal row in both networks, what is left is said by the counts."""
    rule, y = CounterCurrent(match=Match.NORMALISED), torch.tensor([0, 0, 0, 1, 1, 2, 3])
    rows = torch.linalg.qr(normal(6, 6))[0][:4]
    counts = y.bincount()
    left = 0.5 * float((counts**2).sum() - len(y)) / len(y) ** 2
    assert float(rule.compare(rows[y], rows, F.one_hot(y, 4).double())) == pytest.approx(left)
    plain = CounterCurrent()
    assert float(plain.compare(rows[y], rows, F.one_hot(y, 4).double())) == pytest.approx(0.0, abs=1e-20)


# --- the feedback network -----------------------------------------------------------------------------


def test_the_bank_has_a_row_for_each_class_and_mirrored_widths():
    rule = CounterCurrent()
    assert rule.bank() == []
    rule.meet(chain(), Batch(X, Y))
    assert [tuple(one.shape) for one in rule.bank()] == [(4, 5), (4, 7), (4, 6), (4, 4)]
    assert torch.equal(rule.bank()[-1], torch.eye(4, dtype=torch.float64))
    assert not any(one.requires_grad for one in rule.bank())


def test_feedback_starts_as_linear_maps_do_and_not_as_the_forward_network():
    network = chain(sizes=(300, 200, 200, 10))
    rule = CounterCurrent(seed=0)
    rule.meet(network, Batch(normal(2, 300), torch.arange(2)))
    for one, fan_in in zip([one.detach() for one in rule.back], (200, 200, 10), strict=True):
        assert one.shape[1] == fan_in and float(one.abs().max()) <= fan_in**-0.5
        assert float(one.std()) == pytest.approx((3 * fan_in) ** -0.5, rel=0.05)
    torch.manual_seed(0)  # a network of the same seed
    for one, other in zip(rule.back, network[::2], strict=True):
        both = torch.stack([one.detach().flatten(), other.weight.detach().flatten()])
        assert abs(float(torch.corrcoef(both)[0, 1])) < 0.1
    again, third = CounterCurrent(seed=0), CounterCurrent(seed=1)
    for rule_of in (again, third):
        rule_of.meet(network, Batch(normal(2, 300), torch.arange(2)))
    assert torch.equal(rule.back[1], again.back[1]) and not torch.equal(rule.back[1], third.back[1])


def test_a_rate_of_zero_freezes_it():
    assert all(not one.any() for one in changed(CounterCurrent(rate=0.0), chain(), Batch(X, Y)))


def test_its_steps_are_clipped():
    batch = Batch(X, Y)
    free = torch.cat([one.flatten() for one in changed(CounterCurrent(rate=0.5, clip=None), chain(), batch)])
    cut = torch.cat([one.flatten() for one in changed(CounterCurrent(rate=0.5, clip=0.01), chain(), batch)])
    assert free.norm() > 0.01
    assert off(cut, 0.005 * free / free.norm()) < 1e-4


def test_meeting_a_network_teaches_nothing():
    network, rule = chain(), CounterCurrent()
    rule.meet(network, Batch(X, Y))
    assert all(one.grad is None for one in network.parameters())
    assert torch.equal(
        grads(rule, network, Batch(X, Y), CLASSES.loss),
        grads(CounterCurrent(), network, Batch(X, Y), CLASSES.loss),
    )


# --- what it looks at ---------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{"match": Match.NORMALISED}, {"confident": 0.5}, {"rate": 0.0}])
def test_the_contract_holds_for_all_options(options: dict):
    check_rule(partial(CounterCurrent, **options))


def test_it_is_blind_to_later_layers_unless_it_asks_how_sure_the_network_is():
    network = chain()
    both = {Sight.FORWARD_WEIGHTS, Sight.LATER_LAYERS}
    assert set(CounterCurrent().terms(network).blind) == both
    assert set(CounterCurrent(confident=0.1).terms(network).blind) == {Sight.FORWARD_WEIGHTS}
    assert CounterCurrent().terms(network).unseen == {"0.weight", "2.weight", "4.weight"}


def test_feedback_learns_without_forward_weights_too():
    """They are drawn anew when the loss is asked for: nothing of either network's update changes."""
    batch, steps = Batch(X, Y), []
    for anew in (False, True):
        network, rule = chain(), CounterCurrent()
        rule.meet(network, batch)
        before = [one.detach().clone() for one in rule.back]

        def loss(outputs: Tensor, answers: Tensor, network=network, anew=anew) -> Tensor:
            value = CLASSES.loss(outputs, answers)
            if anew:
                for one in network.parameters():
                    one.data.normal_()
            return value

        rule.learn(network, batch, loss)
        steps.append([one.detach() - old for one, old in zip(rule.back, before, strict=True)])
    assert all(torch.equal(one, other) for one, other in zip(*steps, strict=True))


def test_examples_that_are_sure_teach_no_level():
    """They count as zeros: the others teach as they would alone, their share of the batch being smaller."""
    network = chain()
    with torch.no_grad():
        network[4].weight.mul_(60)
        right = network(X).softmax(-1)[range(12), Y]
    sure = right >= 0.9
    assert 0 < int(sure.sum()) < 12
    grads(CounterCurrent(confident=0.1), network, Batch(X, Y), CLASSES.loss)
    found = [network[place].weight.grad for place in (0, 2)]
    grads(CounterCurrent(), network, Batch(X[~sure], Y[~sure]), CLASSES.loss)
    share = float((~sure).double().mean())
    close(found, [share * network[place].weight.grad for place in (0, 2)], "updates of hidden maps")


def test_levels_may_be_taught_other_classes_than_the_last_map():
    class Turned(CounterCurrent):
        def asked(self, y: Tensor) -> Tensor:
            return (y + 1) % 4

    network = chain()
    grads(Turned(), network, Batch(X, Y), CLASSES.loss)
    hidden, last = network[0].weight.grad, network[4].weight.grad
    grads(CounterCurrent(), network, Batch(X, (Y + 1) % 4), CLASSES.loss)
    close(hidden, network[0].weight.grad, "hidden map")
    grads(CounterCurrent(), network, Batch(X, Y), CLASSES.loss)
    close(last, network[4].weight.grad, "last map")


def test_frozen_maps_are_levels_too():
    network, whole = chain(), chain()
    network[0].weight.requires_grad_(False)
    steps = changed(CounterCurrent(clip=None), network, Batch(X, Y))
    close(steps, changed(CounterCurrent(clip=None), whole, Batch(X, Y)), "feedback")
    assert network[0].weight.grad is None
    close(network[2].weight.grad, whole[2].weight.grad, "map behind a frozen one")


def test_what_is_kept_grows_with_layers_as_it_says():
    found, said = [], []
    for depth in (4, 16):
        network, rule = chain(sizes=(5, *(32,) * depth, 4)), CounterCurrent()
        batch = Batch(normal(256, 5), torch.arange(256) % 4)
        grads(rule, network, batch, CLASSES.loss)
        network.zero_grad()
        with Peak() as peak:
            rule.learn(network, batch, CLASSES.loss)
        found.append(peak.most)
        said.append(rule.terms(network).stored(depth, 1))
    assert said[1] / said[0] == 4 and 2 < found[1] / found[0] < 8


# --- learning -----------------------------------------------------------------------------------------


def test_it_teaches_what_frozen_layers_cannot():
    """Four classes that no line parts: which of two signs, twice."""
    torch.manual_seed(0)
    x = torch.randn(400, 4)
    y = 2 * (x[:, 0] * x[:, 1] > 0).long() + (x[:, 2] * x[:, 3] > 0)
    right = {}
    for hidden in (True, False):
        network = chain(bias=True, sizes=(4, 24, 24, 4)).float()
        network[:-1].requires_grad_(hidden)
        rule, updates = CounterCurrent(rate=0.5), torch.optim.SGD(network.parameters(), 0.5)
        for _ in range(200):
            updates.zero_grad()
            rule.learn(network, Batch(x, y), CLASSES.loss)
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            updates.step()
        right[hidden] = float((network(x).argmax(-1) == y).double().mean())
    assert right[True] > right[False] + 0.3


# --- what is refused ----------------------------------------------------------------------------------


class Side(nn.Module):
    """Two maps beside each other, of which only one is read further on."""

    def __init__(self):
        super().__init__()
        self.one, self.other, self.last = nn.Linear(5, 5), nn.Linear(5, 5), nn.Linear(5, 4)

    def forward(self, x: Tensor) -> Tensor:
        y = self.one(x)
        self.other(x)
        return self.last(y)


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.one = nn.Linear(5, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.one(self.one(x))


def test_other_networks_are_refused():
    normed = nn.Sequential(nn.Linear(5, 5), nn.LayerNorm(5), nn.Linear(5, 4))
    pooled = nn.Sequential(nn.Linear(5, 8), nn.AvgPool1d(2), nn.Linear(4, 4))
    for network, patterns in (
        (normed, ("linear maps alone", "1.weight")),
        (Reader(GRU(6, inputs=5), 4, every_step=True), ("linear maps", "got Reader")),
        (Twice(), ("called once", "called again")),
        (pooled, ("each map to read as many units", "5 to 8, 4 to 4")),
        (chain().requires_grad_(False), ("frozen parameters",)),
    ):
        read = isinstance(network, Reader)
        batch = Batch(X.view(3, 4, 5) if read else X, Y.view(3, 4) if read else Y)
        with refused(*patterns):
            CounterCurrent().meet(network.double(), batch)
        with refused(*patterns):
            CounterCurrent().learn(network, batch, CLASSES.loss)
        assert all(one.grad is None for one in network.parameters())


def test_maps_beside_each_other_are_refused():
    network, rule = Side().double(), CounterCurrent()
    with refused("chain of maps"):
        rule.learn(network, Batch(X, Y), CLASSES.loss)
    assert rule.back == [] and all(one.grad is None for one in network.parameters())


def test_other_answers_are_refused():
    rule, network = CounterCurrent(), chain()
    for y, patterns in (
        (normal(12, 4), ("a class for each row", "float64")),
        (Y.view(3, 4), ("a class for each row", r"\(3, 4\)")),
        (Y + 1, ("classes from 0 to 3", "1 to 4")),
        (Y - 1, ("classes from 0 to 3", "-1 to 2")),
    ):
        with refused(*patterns):
            rule.learn(network, Batch(X, y), CLASSES.loss)
    assert rule.back == [] and all(one.grad is None for one in network.parameters())


def test_another_network_than_before_is_refused():
    rule = CounterCurrent()
    rule.meet(chain(), Batch(X, Y))
    with refused("the maps it met before", "5 to 7, 7 to 6, 6 to 4", "5 to 8, 8 to 4"):
        rule.learn(chain(sizes=(5, 8, 4)), Batch(X, Y), CLASSES.loss)


def test_bad_settings_are_refused():
    for rate, clip in (
        (-1.0, 1.0),
        (math.nan, 1.0),
        (math.inf, 1.0),
        (1.0, 0.0),
        (1.0, -2.0),
        (1.0, math.nan),
    ):
        with refused("rate of at least 0"):
            CounterCurrent(rate=rate, clip=clip)
    for confident in (-0.1, 1.1, math.nan):
        with refused("confident from 0 to 1"):
            CounterCurrent(confident=confident)
