"""Annealed gradient noise: normal noise on the gradient of any rule, less of it with every step.

Neelakantan, Vilnis, Le, Sutskever, Kaiser, Kurach and Martens 2015, arXiv 1511.06807. To what a rule leaves
for each parameter, after clipping where there is any, step t = 0, 1, ... adds

    n_t ~ N(0, eta / (1 + t)^gamma)   for each component; gamma 0.55, eta from 0.01, 0.3 and 1

eta is a variance. Where gradients vanish, weights walk at random: under plain gradient descent of rate a
their variance after n steps is a^2 times the sum of these, so a start from which nothing can be learned is
left behind. The noise is for bad starts of deep networks; after a good start it does not help.

What is drawn depends on the seed, the step and the parameters that are taught, and on no generator besides. A
parameter that is used twice gets one sample, one that gets no update none. The steps are batches learned:
`steps` is all that there is to keep, and may be set to go on. With a clip the norm of the whole gradient is
looked at, so that the rule is blind no longer to later layers and later steps.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from wavetrain.core import Batch, Card, Rule, go_back
from wavetrain.core.terms import Online, Sight, Terms, learns, terms_of
from wavetrain.errors import BadInput
from wavetrain.parts.kept import under, within


class GradientNoise(Online):
    """Adds noise to what `rule` leaves, or to the gradient of the loss where no rule is given.

    It teaches what that rule teaches, on its terms, and walks by steps if that does: the noise belongs to the
    first step. Raises BadInput for a variance that is negative, a seed or a clip that is none.

    >>> from wavetrain.core import VALUES, Batch
    >>> from wavetrain.rules import FeedbackAlignment, GradientNoise
    >>> network = torch.nn.Linear(3, 2)
    >>> torch.nn.init.zeros_(network.weight).requires_grad
    True
    >>> rule = GradientNoise(0.01, rule=FeedbackAlignment())
    >>> _ = rule.learn(network, Batch(torch.zeros(2, 4, 3), torch.zeros(2, 4, 2)), VALUES.loss)
    >>> bool(network.weight.grad.all()), rule.steps, rule.deviation(0), round(rule.deviation(99), 4)
    (True, 1, 0.1, 0.0282)
    """

    card = Card(
        title="Adding Gradient Noise Improves Learning for Very Deep Networks",
        authors="Neelakantan, Arvind and Vilnis, Luke and Le, Quoc V. and Sutskever, Ilya and Kaiser, Lukasz "
        "and Kurach, Karol and Martens, James",
        year=2015,
        source="arXiv 1511.06807",
        family="gradient",
        topic="Learning rules",
    )

    def __init__(
        self,
        eta: float = 0.01,
        gamma: float = 0.55,
        *,
        rule: Rule | None = None,
        clip: float | None = None,
        seed: int = 0,
    ):
        if not (0 <= eta < math.inf and 0 <= gamma < math.inf):
            raise BadInput(
                "GradientNoise: expected a variance eta and a power gamma of at least 0, "
                f"got {eta} and {gamma}"
            )
        if not (clip is None or clip > 0) or not isinstance(seed, int) or seed < 0:
            raise BadInput(
                "GradientNoise: expected a clip above 0 or none, and a whole seed from 0 on, "
                f"got {clip} and {seed!r}"
            )
        self.eta, self.gamma, self.rule, self.clip, self.seed = eta, gamma, rule, clip, seed
        self.steps = 0  # batches learned

    def deviation(self, step: int) -> float:
        """The standard deviation of the noise of a step, the first being 0."""
        return math.sqrt(self.eta) * (1 + step) ** (-self.gamma / 2)

    def terms(self, network: nn.Module) -> Terms:
        terms = Terms(trains=learns(network)) if self.rule is None else terms_of(self.rule, network)
        whole = frozenset({Sight.LATER_LAYERS, Sight.LATER_STEPS})
        return terms if self.clip is None else replace(terms, blind=terms.blind - whole)

    def state_dict(self) -> dict[str, Tensor]:
        inner = {} if self.rule is None else within("rule", self.rule.state_dict())
        return {"steps": torch.tensor(self.steps)} | inner

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        self.steps = int(state["steps"])
        if self.rule is not None:
            self.rule.load_state_dict(under("rule", state))

    def learn(self, network: nn.Module, batch: Batch, loss: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        if self.rule is None:
            value = loss(network(batch.x), batch.y)
            go_back(value)
        else:
            value = self.rule.learn(network, batch, loss)
        if self.clip is not None:
            nn.utils.clip_grad_norm_(network.parameters(), self.clip)
        for name, noise in self._noise(network).items():
            gradient = network.get_parameter(name).grad
            if gradient is not None:
                gradient.add_(noise)
        self.steps += 1
        return value.detach()

    def walk(
        self,
        network: nn.Module,
        x: Float[Tensor, "batch time inputs"],
        errors: Float[Tensor, "batch time outputs"],
    ) -> Iterator[Mapping[str, Float[Tensor, "*axes"]]]:
        """The shares of the rule, with the noise of the next batch; raises BadInput where it has none."""
        if not isinstance(self.rule, Online) or self.clip is not None:
            raise BadInput(
                "GradientNoise: expected a rule that walks by steps, without a clip, got "
                f"{type(self.rule).__name__} and a clip of {self.clip}"
            )
        return self._noisy(self.rule.walk(network, x, errors), self._noise(network))

    def _noisy(
        self, shares: Iterator[Mapping[str, Tensor]], noise: dict[str, Tensor]
    ) -> Iterator[Mapping[str, Tensor]]:
        for step, share in enumerate(shares):
            yield (
                share
                if step
                else {
                    name: update + noise[name] if name in noise else update for name, update in share.items()
                }
            )

    def _noise(self, network: nn.Module) -> dict[str, Tensor]:
        """That of the next step for each parameter that is taught; none where its variance is 0."""
        deviation, trains = self.deviation(self.steps), self.terms(network).trains
        if not deviation:
            return {}
        seed = int(np.random.SeedSequence((self.seed, self.steps)).generate_state(1)[0])
        draws: dict[torch.device, torch.Generator] = {}
        noise = {}
        for name, one in network.named_parameters():
            if name in trains:
                if one.device not in draws:
                    draws[one.device] = torch.Generator(one.device).manual_seed(seed)
                noise[name] = _normal(one.detach(), draws[one.device]).mul_(deviation).to(one.dtype)
        return noise


def _normal(like: Tensor, draw: torch.Generator) -> Tensor:
    """Of variance 1 in each component, real and imaginary, and not below single precision."""
    reals = torch.view_as_real(like) if like.is_complex() else like
    dtype = torch.promote_types(reals.dtype, torch.float32)
    drawn = torch.randn(reals.shape, generator=draw, dtype=dtype, device=like.device)
    return torch.view_as_complex(drawn) if like.is_complex() else drawn
