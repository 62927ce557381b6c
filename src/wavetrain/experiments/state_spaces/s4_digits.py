"""Do state spaces that start from HiPPO read digits pixel by pixel better than an LSTM?

Gu et al. 2021, arXiv 2110.13985, table 1 (LSSL), and Gu, Goel and Ré 2022, arXiv 2111.00396, table 6 (S4): on
MNIST read row by row both are ahead of the LSTM by a little, on pixels in a fixed random order by more. All
networks are one residual stack with different layers and outputs averaged over time. As the papers say, A, B
and dt learn more slowly than the rest. Digits are scikit-learn's (64 steps) and MNIST (784 steps). Rivals get
the same batches, steps and search of the rate, by the training loss of a short trial. Figures are accuracies
on the test part at the last step.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from wavetrain.core import Batch, Layer, Recorded
from wavetrain.data.images.digits import digits
from wavetrain.data.images.mnist import mnist
from wavetrain.evidence.claims import Claim, Figure, Measured, Part
from wavetrain.experiments._layers import slow
from wavetrain.layers.gate.lstm import LSTM
from wavetrain.layers.state_space.lssl import LSSL
from wavetrain.layers.state_space.s4 import S4
from wavetrain.parts.stack import MLP, Stack
from wavetrain.train.fit import examine
from wavetrain.train.lab import Lab, Plan, Training, curve

LEARNED = 0.5


def _ahead_of_lstm(figures: Measured, name: str) -> bool | None:
    """In every order of every set. None if there is one in which nobody gets half right."""
    read = [f"{course}_{order}" for course, plan in figures.scale.courses.items() for order in plan.orders]
    if any(max(figures[f"{rival}_{one}"] for rival in ("s4", "lssl", "lstm")) < LEARNED for one in read):
        return None
    return all(figures[f"{name}_{one}"] > figures[f"lstm_{one}"] for one in read)


claim = Claim(
    title="S4 and LSSL read digits pixel by pixel better than an LSTM",
    sentence="Reading digits pixel by pixel, row by row and in a fixed random order, S4 and LSSL are more "
    "accurate than an LSTM in the same stack, with the same budget",
    topic="Linear state spaces",
    source="Gu et al. 2021, arXiv 2110.13985, table 1; Gu, Goel and Ré 2022, arXiv 2111.00396, table 6",
    systems=("s4", "lssl", "lstm", "digits", "mnist"),
    parts=(
        Part(
            says="S4 is more accurate than the LSTM, in every order of every set of digits",
            figures=("s4_*_rows", "lstm_*_rows", "s4_*_permuted", "lstm_*_permuted"),
            holds=lambda figures: _ahead_of_lstm(figures, "s4"),
        ),
        Part(
            says="LSSL is more accurate than the LSTM, in every order of every set of digits",
            figures=("lssl_*_rows", "lstm_*_rows", "lssl_*_permuted", "lstm_*_permuted"),
            holds=lambda figures: _ahead_of_lstm(figures, "lssl"),
        ),
    ),
    published={
        "s4_mnist_rows": 0.9963,
        "lssl_mnist_rows": 0.9953,
        "lstm_mnist_rows": 0.989,
        "s4_mnist_permuted": 0.9870,
        "lssl_mnist_permuted": 0.9876,
        "lstm_mnist_permuted": 0.9511,
    },
    figures=(
        Figure(
            name="{net:s4|lssl|lstm}_{set}_{order}",
            says="digits read right, {net}, {set}, {order}",
            unit="share",
        ),
    ),
    names={
        "digits": "digits of 8 x 8 pixels",
        "mnist": "MNIST",
        "rows": "row by row",
        "permuted": "permuted",
    },
    notes="The published figures are of larger networks, trained for 200 epochs. The small scale is two "
    "narrow layers and half an epoch of MNIST, tested on 2,000 images, so that the order and not the level "
    "is compared; the LSTM is still learning when the budget ends. Permuted MNIST is left to the full "
    "scale: after 500 steps all three were at 25 to 27%. We leave out dropout. The papers quote the LSTM "
    "from others, in a network of its own; here it stands in the same stack. Where nobody gets half of a "
    "set right, nobody can tell.",
    changed=(
        "The small scale first had 500 steps on MNIST, with which one seed of three could not tell. They "
        "were raised to 1,000.",
        "In the first runs an MLP followed each layer. S4, LSSL and LSTM are published without one, so it "
        "was taken out.",
        "A training that diverged satisfies no part. Before, the predicate took the lower accuracy of S4 "
        "and LSSL, and a diverged LSSL was passed over.",
    ),
)


@dataclass(frozen=True)
class Course:
    """What is read, and for how long."""

    read: Callable[[int | None], Recorded]  # in the order of a seed, or row by row
    steps: int
    trial: int  # steps of each search candidate
    batch: int
    every: int
    drops: tuple[tuple[int, float], ...] = ()
    tested: int | None = None  # sequences of the test part; None for all
    orders: tuple[str, ...] = ("rows", "permuted")


@dataclass(frozen=True, kw_only=True)
class Scale:
    depth: int
    width: int
    states: int
    rates: tuple[float, ...]
    courses: Mapping[str, Course]


smoke = Scale(
    depth=1,
    width=4,
    states=4,
    rates=(1e-3,),
    courses={"digits": Course(digits, steps=4, trial=2, batch=8, every=2)},
)
small = Scale(
    depth=2,
    width=16,
    states=32,
    rates=(1e-2, 3e-3),
    courses={
        "digits": Course(digits, steps=840, trial=120, batch=32, every=60),
        "mnist": Course(mnist, steps=1000, trial=50, batch=32, every=250, tested=2000, orders=("rows",)),
    },
)
drops = ((114_000, 5.0), (171_000, 5.0))
epochs = Course(mnist, steps=228_000, trial=11_400, batch=50, every=1140, drops=drops)  # 200 of them
full = Scale(depth=6, width=128, states=128, rates=(4e-3, 1e-3), courses={"mnist": epochs})


class Mean(nn.Module):
    """A stack that answers once, with the mean over time of its outputs."""

    def __init__(self, stack: Stack):
        super().__init__()
        self.stack = stack

    def forward(self, x: Tensor) -> Tensor:
        return self.stack(x)[0].mean(1)


def run(scale: Scale, lab: Lab) -> dict[str, float]:
    width, states = scale.width, scale.states
    slowly = dict.fromkeys(("log_step", "log_decay", "frequency", "p", "b"), 0.1)
    rivals: dict[str, Callable[[], Layer]] = {
        "s4": lambda: slow(S4(width, states=states), slowly),
        "lssl": lambda: slow(LSSL(width, states=states), {"log_step": 0.1, "a": 0.01}),
        "lstm": lambda: LSTM(width),
    }
    figures: dict[str, float] = {}
    for course, plan in scale.courses.items():
        for order in plan.orders:
            task = plan.read(None if order == "rows" else lab.seed + 1)
            ends = {
                name: _learn(lab, f"{name}-{course}-{order}", make, task, scale, plan)
                for name, make in rivals.items()
            }
            for name, end in ends.items():
                test = Batch(*(part[: plan.tested] for part in task.test()))
                accuracy = examine(end.network, test, task.objective)
                figures[f"{name}_{course}_{order}"] = float("nan") if end.diverged else accuracy
            title = f"{course}, {order}"
            lab.show(f"accuracy-{course}-{order}", curve(title, ends, "accuracy on the validation part"))
    for name, end in ends.items():
        figures[f"parameters_{name}"] = sum(part.numel() for part in end.network.parameters())
    return figures


def _learn(
    lab: Lab, name: str, make: Callable[[], Layer], task: Recorded, scale: Scale, course: Course
) -> Training:
    """Search the rate, then train with what was best."""

    def build() -> Mean:
        return Mean(Stack([make() for _ in range(scale.depth)], task.inputs, task.outputs, MLP.NONE))

    plan = Plan(course.steps, course.batch, 0.0, 1.0, course.every, drops=course.drops, held_out=1000)
    return lab.tuned(name, build, task, plan, course.trial, scale.rates, (1.0,))
