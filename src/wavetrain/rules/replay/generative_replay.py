"""Generative replay: nothing is stored; a second network learns to draw what was learned, and is replayed.

Shin, Lee, Kim and Kim 2017, arXiv 1705.08690; with a variational autoencoder, as in van de Ven, Siegelmann
and Tolias 2020, Nature Communications 11:4069. While a task is learned, an autoencoder learns its sequences,
each flattened. When the task is over both networks are copied and frozen, and from then on the copies make,
for each batch, as many sequences x' with the classes f'(x') that the copy of the network gives them. In task
k the loss is

    r L(f(x), y) + (1 - r) L(f(x'), argmax f'(x')),   r = 1 / k

and the autoencoder learns x and x' with the same weights, by an Adam of its own. So all tasks so far weigh
alike. The autoencoder:

    h = relu(relu(x)),  z ~ N(mean(h), exp(log_variance(h))),  x^ = sigmoid of two like layers of z
    loss = cross entropy of x^ and x, summed over pixels, + KL from N(0, 1), mean over the batch

Outputs compete in argmax f', so that this is for domains and for classes; with the task told, a class would
have to be asked within each head. Left out: soft targets, replay of hidden layers, and generators that are
told which class to draw (brain-inspired replay).
"""

import copy
from collections.abc import Callable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain.core import CLASSES, Batch, Card, Lesson, Rule, check_width, go_back
from wavetrain.errors import BadInput
from wavetrain.parts.kept import into_optimiser, of_optimiser, under, within


