"""What each part of a claim says to the figures of one seed."""

from collections.abc import Mapping
from typing import Any

from wavetrain import find
from wavetrain.evidence.claims import Claim, Measured
from wavetrain.run import calibration


def answers(claim: Claim, figures: Mapping[str, float], scale: Any = None) -> list[bool | None]:
    """In the order of the parts."""
    return [part.holds(Measured(figures, scale)) for part in claim.parts]


def exact_answers(name: str, scale: str = "small") -> list[bool | None]:
    """What the parts of an experiment say to its exact solution, as calibration asks them."""
    experiment = find.named(name, ("experiments",))
    module = experiment.load()
    found = calibration.made(experiment, scale, 0, "cpu", exact_only=True).exact
    known: list[bool | None] = []
    for part in module.claim.parts:
        try:
            known.append(part.holds(Measured(found, getattr(module, scale))))
        except KeyError:  # a figure that the solution does not have
            known.append(None)
    return known
