"""Several tasks, one for each batch: training on many lengths."""

from dataclasses import dataclass

import torch

from wavetrain.core import Batch, Task
from wavetrain.errors import BadInput


@dataclass(frozen=True)
class Mixture(Task):
    """Each batch for training comes from one of several tasks, with equal chances.

    Sequences of one batch have one length, so that training on lengths 1 to 40 is
    `Mixture(tuple(Parity(length) for length in range(1, 41)))`. What is held out is that of the last task.
    """

    parts: tuple[Task, ...]

    def __post_init__(self) -> None:
        kinds = {(part.inputs, part.tokens, part.every_step, part.objective) for part in self.parts}
        if len(kinds) != 1:
            raise BadInput(
                f"mixture: expected tasks with the same inputs and objective, got {len(kinds)} kinds"
            )
        last = self.parts[-1]
        self.set_facts(
            inputs=last.inputs,
            outputs=max(part.outputs for part in self.parts),
            tokens=last.tokens,
            every_step=last.every_step,
            objective=last.objective,
            chance=last.chance,
        )

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        part = int(torch.randint(len(self.parts), (), generator=generator))
        return self.parts[part].draw(batch, generator)

    def valid(self) -> Batch:
        return self.parts[-1].valid()

    def test(self) -> Batch:
        return self.parts[-1].test()
