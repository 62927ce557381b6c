"""Questions about the last N bits of a sequence, for several N at once; the answers are signs.

BITS     the loss is the cross-entropy of each answer, added up over the questions; half are right by chance
lengths  how long a sequence is, from two bits more than the longest window to four windows
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from wavetrain.core import Objective
from wavetrain.errors import BadInput
from wavetrain.tasks._draws import at_least


def _loss(output: Tensor, y: Tensor) -> Tensor:
    return F.softplus(-y * output).sum(-1).mean()


def _score(output: Tensor, y: Tensor) -> Tensor:
    return ((output > 0) == (y > 0)).double().mean()


def _count(y: Tensor) -> int:
    return y[..., 0].numel()


BITS = Objective("accuracy", True, _loss, _score, _count)


def checked(task: str, shortest: int, longest: int) -> int:
    """How many windows there are; raises BadInput for less than one, or for one of less than two bits."""
    at_least(task, 2, shortest=shortest)
    if not isinstance(longest, int) or longest < shortest:
        raise BadInput(f"{task}: longest must be a whole number of at least {shortest}, got {longest!r}")
    return longest - shortest + 1


def length(longest: int, generator: torch.Generator) -> int:
    """Steps of the sequences of a batch, uniform from longest + 2 to 4 longest."""
    return int(torch.randint(longest + 2, 4 * longest + 1, (), generator=generator))
