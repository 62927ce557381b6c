"""Runs experiments over seeds and writes what came out: one folder a run, one JSON a result.

A run is one experiment at one scale with one seed. Its folder holds `config.json`, `environment.json`,
`metrics/` (JSON lines), `checkpoints/` (safetensors), `pictures/` (data and PNG) and, when it is over,
`result.json`. The name of the folder carries a digest of the configuration and of the code behind it, so
another configuration or other code never meets an old folder, and the same goes on where it stopped or is
read if it is over.
"""

import dataclasses
import datetime
import hashlib
import importlib.metadata
import json
import os
import platform
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from wavetrain import __version__
from wavetrain.errors import BadInput, unknown
from wavetrain.evidence import claims, code, reads
from wavetrain.evidence.files import read_json, write_json
from wavetrain.evidence.result import VERSION, Calibration, Result, Run, Witness, Words, finite, write
from wavetrain.evidence.shape import parsed, written
from wavetrain.find import Found
from wavetrain.run.pools import pool
from wavetrain.train.generators import Shared, seed_of
from wavetrain.train.lab import Lab, News

PACKAGES = ("torch", "numpy", "numba", "scipy", "scikit-learn")
FIRST = 0  # the seed that bears witness
SCALES = ("smoke", "small", "full")


@dataclasses.dataclass(frozen=True)
class Order:
    """What to run."""

    experiment: Found
    scale: str
    seed: int
    device: str
    threads: int
    save_every: float
    out: Path

    @property
    def config(self) -> dict[str, Any]:
        """All that the figures depend on but the machine."""
        return {
            "experiment": self.experiment.name,
            "scale": self.scale,
            "settings": settings(self.experiment, self.scale),
            "seed": self.seed,
            "device": self.device,
            "version": __version__,
            "source": code.digest([self.experiment.path]),
        }

    @property
    def folder(self) -> Path:
        config = self.config
        digest = hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()[:8]
        return self.out / f"{self.experiment.name}-{self.scale}-seed{self.seed}-{digest}"


def settings(experiment: Found, scale: str) -> dict[str, Any]:
    """The fields of a scale, as JSON knows them."""
    module = experiment.load()
    if not hasattr(module, scale):
        raise unknown(f"scale of {experiment.name}", scale, [one for one in SCALES if hasattr(module, one)])
    return json.loads(json.dumps(dataclasses.asdict(getattr(module, scale)), default=_name))


def _name(value: Any) -> str:
    """A function or class by its name, the same in every process; anything else as text."""
    return str(getattr(value, "__qualname__", value))


def execute(order: Order, tell: Callable[[News], None]) -> Run:
    """Run one order, or read its result where it is already over."""
    import torch

    from wavetrain import scan

    folder = order.folder
    if (folder / "result.json").exists():
        return over(order)
    torch.set_num_threads(order.threads)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "config.json", order.config)
    write_json(folder / "environment.json", environment(order.device, order.threads))
    noted = folder / "noted.json"  # by earlier tries at this run
    before = _noted(noted)
    begun = time.perf_counter()

    def so_far() -> dict[str, Any]:
        return {
            "seconds": before["seconds"] + time.perf_counter() - begun,
            "routes": before["routes"] | routes,
            "data": before["data"] | data,
        }

    def tell_and_note(news: News) -> None:
        write_json(noted, so_far())
        tell(news)

    module = order.experiment.load()
    if order.seed == FIRST:
        _calibration(order)
    lab = Lab(folder, order.seed, order.device, tell_and_note, order.save_every)
    shared = Shared(seed_of(order.seed, "run"), lab.device)  # the same after whatever ran here before
    with scan.recorded() as routes, reads.recorded() as data, shared.drawn():
        figures = module.run(getattr(module, order.scale), lab)
    spent = so_far()
    run = Run(
        seed=order.seed,
        figures=finite({name: float(value) for name, value in figures.items()}),
        seconds=round(spent["seconds"], 1),
        routes=spent["routes"],
        data=spent["data"],
        pictures=tuple(sorted(path.stem for path in (folder / "pictures").glob("*.npz"))),
    )
    if order.seed == FIRST:
        _witness(order, run)
    write_json(folder / "result.json", written(run))
    return run


def _noted(path: Path) -> dict[str, Any]:
    """What earlier tries at a run have noted."""
    return read_json(path) if path.exists() else {"seconds": 0.0, "routes": {}, "data": {}}


def _witness(order: Order, run: Run) -> Witness:
    """The witness of a result, made where it is not there yet."""
    from wavetrain.run import witness

    path = order.folder / "witness.json"
    if not path.exists():
        write_json(
            path, written(witness.made(order.experiment, order.scale, order.seed, order.device, run.seconds))
        )
    return parsed(Witness, read_json(path))


