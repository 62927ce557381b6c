"""How plasticity of spikes teaches a network: its spiking layers, by what each takes and gives."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wavetrain.core import Batch, Lesson, Rule
from wavetrain.core.spiking import Spiking
from wavetrain.errors import BadInput
from wavetrain.parts.plasticity import Plasticity
from wavetrain.parts.reader import Reader
from wavetrain.spiking.lif import LIF

Loss = Callable[[Tensor, Tensor], Tensor]  # of outputs and answers


class Fired(NamedTuple):
    """A spiking layer of a network, and what it took and gave."""

    encode: nn.Linear
    before: Float[Tensor, "batch time pre"]
    behind: Float[Tensor, "batch time post"]


class SpikeTiming(Plasticity, Rule):
    """Plasticity as a rule: it teaches the weights `encode` by which each spiking layer takes its inputs.

    The batch runs through the network as it is, then each sequence says what it would change. What is left
    in `.grad` is the negative change, within bounds: a step of size 1 without momentum ends where the rule
    does. Everything else gets an update of 0. The loss is only told.
    """

    @classmethod
    def lesson(cls) -> Lesson:
        layer = LIF(4, inputs=3, tau=5.0)
        nn.init.constant_(layer.encode.weight, 0.6)
        time = torch.arange(30)
        x = torch.stack([time % 3 == 0, time % 4 == 1, time % 5 == 2], 1).float().expand(2, -1, -1)
        network = Reader(layer, outputs=2, every_step=True)
        return Lesson(network, Batch(x, torch.zeros(2, 30, 2)), nn.functional.mse_loss)

    @torch.no_grad()
    def learn(self, network: nn.Module, batch: Batch, loss: Loss) -> Tensor:
        with fired(network) as layers:
            outputs = network(batch.x)
        if not layers:
            raise BadInput(
                f"{type(self).__name__}: expected a network with a spiking layer whose weights `encode` "
                f"learn, as a Reader of LIF, got {type(network).__name__}"
            )
        rewards = self.rewards(outputs, batch, loss)
        for layer in layers:
            weight = layer.encode.weight
            changes = self.asked(weight, layer.before, layer.behind, rewards)
            _left(weight, weight - self.bounds.clipped(weight + self.over_batch(changes)))
        for parameter in network.parameters():
            if parameter.requires_grad and parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        return loss(outputs, batch.y)

    def rewards(self, outputs: Tensor, batch: Batch, loss: Loss) -> Float[Tensor, "batch"]:
        """By what the change of each sequence is multiplied, from outputs (B, T, ...): by nothing but 1."""
        return batch.x.new_ones(len(batch.x))

    def asked(
        self,
        weight: Float[Tensor, "post pre"],
        before: Float[Tensor, "batch time pre"],
        behind: Float[Tensor, "batch time post"],
        rewards: Float[Tensor, "batch"],
    ) -> Float[Tensor, "batch post pre"]:
        """What each sequence asks of the weights of one layer."""
        return rewards[:, None, None] * self.total(weight, before, behind)[0]


@contextmanager
def fired(network: nn.Module) -> Iterator[list[Fired]]:
    """Notes what each spiking layer takes and gives while the network runs."""
    layers: list[Fired] = []

    def note(
        encode: nn.Linear, layer: nn.Module, given: tuple[Tensor, ...], told: tuple[Tensor, Tensor]
    ) -> None:
        layers.append(Fired(encode, given[0].detach(), told[0].detach()))

    hooks = [
        one.register_forward_hook(partial(note, encode))
        for one in network.modules()
        if isinstance(one, Spiking)
        and isinstance(encode := getattr(one, "encode", None), nn.Linear)
        and encode.weight.requires_grad
    ]
    try:
        yield layers
    finally:
        for hook in hooks:
            hook.remove()


def _left(parameter: Tensor, update: Tensor) -> None:
    parameter.grad = update.clone() if parameter.grad is None else parameter.grad + update


def amplitudes(name: str, *given: float) -> tuple[float, ...]:
    """The same; raises BadInput for one below 0, which would turn a growth into a decay."""
    if any(not one >= 0 for one in given):
        raise BadInput(f"{name}: expected amplitudes of at least 0, got {', '.join(map(str, given))}")
    return given
