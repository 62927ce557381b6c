"""The parts of the wave RNN's start: the predicates on the published table and at chance."""

import math

import torch

from wavetrain.evidence.claims import Measured
from wavetrain.experiments.waves.wave_rnn_ablation import PAPER_BATCH, claim, full
from wavetrain.tasks.recall.copying import Copying

PUBLISHED = {name: float(value) for name, value in claim.published.items()}


def answers(**changes: float) -> list[bool | None]:
    return [part.holds(Measured(PUBLISHED | changes, full)) for part in claim.parts]


def guessing() -> float:
    """The loss of who knows when to speak and guesses what to say, in the paper's unit."""
    task = Copying(full.delay)
    y = task.test().y
    right = torch.nn.functional.one_hot(y, 10).double()
    even = torch.where(y[..., None] > 0, torch.tensor([0.0] + 8 * [1 / 8] + [0.0]), right)
    return float(-(even.gather(-1, y[..., None]).log()).mean()) / PAPER_BATCH


def test_the_published_table_holds():
    assert answers() == [True, True, True]


def test_each_part_on_the_other_side():
    assert answers(wave_minus_shift=9 * PUBLISHED["wave_minus_source"]) == [False, True, True]
    assert answers(wave_minus_both=PUBLISHED["wave"]) == [False, True, True]
    assert answers(wave_minus_source=1e-4) == [False, True, True]
    assert answers(identity=9 * PUBLISHED["identity_plus_both"]) == [True, False, True]
    assert answers(identity_plus_shift=3e-4) == [True, False, True]
    assert answers(identity_plus_both=7e-11) == [True, True, False]
    assert answers(wave=math.nan)[::2] == [False, False]


def test_who_guesses_decides_nothing():
    """At the loss of guessing, whatever lies between; half of it is enough to be judged."""
    guess = guessing()
    all_guess = dict.fromkeys(PUBLISHED, guess) | {"wave_minus_shift": 20 * guess, "identity": 20 * guess}
    assert answers(**all_guess) == [None, None, None]
    assert answers(**all_guess | {"wave": 0.51 * guess}) == [None, None, None]
    assert answers(**all_guess | {"wave": 0.49 * guess}) == [False, None, True]
    assert answers(**dict.fromkeys(PUBLISHED, math.nan)) == [None, None, None]


def test_perfect_copies_refute_nothing():
    """A loss of zero with the shift, and guesses without."""
    without = dict.fromkeys(("wave_minus_shift", "wave_minus_both", "identity"), guessing())
    assert answers(**dict.fromkeys(PUBLISHED, 0.0) | without) == [True, True, True]
