"""Turns, stays and kick units of planted activity, the model itself, and the predicates on either side."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from tests.answers import answers, exact_answers
from wavetrain.experiments.dynamics import hidden_markov_emulation
from wavetrain.experiments.dynamics.hidden_markov_emulation import (
    Emulation,
    _driven,
    _fall,
    claim,
    kick_units,
    rotation,
    stays,
    without,
)
from wavetrain.networks.noise_generator import NoiseGenerator
from wavetrain.tasks.languages.hidden_markov import HiddenMarkov
from wavetrain.train.lab import Mark, Plan


def dice(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_noise_and_symbols_know_nothing_of_each_other():
    task = Emulation(HiddenMarkov(length=9), noise=4, held=50)
    x, y = task.draw(6, dice())
    assert x.shape == (6, 9, 7) and y.shape == (6, 9) and task.valid().x.shape == (50, 9, 7)
    told = torch.nn.functional.one_hot(y, 3).float()
    assert float(task.objective.score(told, y)) == pytest.approx(0, abs=1e-4)
    assert float(task.objective.score(told.flip(0), y)) == pytest.approx(0, abs=1e-4)  # only the set counts
    assert float(task.objective.score(told.flip(2), y)) > 0.5


def test_turns_are_counted_with_their_sense():
    time = np.arange(1001)
    angle = 2 * np.pi * np.array([7, 4])[:, None] * time / 1000
    circle = np.stack([np.cos(angle), np.sin(angle)], 2)
    basis = np.linalg.qr(np.random.default_rng(0).normal(size=(6, 2)))[0]
    turns, plane = rotation(circle @ basis.T + 3.0)
    assert np.abs(turns) == pytest.approx([7, 4], abs=1e-6) and turns[0] * turns[1] > 0
    assert np.linalg.norm(plane, axis=2) == pytest.approx(np.ones((2, 1001)), abs=0.02)
    other, _ = rotation(np.concatenate([circle[:1], circle[1:, :, ::-1]]) @ basis.T)
    assert other[0] * other[1] < 0


def test_the_steps_until_the_symbol_changes():
    likeliest = torch.tensor([[0, 0, 0, 2, 0, 0, 0]])
    assert stays(likeliest).tolist() == [[3, 2, 1, 1, 0, 0, 0]]


def test_how_long_the_loss_is_flat_and_how_far_it_falls():
    losses = 14.0, 8.7, 8.0, 7.3, 6.9, 6.0, 5.5, 5.0
    marks = [Mark(50 * look, loss, 0.0) for look, loss in enumerate(losses, 1)]
    done: Any = SimpleNamespace(plan=Plan(400, 1, 0.1, every=50), marks=marks)
    assert _fall(done, 8.0) == {"plateau": 150.0, "drop": pytest.approx(2.7)}
    assert _fall(done, 20.0) == {"plateau": 0.0, "drop": 0.0}


@torch.no_grad()
def test_kick_units_are_those_held_back_while_the_symbol_stays():
    """Units 0 and 1 hold symbols 0 and 2; unit 2 is driven only in the last steps before a symbol is left."""
    network = NoiseGenerator(4, 1, 3)
    for weight in network.parameters():
        weight.zero_()
    network.read.weight[0, 0] = network.read.weight[2, 1] = 9.0
    network.recur.weight[2] = torch.tensor([-1.0, -1.0, 0.0, 2.0])  # unit 3 tells that the end is near
    likeliest = torch.arange(120).div(20, rounding_mode="floor") % 2 * 2
    states = torch.zeros(1, 120, 4)
    states[0, :, 0], states[0, :, 1] = likeliest == 0, likeliest == 2
    states[0, 18::20, 3] = states[0, 19::20, 3] = 1.0
    driven = hidden_markov_emulation._Runs(states, likeliest[None])
    assert kick_units(network, driven) == [2]
    network.recur.weight[2] = torch.tensor([1.0, 1.0, 0.0, 2.0])  # driven all the time: no kick
    assert kick_units(network, driven) == []


@torch.no_grad()
def test_silenced_units_stay_at_zero_and_the_network_is_as_it_was():
    network = NoiseGenerator(6, 2, 3)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    x = network.drawn(2, 30, dice())
    states = _driven(without(network, [1, 4]), x).states
    assert not states[..., [1, 4]].any() and states[..., [0, 2, 3, 5]].any()
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


WHOLE = {"end": 6.0, "floor": 5.5, "independent": 8.1, "plateau": 100.0, "drop": 1.1, "spread": 9e-4}
WHOLE |= {"turns_low": 5.1, "turns_high": 9.0}
WHOLE |= {"changes_whole": 100.0, "changes_kicks": 40.0, "changes_others": 80.0}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, [True] * 5),
        ({"end": 6.06}, [False, True, None, None, None]),
        ({"independent": 8.0}, [False, True, None, None, None]),
        ({"plateau": 80.0}, [True, False, True, True, True]),
        ({"drop": 1.0}, [True, False, True, True, True]),
        ({"spread": 1e-3}, [True, True, False, True, True]),
        ({"turns_low": 5.0}, [True, True, True, False, True]),
        ({"turns_low": -9.0}, [True, True, True, False, True]),
        ({"turns_low": -9.0, "turns_high": -5.1}, [True] * 5),
        ({"changes_kicks": 41.0}, [True, True, True, True, False]),
        ({"changes_whole": 79.0}, [True, True, True, True, False]),
    ],
)
def test_each_part_on_either_side(change: dict[str, float], said: list[bool | None]):
    assert answers(claim, WHOLE | change) == said


def test_the_model_refutes_nothing_and_independent_symbols_do(monkeypatch: pytest.MonkeyPatch):
    assert exact_answers("hidden_markov_emulation") == [True, None, None, None, None]
    told = hidden_markov_emulation._end

    def shuffled(task, emits, draws=3):  # type: ignore[no-untyped-def]
        def mixed(x: torch.Tensor) -> torch.Tensor:
            symbols = emits(x)
            order = torch.rand(symbols.shape[:2], generator=dice()).argsort(0)
            return symbols.gather(0, order[..., None].expand_as(symbols))

        return told(task, mixed, draws)

    monkeypatch.setattr(hidden_markov_emulation, "_end", shuffled)
    assert exact_answers("hidden_markov_emulation")[0] is False
