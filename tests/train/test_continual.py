"""Tasks in turn: what is seen of each, when a rule is told, what the optimiser keeps, what is looked at."""

import math
from collections.abc import Callable
from functools import partial
from itertools import chain

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.promises import normal
from wavetrain.core import CLASSES, Batch, Card, Recorded, Rule
from wavetrain.errors import BadInput
from wavetrain.parts.task_end import end_task
from wavetrain.parts.task_sequence import Scenario, TaskSequence, in_turn
from wavetrain.rules.backpropagation import Backpropagation
from wavetrain.rules.elastic_weight_consolidation import ElasticWeightConsolidation
from wavetrain.rules.gradient_projection import GradientProjection
from wavetrain.rules.hebbian_projection import HebbianProjection
from wavetrain.train.continual import Terms, learn_at_once, learn_in_turn
from wavetrain.train.fit import examine

SGD = partial(torch.optim.SGD, lr=0.5)


def task(first: int, many: int = 23) -> Recorded:
    """Two classes that a number tells apart; the second number of a sequence is its own."""

    def part(seed: int, many: int) -> Batch:
        y = torch.arange(many) % 2 + first
        x = normal(many, 1, 6, seed=10 * seed + first, dtype=torch.float32)
        x[:, 0, 0] = 2 * (y - first) - 1.0
        x[:, 0, 1] = 100 * first + torch.arange(many)
        return Batch(x, y)

    return Recorded(part(1, many), part(2, 6), part(3, 40), 6, 2, False, False, CLASSES, 0.5)


def tasks(scenario: Scenario = Scenario.CLASS) -> TaskSequence:
    return in_turn([task(0), task(2), task(4)], scenario)


def network(outputs: int = 6) -> nn.Module:
    torch.manual_seed(0)
    one = nn.Sequential(nn.Flatten(), nn.Linear(6, outputs))
    with torch.no_grad():
        one[1].weight[:, 1] = 0.0
    return one


