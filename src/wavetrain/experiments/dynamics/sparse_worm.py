"""Do twenty recorded neurons of a worm suffice to tell the others, and what comes next?

A claim of Salatiello and Giese 2020, arXiv 2005.02211, that a network taught on a few recorded neurons comes
to have the dynamics of all, asked of a recording: 98 neurons of a worm (Atanas et al. 2023). A student hears
20 of them, drawn by the seed, and learns by full-FORCE to tell what these do at the next step, from steps 0
to 1099. Held-out steps are 1200 to 1599.

    unrecorded  ridge regression of the other 78 on the student's rates, against that on the 20 traces
    ahead       the student hears its own predictions for 5 steps, against saying the last value again

The strength of each ridge is chosen on steps 1100 to 1199. R² of each neuron is 1 - squared error /
squared error of its mean in the steps that are learned from; its median over neurons is reported. In a
control the student is taught on traces that are rolled by 400 steps, and hears them.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from wavetrain.core import Batch
from wavetrain.data.neural.worm import PARTS, drawn, traces
from wavetrain.evidence.claims import Claim, Figure, Part
from wavetrain.evidence.picture import Curve
from wavetrain.rules.full_force import FullForce, Student
from wavetrain.train.lab import Lab

AHEAD = 5  # steps of 0.6 s
RIDGES = tuple(10.0**power for power in range(-2, 6))
ROLLED = 400  # steps
FROM = slice(PARTS[2].start, PARTS[2].stop - AHEAD)  # steps that are forecast from

claim = Claim(
    title="Twenty neurons of a worm tell a student the others and what comes",
    sentence="A network taught on the traces of 20 of 98 neurons of a worm tells the neurons that were not "
    "recorded better than ridge regression on the traces, and forecasts the recorded ones 3 s ahead better "
    "than their last values.",
    topic="Learning rules",
    source="Salatiello and Giese 2020, arXiv 2005.02211, abstract; the recording, the protocol and the "
    "limits are ours",
    systems=("full_force", "worm"),
    parts=(
        Part(
            says="Of unrecorded neurons, at steps that are held out, R² is above that of ridge regression on "
            "the recorded traces",
            figures=("unrecorded_student", "unrecorded_ridge"),
            holds=lambda figures: figures["unrecorded_student"] > figures["unrecorded_ridge"],
        ),
        Part(
            says="Of recorded neurons, 5 steps ahead, R² is above that of their last values",
            figures=("ahead_student", "ahead_last"),
            holds=lambda figures: figures["ahead_student"] > figures["ahead_last"],
        ),
    ),
    figures=(
        Figure(name="unrecorded_{from}", says="unrecorded neurons, from {from}", unit="median R²"),
        Figure(name="ahead_{by}", says="recorded neurons, 5 steps ahead, by {by}", unit="median R²"),
    ),
    names={
        "student": "the student",
        "ridge": "the traces",
        "random": "a random network",
        "rolled": "a student with rolled traces",
        "last": "the last value",
    },
    notes="One worm. Behaviour is not in the file, so that the student has no output besides the traces. "
    "Sizes of the student were set beforehand and not searched, and its inputs are not scaled.",
    changed=(
        "R² is about the mean of the steps that are learned from, as the lens `predictivity` has it. Before "
        "the first run at this scale it was about that of the steps that are held out.",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Scale:
    recorded: int = 20
    units: int = 300
    tau: float = 3.0  # steps of 0.6 s
    gain: float = 1.3
    passes: int = 10
    forced: int = 2
    skipped: int = 20  # steps at the beginning, until the student has forgotten its rest


smoke = Scale(units=8, passes=1, forced=1)
small = Scale()
full = Scale(units=1000, passes=40)


def run(scale: Scale, lab: Lab) -> dict[str, float]:
    trace = traces().double()
    few, rest = drawn(trace.shape[1], scale.recorded, lab.seed)
    heard, others = trace[:, few], trace[:, rest]
    rolled = heard.roll(ROLLED, 0)
    student, stranger = _taught(scale, lab, heard), _taught(scale, lab, rolled)
    random = _start(scale, lab)
    random.recur.data.copy_(random.chaos)
    populations = {
        "ridge": heard,
        "student": states(student, heard).tanh(),
        "random": states(random, heard).tanh(),
        "rolled": states(stranger, rolled).tanh(),
    }
    said = {name: fitted(one, others, scale.skipped) for name, one in populations.items()}
    each = {name: r2(one, others[PARTS[2]], others[PARTS[0]]) for name, one in said.items()}
    _show(lab, others[PARTS[2]], said["student"], each["student"])
    figures = {f"unrecorded_{name}": float(one.median()) for name, one in each.items()}
    told = ahead(student, states(student, heard)[FROM])
    return figures | {"ahead_student": _ahead(told, heard), "ahead_last": _ahead(heard[FROM], heard)}


def exact(scale: Scale, lab: Lab) -> dict[str, float]:
    """An oracle that knows all neurons, beside the rivals of the run."""
    trace = traces().double()
    few, rest = drawn(trace.shape[1], scale.recorded, lab.seed)
    heard, others = trace[:, few], trace[:, rest]
    figures = {
        f"unrecorded_{name}": float(
            r2(fitted(one, others, scale.skipped), others[PARTS[2]], others[PARTS[0]]).median()
        )
        for name, one in {"student": others, "ridge": heard}.items()
    }
    ideal = heard[FROM.start + AHEAD : FROM.stop + AHEAD]
    return figures | {"ahead_student": _ahead(ideal, heard), "ahead_last": _ahead(heard[FROM], heard)}


def _ahead(told: Tensor, heard: Tensor) -> float:
    """The median R² of what is told of the steps that come some later than FROM."""
    true = heard[FROM.start + AHEAD : FROM.stop + AHEAD]
    return float(r2(told, true, heard[PARTS[0]]).median())


def _start(scale: Scale, lab: Lab) -> Student:
    torch.manual_seed(lab.seed)
    return Student(scale.units, scale.recorded, scale.recorded, tau=scale.tau, gain=scale.gain)


def _taught(scale: Scale, lab: Lab, heard: Tensor) -> Student:
    """A student that was told the next step of what it heard, in the part to learn from."""
    student, rule = _start(scale, lab), FullForce(forced=scale.forced)
    part = heard[PARTS[0]]
    batch = Batch(part[None, :-1], part[None, 1:])
    step = torch.optim.SGD(student.parameters(), lr=1.0)
    torch.manual_seed(lab.seed)
    for _ in range(scale.passes):
        step.zero_grad()
        rule.learn(student, batch, nn.functional.mse_loss)
        step.step()
    return student


@torch.no_grad()
def states(student: Student, heard: Tensor) -> Tensor:
    """The states (T, units) of a student that hears all traces (T, recorded), from rest."""
    drive = heard @ student.encode.mT
    state, seen = torch.zeros_like(drive[0]), []
    for now in drive:
        state = student.moved(state, student.recur @ torch.tanh(state) + now)
        seen.append(state)
    return torch.stack(seen)


@torch.no_grad()
def ahead(student: Student, state: Tensor) -> Tensor:
    """What a student says of some steps later, from each state (N, units) on, hearing its own predictions."""
    said = torch.tanh(state) @ student.read.mT
    for _ in range(AHEAD - 1):
        state = student.moved(state, torch.tanh(state) @ student.recur.mT + said @ student.encode.mT)
        said = torch.tanh(state) @ student.read.mT
    return said


def fitted(population: Tensor, wanted: Tensor, skipped: int) -> Tensor:
    """What ridge regression on a population says in the last part; the middle one chooses its strength."""
    learn, choose, test = slice(skipped, PARTS[0].stop), PARTS[1], PARTS[2]
    middle, zero = population[learn].mean(0), wanted[learn].mean(0)
    x, y = population[learn] - middle, wanted[learn] - zero
    gram, inner, eye = x.mT @ x, x.mT @ y, torch.eye(x.shape[1], dtype=torch.float64)
    best = min(
        (torch.linalg.solve(gram + ridge * eye, inner) for ridge in RIDGES),
        key=lambda weights: float(
            ((population[choose] - middle) @ weights + zero - wanted[choose]).square().sum()
        ),
    )
    return (population[test] - middle) @ best + zero


def r2(said: Tensor, true: Tensor, known: Tensor) -> Tensor:
    """R² of each neuron (N,): what is said, next to saying the mean of steps that are known."""
    return 1 - (said - true).square().sum(0) / (true - known.mean(0)).square().sum(0)


def _show(lab: Lab, true: Tensor, said: Tensor, each: Tensor) -> None:
    """The unrecorded neuron that is told as well as the median one."""
    at = int(each.argsort()[(len(each) - 1) // 2])
    time = 0.6 * np.arange(PARTS[2].start, PARTS[2].stop)
    lines = torch.stack([true[:, at], said[:, at]]).numpy()
    title = "An unrecorded neuron of the worm, told as well as the median one"
    lab.show("neuron", Curve(title, time, lines, ("recorded", "told"), "time (s)", "deviations"))
