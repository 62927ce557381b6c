"""The command `run`: test published claims, and hold their results to today's code."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from wavetrain import find
from wavetrain.cli import several, terminal
from wavetrain.cli.arguments import Json, Names
from wavetrain.cli.progress import progress
from wavetrain.cli.tracking import kind, tracking
from wavetrain.errors import BadInput, unknown

if TYPE_CHECKING:
    from wavetrain.run.order import Order
    from wavetrain.run.pools import Pool

console = terminal.Terminal()


def run(
    experiments: Names,
    scale: str = "small",
    seeds: int = 3,
    device: str = "cpu",
    on: Literal["processes", "ray", "slurm"] = "processes",
    piece: str = "",
    jobs: int = 0,
    out: Path = Path("runs"),
    results: Path | None = None,
    save_every: float = 10.0,
    calibrate: bool = False,
    exact: bool = False,
    confirm: bool = False,
    stale: bool = False,
    track: str | None = None,
    json: Json = False,
) -> None:
    """Test published claims; a run that was cut off goes on where it stopped.

    Args:
        experiments: names from `wavetrain list experiments`, or all
        scale: smoke (seconds, no verdict), small (minutes on two cores), full (the paper's size)
        seeds: how many; a verdict takes at least three
        device: cpu, cuda, cuda:1 ...
        on: processes of this machine; ray: a cluster whose head RAY_ADDRESS names, else a Ray started here;
            slurm: prints a job array that does a piece a task, and submits nothing
        piece: of a job array: do this one alone
        jobs: runs at a time, one torch thread each; 0 for one per core (one per GPU)
        out: folder of the runs
        results: folder of the results, one JSON each; OUT/results where not given
        save_every: seconds between checkpoints
        calibrate: train nothing; what do predicates say to untrained networks and to exact solutions?
        exact: with --calibrate: by exact solutions alone; figures of untrained networks stay as they are
        confirm: replay the witnesses of results, in seconds each: do their figures hold for today's code?
        stale: run again those results for which they do not
        track: write losses and scores for tensorboard (into OUT/tensorboard) or wandb (its own settings hold)
    """
    from wavetrain.run.order import SCALES, Order
    from wavetrain.run.pools import placed
    from wavetrain.run.threads import used

    if not (experiments or calibrate or confirm or stale):
        raise BadInput("run what? Name experiments from `wavetrain list experiments`, or all")
    _check(calibrate, confirm, stale, exact, array=bool(piece) or on == "slurm")
    if track is not None:
        if calibrate or confirm:
            raise BadInput("--track goes with runs, not with --calibrate or --confirm")
        kind(track)  # what cannot be had is said before the work
    if scale not in SCALES:
        raise unknown("scale", scale, SCALES)
    several.refuse(calibrate or confirm, "expected no torchrun beside --calibrate and --confirm")
    terminal.within(seeds=seeds, jobs=jobs or 1)
    where, device = terminal.place(on, device)
    if not 0 <= save_every < math.inf:
        raise BadInput(f"expected seconds of at least 0 to save after, got {save_every}")
    asked = [find.named(name, ("experiments",)) for name in dict.fromkeys(experiments) if name != "all"]
    every = "all" in experiments or not experiments
    found = list(find.members("experiments")) if every else asked
    home = out / "results" if results is None else results
    words = terminal.words_said()
    with placed(
        where, jobs=jobs, device=device, out=out, say=terminal.note, words=words, piece=piece
    ) as pool:
        if calibrate:
            _calibrate(found, scale, device, pool, home, exact, json)
        elif confirm:
            _confirm(home, () if every else [one.name for one in found], device, pool, json)
        else:
            work = _stale(home, found) if stale else [(one, scale, range(seeds)) for one in found]
            groups = [
                [Order(one, size, seed, device, used(device), save_every, out) for seed in own]
                for one, size, own in work
            ]
            _run(groups, pool, home, out, track, json)


def _check(calibrate: bool, confirm: bool, stale: bool, exact: bool, *, array: bool) -> None:
    """Which questions go together."""
    if calibrate + confirm + stale > 1:
        raise BadInput("expected one of --calibrate, --confirm and --stale, got more; confirm before --stale")
    if exact and not calibrate:
        raise BadInput("--exact goes with --calibrate")
    if array and (calibrate or confirm):
        raise BadInput("a job array is of runs: expected no --calibrate and no --confirm")


def _run(
    groups: Sequence[Sequence["Order"]], pool: "Pool", home: Path, out: Path, track: str | None, json: bool
) -> None:
    from wavetrain.evidence.shape import written
    from wavetrain.report import pages
    from wavetrain.report.tables import verdict_table
    from wavetrain.run.runner import run_all

    home.mkdir(parents=True, exist_ok=True)  # where it cannot be, that is said before the work
    with progress(console, quiet=json) as tell, tracking(track, out, tell) as tell_all:
        whole = list(run_all(groups, pool, home, tell_all))
    if json:
        terminal.print_json(written(whole))
    elif whole:
        console.print(verdict_table(whole))
    else:
        console.print("no result is stale")
    page = pages.build(home, out / "site")
    if not json:
        console.print(f"report: {page}", soft_wrap=True)


def _stale(home: Path, found: Sequence[find.Found]) -> list[tuple[find.Found, str, range]]:
    """What to run again: experiment, scale and seeds of each stale result."""
    from wavetrain.evidence.result import stale

    old = stale(home, [one.name for one in found])
    return [(find.named(one.experiment), one.scale, range(len(one.seeds))) for one in old]


def _confirm(home: Path, names: Sequence[str], device: str, pool: "Pool", json: bool) -> None:
    """Replay witnesses and tell of each; leaves with 1 where what was confirmed is stale now."""
    from wavetrain.run import confirm

    told = []
    for one in confirm.confirmed(home, confirm.checks(home, names, device), pool):
        told.append(one)
        if not json:
            console.print(f"{one.result.experiment} {one.result.scale}: {one.standing}", soft_wrap=True)
            if one.why:
                console.print(f"  {one.why}", soft_wrap=True)
    if json:
        facts = ("experiment", "scale", "standing", "why")
        values = [(one.result.experiment, one.result.scale, one.standing, one.why) for one in told]
        terminal.print_json([dict(zip(facts, value, strict=True)) for value in values])
    if worse := [one.result.experiment for one in told if one.worse]:
        terminal.leave(f"stale now: {', '.join(worse)}; `wavetrain run --stale` runs again what is stale", 1)


def _calibrate(
    found: Sequence[find.Found],
    scale: str,
    device: str,
    pool: "Pool",
    home: Path,
    exact_only: bool,
    json: bool,
) -> None:
    """Tell which parts say nothing or cannot be met; leaves with 1 where there are any."""
    from wavetrain.run import calibration

    told = []
    for one in calibration.calibrated(found, scale, device, pool, home, exact_only):
        told.append(one)
        if not json:
            known = " and ".join(one.known) or "nothing to calibrate by"
            console.print(f"{one.experiment} {scale}: {known}", soft_wrap=True)
            for why in one.refused:
                console.print(f"  {why}", soft_wrap=True)
    if json:
        terminal.print_json([one._asdict() for one in told])
    if bad := [one.experiment for one in told if one.refused]:
        terminal.leave(f"limits that say nothing or cannot be met: {', '.join(bad)}", 1)
