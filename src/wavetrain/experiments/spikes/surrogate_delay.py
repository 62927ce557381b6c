"""Is an adaptive threshold a memory that leaky units do not have?

Yin, Corradi and Bohte 2021, doi 10.1038/s42256-021-00397-w, say that thresholds which rise with each spike
and come back slowly give spiking units a longer memory. A pattern of single spikes is shown for 20 steps,
nobody spikes for 80, then one channel calls for ten steps; the read-out takes the mean of these ten alone.
Units forget in about 20 steps, and thresholds in about 150. All networks have one layer of as many units:

    alif         adaptive units
    unadapted    the same without adaptation
    slopeless    adaptive units whose spikes have no slope: the input weights stay as they are
    lif          leaky units
    lstm, wave   the same spikes and the same read-out

`latencies` is a logistic regression on the spike times of the cue, without any delay. All see the same
batches and search the same learning rates; the validation part chooses, and the figures are accuracies on the
test part.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from wavetrain.evidence.claims import Claim, Figure, Part
from wavetrain.experiments.spikes._networks import Called, gained, learned, strong
from wavetrain.layers.gate.lstm import LSTM
from wavetrain.layers.wave.wave_rnn import WaveRNN
from wavetrain.parts.firing import Firing
from wavetrain.parts.surrogate import FastSigmoid, Zero
from wavetrain.spiking.alif import ALIF
from wavetrain.spiking.lif import LIF
from wavetrain.tasks.spikes.delayed_answer import DelayedAnswer
from wavetrain.train.lab import Lab, Plan, curve

TAU = 20.0  # steps
TRIED = 1000  # seeds of classes from here on are those that count
STEEP = FastSigmoid()

claim = Claim(
    title="Adaptive thresholds carry an answer through a silence",
    sentence="After 80 silent steps adaptive spiking units name at least 45% of ten classes of spike times, "
    "where leaky units and adaptive ones without adaptation name at most 20%.",
    topic="Waves in spiking networks",
    source="Yin, Corradi and Bohte 2021, Nature Machine Intelligence 3, doi 10.1038/s42256-021-00397-w; the "
    "task is ours",
    systems=("alif", "lif", "delayed_answer", "lstm", "wave_rnn"),
    parts=(
        Part(
            says="Adaptive units name at least 45%",
            holds=lambda figures: figures["alif"] >= 0.45,
            figures=("alif",),
        ),
        Part(
            says="Leaky units name at most 20%",
            holds=lambda figures: figures["lif"] <= 0.20,
            figures=("lif",),
            learned=False,
        ),
        Part(
            says="Adaptive units without adaptation name at most 20%",
            holds=lambda figures: figures["unadapted"] <= 0.20,
            figures=("unadapted",),
            learned=False,
        ),
        Part(
            says="Adaptive units whose spikes have no slope are at least 25 points behind",
            holds=lambda figures: figures["slopeless"] <= figures["alif"] - 0.25,
            figures=("slopeless", "alif"),
        ),
    ),
    figures=(Figure(name="{net}", says="test patterns named, {net}", unit="share"),),
    names={
        "alif": "adaptive units",
        "unadapted": "adaptive units without adaptation",
        "slopeless": "adaptive units, spikes without slope",
        "lif": "leaky units",
        "lstm": "LSTM",
        "wave": "wave RNN",
        "latencies": "logistic regression on the spike times of the cue",
    },
    notes="Limits come from an earlier program of ours on such a task, where adaptive units had 59 to 66%, "
    "leaky ones 8 to 9%, those without adaptation 9% and those without slope 19%. The surrogate is steep: by "
    "a wide one nothing was learned there. On classes that do not count, this program had 73% with "
    "adaptive units and 8% with leaky ones. Adaptive units have the authors' scale, on which the current is "
    "multiplied by 1 - exp(-dt / tau), and no gradient through the reset. An LSTM has about eight times the "
    "weights of spiking units, and is here for what the task allows, not as a rival of equal size.",
)


@dataclass(frozen=True, kw_only=True)
class Scale:
    cue: int  # steps
    silence: int
    call: int
    samples: int  # of each class to train on
    width: int
    steps: int
    rates: tuple[float, ...]
    every: int
    batch: int = 64


smoke = Scale(cue=5, silence=4, call=2, samples=5, width=8, steps=4, rates=(1e-2,), every=2, batch=4)
small = Scale(cue=20, silence=80, call=10, samples=200, width=64, steps=940, rates=(1e-2, 3e-3), every=94)
full = Scale(
    cue=20, silence=80, call=10, samples=1000, width=128, steps=20_000, rates=(1e-2, 3e-3, 1e-3), every=1000
)


def run(scale: Scale, lab: Lab) -> dict[str, float]:
    task = _task(scale, lab)
    ends, figures = learned(
        lab, _networks(task, scale), task, Plan(scale.steps, scale.batch, 0.0, 1.0, scale.every), scale.rates
    )
    lab.show(
        "accuracy",
        curve("Answers after a silence while they learn", ends, "validation accuracy (share)"),
    )
    times, y = task.cues().trained()
    x, answers = task.test()
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)).fit(times.numpy(), y.numpy())
    asked = x[:, : task.cue, : task.channels].argmax(1)
    return figures | {"latencies": float(model.score(asked.numpy(), answers.numpy()))}


def exact(scale: Scale, lab: Lab) -> dict[str, float]:
    """Whose nearest cue to train on is of which class, kept without fault."""
    task = _task(scale, lab)
    times, y = task.cues().trained()
    x, answers = task.test()
    model = KNeighborsClassifier(5).fit(times.numpy(), y.numpy())
    asked = x[:, : task.cue, : task.channels].argmax(1)
    return {"alif": float(model.score(asked.numpy(), answers.numpy()))}


def _task(scale: Scale, lab: Lab) -> DelayedAnswer:
    return DelayedAnswer(
        cue=scale.cue,
        silence=scale.silence,
        call=scale.call,
        samples=scale.samples,
        seed=TRIED + lab.seed,
    )


def _networks(task: DelayedAnswer, scale: Scale) -> dict[str, Callable[[], nn.Module]]:
    width, inputs = scale.width, task.inputs

    def read(layer: LIF | ALIF | LSTM | WaveRNN) -> Called:
        return Called(layer, task.outputs, task.call)

    def adaptive(firing: Firing, strength: float = 1.8) -> Called:
        return read(gained(strong(ALIF(width, inputs, strength=strength, firing=firing)), TAU))

    yin = Firing(threshold=0.01, surrogate=STEEP, detached=True)
    return {
        "alif": lambda: adaptive(yin),
        "unadapted": lambda: adaptive(yin, 0.0),
        "slopeless": lambda: adaptive(Firing(threshold=0.01, surrogate=Zero())),
        "lif": lambda: read(strong(LIF(width, inputs, TAU, Firing(surrogate=STEEP)))),
        "lstm": lambda: read(LSTM(width, inputs)),
        "wave": lambda: read(WaveRNN(width, inputs)),
    }
