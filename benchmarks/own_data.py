"""How well does Wavetrain do on data of one's own beside darts, aeon and sktime, in the same time?

    WAVETRAIN_DATA=FOLDER make bench-own-data
    WAVETRAIN_DATA=FOLDER python benchmarks/own_data.py [NAME ...] [--seconds 60] [--peers PYTHON]

Seven tables are forecast and eight sets of sequences are told apart (`beside/questions.py`). Three layers in
Wavetrain's estimators stand beside three models of the peers, all at their defaults; simple baselines stand
besides. Each training has the same processor time on one thread. The peers run in an environment of their
own, in a process beside ours, and both hand their answers over in files. One scorer scores all.

Time is that of the processor, so that other work on the machine takes nothing from anyone. Our layer is the
one that errs least on the part to choose by; where there is none, it is the default. What is over lies in the
folder of the run, and a run that is cut off goes on from there.
"""

import argparse
import datetime
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from beside import limits
from beside.questions import SEQUENCES, TABLES, Sequences, Table, named
from beside.scores import FILE, VERSION, Asked, Contestant, Scores, read, write
from record import git
from wavetrain.errors import BadInput
from wavetrain.run.machine import environment
from wavetrain.tables import class_metrics
from wavetrain.tables.paired import difference, units
from wavetrain.tables.rolling import Rolled, evaluate
from wavetrain.tables.score import Score

HERE = Path(__file__).resolve().parent
PEERS = HERE.parent / ".venv-peers" / "bin" / "python"
LIBRARIES = ("darts", "aeon", "sktime", "torch", "pytorch-lightning", "numba", "numpy")
ORDER = (*TABLES, *SEQUENCES)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {'; '.join(ORDER)}; all if none")
    parser.add_argument("--seconds", type=float, default=60.0, help="of the processor, for each training")
    parser.add_argument("--peers", type=Path, default=PEERS, help="the Python of their environment")
    parser.add_argument("--folder", type=Path, default=Path("runs"), help="where what is over lies")
    parser.add_argument("--out", type=Path, default=FILE, help="the record")
    parser.add_argument("--limits", action="store_true", help="time reading and starting in place of this")
    options = parser.parse_args()
    if unknown := sorted(set(options.names) - set(ORDER)):
        parser.error(f"there is no data {unknown[0]!r}; there are {'; '.join(ORDER)}")
    if not options.peers.exists():
        parser.error(
            f"expected the Python of the peers at {options.peers}; `make bench-own-data` installs it"
        )
    scores = _begun(options.out, options.peers)
    if options.limits:
        found = tuple(limits.measured(_now()))
        write(replace(scores, limits=found), options.out)
        for one in found:
            asked = "" if one.most is None else f", at most {one.most:g} asked"
            print(f"{one.what}: {one.middle:.3g} {one.unit}{asked}")
        return
    folder = options.folder / f"own_data-{options.seconds:g}s"
    names = options.names or list(ORDER)
    _answered(folder, names, options.seconds, options.peers)
    for name in names:
        one = scored(named(name), folder, options.seconds)
        scores = scores.with_asked(one, ORDER)
        write(scores, options.out)
        print(f"{name}: {one.place}")


def _begun(out: Path, peers: Path) -> Scores:
    """The record so far, of the machine and the versions of now."""
    here = environment("cpu", threads=1)
    code = f"import importlib.metadata as m, json; print(json.dumps([m.version(n) for n in {LIBRARIES!r}]))"
    done = subprocess.run([str(peers), "-c", code], capture_output=True, text=True, check=True)
    theirs = dict(zip((f"peers: {name}" for name in LIBRARIES), json.loads(done.stdout), strict=True))
    ours = {name: here[name] for name in ("wavetrain", "python", "torch", "numba", "numpy")}
    old = read(out) if out.exists() else None
    return Scores(
        version=VERSION,
        hardware=here["hardware"],
        cores=here["cores"],
        versions=ours | theirs,
        asked=old.asked if old else (),
        limits=old.limits if old else (),
    )


