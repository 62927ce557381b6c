"""Does dopamine alone teach a loop of cortex and basal ganglia what to attend to?

Muller, Churchland and Sejnowski 2024, arXiv 2401.14267, ask whether basal ganglia compute self-attention, and
say that dopamine would let associations be learned. They give no equations, no task and no figures: the loop,
the task and the limits are ours. Eight pairs are shown, each as one token, then a key; its value is asked.
What a token holds is returned as it is and read exactly, so that only what is selected is to be learned:

    rewarded          the three-factor rule on queries and keys; the reward is 1 if the value comes back
    shuffled          the same with the reward of the trial before
    values            the same rule, and values and read-out are to be learned by it as well
    backpropagation   all parameters by the gradient of the loss, with Adam in batches

`right_{arm}` is the share of right answers on held-out trials, by shares of all places; `right_hard` is that
of the rewarded loop when the best place alone is selected. An eighth is chance, and so is the mean of all
places. `apart_{what}` is how far the loop, in float64 and with random weights, is from what it should equal:
identity plus PyTorch's attention to a window, identity plus its full causal attention where the window is as
long as the sequence, and identity plus a moving average where all scores are alike.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain.core import Batch, Rule
from wavetrain.evidence.claims import Claim, Figure, Part
from wavetrain.evidence.picture import Curve, Matrix
from wavetrain.layers.attention.loop_attention import LoopAttention
from wavetrain.parts import saved
from wavetrain.parts.reader import Reader
from wavetrain.rules.backpropagation import Backpropagation
from wavetrain.rules.three_factor import Teaches, ThreeFactor
from wavetrain.tasks.recall.paired_associates import PairedAssociates
from wavetrain.train.fit import examine
from wavetrain.train.lab import Lab, News

BY_REWARD = ("rewarded", "shuffled", "values")
WINDOW = 16
RATE, ADAM = 0.3, 3e-3  # of plain steps by reward, and of Adam by the gradient
POINTS = 20  # of the picture

claim = Claim(
    title="Dopamine alone teaches a loop what to attend to, not what to say",
    sentence="A loop of cortex and basal ganglia, which is attention to a window plus the identity, learns "
    "by reward alone which of eight pairs to select: at least 95% right after 20,000 trials, at most 25% "
    "with shuffled rewards; where it has to learn what is returned and read as well, it fails.",
    topic="Loops of cortex and basal ganglia",
    source="Muller, Churchland and Sejnowski 2024, arXiv 2401.14267, a hypothesis in words; loop, task and "
    "limits are ours",
    systems=("loop_attention", "three_factor", "paired_associates"),
    parts=(
        Part(
            says="The loop is identity plus PyTorch's attention to a window, to 1e-10; so it is to all of "
            "the past with a long window, and to a moving average with equal scores.",
            holds=lambda figures: (
                max(figures[f"apart_{what}"] for what in ("window", "full", "average")) <= 1e-10
            ),
            figures=("apart_*",),
            learned=False,
        ),
        Part(
            says="Backpropagation teaches it: at least 98% are right.",
            holds=lambda figures: figures["right_backpropagation"] >= 0.98,
            figures=("right_backpropagation",),
        ),
        Part(
            says="So does reward alone: after 20,000 trials at least 95% are right.",
            holds=lambda figures: figures["right_rewarded"] >= 0.95,
            figures=("right_rewarded",),
        ),
        Part(
            says="With the reward of another trial at most 25% are.",
            holds=lambda figures: figures["right_shuffled"] <= 0.25,
            figures=("right_shuffled",),
            learned=False,
        ),
        Part(
            says="Where values and read-out are to be learned by reward too, at most 25% are: the loop is "
            "told what to select, not what to say.",
            holds=lambda figures: figures["right_values"] <= 0.25,
            figures=("right_values",),
            learned=False,
        ),
    ),
    figures=(
        Figure(name="right_hard", says="right answers, rewarded, best place alone", unit="share"),
        Figure(name="right_start", says="right answers before anything is learned", unit="share"),
        Figure(name="right_{arm}", says="right answers, {arm}", unit="share"),
        Figure(name="apart_{what}", says="largest distance of the loop from {what}", unit="1"),
    ),
    names={
        "rewarded": "rewarded",
        "shuffled": "reward of the trial before",
        "values": "values by reward too",
        "backpropagation": "backpropagation",
        "window": "attention to a window",
        "full": "full causal attention",
        "average": "a moving average",
    },
    notes="The limits are from an implementation of our own, before this one was written: 98 to 99% after "
    "5,000 trials and all right after 50,000; 12 to 16% with shuffled rewards; 13 to 22% where values and "
    "read-out were learned by reward too. What foretells the reward is a line that changed nothing there. "
    "That the values are given is a large gift: it is what makes a sampled place worth a reward at once. "
    "Backpropagation, which has to learn values and read-out too, and rewarded are no race: they learn "
    "different things, one trial at a time and 64 at a time.",
    changed=(
        "Backpropagation got 1,000 steps at first, chosen on one seed; in the implementation before it had "
        "needed 250 to 1,250. Of the three seeds one was at 100% then, two at 96% and 44%, both still "
        "rising, so that its part was about how fast the gradient learns. It gets 3,000 now, and limits are "
        "as they were.",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Scale:
    pairs: int
    width: int
    trials: int  # by reward, one at a time
    steps: int  # of backpropagation
    batch: int = 64


smoke = Scale(pairs=2, width=8, trials=40, steps=3, batch=8)
small = Scale(pairs=8, width=32, trials=20_000, steps=3000)
full = Scale(pairs=32, width=128, trials=500_000, steps=20_000)


def run(scale: Scale, lab: Lab) -> dict[str, float]:
    task = asked(scale, lab.seed)
    figures = _apart(lab.generator())
    figures["right_start"] = examine(_built(lab, lambda: loop(task, given=True)), task.test(), task.objective)
    courses = []
    for arm in (*BY_REWARD, "backpropagation"):
        network, course = _learn(arm, scale, lab, task)
        figures[f"right_{arm}"] = examine(network, task.test(), task.objective)
        courses.append(course)
        if arm == "rewarded":
            figures["right_hard"] = examine(hard(network, task), task.test(), task.objective)
            lab.show("selected", _selected(network, task))
    axis = scale.trials / len(courses[0]) * np.arange(1, len(courses[0]) + 1)
    lines = np.array([*courses[: len(BY_REWARD)], [task.chance] * len(axis)])
    labels = (*(claim.names[arm] for arm in BY_REWARD), "chance")
    title = f"The value of one of {scale.pairs} keys, learned by reward"
    lab.show("learning", Curve(title, axis, lines, labels, "trials", "right, held out (share)", seeds=True))
    return figures


def exact(scale: Scale, lab: Lab) -> dict[str, float]:
    """Queries and keys that read keys off tokens, so that the pair of the key asked is far ahead."""
    task = asked(scale, lab.seed)
    network = loop(task, given=True)
    assert isinstance(network.layer, LoopAttention)
    keys = torch.zeros(task.width, task.width)
    keys[: task.keys] = task.asks()
    with torch.no_grad():
        network.layer.key.weight.copy_(keys)
        network.layer.query.weight.copy_(100 * keys)
    right = examine(network, task.test(), task.objective)
    return {"right_rewarded": right, "right_backpropagation": right} | _apart(lab.generator())


def asked(scale: Scale, seed: int) -> PairedAssociates:
    return PairedAssociates(scale.pairs, scale.pairs, scale.pairs, scale.width, seed)


def loop(task: PairedAssociates, given: bool) -> Reader:
    """The loop with a read-out of its last step; where it is given, what is returned is read exactly."""
    layer = LoopAttention(task.width, window=WINDOW)
    network = Reader(layer, task.outputs, every_step=False)
    if given:
        assert isinstance(network.read, nn.Linear)
        with torch.no_grad():
            layer.value.weight.copy_(torch.eye(task.width))
            network.read.weight.copy_(task.given())
            network.read.bias.zero_()
        layer.value.requires_grad_(False)
        network.read.requires_grad_(False)
    return network


def hard(network: Reader, task: PairedAssociates) -> Reader:
    """The same network, which selects the best place alone."""
    other = loop(task, given=True)
    other.load_state_dict(network.state_dict())
    assert isinstance(other.layer, LoopAttention)
    other.layer.temperature = 0.0
    return other


def paid(outputs: Tensor, answers: Tensor) -> Tensor:
    """1 where the value that was asked came back. What the query's own place holds is none."""
    return (outputs.gather(1, answers[:, None])[:, 0] > 0.5).float()


