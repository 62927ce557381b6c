"""Signal propagation: its definition by hand, what no layer hears of another, and its two read-outs."""

import math
from functools import partial

import pytest
import torch
from torch import Tensor, nn

from tests.promises import normal
from tests.rules.grads import grads, off
from wavetrain.core import CLASSES, VALUES, Batch
from wavetrain.core.terms import Sight
from wavetrain.layers import GRU, Elman
from wavetrain.parts.chain import Chain
from wavetrain.parts.leaky_reader import LeakyReader
from wavetrain.parts.reader import Reader
from wavetrain.rules._contrast import LayerLoss
from wavetrain.rules._signals import Signal
from wavetrain.rules.signal_propagation import SignalPropagation, Told
from wavetrain.spiking import ALIF, LIF, Izhikevich, RecurrentLIF
from wavetrain.testing import check_rule, costs
from wavetrain.testing.tools import refused

X, LABELS = normal(9, 5), torch.tensor([0, 1, 2, 0, 1, 2, 0, 1, 2])
BATCH = Batch(X, LABELS)
FORMS = [
    partial(SignalPropagation, loss=LayerLoss.ONE, signal=Signal.OWN),
    partial(SignalPropagation, loss=LayerLoss.MOST, k=3, rate=0.01),
    partial(SignalPropagation, told=Told.ERROR),
    partial(SignalPropagation, told=Told.BOTH, signal=Signal.RESHAPED, clean=True),
]


def perceptron(hidden: int = 2, norm: bool = True) -> nn.Sequential:
    torch.manual_seed(0)
    parts: list[nn.Module] = []
    for place in range(hidden):
        parts += [nn.Linear(6 if place else 5, 6), *([nn.LayerNorm(6)] if norm else []), nn.LeakyReLU()]
    return nn.Sequential(*parts, nn.Linear(6, 3)).double()


def of(network: nn.Module) -> dict[str, Tensor]:
    return {name: one.grad for name, one in network.named_parameters() if one.grad is not None}


def contexts(rule: SignalPropagation, network: nn.Module, rows: Tensor) -> Tensor:
    """Contexts by the rule's own map."""
    return rows @ rule.signals.maps[network].weight.detach()


# --- the losses ---------------------------------------------------------------------------------------


def test_the_closed_form_of_orthogonal_targets():
    """h = t, C orthogonal targets of norm a: -n log(e^(a^2) / (n e^(a^2) + B - n)) a row, n of its class."""
    t = 1.3 * torch.eye(3).double()[LABELS]
    alike = t @ t.mT
    one = math.log(math.exp(1.69) / (3 * math.exp(1.69) + 6))
    for loss, k, many in ((LayerLoss.ALL, 6, 3), (LayerLoss.MOST, 3, 3), (LayerLoss.ONE, 6, 1)):
        torch.testing.assert_close(loss(alike, alike, None, k), torch.full((9,), -many * one).double())
    bank = t @ (1.3 * torch.eye(3).double())
    expected = -math.log(math.exp(1.69) / (math.exp(1.69) + 2))
    torch.testing.assert_close(LayerLoss.BANK(bank, None, LABELS, 6), torch.full((9,), expected).double())


def test_one_is_all_where_each_row_has_a_single_most_alike():
    scores, alike = normal(7, 7), normal(7, 7, seed=2)
    every = [loss(scores, alike, None, 1) for loss in (LayerLoss.ALL, LayerLoss.ONE, LayerLoss.MOST)]
    assert torch.equal(every[0], every[1]) and torch.equal(every[0], every[2])
    by_hand = -scores.log_softmax(1)[torch.arange(7), alike.argmax(1)]
    torch.testing.assert_close(every[0], by_hand)
    most = LayerLoss.MOST(scores, alike, None, 2)
    assert (most > every[0]).all()


def test_products_of_feature_maps_are_averaged_over_places():
    from wavetrain.rules._contrast import products

    one, other = normal(4, 3, 2, 5), normal(6, 3, 2, 5, seed=2)
    by_hand = torch.stack([one[:, :, i, j] @ other[:, :, i, j].mT for i in range(2) for j in range(5)])
    torch.testing.assert_close(products(one, other), by_hand.mean(0))


# --- the definition, layer by layer -------------------------------------------------------------------


