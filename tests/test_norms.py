"""What norms are softened by: of every layer, of the stack and of networks, as their sources have it.

Of rows whose mean square is this number, what is left is one over the root of 2 of what would be.
"""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from wavetrain import find
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.networks.cortical_columns import CorticalColumns
from wavetrain.networks.language_model import LanguageModel
from wavetrain.networks.universal_transformer import Transformer, UniversalTransformer
from wavetrain.parts.stack import MLP, Stack

NORMS = (nn.RMSNorm, nn.LayerNorm, nn.GroupNorm)
MILLIONTH, MORE = 1e-6, 1e-5

WHOLE: dict[str, tuple[Callable[[], nn.Module], int, float]] = {  # how many norms, and their number
    **{
        f"Stack, {mlp.name}": (
            lambda mlp=mlp: Stack([Elman(4), Elman(4)], 3, 2, mlp),
            3 + 2 * added,
            MILLIONTH,
        )
        for mlp, added in ((MLP.NONE, 0), (MLP.PLAIN, 1), (MLP.GATED, 1))
    },
    "CorticalColumns": (lambda: CorticalColumns(7, 8, 3, 2, experts=0), 2 * 3 + 1, MILLIONTH),
    "LanguageModel": (lambda: LanguageModel([Elman(4), Elman(4)], 7), 2 + 1, MORE),
    "LanguageModel, MLPs": (lambda: LanguageModel([Elman(4), Elman(4)], 7, mlp=5), 2 * 2 + 1, MORE),
    "UniversalTransformer": (lambda: UniversalTransformer(7, 3, 8), 2, MORE),
    "Transformer": (lambda: Transformer(7, 3, 8, steps=3), 2 * 3, MORE),
}
OF_LAYERS = {"lightnet": MILLIONTH, "mamba2": MORE}


def norms(network: nn.Module) -> list[nn.Module]:
    return [one for one in network.modules() if isinstance(one, NORMS)]


@pytest.mark.parametrize("name", WHOLE)
def test_norms_of_stacks_and_networks(name: str) -> None:
    make, many, number = WHOLE[name]
    found = norms(make())
    assert len(found) == many
    for norm in found:
        sign = torch.tensor([1.0, -1.0]).repeat(norm.weight.numel() // 2).double()  # type: ignore[operator,union-attr]
        row = number**0.5 * sign
        torch.testing.assert_close(norm.double()(row), 0.5**0.5 * sign, rtol=1e-6, atol=0)


def test_norms_of_layers() -> None:
    """The only ones with norms of their own; none is left out."""
    found = {}
    for one in find.members("layers"):
        numbers = {norm.eps for norm in norms(one.load()(8))}
        if numbers:
            found[one.name] = numbers
    assert found == {name: {number} for name, number in OF_LAYERS.items()}
