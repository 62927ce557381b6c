"""The page "How well": forecasts and classes beside other libraries, from the record of `own_data.py`."""

from collections.abc import Sequence
from pathlib import Path

from beside.scores import BASELINE, FILE, OURS, Asked, Contestant, Limit, Scores, read
from wavetrain.report.prose import escaped

PLACES = {
    "best": "at least as good as the best peer",
    "between": "between the peers",
    "behind all": "**behind all peers**",
}
BUSY = 0.1  # programs for each core, above which a machine is said to be busy

START = """# How well

How good are forecasts and classes on data of one's own, beside those of other libraries in the same time?
Each model is taken at its defaults, with one thread. Where the time is over first, training stops there.
Names in brackets say which model it was.

All contestants get the same rows and answer the same test part once. Tables are scored by MASE, the mean
absolute error over that of repeating the last season: less is better. Sequences are scored by accuracy.
Wavetrain's layer is the one that errs least on the part to choose by, never the best of the test; where there
are too few sequences for such a part, it is the default, `gru`. Of the peers, the best and the worst of the
test are shown. [What stands behind the gaps](../../compare.md#beside-other-libraries) is a page of its own.
"""

EVERY = (
    "Every contestant, with the 95 % interval of the difference to Wavetrain's layer (where windows or "
    "sequences are too few, there is none), and the seconds of the processor that training took:"
)
EMPTY = "Nothing has been recorded yet: `make bench-own-data` does it."


def page(file: Path = FILE) -> str:
    """The page, from the record."""
    if not file.exists():
        return "\n".join([START, EMPTY, ""])
    scores = read(file)
    parts = [START]
    for heading, higher in (("Forecasts", False), ("Classes of sequences", True)):
        asked = [one for one in scores.asked if one.higher == higher]
        if asked:
            parts += [f"## {heading}", "", counted(asked), "", *_standing(asked), "", *_all(asked), ""]
    if scores.limits:
        parts += ["## What has to end in time", "", *_limits(scores.limits), ""]
    return "\n".join([*parts, *_measured(scores), ""])


def counted(asked: Sequence[Asked]) -> str:
    """How often each place was taken, in words."""
    found = [one.place for one in asked]
    parts = [f"{PLACES[place]} on {found.count(place)}" for place in PLACES if place in found]
    sure = sum(one.surely for one in asked)
    chance = f" (on {sure} by more than chance)" if "behind all" in found else ""
    return f"Of {len(asked)} data sets, Wavetrain is {', '.join(parts)}{chance}."


def _standing(asked: Sequence[Asked]) -> list[str]:
    rows = [
        "| data | tested | Wavetrain | best peer | worst peer | best baseline | Wavetrain is |",
        "|---|--:|---|---|---|---|---|",
    ]
    for one in asked:
        peers, simple = one.peers, one.of(BASELINE)
        best = _one(simple[0]) if simple else ""
        cells = [_one(one.ours), _one(peers[0]), _one(peers[-1]), best, _place(one)]
        rows.append("| " + " | ".join([escaped(one.name), str(one.tested), *cells]) + " |")
    return rows


def _place(one: Asked) -> str:
    doubt = one.place == "behind all" and not one.surely
    return PLACES[one.place] + (", not told apart from the worst" if doubt else "")


def _all(asked: Sequence[Asked]) -> list[str]:
    """Every contestant, with what its training came to."""
    rows = [
        f"| data | contestant | {asked[0].measure} | Wavetrain is better by | training | seconds |",
        "|---|---|--:|--:|---|--:|",
    ]
    for one in asked:
        for place, each in enumerate(one.contestants):
            name = f"{escaped(one.name)} ({escaped(one.what)})" if place == 0 else ""
            score = "none" if each.score is None else f"{each.score:.3g}"
            apart = " to ".join(f"{end:+.2g}" for end in each.ahead)
            cells = [name, escaped(each.name), score, apart, escaped(each.training), f"{each.seconds:.1f}"]
            rows.append("| " + " | ".join(cells) + " |")
    return [EVERY, "", *rows]


def _one(each: Contestant) -> str:
    name = each.name if each.library not in (OURS, BASELINE) else each.name.partition(" ")[2]
    return f"{each.score:.3g} ({escaped(name)})"


def _limits(limits: Sequence[Limit]) -> list[str]:
    rows = ["| what | median | range | asked: at most |", "|---|--:|--:|--:|"]
    for one in limits:
        span = f"{min(one.runs):.3g} to {max(one.runs):.3g}"
        most = "" if one.most is None else f"{one.most:g} {one.unit}"
        rows.append(f"| {escaped(one.what)} | {one.middle:.3g} {one.unit} | {span} | {most} |")
    return rows


def _measured(scores: Scores) -> list[str]:
    """How, where and when; and whether the machine had other work."""
    loads = [one.load for one in (*scores.asked, *scores.limits)]
    dates = sorted({one.date.split()[0] for one in (*scores.asked, *scores.limits)})
    budgets = sorted({one.seconds for one in scores.asked})
    times = " or ".join(f"{one:g}" for one in budgets)
    days = f"on {dates[0]}" if len(dates) == 1 else f"from {dates[0]} to {dates[-1]}"
    versions = ", ".join(f"{name} {version}" for name, version in scores.versions.items())
    busy = (
        f"**The machine was busy**: {min(loads):g} to {max(loads):g} programs wanted its {scores.cores} "
        "cores. So trainings are given time of the processor, which others do not take away; each second of "
        "it does less on a busy machine, for all alike."
        if max(loads) > BUSY * scores.cores
        else f"The machine had little else to do (load {max(loads):g})."
    )
    return [
        f"Measured {days} by `python benchmarks/own_data.py`: {times} seconds of the "
        f"processor for each training, planning and answers not counted. {escaped(scores.hardware)}, "
        f"{scores.cores} cores, one thread each. {escaped(versions)}. {busy}"
    ]
