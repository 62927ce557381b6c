"""The claim of spike times: the predicates, how the networks start, and what the regressions know."""

from pathlib import Path

import pytest
import torch

from tests.answers import answers
from wavetrain.experiments.spikes.surrogate_latency import (
    _networks,
    _regressions,
    _task,
    claim,
    exact,
    small,
    smoke,
)
from wavetrain.train.lab import Lab

RIGHT = {"lif": 0.75, "alif": 0.75, "zero": 0.45, "counts": 0.15, "latencies": 0.75, "lstm": 1.0, "wave": 1.0}


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ({}, [True, True, True, True, True]),
        ({"lif": 0.74}, [False, True, False, True, True]),
        ({"alif": 0.74}, [True, False, False, True, True]),
        ({"zero": 0.46}, [True, True, False, True, True]),
        ({"counts": 0.16}, [True, True, True, False, True]),
        ({"latencies": 0.74}, [True, True, True, True, False]),
        (dict.fromkeys(RIGHT, 0.1), [False, False, False, True, True]),
    ],
)
def test_predicates(changed: dict[str, float], parts: list[bool]):
    assert answers(claim, RIGHT | changed) == parts


def test_spiking_networks_fire_at_the_start_and_not_all_the_time(tmp_path: Path):
    task = _task(small, Lab(tmp_path, 0))
    x = task.draw(20, torch.Generator().manual_seed(0)).x
    torch.manual_seed(0)
    for name, make in _networks(task, small).items():
        if name in ("lif", "alif", "zero"):
            rate = float(make().layer(x)[0].detach().mean())  # type: ignore[operator, union-attr]
            assert 0.005 < rate < 0.2, name


def test_without_slope_the_input_weights_stay_and_the_read_out_learns(tmp_path: Path):
    task = _task(small, Lab(tmp_path, 0))
    network = _networks(task, small)["zero"]()
    x, y = task.draw(20, torch.Generator().manual_seed(0))
    task.objective.loss(network(x), y).backward()
    gradients = {name: one.grad for name, one in network.named_parameters()}
    assert not gradients["layer.encode.weight"].any() and gradients["read.weight"].any()


def test_regressions_know_times_and_no_counts(tmp_path: Path):
    figures = _regressions(_task(small, Lab(tmp_path, 0)))
    assert figures["latencies"] > 0.9 and figures["counts"] <= 0.15


def test_the_nearest_sample_is_of_the_right_class(tmp_path: Path):
    assert exact(small, Lab(tmp_path, 0))["lif"] > 0.99


def test_classes_that_count_are_none_that_were_tried(tmp_path: Path):
    assert {_task(smoke, Lab(tmp_path, seed)).seed for seed in range(3)} == {1000, 1001, 1002}
