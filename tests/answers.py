"""What each part of a claim says to the figures of one seed."""

from collections.abc import Mapping
from typing import Any

from wavetrain.evidence.claims import Claim, Measured


def answers(claim: Claim, figures: Mapping[str, float], scale: Any = None) -> list[bool | None]:
    """In the order of the parts."""
    return [part.holds(Measured(figures, scale)) for part in claim.parts]
