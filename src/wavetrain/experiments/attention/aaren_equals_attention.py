"""Does attention as a recurrence have attention's outputs and accuracy, with a state of one size?

Feng et al. 2024, arXiv 2405.13956: softmax attention with a learned query that is the same for all steps is a
recurrent network (Aaren). Three things are measured.

    equality  on random sequences, Aaren against softmax attention whose query is set to Aaren's, with the
              same keys, values and output map: the largest difference, relative to the largest output
    memory    both fed step by step: bytes of state at the first step and the last, and how far the streamed
              outputs lie apart; attention keeps all keys and values so far
    accuracy  digits read pixel by pixel, by two blocks of either; attention makes its queries from the tokens

Both get the same code of places beside the pixel, no rotation, the same batches, budget and search: each
learning rate for `trial` steps, the lowest training loss wins. As the validation part chooses nothing, it is
scored together with the test part: 600 images.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from wavetrain.core import Batch, Layer, Recorded, leaves
from wavetrain.data.images.digits import digits
from wavetrain.data.images.mnist import mnist
from wavetrain.evidence.claims import Claim, Figure, Measured, Part
from wavetrain.evidence.picture import Curve
from wavetrain.layers.attention.aaren import Aaren
from wavetrain.layers.attention.softmax_attention import SoftmaxAttention
from wavetrain.parts.stack import MLP, Answer, Stack
from wavetrain.train.fit import examine
from wavetrain.train.lab import Lab, Plan, curve

ROUNDING = {torch.float64: 1e-12, torch.float32: 1e-4}  # relative differences that may be put down to it
LEARNED, MARGIN = 0.8, 0.02


def _equal(figures: Measured) -> bool:
    whole = all(figures[f"difference_{name(dtype)}"] <= most for dtype, most in ROUNDING.items())
    return whole and figures["difference_streamed"] <= ROUNDING[torch.float32]


def _one_size(figures: Measured) -> bool:
    constant = figures["bytes_aaren_last"] == figures["bytes_aaren_first"]
    growth = figures["streamed"] * figures["bytes_attention_first"]
    return constant and figures["bytes_attention_last"] >= growth


def _as_accurate(figures: Measured) -> bool | None:
    if figures["accuracy_attention"] < LEARNED:
        return None
    return figures["accuracy_aaren"] >= figures["accuracy_attention"] - MARGIN


claim = Claim(
    title="Aaren matches attention with a state that does not grow",
    sentence="Aaren, a recurrence, gives the outputs of softmax attention with one fixed query, from a "
    "state that stays the same size while attention's cache of keys and values grows, and reads digits at "
    "most 2 points less well than attention.",
    topic="Attention",
    source="Feng et al. 2024, arXiv 2405.13956 (38 data sets, of which digits is none)",
    systems=("aaren", "softmax_attention", "digits", "mnist"),
    parts=(
        Part(
            says="Its outputs equal those of attention with the same query, up to rounding: to 1e-12 in "
            "float64, to 1e-4 in float32, whole or step by step.",
            holds=_equal,
            figures=("difference_*",),
            learned=False,
        ),
        Part(
            says="Its state is as large at the last step as at the first, while attention's cache grows "
            "with every step.",
            holds=_one_size,
            figures=("bytes_*", "streamed"),
            learned=False,
        ),
        Part(
            says="It reads digits at most 2 points less well than attention.",
            holds=_as_accurate,
            figures=("accuracy_aaren", "accuracy_attention"),
        ),
    ),
    published={"accuracy_aaren": "comparable to transformers", "bytes_aaren_last": "constant"},
    figures=(
        Figure(
            name="difference_streamed",
            says="largest difference between the outputs of Aaren and attention, fed step by step",
            unit="share of the largest output",
        ),
        Figure(
            name="difference_{precision}",
            says=(
                "largest difference between the outputs of Aaren and attention, whole sequences, {precision}"
            ),
            unit="share of the largest output",
        ),
        Figure(name="streamed", says="length of the sequence that is fed step by step", unit="steps"),
        Figure(name="bytes_{layer}_{when}", says="state of {layer} after the {when} step", unit="bytes"),
        Figure(name="accuracy_{layer}", says="digits read right by {layer}", unit="share"),
    ),
    names={"aaren": "Aaren", "attention": "softmax attention"},
    notes="The paper's tables could not be read. The margin is ours: with 600 images a standard error of "
    "the difference is about one point. Where attention itself gets fewer than 80% of the digits right, "
    "nothing is decided on accuracy.",
    changed=(
        "Outputs and memory are judged whether or not attention learned to read digits; before, the whole "
        "claim was undecided where it did not.",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Scale:
    read: Callable[[], Recorded]
    lengths: tuple[int, ...]  # of the random sequences
    streamed: int  # steps
    steps: int
    trial: int
    batch: int
    every: int
    width: int = 32
    heads: int = 4
    rates: tuple[float, ...] = (3e-3, 1e-3)
    drops: tuple[tuple[int, float], ...] = ()


smoke = Scale(
    read=digits,
    lengths=(1, 9),
    streamed=20,
    steps=4,
    trial=2,
    batch=8,
    every=2,
    width=8,
    heads=2,
    rates=(1e-3,),
)
small = Scale(
    read=digits,
    lengths=(1, 2, 65, 1000),
    streamed=10_000,
    steps=800,
    trial=60,
    batch=64,
    every=50,
    drops=((650, 5),),
)
full = Scale(
    read=mnist,
    lengths=(1, 2, 65, 1000),
    streamed=10_000,
    steps=53_500,
    trial=4_460,
    batch=128,
    every=446,
    width=128,
    heads=8,
    drops=((44_600, 5),),
)


class Placed(nn.Module):
    """Puts the place of each step beside it, as sines and cosines of periods 2, 4, 8 ... steps."""

    def __init__(self, layers: list[Layer], task: Recorded):
        super().__init__()
        time = task.train.x.shape[1]
        period = 2 ** torch.arange(1.0, math.ceil(math.log2(time)) + 1)
        angle = 2 * math.pi * torch.arange(time)[:, None] / period
        self.place = nn.Buffer(torch.cat([angle.sin(), angle.cos()], 1), persistent=False)
        inputs = task.inputs + self.place.shape[1]
        self.answer = Answer(Stack(layers, inputs, task.outputs, MLP.PLAIN), task.every_step)

    def forward(self, x: Tensor) -> Tensor:
        return self.answer(torch.cat([x, self.place.expand(len(x), -1, -1)], -1))


def run(scale: Scale, lab: Lab) -> dict[str, float]:
    task, width, heads = scale.read(), scale.width, scale.heads
    figures = _equality(scale, lab) | _memory(scale, lab)
    rivals: dict[str, Callable[[], Layer]] = {
        "aaren": lambda: Aaren(width, heads=heads),
        "attention": lambda: SoftmaxAttention(width, heads=heads, rotary=False),
    }
    plan = Plan(scale.steps, scale.batch, 0.0, clip=1.0, every=scale.every, drops=scale.drops)
    held_out = Batch(*(torch.cat(parts) for parts in zip(task.valid(), task.test(), strict=True)))
    ends = {}
    for rival, make in rivals.items():

        def build(make: Callable[[], Layer] = make) -> Placed:
            return Placed([make() for _ in range(2)], task)

        end = ends[rival] = lab.tuned(rival, build, task, plan, scale.trial, scale.rates, (1.0,))
        figures[f"accuracy_{rival}"] = (
            math.nan if end.diverged else examine(end.network, held_out, task.objective)
        )
        figures[f"parameters_{rival}"] = sum(part.numel() for part in end.network.parameters())
    lab.show("accuracy", curve("Digits, pixel by pixel, two blocks", ends, "accuracy on the validation part"))
    return figures


@torch.no_grad()
def _equality(scale: Scale, lab: Lab) -> dict[str, float]:
    """The largest relative difference on random sequences of all lengths, with scores up to tens."""
    figures = {}
    for dtype in ROUNDING:
        layer = _random(scale, lab).to(lab.device, dtype)
        twin, differences = fixed(layer), []
        for time in scale.lengths:
            x = torch.randn(4, time, layer.inputs, generator=lab.generator()).to(lab.device, dtype)
            differences.append(_apart(layer(x)[0], twin(x)[0]))
        figures[f"difference_{name(dtype)}"] = max(differences)
    return figures


@torch.no_grad()
def _memory(scale: Scale, lab: Lab) -> dict[str, float]:
    """Bytes of state over time, and how far the streamed outputs lie apart."""
    layer = _random(scale, lab).to(lab.device)
    twins: dict[str, Layer] = {"aaren": layer, "attention": fixed(layer)}
    x = torch.randn(1, scale.streamed, layer.inputs, generator=lab.generator()).to(lab.device)
    bytes_, outputs = np.zeros((2, scale.streamed)), []
    for row, twin in enumerate(twins.values()):
        state, steps = twin.begin(1), []
        for t, now in enumerate(x.unbind(1)):
            y, state = twin.step(now, state)
            steps.append(y)
            bytes_[row, t] = sum(part.numel() * part.element_size() for part in leaves(state))
        outputs.append(torch.stack(steps, 1))
    time = np.arange(1.0, scale.streamed + 1)
    title = f"State of one layer of width {scale.width}"
    lab.show("memory", Curve(title, time, bytes_, tuple(twins), "step", "bytes", log=True))
    figures = {"streamed": float(scale.streamed), "difference_streamed": _apart(*outputs)}
    for row, rival in enumerate(twins):
        figures |= {f"bytes_{rival}_first": bytes_[row, 0], f"bytes_{rival}_last": bytes_[row, -1]}
    return {key: float(value) for key, value in figures.items()}


def _random(scale: Scale, lab: Lab) -> Aaren:
    """An Aaren of this seed with a query large enough that scores reach tens."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(lab.seed)
        layer = Aaren(scale.width, heads=scale.heads)
        nn.init.normal_(layer.query, std=20)
    return layer


def fixed(layer: Aaren) -> SoftmaxAttention:
    """Softmax attention with the keys, values and output map of an Aaren, and its query at every step."""
    twin = SoftmaxAttention(layer.width, layer.inputs, layer.heads, rotary=False).to(layer.query)
    with torch.no_grad():
        query = layer.ask(layer.query)
        twin.project.weight.copy_(
            torch.cat([torch.zeros_like(twin.project.weight[: layer.width]), layer.project.weight])
        )
        twin.project.bias.copy_(torch.cat([query, layer.project.bias]))
    twin.out = layer.out
    return twin


def _apart(a: Tensor, b: Tensor) -> float:
    """The largest difference, relative to the largest value."""
    return float((a - b).abs().max() / b.abs().max())


def name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
