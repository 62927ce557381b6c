"""Are dilated convolutions in front of chunked attention faster than moving averages by FFT?

Terzic et al. 2023 (TCNCA), arXiv 2312.05605, against Ma et al. 2022 (MEGA), arXiv 2209.10655. Two things are
timed at each length: whole layers from the first state, and `mixing`, the one thing in which they differ:
moving averages at 16 rates by FFT, and a stack of dilated filters, as many as see the whole length. Both
layers see the same sequences and have the same attention in chunks of 128. They are timed in turn, round
after round, forward and backward apart; a figure is the median over rounds of MEGA's time over TCNCA's.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain import scan
from wavetrain.evidence.claims import Claim, Figure, Part
from wavetrain.evidence.picture import Curve
from wavetrain.layers.attention.mega import MEGA
from wavetrain.layers.convolution.tcnca import TCNCA
from wavetrain.train.lab import Lab

Rounds = list[list[list[list[float]]]]  # (rounds, layer or mixing, MEGA or TCNCA, forward or backward)


claim = Claim(
    title="TCNCA layers are faster than MEGA layers on long sequences",
    sentence="At the longest length a TCNCA layer, with dilated convolutions, is faster than a MEGA layer, "
    "with moving averages by FFT, both forward and backward.",
    topic="Temporal convolutions",
    source="Terzic et al. 2023, arXiv 2312.05605, abstract (forward, backward: EnWik8; mixing: the largest "
    "ratios, up to length 131,000)",
    systems=("tcnca", "mega"),
    parts=(
        Part(
            says="Forward, a TCNCA layer takes less time than a MEGA layer at the longest length.",
            holds=lambda figures: figures["forward"] > 1,
            stronger="1.37 times faster on EnWik8",
            figures=("forward", "mixing_forward"),
        ),
        Part(
            says="Backward, a TCNCA layer takes less time than a MEGA layer at the longest length.",
            holds=lambda figures: figures["backward"] > 1,
            stronger="1.24 times faster on EnWik8",
            figures=("backward", "mixing_backward"),
        ),
    ),
    published={"forward": 1.37, "backward": 1.24, "mixing_forward": 7.07, "mixing_backward": 2.86},
    figures=(
        Figure(
            name="seconds_{layer}",
            says="forward and backward pass of a {layer} layer, longest length",
            unit="seconds",
        ),
        Figure(
            name="{what:mixing_|}{way:forward|backward}_{length}",
            says="{what}, {way}, length {length}",
            unit="MEGA's time over TCNCA's",
        ),
        Figure(
            name="{what:mixing_|}{way:forward|backward}",
            says="{what}, {way}, longest length",
            unit="MEGA's time over TCNCA's",
        ),
    ),
    names={"mixing_": "mixing alone", "": "whole layer"},
    notes="A figure is MEGA's time over TCNCA's. Tested is that whole layers are faster at all, which is "
    "weaker than the published 1.37 and 1.24 times; the ratios of mixing alone are reported and decide "
    "nothing. The paper's times are a GPU's, of kernels and sizes that are not known to us: our TCNCA is a "
    "re-design, with five taps, dilations that grow fourfold, and channels mixed at each level. On the CPU "
    "averages run by PyTorch's FFT, as in the paper, and filters in a fused kernel.",
    changed=("The fused kernel of the filters was written after a first pilot with PyTorch's convolution.",),
)


@dataclass(frozen=True, kw_only=True)
class Scale:
    lengths: tuple[int, ...]  # ascending
    rounds: int
    batch: int = 4
    width: int = 32


smoke = Scale(lengths=(16, 32), rounds=2, width=4)
small = Scale(lengths=(512, 2048, 8192, 32768), rounds=5)
full = Scale(lengths=tuple(2**power for power in range(9, 18)), rounds=20, width=128)


def run(scale: Scale, lab: Lab) -> dict[str, float]:
    times = np.array(_measured(scale, lab))  # one more axis, that of lengths, in front
    ratios = np.median(times[..., 0, :] / times[..., 1, :], 1).reshape(-1, 4)
    names = ("forward", "backward", "mixing_forward", "mixing_backward")
    title = f"MEGA's time over TCNCA's, {scale.batch} sequences of width {scale.width}"
    lengths = np.array(scale.lengths, dtype=float)
    lab.show("ratio", Curve(title, lengths, ratios.T, names, "length (steps)", "ratio"))
    figures = dict(zip(names, map(float, ratios[-1]), strict=True))
    for length, row in zip(scale.lengths, ratios, strict=True):
        figures |= {f"{name}_{length}": float(value) for name, value in zip(names, row, strict=True)}
    both = np.median(times[-1, :, 0].sum(-1), 0)  # forward and backward of whole layers
    return figures | {"seconds_mega": float(both[0]), "seconds_tcnca": float(both[1])}


def _measured(scale: Scale, lab: Lab) -> list[Rounds]:
    """The times at each length; measured once in the life of the run's folder."""
    path = lab.folder / "times.json"
    if not path.exists():
        new = path.with_suffix(".new")
        new.write_text(json.dumps([_rounds(length, scale, lab) for length in scale.lengths]))
        new.replace(path)
    return json.loads(path.read_text())


def _rounds(length: int, scale: Scale, lab: Lab) -> Rounds:
    """Seconds at one length, round after round."""
    levels = next(levels for levels in range(1, 20) if TCNCA(1, levels=levels).reach >= length)
    mega, tcnca = MEGA(scale.width).to(lab.device), TCNCA(scale.width, levels=levels).to(lab.device)
    x = torch.randn(scale.batch, length, scale.width, generator=lab.generator()).to(lab.device)

    def average(x: Tensor) -> Tensor:
        return scan.convolve(x, mega.kernel(length))

    def dilate(x: Tensor) -> Tensor:
        for kernel, gap, past in zip(tcnca.kernel, tcnca.dilations, tcnca.begin(len(x))[0], strict=True):
            x, _ = scan.dilated(x, past, kernel.unsqueeze(1), gap)
        return x

    def whole(x: Tensor) -> Tensor:
        """MEGA's forward without what a first and a last state cost it."""
        return mega.attend(x, F.silu(average(x) + mega.omega * x), mega.attend.begin(len(x)))[0]

    rounds = []
    for _ in range(scale.rounds):
        layers = [_time(whole, x, mega), _time(lambda x: tcnca(x)[0], x, tcnca)]
        rounds.append([layers, [_time(average, x, mega), _time(dilate, x, tcnca)]])
    return rounds


def _time(call: Callable[[Tensor], Tensor], x: Tensor, owner: nn.Module) -> list[float]:
    """Seconds forward, and backward to the input and all parameters: those of the second of two calls."""
    x, grad = x.detach().requires_grad_(), torch.ones_like(x)
    for _ in range(2):  # the first finds caches and memory as another call left them
        begun = _now(x)
        y = call(x)
        between = _now(x)
        torch.autograd.grad(y, [x, *owner.parameters()], grad, allow_unused=True)
        end = _now(x)
    return [between - begun, end - between]


def _now(x: Tensor) -> float:
    if x.is_cuda:
        torch.cuda.synchronize(x.device)
    return time.perf_counter()
