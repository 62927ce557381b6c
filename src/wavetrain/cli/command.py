"""The command: list, show, new, run, compare, site, cite, fetch.

The only file that prints. What only reads (list, cite, site) never imports torch. Bad input is one line on
the error stream and exit code 2.
"""

import contextlib
import math
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from wavetrain import find
from wavetrain.cli import terminal
from wavetrain.cli.arguments import Json, Name, Names
from wavetrain.cli.members import list_, show
from wavetrain.cli.new import new
from wavetrain.cli.progress import progress
from wavetrain.errors import BadInput, unknown

console = terminal.Terminal()


def run(
    experiments: Names,
    scale: str = "small",
    seeds: int = 3,
    device: str = "cpu",
    jobs: int = 0,
    out: Path = Path("runs"),
    results: Path | None = None,
    save_every: float = 10.0,
    confirm: bool = False,
    stale: bool = False,
    json: Json = False,
) -> None:
    """Test published claims; a run that was cut off goes on where it stopped.

    Args:
        experiments: names from `wavetrain list experiments`, or all
        scale: smoke (seconds, no verdict), small (minutes on two cores), full (the paper's size)
        seeds: how many; a verdict takes at least three
        device: cpu, cuda, cuda:1 ...
        jobs: runs at a time, one torch thread each; 0 for one per core (one on a GPU)
        out: folder of the runs
        results: folder of the results, one JSON each; OUT/results where not given
        save_every: seconds between checkpoints
        confirm: replay the witnesses of results, in seconds each: do their figures hold for today's code?
        stale: run again those results for which they do not
    """
    from wavetrain.evidence.result import stale as stale_results
    from wavetrain.evidence.shape import written
    from wavetrain.report import pages
    from wavetrain.report.tables import verdict_table
    from wavetrain.run import runner

    if not (experiments or confirm or stale):
        raise BadInput("run what? Name experiments from `wavetrain list experiments`, or all")
    if confirm and stale:
        raise BadInput("expected --confirm or --stale, got both: first confirm, then run what is stale")
    if scale not in runner.SCALES:
        raise unknown("scale", scale, runner.SCALES)
    terminal.within(seeds=seeds, jobs=jobs or 1)
    device = terminal.device(device)
    if not 0 <= save_every < math.inf:
        raise BadInput(f"expected seconds of at least 0 to save after, got {save_every}")
    asked = [find.named(name, ("experiments",)) for name in dict.fromkeys(experiments) if name != "all"]
    every = "all" in experiments or not experiments
    found = list(find.members("experiments")) if every else asked
    jobs = jobs or (1 if device != "cpu" else os.cpu_count() or 1)
    home = out / "results" if results is None else results
    if confirm:
        _confirm(home, () if every else [one.name for one in found], device, jobs, json)
        return
    work = [(one, scale, range(seeds)) for one in found]
    if stale:
        old = stale_results(home, [one.name for one in found])
        work = [(find.named(one.experiment), one.scale, range(len(one.seeds))) for one in old]
    threads = 1 if device == "cpu" else os.cpu_count() or 1  # contended threads wait for each other
    groups = [
        [runner.Order(one, size, seed, device, threads, save_every, out) for seed in own]
        for one, size, own in work
    ]
    home.mkdir(parents=True, exist_ok=True)  # where it cannot be, that is said before the work
    with progress(console, quiet=json) as tell:
        whole = list(runner.run_all(groups, jobs, home, tell))
    if json:
        _print_json(written(whole))
    elif whole:
        console.print(verdict_table(whole))
    else:
        console.print("no result is stale")
    page = pages.build(home, out / "site")
    if not json:
        console.print(f"report: {page}", soft_wrap=True)


def _confirm(home: Path, names: Sequence[str], device: str, jobs: int, json: bool) -> None:
    """Replay witnesses and tell of each; leaves with 1 where what was confirmed is stale now."""
    from wavetrain.run import confirm

    told = []
    for one in confirm.confirmed(home, confirm.checks(home, names, device), jobs):
        told.append(one)
        if not json:
            console.print(f"{one.result.experiment} {one.result.scale}: {one.standing}", soft_wrap=True)
            if one.why:
                console.print(f"  {one.why}", soft_wrap=True)
    if json:
        facts = ("experiment", "scale", "standing", "why")
        values = [(one.result.experiment, one.result.scale, one.standing, one.why) for one in told]
        _print_json([dict(zip(facts, value, strict=True)) for value in values])
    if worse := [one.result.experiment for one in told if one.worse]:
        _leave(f"stale now: {', '.join(worse)}; `wavetrain run --stale` runs again what is stale", 1)


