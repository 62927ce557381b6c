"""Hypernetwork: a network that makes the weights of another one from what it learned to call a task.

Von Oswald, Henning, Grewe and Sacramento 2020, arXiv 1906.00695. Task t has an embedding e_t, and a generator
makes all P weights of a perceptron of it, in chunks (`_weight_generators`):

    Theta(t) = the first P numbers of h(e_t);   answers to x in task t: f(x; Theta(t)), f rectified

What is to be kept of an old task is then one point that h must not move, and not its examples: that is the
rule `HeldWeights`. The embedding of a task learns in that task alone.

The recurrent generator is our reconstruction of Chandra, Varshney, Srijith and Gupta 2023, arXiv 2209.07712,
whose equations and figures were not at hand, and so is how it grows. A chunk may end inside a layer of the
target. The head is scaled once, so that weights begin with a deviation of sqrt(2 / inputs). Which task it is
is told, or guessed: the one that is answered with the least entropy (their HNET+ENT). Left out: replay of
generated images, a classifier of tasks, and targets other than perceptrons.
"""

import itertools
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from wavetrain.core import Card, Network, check_width
from wavetrain.errors import BadInput
from wavetrain.networks._weight_generators import Chunked, Generator, Recurrent


class Hypernetwork(Network):
    """x (B, T, C), whatever its steps, to the outputs of all tasks side by side, (B, tasks * outputs).

    `sizes` are those of the target, from the numbers of a sequence, T C, to the outputs of one task; the
    generator is made of the size of an embedding and the numbers to make. `task` is the one to learn.

    >>> from functools import partial
    >>> from wavetrain.networks.hypernetwork import Chunked, Hypernetwork
    >>> network = Hypernetwork((64, 20, 2), tasks=3, generator=partial(Chunked, chunk=200), embedding=8)
    >>> network(torch.rand(5, 8, 8)).shape, network.weights(torch.arange(3)).shape
    (torch.Size([5, 6]), torch.Size([3, 1342]))
    """

    card = Card(
        title="Continual learning with hypernetworks",
        authors="von Oswald, Johannes and Henning, Christian and Grewe, Benjamin F. and Sacramento, João",
        year=2020,
        source="ICLR, arXiv 1906.00695",
        family="hypernetwork",
        topic="Learning without forgetting",
    )

    now: Tensor

    def __init__(
        self,
        sizes: Sequence[int] = (784, 100, 100, 2),
        tasks: int = 5,
        generator: Callable[[int, int], Generator] = Chunked,
        embedding: int = 64,
    ):
        super().__init__()
        if len(sizes) < 2:
            raise BadInput(f"Hypernetwork: expected sizes from inputs to outputs, got {tuple(sizes)}")
        for size in sizes:
            check_width("Hypernetwork", sizes=size)
        check_width("Hypernetwork", tasks=tasks, embedding=embedding)
        self.sizes, self.tasks = tuple(sizes), tasks
        self.shapes = tuple((out, into) for into, out in itertools.pairwise(self.sizes))
        self.numbers = sum(out * into + out for out, into in self.shapes)
        self.embeddings = nn.ParameterList(torch.randn(embedding) for _ in range(tasks))
        self.generator = generator(embedding, self.numbers)
        self.register_buffer("now", torch.zeros((), dtype=torch.long))
        self.register_load_state_dict_pre_hook(_grown)
        with torch.no_grad():
            scale = (2 / self.sizes[0]) ** 0.5 / self.weights(torch.arange(tasks)).std()
            for part in self.generator.head.parameters():
                part.mul_(scale)

    @property
    def task(self) -> int:
        """The task that is learned now."""
        return int(self.now)

    def forward(self, x: Float[Tensor, "batch time inputs"]) -> Float[Tensor, "batch outputs"]:
        y = self.answers(x, torch.arange(self.tasks))
        return y.transpose(0, 1).flatten(1)

    def learning(self, x: Float[Tensor, "batch time inputs"]) -> Float[Tensor, "batch outputs"]:
        """As `forward`, of the task that is learned alone: the outputs of all others are 0."""
        y = x.new_zeros(len(x), self.tasks, self.sizes[-1])
        y[:, self.task] = self.answers(x, self.now[None])[0]
        return y.flatten(1)

    def answers(
        self, x: Float[Tensor, "batch time inputs"], tasks: Int[Tensor, "tasks"]
    ) -> Float[Tensor, "tasks batch classes"]:
        """What the target of each of some tasks answers. Raises BadInput for x of another size."""
        if x.ndim < 2 or x.shape[1:].numel() != self.sizes[0]:
            raise BadInput(
                f"Hypernetwork: expected sequences of {self.sizes[0]} numbers, got {tuple(x.shape)}"
            )
        return self.target(self.weights(tasks), x)

    def weights(self, tasks: Int[Tensor, "tasks"]) -> Float[Tensor, "tasks numbers"]:
        """The weights of some tasks, layer by layer: each layer's rows, then its biases.

        Raises BadInput for a task that there is not.
        """
        if tasks.numel() and not 0 <= int(tasks.min()) <= int(tasks.max()) < self.tasks:
            raise BadInput(
                f"Hypernetwork: expected tasks from 0 to {self.tasks - 1}, got {int(tasks.min())} to "
                f"{int(tasks.max())}"
            )
        said = [self.embeddings[task] for task in tasks.tolist()]
        old = [
            one.detach() if task < self.task else one for task, one in zip(tasks.tolist(), said, strict=True)
        ]
        made: Tensor = self.generator(torch.stack(old))
        return made

    def target(
        self, weights: Float[Tensor, "*tasks numbers"], x: Float[Tensor, "batch time inputs"]
    ) -> Float[Tensor, "*tasks batch classes"]:
        """The perceptron of given weights on x."""
        y, at = x.flatten(1), 0
        for place, (out, into) in enumerate(self.shapes):
            rows = weights[..., at : at + out * into].unflatten(-1, (out, into))
            at += out * into
            y = y @ rows.mT + weights[..., None, at : at + out]
            at += out
            y = y.relu() if place < len(self.shapes) - 1 else y
        return y

    def guess(self, x: Float[Tensor, "batch time inputs"], known: int) -> Int[Tensor, "batch"]:
        """Which of the first `known` tasks each sequence is from: the one of the surest answer.

        Raises BadInput for another number of known tasks than from 1 to all.
        """
        if not isinstance(known, int) or not 0 < known <= self.tasks:
            raise BadInput(f"Hypernetwork: expected from 1 to {self.tasks} known tasks, got {known!r}")
        chance = self.answers(x, torch.arange(known)).log_softmax(-1)
        return (-(chance.exp() * chance).sum(-1)).argmin(0)

    def next_task(self) -> None:
        """The task is over: its embedding stays as it is. Raises BadInput after the last one."""
        if self.task == self.tasks - 1:
            raise BadInput(f"Hypernetwork: expected no more than {self.tasks} tasks")
        self.now += 1


def _grown(network: nn.Module, state: dict[str, Tensor], prefix: str, *others: object) -> None:
    """A network that had grown before it was saved is to be as large."""
    assert isinstance(network, Hypernetwork)
    saved, generator = state.get(f"{prefix}generator.head.weight"), network.generator
    if isinstance(generator, Recurrent) and saved is not None:
        units = saved.shape[1] - generator.head.in_features
        if units > 0:
            generator.grow(units)