class GenerativeReplay(Rule):
    """Teaches networks that tell classes of inputs in [0, 1], all of one length.

    `remember` is to be called at a task's end. The loss that is returned is that of the batch. Draws are its
    own, by `seed`. Raises BadInput for inputs outside [0, 1], and for answers that are not classes.

    >>> from wavetrain.rules import GenerativeReplay
    >>> rule, (network, batch, loss) = GenerativeReplay(latent=2, hidden=8), GenerativeReplay.lesson()
    >>> _ = rule.learn(network, batch, loss)
    >>> rule.remember(network)  # the first task is over
    >>> dreamt = rule.dream(5)
    >>> dreamt.x.shape, dreamt.y.shape
    (torch.Size([5, 1, 6]), torch.Size([5]))
    """

    card = Card(
        title="Continual learning with deep generative replay",
        authors="Shin, Hanul and Lee, Jung Kwon and Kim, Jaehong and Kim, Jiwon",
        year=2017,
        source="NeurIPS 2017, arXiv 1705.08690",
        family="replay",
        topic="Learning without forgetting",
    )

    def __init__(
        self,
        latent: int = 100,
        hidden: int = 400,
        rate: float = 1e-3,
        replayed: int | None = None,
        seed: int = 0,
    ):
        sizes = {"latent": latent, "hidden": hidden} | ({} if replayed is None else {"replayed": replayed})
        check_width("GenerativeReplay", **sizes)
        if not rate >= 0:
            raise BadInput(f"GenerativeReplay: expected a rate of at least 0, got {rate}")
        self.latent, self.hidden, self.rate, self.replayed = latent, hidden, rate, replayed
        self.generator = torch.Generator().manual_seed(seed)
        self.tasks = 0  # that are over
        self.shape = torch.Size()  # of a sequence
        self.painter: Painter | None = None
        self.then: tuple[Painter, nn.Module] | None = None  # as they were when the last task ended
        self.waiting: Mapping[str, Tensor] = {}  # numbers of that network, until one of its kind is met

    @classmethod
    def lesson(cls) -> Lesson:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            network = nn.Sequential(nn.Flatten(), nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 3))
        x = torch.linspace(0, 1, 48).view(8, 1, 6)
        return Lesson(network, Batch(x, torch.arange(8) % 3), CLASSES.loss)

    def state_dict(self) -> dict[str, Tensor]:
        state = {"generator": self.generator.get_state(), "tasks": torch.tensor(self.tasks)}
        if self.painter is not None:
            state |= within("painter", self.painter.state_dict()) | within("adam", of_optimiser(self.updates))
            state |= {"shape": torch.tensor(self.shape)}
        if self.then is not None:
            painter, network = self.then
            state |= within("painter then", painter.state_dict())
            state |= within("network then", self.waiting or network.state_dict())
        return {name: one.clone() for name, one in state.items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """The network of then has the form of the one that learns next; it dreams once that has come."""
        self.tasks, self.painter, self.then = int(state["tasks"]), None, None
        self.shape = torch.Size(state["shape"].tolist()) if "shape" in state else torch.Size()
        painter, then = under("painter", state), under("painter then", state)
        if painter:
            made = self._painter(next(iter(painter.values())).new_zeros(1, *self.shape))
            made.load_state_dict(painter)
            into_optimiser(self.updates, under("adam", state))
            if then:
                before = copy.deepcopy(made)
                before.load_state_dict(then)
                self.then, self.waiting = (before, nn.Identity()), under("network then", state)
        self.generator.set_state(state["generator"].cpu())

    def learn(self, network: nn.Module, batch: Batch, loss: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        self._check(network, batch)
        painter = self._painter(batch.x)
        self._met(network)
        share = 1 / (self.tasks + 1)
        value = loss(network(batch.x), batch.y)
        total, dreamt = value, None
        if self.then is not None:
            dreamt = self.dream(len(batch.x) if self.replayed is None else self.replayed)
            total = share * value + (1 - share) * loss(network(dreamt.x), dreamt.y)
        go_back(total)
        price = painter.price(batch.x.flatten(1), self.generator)
        if dreamt is not None:
            price = share * price + (1 - share) * painter.price(dreamt.x.flatten(1), self.generator)
        self.updates.zero_grad(set_to_none=True)
        price.backward()
        self.updates.step()
        return value.detach()

    def remember(self, network: nn.Module) -> None:
        """A task is over: from now on it is dreamt of, as both networks know it now.

        Raises BadInput where nothing was learned before.
        """
        if self.painter is None:
            raise BadInput("GenerativeReplay: expected a task that was learned before it is remembered")
        self.then, self.waiting = (copy.deepcopy(self.painter), copy.deepcopy(network).eval()), {}
        self.tasks += 1

    @torch.no_grad()
    def dream(self, many: int) -> Batch:
        """So many sequences (N, T, C) of tasks that are over, with the classes that they are taken for.

        Raises BadInput before a task is over.
        """
        if self.then is None or self.waiting:
            what = "a batch learned, since it was taken up," if self.waiting else "a task that is over,"
            raise BadInput(f"GenerativeReplay: expected {what} to dream of it")
        painter, network = self.then
        x = painter.drawn(many, self.generator).view(many, *self.shape)
        return Batch(x, network(x).argmax(-1))

    def _met(self, network: nn.Module) -> None:
        """The network of then, where its numbers wait for one of its form."""
        if self.waiting and self.then is not None:
            before = copy.deepcopy(network).eval()
            before.load_state_dict(self.waiting)
            self.then, self.waiting = (self.then[0], before), {}

    def _painter(self, x: Tensor) -> "Painter":
        """The autoencoder, which is made for the first batch."""
        if self.painter is None:
            self.shape = x.shape[1:]
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(self.generator.initial_seed())
                self.painter = Painter(self.shape.numel(), self.hidden, self.latent).to(x)
            self.updates = torch.optim.Adam(self.painter.parameters(), self.rate)
        return self.painter

    def _check(self, network: nn.Module, batch: Batch) -> None:
        x, y = batch
        if y.is_floating_point() or not x.is_floating_point() or x.min() < 0 or x.max() > 1:
            raise BadInput(
                f"GenerativeReplay: expected a network, as a Sequential of maps, that tells classes of "
                f"inputs in [0, 1], got {type(network).__name__} with inputs from {x.min():.3g} to "
                f"{x.max():.3g} and answers of type {y.dtype}"
            )
        if self.shape and x.shape[1:] != self.shape:
            raise BadInput(
                f"GenerativeReplay: expected sequences of shape {tuple(self.shape)} as before, got "
                f"{tuple(x.shape[1:])}"
            )


class Painter(nn.Module):
    """A variational autoencoder of flat inputs in [0, 1]."""

    def __init__(self, pixels: int, hidden: int, latent: int):
        super().__init__()
        self.latent = latent
        self.encode = nn.Sequential(
            nn.Linear(pixels, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU()
        )
        self.told = nn.Linear(hidden, 2 * latent)
        self.decode = nn.Sequential(
            nn.Linear(latent, hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, pixels),
        )

    def price(self, x: Float[Tensor, "batch pixels"], generator: torch.Generator) -> Float[Tensor, ""]:
        """Of x^ for x and of z for a normal one, summed, in nats; the mean over the batch."""
        mean, log_variance = self.told(self.encode(x)).chunk(2, -1)
        z = mean + (log_variance / 2).exp() * self._normal(mean, generator)
        missed = F.binary_cross_entropy_with_logits(self.decode(z), x, reduction="none").sum(-1)
        apart = (mean.square() + log_variance.exp() - log_variance - 1).sum(-1) / 2
        price: Tensor = (missed + apart).mean()
        return price

    def drawn(self, many: int, generator: torch.Generator) -> Float[Tensor, "many pixels"]:
        """Inputs drawn from what it knows."""
        some: Tensor = self.decode(self._normal(self.told.weight.new_empty(many, self.latent), generator))
        return some.sigmoid()

    @staticmethod
    def _normal(like: Tensor, generator: torch.Generator) -> Tensor:
        return torch.randn(like.shape, generator=generator, dtype=like.dtype).to(like.device)
