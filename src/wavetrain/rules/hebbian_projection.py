"""Hebbian projection: lateral neurons learn which inputs old tasks had, and take them out of the updates.

Xiao, Meng, Zhang, He and Lin 2024, arXiv 2402.11984. Beside each linear map lie lateral neurons y = H x.
Their feedback H' y is taken from the input that an update is made of, so that weights change only for what
old tasks never showed (`_projection`). On a batch X (B, N) the rows of the present task learn the principal
subspace of what older rows leave, by Oja's rule, `repeats` times:

    Y = X H',   D = Y' (X - X H_old' H_old - Y H) / B, its entries cut to +-10
    P <- 0.9 P + 0.1 D,   H <- H + rate P

Rows of earlier tasks are frozen. The rows that are being learned do not take part in the projection, since
they would block the present task. `remember` ends a task: its rows are merged and new ones are drawn,
orthonormal among themselves. Nothing of the data is stored. The projector H' H is one only as far as the rows
have become orthonormal.

The rate suits inputs of about unit variance: 0.001 for hundreds of pixels, 0.01 for hidden units. Ours: rows
end where a map has as many as inputs; what is no linear map is held still from the second task on (the
authors have no biases, and freeze thresholds and norms); and `apart` draws new rows orthogonal to those that
are held, and learning leaves them so. The authors draw them anywhere: what new rows share with old ones then
fades while they learn, and where that takes longer than a task, H' H counts some directions twice. For spikes
in time each step counts as an input, where the authors take rates. Left out: quantised lateral spikes,
feedback alignment, and convolutions.
"""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wavetrain.core import Card, check_width
from wavetrain.errors import BadInput
from wavetrain.parts.kept import under, within
from wavetrain.rules._projection import Projection

MOMENTUM = 0.9
LARGEST = 10.0  # entry of a step


class HebbianProjection(Projection):
    """Teaches any network with linear maps; `rate` is that of lateral neurons, of all maps or of each.

    Raises BadInput for a network without such a map. New rows are drawn from the shared generator.

    >>> from wavetrain.core import VALUES, Batch
    >>> from wavetrain.rules import HebbianProjection
    >>> rule, network = HebbianProjection(rows=1, rate=0.1), torch.nn.Linear(3, 2, bias=False)
    >>> old = torch.randn(50, 1, 1) * torch.tensor([1.0, 0.0, 0.0])  # the first input alone
    >>> for _ in range(100):
    ...     _ = rule.learn(network, Batch(old, torch.randn(50, 1, 2)), VALUES.loss)
    >>> rule.remember()
    >>> network.zero_grad()
    >>> _ = rule.learn(network, Batch(torch.randn(50, 1, 3), torch.randn(50, 1, 2)), VALUES.loss)
    >>> network.weight.grad.abs() > 1e-3  # the first column is that of the old task
    tensor([[False,  True,  True],
            [False,  True,  True]])
    """

    card = Card(
        title="Hebbian learning based orthogonal projection for continual learning of spiking neural "
        "networks",
        authors="Xiao, Mingqing and Meng, Qingyan and Zhang, Zongpeng and He, Di and Lin, Zhouchen",
        year=2024,
        source="ICLR 2024, arXiv 2402.11984",
        family="projection",
        topic="Learning without forgetting",
    )

    def __init__(
        self,
        rows: int | tuple[int, ...] = 32,
        then: int | tuple[int, ...] | None = None,
        rate: float | tuple[float, ...] = 0.01,
        repeats: int = 5,
        apart: bool = False,
    ):
        super().__init__(rows, then)
        check_width("HebbianProjection", repeats=repeats)
        if any(not one >= 0 for one in (rate if isinstance(rate, tuple) else (rate,))):
            raise BadInput(f"HebbianProjection: expected rates of at least 0, got {rate!r}")
        self.rate, self.repeats, self.apart = rate, repeats, apart
        self.new: dict[str, Tensor] = {}  # rows of the present task
        self.momentum: dict[str, Tensor] = {}

    def state_dict(self) -> dict[str, Tensor]:
        rows = {name: one.clone() for name, one in self.new.items()}  # they move in place
        momentum = {name: one.clone() for name, one in self.momentum.items()}
        return super().state_dict() | within("new", rows) | within("momentum", momentum)

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        super().load_state_dict(state)
        self.new, self.momentum = (
            {name: one.clone() for name, one in under(group, state).items()} for group in ("new", "momentum")
        )

    @torch.no_grad()
    def see(self, inputs: dict[str, Float[Tensor, "many inputs"]]) -> None:
        """Learn from what came into each map with a batch, by the name of its weight.

        Raises BadInput for other maps than before in this task, and where rates are not as many.
        """
        if not self.new:
            for (name, rows), x in zip(self.wanted(inputs).items(), inputs.values(), strict=True):
                self.new[name] = self._drawn(name, x.new_empty(rows, x.shape[-1]))
                self.momentum[name] = torch.zeros_like(self.new[name])
        rates = self.rate if isinstance(self.rate, tuple) else (self.rate,) * len(inputs)
        if set(inputs) != set(self.new) or len(rates) != len(inputs):
            raise BadInput(
                f"HebbianProjection: expected inputs and rates of the maps {', '.join(self.new)}, got inputs "
                f"of {', '.join(inputs)} and {len(rates)} rates"
            )
        for (name, x), rate in zip(inputs.items(), rates, strict=True):
            if len(self.new[name]):
                self._oja(name, x, rate)

    def remember(self) -> None:
        """The present task is over: its rows are held from now on.

        Raises BadInput where nothing was learned since the last task ended.
        """
        if not self.new:
            raise BadInput("HebbianProjection: expected a task that was learned before it is remembered")
        self.over(self.new)
        self.new, self.momentum = {}, {}

    def _drawn(self, name: str, empty: Float[Tensor, "rows inputs"]) -> Float[Tensor, "rows inputs"]:
        """Orthonormal rows; orthogonal to those that are held too, where they are to be apart."""
        rows = nn.init.orthogonal_(empty) if len(empty) else empty
        return torch.linalg.qr(self.beyond(name, rows).mT)[0].mT if self.apart else rows

    def _oja(self, name: str, x: Float[Tensor, "many inputs"], rate: float) -> None:
        left = self.beyond(name, x)
        rows, momentum = self.new[name], self.momentum[name]
        for _ in range(self.repeats):
            y = x @ rows.mT
            step = (y.mT @ (left - y @ rows) / len(x)).clamp(-LARGEST, LARGEST)
            momentum.mul_(MOMENTUM).add_(step, alpha=1 - MOMENTUM)
            rows.add_(momentum, alpha=rate)
