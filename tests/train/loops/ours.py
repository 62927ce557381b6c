"""What the loops of others are held against: the same network, task and optimiser in our own loop."""

import torch
from torch import Tensor, nn

from wavetrain.layers.gate.gru import GRU
from wavetrain.parts.stack import MLP, Answer, Stack
from wavetrain.rules.backpropagation import Backpropagation
from wavetrain.tasks.recall.adding import Adding
from wavetrain.train.draws import Draws
from wavetrain.train.fit import fit

TASK, BATCH, STEPS, RATE = Adding(8), 6, 5, 1e-2
DRAWS = Draws(TASK, batch=BATCH, steps=STEPS, seed=3)


def network() -> Answer:
    """The same weights each time."""
    torch.manual_seed(0)
    return Answer(Stack([GRU(5)], TASK.inputs, TASK.outputs, MLP.PLAIN), TASK.every_step)


def adam(module: nn.Module) -> torch.optim.Adam:
    return torch.optim.Adam(module.parameters(), RATE)


def trained(steps: int = STEPS, clip: float | None = None) -> dict[str, Tensor]:
    """The weights after some steps in our own loop."""
    one, generator = network(), torch.Generator().manual_seed(DRAWS.seed)
    for _ in fit(one, TASK, Backpropagation(), adam(one), generator, BATCH, range(steps), clip):
        pass
    return one.state_dict()


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    """Whether weights are equal to the last bit."""
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
