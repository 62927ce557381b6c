"""Where a falling curve first goes under a level."""

from collections.abc import Sequence


def crossing(at: Sequence[float], curve: Sequence[float], level: float = 0.5) -> float:
    """Where a curve first goes under the level, linear between its points; at the ends, the end itself."""
    under = next((i for i, one in enumerate(curve) if one < level), None)
    if not under:
        return float(at[-1] if under is None else at[0])
    before, after = curve[under - 1], curve[under]
    return float(at[under - 1] + (before - level) / (before - after) * (at[under] - at[under - 1]))
