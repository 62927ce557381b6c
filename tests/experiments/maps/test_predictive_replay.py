"""The claim about replay: its predicate, the sequence of place cells, speed and match."""

import math

import pytest
import torch

from tests.answers import answers, exact_answers
from wavetrain.experiments.maps import predictive_replay as module
from wavetrain.experiments.maps.predictive_replay import lap, match, speed


def test_predicate():
    holds = module.claim.holds
    yes = {"predictive": 0.99, "reconstruction": 0.76, "r2_predictive": 0.99, "r2_reconstruction": 0.99}
    assert holds(yes) is True
    assert holds(yes | {"predictive": 0.9}) is False
    assert holds(yes | {"predictive": 1.1}) is False
    assert holds(yes | {"reconstruction": 0.99}) is False
    assert holds(yes | {"r2_predictive": 0.5}) is None
    assert holds(yes | {"r2_reconstruction": math.nan}) is None
    assert answers(module.claim, yes | {"predictive": 0.94}) == [False, True]
    assert answers(module.claim, yes | {"reconstruction": 0.9}) == [True, False]


def test_who_knows_the_sequence_meets_the_limits_and_who_skips_does_not(monkeypatch: pytest.MonkeyPatch):
    assert exact_answers("predictive_replay") == [True, True]

    def skips(x: torch.Tensor, sequence: torch.Tensor, ahead: int) -> torch.Tensor:
        """Two steps at every tenth moment."""
        now = torch.cdist(x, sequence).argmin(-1)
        return sequence[(now + ahead * (1 + (now % 10 == 0).long())) % len(sequence)]

    monkeypatch.setattr(module, "moment", skips)
    assert exact_answers("predictive_replay") == [False, True]


def test_each_cell_is_the_one_before_it_later():
    sequence = lap(50, 100)
    torch.testing.assert_close(sequence.roll((2, 1), (0, 1)), sequence)
    total = sequence.sum(1)[::2]
    torch.testing.assert_close(total, total[:1].expand_as(total))


def test_bell_is_the_normal_density_between_its_quantiles():
    bell = lap(1, 10_000)[:, 0]
    assert bell.max() == bell[0] == 1
    assert (bell > 0).double().mean() == pytest.approx(0.5, abs=1e-3)
    edge = bell[bell > 0].min()
    assert edge == pytest.approx(math.exp(-(1.6449**2) / 2), abs=1e-3)
    assert bell[:2500].sum() / 10_000 * 4 * 1.6449 == pytest.approx(0.45 * math.sqrt(2 * math.pi), abs=1e-3)


@pytest.mark.parametrize("pace", [0.0, 0.5, 1.0, -1.0])
def test_speed_of_known_sequences(pace: float):
    """A sequence played at a pace, over the end of the lap too, has that speed, and matches at any."""
    sequence = lap(200, 100)
    moments = (pace * torch.arange(150)).long() % 100
    assert speed(sequence[moments][None], 100) == pytest.approx(pace, abs=0.01)
    assert match(sequence[moments][None], sequence) == pytest.approx(1)


def test_match_of_cells_in_another_order_is_low():
    sequence = lap(200, 100)
    order = torch.randperm(200, generator=torch.Generator().manual_seed(0))
    assert match(sequence[:, order], sequence) < 0.4
