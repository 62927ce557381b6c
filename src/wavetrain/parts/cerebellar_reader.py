"""One layer, a read-out, and a cerebellum, which sees the state and says what it will be blamed for.

Pemberton, Boven, Apps and Costa 2021, arXiv 2110.11501. The layer is the cortex. The cerebellum never
changes what it does: outputs are those of the same `Reader` without it. What it says is used where the
network learns (`rules.decoupled`). In their words the state comes in by mossy fibres, hidden units are
granule cells, and Purkinje cells say the gradient.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from wavetrain.core import Layer, State, leaves
from wavetrain.parts.reader import Reader
from wavetrain.parts.synthetic_gradient import predictor


class CerebellarReader(Reader):
    """A `Reader` that holds a `cerebellum`, an MLP from all numbers of a state to as many, 0 at first.

    `hidden` are the sizes of its hidden layers. What draws numbers draws those of the `Reader` first.
    """

    def __init__(self, layer: Layer, outputs: int, every_step: bool, hidden: Sequence[int]):
        super().__init__(layer, outputs, every_step)
        size = flat(layer.begin(1)).shape[1]
        self.cerebellum = predictor(size, size, hidden)


def flat(state: State) -> Float[Tensor, "batch numbers"]:
    """All real numbers of a state, side by side; complex ones as pairs, and counts left out."""
    parts = [torch.view_as_real(one) if one.is_complex() else one for one in leaves(state)]
    parts = [one.reshape(len(one), -1) for one in parts if one.is_floating_point()]
    return torch.cat(parts, 1) if parts else torch.zeros(1, 0)
