"""Figures of an accuracy matrix under the names that claims on tasks in turn give them."""

from wavetrain.parts.accuracy_matrix import AccuracyMatrix


def figures_of(name: str, one: AccuracyMatrix) -> dict[str, float]:
    """All that it is boiled down to, as far as it was looked for."""
    figures = {
        f"right_{name}": one.average,
        f"own_{name}": one.learned,
        f"transfer_{name}": one.backward,
        f"forgotten_{name}": one.forgetting,
        f"forward_{name}": one.forward,
        f"anytime_{name}": one.anytime,
    }
    return figures if one.lowest is None else figures | {f"gap_{name}": one.gap}
