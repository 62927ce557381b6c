"""Lags of a wave: the predicates, how the past is read, and what theory says of the encoders."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.answers import answers
from wavetrain.experiments.waves.wave_memory_lags import (
    KEPT,
    OFTEN,
    STREAMS,
    Scale,
    claim,
    exact,
    read,
    rivals,
    run,
    small,
    smoke,
    theory,
)
from wavetrain.train.lab import Lab

RIGHT = {
    "lags_wave": 64.0,
    "lags_bump_50": 1.0,
    "lags_bump_90": 1.0,
    "lags_bump_98": 0.9,
    "lags_orthogonal": 47.0,
    "lags_bank": 7.7,
    "mixed_narrow": 0.98,
    "mixed_bump": 0.0,
}


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ({}, [True] * 4),
        ({"lags_wave": 59.9}, [False, True, True, True]),
        ({"lags_bump_50": 1.11}, [True, False, True, True]),
        ({"lags_bump_98": 1.11}, [True, False, True, True]),
        ({"lags_orthogonal": 39.0}, [True, True, False, True]),
        ({"lags_bank": 12.1}, [True, True, False, True]),
        ({"mixed_narrow": 0.9}, [True, True, True, False]),
        ({"mixed_bump": 0.05}, [True, True, True, False]),
        (dict.fromkeys(RIGHT, math.nan), [False] * 4),
    ],
)
def test_predicates(changed: dict[str, float], parts: list[bool]):
    assert answers(claim, RIGHT | changed) == parts


def test_what_is_known_holds(tmp_path: Path):
    found = exact(small, Lab(tmp_path, 0))
    assert answers(claim, RIGHT | found) == [True] * 4
    assert found["lags_wave"] == 64 and found["lags_bump_50"] == pytest.approx(1)
    assert theory(0.9, small)[:2] == pytest.approx([0.19, 0.19 * 0.81])


def test_all_that_is_in_the_state_is_read_and_no_more():
    """A ring of 6 cells: lags 0 to 5 whole, and later ones not at all."""
    scale = Scale(cells=6, steps=4000)
    x = (torch.rand(4000, STREAMS, generator=torch.Generator().manual_seed(0)) < OFTEN).float()
    encoders = rivals(scale, torch.Generator().manual_seed(1))
    found = read(encoders["wave"].states(x).double(), x, scale)
    assert found.shape == (STREAMS, 6 + 17)
    np.testing.assert_allclose(found[:, :6], 1, atol=1e-6)
    assert found[:, 6:].max() < 0.02
    for name, kept in KEPT.items():
        scores = read(encoders[name].states(x).double(), x, scale).mean(0)
        assert np.abs(scores - theory(kept, scale)).max() < 0.06


def test_a_run_at_the_least_size(tmp_path: Path):
    figures = run(smoke, Lab(tmp_path, 0))
    assert figures["lags_wave"] == pytest.approx(6, abs=0.2) and figures["context_wave"] == 5
    assert figures["noisy_wave"] < figures["lags_wave"]
    assert figures["mixed_narrow"] == pytest.approx(1 - 1 / 6) and figures["mixed_bump"] < 1e-9
    assert figures["mixed_wide_4"] < figures["mixed_narrow"]
