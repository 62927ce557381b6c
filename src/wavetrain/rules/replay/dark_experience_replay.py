"""Dark experience replay: what is kept of a sequence is, beside its answer, what the network said to it then.

Buzzega, Boschini, Porrello, Abati and Calderara 2020, arXiv 2004.07211 (DER++). A reservoir holds sequences
x', their answers y' and the outputs z' of the network at the time they came, before the update of that step.
With a batch (x, y) two samples of it are drawn, each by itself:

    loss = L(f(x), y) + alpha mean (f(x') - z')^2 + beta L(f(x''), y'')

the square averaged over samples and outputs. With beta = 0 it is DER, with both 0 backpropagation. Outputs
for classes that are still to come are kept and held, too: they are pulled to what they were.
"""

from collections.abc import Callable, Mapping

from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain.core import Batch, Card, check_width, go_back
from wavetrain.core.terms import Stated, Terms, learns
from wavetrain.errors import BadInput
from wavetrain.parts.reservoir import Reservoir


class DarkExperienceReplay(Stated):
    """Teaches any network; `alpha` weighs outputs of then, `beta` answers, of `replayed` sequences each.

    Replays as many sequences as a batch has where no number is told. Sequences and answers must have the
    shapes of those that came first. The loss that is returned is that of the batch. Draws are its own, by
    `seed`.

    >>> from wavetrain.core import CLASSES, Batch
    >>> from wavetrain.rules import DarkExperienceReplay
    >>> rule, network = DarkExperienceReplay(alpha=0.5, size=50), torch.nn.Linear(3, 2)
    >>> _ = rule.learn(network, Batch(torch.randn(8, 5, 3), torch.randint(2, (8, 5))), CLASSES.loss)
    >>> x, y, outputs = rule.kept.draw(8)
    >>> torch.equal(outputs, network(x))  # no weight has changed since
    True
    """

    card = Card(
        title="Dark experience for general continual learning: a strong, simple baseline",
        authors="Buzzega, Pietro and Boschini, Matteo and Porrello, Angelo and Abati, Davide and "
        "Calderara, Simone",
        year=2020,
        source="NeurIPS 2020, arXiv 2004.07211",
        family="replay",
        topic="Learning without forgetting",
    )

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 1.0,
        size: int = 200,
        replayed: int | None = None,
        seed: int = 0,
    ):
        if not (alpha >= 0 and beta >= 0):
            raise BadInput(
                f"DarkExperienceReplay: expected alpha and beta of at least 0, got {alpha} and {beta}"
            )
        check_width("DarkExperienceReplay", size=size, **({} if replayed is None else {"replayed": replayed}))
        self.alpha, self.beta, self.replayed = alpha, beta, replayed
        self.kept = Reservoir(size, seed)  # sequences, answers, and outputs of then

    def terms(self, network: nn.Module) -> Terms:
        return Terms(trains=learns(network), passes=1 + (self.alpha > 0) + (self.beta > 0))

    def state_dict(self) -> dict[str, Tensor]:
        return self.kept.state_dict()

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        self.kept.load_state_dict(state)

    def learn(self, network: nn.Module, batch: Batch, loss: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        self.kept.check(*batch)
        outputs = network(batch.x)
        value = loss(outputs, batch.y)
        total, many = value, len(batch.x) if self.replayed is None else self.replayed
        if len(self.kept) and self.alpha:
            x, _, then = self.kept.draw(many)
            total = total + self.alpha * F.mse_loss(network(x), then)
        if len(self.kept) and self.beta:
            x, y, _ = self.kept.draw(many)
            total = total + self.beta * loss(network(x), y)
        go_back(total)
        self.kept.keep(*batch, outputs)
        return value.detach()
