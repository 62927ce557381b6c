"""Time constants: as they are given, drawn or learned, and what is refused."""

import math

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.parts.taus import Taus


def test_one_for_all_is_as_it_is_given_in_any_type() -> None:
    """Not rounded to single precision on the way to double."""
    taus = Taus(3, 0.7).double()
    assert taus(torch.zeros((), dtype=torch.float64)).tolist() == [0.7] * 3
    assert not list(taus.parameters()) and not taus.state_dict()
    assert Taus(2, math.inf)(torch.zeros(())).tolist() == [math.inf] * 2


def test_drawn_ones_have_mean_and_spread_and_are_saved() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        taus, others = Taus(40_000, 20.0, spread=5.0), Taus(40_000, 20.0, spread=5.0)
    values = taus(torch.zeros(()))
    assert float(values.mean()) == pytest.approx(20, abs=0.1)  # 4 standard errors of 0.025
    assert float(values.std()) == pytest.approx(5, abs=0.08)
    others.load_state_dict(taus.state_dict())
    assert others(torch.zeros(())).equal(values) and not list(taus.parameters())


def test_none_is_below_the_least() -> None:
    values = Taus(10_000, 3.0, spread=5.0, least=0.5)(torch.zeros(()))
    assert float(values.min()) == pytest.approx(0.5) and (values > 0.6).any()


@pytest.mark.parametrize("spread", [0.0, 5.0])
def test_learned_ones_begin_where_they_are_set_and_stay_above_zero(spread: float) -> None:
    taus = Taus(1000, 20.0, spread=spread, learned=True)
    assert float(taus(torch.zeros(())).detach().mean()) == pytest.approx(20, abs=1)
    assert [name for name, _ in taus.named_parameters()] == ["log"]
    taus.log.data.fill_(-80.0)
    assert (taus(torch.zeros(())) > 0).all()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (dict(mean=0.0), "tau above 0 ms, got 0.0"),
        (dict(mean=-1.0), "tau above 0 ms, got -1.0"),
        (dict(mean=math.nan), "tau above 0 ms, got nan"),
        (dict(mean=math.inf, learned=True), "tau above 0 ms, got inf"),
        (dict(mean=math.inf, spread=1.0), "tau above 0 ms, got inf"),
        (dict(mean=1.0, spread=-1.0), "a spread of tau of 0 ms or more, got -1.0"),
        (dict(mean=1.0, spread=math.inf), "a spread of tau of 0 ms or more, got inf"),
        (dict(mean=1.0, least=0.0), "none below 0.0"),
    ],
)
def test_what_is_refused(given: dict[str, float], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        Taus(3, **given)
