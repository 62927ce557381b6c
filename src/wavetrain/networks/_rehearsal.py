"""Rehearsal: chunks of tokens that are kept, and learned again."""

import torch
from torch import Tensor, nn

from wavetrain.core import Batch, check_width


class Rehearsal(nn.Module):
    """Chunks of tokens kept: the latest, and a fair sample of all; and how much they weigh in learning."""

    chunks: Tensor
    best: Tensor
    seen: Tensor
    weight: Tensor

    def __init__(self, window: int, slots: int = 64, each: int = 4, target: float = 0.1, gain: float = 0.05):
        super().__init__()
        check_width("Rehearsal", window=window, slots=slots, each=each)
        self.slots, self.each, self.target, self.gain = slots, each, target, gain
        self.register_buffer("chunks", torch.zeros(2 * slots, window + 1, dtype=torch.long))  # latest, sample
        self.register_buffer("best", torch.full((2 * slots,), torch.inf))  # nats, the least loss so far
        self.register_buffer("seen", torch.zeros((), dtype=torch.long))
        self.register_buffer("weight", torch.ones(()))

    def draw(self) -> Tensor:
        """Which chunks to rehearse, (each,): half of them, or fewer, of the latest."""
        there, generator = min(int(self.seen), self.slots), self._generator()
        latest = torch.randint(there, (self.each // 2,), generator=generator)
        return torch.cat(
            [latest, self.slots + torch.randint(there, (self.each - len(latest),), generator=generator)]
        ).to(self.chunks.device)

    def told(self, which: Tensor, loss: Tensor) -> None:
        """Raise the weight where chunks are forgotten by more than the target, in nats; else lower it."""
        best = torch.minimum(self.best[which], loss)
        forgotten = float((loss - best).mean())
        self.best[which] = best
        self.weight.add_(self.gain * (forgotten - self.target)).clamp_(0, 1)

    def keep(self, batch: Batch) -> None:
        """Store the sequences of a batch; the sample holds each so far with equal chance."""
        generator = self._generator()
        for chunk in torch.cat([batch.x, batch.y[:, -1:]], 1):
            number = int(self.seen)
            places = [number % self.slots]
            sampled = (
                number if number < self.slots else int(torch.randint(number + 1, (), generator=generator))
            )
            if sampled < self.slots:
                places.append(self.slots + sampled)
            self.chunks[places], self.best[places] = chunk, torch.inf
            self.seen += 1

    def _generator(self) -> torch.Generator:
        return torch.Generator().manual_seed(int(self.seen))
