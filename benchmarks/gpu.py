"""How fast are the recurrences on a GPU? After `--seconds` no other case begins.

    python benchmarks/gpu.py [--json PATH] [--rounds 7] [--only TEXT] [--seconds 540]

Each case of gpu_cases.py: first the errors against float64, of the definition where it takes the same inputs
and of the kernel itself otherwise; a case whose error is larger than its numbers can explain is reported and
gives no time. Errors are of all numbers together, the root of the mean square over that of the exact ones: a
rectifier or a threshold that rounding opens changes a few gradients by as much as they are large.

Then kernel, portable parallel form, plain walk, and a copy that moves the bytes that no kernel could avoid,
in turn, round after round; the cache is overwritten before each. Then whole models: the training step of
adding, an epoch of sequential digits with the wave RNN, and the GRU that Newton's method unrolls. What there
is no more time for is named. Other libraries are timed where they are installed.
"""

import argparse
import functools
import gc
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from beside.on_gpu import PEERS
from gpu_cases import CASES, HALF, Case
from history import Comparison, Rival, compared, measured
from timing import Rows, error
from training_step import CHANNELS, RING, PerStep, same_start
from wavetrain import scan
from wavetrain.layers import ParaGRU, WaveRNN
from wavetrain.parts.reader import Reader
from wavetrain.tasks.recall.adding import Adding

WAYS = ("forward", "forward + backward")
LOOSE = {HALF: 3e-2, torch.float32: 1e-2, torch.complex64: 1e-2}  # after thousands of steps
CACHE = 2**28  # bytes that are overwritten before each call
IMAGES, BATCH = 60_000, 64  # of an epoch of sequential digits, and of a step

Call = Callable[[], object]


class Clock:
    """Seconds of calls on a device, until the time that it was given is over."""

    def __init__(self, device: torch.device, seconds: float):
        self.device, self.end = device, time.perf_counter() + seconds
        self.cache = torch.empty(CACHE if device.type == "cuda" else 1, dtype=torch.int8, device=device)

    def over(self) -> bool:
        return time.perf_counter() > self.end

    def once(self, call: Call) -> float:
        self.cache.zero_()
        if self.device.type != "cuda":
            begun = time.perf_counter()
            call()
            return time.perf_counter() - begun
        first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        first.record()
        call()
        last.record()
        torch.cuda.synchronize(self.device)
        return first.elapsed_time(last) / 1e3

    def rounds(self, calls: dict[str, Call], rounds: int) -> Rows:
        """Seconds of each, round after round; all are called once before."""
        for call in calls.values():
            self.once(call)
        rows: Rows = {name: [] for name in calls}
        for _ in range(rounds):
            for name, call in calls.items():
                rows[name].append(self.once(call))
        return rows


def lesson(case: Case, inputs: list[Tensor], grad: Tensor | None) -> tuple[Tensor, ...]:
    """What the case gives, and the gradients where one is handed over."""
    if grad is None:
        with torch.no_grad():
            return (case.run(*inputs),)
    y = case.run(*inputs)
    return y.detach(), *torch.autograd.grad(y, [x for x in inputs if x.requires_grad], grad)


def wide(x: Tensor) -> Tensor:
    kind = torch.complex128 if x.is_complex() else torch.float64
    kept = x.detach().to(kind) if x.is_floating_point() or x.is_complex() else x
    return kept.requires_grad_(x.requires_grad)


def errors(case: Case, inputs: list[Tensor], grad: Tensor | None) -> list[float]:
    """Those of each result against float64: the norm of the difference over the norm of the exact one."""
    found = lesson(case, inputs, grad)
    exact = [wide(x) for x in inputs], None if grad is None else wide(grad).detach()
    if case.defined:
        with scan.only_plain():
            expected = lesson(case, *exact)
    else:
        expected = lesson(case, *exact)
    pairs = zip(found, expected, strict=True)
    return [float((y.to(own.dtype) - own).norm() / own.norm()) for y, own in pairs]