@pytest.mark.parametrize("signal", [Signal.PROJECTED, Signal.OWN])
@pytest.mark.parametrize("loss", [LayerLoss.BANK, LayerLoss.ONE])
def test_the_updates_by_hand(signal: Signal, loss: LayerLoss):
    network, rule = perceptron(), SignalPropagation(loss, signal)
    rule.learn(network, BATCH, CLASSES.loss)
    found = of(network)
    network.zero_grad()
    rows = torch.eye(3).double() if loss is LayerLoss.BANK else torch.eye(3).double()[LABELS]
    first = contexts(rule, network, rows)
    h = network[:3](X)
    t = network[1:3](first) if signal is Signal.OWN else network[:3](first)
    alike, value = rows @ rows.mT, torch.zeros(()).double()
    for layer in (network[3:6], None):
        wanted = LABELS if loss is LayerLoss.BANK else alike.argmax(1)
        value = value + nn.functional.cross_entropy(h @ t.mT, wanted)
        h, t = h.detach(), t.detach()
        if layer is not None:
            alike = t @ t.mT
            h, t = layer(h), layer(t)
    (value + nn.functional.cross_entropy(network[6](h), LABELS)).backward()
    for name, update in of(network).items():
        torch.testing.assert_close(found[name], update, msg=name)


def test_no_layer_hears_of_those_behind_it():
    """Layers that are taken away or drawn anew leave the updates of those before them, to the last bit."""
    deep, shallow = perceptron(3), perceptron(1)
    shallow[:3].load_state_dict(deep[:3].state_dict())
    for make in (SignalPropagation, partial(SignalPropagation, LayerLoss.BANK, Signal.OWN)):
        deep.zero_grad(), shallow.zero_grad()
        make().learn(deep, BATCH, CLASSES.loss), make().learn(shallow, BATCH, CLASSES.loss)
        for name in ("0.weight", "0.bias", "1.weight", "1.bias"):
            assert torch.equal(of(deep)[name], of(shallow)[name])
    assert Sight.LATER_LAYERS in SignalPropagation().terms(deep).blind


def test_an_error_as_context_is_heard_of_by_all():
    network, other = perceptron(), perceptron()
    with torch.no_grad():
        other[6].weight.mul_(2.0)
    for told in (Told.ERROR, Told.BOTH):
        assert Sight.LATER_LAYERS not in SignalPropagation(told=told).terms(network).blind
        one, two = (
            grads(SignalPropagation(told=told), each, BATCH, CLASSES.loss) for each in (network, other)
        )
        assert not torch.equal(one[:30], two[:30])


def test_the_context_of_an_error_by_hand():
    """-d loss / d outputs, of unit length, in place of the label."""
    network = perceptron()
    outputs = network(X).detach().requires_grad_()
    (errors,) = torch.autograd.grad(CLASSES.loss(outputs, LABELS), outputs)
    found = grads(SignalPropagation(told=Told.ERROR), network, BATCH, CLASSES.loss)
    as_values = Batch(X, -nn.functional.normalize(errors, dim=1))
    same = grads(SignalPropagation(), network, as_values, lambda y, _: CLASSES.loss(y, LABELS))
    torch.testing.assert_close(found, same)
    both = grads(SignalPropagation(told=Told.BOTH), network, BATCH, CLASSES.loss)
    answers = grads(SignalPropagation(), network, BATCH, CLASSES.loss)
    hidden = 30 + 6 + 12  # the first layer
    torch.testing.assert_close(both[:hidden], (found + answers)[:hidden])


def test_the_data_are_what_they_are_without_a_target():
    network = perceptron()
    before = network(X)
    seen = []
    rule = SignalPropagation()
    rule.learn(network, BATCH, lambda y, labels: (seen.append(y.detach()), CLASSES.loss(y, labels))[1])
    assert torch.equal(seen[-1], before)


def test_the_class_bank_is_a_linear_read_out():
    """Read-out 1 is a map without a bias whose rows are what the layer makes of each class."""
    network, rule = perceptron(), SignalPropagation(LayerLoss.BANK, Signal.PROJECTED)
    first, second = rule.scores(network, X)
    with torch.no_grad():
        t = network[:3](contexts(rule, network, torch.eye(3).double()))
        torch.testing.assert_close(first, nn.functional.linear(network[:3](X), t))
        torch.testing.assert_close(second, nn.functional.linear(network[:6](X), network[3:6](t)))


