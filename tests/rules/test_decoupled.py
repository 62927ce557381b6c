"""Decoupled learning: what a cerebellum tells and is told; exact where it knows, truncated where mute."""

from functools import partial

import pytest
import torch
from torch import Tensor, nn

from tests.promises import normal
from tests.rules.grads import grads, off
from wavetrain.core import Batch, map_state, unroll
from wavetrain.core.terms import Sight, as_many, terms_of
from wavetrain.layers import LRU, LSTM, Elman, IdentityRNN, SoftmaxAttention
from wavetrain.lenses import credit_operator
from wavetrain.parts.cerebellar_reader import CerebellarReader, flat
from wavetrain.parts.reader import Reader
from wavetrain.parts.stack import MLP, Answer, Stack
from wavetrain.rules.backpropagation import Backpropagation
from wavetrain.rules.decoupled import Decoupled
from wavetrain.rules.truncated_backpropagation import TruncatedBackpropagation
from wavetrain.spiking import RecurrentLIF
from wavetrain.testing import check_rule
from wavetrain.testing.tools import refused

X, Y = normal(3, 12, 4), normal(3, 12, 2, seed=2)
BATCH = Batch(X, Y)
ONES = partial(Decoupled, alpha=1.0, rate=0.0)


def plain(kind: type = LSTM, every_step: bool = True) -> Reader:
    torch.manual_seed(0)
    return Reader(kind(4, inputs=4), 2, every_step).double()


def cerebellar(says: float = 0.3, hidden: tuple[int, ...] = (6,)) -> CerebellarReader:
    """The same cortex as `plain`, and a cerebellum that says something."""
    torch.manual_seed(0)
    network = CerebellarReader(LSTM(4, inputs=4), 2, True, hidden).double()
    with torch.no_grad():
        network.cerebellum[-1].weight.copy_(says * normal(*network.cerebellum[-1].weight.shape, seed=5))
    return network


def cortical(network: nn.Module) -> Tensor:
    """Updates of all but the cerebellum."""
    named = network.named_parameters()
    return torch.cat([one.grad.flatten() for name, one in named if not name.startswith("cerebellum")])


class Oracle(nn.Module):
    """What is sent back to each end of a window, known by heart; elsewhere nothing."""

    def __init__(self, states: Tensor, sent: Tensor):
        super().__init__()
        self.states, self.sent = states.flatten(0, 1), sent.flatten(0, 1)

    def forward(self, states: Tensor) -> Tensor:
        apart = (states[:, None] - self.states).abs().amax(-1)
        near, which = apart.min(1)
        return torch.where((near < 1e-9)[:, None], self.sent[which], 0.0)


def oracle(network: Reader, batch: Batch, steps: int, kept: float = 1.0) -> Oracle:
    """That of backpropagation, of which a share is kept at each end of a window; it says 0 at the last."""
    state, outputs, ends, halted = network.layer.begin(len(batch.x)), [], [], []
    for now in batch.x.split(steps, 1):
        y, state = network.layer(now, state)
        ends.append(flat(state).detach())
        state = map_state(lambda one: kept * one + (1 - kept) * one.detach(), state)
        state = map_state(torch.clone, state)
        halted.append(state)
        outputs.append(y)
    y = torch.cat(outputs, 1)
    value = nn.functional.mse_loss(network.read(y if network.every_step else y[:, -1]), batch.y)
    found = [torch.autograd.grad(value, one, retain_graph=True) for one in halted[:-1]]
    return Oracle(torch.stack(ends[:-1]), torch.stack([flat(one) for one in found]))


# --- limits -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("kind", [Elman, LSTM, RecurrentLIF, LRU])
@pytest.mark.parametrize("steps", [1, 3, 5, 12, 50])
def test_a_mute_cerebellum_is_truncated_backpropagation(kind: type, steps: int, together: bool):
    for every_step in (True, False):
        network = plain(kind, every_step)
        batch = Batch(2 * X, Y if every_step else Y[:, -1])
        truncated = grads(TruncatedBackpropagation(steps), network, batch)
        found = grads(Decoupled(steps, together=together), network, batch)
        assert off(found, truncated) < 1e-12


def test_at_the_start_it_is_truncated_backpropagation_to_the_last_bit():
    torch.manual_seed(0)
    network = CerebellarReader(LSTM(4, inputs=4), 2, True, (6,)).double()
    assert torch.equal(grads(TruncatedBackpropagation(3), plain(), BATCH), _after(network, Decoupled(3)))


