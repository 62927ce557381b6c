"""The claim on length: its predicate, equal sizes, and what the rivals are given."""

import math

import pytest
import torch

from tests.answers import answers, exact_answers
from wavetrain.experiments.recurrences import universal_transformer_length as module
from wavetrain.experiments.recurrences.universal_transformer_length import Anywhere, Placed
from wavetrain.networks.universal_transformer import Halting, UniversalTransformer
from wavetrain.tasks.recall.repetition import Repetition

FIGURES = {"deep_trained": 1.0, "universal_longest": 0.91, "deep_longest": 0.53, "shallow_longest": 0.1}


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ({}, [True, True]),
        ({"deep_longest": 0.82}, [False, True]),
        ({"shallow_longest": 0.82}, [True, False]),
        ({"shallow_longest": math.nan}, [True, False]),
        ({"universal_longest": math.nan}, [False, False]),
        ({"universal_longest": 1.0}, [True, True]),
    ],
)
def test_predicates(changed: dict[str, float], parts: list[bool]):
    """What is no number is the figure of a training that diverged; 1 is that of perfect recall."""
    assert answers(module.claim, FIGURES | changed) == parts
    assert module.claim.holds(FIGURES | changed) is all(parts)


def test_nothing_is_decided_where_nobody_can_copy():
    assert pytest.approx(Repetition(3).chance) == module.GUESSED
    assert answers(module.claim, FIGURES | {"deep_trained": 0.89}) == [None, None]
    at_chance = dict.fromkeys(("universal_longest", "deep_longest", "shallow_longest"), 0.12)
    assert answers(module.claim, FIGURES | at_chance) == [None, None]
    assert answers(module.claim, FIGURES | at_chance | {"deep_longest": 0.2}) == [False, False]


def test_equal_parameters_and_equal_compute():
    scale = module.small
    sizes = {
        name: sum(p.numel() for p in make().parameters())
        for name, make in module._rivals(Repetition(), scale).items()
    }
    assert sizes["shallow"] == sizes["universal"] == sizes["halting"] - scale.width - 1
    ends = (11 + 11) * scale.width + 11  # embedding and read-out
    assert sizes["deep"] - ends == scale.depth * (sizes["shallow"] - ends)


def test_starts_come_first_and_reach_the_longest_test():
    scale = module.small
    task = Anywhere(Repetition(scale.trained), 2 * (scale.tests[-1] - scale.trained))
    x, y = task.draw(4000, torch.Generator().manual_seed(1))
    plain = Repetition(scale.trained).draw(4000, torch.Generator().manual_seed(1))
    assert torch.equal(x[:, 1:], plain.x) and torch.equal(y, plain.y)
    assert x[:, 0].min() == 0 and x[:, 0].max() + 2 * scale.trained == 2 * scale.tests[-1]
    assert len(x[:, 0].unique()) == 2 * (scale.tests[-1] - scale.trained) + 1
    for held in (task.valid(), task.test()):
        assert not held.x[:, 0].any()


def test_pondering_is_paid_for():
    """The loss is that of the answers and the mean price of n + R; the score sees the answers alone."""
    part = Repetition(3)
    task = Anywhere(part, 4)
    net = UniversalTransformer(11, 11, 8, 2, halting=Halting(5), causal=True)
    batch = task.draw(6, torch.Generator().manual_seed(1))
    output = Placed(net, price=0.5)(batch.x)
    done = net.run(batch.x[:, 1:], batch.x[:, 0])
    expected = part.objective.loss(done.output, batch.y) + 0.5 * done.ponder.mean()
    torch.testing.assert_close(task.objective.loss(output, batch.y), expected)
    assert task.objective.score(output, batch.y) == part.objective.score(done.output, batch.y)
    assert done.ponder.mean().item() > 1
    free = Placed(net, price=0.0)(batch.x)
    torch.testing.assert_close(task.objective.loss(free, batch.y), part.objective.loss(done.output, batch.y))


@pytest.mark.parametrize("name", ["universal", "halting", "deep", "shallow"])
def test_rivals_never_read_ahead(name: str):
    torch.manual_seed(0)
    net = module._rivals(Repetition(), module.smoke)[name]()
    x = Anywhere(Repetition(4), 5).draw(3, torch.Generator().manual_seed(1)).x
    later = x.clone()
    later[:, 6:] = (later[:, 6:] + 1) % 11
    torch.testing.assert_close(net(later)[:, :5], net(x)[:, :5])


def test_who_copies_meets_the_limits_and_who_copies_a_little_more_than_trained_does_not(
    monkeypatch: pytest.MonkeyPatch,
):
    assert exact_answers("universal_transformer_length", "smoke") == [True, True]
    assert exact_answers("universal_transformer_length") == [True, True]
    rule = module.copied
    monkeypatch.setattr(module, "copied", lambda x, most: rule(x, min(most, 13)))
    assert exact_answers("universal_transformer_length") == [False, False]
