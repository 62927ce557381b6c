"""The three-factor rule: by hand, on the average the gradient of reward, and what dopamine expects."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from tests.promises import close, normal
from wavetrain.core import CLASSES, Batch
from wavetrain.layers import Elman
from wavetrain.layers.attention.loop_attention import LoopAttention
from wavetrain.parts.reader import Reader
from wavetrain.rules.three_factor import Teaches, ThreeFactor
from wavetrain.tasks.recall.paired_associates import PairedAssociates
from wavetrain.testing.tools import refused

BATCH = Batch(normal(3, 6, 4), torch.tensor([0, 1, 1]))


def network(temperature: float = 0.7) -> Reader:
    torch.manual_seed(0)
    layer = LoopAttention(4, window=5, temperature=temperature)
    return Reader(layer, outputs=2, every_step=False).double()


def worth(outputs: Tensor, answers: Tensor) -> Tensor:
    """Some reward that hangs on what came back."""
    return outputs.gather(1, answers[:, None])[:, 0].sin()


def drawing(monkeypatch: pytest.MonkeyPatch, *given: list[int]) -> None:
    """What is drawn next, for each sequence, in the order of the draws."""
    draws = iter([torch.tensor(one)[:, None] for one in given])
    monkeypatch.setattr(torch, "multinomial", lambda chance, many: next(draws))


def updates(rule: ThreeFactor, of: Reader, batch: Batch = BATCH) -> dict[str, Tensor]:
    of.zero_grad()
    rule.learn(of, batch, CLASSES.loss)
    return {name: one.grad.clone() for name, one in of.named_parameters() if one.grad is not None}


def test_the_update_by_hand(monkeypatch: pytest.MonkeyPatch):
    """Of queries: delta sum_i (1[i = j] - p_i) k_i x' / (sqrt(D) T), with the other sign; of keys alike."""
    one, selected = network(), [0, 3, 4]
    drawing(monkeypatch, selected)
    rule = ThreeFactor(worth, critic=0.1)
    rule.expects = normal(4, seed=5)
    expected = rule.expects.clone()
    found = updates(rule, one)
    layer, by_hand = one.layer, {"query": torch.zeros(4, 4).double(), "key": torch.zeros(4, 4).double()}
    moved = torch.zeros(4).double()
    with torch.no_grad():
        for x, y, j in zip(BATCH.x, BATCH.y, selected, strict=True):
            tokens, now = x[-5:], x[-1]
            k, q = layer.key(tokens), layer.query(now)
            p = torch.softmax(k @ q / 2 / 0.7, 0)
            output = one.read(now + layer.value(tokens[j]))
            delta = output[y].sin() - expected @ now
            more = (torch.arange(5) == j).double() - p
            by_hand["query"] -= delta * torch.outer(more @ k, now) / 2 / 0.7 / 3
            by_hand["key"] -= delta * torch.outer(q, more @ tokens) / 2 / 0.7 / 3
            moved += 0.1 * delta * now / 3
    assert set(found) == {"layer.query.weight", "layer.key.weight"}
    for name, update in by_hand.items():
        close(found[f"layer.{name}.weight"], update, f"update of {name}, by hand")
    close(rule.expects, expected + moved, "what is expected, afterwards")


@pytest.mark.parametrize("foretold", [False, True])
def test_on_the_average_it_is_the_gradient_of_the_reward(monkeypatch: pytest.MonkeyPatch, foretold: bool):
    """Over all places that may be selected: what is foretold adds nothing on average."""
    one, (x, y) = network(), Batch(BATCH.x[:1], BATCH.y[:1])
    now, fit, returns = one.layer.selection(x)
    chance = fit.softmax(-1)[0]
    rewards = torch.stack([worth(one.read(now + returns[:, j]), y)[0] for j in range(5)]).detach()
    names = ("layer.query.weight", "layer.key.weight")
    exact = torch.autograd.grad(-(chance * rewards).sum(), [one.get_parameter(name) for name in names])
    total = {name: torch.zeros(4, 4).double() for name in names}
    for j in range(5):
        drawing(monkeypatch, [j])
        rule = ThreeFactor(worth)
        rule.expects = normal(4, seed=6) if foretold else None
        found = updates(rule, one, Batch(x, y))
        total = {name: total[name] + chance[j].detach() * found[name] for name in names}
    for name, gradient in zip(names, exact, strict=True):
        close(total[name], gradient, f"mean update of {name}, gradient of the mean reward")


