"""Seeds that are over, judged together and written as one result with its pictures and its witness."""

import datetime
import shutil
from collections.abc import Sequence
from pathlib import Path

from wavetrain.evidence import claims
from wavetrain.evidence.files import read_json, write_json
from wavetrain.evidence.result import VERSION, Calibration, Result, Run, Witness, Words, write
from wavetrain.evidence.shape import parsed, written
from wavetrain.run.order import Order, settings


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
        pictures=tuple(_pictures(orders, home)),
        code=first.config["source"],
        data={name: sha256 for run in runs for name, sha256 in run.data.items()},
        witness=witnessed(first, runs[0]),
        calibration=calibrated(first),
    )
    write(home, result)
    return result


def _pictures(orders: Sequence[Order], home: Path) -> list[str]:
    """Draw the pictures of the first seed, with the others where they belong, and lay them by the result."""
    from wavetrain.report.draw import draw_all

    order, *others = orders
    seeds = [one.folder / "pictures" for one in others]
    drawn = draw_all(order.folder / "pictures", order.experiment.facts.get("names", {}), seeds)
    place = home / "pictures" / f"{order.experiment.name}-{order.scale}"
    place.mkdir(parents=True, exist_ok=True)
    for path in drawn:
        for each in (path, path.with_suffix(".svg")):
            shutil.copyfile(each, place / each.name)
    return [f"pictures/{place.name}/{path.name}" for path in drawn]


def witnessed(order: Order, run: Run) -> Witness:
    """The witness of a result, made where it is not there yet."""
    from wavetrain.run import witness

    path = order.folder / "witness.json"
    if not path.exists():
        write_json(
            path, written(witness.made(order.experiment, order.scale, order.seed, order.device, run.seconds))
        )
    return parsed(Witness, read_json(path))


def calibrated(order: Order) -> Calibration:
    """What is known before the claim is run, made where it is not there yet."""
    from wavetrain.run import calibration

    path = order.folder / "calibration.json"
    if not path.exists():
        found = calibration.made(order.experiment, order.scale, order.seed, order.device)
        write_json(path, written(found))
    return parsed(Calibration, read_json(path))
