"""How errors and traces teach a linear read-out, forward in time.

    e_t = kept e_{t-1} + y_t,   e before the start is 0          traces of what is read, one for each element
    dL / dW = sum over t of error_t e_t'

An error so reaches what was there in its own step, and by `kept` less what was there a step before, and so
on. Each sequence begins with empty traces. The whole sum is found backward, each element with the errors
that come after it, which is the same (the forward and the backward view of Sutton and Barto).
"""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wavetrain import scan
from wavetrain.core import Batch, Lesson
from wavetrain.core.terms import Online, Sight, Terms, learns
from wavetrain.errors import BadInput
from wavetrain.parts.conditioning import Trial, laid
from wavetrain.parts.reader import Reader, one_hot
from wavetrain.parts.rewards import Bootstrapped, critic
from wavetrain.parts.stimuli import SerialCompound
from wavetrain.rules._apart import errors_of


class ReadOut(Online):
    """Teaches the linear read-out of a `Reader` that reads every step, and nothing else.

    `kept` is what is left of a trace after a step. Raises BadInput for another network.
    """

    def __init__(self, kept: float):
        self.kept = kept

    @abstractmethod
    def weighed(self, errors: Float[Tensor, "batch *time outputs"]) -> Float[Tensor, "batch *time outputs"]:
        """What is made of the errors d loss / d outputs before they teach."""

    @classmethod
    def lesson(cls) -> Lesson:
        batch = laid([Trial(cues=(1,), rewards=(5,)), Trial(cues=(2,))], time=8)
        network = critic(SerialCompound(6, inputs=1))
        nn.init.constant_(network.get_parameter("read.weight"), 0.5)
        return Lesson(network, batch, Bootstrapped(0.9))

    def terms(self, network: nn.Module) -> Terms:
        read_out(type(self).__name__, network)
        return Terms(
            trains=learns(network) & {"read.weight", "read.bias"}, blind=frozenset({Sight.LATER_STEPS})
        )

    @torch.no_grad()
    def learn(self, network: nn.Module, batch: Batch, loss: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        reader, read = read_out(type(self).__name__, network)
        elements, _ = reader.layer(one_hot(batch.x, reader.layer.inputs, read.weight.dtype))
        value, errors = errors_of(read(elements), batch.y, loss)
        teaching = self.weighed(errors)
        if self.kept:  # from each step on, what is still to come
            kept = errors.new_full(errors.shape[-1:], self.kept)
            teaching = scan.linear(kept, teaching.flip(1))[0].flip(1)
        self._left(read.weight, torch.einsum("bto,btw->ow", teaching, elements))
        if read.bias is not None:
            self._left(read.bias, teaching.sum((0, 1)))
        return value

    @torch.no_grad()
    def walk(
        self, network: nn.Module, x: Tensor, errors: Float[Tensor, "batch time outputs"]
    ) -> Iterator[Mapping[str, Tensor]]:
        reader, read = read_out(type(self).__name__, network)
        x = one_hot(x, reader.layer.inputs, read.weight.dtype)
        state, trace, constant = reader.layer.begin(len(x)), x.new_zeros(()), 0.0
        for now, error in zip(x.unbind(1), errors.unbind(1), strict=True):
            elements, state = reader.layer.step(now, state)
            trace, constant = self.kept * trace + elements, self.kept * constant + 1
            teaching = self.weighed(error)
            shares = {"read.weight": teaching.mT @ trace, "read.bias": constant * teaching.sum(0)}
            yield {name: one for name, one in shares.items() if name in learns(network)}

    def _left(self, parameter: Tensor, update: Tensor) -> None:
        if parameter.requires_grad:
            parameter.grad = update if parameter.grad is None else parameter.grad + update


def read_out(name: str, network: nn.Module) -> tuple[Reader, nn.Linear]:
    """A reader and its linear read-out; raises BadInput where there is none, or none that learns."""
    if not isinstance(network, Reader):
        raise BadInput(
            f"{name}: expected a Reader with a linear read-out of every step, got {type(network).__name__}"
        )
    read = network.read
    if not (isinstance(read, nn.Linear) and network.every_step):
        what = "one that reads the last step alone" if isinstance(read, nn.Linear) else type(read).__name__
        raise BadInput(f"{name}: expected a Reader with a linear read-out of every step, got {what}")
    if not any(one.requires_grad for one in read.parameters()):
        raise BadInput(f"{name}: expected a read-out that learns, got one of frozen parameters alone")
    return network, read
