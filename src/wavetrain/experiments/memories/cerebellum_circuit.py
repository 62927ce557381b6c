"""Is the cerebellum, as a circuit, sparse distributed memory? What else does it touch when it learns?

Bricken and Pehlevan 2021, arXiv 2111.05498, map Kanerva's memory on the cerebellum part by part, and ask in a
talk for experiments on its cousin, the mushroom body of flies. Three things are asked of the circuit:

Bits. With the addresses of a sparse distributed memory as dendrites, are the signs of its Purkinje cells the
bits that the memory reads, at three radii, with few patterns and with many?

Tones. Two tones A and B, patterns of mossy fibres, are learned as left and right (+1 and -1); then B is
extinguished, and then learned as left. Each answer should move those synapses alone whose granule cell is
active. So the answer to A should move by what the answer to B moved, times the share of A's cells that are
B's too. A and B are drawn apart, or alike with a cosine of 1/2. Arms with as many units, on the same tones:

    few     Golgi cells leave 1% of the granule cells active        many    they leave a half
    trained two layers by backpropagation, by the rate and optimiser that need the fewest presentations on
            other tones, and of those the one that spares A most

One slider. The share of granule cells that two inputs both make active, over their cosine, is what a reading
weighs patterns by. At a radius of half the bits it should be 1/4 + arcsin(cos) / (2 pi), nearly a line, as
Hopfield's weights are; as the radius shrinks it should become an exponential, as those of softmax attention.
`straight` and `exponent` are how well lines fit it and its logarithm, R², for cosines from -1/2 to 1/2.
"""
# Above 300 lines: one file, since a claim is read beside its controls.

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from wavetrain.evidence.claims import Claim, Figure, Measured, Part
from wavetrain.evidence.picture import Curve
from wavetrain.experiments.memories._tones import (
    PHASES,
    Course,
    chosen,
    conditioned,
    law,
    moved,
    presentations,
    trained,
)
from wavetrain.memories.sparse_distributed import SparseDistributed
from wavetrain.networks.cerebellum import Cerebellum, Teaching, Winners, Within
from wavetrain.parts import balls
from wavetrain.train.lab import Lab

ARMS = ("few", "many", "trained")
TONES = {"apart": 0.0, "alike": 0.5}  # the cosine of A and B
RADII, LOADS = ("small", "middle", "wide"), ("light", "loaded")


def _rises(figures: Measured) -> bool:
    wide, middle, small = ("half", "116", "112")
    return (
        figures[f"straight_{wide}"] > figures[f"exponent_{wide}"]
        and all(figures[f"exponent_{one}"] > figures[f"straight_{one}"] for one in (middle, small))
        and figures[f"straight_{wide}"] > figures[f"straight_{middle}"] > figures[f"straight_{small}"]
        and figures[f"beta_{wide}"] < figures[f"beta_{middle}"] < figures[f"beta_{small}"]
    )