def timed(
    case: Case, device: torch.device, clock: Clock, rounds: int
) -> tuple[dict[str, Any], list[Comparison]]:
    """One case: its errors, its times, and what they are compared with."""
    torch.manual_seed(0)
    inputs = case.inputs(device)
    out = lesson(case, inputs, None)[0]
    grad = torch.randn_like(out) if any(x.requires_grad for x in inputs) else None
    del out
    wrong = errors(case, inputs, grad)
    print(f"{case.name}: errors against float64 " + ", ".join(f"{x:.1e}" for x in wrong), flush=True)
    figures: dict[str, Any] = {"errors": wrong, "ms": {}}
    kinds = [x.dtype for x in inputs if x.dtype in LOOSE]
    if max(wrong) > max(LOOSE[kind] for kind in kinds):
        figures["refused"] = "its error is too large"
        print("  refused: its error is too large")
        return figures, []
    comparisons = []
    for way, least in zip(WAYS[: 2 if grad is not None else 1], case.minimum, strict=False):
        given = grad if way == WAYS[1] else None
        ours = functools.partial(lesson, case, inputs, given)
        half = torch.empty(least // 2, dtype=torch.int8, device=device)
        other = torch.empty_like(half)
        calls: dict[str, Call] = {"ours": ours, "floor": functools.partial(other.copy_, half)}
        if case.defined:
            calls["walk"] = functools.partial(_under, scan.only_plain, ours)
            if _route(case, inputs) == "parallel":
                calls["parallel form"] = functools.partial(_under, lambda: scan.only("parallel"), ours)
        rows = clock.rounds(calls, rounds)
        del half, other
        what = f"{case.name}, {way}"
        middle = {name: 1e3 * statistics.median(seconds) for name, seconds in rows.items()}
        share = statistics.median(a / b for a, b in zip(rows["floor"], rows["ours"], strict=True))
        print(
            f"  {way:20}"
            + ", ".join(f"{name} {ms:.3f} ms" for name, ms in middle.items())
            + f"; {100 * share:.0f}% of a copy",
            flush=True,
        )
        figures["ms"][way], figures[f"{way}, share of a copy"] = middle, share
        beside = "a copy that moves as few bytes as can be"
        comparisons.append(compared(rows, what, Rival.FLOOR, ours="ours", other="floor", beside=beside))
        loops = {"walk": "the same step by step in PyTorch", "parallel form": "the portable parallel form"}
        comparisons += [
            compared(rows, what, Rival.LOOP, ours="ours", other=name, beside=words)
            for name, words in loops.items()
            if name in rows
        ]
    return figures, comparisons


def _under(context: Callable[[], Any], call: Call) -> object:
    with context():
        return call()


def _route(case: Case, inputs: list[Tensor]) -> str:
    """Which route is there where no kernel is."""
    with scan.recorded() as taken, scan.only("parallel"):
        lesson(case, inputs, None)
    return next(iter(taken.values()), "")


def adding(
    device: torch.device, clock: Clock, rounds: int, *, length: int, batch: int
) -> tuple[dict[str, Any], list[Comparison]]:
    """The training step of adding, beside the straightforward program."""
    task = Adding(length)
    ours = Reader(WaveRNN(CHANNELS * RING, inputs=2, channels=CHANNELS), 1, every_step=False)
    theirs = PerStep(at_once=False)
    same_start(ours, theirs)
    x, y = (one.to(device) for one in task.draw(batch, torch.Generator().manual_seed(0)))

    def steps(network: nn.Module) -> Call:
        network.to(device)
        optimiser = torch.optim.Adam(network.parameters(), 1e-3)

        def step() -> None:
            optimiser.zero_grad()
            task.objective.loss(network(x), y).backward()
            optimiser.step()

        return step

    rows = clock.rounds({"ours": steps(ours), "loop": steps(theirs)}, rounds)
    what = f"training step of adding, {length} steps, {batch} sequences"
    return _told(what, rows, "the straightforward program in PyTorch")


def digits(device: torch.device, clock: Clock, rounds: int, *, pixels: int, batch: int) -> dict[str, Any]:
    """An epoch of digits, a pixel a step, with 16 rings of 256: the time of a step for all 60,000 images."""
    network = Reader(WaveRNN(16 * 256, inputs=1, channels=16), 10, every_step=False).to(device)
    optimiser = torch.optim.Adam(network.parameters(), 1e-3)
    x = torch.rand(batch, pixels, 1, device=device)
    labels = torch.arange(batch, device=device) % 10

    def step() -> None:
        optimiser.zero_grad()
        nn.functional.cross_entropy(network(x), labels).backward()
        optimiser.step()

    seconds = statistics.median(clock.rounds({"ours": step}, rounds)["ours"])
    epoch = seconds * -(-IMAGES // batch)
    print(
        f"wave RNN on digits of {pixels} pixels: {1e3 * seconds:.1f} ms a step, {epoch:.1f} s an epoch",
        flush=True,
    )
    return {"ms a step": 1e3 * seconds, "s an epoch": epoch}


def unrolled(
    device: torch.device, clock: Clock, rounds: int, *, length: int, width: int
) -> tuple[dict[str, Any], list[Comparison]]:
    """The GRU whose steps are found all at once, beside the loop of its steps, forward."""
    layer = ParaGRU(width).to(device)
    x = torch.randn(1, length, width, device=device)

    def loop() -> Tensor:
        with torch.no_grad(), scan.only_plain():
            return layer(x)[0]

    def ours() -> Tensor:
        with torch.no_grad():
            return layer(x)[0]

    apart = error((ours(),), (loop(),))
    rows = clock.rounds({"ours": ours, "loop": loop}, rounds)
    figures, comparisons = _told(
        f"GRU by Newton's method, {length} steps, {width} wide", rows, "its plain loop"
    )
    return figures | {"apart": apart}, comparisons


def _told(what: str, rows: Rows, beside: str) -> tuple[dict[str, Any], list[Comparison]]:
    one = compared(rows, what, Rival.LOOP, ours="ours", other="loop", beside=beside)
    print(f"{what}: {1e3 * one.ours:.1f} ms, the loop {1e3 * one.other:.1f} ms", flush=True)
    return {"ms": {name: 1e3 * statistics.median(seconds) for name, seconds in rows.items()}}, [one]


def limits(device: torch.device, clock: Clock, *, size: int) -> dict[str, Any]:
    """What the device can do: copy bandwidth, and the rate of a large product in bfloat16 and float32."""
    old = torch.ones(CACHE if device.type == "cuda" else 2**20, device=device)
    new = torch.empty_like(old)
    calls: dict[str, Call] = {"copy": lambda: new.copy_(old)}
    for kind in (HALF, torch.float32):
        left, right = (torch.randn(size, size, device=device, dtype=kind) for _ in range(2))
        calls[str(kind)] = functools.partial(torch.matmul, left, right)
    rows = {name: statistics.median(seconds) for name, seconds in clock.rounds(calls, 5).items()}
    on_card = device.type == "cuda"
    return {
        "cpu": torch.cuda.get_device_name(device) if on_card else platform.machine(),
        "copy GB/s": round(2 * old.numel() * old.element_size() / rows["copy"] / 1e9, 1),
        "large product GFLOP/s": round(2 * size**3 / rows[str(HALF)] / 1e9, 1),
        "large product, float32, GFLOP/s": round(2 * size**3 / rows[str(torch.float32)] / 1e9, 1),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
    }


def peers(device: torch.device, clock: Clock, rounds: int) -> tuple[list[Comparison], list[str]]:
    """Other libraries beside us, at the cases that they have."""
    comparisons, skipped = [], []
    by_name = {case.name: case for case in CASES}
    for peer in PEERS:
        case = by_name[peer.case]
        try:
            theirs = peer.load()
            inputs = case.inputs(device)
            ours = functools.partial(lesson, case, inputs, None)
            call = theirs(inputs)
            apart = max(error((call(),), ours()))
        except Exception as reason:  # of whatever kind: another library
            skipped.append(f"{peer.name}: {type(reason).__name__}: {str(reason).split(chr(10))[0]}")
            continue
        if apart > LOOSE[HALF]:
            skipped.append(f"{peer.name}: it computes something else ({apart:.1e} apart)")
            continue
        rows = clock.rounds({"ours": ours, "theirs": call}, rounds)
        what = f"{case.name}, forward"
        comparisons.append(compared(rows, what, Rival.PEER, ours="ours", other="theirs", beside=peer.name))
        print(f"{what}: {comparisons[-1].times:.2f} times the time of {peer.name}", flush=True)
    return comparisons, skipped


def everything(
    device: torch.device, cases: list[Case], clock: Clock, rounds: int, *, shorter: int = 1
) -> dict[str, Any]:
    """All figures, as the record takes them; the models `shorter` times as short."""
    figures: dict[str, Any] = {"machine": limits(device, clock, size=8192 // shorter), "cases": {}}
    comparisons: list[Comparison] = []
    skipped: list[str] = []
    models: dict[str, Callable[[], tuple[dict[str, Any], list[Comparison]]]] = {
        "adding": lambda: adding(
            device, clock, rounds, length=max(2, 400 // shorter), batch=max(2, 128 // shorter)
        ),
        "digits": lambda: (
            digits(device, clock, rounds, pixels=max(2, 784 // shorter), batch=max(2, BATCH // shorter)),
            [],
        ),
        "newton": lambda: unrolled(device, clock, rounds, length=max(2, 16384 // shorter), width=256),
    }
    work = {case.name: functools.partial(timed, case, device, clock, rounds) for case in cases} | models
    for name, call in work.items():
        if clock.over():
            skipped.append(f"{name}: there was no more time")
            continue
        try:
            figures["cases"][name], more = call()
        except Exception as reason:  # one that fails takes no other with it, and the time on a GPU is short
            skipped.append(f"{name}: {type(reason).__name__}: {str(reason).split(chr(10))[0]}")
            print(f"{name} failed: {skipped[-1]}", flush=True)
            continue
        finally:
            gc.collect()
            if device.type == "cuda":
                torch.cuda.empty_cache()
        comparisons += more
    if cases is CASES:
        more, absent = peers(device, clock, rounds)
        comparisons, skipped = [*comparisons, *more], [*skipped, *absent]
    return figures | measured("as each name says, on one GPU", comparisons, skipped)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", default="", metavar="TEXT", help="cases whose names hold this alone")
    parser.add_argument("--seconds", type=float, default=540, help="after which no other case begins")
    options = parser.parse_args()
    if not torch.cuda.is_available():
        print("gpu: no GPU is here that PyTorch can use", file=sys.stderr)
        return 2
    device = torch.device("cuda")
    cases = [case for case in CASES if options.only in case.name] if options.only else CASES
    figures = everything(device, cases, Clock(device, options.seconds), options.rounds)
    for line in figures["skipped"]:
        print(f"left out: {line}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
