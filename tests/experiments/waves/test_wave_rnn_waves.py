"""Activity that travels: the predicates, and that an untrained wave RNN decides nothing."""

from pathlib import Path

import pytest

from tests.answers import exact_answers
from wavetrain.evidence.claims import Measured
from wavetrain.experiments.waves import wave_rnn_waves
from wavetrain.experiments.waves.wave_rnn_waves import claim, run, smoke
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


def test_travelling_and_staying_symbols_meet_the_limits_and_staying_alone_does_not(
    monkeypatch: pytest.MonkeyPatch,
):
    assert exact_answers("wave_rnn_waves") == [True, True]
    monkeypatch.setattr(wave_rnn_waves, "travelling", wave_rnn_waves.staying)
    assert True not in exact_answers("wave_rnn_waves")