claim = Claim(
    title="The cerebellum is sparse distributed memory, and spares what rests",
    sentence="A circuit of mossy fibres, granule, Golgi and Purkinje cells reads the bits of sparse "
    "distributed memory; learning, extinguishing and relearning a tone moves the synapses of its few active "
    "cells alone and spares another; and the radius takes it from Hopfield's weights to those of softmax.",
    topic="Sparse distributed memory",
    source="Bricken and Pehlevan 2021, arXiv 2111.05498, the mapping on the cerebellum; the tests are ours",
    systems=("cerebellum", "sparse_distributed"),
    parts=(
        Part(
            says="At three radii, with few patterns and with many, at the widest more than fit, all its bits "
            "are those of sparse distributed memory.",
            holds=lambda figures: all(
                figures[f"same_{radius}_{load}"] == 1 for radius in RADII for load in LOADS
            ),
            figures=("same_*",),
            learned=False,
        ),
        Part(
            says="In all phases no synapse of a silent cell moves, and the answer to A moves by the share of "
            "its cells that B has too, times what the answer to B moves, to 1e-6, few cells active or many.",
            holds=lambda figures: figures["outside"] == 0 and figures["law"] <= 1e-6,
            figures=("outside", "law"),
            learned=False,
        ),
        Part(
            says="Extinguishing and relearning B, drawn apart, moves the answer to A by at most 0.1.",
            holds=lambda figures: figures["moved_few_apart"] <= 0.1,
            figures=("moved_few_apart",),
        ),
        Part(
            says="With half of the granule cells active, and in a network trained by backpropagation, it "
            "moves by at least three times as much, for tones apart and alike.",
            holds=lambda figures: all(
                figures[f"moved_{arm}_{tones}"] >= max(3 * figures[f"moved_few_{tones}"], 1e-9)
                for arm in ARMS[1:]
                for tones in TONES
            ),
            figures=("moved_*",),
        ),
        Part(
            says="At half of all bits the share of cells that two inputs have in common is 1/4 + arcsin(cos) "
            "/ (2 pi) to 0.01 everywhere, and a line to an R² of 0.999 for cosines up to 1/2.",
            holds=lambda figures: figures["arcsine"] <= 0.01 and figures["straight_half"] >= 0.999,
            figures=("arcsine", "straight_half"),
            learned=False,
        ),
        Part(
            says="As the radius shrinks from there, to 116 and 112 of 255 bits, a line fits worse and worse, "
            "an exponential better than a line, and its slope grows.",
            holds=_rises,
            figures=("straight_*", "exponent_*", "beta_*"),
            learned=False,
        ),
    ),
    figures=(
        Figure(
            name="same_{radius}_{load}",
            says="bits as sparse distributed memory has them, {radius} radius, {load}",
            unit="share",
        ),
        Figure(name="outside", says="synapses of silent cells that moved, all phases", unit="count"),
        Figure(name="law", says="answer to A beside what the shared cells say, largest gap", unit="rate"),
        Figure(
            name="moved_{arm}_{tones}",
            says="answer to A moved by extinguishing and relearning B, {arm}, {tones}",
            unit="rate",
        ),
        Figure(name="shared_{arm}_{tones}", says="cells of A that are B's too, {arm}, {tones}", unit="share"),
        Figure(
            name="presented_{arm}_{tones}_{phase}",
            says="presentations of B, {arm}, {tones}, {phase}",
            unit="count",
        ),
        Figure(name="arcsine", says="shared cells beside the arcsine, largest gap", unit="share"),
        Figure(name="straight_{radius}", says="R² of a line in the cosine, {radius}", unit="R²"),
        Figure(name="exponent_{radius}", says="R² of an exponential, {radius}", unit="R²"),
        Figure(name="beta_{radius}", says="slope of the exponential, {radius}", unit="per cosine"),
    ),
    names={
        "few": "1% of the granule cells active",
        "many": "half of the granule cells active",
        "half": "radius of half the bits",
        "116": "radius 116",
        "112": "radius 112",
        "trained": "backpropagation",
        "apart": "tones apart",
        "alike": "tones alike",
        "loaded": "many patterns",
        "light": "few patterns",
        "learn": "learning B",
        "extinguish": "extinguishing B",
        "relearn": "relearning B",
    },
    notes="The equality of bits and the law of shared cells follow from the equations; that they hold of the "
    "program is what is tested. Tones are normal, so that no cells tie. A rate of 1/2 halves what is missing "
    "at each presentation, so that three bring an answer within 0.2 of what is asked.",
)


@dataclass(frozen=True, kw_only=True)
class Scale:
    size: int = 256  # bits of a pattern
    values: int = 64  # bits of what is under it
    neurons: int = 10_000
    radii: tuple[int, ...] = (104, 108, 112)
    light: int = 50  # patterns
    loaded: int = 600
    wrong: int = 20  # bits of a cue
    mossy: int = 100
    granule: int = 2000
    pairs: int = 10  # of tones
    most: int = 20  # presentations of a phase
    bits: int = 255  # odd, so that half of them has no ties
    cells: int = 100_000
    inputs: int = 128  # pairs of inputs at each distance
    smaller: tuple[int, ...] = (116, 112)


smoke = Scale(
    size=32,
    values=5,
    neurons=100,
    radii=(11, 12, 13),
    light=3,
    loaded=8,
    wrong=3,
    mossy=10,
    granule=100,
    pairs=2,
    most=3,
    cells=500,
    inputs=4,
)
small = Scale()
full = Scale(
    size=1000, radii=(441, 451, 461), neurons=100_000, light=500, loaded=5000, wrong=78, cells=1_000_000
)