def test_scores_by_the_root_of_the_width_and_contexts_in_every_layer():
    """S / sqrt(6) of six units; `clean` is the table of labels in every layer."""
    network, rule = perceptron(1), SignalPropagation(LayerLoss.BANK, Signal.PROJECTED, scaled=True)
    rule.learn(network, BATCH, CLASSES.loss)
    found = network[0].weight.grad.clone()
    network.zero_grad()
    t = network[:3](contexts(rule, network, torch.eye(3).double()))
    nn.functional.cross_entropy(network[:3](X) @ t.mT / 6**0.5, LABELS).backward()
    torch.testing.assert_close(found, network[0].weight.grad)
    network, rule = perceptron(2), SignalPropagation(LayerLoss.ONE, Signal.PROJECTED, clean=True)
    rule.learn(network, BATCH, CLASSES.loss)
    found = network[3].weight.grad.clone()
    network.zero_grad()
    rows = torch.eye(3).double()[LABELS]
    h, t = network[:3](X).detach(), network[:3](contexts(rule, network, rows)).detach()
    nn.functional.cross_entropy(network[3:6](h) @ network[3:6](t).mT, (rows @ rows.mT).argmax(1)).backward()
    torch.testing.assert_close(found, network[3].weight.grad)


def test_a_convolution_is_a_layer_too():
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 5, 3), nn.ReLU(),
        nn.Flatten(), nn.Linear(5 * 4, 3),
    ).double()  # fmt: skip
    batch = Batch(normal(9, 2, 8, 8), LABELS)
    for signal in (Signal.PROJECTED, Signal.OWN, Signal.RESHAPED):
        for loss in LayerLoss:
            found = grads(SignalPropagation(loss, signal, k=3), network, batch, CLASSES.loss)
            assert found.isfinite().all() and off(found, torch.zeros_like(found) + 1) > 0
        rule = SignalPropagation(LayerLoss.BANK, signal)
        assert [tuple(one.shape) for one in rule.scores(network, batch.x)] == [(9, 3), (9, 3)]


# --- how the context comes in -------------------------------------------------------------------------


def test_contexts_beside_the_data():
    """The last channels are blank for the context: the data stream hears 0 there."""
    network, x = perceptron(), torch.cat([X[:, :2], torch.zeros(9, 3).double()], 1)
    rule = SignalPropagation(LayerLoss.ONE, Signal.JOINED)
    found = grads(rule, network, Batch(x, LABELS), CLASSES.loss)
    network.zero_grad()
    rows = torch.eye(3).double()[LABELS]
    t = network[:3](torch.cat([x[:, :2], rows], 1))
    wanted = (rows @ rows.mT).argmax(1)
    nn.functional.cross_entropy(network[:3](x) @ t.mT, wanted).backward()
    torch.testing.assert_close(found[:30], network[0].weight.grad.flatten())
    with refused("blank"):
        rule.learn(network, BATCH, CLASSES.loss)
    beside = SignalPropagation(LayerLoss.BANK, Signal.BESIDE)
    t = network[:3](torch.cat([torch.zeros(3, 2).double(), torch.eye(3).double()], 1))
    torch.testing.assert_close(beside.scores(network, x)[0], (network[:3](x) @ t.mT).detach())
    with refused("apart from the data"):
        rule.scores(network, x)


def test_contexts_spread_over_an_input():
    network, rule = perceptron(), SignalPropagation(LayerLoss.BANK, Signal.RESHAPED)
    t = network[:3](torch.eye(3).double()[:, [0, 0, 1, 1, 2]])
    torch.testing.assert_close(rule.scores(network, X)[0], (network[:3](X) @ t.mT).detach())


def test_a_part_of_the_bank_is_its_columns():
    """Also in a recurrence; a tree of classes is gone down with fewer contexts than there are classes."""
    for network, x in (
        (perceptron(), X),
        (Reader(Elman(6, inputs=5).double(), 3, True).double(), normal(4, 7, 5)),
    ):
        rule = SignalPropagation(LayerLoss.BANK)
        for whole, some in zip(rule.scores(network, x), rule.scores(network, x, [2, 0]), strict=True):
            torch.testing.assert_close(some, whole[..., [2, 0]])
        for wrong in ([], [3], [0, -1]):
            with refused("expected some classes from 0 to 2, got"):
                rule.scores(network, x, wrong)


@pytest.mark.parametrize("signal", [Signal.PROJECTED, Signal.OWN])
def test_the_map_of_contexts_learns_by_adam_where_it_has_a_rate(signal: Signal):
    network, rule = perceptron(), SignalPropagation(LayerLoss.BANK, signal, rate=0.01)
    still = SignalPropagation(LayerLoss.BANK, signal)
    for one in (rule, still):
        one.learn(network, BATCH, CLASSES.loss)
    start, after = (one.signals.maps[network].weight.detach() for one in (still, rule))
    free = start.clone().requires_grad_()
    t = network[1:3](free) if signal is Signal.OWN else network[:3](free)
    nn.functional.cross_entropy(network[:3](X) @ t.mT, LABELS).backward()
    torch.testing.assert_close(after, start - 0.01 * free.grad.sign(), rtol=0, atol=1e-6)  # its first step


