"""Who draws from the shared generators draws from states of its own, and leaves those of others alone."""

import json
import random

import numpy as np
import pytest
import torch

from wavetrain.train.generators import Shared, seed_of


def draw() -> tuple[float, float, float, float]:
    """One number of each generator, and of numpy a normal one, of which it keeps every second back."""
    return float(torch.rand(())), float(np.random.rand()), float(np.random.randn()), random.gauss(0, 1)


def test_begins_as_a_process_that_is_seeded() -> None:
    with Shared(5).drawn():
        ours = draw()
    with Shared(0).drawn():  # only to leave this process as it was
        torch.manual_seed(5)
        np.random.seed(5)
        random.seed(5)
        assert draw() == ours


def test_of_a_seed_that_is_too_large_numpy_takes_the_low_32_bits() -> None:
    small, large = [], []
    for seed, into in ((5, small), (2**32 + 5, large), (2**32 - 1, small), (2**33 - 1, large)):
        with Shared(seed).drawn():
            into.append(float(np.random.rand()))
    assert small == large and small[0] != small[1]


def test_goes_on_where_it_was_whoever_draws_in_between() -> None:
    whole, parts = Shared(5), Shared(5)
    with whole.drawn():
        expected = [draw() for _ in range(6)]
    got = []
    for _ in range(3):
        with parts.drawn():
            got.append(draw())
            with Shared(1).drawn():
                draw()
            got.append(draw())
        draw()
    assert got == expected and len(set(expected)) == 6


def test_leaves_the_process_as_it_was_also_after_an_error() -> None:
    with Shared(7).drawn():
        expected = [draw() for _ in range(4)]
    with Shared(7).drawn():
        got = [draw()]
        shared = Shared(8)
        got.append(draw())
        with pytest.raises(KeyError), shared.drawn():
            draw()
            raise KeyError
        got.append(draw())
        shared.restore(*Shared(9).kept())
        got.append(draw())
    assert got == expected


def test_goes_on_from_json() -> None:
    first, second = Shared(5), Shared(6)
    with first.drawn():
        draw()
    tensors, words = first.kept()
    second.restore(tensors, json.loads(json.dumps(words)))
    with first.drawn():
        expected = [draw() for _ in range(3)]
    with second.drawn():
        assert [draw() for _ in range(3)] == expected


def test_seeds_of_other_names_differ() -> None:
    seeds = {seed_of(seed, name) for seed in range(100) for name in ("a", "b", "1")}
    assert len(seeds) == 300 and all(0 <= seed < 2**32 for seed in seeds)
    assert seed_of(1, "a") == seed_of(1, "a")
