"""The workspace's claim: the predicate on our thresholds, and what its figures count."""

import torch

from wavetrain.core import Batch
from wavetrain.experiments.modules.workspace_additions import _columns, _counts, _line, _right, claim
from wavetrain.networks.global_workspace import GlobalWorkspace, Trace
from wavetrain.tasks.languages.addition import Split, addition

GOOD = {
    f"{name}_{split}{end}": value
    for split in ("pairs", "sums")
    for name, end, value in (
        ("router", "", 0.95),
        ("increments", "", 0.95),
        ("lstm", "", 0.85 if split == "pairs" else 0.05),
        ("transformer", "", 0.85 if split == "pairs" else 0.05),
        ("lstm", "_learned", 0.95),
        ("transformer", "_learned", 0.95),
    )
}


def test_predicate():
    assert claim.holds(GOOD) is True
    for change in (
        {"router_sums": 0.94},
        {"increments_pairs": 0.9},
        {"lstm_pairs": 0.86},
        {"transformer_sums": 0.1},
    ):
        assert claim.holds(GOOD | change) is False
    assert claim.holds(GOOD | {"transformer_pairs_learned": 0.9}) is None


class Right(GlobalWorkspace):
    """Adds as it should: input, b increments, output."""

    def trace(self, x: torch.Tensor, hard: bool = False) -> Trace:
        time = torch.arange(self.steps)
        opened = torch.where(time == 0, 0, torch.where(time <= x[:, 1:], 1, 2))  # (B, T)
        said = torch.nn.functional.one_hot(x.sum(1) % self.values, self.values).double()
        return Trace(torch.nn.functional.one_hot(opened, 3).double(), said[:, None], said)


def test_figures_of_who_adds_as_it_should():
    network = Right(20)
    asked = addition(9, Split.SUMS).test()
    assert _right(network, asked) == _counts(network, asked) == _columns(network, 30) == 1.0
    wrong = Batch(asked.x, asked.y - 1)
    assert _right(network, wrong) == 0.0
    assert _line(addition(9, Split.SUMS).train, asked) == 1.0 and _line(asked, wrong) == 0.0
