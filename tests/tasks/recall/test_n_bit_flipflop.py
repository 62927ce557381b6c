"""N-bit flip-flop: the answer is the last pulse, from the first step on."""

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.recall.n_bit_flipflop import NBitFlipflop


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_walked_step_by_step():
    x, y = NBitFlipflop(2, 30, pulse=0.3).draw(50, generator())
    held = torch.zeros(50, 2)
    for step in range(30):
        held = torch.where(x[:, step] == 0, held, x[:, step])
        assert torch.equal(y[:, step], held)


def test_pulses_are_as_many_as_asked_and_of_both_signs():
    x, y = NBitFlipflop(3, 40, pulse=0.3).draw(2000, generator())
    assert (
        (x[:, 0] != 0).all()
        and set(x.unique().tolist()) == {-1, 0, 1}
        and set(y.unique().tolist()) == {-1, 1}
    )
    assert float((x[:, 1:] != 0).double().mean()) == pytest.approx(0.3, abs=0.005)
    assert float(y.mean()) == pytest.approx(0, abs=0.02)


def test_without_pulses_the_first_is_held():
    x, y = NBitFlipflop(2, 9, pulse=0.0).draw(5, generator())
    assert (x[:, 1:] == 0).all() and torch.equal(y, x[:, :1].expand(-1, 9, -1))
    x, y = NBitFlipflop(2, 9, pulse=1.0).draw(5, generator())
    assert torch.equal(x, y)


@pytest.mark.parametrize("words", [{"bits": 0}, {"length": 0}, {"pulse": -0.1}, {"pulse": 1.1}])
def test_bad_sizes(words):
    with pytest.raises(BadInput, match="n-bit flip-flop"):
        NBitFlipflop(**words)