# --- in time ------------------------------------------------------------------------------------------


def test_a_recurrence_hears_the_target_at_every_step_and_its_state_is_cut():
    torch.manual_seed(0)
    network, x = Reader(Elman(6, inputs=4), 3, every_step=False).double(), normal(9, 5, 4)
    rule = SignalPropagation(LayerLoss.BANK)
    found = grads(rule, network, Batch(x, LABELS), CLASSES.loss)
    network.zero_grad()
    bank, layer = contexts(rule, network, torch.eye(3).double()), network.layer
    h, t = layer.begin(9), layer.begin(3)
    for step in range(5):
        (h, _), (t, _) = layer.step(x[:, step], h.detach()), layer.step(bank, t.detach())
        (nn.functional.cross_entropy(h @ t.mT, LABELS) / 5).backward()
    CLASSES.loss(network.read(h.detach()), LABELS).backward()
    by_hand = torch.cat([one.grad.flatten() for one in network.parameters()])
    torch.testing.assert_close(found, by_hand)
    scores = rule.scores(network, x)[0]
    torch.testing.assert_close(scores[:, -1], (h @ t.mT).detach())


def test_a_step_for_which_nobody_asks_has_no_loss():
    """One step of three asked: the updates are those of a rule that is told of that one alone."""
    torch.manual_seed(0)
    network, x = Reader(GRU(6, inputs=4), 3, every_step=True).double(), normal(9, 3, 4)
    y = torch.stack([LABELS.roll(step) for step in range(3)], 1)
    rule = SignalPropagation(LayerLoss.BANK)
    found = grads(rule, network, Batch(x, y), lambda out, y: CLASSES.loss(out[:, 1], y[:, 1]))
    network.zero_grad()
    bank, layer = contexts(rule, network, torch.eye(3).double()), network.layer
    with torch.no_grad():
        h, t = layer.step(x[:, 0], layer.begin(9))[1], layer.step(bank, layer.begin(3))[1]
    h, t = layer.step(x[:, 1], h)[0], layer.step(bank, t)[0]
    nn.functional.cross_entropy(h @ t.mT, y[:, 1]).backward()
    size = sum(one.numel() for one in layer.parameters())
    torch.testing.assert_close(found[:size], torch.cat([one.grad.flatten() for one in layer.parameters()]))
    blank = y.clone()
    blank[:, [0, 2]] = -100  # no class at all, where nobody asks
    again = grads(rule, network, Batch(x, blank), lambda out, y: CLASSES.loss(out[:, 1], y[:, 1]))
    torch.testing.assert_close(again, found)
    with refused("expected classes from 0 to 2, got -100"):
        rule.learn(network, Batch(x, blank), lambda out, y: CLASSES.loss(out, y.clamp(min=0)))


def test_an_answer_for_each_step():
    network = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3)).double()
    x, y = normal(9, 2, 4), torch.stack([LABELS, LABELS.roll(1)], 1)
    found = grads(SignalPropagation(LayerLoss.ONE), network, Batch(x, y), CLASSES.loss)
    halves = [
        grads(SignalPropagation(LayerLoss.ONE), network, Batch(x[:, step], y[:, step]), CLASSES.loss)
        for step in range(2)
    ]
    torch.testing.assert_close(found, sum(halves) / 2)


# --- units that fire ----------------------------------------------------------------------------------


def test_the_gradient_of_the_potential_by_the_present_drive_is_all_that_is_taken():
    torch.manual_seed(0)
    network, x = Chain([LIF(6, inputs=4, tau=10.0)], 3).double(), 3 * normal(9, 5, 4)
    rule = SignalPropagation(LayerLoss.BANK)
    found = grads(rule, network, Batch(x, LABELS), CLASSES.loss)
    layer, bank = network.layers[0], contexts(rule, network, torch.eye(3).double())
    kept = math.exp(-1 / 10)
    network.zero_grad()
    over, rates = [], []
    for drive in (layer.encode(x), layer.encode(bank)[:, None].expand(-1, 5, -1)):
        v, seen, spikes = torch.zeros_like(drive[:, 0]), [], []
        for now in drive.unbind(1):
            v = kept * v.detach() + now
            seen.append(v)
            spikes.append((v > 1).double())
            v = v - spikes[-1]
        over.append(nn.functional.layer_norm(torch.stack(seen, 1).mean(1), (6,)))
        rates.append(torch.stack(spikes, 1).mean(1))
    assert 0 < float(rates[0].mean()) < 1
    nn.functional.cross_entropy(over[0] @ over[1].mT / 6**0.5, LABELS).backward()
    CLASSES.loss(network.read(rates[0]), LABELS).backward()
    torch.testing.assert_close(found, torch.cat([one.grad.flatten() for one in network.parameters()]))


