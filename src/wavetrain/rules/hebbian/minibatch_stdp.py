"""Spike-timing-dependent plasticity in batches: sequences run side by side, and their changes become one.

Saunders, Sigrist, Chaney, Kozma and Siegelmann 2019, arXiv 1909.02549. Each sequence of a batch has
potentials and traces of its own; weights and thresholds are those of all. By traces that keep the nearest
spike alone, which hold the spike of their own step (`parts.traces`):

    change_b = potentiation s_post x_pre - depression y_post s_pre       for each sequence b
    w <- clip(w + over_batch(change_1, ..., change_B)),     over_batch: sum, mean or largest
    raised <- exp(-dt / tau_raised) raised + rise (crossings of the unit, in all sequences)

A step: thresholds decay; the layer fires; traces decay and take the spikes; weights change and are clipped;
thresholds rise. After the last step the weights of each unit are scaled to one `total`, and clipped. So a
batch is scaled once, where its sequences one after another would be as often as they are many. The rise is
not divided by the size of the batch, which the sum over a batch needs. Times are in ms.

As a rule it leaves the negative change in `.grad`, of weights and of thresholds; `teach` makes it at once.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain.core import Batch, Card, Lesson
from wavetrain.errors import BadInput
from wavetrain.parts.bounds import Bounds
from wavetrain.parts.over_batch import OverBatch
from wavetrain.parts.reader import Reader
from wavetrain.rules.hebbian._pairs import Pairs
from wavetrain.rules.hebbian._spike_timing import Loss
from wavetrain.scan.competition import Learning, compete_and_learn
from wavetrain.scan.routes import fast, took
from wavetrain.spiking._competing import Competing
from wavetrain.spiking.diehl_cook import DiehlCook

HARD = Bounds()


class MinibatchSTDP(Pairs):
    """Teaches layers whose units compete, `DiehlCook` and its relatives, by the spikes (B, T, pre) they take.

    `total` is to what the weights of each unit are scaled after each batch, None for not at all; tau in ms.

    >>> from wavetrain.parts.over_batch import OverBatch
    >>> from wavetrain.rules import MinibatchSTDP
    >>> from wavetrain.spiking import DiehlCook
    >>> layer, x = DiehlCook(4, inputs=10), (torch.rand(3, 50, 10) < 0.5).float()
    >>> rule = MinibatchSTDP(total=3.0, over_batch=OverBatch.LARGEST)
    >>> rule.teach(layer, x).shape
    torch.Size([3, 50, 4])
    >>> layer.encode.weight.sum(1)
    tensor([3.0000, 3.0000, 3.0000, 3.0000], grad_fn=<SumBackward1>)
    """

    card = Card(
        title="Minibatch processing for speed-up and scalability of spiking neural network simulation",
        authors="Saunders, Daniel J. and Sigrist, Cooper and Chaney, Kenneth and Kozma, Robert and "
        "Siegelmann, Hava T.",
        year=2019,
        source="IJCNN 2020, doi 10.1109/IJCNN48605.2020.9207452, arXiv 1909.02549",
        family="spike timing",
        topic="Learning rules",
    )

    def __init__(
        self,
        potentiation: float = 1e-2,
        depression: float = 1e-4,
        *,
        total: float | None = None,
        tau: float = 20.0,
        dt: float = 1.0,
        bounds: Bounds = HARD,
        over_batch: OverBatch = OverBatch.SUM,
    ):
        super().__init__(
            potentiation,
            depression,
            tau_plus=tau,
            tau_minus=tau,
            dt=dt,
            nearest=True,
            bounds=bounds,
            over_batch=over_batch,
        )
        if total is not None and not total > 0:
            raise BadInput(f"MinibatchSTDP: expected a total of weights above 0, got {total!r}")
        self.total_weight = total

    @classmethod
    def lesson(cls) -> Lesson:
        layer = DiehlCook(4, inputs=3)
        nn.init.constant_(layer.encode.weight, 0.9)
        layer.encode.weight.data[0] += 0.05
        x = (torch.arange(60)[:, None] % torch.tensor([1, 2, 3]) == 0).float().expand(2, -1, -1)
        network = Reader(layer, outputs=2, every_step=True)
        return Lesson(network, Batch(x, torch.zeros(2, 60, 2)), nn.functional.mse_loss)

    @torch.no_grad()
    def learn(self, network: nn.Module, batch: Batch, loss: Loss) -> Tensor:
        layers = [one for one in network.modules() if isinstance(one, Competing)]
        if not layers:
            raise BadInput(
                "MinibatchSTDP: expected a network with a layer whose units compete, as a Reader of "
                f"DiehlCook, got {type(network).__name__}"
            )
        taken: dict[Competing, Tensor] = {}

        def note(layer: nn.Module, given: tuple[Tensor, ...], _: object) -> None:
            assert isinstance(layer, Competing)
            taken[layer] = given[0]

        hooks = [one.register_forward_hook(note) for one in layers]
        try:
            outputs = network(batch.x)
        finally:
            for hook in hooks:
                hook.remove()
        for layer, x in taken.items():
            _, weight, raised = self.taught(layer, x)
            for parameter, after in ((layer.encode.weight, weight), (layer.raised, raised)):
                update = parameter - after
                parameter.grad = update if parameter.grad is None else parameter.grad + update
        for parameter in network.parameters():
            if parameter.requires_grad and parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        return loss(outputs, batch.y)

    @torch.no_grad()
    def teach(self, layer: Competing, x: Float[Tensor, "batch time pre"]) -> Float[Tensor, "batch time post"]:
        """The spikes of the layer while it learns from x; its weights and thresholds are changed."""
        spikes, weight, raised = self.taught(layer, x)
        layer.encode.weight.copy_(weight)
        layer.raised.copy_(raised)
        return spikes

    @torch.no_grad()
    def taught(
        self, layer: Competing, x: Float[Tensor, "batch time pre"]
    ) -> tuple[Float[Tensor, "batch time post"], Float[Tensor, "post pre"], Float[Tensor, "post"]]:
        """The spikes of the layer while it learns from x, and its weights and thresholds in the end.

        Raises BadInput for x that is not (batch, time, inputs) of 0 or 1, and for a layer with another dt.
        """
        layer.check(x)
        if layer.dt != self.dt:
            raise BadInput(
                f"MinibatchSTDP: expected a layer with steps of {self.dt:g} ms, got {layer.dt:g} ms"
            )
        weight = layer.weight().detach()
        nobody = x.new_zeros(*x.shape[:2], layer.width)
        traces = self.begun(weight, x, nobody, None)
        state, raised = layer.begin(len(x)), layer.raised.detach()
        plain = self.bounds.power or (layer.mask is not None and self.bounds.low > 0)
        if not plain and fast(x, weight, raised):
            learning = self._numbers(layer)
            spikes, weight, raised = compete_and_learn(
                x, state, traces, weight, raised, layer.mask, layer.rivals(), learning
            )
        else:
            spikes, weight, raised = self._plain(layer, x, state, traces, weight, raised)
        if self.total_weight is not None:
            weight = self.bounds.clipped(scaled(weight, self.total_weight))
        return spikes, weight, raised

    def _plain(
        self, layer: Competing, x: Tensor, state: tuple, traces: tuple, weight: Tensor, raised: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Step by step: the definition."""
        took("competition", "plain")
        seen, kept = [], layer.rate(layer.cell.tau_raised)
        for now in x.unbind(1):
            raised = kept * raised
            spikes, state, crossed = layer.crossed(F.linear(now, weight), state, raised)
            moved, traces = self.step(weight, now, spikes, traces)
            weight = moved if layer.mask is None else moved.where(layer.mask, weight)
            raised = raised + layer.cell.raised * crossed.sum(0)
            seen.append(spikes)
        return torch.stack(seen, 1), weight, raised

    def _numbers(self, layer: Competing) -> Learning:
        return Learning(
            potentiation=self.potentiation,
            depression=self.depression,
            kept_before=self.before.decay,
            kept_behind=self.behind.decay,
            low=self.bounds.low,
            high=self.bounds.high,
            raised=layer.cell.raised,
            kept_raised=layer.rate(layer.cell.tau_raised),
            nearest=self.before.nearest,
            over_batch=list(OverBatch).index(self.over_batch),
        )


def scaled(weight: Float[Tensor, "post pre"], total: float) -> Float[Tensor, "post pre"]:
    """Weights of which those of each unit add up to one total in size; a unit without weights keeps none."""
    sums = weight.abs().sum(1, keepdim=True)
    return weight * torch.where(sums > 0, total / sums, 0.0)