class Seen(Rule):
    """Learns nothing, and notes what it is shown and told."""

    card = Card("", "", 2026, "", "", "")

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.ends: list[tuple[int, list[int]]] = []

    def learn(self, network: nn.Module, batch: Batch, loss: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        self.batches.append(batch.x[:, 0, 1].int().tolist())
        return loss(network(batch.x), batch.y).detach()

    def remember(self, network: nn.Module, x: Tensor) -> None:
        self.ends.append((len(self.batches), x[:, 0, 1].int().tolist()))


def seen(terms: Terms) -> Seen:
    rule = Seen()
    learn_in_turn(network(), tasks(), rule, SGD, terms, torch.Generator().manual_seed(0))
    return rule


def test_each_pass_shows_each_sequence_once_in_another_order():
    rule = seen(Terms(batch=5, passes=2))
    assert [len(one) for one in rule.batches] == [5, 5, 5, 5, 3] * 2 * 3
    for number in range(3):
        passes = [[*chain(*rule.batches[start : start + 5])] for start in (10 * number, 10 * number + 5)]
        assert [sorted(one) for one in passes] == [[200 * number + k for k in range(23)]] * 2
        assert passes[0] != passes[1] != sorted(passes[1])


def test_a_number_of_steps_goes_on_through_passes():
    rule = seen(Terms(batch=5, steps=7))
    assert [len(one) for one in rule.batches] == [5, 5, 5, 5, 3, 5, 5] * 3
    assert len(set(chain(*rule.batches[5:7]))) == 10


def test_a_rule_is_told_when_a_task_is_over():
    rule = seen(Terms(batch=5, remembered=4))
    assert [end for end, _ in rule.ends] == [5, 10, 15]
    for number, (_, x) in enumerate(rule.ends):
        assert len(set(x)) == 4 and all(200 * number <= one < 200 * number + 23 for one in x)


def test_what_a_rule_wants_to_know_of_an_end():
    x = normal(5, 1, 6, dtype=torch.float32)
    for rule in (ElasticWeightConsolidation(), GradientProjection(rows=1), HebbianProjection(rows=1)):
        one = network()
        rule.learn(one, Batch(x, torch.zeros(5).long()), CLASSES.loss)
        end_task(rule, one, x)
    assert rule.tasks == 1 and not rule.new
    end_task(Backpropagation(), one, x)


def test_the_matrix_holds_the_scores_on_the_test_parts():
    sequence, rule = tasks(), Backpropagation()
    learned = learn_in_turn(
        network(), sequence, rule, SGD, Terms(batch=5, passes=4), torch.Generator().manual_seed(0)
    )
    by_hand = [examine(learned.network, one.test(), CLASSES) for one in sequence.tasks]
    assert learned.matrix.after[-1].tolist() == by_hand
    untrained = [examine(network(), one.test(), CLASSES) for one in sequence.tasks]
    assert learned.matrix.untrained is not None and learned.matrix.untrained.tolist() == untrained
    first = in_turn([task(0)], Scenario.CLASS)
    alone = learn_in_turn(
        network(), first, rule, SGD, Terms(batch=5, passes=4), torch.Generator().manual_seed(0)
    )
    assert alone.matrix.after[0, 0] == pytest.approx(learned.matrix.after[0, 0], abs=0.05)


def test_ways_to_ask_are_of_the_same_network():
    sequence = tasks()
    learned = learn_in_turn(
        network(),
        sequence,
        Backpropagation(),
        SGD,
        Terms(batch=5, passes=4),
        torch.Generator().manual_seed(0),
        ways={"told": sequence.told()},
    )
    assert (learned.others["told"].after >= learned.matrix.after).all()
    assert learned.others["told"].backward > learned.matrix.backward
    with pytest.raises(BadInput, match="expected 3 tasks in every way to ask, got 2 in 'short'"):
        learn_in_turn(
            network(),
            sequence,
            Backpropagation(),
            SGD,
            Terms(batch=5),
            torch.Generator(),
            ways={"short": in_turn([task(0), task(2)], Scenario.CLASS)},
        )


@pytest.mark.parametrize(("reset", "begun"), [(False, 1), (True, 3)])
def test_the_optimiser_goes_on_or_begins_anew(reset: bool, begun: int):
    made = []

    def optimiser(parameters: object) -> torch.optim.Optimizer:
        made.append(torch.optim.SGD(parameters, 0.1, momentum=0.9))
        return made[-1]

    terms = Terms(batch=5, reset=reset)
    learn_in_turn(network(), tasks(), Backpropagation(), optimiser, terms, torch.Generator().manual_seed(0))
    assert len(made) == begun


def test_the_lowest_score_on_the_first_task_after_each_change():
    """The stability gap is that of the first steps alone, which are looked at one by one."""
    sequence, scores = tasks(), []

    class Looks(Backpropagation):
        def learn(self, network: nn.Module, batch: Batch, loss: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
            scores.append(examine(network, sequence.tasks[0].test(), CLASSES))  # before the step
            return super().learn(network, batch, loss)

    learned = learn_in_turn(
        network(), sequence, Looks(), SGD, Terms(batch=5, watched=2), torch.Generator().manual_seed(0)
    )
    assert learned.matrix.lowest is not None
    assert learned.matrix.lowest.tolist() == [min(scores[6:8]), min(scores[11:13])]


def test_a_loss_that_is_not_finite_ends_it():
    class Broken(Backpropagation):
        count = 0

        def learn(self, network: nn.Module, batch: Batch, loss: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
            self.count += 1
            return super().learn(network, batch, loss) * (math.nan if self.count > 6 else 1)

    rule = Broken()
    learned = learn_in_turn(network(), tasks(), rule, SGD, Terms(batch=5), torch.Generator().manual_seed(0))
    assert np.isfinite(learned.matrix.after[0]).all() and np.isnan(learned.matrix.after[1:]).all()
    assert rule.count == 10 and math.isnan(learned.matrix.average)


def test_all_at_once_is_learned_in_as_many_steps():
    for terms, steps in ((Terms(batch=5, passes=2), 28), (Terms(batch=5, steps=7), 21)):
        rule = Seen()
        scores = learn_at_once(network(), tasks(), rule, SGD, terms, torch.Generator().manual_seed(0))
        assert len(rule.batches) == steps and len(scores[""]) == 3
    assert {one // 200 for one in chain(*rule.batches[:7])} == {0, 1, 2}  # mixed from the first steps on


@pytest.mark.parametrize("wrong", [{"batch": 0}, {"batch": 5, "passes": 0}, {"batch": 5, "steps": 0}])
def test_bad_terms_are_refused(wrong: dict[str, int]):
    with pytest.raises(BadInput, match="must be a whole number of at least 1, not 0"):
        Terms(**wrong)
    with pytest.raises(BadInput, match="expected watched steps of at least 0, got -1"):
        Terms(batch=5, watched=-1)