def run(scale: Scale, lab: Lab) -> dict[str, float]:
    with torch.no_grad():
        figures = _bits(scale, lab)
        figures |= _slider(scale, lab)
    return figures | _tones(scale, lab)


def exact(scale: Scale, lab: Lab) -> dict[str, float]:
    """The curves of the slider from the exact count of shared addresses."""
    apart = _apart(scale)
    figures: dict[str, float] = {}
    for radius in (scale.bits // 2, *scale.smaller):
        count = balls.circle(scale.bits, radius)
        share = np.array([count[bits] / 2**scale.bits for bits in apart])
        figures |= _fits(_name(scale, radius), scale, share)
        if radius == scale.bits // 2:
            figures["arcsine"] = _arcsine(scale, share)
    return figures


def _normal(lab: Lab, *shape: int, other: int = 0) -> Tensor:
    """Draws for a use of their own, of this seed."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(2**20 * (1 + other) + lab.seed))


@contextmanager
def _own(lab: Lab) -> Iterator[None]:
    """Draws of this seed that are no patterns: with the lab's own generator, dendrites would be."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2**31 + lab.seed)
        yield


def _bits(scale: Scale, lab: Lab) -> dict[str, float]:
    """The share of bits that circuit and memory have alike."""
    figures = {}
    for name, radius in zip(RADII, scale.radii, strict=True):
        with _own(lab):
            memory = SparseDistributed(scale.size, scale.values, scale.neurons, radius).to(lab.device)
            network = Cerebellum(
                scale.size,
                scale.values,
                granule=scale.neurons,
                claws=None,
                golgi=Within(radius),
                teaching=Teaching.ADD,
            ).to(lab.device)
        network.dendrites.copy_(memory.address)
        key = _normal(lab, 1, scale.loaded, scale.size).sign().to(lab.device)
        value = _normal(lab, 1, scale.loaded, scale.values, other=1).sign().to(lab.device)
        cue = key[:, : scale.light].clone()
        cue[..., : scale.wrong] *= -1
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "SparseDistributed: .* more than")  # which is the point
            stored, synapses, written = memory.empty(1), None, 0
            for load, many in zip(LOADS, (scale.light, scale.loaded), strict=True):
                now = slice(written, many)
                stored, written = memory.write(stored, key[:, now], value[:, now]), many
                _, synapses = network.carry(network.said(key[:, now], value[:, now]), synapses)
                rates, _ = network.carry(network.said(cue), synapses)
                alike = rates.sign() == memory.read(stored, cue).sign()
                figures[f"same_{name}_{load}"] = float(alike.double().mean())
    return figures


def drawn(scale: Scale, lab: Lab, cosine: float, use: int) -> Tensor:
    """Pairs of tones (pairs, 2, mossy) whose cosine is that in the mean."""
    tones = _normal(lab, scale.pairs, 2, scale.mossy, other=use).double().to(lab.device)
    tones[:, 1] = cosine * tones[:, 0] + math.sqrt(1 - cosine**2) * tones[:, 1]
    return tones


