"""Ways to look at a system, one file each; and here what several of them share.

weights   the operator's weights, which all must be numbers
"""

from torch import Tensor

from wavetrain.core import Layer, check_input
from wavetrain.errors import BadInput


def weights(layer: Layer, x: Tensor) -> Tensor:
    """The weights (B, H, T, T) of a layer's operator on sequences x (B, T, inputs), as they are."""
    check_input(layer, x)
    weight = layer.operator(x).weight.detach()
    if not len(weight):
        raise BadInput(f"{type(layer).__name__}: expected at least one sequence, got x {tuple(x.shape)}")
    if weight.is_complex():
        raise BadInput(f"{type(layer).__name__}: expected an operator of real weights, got {weight.dtype}")
    if not weight.isfinite().all():
        wrong = int((~weight.isfinite()).sum())
        raise BadInput(
            f"{type(layer).__name__}: expected finite weights, got {wrong} of {weight.numel()} "
            "that are NaN or infinite"
        )
    return weight
