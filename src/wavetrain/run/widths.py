"""The width at which a network is nearest to a budget of parameters, and less than a tenth above it."""

import math
from collections.abc import Callable

ABOVE = 1.1  # times the budget, at most


def nearest(size: Callable[[int], float], parameters: int) -> tuple[int, int] | None:
    """The width and its parameters, from a function of the width; None where even the narrowest is too large.

    `size` is infinite for widths that there are not: some layers need an even one.

    >>> from wavetrain.run.widths import nearest
    >>> nearest(lambda width: 10 * width, 104), nearest(lambda width: 10 * width, 5)
    ((10, 100), None)
    """

    def fits(width: int) -> bool:  # it, or the next that there is
        near = (size(other) for other in range(width, width + 8))
        return next((one for one in near if one < math.inf), math.inf) <= parameters

    high = 1
    while fits(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    sizes = {width: size(width) for width in range(max(1, low - 4), low + 12)}
    sizes = {width: number for width, number in sizes.items() if number <= ABOVE * parameters}
    if not sizes:
        return None
    width = min(sizes, key=lambda width: abs(sizes[width] - parameters))
    return width, int(sizes[width])


def least(size: Callable[[int], float], narrowest: int = 1) -> int:
    """The smallest budget that a width from `narrowest` on fits into.

    >>> from wavetrain.run.widths import least
    >>> least(lambda width: 110 * width)
    100
    """
    return math.ceil(min(size(width) for width in range(narrowest, narrowest + 8)) / ABOVE)