def test_so_it_is_where_answers_are_drawn(monkeypatch: pytest.MonkeyPatch):
    """The reward is that of the answer, as a one among zeros; all that leads to it learns."""
    one, (x, y) = network(), Batch(BATCH.x[:1], BATCH.y[:1])
    pays = torch.tensor([0.3, -1.2]).double()

    def paid(outputs: Tensor, answers: Tensor) -> Tensor:
        assert sorted(outputs[0].tolist()) == [0, 1]
        return outputs @ pays

    now, fit, returns = one.layer.selection(x)
    chance = fit.softmax(-1)[0]
    said = torch.stack([one.read(now + returns[:, j])[0].softmax(-1) for j in range(5)])  # (5, 2)
    named = dict(one.named_parameters())
    exact = torch.autograd.grad(-(chance @ said @ pays), list(named.values()))
    total = {name: torch.zeros_like(part) for name, part in named.items()}
    for j in range(5):
        for answer in range(2):
            drawing(monkeypatch, [j], [answer])
            found = updates(ThreeFactor(paid, teaches=Teaches.ALL), one, Batch(x, y))
            share = (chance[j] * said[j, answer]).detach()
            total = {name: total[name] + share * found[name] for name in named}
    for name, gradient in zip(named, exact, strict=True):
        close(total[name], gradient, f"mean update of {name}, gradient of the mean reward")


def test_dopamine_is_what_is_better_than_expected():
    """A reward that always comes is expected in the end; then one that fails to come is felt as its lack."""
    rule, now = ThreeFactor(critic=0.1), torch.eye(3)[:1]
    deltas = [float(rule.dopamine(torch.ones(1), now)) for _ in range(200)]
    assert deltas[:2] == [1.0, pytest.approx(0.9)] and deltas[-1] < 1e-6
    assert float(rule.dopamine(torch.zeros(1), now)) == pytest.approx(-1, abs=1e-6)
    assert float(rule.dopamine(torch.ones(1), torch.eye(3)[1:2])) == 1  # of another token nothing is known
    without = ThreeFactor(critic=0.0)
    assert [float(without.dopamine(torch.ones(1), now)) for _ in range(3)] == [1, 1, 1]


def test_without_dopamine_nothing_is_learned():
    found = updates(ThreeFactor(lambda outputs, answers: torch.zeros(3)), network())
    assert found and not any(update.any() for update in found.values())


def test_what_is_frozen_is_left():
    one = network()
    one.layer.query.weight.requires_grad_(False)
    assert set(updates(ThreeFactor(), one)) == {"layer.key.weight"}
    assert ThreeFactor().terms(one).trains == {"layer.key.weight"}
    one.layer.key.weight.requires_grad_(False)
    with refused("queries or keys that learn", "frozen"):
        ThreeFactor().learn(one, BATCH, CLASSES.loss)


def test_it_learns_which_pair_to_select():
    task = PairedAssociates(pairs=4, keys=4, values=4, width=16, seed=1)
    torch.manual_seed(1)
    one = Reader(LoopAttention(16), outputs=4, every_step=False)
    with torch.no_grad():
        one.layer.value.weight.copy_(torch.eye(16))
        one.read.weight.copy_(task.given())
        one.read.bias.zero_()
    rule = ThreeFactor(lambda outputs, answers: (outputs.gather(1, answers[:, None])[:, 0] > 0.5).float())
    updates, draw = torch.optim.SGD(one.layer.parameters(), 1.0), torch.Generator().manual_seed(1)
    x, y = task.test()
    before = CLASSES.score(one(x), y)
    for _ in range(200):
        updates.zero_grad()
        rule.learn(one, task.draw(16, draw), CLASSES.loss)
        updates.step()
    assert before < 0.5 and CLASSES.score(one(x), y) > 0.95


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: torch.nn.Linear(4, 2), "got Linear"),
        (lambda: Reader(Elman(4), 2, every_step=False), "got Reader of Elman"),
        (lambda: Reader(LoopAttention(4), 2, every_step=True), "got an answer at every step"),
        (lambda: Reader(LoopAttention(4, temperature=0.0), 2, every_step=False), "got a temperature of 0"),
    ],
)
def test_what_it_cannot_teach(make: Callable[[], torch.nn.Module], said: str):
    one = make().double()
    with refused("ThreeFactor: expected", said):
        ThreeFactor().learn(one, BATCH, CLASSES.loss)
    assert all(part.grad is None for part in one.parameters())


def test_rewards_that_are_none():
    for reward, said in (
        (lambda outputs, answers: torch.ones(2), r"each of 3 sequences, got \(2,\)"),
        (lambda outputs, answers: torch.ones(3, 6), r"got \(3, 6\)"),
        (lambda outputs, answers: torch.full((3,), torch.nan), "not all of them finite"),
    ):
        one, rule = network(), ThreeFactor(reward)
        with refused("a finite reward for each", said):
            rule.learn(one, BATCH, CLASSES.loss)
        assert rule.expects is None and all(part.grad is None for part in one.parameters())
    one = network()
    with torch.no_grad():
        one.layer.query.weight.fill_(float("inf"))
    with refused("finite scores", "diverged"):
        ThreeFactor().learn(one, BATCH, CLASSES.loss)
    for critic in (-0.1, float("nan")):
        with refused("rate of the critic of 0 or above"):
            ThreeFactor(critic=critic)