@pytest.mark.parametrize("kind", [LIF, ALIF, RecurrentLIF])
def test_no_slope_of_a_spike_is_asked_for(kind: type):
    """A surrogate that cannot be differentiated does as well."""

    class Blunt(torch.autograd.Function):
        @staticmethod
        def forward(ctx, excess):
            return (excess > 0).to(excess)

        @staticmethod
        def backward(ctx, error):
            raise AssertionError("a slope was asked for")

    torch.manual_seed(0)
    network = Chain([kind(6, inputs=4), kind(6)], 3).double()
    batch = Batch(4 * normal(9, 7, 4).abs(), LABELS)
    found = grads(SignalPropagation(), network, batch, CLASSES.loss)
    for layer in network.layers:
        layer.surrogate = Blunt.apply
    assert torch.equal(grads(SignalPropagation(), network, batch, CLASSES.loss), found)
    assert (torch.cat([one.grad.flatten() for one in network.layers.parameters()]) != 0).any()
    assert "fire" not in vars(network.layers[0])  # nothing is left behind


# --- what it costs, and what is refused ---------------------------------------------------------------


@pytest.mark.parametrize("make", FORMS, ids=lambda one: "-".join(map(str, one.keywords.values())))
def test_other_forms_keep_the_contract(make):
    make = partial(make, k=3) if "k" in make.keywords else make
    for check in (costs.check_passes, costs.check_stored):
        if make.keywords.get("signal") is Signal.OWN and check is costs.check_passes:
            continue  # no such map in a recurrence
        check(make)


def test_the_contract():
    check_rule(SignalPropagation)


def test_what_is_refused():
    rule, bank = SignalPropagation(), SignalPropagation(LayerLoss.BANK)
    for network in (nn.Linear(5, 3).double(), perceptron(0), nn.Bilinear(5, 5, 3).double()):
        with refused("with a hidden layer", type(network).__name__):
            rule.learn(network, BATCH, CLASSES.loss)
    fires = Reader(Izhikevich(6, inputs=4), 3, True).double()
    with refused("integrate and leak", "Izhikevich"):
        rule.learn(fires, Batch(normal(9, 2, 4), normal(9, 2, 3)), VALUES.loss)
    with refused("2 sequences or more", "got 1"):
        rule.learn(perceptron(), Batch(X[:1], LABELS[:1]), CLASSES.loss)
    with refused("20 sequences or more", "got 9"):
        SignalPropagation(LayerLoss.MOST, k=20).learn(perceptron(), BATCH, CLASSES.loss)
    with refused("classes for a class bank"):
        bank.learn(perceptron(), Batch(X, normal(9, 3)), VALUES.loss)
    with refused("classes from 0 to 2, got 7"):
        rule.learn(perceptron(), Batch(X, LABELS + 5), CLASSES.loss)
    with refused(r"\(batch, \.\.\., 3\)", r"\(9, 2\)"):
        rule.learn(perceptron(), Batch(X, normal(9, 2)), VALUES.loss)
    with refused("a first map", "Elman"):
        network = Reader(Elman(6, inputs=5), 3, True).double()
        SignalPropagation(signal=Signal.OWN).learn(
            network, Batch(normal(9, 2, 5), normal(9, 2, 3)), VALUES.loss
        )
    with refused("frozen parameters"):
        rule.learn(perceptron().requires_grad_(False), BATCH, CLASSES.loss)
    for words in ({"signal": Signal.JOINED}, {"told": Told.ERROR}):
        with refused("class bank"):
            SignalPropagation(LayerLoss.BANK, **words)
    with refused("rate of at least 0"):
        SignalPropagation(rate=-1.0)
    with refused("k"):
        SignalPropagation(k=0)
    assert not of(perceptron())


def test_a_leaky_read_out_learns_by_its_gradient():
    torch.manual_seed(0)
    network = LeakyReader(LIF(6, inputs=4), 3, tau=5.0).double()
    batch = Batch(3 * normal(4, 7, 4), normal(4, 7, 3))
    grads(SignalPropagation(), network, batch)
    found = network.read.weight.grad.clone()
    network.zero_grad()
    VALUES.loss(network(batch.x), batch.y).backward()
    torch.testing.assert_close(found, network.read.weight.grad)
