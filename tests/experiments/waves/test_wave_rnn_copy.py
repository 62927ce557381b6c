"""Copying by waves: each part of the claim on either side of its limit."""

import dataclasses

import pytest

from wavetrain.evidence.claims import Measured
from wavetrain.experiments.waves.wave_rnn_copy import claim, small

SCALE = dataclasses.replace(small, delays=(0,))
RIVALS = ("identity100", "identity625")
WAVE = {"wave_delay0": 50, "recall_wave_delay0": 0.99}


def answers(scale=SCALE, **changes: float) -> list[bool | None]:  # type: ignore[no-untyped-def]
    """What the parts say where all have learned and both rivals are slower by ten times, but for changes."""
    figures = {name: value for rival in RIVALS for name, value in _of(rival, 500, 0.99).items()}
    return [part.holds(Measured(figures | WAVE | changes, scale)) for part in claim.parts]


def _of(rival: str, iterations: float, recall: float, delay: int = 0) -> dict[str, float]:
    return {f"{rival}_delay{delay}": iterations, f"recall_{rival}_delay{delay}": recall}


@pytest.mark.parametrize("place", [0, 1])
def test_each_rival_has_its_own_part(place: int):
    rival = RIVALS[place]
    assert answers() == [True, True]
    assert answers(**_of(rival, 490, 0.99))[place] is False, "there too soon"
    assert answers(**_of(rival, 490, 0.2))[place] is None, "given up before ten times the iterations"
    assert answers(**_of(rival, 500, 0.2))[place] is True
    assert answers(**_of(rival, 490, 0.99))[1 - place] is True


def test_where_the_wave_does_not_learn():
    """The part of a rival that learns is refuted; where neither learns, nobody can tell."""
    lost = _of("identity100", 500, 0.98) | {"recall_wave_delay0": 0.98}
    assert answers(**lost) == [None, False]


def test_at_chance_nobody_can_tell():
    names = ("wave", *RIVALS)
    assert answers(**{f"recall_{name}_delay0": 1 / 8 for name in names}) == [None, None]


def test_every_delay_of_the_scale_counts():
    two = dataclasses.replace(SCALE, delays=(0, 5))
    more = {"wave_delay5": 50, "recall_wave_delay5": 0.99, **_of("identity100", 600, 0.1, 5)}
    assert answers(two, **more, **_of("identity625", 500, 0.1, 5)) == [True, True]
    assert answers(two, **more, **_of("identity625", 490, 0.99, 5)) == [True, False]


def test_perfect_recall_refutes_nothing():
    """A wave that copies at once, and rivals that never do or are as perfect but late."""
    assert answers(wave_delay0=0, recall_wave_delay0=1.0) == [True, True]
    assert answers(recall_wave_delay0=1.0, **_of("identity100", 500, 1.0)) == [True, True]