def compare(
    data: Name,
    layers: tuple[str, ...] = (),
    parameters: int = 20_000,
    steps: int = 400,
    batch: int = 32,
    depth: int = 2,
    rates: tuple[float, ...] = (1e-3, 3e-3, 1e-2),
    seeds: int = 3,
    device: str = "cpu",
    jobs: int = 0,
    out: Path = Path("runs"),
    json: Json = False,
) -> None:
    """Several layers on one data set under one budget: which kind of memory does it need?

    Args:
        data: a name from `wavetrain list`, or a file: .npz (x and y), .csv (forecast), .txt (next byte)
        layers: names from `wavetrain list layers`, or all; one of each family where none is given
        parameters: of the whole stack
        steps: of training
        batch: sequences in a step
        depth: layers in the stack
        rates: learning rates to search
        seeds: how many
        device: cpu, cuda, cuda:1 ...
        jobs: layers at a time, one torch thread each; 0 for one per core (one on a GPU)
        out: folder of the runs
    """
    from wavetrain.evidence.shape import written
    from wavetrain.report.tables import columns_table, comparison
    from wavetrain.run.compare import Terms
    from wavetrain.run.compare import compare as compared
    from wavetrain.tables.load import load

    terminal.within(seeds=seeds, jobs=jobs or 1)
    device = terminal.device(device)
    terms = Terms(parameters, steps, batch, depth, rates, seeds=tuple(range(seeds)))
    jobs = jobs or (1 if device != "cpu" else os.cpu_count() or 1)
    loaded = load(data)
    if not json:
        console.print(loaded.what)  # before hours of training, as it says what was left out
    with progress(console, quiet=json) as tell:
        result = compared(loaded, layers or None, terms, out, device, jobs, tell)
    if json:
        _print_json(written(result))
        return
    console.print(columns_table(comparison(result)))
    console.print(f"chance: {result.chance.answer}")
    for why in result.left_out.values():
        console.print(f"left out: {why}")
    for layer, path in result.pictures.items():
        console.print(f"operator of {layer}: {Path(result.folder) / path}", soft_wrap=True)


def site(results: Path = Path("results"), out: Path = Path("site"), json: Json = False) -> None:
    """Build the static report pages from a folder of results.

    Args:
        results: folder of the results
        out: folder of the pages
    """
    from wavetrain.report import pages

    page = pages.build(results, out)
    if json:
        _print_json({"page": str(page)})
    else:
        console.print(f"report: {page}", soft_wrap=True)


def cite(name: Name, json: Json = False) -> None:
    """The BibTeX entry of what a system rests on."""
    from wavetrain.report.bibtex import bibtex

    found = find.named(name, find.SYSTEMS)
    if json:
        _print_json({"name": name, **found.facts, "bibtex": bibtex(found)})
    else:
        console.print(bibtex(found), soft_wrap=True)


def fetch(name: Name, json: Json = False) -> None:
    """Download a recording into the data folder (WAVETRAIN_DATA, or the user's cache)."""
    import importlib

    found = find.named(name, ("data",))
    module = importlib.import_module(found.module)
    if not hasattr(module, "fetch"):
        found.load()()  # where it is missing, this says where it comes from
        raise BadInput(f"{name} needs no fetching: it is there")
    place = module.fetch()
    if json:
        _print_json({"name": name, "folder": str(place)})
    else:
        console.print(f"{name}: {place}", soft_wrap=True)


def _print_json(value: Any) -> None:
    print(terminal.as_json(value))


COMMANDS: dict[str, Callable[..., None]] = {
    "list": list_,
    "show": show,
    "new": new,
    "run": run,
    "compare": compare,
    "site": site,
    "cite": cite,
    "fetch": fetch,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; leaves with 0, with 2 for bad input, with 130 when interrupted."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    terminal.prepare()
    try:
        try:
            _answer(words)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        terminal.abandon()
        sys.exit(141)
    except (BadInput, OSError) as error:
        _leave(str(error), 2)
    except (MemoryError, RuntimeError) as error:
        if not terminal.out_of_memory(error):
            raise
        _leave(f"not enough memory for this size: {error}", 2)
    except KeyboardInterrupt:
        _leave("stopped; the same command goes on from here", 130)


def _answer(words: Sequence[str]) -> None:
    if words and not words[0].startswith("-") and words[0] not in COMMANDS:
        raise unknown("command", words[0], COMMANDS)
    terminal.parsed(COMMANDS, words, "wavetrain", "Sequence learning in brains and machines.")()


def _leave(why: str, code: int) -> NoReturn:
    with contextlib.suppress(OSError):  # where nobody can be told, the exit code still is
        print(f"wavetrain: {' '.join(why.split())}", file=sys.stderr)
    sys.exit(code)
