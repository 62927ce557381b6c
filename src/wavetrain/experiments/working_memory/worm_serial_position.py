"""Do networks remember the first and the last items of a list best, as people do?

Sikarwar and Zhang 2023, WorM, arXiv 2307.10768: recurrent networks show primacy and recency in serial recall;
transformers less. An LSTM, a transformer and a wave RNN of one block recall lists of 2 to 9 symbols. A curve
of serial position depends on how far training has come, and is flat for a network that makes no mistakes, so
each stops once it recalls 80% of the items of all lists. Then primacy is the accuracy on the first item of
the longest list above that on the worst, and recency that on the last above the worst. People are drawn
beside: the curve of lists of 6 that comes with the benchmark.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from wavetrain.evidence.claims import Claim, Figure, Measured, Part
from wavetrain.evidence.picture import Curve
from wavetrain.experiments.working_memory._shared import at_level, reached, three_memories
from wavetrain.parts.trials import accuracy_by, answers
from wavetrain.tasks.working_memory.visual_serial_recall import VisualSerialRecall
from wavetrain.train.lab import Lab, Plan, Training

LEVEL, SEEN = 0.8, 0.1
PEOPLE, OF = (5.1, 4.25, 3.55, 3.5, 2.9, 3.95), 8  # items correct, lists of 6


RECALLED = ("recall_lstm", "recall_transformer")


def _less(figures: Measured) -> bool:
    """Less of primacy and recency together."""
    lstm, transformer = (
        figures[f"primacy_{name}"] + figures[f"recency_{name}"] for name in ("lstm", "transformer")
    )
    return transformer < lstm


claim = Claim(
    title="LSTMs show primacy and recency in serial recall, transformers less",
    sentence="At 80% recall in serial recall, an LSTM recalls the first and the last item of the longest "
    "list at least 0.1 better than its worst item; a transformer shows less of primacy and recency "
    "together.",
    topic="Working memory as in people",
    source="Sikarwar and Zhang 2023, WorM, arXiv 2307.10768, serial position in visual serial recall",
    systems=("lstm", "softmax_attention", "wave_rnn", "visual_serial_recall"),
    parts=(
        Part(
            says="Primacy: the LSTM recalls the first item at least 0.1 better than the worst.",
            figures=("primacy_lstm", "recall_lstm"),
            holds=at_level(LEVEL, lambda figures: figures["primacy_lstm"] >= SEEN, RECALLED),
        ),
        Part(
            says="Recency: the LSTM recalls the last item at least 0.1 better than the worst.",
            figures=("recency_lstm",),
            holds=at_level(LEVEL, lambda figures: figures["recency_lstm"] >= SEEN, RECALLED),
        ),
        Part(
            says="Primacy and recency together are smaller in the transformer than in the LSTM.",
            figures=("primacy_transformer", "recency_transformer", "recall_transformer"),
            holds=at_level(LEVEL, _less, RECALLED),
        ),
    ),
    published={
        "primacy_lstm": "primacy and recency are seen",
        "primacy_transformer": "less than in recurrent networks",
        "people_list6": "5.1, 4.25, 3.55, 3.5, 2.9, 3.95 of 8 at positions 1 to 6",
    },
    figures=(
        Figure(name="primacy_{net}", says="recall of the first item above the worst, {net}", unit="share"),
        Figure(name="recency_{net}", says="recall of the last item above the worst, {net}", unit="share"),
        Figure(name="recall_{net}", says="items recalled when training stops, {net}", unit="share"),
        Figure(name="steps_{net}", says="training until it stops, {net}", unit="steps"),
        Figure(name="people_list{n}", says="people, items recalled in lists of {n}", unit="items of 8"),
    ),
    notes="Published networks see images and learn ten tasks together; ours see symbols and learn this task "
    "alone. The predicate is ours. A run can tell only where both networks are at 80% recall. The wave RNN "
    "is not in the paper and decides nothing.",
    changed=(
        "An MLP followed every layer. Now one follows attention alone, as published.",
        "Networks that are right in more than 95% leave every part undecided: hardly a mistake is left that "
        "could show an effect. The limit was added after the run; no committed figure comes near it.",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Scale:
    lists: tuple[int, ...]
    symbols: int
    width: int
    steps: int
    trial: int
    batch: int
    every: int
    rates: tuple[float, ...] = (1e-2, 3e-3)


smoke = Scale(lists=(2, 3, 6), symbols=6, width=8, steps=4, trial=2, batch=4, every=2, rates=(1e-2,))
small = Scale(lists=tuple(range(2, 10)), symbols=16, width=64, steps=2000, trial=100, batch=64, every=25)
full = Scale(
    lists=tuple(range(2, 10)),
    symbols=16,
    width=256,
    steps=100_000,
    trial=1000,
    batch=128,
    every=50,
    rates=(1e-2, 3e-3, 1e-3),
)


def run(scale: Scale, lab: Lab) -> dict[str, float]:
    task = VisualSerialRecall(scale.lists, scale.symbols)
    plan = Plan(
        scale.steps, scale.batch, 0.0, clip=1.0, every=scale.every, until=reached(LEVEL), held_out=300
    )
    ends = three_memories(lab, task, scale.width, plan, scale.trial, scale.rates)
    longest = max(scale.lists)
    curves = {name: _by_position(end, replace(task, lists=(longest,))) for name, end in ends.items()}
    _show(lab, f"list-{longest}", f"lists of {longest}", curves)
    people = {"people": np.array(PEOPLE) / OF}
    sixes = {name: _by_position(end, replace(task, lists=(len(PEOPLE),))) for name, end in ends.items()}
    _show(lab, "people", f"lists of {len(PEOPLE)}", sixes | people)
    figures: dict[str, float] = {}
    for name, line in curves.items():
        figures[f"primacy_{name}"] = float(line[0] - line.min())
        figures[f"recency_{name}"] = float(line[-1] - line.min())
        figures[f"recall_{name}"] = ends[name].score
        figures[f"steps_{name}"] = ends[name].done
    return figures


def _by_position(end: Training, task: VisualSerialRecall) -> np.ndarray:
    """The accuracy at each position of lists of one length."""
    x, y, facts = task.tested()
    return np.array(list(accuracy_by(answers(end.network, x), y, facts["position"]).values()))


def _show(lab: Lab, name: str, what: str, curves: Mapping[str, np.ndarray]) -> None:
    lines = np.stack(list(curves.values()))
    place = np.arange(1.0, lines.shape[1] + 1)
    lab.show(
        name,
        Curve(f"Serial recall, {what}", place, lines, tuple(curves), "position in the list", "accuracy"),
    )
