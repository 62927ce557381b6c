"""Does a delay take the advantage of the last item away from networks, as it does from people?

Sikarwar and Zhang 2023, WorM, arXiv 2307.10768, visual item recognition: a list of patterns, blank frames,
and which of two patterns was in the list? With lists of 4, people know the last item best when asked at once;
after a delay of 5 frames this is gone. The paper finds that networks do not follow people in this everywhere.
An LSTM, a transformer and a wave RNN of one block learn all lists and delays together, and stop at 75% of all
trials, near where people are. Recency is the accuracy at the last position of lists of 4 less the mean of
the others, in people 0.157 at once; of this they lose 0.127 by a delay of 5 frames. The pattern of people is
both: recency at once, and its loss.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from wavetrain.evidence.claims import Claim, Figure, Measured, Part
from wavetrain.evidence.picture import Curve
from wavetrain.experiments.working_memory._shared import at_level, reached, three_memories
from wavetrain.parts.trials import accuracy_by, answers
from wavetrain.tasks.working_memory.visual_item_recognition import VisualItemRecognition
from wavetrain.train.lab import Lab, Plan, Training

LEVEL, LOST = 0.75, 0.06
LIST, DELAYS = 4, (0, 5)
PEOPLE = {0: (0.655, 0.66, 0.645, 0.81), 5: (0.655, 0.705, 0.68, 0.71)}  # by delay, positions 1 to 4


def _unlike_people(name: str) -> Callable[[Measured], bool]:
    """The network has no recency at once, or does not lose it."""
    return lambda figures: not min(figures[f"recency_{name}"], figures[f"lost_{name}"]) >= LOST


claim = Claim(
    title="People lose recency over a delay, networks do not",
    sentence="In visual item recognition, neither an LSTM nor a transformer shows the pattern of people: "
    "recency of at least 0.06 when asked at once, of which at least 0.06 is gone after a delay of 5 frames.",
    topic="Working memory as in people",
    source="Sikarwar and Zhang 2023, WorM, arXiv 2307.10768, retention interval in visual item recognition",
    systems=("lstm", "softmax_attention", "wave_rnn", "visual_item_recognition"),
    parts=(
        Part(
            says="The LSTM does not both have recency of at least 0.06 at once and lose at least 0.06 of it.",
            figures=("recency_lstm", "lost_lstm", "right_lstm"),
            holds=at_level(LEVEL, _unlike_people("lstm")),
        ),
        Part(
            says="The transformer does not both have recency of at least 0.06 at once and lose at least "
            "0.06 of it.",
            figures=("recency_transformer", "lost_transformer", "right_transformer"),
            holds=at_level(LEVEL, _unlike_people("transformer")),
        ),
    ),
    published={
        "people_0": "0.655, 0.66, 0.645, 0.81 at positions 1 to 4, no delay",
        "people_5": "0.655, 0.705, 0.68, 0.71 at positions 1 to 4, a delay of 5",
    },
    figures=(
        Figure(name="lost_{net}", says="recency lost over a delay of 5 frames, {net}", unit="share"),
        Figure(
            name="recency_{net}",
            says="accuracy at the last position above the mean of the others, no delay, {net}",
            unit="share",
        ),
        Figure(name="right_{net}", says="trials right when training stops, {net}", unit="share"),
        Figure(name="people_{delay}", says="people, accuracy after a delay of {delay} frames", unit="share"),
    ),
    notes="The curves of people come with the benchmark's code; their recency of 0.157 and their loss of "
    "0.127 are worked out from them. The predicate is ours. A run can tell only where both networks are at "
    "75%. Our patterns have 9 cells at the small scale, 36 in the paper, and our networks learn lists from "
    "1 item on. The wave RNN decides nothing.",
    changed=(
        "This is the third predicate. The first asked for a loss under 0.06, which networks without recency "
        "satisfy. The second asked for recency to lose, which our networks do not have. Seeds from 3 on "
        "were run after the third was written.",
        "An MLP followed every layer. Now one follows attention alone, as published.",
        "Networks that are right in more than 95% leave every part undecided: hardly a mistake is left that "
        "could show an effect. The limit was added after the run; no committed figure comes near it.",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Scale:
    lists: tuple[int, ...]
    retentions: tuple[int, ...]
    side: int
    width: int
    steps: int
    trial: int
    batch: int
    every: int
    trials: int  # of each delay in the test
    rates: tuple[float, ...] = (1e-2, 3e-3)


smoke = Scale(
    lists=(1, 4),
    retentions=(0, 5),
    side=3,
    width=8,
    steps=4,
    trial=2,
    batch=4,
    every=2,
    trials=200,
    rates=(1e-2,),
)
small = Scale(
    lists=(1, 2, 3, 4),
    retentions=(0, 2, 5),
    side=3,
    width=64,
    steps=1000,
    trial=100,
    batch=128,
    every=10,
    trials=8000,
)
full = Scale(
    lists=(4, 6, 8, 10),
    retentions=(0, 2, 4, 5, 6),
    side=6,
    width=256,
    steps=100_000,
    trial=1000,
    batch=128,
    every=100,
    trials=8000,
)


def run(scale: Scale, lab: Lab) -> dict[str, float]:
    task = VisualItemRecognition(scale.lists, scale.retentions, scale.side)
    plan = Plan(
        scale.steps, scale.batch, 0.0, clip=1.0, every=scale.every, until=reached(LEVEL), held_out=300
    )
    ends = three_memories(lab, task, scale.width, plan, scale.trial, scale.rates)
    figures: dict[str, float] = {}
    curves: dict[int, list[np.ndarray]] = {delay: [] for delay in DELAYS}
    for name, end in ends.items():
        for delay in DELAYS:
            tested = replace(task, lists=(LIST,), retentions=(delay,))
            curves[delay].append(_by_position(end, tested, scale.trials))
        figures[f"lost_{name}"] = _recency(curves[0][-1]) - _recency(curves[5][-1])
        figures[f"recency_{name}"] = _recency(curves[0][-1])
        figures[f"right_{name}"] = end.score
    for delay, lines in curves.items():
        lab.show(
            f"delay-{delay}",
            Curve(
                f"Item recognition at 75% right, delay {delay}",
                np.arange(1.0, LIST + 1),
                np.stack([*lines, np.array(PEOPLE[delay])]),
                (*ends, "people"),
                "position in the list",
                "accuracy",
            ),
        )
    return figures


def _by_position(end: Training, task: VisualItemRecognition, trials: int) -> np.ndarray:
    """The accuracy at each position of lists of one length, after one delay."""
    x, y, facts = task.tested(trials)
    return np.array(list(accuracy_by(answers(end.network, x), y, facts["position"]).values()))


def _recency(curve: np.ndarray) -> float:
    """The last position above the mean of the others."""
    return float(curve[-1] - curve[:-1].mean())
