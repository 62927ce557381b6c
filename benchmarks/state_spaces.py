"""How fast are the state space layers on this machine? Beside their peers, and beside their own loops.

    python benchmarks/state_spaces.py [--json PATH] [--repeats 3] [--shape 4 2048 256]

    mamba   forward and backward of one block, beside the block of `mambapy` with the same weights; and beside
            that of `transformers` (its slow path, which runs without a GPU) at an eighth of the length: its
            backward is quadratic in the length, and took more than five minutes at the whole
    s4d     forward and backward, beside the textbook program: the kernel as one large complex exponential,
            then a convolution by FFT
    aussm   forward and backward of the separable form, beside the loop over its steps

Peers are measured in the same run, in turn; a time is the median of the rounds, a ratio the median of the
ratios within a round, but for the loop, which is slow and called once.
The peers are in the extra `peers`; one that is not installed is left out, and the output says so.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from history import Comparison, Rival, compared, measured
from timing import Rows, error, machine, measure, ratio
from wavetrain.layers.state_space.aussm import AUSSM
from wavetrain.layers.state_space.mamba import Mamba
from wavetrain.layers.state_space.s4d import S4D
from wavetrain.scan import unroll

Forward = Callable[[Tensor], Tensor]
Rivals = dict[str, tuple[Forward, nn.Module]]
Figures = dict[str, dict[str, float]]


def both(forward: Forward, network: nn.Module, x: Tensor, grad: Tensor) -> tuple[Tensor, ...]:
    """Forward and backward: the output, and the gradients of the input and of every parameter."""
    y = forward(x)
    return y.detach(), *torch.autograd.grad(y, [x, *network.parameters()], grad)


def transformers_block(width: int) -> nn.Module:
    from transformers import MambaConfig
    from transformers.models.mamba.modeling_mamba import MambaMixer

    return MambaMixer(MambaConfig(hidden_size=width, use_bias=False, use_mambapy=False), layer_idx=0)


def mambapy_block(width: int) -> nn.Module:
    from mambapy.mamba import MambaBlock, MambaConfig

    return MambaBlock(MambaConfig(d_model=width, n_layers=1))


PEERS = {"mambapy": mambapy_block, "transformers": transformers_block}


def mambas(width: int) -> tuple[Rivals, list[str]]:
    """Our block and those of the peers with the same weights; and which peers are missing."""
    ours = Mamba(width)

    def first(x: Tensor) -> Tensor:
        return ours(x)[0]

    blocks: Rivals = {"ours": (first, ours)}
    missing = []
    for name, make in PEERS.items():
        try:
            block = make(width)
        except ImportError as error:
            missing.append(f"{name}: {error}")
            continue
        block.load_state_dict(ours.state_dict())
        blocks[name] = (block, block)
    return blocks, missing


def plain_fft(layer: S4D, x: Tensor) -> Tensor:
    """S4D as one writes it down: all powers of all modes at once, then the FFT of twice the length."""
    time = x.shape[1]
    rate, drive = layer._discrete()
    powers = (rate.unsqueeze(-1) * torch.arange(time)).exp()  # (D, N / 2, T)
    kernel = 2 * torch.einsum("dn,dnt->dt", torch.view_as_complex(layer.c) * drive, powers).real
    u = layer.encode(x).transpose(1, 2)  # (B, D, T)
    mixed = torch.fft.rfft(u, 2 * time) * torch.fft.rfft(kernel, 2 * time)
    v = torch.fft.irfft(mixed, 2 * time)[..., :time] + layer.skip.unsqueeze(-1) * u
    return layer.read(v.transpose(1, 2).unsqueeze(-1))


def table(
    title: str, rivals: Rivals, x: Tensor, repeats: int, once: tuple[str, ...] = ()
) -> tuple[Figures, Rows]:
    """Forward and backward of each beside the first; those that take a minute or so are called once."""
    grad = torch.randn(*x.shape)
    calls = {
        name: lambda forward=forward, network=network: both(forward, network, x, grad)
        for name, (forward, network) in rivals.items()
    }
    rows = measure({name: call for name, call in calls.items() if name not in once}, repeats)
    ours = next(iter(rivals))
    exact = calls[ours]()[0]
    figures: Figures = {}
    print(title)
    for name, call in calls.items():
        begun = time.perf_counter()
        apart = error((call()[0],), (exact,))[0]
        if name in once:
            rows[name] = [time.perf_counter() - begun]
        seconds = rows[name]
        middle = statistics.median(seconds)
        times = middle / statistics.median(rows[ours]) if name in once else ratio(rows, name, ours)
        figures[name] = {"ms": 1e3 * middle, "times ours": times, "apart": apart}
        print(f"  {name:14}{1e3 * middle:10.1f} ms{times:9.2f} times ours, outputs apart {apart:.1e}")
    for name in once:  # beside the median of ours, for the record
        rows[name] *= len(rows[ours])
    return figures, rows


BESIDE = {
    "mambapy": (Rival.PEER, "the block of mambapy, with the same weights"),
    "transformers": (Rival.PEER, "the block of transformers without its CUDA kernels, with the same weights"),
    "plain FFT": (Rival.LOOP, "the textbook program: all powers at once, then a convolution by FFT"),
    "loop": (Rival.LOOP, "a plain PyTorch loop over time"),
}


def comparisons(tables: dict[str, tuple[Figures, Rows]]) -> list[Comparison]:
    """What the record keeps of this script."""
    found = []
    for title, (_, rows) in tables.items():
        ours, *others = rows
        for other in others:
            rival, beside = BESIDE[other]
            name = f"{title}, forward + backward"
            found.append(compared(rows, name, rival, ours=ours, other=other, beside=beside))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--shape", type=int, nargs=3, default=[4, 2048, 256], metavar=("B", "T", "D"))
    options = parser.parse_args()
    torch.manual_seed(0)
    x = torch.randn(options.shape).requires_grad_()
    width = options.shape[-1]
    s4d, aussm = S4D(width), AUSSM(width)
    begin = aussm.begin(len(x))
    blocks, missing = mambas(width)
    part = x[:, : max(1, x.shape[1] // 8)].detach().requires_grad_()
    print(f"forward and backward at (B, T, D) = {tuple(options.shape)}, float32")
    for peer in missing:
        print(f"left out: {peer}")
    long = {name: block for name, block in blocks.items() if name != "transformers"}
    short = {name: block for name, block in blocks.items() if name != "mambapy"}
    tables = {
        "mamba": table("mamba", long, x, options.repeats),
        f"mamba, {part.shape[1]} steps": table(f"mamba, {part.shape[1]} steps", short, part, options.repeats),
        "s4d": table(
            "s4d",
            {"ours": (lambda x: s4d(x)[0], s4d), "plain FFT": (lambda x: plain_fft(s4d, x), s4d)},
            x,
            options.repeats,
        ),
        "aussm": table(
            "aussm",
            {
                "separable": (lambda x: aussm(x)[0], aussm),
                "loop": (lambda x: unroll(aussm.step, x, begin)[0], aussm),
            },
            x,
            options.repeats,
            once=("loop",),
        ),
    }
    words = machine()
    print(", ".join(f"{name} {value}" for name, value in words.items()))
    if options.json:
        figures = {title: one for title, (one, _) in tables.items()}
        setting = f"(B, T, D) = {tuple(options.shape)}, float32"
        found = {**figures, "shape": options.shape, "machine": words}
        found |= measured(setting, comparisons(tables), missing)
        options.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
