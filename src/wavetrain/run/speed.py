"""How fast are the recurrences and the layers built on them, on this machine?

Each is timed in turn with a copy of a large array and a large matrix product, which say what the machine can
do, with the same computed step by step, and with other packages that are installed. Its share is the least
time that its bytes or its FLOP take at these rates over the time it took. A time that is below that least is
marked as doubtful. Errors are of values and gradients over 257 steps, against the plain route in float64.
"""

import contextlib
import copy
import datetime
import os
import re
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from wavetrain import find, scan
from wavetrain.core import Layer
from wavetrain.errors import unknown
from wavetrain.evidence.speed import PLAIN, Beside, Row, Speed, bound, doubt
from wavetrain.run.machine import environment
from wavetrain.run.speed_cases import CASES, TRIED, Case, Sizes
from wavetrain.run.speed_peers import line, peers
from wavetrain.run.timing import ROUNDS, Clock, Rows, clock_of, error, measure, ratio, rounds

ROW = 1.6  # seconds that the rounds of one row may take on a CPU
COPIED = 2**24  # numbers of the array that is copied; on a GPU sixteen times as many
SIDE = 1024  # of the matrices that are multiplied; on a GPU eight times as large
LAYERED = {"batch": 4, "time": 512, "width": 64}  # of a layer; on a GPU eight times as wide
WAYS = ("forward", "forward + backward")
OURS, LOOP, BEFORE = "ours", PLAIN, "ours, before the loop"
CALLED = re.compile(
    r"\bscan\.(linear|selective|chunked|wave|unitary|short|dilated|convolve|attention|dense|lif|newton)\("
)
APART = ("streaming",)  # what is no layer by itself


class _Bench:
    """A table on its way."""

    def __init__(self, device: torch.device, clock: Clock):
        self.device, self.clock = device, clock
        self.copies: list[float] = []  # seconds, of all rows
        self.products: list[float] = []
        self.rows: list[Row] = []
        self.skipped: list[str] = []
        self.route = ""  # of the last
        many, side = (COPIED * 16, SIDE * 8) if self.large else (COPIED, SIDE)
        self.old, self.new = (torch.ones(many, device=self.device) for _ in range(2))
        self.left, self.right = torch.randn(2, side, side, device=self.device)
        self.out = torch.empty_like(self.left)

    @property
    def large(self) -> bool:
        return self.device.type == "cuda"

    @property
    def moved(self) -> int:
        """Bytes that a copy reads and writes."""
        return 2 * self.old.numel() * self.old.element_size()

    @property
    def limits(self) -> dict[str, Callable[[], object]]:
        """What the machine can do, timed in turn with what is asked."""
        return {
            "copy": partial(self.new.copy_, self.old),
            "product": partial(torch.mm, self.left, self.right, out=self.out),
        }

    def copy(self, rows: Rows) -> float:
        """Bytes per second."""
        return self.moved / statistics.median(rows["copy"])

    def product(self, rows: Rows) -> float:
        """FLOP per second."""
        return 2 * len(self.left) ** 3 / statistics.median(rows["product"])


def named(name: str) -> tuple[list[Case], list[tuple[str, find.Found]]]:
    """The recurrences and the layers that are asked for, each layer with the recurrence it is built on.

    Of all, each recurrence has one layer, of the oldest paper. Raises BadInput for another name.
    """
    cases = {one.name: one for one in CASES}
    on = _built_on()
    if not name:
        taken: dict[str, str] = {}
        for case, layers in on.items():
            taken.setdefault(
                next((one.name for one in layers if one.name not in taken), layers[0].name), case
            )
        return list(CASES), [
            (case, one) for name, case in taken.items() for one in on[case] if one.name == name
        ]
    if name in on or name in cases:
        return [cases[name]] if name in cases else [], [(name, one) for one in on.get(name, ())]
    for case, layers in on.items():
        for one in layers:
            if one.name == name:
                return [], [(case, one)]
    raise unknown(
        "recurrence or layer that is built on one",
        name,
        {*cases, *on, *(one.name for layers in on.values() for one in layers)},
    )


