"""The workspace's claim: the predicates on our thresholds, and what its figures count."""

import pytest
import torch

from tests.answers import exact_answers
from wavetrain.core import Batch
from wavetrain.evidence.claims import Measured
from wavetrain.experiments.modules import workspace_additions
from wavetrain.experiments.modules.workspace_additions import _columns, _counts, _line, _right, claim
from wavetrain.networks.global_workspace import GlobalWorkspace, Trace
from wavetrain.tasks.languages.addition import Split, addition

GOOD = {
    f"{name}_{split}{end}": value
    for split in ("pairs", "sums", "first")
    for name, end, value in (
        ("router", "", 0.95),
        ("increments", "", 0.95),
        ("lstm", "", 0.85),
        ("transformer", "", 0.85),
        ("lstm", "_learned", 0.95),
        ("transformer", "_learned", 0.95),
    )
}


def answers(**changes: float) -> list[bool | None]:
    """Of the router's sums and increments, and of its rivals' unseen pairs and larger first numbers."""
    return [part.holds(Measured(GOOD | changes)) for part in claim.parts]


def test_each_part_on_either_side():
    assert answers() == [True, True, True, True]
    for split in ("pairs", "sums"):
        assert answers(**{f"router_{split}": 0.94}) == [False, True, True, True]
        assert answers(**{f"increments_{split}": 0.94}) == [True, False, True, True]
    for rival in ("lstm", "transformer"):
        assert answers(**{f"{rival}_pairs": 0.86}) == [True, True, False, True]
        assert answers(**{f"{rival}_first": 0.86}) == [True, True, True, False]
        assert answers(**{f"{rival}_sums": 1.0}) == [True] * 4, "no class for such a sum: it judges nobody"


def test_where_a_rival_has_not_learned_nobody_can_tell():
    for rival in ("lstm", "transformer"):
        for split in ("pairs", "sums"):
            assert answers(**{f"{rival}_{split}_learned": 0.94}) == [None] * 4
        assert answers(**{f"{rival}_first_learned": 0.94}) == [True, True, True, None]
    assert answers(**dict.fromkeys(GOOD, 1 / 19)) == [None] * 4, "at chance"


class Right(GlobalWorkspace):
    """Adds as it should: input, b increments, output."""

    def trace(self, x: torch.Tensor, hard: bool = False) -> Trace:
        time = torch.arange(self.steps)
        opened = torch.where(time == 0, 0, torch.where(time <= x[:, 1:], 1, 2))  # (B, T)
        said = torch.nn.functional.one_hot(x.sum(1) % self.values, self.values).double()
        return Trace(torch.nn.functional.one_hot(opened, 3).double(), said[:, None], said)


def test_a_sum_that_never_occurred_is_no_class_that_could_be_learned():
    """Which is why only the router is judged by larger sums, and the rivals by larger first numbers."""
    for split, possible in ((Split.SUMS, False), (Split.FIRST, True)):
        task = addition(9, split)
        asked = torch.cat([task.valid().y, task.test().y])
        assert bool(torch.isin(asked, task.train.y).all()) is possible


def test_figures_of_who_adds_as_it_should():
    network = Right(20)
    asked = addition(9, Split.SUMS).test()
    right, counts = _right(network, asked), _counts(network, asked)
    assert right == counts == _columns(network, 30) == 1.0
    exact = {
        f"{name}_{split}": value
        for split in ("pairs", "sums")
        for name, value in (("router", right), ("increments", counts))
    }
    assert answers(**exact) == [True, True, True, True]
    wrong = Batch(asked.x, asked.y - 1)
    assert _right(network, wrong) == 0.0
    assert _line(addition(9, Split.SUMS).train, asked) == 1.0 and _line(asked, wrong) == 0.0


def test_the_router_by_hand_meets_the_limits_and_one_that_stops_early_does_not(
    monkeypatch: pytest.MonkeyPatch,
):
    assert exact_answers("workspace_additions", "smoke") == [True, True, True, True]
    assert exact_answers("workspace_additions") == [True, True, True, True]
    make = workspace_additions.by_hand

    def early(scale: workspace_additions.Scale) -> GlobalWorkspace:
        """Leaves out the last increment."""
        router = make(scale)
        with torch.no_grad():
            router.gate.bias[2] = 80
        return router

    monkeypatch.setattr(workspace_additions, "by_hand", early)
    assert exact_answers("workspace_additions") == [False, False, True, True]
