"""What must be kept of something that learns, as tensors with names: all that a checkpoint can hold.

within, under      names that begin with a word and a dot, so that several things go into one mapping
of_optimiser       what an optimiser knows of each parameter; its settings belong to who made it
of_draws           the state of a NumPy generator
"""

import json
from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

Kept = Mapping[str, Tensor]


def within(group: str, tensors: Kept) -> dict[str, Tensor]:
    """The same tensors, each with the name of the group and a dot before its own.

    >>> from wavetrain.parts.kept import under, within
    >>> some = within("map", {"weight": torch.ones(2)}) | within("count", {"steps": torch.tensor(3)})
    >>> sorted(some), under("map", some)
    (['count.steps', 'map.weight'], {'weight': tensor([1., 1.])})
    """
    return {f"{group}.{name}": one for name, one in tensors.items()}


def under(group: str, tensors: Kept) -> dict[str, Tensor]:
    """Those whose name begins with the group and a dot, without these."""
    front = f"{group}."
    return {name.removeprefix(front): one for name, one in tensors.items() if name.startswith(front)}


def of_optimiser(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """What an optimiser knows, by the number of the parameter and a name.

    >>> from wavetrain.parts.kept import into_optimiser, of_optimiser
    >>> one, other = (torch.optim.Adam([torch.ones(2, requires_grad=True)]) for _ in range(2))
    >>> one.param_groups[0]["params"][0].grad = torch.ones(2)
    >>> one.step()
    >>> into_optimiser(other, of_optimiser(one))
    >>> sorted(of_optimiser(other))
    ['0.exp_avg', '0.exp_avg_sq', '0.step']
    """
    states = optimiser.state_dict()["state"]
    return {f"{index}.{name}": one for index, state in states.items() for name, one in state.items()}


def into_optimiser(optimiser: torch.optim.Optimizer, tensors: Kept) -> None:
    """Give an optimiser back what it knew. Raises ValueError for names that are no such ones."""
    whole = optimiser.state_dict()
    for name, value in tensors.items():
        index, part = name.split(".")
        whole["state"].setdefault(int(index), {})[part] = value.clone()
    optimiser.load_state_dict(whole)


def of_draws(generator: np.random.Generator) -> UInt8[Tensor, "letters"]:
    """The state of a NumPy generator: JSON, a byte a letter.

    >>> import numpy as np
    >>> from wavetrain.parts.kept import into_draws, of_draws
    >>> one, other = np.random.default_rng(1), np.random.default_rng(2)
    >>> into_draws(other, of_draws(one))
    >>> one.random() == other.random()
    True
    """
    return torch.tensor(list(json.dumps(generator.bit_generator.state).encode()), dtype=torch.uint8)


def into_draws(generator: np.random.Generator, letters: UInt8[Tensor, "letters"]) -> None:
    """Set a NumPy generator to such a state. Raises ValueError where it is none."""
    generator.bit_generator.state = json.loads(bytes(letters.tolist()))
