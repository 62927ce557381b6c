"""Digits read one pixel at a time by state spaces that start from HiPPO, and by an LSTM.

Gu et al. 2021, arXiv 2110.13985, table 1 (LSSL), and Gu, Goel and Ré 2022, arXiv 2111.00396, table 6 (S4): on
MNIST read row by row both are ahead of the LSTM by a little, on pixels in a fixed random order by more. All
networks are one residual stack with different layers and outputs averaged over time; as the papers say, A, B
and dt learn more slowly than the rest. The small scale reads scikit-learn's digits (64 steps), the full scale
MNIST (784 steps). Rivals get the same batches, steps and search of the rate, by the training loss of a short
trial. Figures are accuracies on the test part at the last step.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from wavetrain import train
from wavetrain.claims import Claim
from wavetrain.core import Layer, Recorded
from wavetrain.data.digits import digits
from wavetrain.data.mnist import mnist
from wavetrain.experiments import slow
from wavetrain.lab import Lab, Plan, Training, curve
from wavetrain.layers.lssl import LSSL
from wavetrain.layers.lstm import LSTM
from wavetrain.layers.s4 import S4
from wavetrain.stack import Stack

LEARNED = 0.5


def _holds(figures: Mapping[str, float]) -> bool | None:
    """S4 and LSSL are ahead of the LSTM in both orders; where nobody gets half right, nobody can tell."""
    order = ("rows", "permuted")
    if any(max(figures[f"{name}_{one}"] for name in ("s4", "lssl", "lstm")) < LEARNED for one in order):
        return None
    return all(min(figures[f"s4_{one}"], figures[f"lssl_{one}"]) > figures[f"lstm_{one}"] for one in order)


claim = Claim(
    text="Reading digits pixel by pixel, S4 and LSSL are ahead of the LSTM, row by row and with the pixels "
    "permuted",
    source="Gu et al. 2021, arXiv 2110.13985, table 1; Gu, Goel and Ré 2022, arXiv 2111.00396, table 6",
    seed="P: LSSL, one layer is recurrent, convolutional and continuous",
    systems=("s4", "lssl", "lstm", "digits", "mnist"),
    published={
        "s4_rows": 0.9963,
        "lssl_rows": 0.9953,
        "lstm_rows": 0.989,
        "s4_permuted": 0.9870,
        "lssl_permuted": 0.9876,
        "lstm_permuted": 0.9511,
    },
    holds=_holds,
    notes="Published figures are for MNIST and of larger networks; the small scale reads 8 x 8 digits, so "
    "the ranking and not the level is compared, and its LSTM is still learning when the budget ends. Left "
    "out: dropout. The papers quote the LSTM from others, in a network of its own; here it stands in the "
    "same stack.",
)


@dataclass(frozen=True)
class Scale:
    read: Callable[[int | None], Recorded]
    depth: int
    width: int
    states: int
    steps: int
    trial: int  # steps of each search candidate
    batch: int
    rates: tuple[float, ...]
    every: int
    drops: tuple[tuple[int, float], ...] = ()


smoke = Scale(digits, 1, 4, 4, steps=4, trial=2, batch=8, rates=(1e-3,), every=2)
small = Scale(digits, 2, 16, 32, steps=840, trial=120, batch=32, rates=(1e-2, 3e-3), every=60)
full = Scale(
    mnist,
    depth=6,
    width=128,
    states=128,
    steps=228_000,  # 200 epochs
    trial=11_400,
    batch=50,
    rates=(4e-3, 1e-3),
    every=1140,
    drops=((114_000, 5.0), (171_000, 5.0)),
)


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
    for order, task in (("rows", scale.read(None)), ("permuted", scale.read(lab.seed + 1))):
        ends = {name: _learn(lab, f"{name}-{order}", make, task, scale) for name, make in rivals.items()}
        for name, end in ends.items():
            figures[f"{name}_{order}"] = (
                float("nan") if end.diverged else train.examine(end.network, task.test(), task.objective)
            )
            figures[f"parameters_{name}"] = sum(parameter.numel() for parameter in end.network.parameters())
        lab.show(f"accuracy-{order}", curve(f"Digits, {order}", ends, "accuracy on the validation part"))
    return figures


def _learn(lab: Lab, name: str, make: Callable[[], Layer], task: Recorded, scale: Scale) -> Training:
    """Search the rate, then train with what was best."""

    def build() -> Mean:
        return Mean(Stack([make() for _ in range(scale.depth)], task.inputs, task.outputs))

    plan = Plan(scale.steps, scale.batch, rate=0.0, clip=1.0, every=scale.every, drops=scale.drops)
    return lab.tuned(name, build, task, plan, scale.trial, scale.rates, (1.0,))