def _after(network: CerebellarReader, rule: Decoupled) -> Tensor:
    network.zero_grad()
    rule.learn(network, BATCH, nn.functional.mse_loss)
    return cortical(network)


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("kind", [Elman, LSTM, LRU])
@pytest.mark.parametrize("steps", [1, 3, 5])
def test_told_the_true_gradient_it_is_backpropagation(kind: type, steps: int, together: bool):
    """Ledger B29: the synthesiser replaced by the true gradient."""
    for every_step in (True, False):
        network = plain(kind, every_step)
        batch = Batch(X, Y if every_step else Y[:, -1])
        exact = grads(Backpropagation(), network, batch)
        knows = oracle(network, batch, steps)
        found = grads(ONES(steps, cerebellum=knows, together=together), network, batch)
        assert off(found, exact) < 1e-9
        assert off(grads(TruncatedBackpropagation(steps), network, batch), exact) > 1e-3


def test_what_comes_from_further_on_counts_a_power_of_alpha():
    """An exact C is the fixed point of its regression; then feedback fades by alpha at each end."""
    network, alpha = plain(), 0.3
    knows = oracle(network, BATCH, 3, kept=alpha)
    found = grads(Decoupled(3, alpha, rate=0.0, cerebellum=knows), network, BATCH)
    network.zero_grad()
    state, outputs = network.layer.begin(3), []
    for now in X.split(3, 1):
        y, state = network.layer(now, state)
        state = map_state(lambda one: alpha * one + (1 - alpha) * one.detach(), state)
        outputs.append(y)
    nn.functional.mse_loss(network.read(torch.cat(outputs, 1)), Y).backward()
    assert off(found, torch.cat([one.grad.flatten() for one in network.parameters()])) < 1e-9


def test_an_exact_cerebellum_has_nothing_to_learn():
    """In the fixed point its target is what it says: with the one that knows, no update is left for it."""
    network, alpha = cerebellar(), 0.3

    class Learns(Oracle):
        def forward(self, states: Tensor) -> Tensor:
            return super().forward(states) + self.more

    knows = oracle(network, BATCH, 3, kept=alpha)
    learns = Learns(torch.zeros(1, 1, 8), torch.zeros(1, 1, 8)).double()
    learns.states, learns.sent = knows.states, knows.sent
    learns.more = nn.Parameter(torch.zeros(8).double())
    network.cerebellum = learns
    Decoupled(3, alpha).learn(network, BATCH, nn.functional.mse_loss)
    assert knows.sent.abs().max() > 1e-3 and learns.more.grad.abs().max() < 1e-9


def test_a_linear_unit_by_hand():
    """h_t = a h_{t-1} + x_t, o = h, the last is asked, and C = c h: each window learns from its end."""
    layer, a, c, alpha = IdentityRNN(1, inputs=1), 0.7, 0.9, 0.2
    network = Reader(layer, 1, every_step=False).double()
    says = nn.Linear(1, 1).double()
    with torch.no_grad():
        for parameter in (*network.parameters(), *says.parameters()):
            parameter.zero_()
        for weight, value in ((layer.encode, 1.0), (layer.recur, a), (network.read, 1.0), (says, c)):
            weight.weight.fill_(value)
    x = normal(1, 6, 1).abs()
    h = [0.0, *layer(x)[0][0, :, 0].tolist()]
    rule = Decoupled(3, alpha, rate=0.0, cerebellum=says)
    rule.learn(network, Batch(x, x[:, 0]), lambda output, _: output.sum())
    ends = {3: alpha * c * h[3], 6: 1.0 + alpha * c * h[6]}
    by_hand = sum(
        told * a ** (end - s) * h[s - 1] for end, told in ends.items() for s in range(end - 2, end + 1)
    )
    assert float(layer.recur.weight.grad) == pytest.approx(by_hand, rel=1e-12)


# --- who learns from whom (ledger B29) ----------------------------------------------------------------------


