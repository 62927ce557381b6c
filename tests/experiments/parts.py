"""What each part of a claim says to figures."""

from collections.abc import Mapping
from typing import Any

from wavetrain.evidence.claims import Claim, Measured


def said(claim: Claim, figures: Mapping[str, float], scale: Any = None) -> list[bool | None]:
    """The answer of each part, in order."""
    return [part.holds(Measured(figures, scale)) for part in claim.parts]
