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
import math
import os
import platform
import shlex
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from wavetrain import __version__, claims
from wavetrain.errors import BadInput, unknown
from wavetrain.evidence import code
from wavetrain.evidence.files import read_json, write_json
from wavetrain.evidence.result import VERSION, Result, Run, Words, finite, write
from wavetrain.evidence.shape import parsed, written
from wavetrain.find import Found
from wavetrain.generators import Shared, seed_of
from wavetrain.lab import Lab, News
from wavetrain.pools import pool

PACKAGES = ("torch", "numpy", "numba", "scipy", "scikit-learn")
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
    def settings(self) -> dict[str, Any]:
        """The fields of the scale, as JSON knows them."""
        module = self.experiment.load()
        if not hasattr(module, self.scale):
            raise unknown(
                f"scale of {self.experiment.name}", self.scale, [s for s in SCALES if hasattr(module, s)]
            )
        return json.loads(json.dumps(dataclasses.asdict(getattr(module, self.scale)), default=_name))

    @property
    def config(self) -> dict[str, Any]:
        """All that the figures depend on but the machine."""
        return {
            "experiment": self.experiment.name,
            "scale": self.scale,
            "settings": self.settings,
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
    spent = folder / "seconds.json"  # of earlier tries at this run
    before = read_json(spent) if spent.exists() else 0.0
    begun = time.perf_counter()

    def tell_and_note(news: News) -> None:
        write_json(spent, before + time.perf_counter() - begun)
        tell(news)

    module = order.experiment.load()
    lab = Lab(folder, order.seed, order.device, tell_and_note, order.save_every)
    shared = Shared(seed_of(order.seed, "run"), lab.device)  # the same after whatever ran here before
    with scan.recorded() as routes, shared.drawn():
        figures = module.run(getattr(module, order.scale), lab)
    run = Run(
        seed=order.seed,
        figures=finite({name: float(value) for name, value in figures.items()}),
        seconds=round(before + time.perf_counter() - begun, 1),
        routes=dict(routes),
        pictures=tuple(sorted(path.stem for path in (folder / "pictures").glob("*.npz"))),
    )
    write_json(folder / "result.json", written(run))
    return run


def over(order: Order) -> Run:
    """What came of a run that is over."""
    path = order.folder / "result.json"
    try:
        return parsed(Run, read_json(path))
    except BadInput as error:
        raise BadInput(f"{path}: {error}; delete it to make it anew") from error


def run_all(orders: Sequence[Order], jobs: int, tell: Callable[[News], None]) -> Iterator[tuple[Order, Run]]:
    """Run the orders, in one process or in a pool with one torch thread a worker; yields as each ends."""
    waiting = [order for order in orders if not (order.folder / "result.json").exists()]
    for order in orders:
        if order not in waiting:
            yield order, over(order)
    yield from pool(execute, waiting, jobs, tell)


def record(orders: Sequence[Order], runs: Sequence[Run], home: Path, command: str) -> Result:
    """Judge the seeds of one experiment at one scale together and write `results/NAME-SCALE.json`."""
    first = orders[0]
    claim: claims.Claim = first.experiment.load().claim
    numbers = [
        {name: math.nan if value is None else value for name, value in run.figures.items()} for run in runs
    ]
    result = Result(
        version=VERSION,
        experiment=first.experiment.name,
        about=first.experiment.about,
        claim=Words.of(vars(claim)),
        scale=first.scale,
        settings=first.settings,
        verdict=claims.verdict(claim, numbers, decides=first.scale != "smoke"),
        seeds=tuple(order.seed for order in orders),
        figures=tuple(run.figures for run in runs),
        seconds=tuple(run.seconds for run in runs),
        routes=runs[0].routes,
        environment=read_json(first.folder / "environment.json"),
        command=command,
        date=datetime.date.today().isoformat(),
        pictures=tuple(_pictures(first, home)),
        code=first.config["source"],
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
        shutil.copyfile(path, place / path.name)
    return [f"pictures/{place.name}/{path.name}" for path in drawn]


def environment(device: str, threads: int) -> dict[str, Any]:
    """Hardware and versions that a figure was measured with."""
    import torch

    packages = {name: importlib.metadata.version(name) for name in PACKAGES}
    hardware = _processor()
    if device != "cpu":
        hardware = torch.cuda.get_device_name(device)
    return {
        "hardware": hardware,
        "cores": os.cpu_count(),
        "threads": threads,
        "device": device,
        "python": platform.python_version(),
        "system": platform.system(),
        "wavetrain": __version__,
        **packages,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next(
        (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine()
    )


def command_line(arguments: Sequence[str]) -> str:
    """The command as a person would type it again."""
    return shlex.join(["wavetrain", *arguments])
