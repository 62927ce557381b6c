"""Relations: what the predicate says, and the question of order put to who knows the ranks."""

import pytest
import torch
from torch import Tensor, nn

from tests.answers import answers, exact_answers
from wavetrain.experiments.maps import tem_transformer_relations
from wavetrain.experiments.maps.tem_transformer_relations import _order, claim, smoke
from wavetrain.parts import worlds
from wavetrain.tasks.maps._shared import Walking
from wavetrain.tasks.maps.transitive_inference import transitive_inference

FOUND = {
    **{"tem_transformer_line": 0.85, "tem_transformer_line_known": 0.9},
    **{"lstm_line": 0.5, "lstm_line_known": 0.6},
    **{"tem_transformer_family": 0.85, "tem_transformer_family_known": 0.9},
    **{"lstm_family": 0.2, "lstm_family_known": 0.3},
}


def test_both_structures_must_be_inferred():
    assert claim.holds(FOUND) is True
    for name in ("line", "family"):
        assert claim.holds(FOUND | {f"tem_transformer_{name}": 0.79}) is False
        assert claim.holds(FOUND | {f"lstm_{name}": 0.56}) is False


@pytest.mark.parametrize(
    ("other", "part"),
    [
        ({"tem_transformer_line": 0.799, "lstm_line": 0.4}, 0),
        ({"lstm_line": 0.551}, 1),
        ({"tem_transformer_family": 0.799}, 2),
        ({"lstm_family": 0.551}, 3),
    ],
)
def test_parts(other: dict[str, float], part: int):
    assert answers(claim, FOUND | other) == [number != part for number in range(4)]


def test_who_knows_the_structure_and_who_guesses():
    exact = {name: 1.0 for name in FOUND if name.startswith("tem")}
    assert answers(claim, FOUND | exact) == 4 * [True]
    assert answers(claim, dict.fromkeys(FOUND, 0.05)) == 4 * [None]


def test_it_is_open_where_nobody_learned_a_structure():
    assert claim.holds(FOUND | {"tem_transformer_family_known": 0.4}) is None
    assert claim.holds(FOUND | {"lstm_line_known": 0.4, "tem_transformer_line_known": 0.4}) is None


class Knows(nn.Module):
    """Finds the rank of each item by adding up; `sign` is -1 for who takes higher for lower."""

    def __init__(self, task: Walking, sign: int):
        super().__init__()
        self.labels, self.sign = task.labels, sign
        self.ranks = torch.tensor([int(name) for name in task.world.actions])

    def forward(self, x: Tensor) -> Tensor:
        item, action = x[..., : 1 + self.labels].argmax(-1), x[..., 1 + self.labels :].argmax(-1)
        rank = torch.cat([torch.zeros(len(x), 1).long(), self.ranks[action].cumsum(1)], 1)  # from the first
        rank[:, -1] = rank[:, -2] + self.sign * self.ranks[action[:, -1]]
        here = rank[:, -1:] == rank[:, :-1]
        said = torch.zeros(len(x), 1 + self.labels).scatter_add(1, item, 50.0 * here)
        return said.unsqueeze(1).expand(-1, x.shape[1], -1)


@pytest.mark.parametrize(("sign", "share"), [(1, 1.0), (-1, 0.0)])
def test_who_knows_the_ranks_tells_the_order(sign: int, share: float):
    task = transitive_inference(6)
    assert _order(Knows(task, sign), task, smoke, torch.device("cpu")) == share


def test_who_knows_nothing_tells_no_order():
    task = transitive_inference(6)

    class Blank(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.zeros(*x.shape[:2], 1 + task.labels)

    share = _order(Blank(), task, smoke, torch.device("cpu"))
    assert 0.2 < share < 0.8  # "lower" every time


def test_the_agents_meet_the_limits_and_one_who_forgets_does_not(monkeypatch: pytest.MonkeyPatch):
    assert exact_answers("tem_transformer_relations", "smoke") == 4 * [True]
    assert exact_answers("tem_transformer_relations") == 4 * [True]

    def forgets(walked: worlds.Walks, seen: worlds.Steps) -> Tensor:
        """The node agent guesses at every third step."""
        return torch.where(torch.arange(1, walked.node.shape[1]) % 3 == 0, 0, walked.label[:, 1:])

    monkeypatch.setattr(tem_transformer_relations, "node_agent", forgets)
    assert exact_answers("tem_transformer_relations") == [False, True, False, True]
