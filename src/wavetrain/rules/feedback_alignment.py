"""Feedback alignment: errors come back by fixed random weights, and forward weights learn to suit them.

Lillicrap, Cownden, Tweed and Akerman 2016, Nature Communications 7:13276. In a linear map y = W x + b the
gradients of W and b are those of backpropagation, but the error of its input is B' dy in place of W' dy:

    RANDOM    B is drawn once and stays
    SIGNS     the size of B is drawn once and stays, its signs are those of W (Liao, Leibo and Poggio 2016)
    DIRECT    the error of the input is B' e, where e is the error of the network's outputs (Nokland 2016)

The error goes through all else as in backpropagation: slopes of units, sums, and steps of time. So in a
recurrent network, which is walked by its steps, W' is replaced on the way back through time, too. B depends
on the seed, the name of the weight and its shape alone. It is no parameter: no optimiser moves it, no weight
decay shrinks it, and a network that is read back meets the same B. Its entries are as large as those of
PyTorch's linear maps at their start.
"""

import enum
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from wavetrain.core import Batch, Card, go_back, unroll
from wavetrain.core.terms import Sight, Stated, Terms, learns
from wavetrain.errors import BadInput
from wavetrain.parts.reader import Reader, one_hot


class Feedback(enum.Enum):
    """By which weights errors come back."""

    RANDOM = "random"
    SIGNS = "signs of the forward weights"
    DIRECT = "direct from the outputs"


class FeedbackAlignment(Stated):
    """Teaches a network all of whose parameters are those of linear maps, as `F.linear` is called with them.

    Raises BadInput for another network, and where direct feedback does not fit: it wants maps that see all
    steps at once, and an output for each.

    >>> from wavetrain.rules import Backpropagation, FeedbackAlignment
    >>> from wavetrain.core import VALUES, Batch
    >>> network = torch.nn.Sequential(torch.nn.Linear(3, 6), torch.nn.Tanh(), torch.nn.Linear(6, 2))
    >>> batch = Batch(torch.randn(4, 7, 3), torch.randn(4, 7, 2))
    >>> _ = FeedbackAlignment(seed=1).learn(network, batch, VALUES.loss)
    >>> first, last = network[0].weight.grad, network[2].weight.grad
    >>> network.zero_grad()
    >>> _ = Backpropagation().learn(network, batch, VALUES.loss)
    >>> torch.equal(last, network[2].weight.grad), torch.allclose(first, network[0].weight.grad)
    (True, False)
    """

    card = Card(
        title="Random synaptic feedback weights support error backpropagation for deep learning",
        authors="Lillicrap, Timothy P. and Cownden, Daniel and Tweed, Douglas B. and Akerman, Colin J.",
        year=2016,
        source="Nature Communications 7, doi 10.1038/ncomms13276",
        family="feedback",
        topic="Learning rules",
    )

    def __init__(self, feedback: Feedback = Feedback.RANDOM, seed: int = 0):
        self.feedback, self.seed = feedback, seed

    def terms(self, network: nn.Module) -> Terms:
        if self.feedback is Feedback.SIGNS:
            return Terms(trains=learns(network))
        named = {name for name, one in network.named_parameters() if one.ndim == 2 and one.requires_grad}
        return Terms(
            trains=learns(network), blind=frozenset({Sight.FORWARD_WEIGHTS}), unseen=frozenset(named)
        )

    def matrix(
        self, name: str, weight: Float[Tensor, "outputs inputs"], outputs: int | None = None
    ) -> Float[Tensor, "outputs inputs"]:
        """B for the weight of a name; `outputs` are those of the network where feedback is direct."""
        seed = int.from_bytes(hashlib.sha256(f"{self.seed} {name}".encode()).digest()[:4], "big")
        shape = (weight.shape[0] if outputs is None else outputs, weight.shape[1])
        drawn = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
        drawn = drawn.to(weight) * (3 * weight.shape[1]) ** -0.5
        return drawn.abs() * weight.detach().sign() if self.feedback is Feedback.SIGNS else drawn

    def learn(self, network: nn.Module, batch: Batch, loss: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        trained = {one: name for name, one in network.named_parameters() if one.requires_grad}
        with _Aligned(self, trained) as mode:
            outputs = _outputs(network, batch.x)
        missing = [name for one, name in trained.items() if one not in mode.used]
        if missing:
            raise BadInput(
                "FeedbackAlignment: expected a network that learns by linear maps alone, as a Sequential of "
                f"them, got {type(network).__name__} with {missing[0]}"
            )
        value = loss(outputs, batch.y)
        if outputs.requires_grad:
            outputs.register_hook(mode.told)
        go_back(value)
        return value.detach()


def _outputs(network: nn.Module, x: Tensor) -> Tensor:
    """What a network gives; one layer is walked by its steps, whose maps can be seen."""
    if not isinstance(network, Reader):
        return network(x)
    layer = network.layer
    y, _ = unroll(layer.step, one_hot(x, layer.inputs, network.read_dtype), layer.begin(len(x)))
    return network.read(y if network.every_step else y[:, -1])


class _Aligned(TorchFunctionMode):
    """Every `F.linear` of a weight that learns sends errors back by the rule's matrix."""

    def __init__(self, rule: FeedbackAlignment, trained: dict[nn.Parameter, str]):
        super().__init__()
        self.rule, self.trained = rule, trained
        self.used: set[nn.Parameter] = set()
        self.error: Tensor | None = None  # of the outputs

    def told(self, error: Tensor) -> None:
        self.error = error

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        given = dict(kwargs or {})
        if func is F.linear:
            bound = dict(zip(("input", "weight", "bias"), args, strict=False)) | given
            weight, bias = bound["weight"], bound.get("bias")
            if isinstance(weight, nn.Parameter) and weight in self.trained:
                self.used |= {one for one in (weight, bias) if one in self.trained}
                return _Linear.apply(bound["input"], weight, bias, self, self.trained[weight])
        return func(*args, **given)

    def back(self, name: str, weight_like: Tensor, matrix: Tensor | None, error: Tensor) -> Tensor:
        """The error of the input of a map, from that of its output."""
        if matrix is not None:
            return error @ matrix
        if self.error is None or self.error.shape[:-1] != error.shape[:-1]:
            raise BadInput(
                f"FeedbackAlignment: expected an output for each row that {name} sees, as direct feedback "
                f"needs, {tuple(error.shape[:-1])}, got "
                f"{None if self.error is None else tuple(self.error.shape[:-1])}"
            )
        return self.error @ self.rule.matrix(name, weight_like, self.error.shape[-1])


class _Linear(torch.autograd.Function):
    """A linear map whose way back is the rule's; what it keeps of the weight is at most its signs."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, mode: _Aligned, name: str
    ) -> Tensor:
        direct = mode.rule.feedback is Feedback.DIRECT
        ctx.save_for_backward(x)
        ctx.mode, ctx.name, ctx.shape = mode, name, weight.shape
        ctx.matrix = None if direct else mode.rule.matrix(name, weight)
        return F.linear(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, error: Tensor) -> tuple[Tensor | None, ...]:
        (x,) = ctx.saved_tensors
        to_x, to_weight, to_bias = ctx.needs_input_grad[:3]
        rows = error.flatten(0, -2)
        return (
            ctx.mode.back(ctx.name, error.new_empty(ctx.shape), ctx.matrix, error) if to_x else None,
            rows.mT @ x.flatten(0, -2) if to_weight else None,
            rows.sum(0) if to_bias else None,
            None,
            None,
        )
