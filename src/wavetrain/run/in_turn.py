"""Files of one's own, learned one after another by several rules: what each rule forgets.

One stack of one layer learns the files in their order, by each rule by itself, from the same first weights
and with the same batches. Adam goes on from file to file. The learning rate is chosen on the first file
alone, with backpropagation, for all rules. Rules are as they are by default.

Beside the rules stand the same network had it learned nothing after the first file, which loses nothing, and
all files learned as one, which is what there is to be had.
"""

import dataclasses
import datetime
import hashlib
import json
import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from wavetrain import __version__, find
from wavetrain.evidence import code, picture
from wavetrain.evidence.files import read_json, write_json
from wavetrain.evidence.in_turn import InTurn, Kept, read_in_turn, write_in_turn
from wavetrain.parts.accuracy_matrix import AccuracyMatrix
from wavetrain.parts.stack import Answer
from wavetrain.parts.task_sequence import TaskSequence
from wavetrain.report.in_turn import write_page
from wavetrain.run.contender import build, fitting_width
from wavetrain.run.pools import Pool, named_in
from wavetrain.run.stream_files import asked, together
from wavetrain.run.terms import Terms, plain
from wavetrain.run.threads import limited
from wavetrain.tables.load import load
from wavetrain.train import arms, continual
from wavetrain.train.lab import Lab, News, Plan

HELD_OUT = 500  # sequences of the first file that learning rates are chosen by


@dataclass(frozen=True)
class Entry:
    """One rule: the piece of work of one process."""

    rule: find.Found
    layer: find.Found
    width: int
    sources: tuple[str, ...]
    rate: float  # NaN where it is to be found
    terms: Terms
    folder: Path
    device: str


def compare_rules(
    sources: Sequence[str],
    rules: Sequence[str],
    layer: str,
    terms: Terms,
    out: Path,
    device: str,
    pool: Pool,
    tell: Callable[[News], None],
    *,
    say: Callable[[str], None] = lambda line: None,
) -> InTurn:
    """Learn files in turn by each rule; returns what their folder in `out` holds.

    `terms.steps` are those of each file. Raises BadInput for no file, for files that do not go together, and
    for a rule that cannot teach such a network.
    """
    chosen, found = asked(rules), find.named(layer, ("layers",))
    loaded = [load(str(one)) for one in sources]
    sequence, said = together(loaded)
    for line in said:
        say(line)
    width, parameters = fitting_width(found, sequence.tasks[0], terms)
    config = {
        "files": [one.digest for one in loaded],
        "rules": {one.name: code.digest([one.path]) for one in chosen},
        "layer": code.digest([found.path]),
        "here": code.digest([Path(__file__), Path(continual.__file__), Path(arms.__file__)]),
        "terms": plain(terms),
        "device": device,
        "version": __version__,
    }
    digest = hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()[:8]
    folder = out / f"in-turn-{loaded[0].name}-{digest}"
    if (folder / "result.json").exists():
        say(f"taken up from {folder}")
        return read_in_turn(folder / "result.json")
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "config.json", config)
    files = tuple(map(str, sources))
    search = Entry(chosen[0], found, width, files, math.nan, terms, folder, device)
    ((_, rate),) = pool.each(searched, [search], tell)
    say(
        f"{layer} of width {width}, {parameters:,} parameters; learning rate {rate:g}, which suits the first "
        "file"
    )
    entries = [dataclasses.replace(search, rule=one, rate=rate) for one in chosen]
    kept, matrices = {}, {}
    for entry, (one, mean) in pool.each(execute, entries, named_in(folder, tell)):
        kept[entry.rule.name], matrices[entry.rule.name] = one, mean
        say(f"{one.rule}: {_percent(one.average)} right in the end, forgetting {_percent(one.forgetting)}")
    first = matrices[chosen[0].name].frozen()
    ((_, at_once),) = pool.each(learned_at_once, entries[:1], tell)
    say(f"all files at once: {_percent(at_once)} right")
    shown = {one.name: matrices[one.name] for one in chosen} | {"frozen": first}
    result = InTurn(
        files=tuple(one.name for one in loaded),
        said=said,
        scenario=sequence.scenario.value,
        chance=statistics.fmean(one.chance for one in sequence.tasks),
        layer=layer,
        width=width,
        parameters=parameters,
        rate=rate,
        terms=plain(terms),
        rules=tuple(
            sorted(kept.values(), key=lambda one: -math.inf if one.average is None else -one.average)
        ),
        frozen=_kept("frozen", [first], 0),
        at_once=at_once,
        picture=_drawn(folder, shown),
        environment=pool.environment(device, threads=1)
        | {"jobs": pool.jobs, "date": str(datetime.date.today())},
        folder=str(folder),
    )
    write_page(result, folder)
    write_in_turn(folder / "result.json", result)  # last: where it is, all is there
    return result


