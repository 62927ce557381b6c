"""Runs experiments over seeds: one folder a run, one JSON a result.

A run is one experiment at one scale with one seed. Its folder holds `config.json`, `environment.json`,
`metrics/` (JSON lines), `checkpoints/` (safetensors), `pictures/` (data and PNG) and, when it is over,
`result.json`. The name of the folder carries a digest of the configuration and of the code behind it, so
another configuration or other code never meets an old folder, and the same goes on where it stopped or is
read if it is over.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from wavetrain.errors import BadInput
from wavetrain.evidence import reads
from wavetrain.evidence.files import read_json, write_json
from wavetrain.evidence.result import Result, Run, finite
from wavetrain.evidence.shape import parsed, written
from wavetrain.run.machine import environment
from wavetrain.run.order import Order
from wavetrain.run.pools import Pool
from wavetrain.run.record import calibrated, record, witnessed
from wavetrain.run.threads import limited
from wavetrain.train.generators import Shared, seed_of
from wavetrain.train.joining import acting
from wavetrain.train.lab import Lab, News
from wavetrain.train.ranks import ALONE, Ranks, here

FIRST = 0  # the seed that bears witness


def execute(order: Order, tell: Callable[[News], None]) -> Run:
    """Run one order, or read its result where it is already over."""
    from wavetrain import scan

    folder, together = order.folder, here()
    if together.once((folder / "result.json").exists):
        return together.once(lambda: over(order))
    if not together.first:
        return _helped(order, together)
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
        with acting(ALONE):
            calibrated(order)
    lab = Lab(folder, order.seed, order.device, tell_and_note, order.save_every)
    shared = Shared(seed_of(order.seed, "run"), lab.device)  # the same after whatever ran here before
    with limited(order.threads), scan.recorded() as routes, reads.recorded() as data, shared.drawn():
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
        with acting(ALONE):
            witnessed(order, run)
    write_json(folder / "result.json", written(run))
    return together.agreed(run)


def _helped(order: Order, together: Ranks) -> Run:
    """Take part in the trainings of a run; what else it writes goes nowhere."""
    module = order.experiment.load()
    with tempfile.TemporaryDirectory() as scratch:
        lab = Lab(Path(scratch), order.seed, order.device, together=together)
        with limited(order.threads), Shared(seed_of(order.seed, "run"), lab.device).drawn():
            module.run(getattr(module, order.scale), lab)
    nothing: Any = None
    return together.agreed(nothing)


def _noted(path: Path) -> dict[str, Any]:
    """What earlier tries at a run have noted."""
    return read_json(path) if path.exists() else {"seconds": 0.0, "routes": {}, "data": {}}


def over(order: Order) -> Run:
    """What came of a run that is over."""
    path = order.folder / "result.json"
    try:
        return parsed(Run, read_json(path))
    except BadInput as error:
        raise BadInput(f"{path}: {error}; delete it to make it anew") from error


def run_all(
    groups: Sequence[Sequence[Order]], pool: Pool, home: Path, tell: Callable[[News], None]
) -> Iterator[Result]:
    """Run the seeds of several results, each in a piece of work of the pool.

    Each result is written to the folder `home` and yielded when its last seed is over.
    """
    ended: dict[tuple[str, str], dict[int, Run]] = {}
    of = {(group[0].experiment.name, group[0].scale): group for group in groups}
    for order, run in _each([order for group in groups for order in group], pool, tell):
        key = order.experiment.name, order.scale
        ended.setdefault(key, {})[order.seed] = run
        if len(ended[key]) == len(of[key]):
            yield record(of[key], [ended[key][one.seed] for one in of[key]], home)


def _each(orders: Sequence[Order], pool: Pool, tell: Callable[[News], None]) -> Iterator[tuple[Order, Run]]:
    """First those that are over, then the others as they end."""
    waiting = [order for order in orders if not (order.folder / "result.json").exists()]
    for order in orders:
        if order not in waiting:
            yield order, over(order)
    yield from pool.each(execute, waiting, tell)
