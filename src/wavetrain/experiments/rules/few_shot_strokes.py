"""Few examples, one task after another: do fast and slow weights learn them and stay able to learn?

Wang, Li, Zhong and Zhu 2021, arXiv 2104.09034, of which the abstract alone was at hand: a reconstruction,
with data, sizes and limits of ours. A GRU and a linear map learn to name many drawn strokes (the base phase).
Then come 12 tasks of five further classes with five examples each, and which task it is, is told. All arms
begin with the base network and see the same examples; Adam begins anew with each task, heads at a rate of
their own.

    fine        one copy of weights, plain learning in turn
    penalty     one copy, with the penalty of importances
    no_first    fast and slow weights, mixed half and half, without the penalty
    no_second   the same with the penalty, and slow weights that stay the base network's
    full        both
    joint       one copy, all tasks at once, as many steps
    frozen      the base network as it is; heads alone learn

The penalty of `full` is chosen by a stream of base classes, new examples of them, and is that of `penalty`
and `no_second` too; so is the weight decay of `joint`. `seen` is the accuracy on the queries of all tasks
after the last, `nearest` that among all 60 classes by the nearest mean of examples. `one` and `five` are
accuracies on episodes of five classes that neither the base phase nor a task had, by the nearest mean of one
and of five examples: of slow weights where there are any, and at the start of the base network. `lost` is how
far `one` falls from the start.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from torch import nn

from wavetrain.core import Rule
from wavetrain.evidence.claims import Claim, Figure, Measured, Part, given
from wavetrain.evidence.picture import Points
from wavetrain.experiments.rules._fast_slow_arms import adam, at_once, begun, best, copies
from wavetrain.experiments.rules._few_shots import Episodes, among_all, episodes, stream
from wavetrain.networks.fast_slow import Embedding, FastSlow
from wavetrain.parts.accuracy_matrix import AccuracyMatrix
from wavetrain.parts.task_sequence import TaskSequence
from wavetrain.rules.backpropagation import Backpropagation
from wavetrain.rules.two_step import TwoStep
from wavetrain.tasks.streams.labelled_strokes import LabelledStrokes
from wavetrain.train.arms import Arm, in_lab, pictured
from wavetrain.train.continual import Learned, Terms
from wavetrain.train.lab import Lab, Plan

SLOW = ("no_first", "no_second", "full")  # arms whose slow weights tell new classes


def _based(figures: Measured) -> bool:
    """Whether the base phase left something that can be lost."""
    return figures["one_base"] >= 0.7


def _interferes(figures: Measured) -> bool:
    return _based(figures) and figures["lost_fine"] >= 0.03


claim = Claim(
    title="Fast and slow weights learn few-shot tasks in turn and stay able",
    sentence="On a stream of few-shot tasks fast and slow weights, consolidated in two steps, keep the tasks "
    "that they have seen, do better than joint training on all of them, and tell novel classes from few "
    "examples better than before, where plain learning in turn interferes with that.",
    topic="Learning without forgetting",
    source="Wang et al. 2021, arXiv 2104.09034, abstract; a reconstruction",
    systems=("fast_slow", "two_step", "labelled_strokes", "gru"),
    parts=(
        Part(
            says="Interference: fine-tuned task after task, a network loses at least 3 points on novel "
            "classes with one example each.",
            holds=given(_based, lambda figures: figures["lost_fine"] >= 0.03),
            figures=("one_base", "one_fine", "lost_fine"),
        ),
        Part(
            says="Mixed half and half, with the penalty that base classes choose, fast and slow weights end "
            "at least 20 points above fine-tuning on the tasks seen.",
            holds=given(_based, lambda figures: figures["seen_full"] >= figures["seen_fine"] + 0.2),
            figures=("seen_full", "seen_fine"),
        ),
        Part(
            says="On novel classes they lose at most 3 points, and less than a third of what fine-tuning "
            "does.",
            holds=given(
                _interferes,
                lambda figures: (
                    figures["lost_full"] <= 0.03 and figures["lost_full"] < figures["lost_fine"] / 3
                ),
            ),
            figures=("lost_full", "lost_fine"),
            stronger="Few-shot generalisation improves with more tasks.",
        ),
        Part(
            says="Few-shot generalisation improves: they tell novel classes from one example better after "
            "the last task than before the first.",
            holds=given(_based, lambda figures: figures["one_full"] > figures["one_base"]),
            figures=("one_full", "one_base"),
        ),
        Part(
            says="They end above joint training on all tasks at once.",
            holds=given(_based, lambda figures: figures["seen_full"] > figures["seen_joint"]),
            figures=("seen_full", "seen_joint"),
        ),
        Part(
            says="They end above the base network as it is, of which heads alone learn.",
            holds=given(_based, lambda figures: figures["seen_full"] > figures["seen_frozen"]),
            figures=("seen_full", "seen_frozen"),
        ),
    ),
    figures=(
        Figure(name="seen_{arm}", says="accuracy on all tasks after the last, {arm}", unit="share"),
        Figure(name="own_{arm}", says="accuracy at a task's own end, {arm}", unit="share"),
        Figure(name="forgotten_{arm}", says="forgetting, {arm}", unit="share"),
        Figure(name="nearest_{arm}", says="accuracy among all classes by nearest means, {arm}", unit="share"),
        Figure(name="one_{arm}", says="accuracy on novel classes, one example, {arm}", unit="share"),
        Figure(name="five_{arm}", says="accuracy on novel classes, five examples, {arm}", unit="share"),
        Figure(name="lost_{arm}", says="loss on novel classes, one example, {arm}", unit="share"),
        Figure(name="tried_{arm}", says="accuracy on the stream of base classes, {arm}", unit="share"),
        Figure(name="strength", says="penalty that was chosen", unit="ratio"),
        Figure(name="decay", says="weight decay of joint training that was chosen", unit="ratio"),
    ),
    names={
        "base": "base network",
        "fine": "fine-tuned",
        "penalty": "one copy with the penalty",
        "no_first": "fast and slow without the penalty",
        "no_second": "fast and slow without the second step",
        "full": "fast and slow",
        "joint": "all tasks at once",
        "frozen": "base network with new heads",
    },
    notes="No figure of the source was at hand, so that none is printed beside ours. Limits are around what "
    "an earlier implementation of ours measured, where the frozen base network matched joint training and "
    "beat every stream. It keeps what it can by learning nothing, and has to stand in the table: a larger "
    "penalty is also a way to learn less. The stream by which is chosen has classes that the base network "
    "knows. With slow weights that never enter the fast ones the tasks seen would come out as with one copy.",
    changed=(
        "Before the first run the search of penalties ended at 1e5, which was chosen on a seed that does"
        " not count; 1e6 was added. Validation chose it, again the largest, in all seeds.",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Scale:
    base: int = 100  # classes
    seen: int = 60  # classes of the stream, of as many of the stream to choose by
    novel: int = 40
    ways: int = 5
    shots: int = 5
    queries: int = 15  # of each class
    episodes: int = 200
    width: int = 64
    features: int = 32
    steps: int  # of the base phase
    batch: int = 64  # of the base phase
    each: int = 50  # steps of a task
    rate: float = 1e-3
    heads: float = 1e-2  # rate of heads in the stream
    rho: float = 0.5
    eps: float = 0.1
    strengths: tuple[float, ...]  # penalties to choose from
    decays: tuple[float, ...] = (0.0, 0.1)  # weight decays of joint training to choose from


smoke = Scale(
    base=10,
    seen=6,
    novel=4,
    ways=3,
    shots=2,
    queries=3,
    episodes=4,
    width=6,
    features=4,
    steps=3,
    batch=8,
    each=2,
    strengths=(1.0, 100.0),
)
small = Scale(steps=1500, strengths=(1e3, 1e4, 1e5, 1e6))
full = Scale(steps=5000, episodes=1000, strengths=(1e2, 1e3, 1e4, 1e5, 1e6), decays=(0.0, 0.01, 0.1, 1.0))


def run(scale: Scale, lab: Lab) -> dict[str, float]:
    known = LabelledStrokes(scale.base, seed=lab.seed)
    coming = replace(known, classes=scale.seen, first=scale.base)
    novel = replace(known, classes=scale.novel, first=scale.base + scale.seen)
    plan = Plan(scale.steps, scale.batch, scale.rate, every=scale.steps)
    body, _ = copies(lab.fit("base", partial(_base, scale), known, plan).network)
    sizes = scale.ways, scale.shots, scale.queries
    tried = stream(replace(known, classes=scale.seen), *sizes, seed=1000 + lab.seed)
    real = stream(coming, *sizes, seed=2000 + lab.seed)
    asked = episodes(
        novel,
        many=scale.episodes,
        ways=scale.ways,
        shots=scale.shots,
        queries=scale.queries,
        seed=3000 + lab.seed,
    )

    def learn(
        name: str, sequence: TaskSequence, rule: Callable[[], Rule], decay: float = 0.0, frozen: bool = False
    ) -> Learned:
        examples = len(sequence.tasks[0].train.y)
        times = examples // (scale.ways * scale.shots)  # tasks at once
        return in_lab(
            lab,
            name,
            sequence,
            Arm(
                make=partial(begun, body, scale.features, sequence.outputs, frozen),
                rule=rule,
                optimiser=partial(adam, rate=scale.rate, heads=scale.heads, decay=decay),
                terms=Terms(batch=scale.ways * scale.shots, steps=scale.each * times, reset=True),
            ),
        )

    def two_step(strength: float, eps: float = scale.eps) -> Callable[[], Rule]:
        return partial(TwoStep, scale.rho, eps, strength)

    figures: dict[str, float] = {}
    by_strength = {
        one: learn(f"tried-penalty-{one:g}", tried, two_step(one)).matrix.average for one in scale.strengths
    }
    by_decay = {
        one: learn(f"tried-decay-{one:g}", at_once(tried), Backpropagation, one).matrix.average
        for one in scale.decays
    }
    strength, decay = best(by_strength), best(by_decay)
    figures |= {"strength": strength, "decay": decay}
    figures |= {"tried_full": by_strength[strength], "tried_joint": by_decay[decay]}

    learned = {
        "fine": learn("fine", real, Backpropagation),
        "penalty": learn("penalty", real, partial(TwoStep, 1.0, 0.0, strength)),
        "no_first": learn("no_first", real, two_step(0.0)),
        "no_second": learn("no_second", real, two_step(strength, 0.0)),
        "full": learn("full", real, two_step(strength)),
        "frozen": learn("frozen", real, Backpropagation, frozen=True),
    }
    joint = learn("joint", at_once(real), Backpropagation, decay)
    figures |= _novel("base", body, asked)
    for name, one in (learned | {"joint": joint}).items():
        fast, slow = copies(one.network)
        figures[f"seen_{name}"] = one.matrix.average
        figures[f"nearest_{name}"] = among_all(fast, real.tasks)
        figures |= _novel(name, slow if name in SLOW else fast, asked)
        figures[f"lost_{name}"] = figures["one_base"] - figures[f"one_{name}"]
        if name in learned:
            figures |= {f"own_{name}": one.matrix.learned, f"forgotten_{name}": one.matrix.forgetting}
    lab.show("matrices", pictured("Drawn strokes, told the task", _shown(learned)))
    lab.show("both", _both(figures, [*learned, "joint"]))
    return figures


def _base(scale: Scale) -> FastSlow:
    return FastSlow(Embedding(2, scale.width, scale.features), scale.features, scale.base)


def _novel(name: str, body: nn.Module, asked: Episodes) -> dict[str, float]:
    return {f"one_{name}": asked.right(body, 1), f"five_{name}": asked.right(body, asked.examples.shape[2])}


SHORT = {  # over a map
    "fine": "fine-tuned",
    "penalty": "penalty",
    "no_first": "no penalty",
    "no_second": "slow fixed",
    "full": "fast and slow",
    "frozen": "frozen base",
    "joint": "joint",
}


def _shown(learned: Mapping[str, Learned]) -> dict[str, AccuracyMatrix]:
    return {SHORT[name]: one.matrix for name, one in learned.items()}


def _both(figures: Mapping[str, float], arms: list[str]) -> Points:
    """What each arm kept, and what it can still learn."""
    return Points(
        "Drawn strokes: what is kept, and what can still be learned",
        np.array([figures[f"seen_{name}"] for name in arms]),
        np.array([figures[f"one_{name}"] for name in arms]),
        np.arange(len(arms)),
        tuple(SHORT[name] for name in arms),
        "accuracy on the tasks seen, after the last (share)",
        "accuracy on novel classes, one example (share)",
        seeds=True,
    )
