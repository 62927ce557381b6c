"""Do networks detect a change less well with more bars, and after a longer delay, as people do?

Sikarwar and Zhang 2023, WorM, arXiv 2307.10768, change detection after Luck and Vogel 1997: bars, blank
frames, and the bars again, one of which may have changed. People lose accuracy as bars are added. An LSTM, a
transformer and a wave RNN of one block learn all numbers of bars and all delays together. A network that
makes no mistakes shows no effect, so each stops once 85% of all trials are answered right. The effect of set
size is the accuracy with the fewest bars less that with the most; that of the delay is the accuracy at the
shortest less that at the longest. People are drawn beside, for changes of colour.
"""

from dataclasses import dataclass

import numpy as np

from wavetrain.evidence.claims import Claim, Figure, Part
from wavetrain.evidence.picture import Curve
from wavetrain.experiments.working_memory._shared import at_level, reached, three_memories
from wavetrain.parts.trials import accuracy_by, answers
from wavetrain.tasks.working_memory.change_detection import Change, ChangeDetection
from wavetrain.train.lab import Lab, Plan

LEVEL, SEEN = 0.85, 0.05
PEOPLE = {2: 0.985, 4: 0.945, 6: 0.84}  # accuracy for changes of colour, by the number of bars


claim = Claim(
    title="Networks detect a change less well among more items, as people do",
    sentence="At 85% right in change detection, an LSTM and a transformer are at least 0.05 less accurate "
    "with the most bars than with the fewest, as people are.",
    topic="Working memory as in people",
    source="Sikarwar and Zhang 2023, WorM, arXiv 2307.10768, set size in change detection",
    systems=("lstm", "softmax_attention", "wave_rnn", "change_detection"),
    parts=(
        Part(
            says="The LSTM is at least 0.05 less accurate with the most bars than with the fewest.",
            figures=("set_size_lstm", "right_lstm"),
            holds=at_level(LEVEL, lambda figures: figures["set_size_lstm"] >= SEEN),
        ),
        Part(
            says="The transformer is at least 0.05 less accurate with the most bars than with the fewest.",
            figures=("set_size_transformer", "right_transformer"),
            holds=at_level(LEVEL, lambda figures: figures["set_size_transformer"] >= SEEN),
        ),
    ),
    published={
        "people_colour": "0.985, 0.945, 0.84 with 2, 4 and 6 bars",
        "people_orientation": "0.955, 0.90, 0.81",
        "people_size": "0.975, 0.93, 0.82",
        "people_gap": "0.945, 0.89, 0.80",
        "people_conjunction": "0.965, 0.92, 0.83",
    },
    figures=(
        Figure(
            name="set_size_{net}",
            says="accuracy lost from the fewest bars to the most, {net}",
            unit="share",
        ),
        Figure(
            name="delay_{net}",
            says="accuracy lost from the shortest delay to the longest, {net}",
            unit="share",
        ),
        Figure(name="right_{net}", says="trials right when training stops, {net}", unit="share"),
        Figure(name="people_{what}", says="people, accuracy for changes of {what}", unit="share"),
    ),
    notes="The curves of people come with the benchmark's code; the predicate is ours. A run can tell only "
    "where both networks are at 85%. Published networks see images with up to 12 bars; ours see the "
    "features of up to 6, and know that it is the colour that may change. The delay and the wave RNN decide "
    "nothing.",
    changed=(
        "With a budget of 1,500 steps and a search by 100, the LSTMs of two seeds in three were below the "
        "level. The budget is now 5,000 steps, and the search 300.",
        "With a look every 10 steps, transformers were at 99% before they stopped. There is now a look "
        "every 2 steps.",
        "An MLP followed every layer. Now one follows attention alone, as published.",
        "Networks that are right in more than 95% leave every part undecided: hardly a mistake is left that "
        "could show an effect. The limit was added after the run; no committed figure comes near it.",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Scale:
    sets: tuple[int, ...]
    retentions: tuple[int, ...]
    width: int
    steps: int
    trial: int
    batch: int
    every: int
    rates: tuple[float, ...] = (1e-2, 3e-3)


smoke = Scale(sets=(1, 2), retentions=(0, 1), width=8, steps=4, trial=2, batch=4, every=2, rates=(1e-2,))
small = Scale(
    sets=(1, 2, 3, 4, 5, 6), retentions=(0, 2, 4, 6), width=64, steps=5000, trial=300, batch=128, every=2
)
full = Scale(
    sets=(2, 4, 6, 8, 10, 12),
    retentions=(0, 6, 12, 18),
    width=256,
    steps=100_000,
    trial=1000,
    batch=128,
    every=500,
)


def run(scale: Scale, lab: Lab) -> dict[str, float]:
    task = ChangeDetection(scale.sets, scale.retentions, Change.COLOUR)
    plan = Plan(
        scale.steps, scale.batch, 0.0, clip=1.0, every=scale.every, until=reached(LEVEL), held_out=300
    )
    ends = three_memories(lab, task, scale.width, plan, scale.trial, scale.rates)
    x, y, facts = task.tested(4 * task.held_out)
    figures: dict[str, float] = {}
    by_bars, by_delay = [], []
    for name, end in ends.items():
        output = answers(end.network, x)
        bars, delay = (list(accuracy_by(output, y, facts[fact]).values()) for fact in ("bars", "retention"))
        figures[f"set_size_{name}"] = bars[0] - bars[-1]
        figures[f"delay_{name}"] = delay[0] - delay[-1]
        figures[f"right_{name}"] = end.score
        by_bars.append(bars)
        by_delay.append(delay)
    by_bars.append([PEOPLE.get(size, np.nan) for size in scale.sets])
    title = "Change detection at 85% right"
    sets, delays = np.array(scale.sets, dtype=float), np.array(scale.retentions, dtype=float)
    lab.show("set-size", Curve(title, sets, np.array(by_bars), (*ends, "people"), "bars", "accuracy"))
    lab.show("delay", Curve(title, delays, np.array(by_delay), tuple(ends), "blank frames", "accuracy"))
    return figures
