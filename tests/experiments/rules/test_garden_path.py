"""Garden paths: the predicates, how sentences are made, and what the exact reader knows."""

import math
from pathlib import Path

import pytest
import torch

from tests.answers import answers
from wavetrain.experiments.rules._garden_path import (
    CLEAR_A,
    CLEAR_B,
    EITHER,
    FAITHFUL,
    LIKELY,
    VOCABULARY,
    GardenPath,
    exact_b,
    misled,
    recovered,
)
from wavetrain.experiments.rules.garden_path import AFTER, LEAD, claim, run, smoke
from wavetrain.train.lab import Lab

RIGHT = {
    "recovery_none": 5.2,
    "recovery_exact": 5.0,
    "recovery_printed_tenth": 5.2,
    "recovery_surprisal_tenth": 5.1,
    "fell_printed_tenth": 1.0,
    "fell_surprisal_tenth": 1.0,
}


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ({}, [True, True, True]),
        ({"recovery_none": 6.6}, [False, True, None]),
        ({"recovery_none": 3.4}, [False, True, None]),
        ({"fell_printed_tenth": 0.94}, [True, False, True]),
        ({"fell_surprisal_tenth": 0.94}, [True, False, True]),
        ({"recovery_surprisal_tenth": 4.6}, [True, True, False]),
        ({"recovery_printed_tenth": 5.8}, [True, True, False]),
    ],
)
def test_predicates(changed: dict[str, float], parts: list[bool | None]):
    assert answers(claim, RIGHT | changed) == parts


def test_sentences_are_made_as_the_exact_reader_knows():
    """Over many sentences: a word of B follows as often as it says, in tenths of what it says."""
    x, y = GardenPath().draw(20_000, torch.Generator().manual_seed(0))
    assert x.shape == (20_000, 15) and int(x.max()) < VOCABULARY
    of_b, said = (y >= 7).double(), exact_b(x)
    for low in torch.arange(0.3, 0.7, 0.1):
        which = (said >= low) & (said < low + 0.1)
        assert which.sum() > 500
        assert float(of_b[which].mean()) == pytest.approx(float(said[which].mean()), abs=0.02)
    meant = FAITHFUL * (1 - LIKELY) + (1 - FAITHFUL) * LIKELY
    assert said[x[:, 0] == EITHER][0, 0] == pytest.approx(meant)
    assert torch.allclose(said[x[:, 0] == CLEAR_B], torch.tensor(FAITHFUL).double(), atol=1e-7)
    assert torch.allclose(said[x[:, 0] == CLEAR_A], torch.tensor(1 - FAITHFUL).double(), atol=1e-7)


def test_the_exact_reader_takes_five_words():
    """ln 4 + 3 ln(7/3) = 3.93 is for A, and each word of B takes ln(7/3) = 0.85 of it."""
    sentences = misled(50, LEAD, AFTER, torch.Generator().manual_seed(0))
    assert sentences.shape == (50, 16) and (sentences[:, 0] == EITHER).all()
    assert ((sentences[:, 1:4] >= 3) & (sentences[:, 1:4] < 7)).all() and (sentences[:, 4:] >= 7).all()
    assert recovered(exact_b(sentences[:, :-1]), LEAD) == 5
    assert math.ceil((math.log(4) + 3 * math.log(7 / 3)) / math.log(7 / 3)) == 5


def test_recovery_counts_words_of_b():
    course = torch.tensor([[0.9, 0.1, 0.1, 0.2, 0.6, 0.9], [0.9, 0.1, 0.1, 0.1, 0.2, 0.3]])
    assert recovered(course[:1], 1) == 3 and recovered(course[1:], 1) == 4 and recovered(course, 1) == 3.5


def test_all_arms_run(tmp_path: Path):
    figures = run(smoke, Lab(tmp_path, seed=0))
    assert set(RIGHT) <= set(figures) and all(math.isfinite(one) for one in figures.values())
    assert figures["recovery_exact"] == 5
    assert {path.stem for path in (tmp_path / "pictures").iterdir()} == {"garden"}
    assert run(smoke, Lab(tmp_path, seed=0)) == figures