def execute(entry: Entry, tell: Callable[[News], None]) -> tuple[Kept, AccuracyMatrix]:
    """Learn all files by one rule, with every seed."""
    sequence, _ = together([load(one) for one in entry.sources])
    rules = []

    def rule() -> object:
        rules.append(entry.rule.load()())
        return rules[-1]

    with limited(1):
        found = [
            arms.in_lab(
                Lab(entry.folder / f"{entry.rule.name}-seed{seed}", seed, entry.device, tell),
                entry.rule.name,
                sequence,
                _arm(entry, sequence, rule),
            ).matrix
            for seed in entry.terms.seeds
        ]
    stored = entry.folder / f"{entry.rule.name}.json"
    if rules:
        write_json(stored, {"bytes": getattr(getattr(rules[-1], "kept", None), "bytes", 0)})
    kept = _kept(entry.rule.name, found, read_json(stored)["bytes"] if stored.exists() else 0)
    return kept, _mean(found)


def _arm(entry: Entry, sequence: TaskSequence, rule: Callable[[], object]) -> arms.Arm:
    terms = entry.terms
    return arms.Arm(
        make=partial(_network, entry.layer, entry.width, sequence, terms),
        rule=rule,  # type: ignore[arg-type]
        optimiser=partial(torch.optim.Adam, lr=entry.rate),
        terms=continual.Terms(batch=terms.batch, steps=terms.steps, clip=terms.clip),
    )


def _network(layer: find.Found, width: int, sequence: TaskSequence, terms: Terms) -> Answer:
    return Answer(build(layer.load(), width, sequence.tasks[0], terms.depth), every_step=False)


def searched(entry: Entry, tell: Callable[[News], None]) -> float:
    """The learning rate by which the first file is learned best, of a part of the steps."""
    terms = entry.terms
    if len(terms.rates) == 1:
        return terms.rates[0]
    sequence, _ = together([load(one) for one in entry.sources])
    steps = max(1, round(terms.search * terms.steps))
    plans = {
        f"{rate:g}": Plan(steps, terms.batch, rate, terms.clip, every=steps, held_out=HELD_OUT)
        for rate in terms.rates
    }
    lab = Lab(entry.folder / f"search-seed{terms.seeds[0]}", terms.seeds[0], entry.device, tell)
    make = partial(_network, entry.layer, entry.width, sequence, terms)
    with limited(1):
        label, _ = lab.best("search", make, sequence.tasks[0], plans)
    return plans[label].rate


def learned_at_once(entry: Entry, tell: Callable[[News], None]) -> float | None:
    """All files learned as one by backpropagation; the mean over seeds. None where one diverged."""
    sequence, _ = together([load(one) for one in entry.sources])
    rule = find.named("backpropagation", ("rules",)).load()
    with limited(1):
        scores = [
            arms.at_once_in_lab(
                Lab(entry.folder / f"at-once-seed{seed}", seed, entry.device, tell),
                "at_once",
                sequence,
                _arm(entry, sequence, rule),
            )[""]
            for seed in entry.terms.seeds
        ]
    return _finite(statistics.fmean(scores))


def _kept(name: str, found: Sequence[AccuracyMatrix], stored: int) -> Kept:
    averages = [one.average for one in found]
    spread = statistics.stdev(averages) if len(averages) > 1 else math.nan
    after = tuple(tuple(map(_finite, row)) for row in _mean(found).after.tolist())
    means = {
        what: _finite(statistics.fmean(getattr(one, what) for one in found))
        for what in ("average", "learned", "forgetting", "backward", "anytime")
    }
    return Kept(rule=name, after=after, spread=_finite(spread), stored=stored, **means)


def _mean(found: Sequence[AccuracyMatrix]) -> AccuracyMatrix:
    return AccuracyMatrix(np.mean([one.after for one in found], 0))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _percent(share: float | None) -> str:
    return "diverged" if share is None else f"{100 * share:.1f}%"


def _drawn(folder: Path, matrices: dict[str, AccuracyMatrix]) -> str:
    from wavetrain.report.draw import draw

    one = arms.pictured("How much of each file is known after each", matrices)
    one = dataclasses.replace(
        one,
        labels=tuple(label.replace("_", " ") for label in one.labels),
        xlabel="tested on file (from 0)",
        ylabel="after file (from 0)",
        columns=2,
    )
    picture.save(folder / "matrices.npz", one)
    draw(one, folder / "matrices.png")
    return "matrices.png"
