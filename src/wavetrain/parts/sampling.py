"""How the next token is chosen from logits: the likeliest, or drawn, with the usual changes to its chances.

In this order, which is that of transformers:

    repetition_penalty r   logits of tokens that have been said: l / r where l > 0, l r elsewhere
                           (Keskar et al. 2019, arXiv 1909.05858)
    temperature            l / temperature; the likeliest token at 0, whatever follows
    top_k                  the k likeliest tokens
    top_p                  of those the fewest likeliest whose chances sum to at least p
                           (Holtzman et al. 2020, arXiv 1904.09751)
    min_p                  of those the tokens with at least p times the chance of the likeliest
                           (Nguyen et al. 2024, arXiv 2407.01082)

Of equal tokens the first counts as likelier, so that `top_k` keeps k tokens and no more.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from wavetrain.errors import BadInput


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """The likeliest token as it stands; every setting that is given changes the choice."""

    temperature: float = 0.0
    top_k: int | None = None
    top_p: float = 1.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0

    def __post_init__(self) -> None:
        self._number("temperature", 0 <= _real(self.temperature) < math.inf, "of at least 0")
        self._number("top_p", 0 < _real(self.top_p) <= 1, "above 0 and at most 1")
        self._number("min_p", 0 <= _real(self.min_p) <= 1, "from 0 to 1")
        self._number("repetition_penalty", 0 < _real(self.repetition_penalty) < math.inf, "above 0")
        if self.top_k is not None and (type(self.top_k) is not int or self.top_k < 1):
            raise BadInput(f"top_k must be a whole number of at least 1, not {self.top_k!r}")

    def chances(
        self, logits: Float[Tensor, "batch tokens"], said: Bool[Tensor, "batch tokens"] | None = None
    ) -> Float[Tensor, "batch tokens"]:
        """The chance of each token, float64; `said` is true for tokens said."""
        scores = self._penalised(logits, said)
        if not self.temperature:
            return torch.nn.functional.one_hot(scores.argmax(-1), scores.shape[-1]).double()
        scores, order = scores.sort(dim=-1, descending=True, stable=True)
        # From the likeliest on: no temperature, however small, divides infinity by itself.
        chances = ((scores - scores[:, :1]) / self.temperature).softmax(-1)
        if self.top_k is not None:
            chances = _shared(chances, torch.arange(chances.shape[-1], device=chances.device) < self.top_k)
        if self.top_p < 1:
            before = chances.cumsum(-1) - chances
            chances = _shared(chances, before < self.top_p)
        if self.min_p > 0:
            chances = _shared(chances, chances >= self.min_p * chances[:, :1])
        return torch.zeros_like(chances).scatter(-1, order, chances)

    def pick(
        self,
        logits: Float[Tensor, "batch tokens"],
        said: Bool[Tensor, "batch tokens"] | None,
        generator: torch.Generator | None,
    ) -> Int[Tensor, "batch"]:
        """A token for each row of logits, drawn by one uniform number of float64."""
        if not torch.isfinite(logits).all():
            raise BadInput("expected finite logits to choose a token by, got NaN or infinity")
        if not self.temperature:
            return self._penalised(logits, said).argmax(-1)
        device = torch.device("cpu") if generator is None else generator.device
        reached = self.chances(logits, said).to(device).cumsum(-1)
        whole = reached[:, -1:]
        point = torch.rand(whole.shape, generator=generator, dtype=whole.dtype, device=device) * whole
        last = (reached < whole).sum(-1)  # of those with a chance: a point may be rounded up to the whole
        return (reached <= point).sum(-1).minimum(last).to(logits.device)

    def _penalised(self, logits: Tensor, said: Tensor | None) -> Tensor:
        scores, penalty = logits.double(), self.repetition_penalty
        if penalty == 1 or said is None:
            return scores
        return torch.where(said, torch.where(scores > 0, scores / penalty, scores * penalty), scores)

    def _number(self, name: str, right: bool, wanted: str) -> None:
        if not right:
            raise BadInput(f"{name} must be a number {wanted}, not {getattr(self, name)!r}")


def _real(value: object) -> float:
    """A number as it is; NaN, which lies in no range, for anything else."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan


def _shared(chances: Tensor, kept: Tensor) -> Tensor:
    """The chances of the tokens kept alone."""
    chances = chances * kept
    return chances / chances.sum(-1, keepdim=True)


GREEDY = Sampling()
