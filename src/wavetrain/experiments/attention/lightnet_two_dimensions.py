"""Does one scan with additive decay do for images what four scans with multiplicative decay do?

Qin et al. 2024, arXiv 2405.21022: with additive decay (LightNet) the form that looks both ways is one
normalisation over all tokens, whatever their order, so that an image takes one scan. With multiplicative
decay what a token sees depends on the order, so that several scans in several directions are needed. MNIST's
digits are grids of tokens, each a square patch of pixels. Networks of two blocks differ in one thing: what is
kept of the past and at what weight a token is added, both made from the same keys k.

    one_scan    additive: all tokens at once, each at the weight of a softmax of k over all of them
    one_decay   row by row: the past is kept at sigmoid(k), a token added at the weight 1 - sigmoid(k)
    four_scans  the same by rows and by columns, from either end, summed

MD-TPE follows the encoder, and MD-LRPE goes with queries and weights, but for `plain`, which is one_scan
without either and decides nothing. Decays start at memories from 2 tokens to all. All rivals get the same
parameters, batches, budget and search: each learning rate for `trial` steps, the lowest training loss wins.
As the validation part chooses nothing, it is scored together with the test part: 13,000 images. `order` is
how far the output of a scan moves, on random tokens without places, when columns go before rows.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain import scan
from wavetrain.core import Batch, Recorded
from wavetrain.data.images.digits import digits
from wavetrain.data.images.mnist import mnist
from wavetrain.evidence.claims import Claim, Figure, Measured, Part
from wavetrain.layers.attention.lightnet import TPE, LightNet, lrpe, one_scan
from wavetrain.parts.stack import GatedLinear
from wavetrain.train.fit import examine
from wavetrain.train.lab import Lab, Plan, curve

Mix = Callable[[Tensor, Tensor, Tensor, bool], Tensor]  # queries, keys, values of a grid, with places or not
LEARNED, MARGIN, ROUNDING = 0.8, 0.02, 1e-5


def _level_with_four(figures: Measured) -> bool | None:
    if figures["four_scans"] < LEARNED:
        return None
    return figures["one_scan"] >= figures["four_scans"] - MARGIN


def _ahead_of_one(figures: Measured) -> bool | None:
    return None if figures["four_scans"] < LEARNED else figures["one_scan"] > figures["one_decay"]


claim = Claim(
    title="One additive scan reads an image as well as four scans with decay",
    sentence="On images of digits LightNet's one additive scan is at most 2 points behind four scans with "
    "multiplicative decay, from all directions, and ahead of one such scan; and the order of its tokens "
    "does not matter.",
    topic="Attention",
    source="Qin et al. 2024, arXiv 2405.21022 (image classification, on ImageNet)",
    systems=("lightnet", "digits", "mnist"),
    parts=(
        Part(
            says="One additive scan is at most 2 points behind four scans with decay.",
            holds=_level_with_four,
            figures=("one_scan", "four_scans"),
        ),
        Part(
            says="One additive scan is ahead of one scan with decay.",
            holds=_ahead_of_one,
            figures=("one_scan", "one_decay"),
        ),
        Part(
            says="The order of the tokens leaves an additive scan as it is, to 1e-5, and changes a scan "
            "with decay.",
            holds=lambda figures: figures["order_one_scan"] <= ROUNDING < figures["order_one_decay"],
            figures=("order_*",),
            learned=False,
        ),
    ),
    published={"one_scan": "on par with models of several scans"},
    figures=(
        Figure(
            name="order_{net}",
            says="change of the output when columns go before rows, {net}",
            unit="share of the largest output",
        ),
        Figure(
            name="{net:one_scan|one_decay|four_scans|plain}",
            says="digits read right, {net}",
            unit="share",
        ),
    ),
    names={
        "one_scan": "one additive scan",
        "one_decay": "one scan with decay",
        "four_scans": "four scans with decay",
        "plain": "one additive scan without places",
    },
    notes="The paper's tables, and its code for places in two dimensions, could not be read; the code for "
    "places and the margin are ours. Where four scans get fewer than 80% of the digits right, nothing is "
    "decided on accuracy.",
    changed=(
        "On scikit-learn's 600 held-out digits one seed of three satisfied the predicate, with differences "
        "as large as the noise; so the small scale became MNIST in patches of 4 x 4 pixels. There one of "
        "the first three did, so there are seven seeds.",
        "The MLP of a block was a plain one at first; it is now gated, as published.",
        "The part on the order is judged whether or not four scans learned to read digits; before, the "
        "whole claim was undecided where they did not.",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Scale:
    read: Callable[[], Recorded]
    side: int  # of the images, in patches
    patch: int  # side of a patch, in pixels
    steps: int
    trial: int
    batch: int
    every: int
    width: int = 32
    heads: int = 2
    rates: tuple[float, ...] = (1e-2, 3e-3)
    drops: tuple[tuple[int, float], ...] = ()


smoke = Scale(read=digits, side=4, patch=2, steps=4, trial=2, batch=4, every=2, width=8, rates=(3e-3,))
small = Scale(read=mnist, side=7, patch=4, steps=1100, trial=100, batch=32, every=100, drops=((900, 5),))
full = Scale(
    read=mnist,
    side=14,
    patch=2,
    steps=53_500,
    trial=4_460,
    batch=128,
    every=446,
    width=192,
    heads=6,
    rates=(3e-3, 1e-3, 3e-4),
    drops=((44_600, 5),),
)


class Block(nn.Module):
    """The maps of a LightNet layer around a way to mix, and its gated MLP, on the stream (B, R, C, D)."""

    def __init__(self, mix: Mix, places: bool, scale: Scale):
        super().__init__()
        self.mix, self.places, width = mix, places, scale.width
        self.layer = LightNet(width, heads=scale.heads)
        self.before, self.after = (nn.RMSNorm(width, eps=1e-6) for _ in range(2))
        self.mlp = GatedLinear(width)
        if mix is not additive:
            most = math.log(scale.side**2 - 1)  # of which the sigmoid is 1 - 1 / tokens
            memory = torch.linspace(0, most, width // scale.heads).repeat(scale.heads)
            self.layer.project.bias.data[width : 2 * width] = memory

    def forward(self, stream: Tensor) -> Tensor:
        x = self.before(stream)
        maps = self.layer.project(x).unflatten(-1, (3, self.layer.heads, -1))  # (B, R, C, 3, H, P)
        q, k, v = maps.permute(3, 0, 4, 1, 2, 5).flatten(1, 2)  # (B H, R, C, P)
        mixed = self.mix(F.silu(q), k, v, self.places).unflatten(0, (len(x), -1))
        mixed = mixed.movedim(1, -2).flatten(-2) * self.layer.gate(x).sigmoid()  # (B, R, C, D)
        stream = stream + self.layer.read(mixed.unsqueeze(-1))
        return stream + self.mlp(self.after(stream))


class Network(nn.Module):
    """Pixels (B, side patch side patch, 1) to classes: encoder, MD-TPE, two blocks, mean over tokens."""

    def __init__(self, mix: Mix, places: bool, task: Recorded, scale: Scale):
        super().__init__()
        self.places, self.side, self.patch, width = places, scale.side, scale.patch, scale.width
        self.encode, self.filter = nn.Linear(scale.patch**2, width), TPE(width, heads=scale.heads)
        self.blocks = nn.Sequential(*[Block(mix, places, scale) for _ in range(2)])
        self.decode = nn.Sequential(nn.RMSNorm(width, eps=1e-6), nn.Linear(width, task.outputs))

    def forward(self, x: Tensor) -> Tensor:
        grid = x.view(len(x), self.side, self.patch, self.side, self.patch)
        patches = grid.transpose(2, 3).flatten(3)  # (B, R, C, pixels)
        stream = self.encode(patches)
        if self.places:
            stream = stream + self.filter(stream)
        return self.decode(self.blocks(stream).mean((1, 2)))


def additive(q: Tensor, k: Tensor, v: Tensor, places: bool) -> Tensor:
    return one_scan(q, k, v, places)


def one_decay(q: Tensor, k: Tensor, v: Tensor, places: bool) -> Tensor:
    """Row by row, from the first token to the last."""
    return _decay(q, k, v, places, [(False, False)])


def four_decays(q: Tensor, k: Tensor, v: Tensor, places: bool) -> Tensor:
    """By rows and by columns, from either end."""
    return _decay(q, k, v, places, [(False, False), (False, True), (True, False), (True, True)])


def _decay(q: Tensor, k: Tensor, v: Tensor, places: bool, ways: list[tuple[bool, bool]]) -> Tensor:
    """The sum of scans of q and k (B, R, C, K) and v (B, R, C, P), by columns or not, backward or not."""
    weight, keep = (-k).sigmoid(), F.logsigmoid(k)
    if places:
        q, weight = lrpe(q), lrpe(weight)
        keep = torch.cat([part for axis in keep.tensor_split(2, -1) for part in (axis, axis)], -1)
    total = torch.zeros_like(v)
    for way in ways:
        laid = _lay(v, *way)
        query, key, value, decay = (
            _lay(part, *way).flatten(1, 2).unsqueeze(2) for part in (q, weight, v, keep)
        )
        y, _ = scan.chunked(query, key, value, decay, size=4)  # (B, R C, 1, P)
        total = total + _lay(y.view(laid.shape), *way)
    return total


def _lay(grid: Tensor, columns: bool, backward: bool) -> Tensor:
    """The grid as it is to be read; done twice, it is as it was."""
    grid = grid.flip(1, 2) if backward else grid
    return grid.transpose(1, 2) if columns else grid


def run(scale: Scale, lab: Lab) -> dict[str, float]:
    task = scale.read()
    held_out = Batch(*(torch.cat(parts) for parts in zip(task.valid(), task.test(), strict=True)))
    rivals = {"one_scan": additive, "one_decay": one_decay, "four_scans": four_decays, "plain": additive}
    plan = Plan(scale.steps, scale.batch, 0.0, clip=1.0, every=scale.every, drops=scale.drops, held_out=1000)
    figures, ends = {}, {}
    for rival, mix in rivals.items():

        def build(mix: Mix = mix, places: bool = rival != "plain") -> Network:
            return Network(mix, places, task, scale)

        end = ends[rival] = lab.tuned(rival, build, task, plan, scale.trial, scale.rates, (1.0,))
        figures[rival] = math.nan if end.diverged else examine(end.network, held_out, task.objective)
    for rival in ("one_scan", "one_decay"):
        figures[f"order_{rival}"] = order(rivals[rival], lab.generator())
    lab.show("accuracy", curve("Digits as grids, two blocks", ends, "accuracy on the validation part"))
    return figures


def order(mix: Mix, generator: torch.Generator) -> float:
    """How far outputs move when columns go before rows, relative to the largest: 8 random grids of 8 x 8."""
    q, k, v = torch.randn(3, 8, 8, 8, 16, generator=generator)
    rows = mix(q, k, v, False)
    columns = mix(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), False).transpose(1, 2)
    return float((columns - rows).abs().max() / rows.abs().max())