def _answered(folder: Path, names: list[str], seconds: float, peers: Path) -> None:
    """Ask both sides, each in a process of its own with one thread."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        named(name).write(folder / f"{name}.npz")
    threads = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")}
    path = os.pathsep.join([str(HERE), str(HERE.parent / "src")])
    common = [str(folder.resolve()), str(seconds), *names]
    sides = [
        subprocess.Popen(
            [python, "-m", module, *common], env=os.environ | threads | {"PYTHONPATH": places}, cwd=folder
        )
        for python, module, places in (
            (str(peers), "beside.peers", str(HERE)),
            (sys.executable, "beside.ours", path),
        )
    ]
    if any([side.wait() for side in sides]):
        raise SystemExit("one side failed; its last lines are above")


def scored(asked: Table | Sequences, folder: Path, seconds: float) -> Asked:
    """All answers to a question, by one scorer."""
    table = isinstance(asked, Table)
    scores: dict[str, Score] = {}
    found: list[Contestant] = []
    for path in sorted(folder.glob(f"{asked.name}--*.npz")):
        with np.load(path, allow_pickle=False) as file:
            one = dict(file)
        name = path.stem.partition("--")[2]
        scores[name] = score(asked, one["answer"])
        found.append(_contestant(name, one, scores[name]))
    whole = Asked(
        name=asked.name,
        what=asked.what,
        measure="MASE" if table else "accuracy",
        higher=not table,
        tested=len(asked.windows()[1]) if isinstance(asked, Table) else len(asked.test),
        contestants=tuple(sorted(found, key=_order)),
        seconds=seconds,
        date=_now(),
        commit=git("rev-parse", "--short=12", "HEAD"),
        load=round(os.getloadavg()[0], 1),
    )
    mine = scores[whole.ours.name]
    apart = [replace(one, ahead=_ahead(asked, mine, scores[one.name])) for one in whole.contestants]
    return replace(whole, contestants=tuple(apart))


def _contestant(name: str, found: dict[str, np.ndarray], score: Score) -> Contestant:
    error = float(found.get("error", np.array(np.nan)))
    return Contestant(
        name=name,
        score=score.value if score.whole else None,
        error=error if np.isfinite(error) else None,
        seconds=round(float(found["seconds"]), 2),
        wall=round(float(found["wall"]), 1),
        training=str(found["training"]),
        cut=bool(found["cut"]),
    )


def score(asked: Table | Sequences, answer: np.ndarray) -> Score:
    """MASE of forecasts, or accuracy of labels."""
    if isinstance(asked, Table):
        return _rolled(asked, answer).mase()
    if answer.shape != asked.test_label.shape:
        raise BadInput(f"expected labels {asked.test_label.shape}, got {answer.shape}")
    return class_metrics.accuracy(truth=asked.test_label, forecast=answer)


def _rolled(asked: Table, answer: np.ndarray) -> Rolled:
    """Forecasts beside the truth."""
    test, firsts = asked.split.test, asked.split.firsts
    return evaluate(lambda *place: answer, test, firsts, asked.horizon, season=asked.season, most=len(answer))


def _ahead(asked: Table | Sequences, mine: Score, other: Score) -> tuple[float, ...]:
    """How much better we are: the ends of the interval; empty where none follows."""
    if not (mine.whole and other.whole) or mine is other:
        return ()
    if isinstance(asked, Table):
        truth = np.zeros((len(asked.windows()[1]), asked.horizon, 1))
        apart = difference([other], mine, units(_rolled(asked, truth)))
    else:
        apart = difference([mine], other, {"sequence": np.arange(len(asked.test))})
    return (apart.low, apart.high) if np.isfinite(apart.low) else ()


def _order(one: Contestant) -> tuple[int, str]:
    """Ours with the default first, then the peers, then the baselines."""
    kinds = {"wavetrain": 0, "baseline": 2}
    return kinds.get(one.library, 1), "" if one.name == "wavetrain gru" else one.name


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M")


if __name__ == "__main__":
    main()
