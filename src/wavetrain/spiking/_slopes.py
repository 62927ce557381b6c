"""What the fused walk of `scan.lif` is told of how units fire."""

import math

from wavetrain.core.surrogate import Surrogate
from wavetrain.parts.firing import Reset
from wavetrain.parts.surrogate import Arctan, Boxcar, FastSigmoid, MultiGaussian, Sigmoid, Triangle, Zero
from wavetrain.scan import Form, Leaves, Slope

LEAVES = {Reset.SUBTRACT: Leaves.ABOVE, Reset.ZERO: Leaves.NOTHING, Reset.NONE: Leaves.ALL}


def slope(of: Surrogate) -> Slope | None:
    """The slope of a surrogate as the walk knows it; None of one that it does not know.

    A class that is made from one of these may have another derivative, and is not known.
    """
    kind = type(of)
    if kind is Arctan:
        return Slope(Form.ARCTAN, (math.pi * of.peak, of.peak))
    if kind is Zero:
        return Slope(Form.FLAT)
    for known, form, name in (
        (FastSigmoid, Form.FAST_SIGMOID, "steepness"),
        (Sigmoid, Form.SIGMOID, "steepness"),
        (Boxcar, Form.BOXCAR, "half"),
        (Triangle, Form.TRIANGLE, "height"),
    ):
        if kind is known:
            return Slope(form, (getattr(of, name),))
    if isinstance(of, MultiGaussian) and kind is MultiGaussian:
        narrow, wide = of.width, of.wider * of.width
        high, low = (1 + of.trough) / narrow, of.trough / wide
        scale = of.gain / math.sqrt(2 * math.pi)
        return Slope(Form.BUMPS, (narrow, wide, scale * high, scale * low))
    return None