def _calibration(order: Order) -> Calibration:
    """What is known before the claim is run, made where it is not there yet."""
    from wavetrain.run import calibration

    path = order.folder / "calibration.json"
    if not path.exists():
        found = calibration.made(order.experiment, order.scale, order.seed, order.device)
        write_json(path, written(found))
    return parsed(Calibration, read_json(path))


def over(order: Order) -> Run:
    """What came of a run that is over."""
    path = order.folder / "result.json"
    try:
        return parsed(Run, read_json(path))
    except BadInput as error:
        raise BadInput(f"{path}: {error}; delete it to make it anew") from error


def run_all(
    groups: Sequence[Sequence[Order]], jobs: int, home: Path, tell: Callable[[News], None]
) -> Iterator[Result]:
    """Run the seeds of several results, in one process or in a pool with one torch thread a worker.

    Each result is written to the folder `home` and yielded when its last seed is over.
    """
    ended: dict[tuple[str, str], dict[int, Run]] = {}
    of = {(group[0].experiment.name, group[0].scale): group for group in groups}
    for order, run in _each([order for group in groups for order in group], jobs, tell):
        key = order.experiment.name, order.scale
        ended.setdefault(key, {})[order.seed] = run
        if len(ended[key]) == len(of[key]):
            yield record(of[key], [ended[key][one.seed] for one in of[key]], home)


def _each(orders: Sequence[Order], jobs: int, tell: Callable[[News], None]) -> Iterator[tuple[Order, Run]]:
    """First those that are over, then the others as they end."""
    waiting = [order for order in orders if not (order.folder / "result.json").exists()]
    for order in orders:
        if order not in waiting:
            yield order, over(order)
    yield from pool(execute, waiting, jobs, tell)


def record(orders: Sequence[Order], runs: Sequence[Run], home: Path) -> Result:
    """Judge the seeds of one experiment at one scale together and write `results/NAME-SCALE.json`."""
    first = orders[0]
    module = first.experiment.load()
    claim: claims.Claim = module.claim
    seeds = [claims.Measured(run.figures, getattr(module, first.scale)) for run in runs]
    result = Result(
        version=VERSION,
        experiment=first.experiment.name,
        about=first.experiment.about,
        claim=Words.of(vars(claim)),
        scale=first.scale,
        settings=settings(first.experiment, first.scale),
        verdict=claims.verdict(claim, seeds, decides=first.scale != "smoke"),
        seeds=tuple(order.seed for order in orders),
        figures=tuple(run.figures for run in runs),
        seconds=tuple(run.seconds for run in runs),
        routes=runs[0].routes,
        environment=read_json(first.folder / "environment.json"),
        command=f"wavetrain run {first.experiment.name} --scale {first.scale} --seeds {len(orders)}",
        date=datetime.date.today().isoformat(),
        pictures=tuple(_pictures(first, home)),
        code=first.config["source"],
        data={name: sha256 for run in runs for name, sha256 in run.data.items()},
        witness=_witness(first, runs[0]),
        calibration=_calibration(first),
    )
    write(home, result)
    return result


def _pictures(order: Order, home: Path) -> list[str]:
    """Draw the pictures of the first seed and lay them beside the result."""
    from wavetrain.report.draw import draw_all

    drawn = draw_all(order.folder / "pictures")
    place = home / "pictures" / f"{order.experiment.name}-{order.scale}"
    place.mkdir(parents=True, exist_ok=True)
    for path in drawn:
        for each in (path, path.with_suffix(".svg")):
            shutil.copyfile(each, place / each.name)
    return [f"pictures/{place.name}/{path.name}" for path in drawn]


def environment(device: str, threads: int) -> dict[str, Any]:
    """Hardware and versions that a figure was measured with."""
    import torch

    packages = {name: importlib.metadata.version(name) for name in PACKAGES}
    hardware, model = _processor()
    if device != "cpu":
        hardware = torch.cuda.get_device_name(device)
    return {
        "hardware": hardware,
        "model": model,
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "cores": os.cpu_count(),
        "threads": threads,
        "device": device,
        "python": platform.python_version(),
        "system": platform.system(),
        "wavetrain": __version__,
        **packages,
    }


def _processor() -> tuple[str, str]:
    """The name of the processor, and what tells it from others of that name."""
    try:
        first = Path("/proc/cpuinfo").read_text(encoding="utf-8").partition("\n\n")[0]
    except OSError:
        return platform.processor() or platform.machine(), ""
    facts = {
        name.strip(): value.strip() for name, _, value in (line.partition(":") for line in first.splitlines())
    }
    model = " ".join(facts[name] for name in ("cpu family", "model", "stepping") if name in facts)
    return facts.get("model name", platform.machine()), model
