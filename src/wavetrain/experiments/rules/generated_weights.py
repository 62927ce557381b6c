"""Does a network that makes another one's weights keep old tasks, and does it help to make them in order?

Von Oswald, Henning, Grewe and Sacramento 2020, arXiv 1906.00695; Chandra, Varshney, Srijith and Gupta 2023,
arXiv 2209.07712. Five pairs of digits of MNIST come one after another, and which pair it is, is told. A
perceptron answers, whose weights are made chunk by chunk of an embedding of the task. All arms have as many
parameters, within a twentieth, see the same batches, and Adam that begins anew with each task:

    chunked          each chunk is made by itself
    recurrent        an LSTM makes them in order
    reset            its control: the LSTM begins anew at every chunk, so that none depends on another
    grown            the LSTM gets a unit more with each further task
    chunked_free     as chunked, with nothing held of old tasks: beta = 0
    recurrent_free   as recurrent, with nothing held
    fine_tuned       a perceptron that is no one's product, with a head for each task
    separate         a perceptron for each task, of as many parameters in all

`kept` is the mean accuracy on all tasks after the last, `learned` that of each task at its own end, `lost`
the most that any old task has lost since its own end, and `guessed` the accuracy among all ten digits where
the task is the one that is answered with the least entropy. All are on the test part.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from wavetrain.core import Rule, examined
from wavetrain.data.images.permuted_mnist import permuted_mnist
from wavetrain.evidence.claims import Claim, Figure, Measured, Part, given
from wavetrain.experiments.rules._digit_pairs import mnist_pairs, perceptron, small_pairs
from wavetrain.networks._weight_generators import Chunked, Generator, Recurrent
from wavetrain.networks.hypernetwork import Hypernetwork
from wavetrain.parts.accuracy_matrix import AccuracyMatrix
from wavetrain.parts.task_sequence import Scenario, TaskSequence, in_turn
from wavetrain.rules.backpropagation import Backpropagation
from wavetrain.rules.held_weights import HeldWeights
from wavetrain.train.arms import Arm, in_lab, pictured
from wavetrain.train.continual import Learned, Terms
from wavetrain.train.lab import Lab

GENERATORS = ("chunked", "recurrent", "reset", "grown", "chunked_free", "recurrent_free")
ARMS = (*GENERATORS, "fine_tuned", "separate")
LITTLE = 0.005  # accuracy that an old task may lose


def _learned(figures: Measured) -> bool:
    """Whether there was something to keep."""
    return all(figures[f"learned_{arm}"] >= 0.98 for arm in ARMS)


claim = Claim(
    title="A network that makes weights keeps old tasks, in whatever order",
    sentence="On split MNIST, told the task, chunked and recurrent generators of weights lose at most half a "
    "point on every old task, where a fine-tuned network of as many parameters loses at least 5, and making "
    "chunks in order, each of those before, ends higher than making each by itself.",
    topic="Learning without forgetting",
    source="von Oswald et al. 2020, arXiv 1906.00695; Chandra et al. 2023, arXiv 2209.07712, abstract",
    systems=("hypernetwork", "held_weights", "split_mnist", "lstm"),
    parts=(
        Part(
            says="With weights made chunk by chunk no old task loses more than half a point.",
            holds=given(_learned, lambda figures: figures["lost_chunked"] <= LITTLE),
            figures=("lost_chunked", "learned_chunked"),
        ),
        Part(
            says="With weights made by an LSTM no old task loses more than half a point either.",
            holds=given(_learned, lambda figures: figures["lost_recurrent"] <= LITTLE),
            figures=("lost_recurrent", "learned_recurrent"),
        ),
        Part(
            says="Nor does one where the LSTM grows by a unit with each further task.",
            holds=given(_learned, lambda figures: figures["lost_grown"] <= LITTLE),
            figures=("lost_grown", "learned_grown"),
        ),
        Part(
            says="A fine-tuned network with a head for each task loses at least 5 points on one of them.",
            holds=given(_learned, lambda figures: figures["lost_fine_tuned"] >= 0.05),
            figures=("lost_fine_tuned",),
        ),
        Part(
            says="With nothing held, either generator loses at least 5 points on one of them.",
            holds=given(
                _learned,
                lambda figures: (
                    figures["lost_chunked_free"] >= 0.05 and figures["lost_recurrent_free"] >= 0.05
                ),
            ),
            figures=("lost_chunked_free", "lost_recurrent_free"),
        ),
        Part(
            says="Dependency: the LSTM ends with a higher mean accuracy than the chunked generator and than "
            "the LSTM that begins anew at every chunk.",
            holds=given(
                _learned,
                lambda figures: (
                    figures["kept_recurrent"] > max(figures["kept_chunked"], figures["kept_reset"])
                ),
            ),
            figures=("kept_recurrent", "kept_chunked", "kept_reset"),
            stronger="In every setting that the authors tried, the recurrent generator ends higher.",
        ),
    ),
    figures=(
        Figure(name="kept_{arm}", says="accuracy on all tasks after the last, {arm}", unit="share"),
        Figure(name="learned_{arm}", says="accuracy at a task's own end, {arm}", unit="share"),
        Figure(name="lost_{arm}", says="most that an old task lost, {arm}", unit="share"),
        Figure(name="guessed_{arm}", says="accuracy where the task is guessed, {arm}", unit="share"),
    ),
    names={
        "chunked": "chunked generator",
        "recurrent": "LSTM generator",
        "reset": "LSTM that begins anew at every chunk",
        "grown": "LSTM generator that grows",
        "chunked_free": "chunked generator, nothing held",
        "recurrent_free": "LSTM generator, nothing held",
        "fine_tuned": "fine-tuned network",
        "separate": "separate networks",
    },
    notes="Of Chandra et al. the abstract alone was at hand: their equations, figures and rule of growth "
    "were not, so that the LSTM generator is a reconstruction, and no figure of theirs stands here. Limits "
    "are from an implementation of our own, of one to three seeds, before this one was written; that of the "
    "generator that grows is new. With a target of 99.5% the order of generators is decided by tenths of a "
    "point. Chunks end inside layers. Not looking ahead; the regulariser has weight 0.01, 400 steps a task, "
    "places of 4 numbers, and hidden layers of 100 in place of 400. At the full scale ten permutations of "
    "MNIST with the settings of von Oswald et al., whose images are padded to 32 x 32 and ours are not. "
    "Looking ahead, importances and drawn tasks are in the rule and not in the claim.",
)


@dataclass(frozen=True, kw_only=True)
class Scale:
    sequence: Callable[[], TaskSequence]
    hidden: int  # units of each of two layers of the target
    alone: int  # units of each hidden layer of separate networks
    embedding: int
    chunk: int
    places: int
    layers: tuple[int, ...]  # of the chunked generator
    width: int  # of the LSTM
    reset: int  # of the one that begins anew
    first: int  # of the one that grows, by a unit a task
    beta: float
    rate: float
    batch: int
    steps: int  # of each task
    activation: Callable[[], nn.Module] = nn.ReLU  # of the chunked generator


def _small() -> TaskSequence:
    return in_turn(small_pairs()[:3], Scenario.TASK)


def _split() -> TaskSequence:
    return in_turn(mnist_pairs(), Scenario.TASK)


def _permuted() -> TaskSequence:
    return in_turn([permuted_mnist(part) for part in range(10)], Scenario.TASK)


smoke = Scale(
    sequence=_small,
    hidden=6,
    alone=2,
    embedding=4,
    chunk=50,
    places=3,
    layers=(5,),
    width=5,
    reset=6,
    first=3,
    beta=0.01,
    rate=1e-3,
    batch=8,
    steps=3,
)
small = Scale(
    sequence=_split,
    hidden=100,
    alone=22,
    embedding=64,
    chunk=1400,
    places=4,
    layers=(100, 75, 50),
    width=47,
    reset=52,
    first=43,
    beta=0.01,
    rate=1e-3,
    batch=128,
    steps=400,
)
full = Scale(
    sequence=_permuted,
    hidden=1000,
    alone=200,
    embedding=24,
    chunk=78_000,
    places=8,
    layers=(25, 25),
    width=25,
    reset=25,
    first=16,
    beta=0.1,
    rate=1e-4,
    batch=128,
    steps=5000,
    activation=nn.ELU,
)


class Separate(nn.Module):
    """A perceptron for each task; their outputs side by side, (B, tasks * outputs)."""

    def __init__(self, inputs: int, units: int, outputs: int, tasks: int):
        super().__init__()
        self.each = nn.ModuleList(perceptron(inputs, units, outputs) for _ in range(tasks))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([one(x) for one in self.each], 1)


def generator(arm: str, scale: Scale) -> Callable[[int, int], Generator]:
    """What makes the weights in an arm."""
    chunk, places = scale.chunk, scale.places
    if arm.startswith("chunked"):
        return partial(Chunked, chunk=chunk, places=places, hidden=scale.layers, activation=scale.activation)
    width = {"reset": scale.reset, "grown": scale.first}.get(arm, scale.width)
    return partial(Recurrent, chunk=chunk, places=places, width=width, dependent=arm != "reset")


def network(arm: str, scale: Scale, sequence: TaskSequence) -> nn.Module:
    """What learns in an arm."""
    tasks, inputs, outputs = len(sequence), sequence.pixels, sequence.outputs // len(sequence)
    if arm == "fine_tuned":
        return perceptron(inputs, scale.hidden, sequence.outputs)
    if arm == "separate":
        return Separate(inputs, scale.alone, outputs, tasks)
    sizes = (inputs, scale.hidden, scale.hidden, outputs)
    return Hypernetwork(sizes, tasks, generator(arm, scale), scale.embedding)


def rule(arm: str, scale: Scale) -> Rule:
    """How an arm learns."""
    if arm not in GENERATORS:
        return Backpropagation()
    return HeldWeights(0.0 if arm.endswith("free") else scale.beta, growth=int(arm == "grown"))


def run(scale: Scale, lab: Lab) -> dict[str, float]:
    sequence, figures, matrices = scale.sequence(), dict[str, float](), dict[str, AccuracyMatrix]()
    for name in ARMS:
        learned = _learn(name, scale, lab, sequence)
        matrices[name] = learned.matrix
        figures |= {
            f"kept_{name}": learned.matrix.average,
            f"learned_{name}": learned.matrix.learned,
            f"lost_{name}": most_lost(learned.matrix),
            f"parameters_{name}": float(learning(learned.network)),
        }
        if isinstance(learned.network, Hypernetwork):
            figures[f"guessed_{name}"] = guessed(learned.network, sequence)
    lab.show("accuracy", pictured("Accuracy on each task, told which it is", matrices))
    return figures


def learning(made: nn.Module) -> int:
    """How many parameters learn, at one time or another."""
    return sum(one.numel() for one in made.parameters() if one.requires_grad)


def _learn(name: str, scale: Scale, lab: Lab, sequence: TaskSequence) -> Learned:
    made, taught = partial(network, name, scale, sequence), partial(rule, name, scale)
    terms = Terms(batch=scale.batch, steps=scale.steps, reset=True)
    adam = partial(torch.optim.Adam, lr=scale.rate)
    return in_lab(lab, name, sequence, Arm(make=made, rule=taught, optimiser=adam, terms=terms))


def most_lost(matrix: AccuracyMatrix) -> float:
    """From a task's own end to that of the last, of the task that lost most; below 0 where all gained."""
    return float((matrix.after.diagonal() - matrix.after[-1])[:-1].max())


@torch.no_grad()
def guessed(made: Hypernetwork, sequence: TaskSequence) -> float:
    """The mean accuracy over tasks among the classes of all, where the task is guessed."""
    right = []
    with examined(made):
        for task in sequence.tasks:
            x, y = task.test().to(made.now.device)
            each = made(x).unflatten(1, (made.tasks, -1))
            which = made.guess(x, made.tasks)
            named = each[torch.arange(len(x)), which].argmax(-1) + which * each.shape[-1]
            right.append(float((named == y).double().mean()))
    return sum(right) / len(right)