class Late:
    """The reward of the trial before; none in the first."""

    def __init__(self) -> None:
        self.before = torch.zeros(1)

    def __call__(self, outputs: Tensor, answers: Tensor) -> Tensor:
        now, self.before = self.before, paid(outputs, answers)
        return now


def _built(lab: Lab, make: Callable[[], Reader]) -> Reader:
    """A network from the seed of the lab, the same for all arms that are built alike."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(lab.seed)
        return make()


def _learn(arm: str, scale: Scale, lab: Lab, task: PairedAssociates) -> tuple[Reader, list[float]]:
    """The network after its trials, and right answers along the way; read back where it is there."""
    network = _built(lab, lambda: loop(task, given=arm in ("rewarded", "shuffled")))
    path = lab.folder / "checkpoints" / f"{arm}.safetensors"
    if path.exists():
        tensors, words = saved.load(path)
        network.load_state_dict(tensors)
        return network, words["course"]
    rule, size, trials = _teacher(arm), 1, scale.trials
    learning = [one for one in network.parameters() if one.requires_grad]
    updates: torch.optim.Optimizer = torch.optim.SGD(learning, RATE)
    if arm == "backpropagation":
        size, trials, updates = scale.batch, scale.batch * scale.steps, torch.optim.Adam(learning, ADAM)
    valid, every, draw = task.valid(), max(1, trials // POINTS), lab.generator()
    course: list[float] = []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(lab.seed)  # what is selected
        while len(course) * every < trials:
            x, y = task.draw(every, draw)
            for now, answer in zip(x.split(size), y.split(size), strict=True):
                updates.zero_grad()
                rule.learn(network, Batch(now, answer), task.objective.loss)
                updates.step()
            course.append(examine(network, valid, task.objective))
            done = len(course) * every
            lab.tell(News(lab.folder.name, arm, done, trials, float("nan"), course[-1], float("nan")))
    saved.save(path, network.state_dict(), {"course": course})
    return network, course


def _teacher(arm: str) -> Rule:
    if arm == "backpropagation":
        return Backpropagation()
    teaches = Teaches.ALL if arm == "values" else Teaches.SELECTION
    return ThreeFactor(Late() if arm == "shuffled" else paid, teaches=teaches)


@torch.no_grad()
def _apart(draw: torch.Generator) -> dict[str, float]:
    """How far a loop of random weights is from attention written with PyTorch's own."""
    width, time, window = 8, 40, 7
    x = torch.randn(3, time, width, generator=draw, dtype=torch.float64)
    ago = torch.arange(time)[:, None] - torch.arange(time)
    masks = {"window": (ago >= 0) & (ago < window), "full": ago >= 0}
    found = {}
    for name, mask in masks.items():
        layer = _drawn(LoopAttention(width, window=window if name == "window" else time), draw)
        q, k, v = (one(x) for one in (layer.query, layer.key, layer.value))
        expected = x + F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        found[f"apart_{name}"] = float((layer(x)[0] - expected).abs().max())
    layer = _drawn(LoopAttention(width, window=window), draw)
    layer.query.weight.zero_()
    mean = masks["window"].double() / masks["window"].sum(1, keepdim=True)
    found["apart_average"] = float((layer(x)[0] - x - mean @ layer.value(x)).abs().max())
    return found


def _drawn(layer: LoopAttention, draw: torch.Generator) -> LoopAttention:
    """The layer in float64, with weights from a generator."""
    for one in layer.double().parameters():
        one.copy_(torch.randn(one.shape, generator=draw, dtype=one.dtype) * one.shape[-1] ** -0.5)
    return layer


@torch.no_grad()
def _selected(network: Reader, task: PairedAssociates) -> Matrix:
    """What the loop mixes into what in the first held-out trial: the identity, and the selection."""
    weight = network.layer.operator(task.test().x[:1]).weight[0].sum(0)
    return Matrix("Identity plus selection, after learning by reward", weight.numpy(), label="weight")
