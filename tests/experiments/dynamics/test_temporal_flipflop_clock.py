"""What is asked, kept and clamped, the clock in place of a network, and the predicates on either side."""

import math

import pytest
import torch

from tests.answers import answers, exact_answers
from wavetrain.core import Batch
from wavetrain.experiments.dynamics import temporal_flipflop_clock
from wavetrain.experiments.dynamics.temporal_flipflop_clock import (
    Clamps,
    Clock,
    Known,
    Watched,
    Watches,
    claim,
    clamp,
    small,
)
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.parts.reader import Reader


def test_only_timed_or_untimed_symbols_are_asked():
    task = Clock(length=20, period=10)
    batch = task.draw(50, torch.Generator().manual_seed(0))
    timed, untimed, late = (task.asked(batch, *given).y for given in ((True,), (False,), (True, 10)))
    a = batch.x == 0
    assert torch.equal(timed >= 0, a) and torch.equal(untimed >= 0, ~a)
    assert (untimed[~a] == 0).all() and torch.equal(timed[a], batch.y[a])
    assert (late[:, :10] == -1).all() and torch.equal(late[:, 10:], timed[:, 10:])
    right = torch.nn.functional.one_hot(timed.clamp(min=0), 2).float()
    assert task.objective.score(right, timed) == 1
    assert task.objective.score(1 - right, timed) == 0  # steps that are not asked do not count


def test_the_layer_is_kept_as_it_was_before_every_third_step():
    network = Watched(Elman(2, 2), 2, steps=7, every=3)
    weight, seen = network.layer.recur.weight, []
    for step in range(7):
        torch.nn.init.constant_(weight, step)
        network.keep()
        if step == 4:  # a break
            seen, kept = network.layers(), network.state_dict()
            network = Watched(Elman(2, 2), 2, steps=7, every=3)
            network.load_state_dict(kept)
            weight = network.layer.recur.weight
    torch.nn.init.constant_(weight, 7)
    assert [float(one.recur.weight.detach()[0, 0]) for one in seen] == [0, 3, 4]
    assert [float(one.recur.weight.detach()[0, 0]) for one in network.layers()] == [0, 3, 6, 7]


def test_a_clamp_takes_only_what_is_too_much():
    network = Reader(Elman(8, 2), 2, every_step=True)
    weight = network.layer.recur.weight
    for gain, radius in ((3.0, 0.95), (0.5, 0.5)):
        with torch.no_grad():
            weight.copy_(torch.linalg.qr(torch.randn(8, 8))[0] * gain)  # every eigenvalue has this modulus
        before = weight.detach().clone()
        clamp(network, 0.95)
        assert torch.linalg.eigvals(weight).abs().max().item() == pytest.approx(radius, abs=1e-5)
        torch.testing.assert_close(weight.detach() * gain / radius, before)


def test_a_rule_clamps_before_it_learns_and_one_keeps():
    batch = Batch(torch.tensor([[0, 1, 0]]), torch.tensor([[0, 0, 1]]))
    network = Watched(Elman(4, 2), 2, steps=2, every=1)
    with torch.no_grad():
        network.layer.recur.weight.copy_(2 * torch.eye(4))
    Clamps(0.95).learn(network, batch, Clock.objective.loss)
    assert torch.allclose(network.layer.recur.weight, 0.95 * torch.eye(4))
    assert network.count == 0
    Watches().learn(network, batch, Clock.objective.loss)
    assert network.count == 1 and len(network.layers()) == 2


def test_each_part_on_either_side():
    whole = {
        "step_untimed": 80.0,
        "step_timed": 400.0,
        "step_crossing": 380.0,
        "turns": 0.109,
        "late_clamped": 0.59,
        "late_free": 0.9,
        "untimed_clamped": 0.99,
    }
    for change, said in (
        ({}, [True, True, True, True]),
        ({"step_untimed": 81.0}, [False, True, True, True]),
        ({"step_crossing": 379.0}, [True, False, True, True]),
        ({"step_crossing": 421.0}, [True, False, True, True]),
        ({"step_crossing": math.nan}, [True, False, True, True]),
        ({"step_timed": math.nan}, [False, False, True, True]),
        ({"turns": 0.111}, [True, True, False, True]),
        ({"turns": 0.089}, [True, True, False, True]),
        ({"late_clamped": 0.6}, [True, True, True, False]),
        ({"late_free": 0.89}, [True, True, True, None]),
        ({"untimed_clamped": 0.98}, [True, True, True, None]),
    ):
        assert answers(claim, whole | change, small) == said, change


def test_a_clock_refutes_nothing_and_one_that_leaks_does(monkeypatch: pytest.MonkeyPatch):
    assert exact_answers("temporal_flipflop_clock") == [None, None, None, True]
    task = Clock(length=small.length, period=small.period)
    late = temporal_flipflop_clock._late
    knows = Known(2, lambda x: task.theta(x) * task.timed(x))
    monkeypatch.setattr(temporal_flipflop_clock, "_late", lambda net, _, *given: late(net, knows, *given))
    assert exact_answers("temporal_flipflop_clock")[3] is False