def measured(name: str, device: str, say: Callable[[str], None] = lambda line: None) -> Speed:
    """Time what is asked for; `say` is told a line for each row."""
    cases, layers = named(name)
    load = round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else 0.0
    place = torch.device(device)
    one = _Bench(place, clock_of(place))
    with torch.random.fork_rng(devices=[place] if one.large else []):
        torch.manual_seed(0)
        for case in cases:
            for row in _recurrence(one, case):
                one.rows.append(row)
                say(f"{row.name}, {row.does}")
        for built_on, found in layers:
            for row in _layer(one, built_on, found):
                one.rows.append(row)
                say(f"{row.name}, {row.does}")
    return Speed(
        asked=name,
        device=device,
        copy=one.moved / statistics.median(one.copies),
        product=2 * len(one.left) ** 3 / statistics.median(one.products),
        rows=tuple(one.rows),
        skipped=tuple(one.skipped),
        load=load,
        environment=environment(device, torch.get_num_threads()),
        date=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M"),
    )


def _recurrence(one: _Bench, case: Case) -> Iterator[Row]:
    sizes = case.sizes(one.device)
    work, tried = case.make(sizes, one.device), case.tried(one.device)
    others, missing = peers(case.name, one.device)
    one.skipped += missing
    wide = tuple(x.double() for x in tried.inputs)
    errors = _errors(_values(tried.call, tried.inputs), _values(tried.call, wide, plain=True))
    for way in WAYS:
        backward = way != WAYS[0]
        grad = _incoming(work.call, work.inputs, backward)
        calls = {
            name: _call(call, work.inputs, work.inputs, grad)
            for name, call in ({OURS: work.call} | others).items()
        }
        times = _timed(one, case.name, calls)
        moved, flops = work.bytes(backward), work.flops * (3 if backward else 1)
        limits = {"moved": moved, "flops": flops, "copy": one.copy(times), "product": one.product(times)}
        holds, least = bound(**limits)
        row = _row(one, case.name, "", way, sizes, times, errors[backward])
        seconds = row.seconds
        yield replace(
            row,
            bytes=moved,
            flops=flops,
            bound=holds,
            share=least / seconds,
            doubt=doubt(seconds=seconds, **limits),
        )


def _layer(one: _Bench, built_on: str, found: find.Found) -> Iterator[Row]:
    sizes = {**LAYERED, "width": LAYERED["width"] * (8 if one.large else 1)}
    layer: Layer = found.load()(sizes["width"]).to(one.device)
    x = torch.randn(tuple(sizes.values()), device=one.device)
    short, exact = x[:1, :TRIED], copy.deepcopy(layer).double()
    values = _values(lambda x: layer(x)[0], (short,))
    errors: Sequence[float | None] = (None, None)
    if not _spikes(values[0]):  # one that is in doubt is a whole spike
        errors = _errors(values, _values(lambda x: exact(x)[0], (short.double(),), plain=True))
    for way in WAYS:
        grad = _incoming(lambda x: layer(x)[0], (x,), way != WAYS[0])
        call = _call(lambda x: layer(x)[0], (x,), (x, *layer.parameters()), grad)
        times = _timed(one, built_on, {OURS: call})
        yield _row(one, found.name, built_on, way, sizes, times, errors[way != WAYS[0]])


