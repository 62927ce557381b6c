"""What claims about cerebella share: the true gradient at the ends of windows, and what is said of it."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from wavetrain.core import Batch, map_state
from wavetrain.core.state import leaves
from wavetrain.parts.cerebellar_reader import CerebellarReader, flat


def foreseen(
    network: CerebellarReader, batch: Batch, loss: Callable[[Tensor, Tensor], Tensor], steps: int
) -> tuple[Float[Tensor, "windows batch numbers"], Float[Tensor, "windows batch numbers"]]:
    """What the cerebellum says at the ends of all windows but the last, and what backpropagation sends there.

    What is sent is of the errors of later windows alone.
    """
    layer, outputs, ends = network.layer, [], []
    state = layer.begin(len(batch.x))
    for now in batch.x.split(steps, 1):
        y, state = layer(now, state)
        state = map_state(torch.clone, state)  # what is read lies before it
        outputs.append(y)
        ends.append(state)
    y = torch.cat(outputs, 1)
    value = loss(network.read(y if network.every_step else y[:, -1]), batch.y)
    numbers = [one for state in ends[:-1] for one in leaves(state)]
    sent = iter(torch.autograd.grad(value, numbers))
    true = torch.stack([flat(map_state(lambda _: next(sent), state)) for state in ends[:-1]])
    with torch.no_grad():
        return network.cerebellum(torch.stack([flat(state) for state in ends[:-1]])), true


def agreement(
    said: Float[Tensor, "*windows batch numbers"], true: Float[Tensor, "*windows batch numbers"]
) -> float:
    """The cosine between what is said and what is true, of all windows and sequences as two long vectors."""
    return float(torch.nn.functional.cosine_similarity(said.flatten(), true.flatten(), 0))
