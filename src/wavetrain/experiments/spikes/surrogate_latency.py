"""Do spiking networks learn classes that only the times of single spikes tell?

Neftci, Mostafa and Zenke 2019, arXiv 1901.09948, train spiking units through a surrogate for the slope of a
spike. In the task every channel spikes once, so that what counts spikes knows nothing. All networks have one
layer of as many units and one read-out, leaky integrators of which the largest value over time is the answer:

    lif     leaky units
    alif    leaky units whose threshold rises with each spike
    zero    leaky units whose spikes have no slope, so that the input weights stay as they are
    lstm    the same spikes and the same read-out
    wave    a wave RNN, likewise

Beside them two logistic regressions: `latencies` reads the time of each channel's spike, `counts` how many
there are. All see the same batches and search the same learning rates; the validation part chooses, and the
figures are accuracies on the test part.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from wavetrain.evidence.claims import Claim, Figure, Measured, Part
from wavetrain.experiments.spikes._networks import Leaky, gained, learned, strong
from wavetrain.experiments.spikes._patterns import dots
from wavetrain.layers.gate.lstm import LSTM
from wavetrain.layers.wave.wave_rnn import WaveRNN
from wavetrain.parts.firing import Firing
from wavetrain.parts.surrogate import Zero
from wavetrain.spiking.alif import ALIF
from wavetrain.spiking.lif import LIF
from wavetrain.tasks.spikes.latency_classes import LatencyClasses
from wavetrain.train.lab import Lab, Plan, curve

TAU = 20.0  # steps, of units and of the read-out
SHOWN = 3  # classes in the picture
TRIED = 1000  # seeds of classes from here on are those that count


def _above_zero(figures: Measured) -> bool:
    return min(figures["lif"], figures["alif"]) >= figures["zero"] + 0.3


claim = Claim(
    title="Spiking networks learn classes that only spike times tell apart",
    sentence="Where every channel spikes once and counts carry nothing, leaky and adaptive spiking units "
    "trained by surrogate gradients name at least 75% of ten classes, 30 points more than with spikes that "
    "have no slope; a logistic regression on the spike times is as good or better.",
    topic="Waves in spiking networks",
    source="Neftci, Mostafa and Zenke 2019, arXiv 1901.09948; classes after Zenke and Vogels 2021, Neural "
    "Computation 33",
    systems=("lif", "alif", "latency_classes", "lstm", "wave_rnn"),
    parts=(
        Part(
            says="Leaky units name at least 75%",
            holds=lambda figures: figures["lif"] >= 0.75,
            figures=("lif",),
        ),
        Part(
            says="Adaptive units name at least 75%",
            holds=lambda figures: figures["alif"] >= 0.75,
            figures=("alif",),
        ),
        Part(
            says="Both are at least 30 points above leaky units whose spikes have no slope",
            holds=_above_zero,
            figures=("lif", "alif", "zero"),
        ),
        Part(
            says="Counts of spikes name at most 15%",
            holds=lambda figures: figures["counts"] <= 0.15,
            figures=("counts",),
            learned=False,
        ),
        Part(
            says="No spiking network is ahead of a logistic regression on the spike times",
            holds=lambda figures: figures["latencies"] >= max(figures["lif"], figures["alif"]),
            figures=("latencies", "lif", "alif"),
            learned=False,
        ),
    ),
    figures=(Figure(name="{net}", says="test patterns named, {net}", unit="share"),),
    names={
        "lif": "leaky units",
        "alif": "adaptive units",
        "zero": "leaky units, spikes without slope",
        "lstm": "LSTM",
        "wave": "wave RNN",
        "counts": "logistic regression on counts",
        "latencies": "logistic regression on spike times",
    },
    notes="Limits come from an earlier program of ours on such classes, where leaky units had 86 to 88%, "
    "adaptive ones 85 to 88%, spikes without slope 38 to 39%, counts 8% and the regression on times 92%. On "
    "classes that do not count, this program had 96% with leaky units, 89% with adaptive ones, 38% without "
    "slope and 98% by the regression, so these classes are a little easier. Adaptive "
    "units have the authors' scale, on which the current is multiplied by 1 - exp(-dt / tau), and no "
    "gradient through the reset. All networks have 64 units; an LSTM has about eight times the weights of "
    "spiking ones, a wave RNN about as many.",
)


@dataclass(frozen=True, kw_only=True)
class Scale:
    time: int  # steps
    samples: int  # of each class to train on
    width: int
    steps: int
    rates: tuple[float, ...]
    every: int
    batch: int = 64


smoke = Scale(time=12, samples=5, width=8, steps=4, rates=(1e-2,), every=2, batch=4)
small = Scale(time=100, samples=200, width=64, steps=940, rates=(1e-2, 3e-3), every=94)
full = Scale(time=100, samples=1000, width=128, steps=20_000, rates=(1e-2, 3e-3, 1e-3), every=1000)


def run(scale: Scale, lab: Lab) -> dict[str, float]:
    task = _task(scale, lab)
    ends, figures = learned(
        lab, _networks(task, scale), task, Plan(scale.steps, scale.batch, 0.0, 1.0, scale.every), scale.rates
    )
    lab.show("accuracy", curve("Classes named while they learn", ends, "validation accuracy (share)"))
    test = task.test()
    rows = [int((test.y == one).nonzero()[0]) for one in range(SHOWN)]
    labels = [f"class {one}" for one in range(SHOWN)]
    lab.show("patterns", dots("Patterns of three classes: each channel spikes once", test.x[rows], labels))
    return figures | _regressions(task)


def exact(scale: Scale, lab: Lab) -> dict[str, float]:
    """Whose nearest sample to train on is of which class: the classes are apart."""
    task = _task(scale, lab)
    times, y = _times(task)
    x, answers = task.test()
    near = KNeighborsClassifier(1).fit(times, y).score(x.argmax(1).numpy(), answers.numpy())
    return {"lif": near, "alif": near}


def _task(scale: Scale, lab: Lab) -> LatencyClasses:
    return LatencyClasses(time=scale.time, samples=scale.samples, seed=TRIED + lab.seed)


def _networks(task: LatencyClasses, scale: Scale) -> dict[str, Callable[[], nn.Module]]:
    width, inputs = scale.width, task.inputs

    def read(layer: LIF | ALIF | LSTM | WaveRNN) -> Leaky:
        return Leaky(layer, task.outputs, TAU)

    yin = Firing(threshold=0.01, detached=True)
    return {
        "lif": lambda: read(strong(LIF(width, inputs, TAU))),
        "alif": lambda: read(gained(strong(ALIF(width, inputs, firing=yin)), TAU)),
        "zero": lambda: read(strong(LIF(width, inputs, TAU, Firing(surrogate=Zero())))),
        "lstm": lambda: read(LSTM(width, inputs)),
        "wave": lambda: read(WaveRNN(width, inputs)),
    }


def _times(task: LatencyClasses) -> tuple[np.ndarray, np.ndarray]:
    """The spike times and classes of all there is to train on."""
    times, y = task.patterns().trained()
    return times.numpy(), y.numpy()


def _regressions(task: LatencyClasses) -> dict[str, float]:
    """Logistic regressions on the times of spikes, and on their counts."""
    times, y = _times(task)
    x, answers = task.test()
    scores = {}
    for name, known, asked in (
        ("latencies", times, x.argmax(1).numpy()),
        ("counts", np.ones_like(times), x.sum(1).numpy()),
    ):
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)).fit(known, y)
        scores[name] = float(model.score(asked, answers.numpy()))
    return scores