def _row(
    one: _Bench,
    name: str,
    built_on: str,
    way: str,
    sizes: Sizes,
    times: Rows,
    apart: float | None,
) -> Row:
    """What holds of a recurrence and of a layer alike."""
    loop = {OURS: times.pop(BEFORE), LOOP: times.pop(LOOP)}
    others = [other for other in times if other not in (OURS, *one.limits)]
    beside = [
        Beside(name=other, seconds=statistics.median(of[other]), times=ratio(of, other, OURS))
        for of, other in ((loop, LOOP), *((times, other) for other in others))
    ]
    return Row(
        name=name,
        built_on=built_on,
        does=way,
        shape=", ".join(f"{axis} {size}" for axis, size in sizes.items()),
        dtype="float32",
        route=one.route,
        seconds=statistics.median(times[OURS]),
        rounds=len(times[OURS]),
        bytes=None,
        flops=None,
        bound="",
        share=None,
        beside=tuple(beside),
        error=apart,
    )


def _timed(one: _Bench, case: str, calls: dict[str, Callable[[], object]]) -> Rows:
    """Rounds of ours, of peers and of what the machine can do; and of ours before each plain loop."""
    with scan.recorded() as taken:
        calls[OURS]()
    one.route = ", ".join(sorted({*taken.values()})) or "pytorch"
    for name in [name for name in calls if name != OURS]:
        try:
            calls[name]()
        except Exception as failed:  # of another package: any
            del calls[name]
            one.skipped.append(f"{case}: {name} failed ({line(failed)})")
    every = {**calls, **one.limits}
    many = ROUNDS if one.large else rounds(every, ROW, one.clock)
    times = measure(every, many, one.clock)
    one.copies += times["copy"]
    one.products += times["product"]

    def loop() -> object:
        with scan.only_plain():
            return calls[OURS]()

    slow = one.clock.seconds(loop)
    if slow < ROW / 2:
        again = measure({OURS: calls[OURS], LOOP: loop}, 2, one.clock)
    else:
        again = {OURS: [one.clock.seconds(calls[OURS])], LOOP: [slow]}
    return {**times, BEFORE: again[OURS], LOOP: again[LOOP]}


def _call(
    call: Callable[..., Tensor], inputs: tuple[Tensor, ...], by: tuple[Tensor, ...], grad: Tensor | None
) -> Callable[[], object]:
    """Forward, without what a backward pass would need; or both, where a gradient comes in."""
    if grad is None:

        def forward() -> object:
            with torch.no_grad():
                return call(*inputs)

        return forward
    for one in by:
        one.requires_grad_()
    return lambda: torch.autograd.grad(call(*inputs), by, grad, allow_unused=True)


def _incoming(call: Callable[..., Tensor], inputs: tuple[Tensor, ...], backward: bool) -> Tensor | None:
    """A gradient of the output, where one is needed."""
    with torch.no_grad():
        return torch.randn_like(call(*inputs)) if backward else None


def _values(call: Callable[..., Tensor], inputs: tuple[Tensor, ...], plain: bool = False) -> list[Tensor]:
    """The output, and the gradients of the inputs for one incoming gradient."""
    inputs = tuple(x.detach().requires_grad_() for x in inputs)
    with scan.only_plain() if plain else contextlib.nullcontext():
        y = call(*inputs)
        grad = torch.linspace(-1, 1, y.numel(), dtype=torch.float64, device=y.device).reshape(y.shape)
        found = torch.autograd.grad(y, inputs, grad.to(y.dtype))
    return [y.detach(), *found]


def _errors(values: list[Tensor], exact: list[Tensor]) -> tuple[float, float]:
    """Of the output alone, and of the output and the gradients."""
    found = error(values, exact)
    return found[0], max(found)


def _spikes(y: Tensor) -> bool:
    return bool(((y == 0) | (y == 1)).all())


def _built_on() -> dict[str, list[find.Found]]:
    """The layers in whose file a recurrence is called, oldest paper first."""
    found: dict[str, list[find.Found]] = {}
    layers = [one for kind in ("layers", "spiking") for one in find.members(kind) if one.name not in APART]
    for one in sorted(layers, key=lambda one: (one.facts.get("year", 9999), one.name)):
        for case in sorted(set(CALLED.findall(one.path.read_text(encoding="utf-8")))):
            found.setdefault(case, []).append(one)
    return found
