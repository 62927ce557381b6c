"""Does activity travel at the speed that a network's kernel sets, and is none found where there is none?

Keller, Muller, Sejnowski and Welling 2023, arXiv 2309.08045, and Davis et al. 2021, Nat Commun 12:6057 (the
space-time spectrum). Wave RNNs whose rings start as a shift by -2, -1, 1 or 2 places a step, and an identity
RNN, learn to copy ten symbols at once, with the same start of all else, batches and budget. Then their hidden
activity is seen on sequences that are longer, with a delay of twenty steps:

    kernel     the mean displacement of what a trained kernel writes, weighted by its squared weights
    measured   the speed at which activity has most power beyond what is due to its pace and its grain
    p          its share of power there, ranked among orders of the units drawn at random. An identity RNN has
    no
               order of its units, so that no order may stand out
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from wavetrain.core import Layer
from wavetrain.evidence.claims import Claim, Figure, Measured, Part, given
from wavetrain.evidence.picture import Field, Points
from wavetrain.layers.recurrence.identity_rnn import IdentityRNN
from wavetrain.layers.wave.wave_rnn import WaveRNN
from wavetrain.lenses.dynamics.space_time_spectrum import SpaceTimeSpectrum, space_time_spectrum
from wavetrain.parts import nulls
from wavetrain.parts.reader import Reader
from wavetrain.tasks.recall.copying import Copying
from wavetrain.train.lab import Lab, Mark, Plan

SPEEDS = {"back2": -2, "back1": -1, "on1": 1, "on2": 2}  # places a step
NETS = (*SPEEDS, "identity")
NEAR = 0.1  # places a step
LEARNED, SOLVED, CHANCE = 0.25, 0.99, 1 / 8  # recall


def _learned(*nets: str) -> Callable[[Measured], bool]:
    return lambda figures: all(figures[f"recall_{net}"] >= LEARNED for net in nets)


def _at_the_speed(figures: Measured) -> bool:
    return all(abs(figures[f"measured_{net}"] - figures[f"kernel_{net}"]) <= NEAR for net in SPEEDS)


def _stands_out(net: str, figures: Measured) -> bool:
    """Whether no order of the units has as much power on its best line."""
    return figures[f"p_{net}"] <= 1 / (1 + figures.scale.orders) + 1e-9


claim = Claim(
    title="Activity of a trained wave RNN travels at its kernel's speed",
    sentence="After learning to copy, the speed that the space-time spectrum finds in wave RNNs is that of "
    "their kernels to a tenth of a place a step, for kernels that start at four speeds, and stands out among "
    "orders of the units; an identity RNN's does not.",
    topic="Travelling waves",
    source="Keller et al. 2023, arXiv 2309.08045, figures of hidden activity; Davis et al. 2021, Nat Commun "
    "12:6057, space-time spectrum",
    systems=("wave_rnn", "identity_rnn", "copying", "space_time_spectrum"),
    parts=(
        Part(
            says="At all four speeds what is measured is the kernel's speed, to a tenth of a place a step",
            figures=("measured_back*", "measured_on*", "kernel_*", "recall_*"),
            holds=given(_learned(*SPEEDS), _at_the_speed),
        ),
        Part(
            says="Each wave RNN has more power on that line than with any order of its places drawn at "
            "random",
            figures=("p_back*", "p_on*", "recall_*"),
            holds=given(_learned(*SPEEDS), lambda figures: all(_stands_out(net, figures) for net in SPEEDS)),
        ),
        Part(
            says="The identity RNN, whose units have no order, has no such line",
            figures=("p_identity", "recall_identity"),
            holds=given(_learned("identity"), lambda figures: not _stands_out("identity", figures)),
        ),
    ),
    figures=(
        Figure(name="kernel_{net}", says="speed of the trained kernel, {net}", unit="places a step"),
        Figure(name="measured_{net}", says="speed that the spectrum finds, {net}", unit="places a step"),
        Figure(name="share_{net}", says="power at that speed, {net}", unit="share"),
        Figure(name="p_{net}", says="orders of the units with as much, {net}", unit="p-value"),
        Figure(name="recall_{net}", says="symbols recalled after training, {net}", unit="share"),
    ),
    names={
        "back2": "start of 2 back",
        "back1": "start of 1 back",
        "on1": "start of 1 on",
        "on2": "start of 2 on",
        "identity": "identity RNN",
    },
    notes="The speed of a kernel is where it starts, little changed by training: what is tested is that the "
    "lens, which is told no speed, finds it in the activity. A run can tell only where the networks recall "
    "25%, twice what guessing gets.",
)


@dataclass(frozen=True, kw_only=True)
class Scale:
    steps: int = 1000
    batch: int = 32
    ring: int = 41  # odd, so that two places a step meet all of it
    channels: int = 4
    width: int = 100  # of the identity RNN
    delay: int = 20  # of the sequences that are looked at
    seen: int = 20  # sequences
    orders: int = 39  # of the units
    rate: float = 1e-3
    every: int = 20


smoke = Scale(steps=2, batch=4, ring=11, channels=2, width=10, delay=0, seen=2, orders=3, every=1)
small = Scale()
full = Scale(steps=20_000, batch=128, ring=101, channels=6, delay=60, seen=100, orders=199)


def solved(mark: Mark) -> bool:
    return mark.score >= SOLVED


def run(scale: Scale, lab: Lab) -> dict[str, float]:
    task = Copying(0)
    x = Copying(scale.delay).test().x[: scale.seen].to(lab.device)
    plan = Plan(scale.steps, scale.batch, scale.rate, 1.0, every=scale.every, until=solved, held_out=100)
    figures: dict[str, float] = {}
    activities = {}
    for net in NETS:

        def build(net: str = net) -> Reader:
            return Reader(layer(net, scale), task.outputs, every_step=True)

        end = lab.fit(net, build, task, plan)
        assert isinstance(end.network, Reader)
        with torch.no_grad():
            hidden, _ = end.network.layer(x)
        inner = end.network.layer
        rings = inner.channels if isinstance(inner, WaveRNN) else 1
        activities[net] = hidden.unflatten(-1, (rings, -1)).transpose(1, 2).cpu()  # (B, rings, T, N)
        figures[f"recall_{net}"] = end.score
        if isinstance(inner, WaveRNN):
            figures[f"kernel_{net}"] = kernel_speed(inner.kernel)
    return figures | _looked(activities, figures, scale, lab)


def layer(net: str, scale: Scale) -> Layer:
    if net == "identity":
        return IdentityRNN(scale.width, inputs=10)
    wave = WaveRNN(scale.ring * scale.channels, inputs=10, channels=scale.channels, kernel=5)
    with torch.no_grad():
        wave.kernel.zero_()
        wave.kernel[..., 2 - SPEEDS[net]][range(scale.channels), range(scale.channels)] = 1.0
    return wave


def exact(scale: Scale, lab: Lab) -> dict[str, float]:
    """Symbols that move on by whole places, and symbols that stay at places in no order."""
    x = Copying(scale.delay).test().x[: scale.seen]
    figures: dict[str, float] = {f"recall_{net}": 1.0 for net in NETS}
    figures |= {f"kernel_{net}": float(speed) for net, speed in SPEEDS.items()}
    activities = {net: moved(x, speed, scale.ring) for net, speed in SPEEDS.items()}
    staying = torch.cumsum(x, 1)[..., torch.randperm(10, generator=lab.generator())]
    activities["identity"] = staying[:, None]
    return figures | _looked(activities, figures, scale, lab)


def moved(x: Tensor, speed: int, ring: int) -> Tensor:
    """Each symbol of x (B, T, 10) on a ring of its own, written at place 0 and moved on, (B, 10, T, ring)."""
    state, states = x.new_zeros(len(x), 10, ring), []
    for now in x.unbind(1):
        state = state.roll(speed, -1)
        state[..., 0] += now
        states.append(state)
        state = state.clone()
    return torch.stack(states, 2)


def kernel_speed(kernel: Tensor) -> float:
    """Mean displacement in places a step over squared weights (outputs, channels, taps)."""
    weight = kernel.detach().double().square().sum((0, 1))
    place = torch.arange(len(weight), dtype=torch.float64, device=weight.device) - len(weight) // 2
    return -float((weight * place).sum() / weight.sum())


def _looked(
    activities: dict[str, Tensor], figures: dict[str, float], scale: Scale, lab: Lab
) -> dict[str, float]:
    """Speed, share of power and rank of each network's activity, and the pictures."""
    found: dict[str, float] = {}
    for net, activity in activities.items():
        spectrum = space_time_spectrum(activity, surrogates=0)
        null = [share(one) for one in reordered(activity, scale.orders, lab.seed)]
        found |= {
            f"measured_{net}": spectrum.speed,
            f"share_{net}": spectrum.fraction,
            f"p_{net}": float(nulls.rank(np.array([spectrum.fraction]), np.array(null)[:, None])[0]),
        }
        words = claim.names[net]
        lab.show(f"activity-{net}", Field(f"Activity of one sequence, {words}", activity[0, 0].T.numpy()))
        lab.show(f"spectrum-{net}", _ridge(words, spectrum))
    speeds = np.array([figures[f"kernel_{net}"] for net in SPEEDS])
    measured = np.array([found[f"measured_{net}"] for net in SPEEDS])
    axes = "kernel (places a step)", "measured (places a step)"
    labels = tuple(claim.names[net] for net in SPEEDS)
    lab.show("speeds", Points("Speed of kernel and activity", speeds, measured, np.arange(4), labels, *axes))
    return found


def share(activity: Tensor) -> float:
    return space_time_spectrum(activity, surrogates=0).fraction


def reordered(activity: Tensor, orders: int, seed: int) -> list[Tensor]:
    """Activity (B, rings, T, N) with its places in orders drawn at random."""
    dice = torch.Generator().manual_seed(seed)
    return [activity[..., torch.randperm(activity.shape[-1], generator=dice)] for _ in range(orders)]


def _ridge(words: str, spectrum: SpaceTimeSpectrum) -> Field:
    power = spectrum.power.T / max(spectrum.power.max(), 1e-30)
    return Field(
        f"Space-time spectrum, {words}",
        power**0.25,
        "temporal frequency (cycles per step)",
        "spatial frequency (cycles per place)",
        "fourth root of power (share)",
        (spectrum.temporal[0], spectrum.temporal[-1], spectrum.spatial[-1], spectrum.spatial[0]),
    )