def test_neither_learns_from_the_other():
    """The cortex gets the same update whether the cerebellum learns or not, and the reverse."""
    learns, frozen = cerebellar(), cerebellar()
    frozen.cerebellum.requires_grad_(False)
    assert torch.equal(_after(learns, Decoupled(3)), _after(frozen, Decoupled(3)))
    assert all(one.grad is None for one in frozen.cerebellum.parameters())
    still = cerebellar()
    still.layer.requires_grad_(False)
    still.read.requires_grad_(False)
    Decoupled(3).learn(still, BATCH, nn.functional.mse_loss)
    for name, one in still.cerebellum.named_parameters():
        torch.testing.assert_close(
            one.grad, learns.cerebellum.get_parameter(name).grad, rtol=1e-12, atol=1e-15
        )
    assert all(one.grad is None for one in (*still.layer.parameters(), *still.read.parameters()))


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("steps", [1, 3, 5])
def test_the_cerebellum_learns_the_squared_distance_to_its_target(steps: int, together: bool):
    """Window by window, written out; the target is no function of anything that learns."""
    network, alpha = cerebellar(), 0.4
    Decoupled(steps, alpha, together=together).learn(network, BATCH, nn.functional.mse_loss)
    found = torch.cat([one.grad.flatten() for one in network.cerebellum.parameters()])
    state, total = network.layer.begin(3), 0.0
    for index, (now, answers) in enumerate(zip(X.split(steps, 1), Y.split(steps, 1), strict=True)):
        start = tuple(one.detach().requires_grad_() for one in state)
        y, state = network.layer(now, start)
        value = (network.read(y) - answers).square().sum() / Y.numel()
        told = network.cerebellum(flat(state).detach()).detach()
        target = torch.cat(torch.autograd.grad(value + alpha * (told * flat(state)).sum(), start), 1)
        if index:
            total = total + (network.cerebellum(flat(start).detach()) - target).square().sum() / 3
    wanted = torch.autograd.grad(total, list(network.cerebellum.parameters()))
    assert off(found, torch.cat([one.flatten() for one in wanted])) < 1e-12


def test_outputs_are_those_of_the_network_and_no_parameter_moves():
    network = cerebellar()
    before = {name: one.clone() for name, one in network.state_dict().items()}
    loss = Decoupled(3).learn(network, BATCH, nn.functional.mse_loss)
    torch.testing.assert_close(loss, nn.functional.mse_loss(plain()(X), Y).detach())
    assert all(torch.equal(one, before[name]) for name, one in network.state_dict().items())


# --- the rule's own cerebellum ------------------------------------------------------------------------------


def test_a_rule_keeps_a_cerebellum_of_its_own_and_teaches_it_to_foresee():
    """Of a cortex at rest: what is said comes to point where the true gradient does."""
    network, rule = plain(), Decoupled(4, hidden=(50,), rate=3e-3)
    for _ in range(300):
        rule.learn(network, BATCH, nn.functional.mse_loss)
        network.zero_grad()
    knows = oracle(network, BATCH, 4, kept=0.1)
    with torch.no_grad():
        said = rule.cerebellum(knows.states)
    assert nn.functional.cosine_similarity(said.flatten(), knows.sent.flatten(), 0) > 0.95
    assert all(one.grad is None for one in rule.cerebellum.parameters())


def test_two_rules_make_the_same_cerebellum_and_draw_from_nobody():
    one, other, network = Decoupled(3), Decoupled(3), plain()
    before = torch.get_rng_state()
    for rule in (one, other):
        rule.learn(network, BATCH, nn.functional.mse_loss)
    assert torch.equal(torch.get_rng_state(), before)
    for first, second in zip(one.cerebellum.parameters(), other.cerebellum.parameters(), strict=True):
        assert torch.equal(first, second) and first.any()


def test_with_an_alpha_of_zero_nothing_is_fed_back():
    truncated = grads(TruncatedBackpropagation(3), plain(), BATCH)
    rule = Decoupled(3, 0.0, rate=0.0, cerebellum=speaking(8).double())
    assert off(grads(rule, plain(), BATCH), truncated) < 1e-12


def test_a_rate_of_zero_leaves_a_cerebellum_as_it_was_given():
    says = cerebellar().cerebellum
    before = [one.clone() for one in says.parameters()]
    rule = Decoupled(3, rate=0.0, cerebellum=says)
    rule.learn(plain(), BATCH, nn.functional.mse_loss)
    assert all(torch.equal(one, other) for one, other in zip(says.parameters(), before, strict=True))
    assert all(one.grad is None for one in says.parameters())
    network = plain()
    rule.learn(network, BATCH, nn.functional.mse_loss)
    assert torch.equal(cortical(network), _after(cerebellar(), Decoupled(3)))


# --- terms --------------------------------------------------------------------------------------------------


def speaking(size: int) -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(size, 5), nn.Tanh(), nn.Linear(5, size))


@pytest.mark.parametrize(
    "make",
    [
        partial(Decoupled, 3, cerebellum=speaking(6), rate=0.0),
        partial(Decoupled, 2, 0.5, together=True),
        partial(Decoupled, 4, hidden=(20, 10)),
    ],
    ids=["a cerebellum that speaks", "together", "two hidden layers"],
)
def test_variants_keep_the_contract(make):
    check_rule(make)


def test_what_it_says():
    network = cerebellar()
    terms = terms_of(Decoupled(4), network)
    assert terms.trains == {name for name, _ in network.named_parameters()}
    assert terms.blind == {Sight.LATER_STEPS} and terms.passes == 2
    assert [terms.stored(2, time) for time in (3, 4, 100)] == [6, 8, 8]
    assert terms_of(Decoupled(4, together=True), network).stored is as_many
    network.cerebellum.requires_grad_(False)
    assert not any(name.startswith("cerebellum") for name in terms_of(Decoupled(), network).trains)


