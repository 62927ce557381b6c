"""Activity that travels: the predicates, and that an untrained wave RNN decides nothing."""

from pathlib import Path

import numpy as np
import torch

from wavetrain.evidence.claims import Measured
from wavetrain.experiments.waves.wave_rnn_waves import claim, run, smoke
from wavetrain.lenses.dynamics.space_time_spectrum import space_time_spectrum
from wavetrain.train.lab import Lab

FIGURES = {"wave": 0.5, "identity": 0.1, "wave_p": 1 / 201, "recall_wave": 1.0, "recall_identity": 0.125}


def answers(**changes: float) -> list[bool | None]:
    return [part.holds(Measured(FIGURES | changes)) for part in claim.parts]


def test_each_part_on_either_side():
    assert answers() == [True, True]
    assert answers(identity=0.101) == [False, True]
    assert answers(wave_p=2 / 201) == [True, False]


def test_where_nobody_recalls_nobody_can_tell():
    assert answers(recall_wave=0.24) == [None, None]
    assert answers(recall_wave=0.25) == [True, True]
    assert answers(recall_wave=0.1, recall_identity=0.25) == [True, True]


def test_an_untrained_wave_rnn_starts_as_a_wave_and_decides_nothing(tmp_path: Path):
    figures = run(smoke, Lab(tmp_path, seed=0))
    assert max(figures["recall_wave"], figures["recall_identity"]) < 0.25
    assert [part.holds(Measured(figures, smoke)) for part in claim.parts] == [None, None]


def test_an_exact_wave_and_standing_activity_refute_nothing():
    """Noise that travels one position a step has all its power on the line; noise that stays has little."""
    noise = torch.from_numpy(np.random.default_rng(0).standard_normal(40))
    travels = torch.stack([noise.roll(-t) for t in range(40)])[None, None]
    stays = noise.expand(1, 1, 40, 40)
    wave, still = (space_time_spectrum(one, speed=-1.0) for one in (travels, stays))
    assert answers(wave=wave.fraction, identity=still.fraction, wave_p=wave.p) == [True, True]
