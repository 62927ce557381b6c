"""Does the harness for tasks in turn give the accuracies that are known, before any method is trusted in it?

Split MNIST: five tasks of two digits each, in the order 0 and 1 to 8 and 9, by the protocol of Buzzega et al.
2020, arXiv 2004.07211: two hidden layers of 100, one pass, 10 images a step, plain SGD; all ten outputs
compete (class-incremental). The same network is also asked with the task told.

    sgd, joint    plain SGD, and all tasks at once
    er, dark      experience replay of 200 images, and DER++ of 200 images
    mixed         er, whose images are replayed with the labels of others that are kept, always the same ones
    dealt         er, whose replayed labels are dealt out anew in each step
    frozen        sgd after its first task, which learns nothing more: the floor

`right` is the accuracy after the last task, a mean over tasks; `told` the same with the task told; `own` that
of tasks at their own end; `transfer` the backward transfer; `forgotten` as of Chaudhry et al. 2018; `gap` how
far the first task falls within 50 steps of each further one; `anytime` the mean over all ends of tasks. All
are on the test part.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch

from wavetrain.core import Recorded, Rule
from wavetrain.evidence.claims import Claim, Figure, Measured, Part
from wavetrain.experiments.rules._accuracy_figures import figures_of
from wavetrain.experiments.rules._digit_pairs import mnist_pairs, perceptron, small_pairs
from wavetrain.experiments.rules._replay_kinds import Dealt, Mixed
from wavetrain.parts.task_sequence import Scenario, in_turn
from wavetrain.rules.backpropagation import Backpropagation
from wavetrain.rules.replay.dark_experience_replay import DarkExperienceReplay
from wavetrain.rules.replay.experience_replay import ExperienceReplay
from wavetrain.train.arms import Arm, at_once_in_lab, in_lab, pictured
from wavetrain.train.continual import Terms
from wavetrain.train.lab import Lab


def _within(name: str, middle: float, beyond: float) -> Callable[[Measured], bool]:
    return lambda figures: abs(figures[name] - middle) <= beyond + 1e-12


claim = Claim(
    title="Tasks in turn come to the accuracies that are known of split MNIST",
    sentence="On split MNIST with ten outputs plain SGD ends at 19.6% within 0.3, experience replay of 200 "
    "images at 80% within 4, DER++ at 84% within 4 and joint training at 95.6% within 1; replay with the "
    "labels of others is at least 30 points less.",
    topic="Learning without forgetting",
    source="Buzzega et al. 2020, arXiv 2004.07211, split MNIST",
    systems=("experience_replay", "dark_experience_replay", "split_mnist"),
    parts=(
        Part(
            says="Plain SGD at rate 0.03 ends at 19.6% within 0.3, and learns each task first: at least 90% "
            "at its own end.",
            holds=lambda figures: _within("right_sgd", 0.196, 0.003)(figures) and figures["own_sgd"] >= 0.9,
            figures=("right_sgd", "own_sgd"),
        ),
        Part(
            says="Experience replay of 200 images at rate 0.01 ends at 80% within 4.",
            holds=_within("right_er", 0.80, 0.04),
            figures=("right_er",),
        ),
        Part(
            says="That is due to what the images are: replayed with the labels of others it is at least 30 "
            "points less.",
            holds=lambda figures: figures["right_er"] >= figures["right_mixed"] + 0.3,
            figures=("right_er", "right_mixed"),
        ),
        Part(
            says="DER++ of 200 images ends at 84% within 4.",
            holds=_within("right_dark", 0.84, 0.04),
            figures=("right_dark",),
        ),
        Part(
            says="DER++ is ahead of experience replay.",
            holds=lambda figures: figures["right_dark"] > figures["right_er"],
            figures=("right_dark", "right_er"),
        ),
        Part(
            says="All tasks at once end at 95.6% within 1.",
            holds=_within("right_joint", 0.956, 0.01),
            figures=("right_joint",),
        ),
    ),
    published={
        "right_sgd": 0.196,
        "told_sgd": 0.9494,
        "right_er": 0.8043,
        "told_er": 0.9786,
        "right_dark": 0.8561,
        "told_dark": 0.9876,
        "right_joint": 0.9557,
        "told_joint": 0.9951,
    },
    figures=(
        Figure(name="right_{arm}", says="accuracy over all tasks after the last, {arm}", unit="share"),
        Figure(name="told_{arm}", says="the same with the task told, {arm}", unit="share"),
        Figure(name="own_{arm}", says="accuracy at a task's own end, {arm}", unit="share"),
        Figure(name="transfer_{arm}", says="backward transfer, {arm}", unit="share"),
        Figure(name="forgotten_{arm}", says="forgetting, {arm}", unit="share"),
        Figure(name="forward_{arm}", says="forward transfer, {arm}", unit="share"),
        Figure(name="anytime_{arm}", says="accuracy over the tasks so far, at all ends, {arm}", unit="share"),
        Figure(name="gap_{arm}", says="fall of the first task after a change, {arm}", unit="share"),
    ),
    names={
        "sgd": "plain SGD",
        "frozen": "frozen after its first task",
        "er": "experience replay",
        "mixed": "experience replay with labels of others",
        "dealt": "experience replay with labels dealt anew in each step",
        "dark": "DER++",
        "joint": "all tasks at once",
    },
    notes="The limits are around what an earlier implementation measured; published figures lie within them. "
    "Rates are the source's: SGD and joint 0.03, experience replay 0.01 with 10 images replayed, DER++ 0.03 "
    "with 128, alpha 0.2 and beta 1. Outputs of tasks still to come compete. Seeds change weights and the "
    "order of images, not that of digits: with digits shuffled SGD is known to end less alike. That plain "
    "SGD ends there is no sign of learning, as the row of the frozen network shows.",
    changed=(
        "Before the first run: the control replayed labels that were dealt anew in each step. On a seed that "
        "does not count such a network ends at 45%, since labels that say nothing still keep ten outputs "
        "level. Now an image has the label of another, and keeps it; the other control is beside it, and "
        "decides nothing. The three scenarios became a claim of their own.",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Scale:
    pairs: Callable[[], list[Recorded]]
    width: int  # of both hidden layers
    kept: int  # images that are kept for replay
    replayed: int  # in a step of DER++
    watched: int  # steps after a change in which the first task is tested


smoke = Scale(pairs=small_pairs, width=10, kept=20, replayed=20, watched=2)
small = Scale(pairs=mnist_pairs, width=100, kept=200, replayed=128, watched=50)
full = Scale(pairs=mnist_pairs, width=100, kept=200, replayed=128, watched=50)  # small is the paper's size


SHORT = {  # over a map
    "sgd": "SGD",
    "er": "replay",
    "mixed": "labels mixed",
    "dealt": "labels dealt",
    "dark": "DER++",
    "frozen": "frozen",
}


def run(scale: Scale, lab: Lab) -> dict[str, float]:
    pairs = in_turn(scale.pairs(), Scenario.CLASS).whole()
    ways = {"told": pairs.told()}
    arms: dict[str, tuple[Callable[[], Rule], float]] = {
        "sgd": (Backpropagation, 0.03),
        "er": (partial(ExperienceReplay, scale.kept, 10, lab.seed), 0.01),
        "mixed": (partial(Mixed, scale.kept, 10, lab.seed), 0.01),
        "dealt": (partial(Dealt, scale.kept, 10, lab.seed), 0.01),
        "dark": (partial(DarkExperienceReplay, 0.2, 1.0, scale.kept, scale.replayed, lab.seed), 0.03),
    }

    def arm(rule: Callable[[], Rule], rate: float) -> Arm:
        return Arm(
            make=lambda: perceptron(pairs.pixels, scale.width, pairs.outputs, xavier=True),
            rule=rule,
            optimiser=partial(torch.optim.SGD, lr=rate),
            terms=Terms(batch=10, watched=scale.watched),
            ways=ways,
        )

    learned = {name: in_lab(lab, name, pairs, arm(*one)) for name, one in arms.items()}
    figures: dict[str, float] = {}
    for name, one in learned.items():
        figures |= figures_of(name, one.matrix)
        figures[f"told_{name}"] = one.others["told"].average
    frozen = learned["sgd"].matrix.frozen(), learned["sgd"].others["told"].frozen()
    figures |= {"right_frozen": frozen[0].average, "told_frozen": frozen[1].average}
    joint = at_once_in_lab(lab, "joint", pairs, arm(Backpropagation, 0.03))
    figures |= {"right_joint": joint[""], "told_joint": joint["told"]}
    matrices = {name: one.matrix for name, one in learned.items()} | {"frozen": frozen[0]}
    shown = {SHORT[name]: one for name, one in matrices.items()}
    lab.show("matrices", pictured("Split MNIST: how much of each task is known after each", shown))
    return figures