@pytest.mark.parametrize("steps", [1, 3, 5])
def test_shares_of_steps_add_up_those_of_the_cerebellum_too(steps: int):
    network, rule = cerebellar(), Decoupled(steps, 0.5)
    rule.learn(network, BATCH, nn.functional.mse_loss)
    outputs = network(X).detach().requires_grad_()
    (errors,) = torch.autograd.grad(nn.functional.mse_loss(outputs, Y), outputs)
    total: dict[str, Tensor] = {}
    for share in rule.walk(network, X, errors):
        total = {name: update + total.get(name, 0.0) for name, update in share.items()}
    assert set(total) == {name for name, _ in network.named_parameters()}
    for name, one in network.named_parameters():
        torch.testing.assert_close(total[name], one.grad, rtol=1e-9, atol=1e-14)


def test_the_share_of_a_step_waits_for_no_later_one():
    """With a cerebellum that speaks and learns: later inputs and errors may be anything."""
    network, errors = cerebellar(), normal(3, 12, 2, seed=7)
    whole = list(Decoupled(5).walk(network, X, errors))
    cut, wrong = X.clone(), errors.clone()
    cut[:, 7:], wrong[:, 7:] = torch.nan, torch.nan
    for step, (one, early) in enumerate(zip(whole[:7], Decoupled(5).walk(network, cut, wrong), strict=False)):
        for name, share in one.items():
            assert torch.equal(early[name], share), (step, name)
    assert whole[9]["cerebellum.0.weight"].any() and not whole[8]["cerebellum.0.weight"].any()


# --- the lens, and what is refused --------------------------------------------------------------------------


def test_the_lens_shows_its_word_in_every_row():
    """Inside a window the truth, elsewhere the same in all rows, since it is said whatever error comes."""
    torch.manual_seed(0)
    network, x = CerebellarReader(Elman(4, inputs=4), 2, True, (6,)).double(), X[:2, :6]
    nn.init.normal_(network.cerebellum[-1].weight)
    silent = credit_operator(network.layer, x, Decoupled(2, rate=0.0), network.read)
    said = credit_operator(
        network.layer, x, Decoupled(2, rate=0.0, cerebellum=network.cerebellum), network.read
    )
    own = torch.arange(6) // 2
    inside = (own[:, None] == own) & torch.ones(6, 6).tril().bool()
    torch.testing.assert_close(torch.from_numpy(silent.size) > 0, inside)
    outside = [said.size[row, column] for row in (0, 1) for column in (2, 3, 4, 5)]
    assert min(outside) > 0
    torch.testing.assert_close(said.size[0, 2:], said.size[1, 2:])
    torch.testing.assert_close(said.size[2, :2], said.size[5, :2])


def test_a_stack_is_taught_too():
    torch.manual_seed(0)
    network = Answer(Stack([Elman(4), Elman(4)], 4, 2, MLP.NONE), every_step=True).double()
    exact, knows = (
        grads(Backpropagation(), network, BATCH),
        grads(TruncatedBackpropagation(2), network, BATCH),
    )
    assert off(grads(Decoupled(12), network, BATCH), exact) < 1e-12
    assert off(grads(Decoupled(2), network, BATCH), knows) < 1e-12


class Grows(Elman):
    """Its state grows by what it was at each step."""

    def step(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        h, _ = super().step(x, state[:, -4:])
        return h, torch.cat([state, h], 1)

    def whole(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        return unroll(self.step, x, state)


def test_what_is_refused():
    loss = nn.functional.mse_loss
    with refused("Decoupled: expected a Reader of one layer or a stack", "got Linear"):
        Decoupled().learn(nn.Linear(4, 2).double(), BATCH, loss)
    with refused("steps"):
        Decoupled(0)
    with refused("hidden"):
        Decoupled(hidden=(5, 0))
    for words in ({"alpha": -0.1}, {"rate": float("nan")}, {"alpha": float("inf")}):
        with refused("alpha and rate of at least 0"):
            Decoupled(**words)
    with refused("frozen parameters"):
        Decoupled().learn(plain().requires_grad_(False), BATCH, loss)
    with refused("cerebellum of states of 8 numbers"):
        Decoupled(cerebellum=speaking(6).double()).learn(plain(), BATCH, loss)
    for kind, said in ((SoftmaxAttention, "0 as at first, got 8"), (Grows, "4 as at first, got 8 of Grows")):
        network = plain(kind)
        with refused(said):
            Decoupled().learn(network, BATCH, loss)
        assert all(one.grad is None for one in network.parameters())
