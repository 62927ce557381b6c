"""The batches of a task for a training loop that is not ours: Lightning's, the Hugging Face Trainer's, any.

A loop of that kind asks a data loader for its batches. `Draws` is what to give to one: the same batches in
the same order as `fit` draws them.
"""

from collections.abc import Iterator

import torch
from torch.utils.data import IterableDataset

from wavetrain.core import Batch, Task
from wavetrain.core.check import check_width


class Draws(IterableDataset[Batch]):
    """`steps` batches of a task, each of `batch` sequences, from a generator of this seed.

    It begins anew each time it is walked through. A data loader takes whole batches by `batch_size=None`.

    >>> from wavetrain.tasks import Copying
    >>> from wavetrain.train.draws import Draws
    >>> loader = torch.utils.data.DataLoader(Draws(Copying(), batch=8, steps=3), batch_size=None)
    >>> [tuple(batch.x.shape) for batch in loader]
    [(8, 30, 10), (8, 30, 10), (8, 30, 10)]
    """

    def __init__(self, task: Task, *, batch: int, steps: int, seed: int = 0):
        check_width("Draws", batch=batch, steps=steps)
        self.task, self.batch, self.steps, self.seed = task, batch, steps, seed

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[Batch]:
        generator = torch.Generator().manual_seed(self.seed)
        for _ in range(self.steps):
            yield self.task.draw(self.batch, generator)