def _tones(scale: Scale, lab: Lab) -> dict[str, float]:
    figures = {"outside": 0.0, "law": 0.0}
    winners = {"few": max(1, scale.granule // 100), "many": scale.granule // 2}
    for name, cosine in TONES.items():
        tones, courses = drawn(scale, lab, cosine, 3), {}
        with torch.no_grad():
            for arm, active in winners.items():
                with _own(lab):
                    network = Cerebellum(
                        scale.mossy, 1, granule=scale.granule, golgi=Winners(active), rate=0.5
                    )
                network = network.double().to(lab.device)
                course = courses[arm] = conditioned(network, tones, scale.most)
                share = network.active(tones).all(1).sum(-1) / active
                figures[f"shared_{arm}_{name}"] = float(share.mean())
                figures["outside"] += course.outside
                figures["law"] = max(figures["law"], law(course, share))
        best = chosen(drawn(scale, lab, cosine, 2), scale.granule, scale.most, lab.seed)
        courses["trained"] = trained(tones, scale.granule, scale.most, best, lab.seed)
        for arm, course in courses.items():
            figures[f"moved_{arm}_{name}"] = moved(course)
            for phase, many_shown in zip(PHASES, presentations(course), strict=True):
                figures[f"presented_{arm}_{name}_{phase}"] = many_shown
        _show_tones(scale, lab, courses, name)
    return figures


def _show_tones(scale: Scale, lab: Lab, courses: dict[str, Course], tones: str) -> None:
    shown = min(scale.most, 10)
    lines, labels = [], []
    for arm in ARMS:
        seen = courses[arm].answers[:, : shown + 1].mean(2)  # (phases, shown + 1, 2)
        for tone, name in enumerate("AB"):
            lines.append(seen[..., tone].flatten().cpu().numpy())
            labels.append(f"{name}, {claim.names[arm]}")
    axis = np.arange(len(lines[0]), dtype=float)
    title = (
        f"{claim.names[tones].capitalize()}: B is learned, extinguished and relearned, mean of {scale.pairs}"
    )
    what = "presentations of B (right, then nothing, then left)"
    lab.show(f"tones_{tones}", Curve(title, axis, np.stack(lines), tuple(labels), what, "answer (left is 1)"))


def _apart(scale: Scale) -> list[int]:
    """Distances in bits whose cosines go from -1 to 1."""
    return [round(scale.bits * part / 32) for part in range(33)]


def _name(scale: Scale, radius: int) -> str:
    return "half" if radius == scale.bits // 2 else str(radius)


def _slider(scale: Scale, lab: Lab) -> dict[str, float]:
    """How many granule cells two inputs share, at each distance and radius."""
    with _own(lab):
        network = Cerebellum(scale.bits, 1, granule=scale.cells, claws=None).to(lab.device)
    first = _normal(lab, scale.inputs, scale.bits, other=4).sign().to(lab.device)
    radii = (scale.bits // 2, *scale.smaller)
    share = np.zeros((len(radii), len(_apart(scale))))
    drive = first @ network.dendrites.T
    for place, bits in enumerate(_apart(scale)):
        second = first.clone()
        second[:, :bits] *= -1
        beside = second @ network.dendrites.T
        for row, radius in enumerate(radii):
            within = Within(radius)
            both = within(drive, scale.bits) & within(beside, scale.bits)
            share[row, place] = float(both.double().mean())
    figures = {"arcsine": _arcsine(scale, share[0])}
    for row, radius in enumerate(radii):
        figures |= _fits(_name(scale, radius), scale, share[row])
    cosine = 1 - 2 * np.array(_apart(scale)) / scale.bits
    of = share / share[:, :1]
    lines = np.where(of > 0, of, np.nan)
    curve = (0.25 + np.arcsin(cosine) / (2 * np.pi)) / 0.5
    lines = np.vstack([lines, np.where(curve > 0, curve, np.nan)])
    labels = (*(f"radius {radius} of {scale.bits} bits" for radius in radii), "arcsine, half of all")
    title = f"What a reading weighs a pattern by, {scale.cells} granule cells"
    ylabel = "share of cells in common"
    lab.show("slider", Curve(title, cosine, lines, labels, "cosine of two inputs", ylabel, log=True))
    return figures


def _arcsine(scale: Scale, share: np.ndarray) -> float:
    cosine = 1 - 2 * np.array(_apart(scale)) / scale.bits
    return float(np.abs(share - 0.25 - np.arcsin(cosine) / (2 * np.pi)).max())


def _fits(name: str, scale: Scale, share: np.ndarray) -> dict[str, float]:
    """How well a line and an exponential fit shares of cells over cosines from -1/2 to 1/2, and the slope."""
    cosine = 1 - 2 * np.array(_apart(scale)) / scale.bits
    there = (np.abs(cosine) <= 0.51) & (share > 0)
    if there.sum() < 3:
        return {f"{what}_{name}": math.nan for what in ("straight", "exponent", "beta")}
    x, y = cosine[there], share[there]
    straight, exponent = (float(np.corrcoef(x, one)[0, 1] ** 2) for one in (y, np.log(y)))
    beta = float(np.polyfit(x, np.log(y), 1)[0])
    return {f"straight_{name}": straight, f"exponent_{name}": exponent, f"beta_{name}": beta}
