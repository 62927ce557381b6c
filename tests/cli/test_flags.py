"""Flags as they reach the work: what each command is by default, and what it refuses before it begins."""

import inspect
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from wavetrain import find
from wavetrain.cli import command as cli
from wavetrain.cli import main, terminal
from wavetrain.errors import BadInput
from wavetrain.estimators import Forecaster, SequenceClassifier
from wavetrain.run.pools import Processes

DEFAULTS: dict[str, dict[str, Any]] = {
    "evaluate": {"coverage": 0.9, "json": False},
    "fit": {
        "layer": None,
        "baseline": None,
        "target": (),
        "horizon": 1,
        "time": (),
        "id": (),
        "known_ahead": (),
        "missing": (),
        "resample": "",
        "classes": "",
        "context": None,
        "width": 32,
        "depth": 2,
        "steps": 300,
        "rate": 3e-3,
        "seed": 0,
        "sharded": False,
        "json": False,
    },
    "look": {
        "lens": (),
        "data": None,
        "beside": None,
        "part": "",
        "rate": None,
        "positions": "",
        "band": (),
        "channels": (),
        "between": (),
        "name": "",
        "out": None,
        "json": False,
    },
    "new": {"group": "", "folder": Path(), "json": False},
    "predict": {"data": "", "ahead": "", "out": None, "coverage": 0.9, "json": False},
    "run": {
        "scale": "small",
        "seeds": 3,
        "device": "cpu",
        "on": "processes",
        "piece": "",
        "jobs": 0,
        "out": Path("runs"),
        "results": None,
        "save_every": 10.0,
        "calibrate": False,
        "exact": False,
        "confirm": False,
        "stale": False,
        "track": None,
        "json": False,
    },
    "site": {"results": None, "runs": Path("runs"), "out": Path("site"), "json": False},
    "stream": {"data": "-", "state": None, "fresh": False, "coverage": 0.9, "json": False},
}


@pytest.mark.parametrize("name", DEFAULTS)
def test_what_is_not_said_has_a_default(name: str) -> None:
    given = inspect.signature(cli.COMMANDS[name]).parameters.values()
    found = {one.name: one.default for one in given if one.default is not inspect.Parameter.empty}
    assert found == DEFAULTS[name]
    assert [type(value) for value in found.values()] == [type(value) for value in DEFAULTS[name].values()]


def test_a_model_is_as_large_as_the_estimator_makes_it() -> None:
    """`fit` in a terminal and in Python learn the same."""
    for model in (Forecaster("gru"), SequenceClassifier("gru")):
        usual = model.get_params()
        for name in ("horizon", "context", "width", "depth", "steps", "rate"):
            if name in usual:
                assert DEFAULTS["fit"][name] == usual[name]


class Begun(Exception):
    """The work began."""


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Any]:
    """What runs are asked for; nothing is run."""
    asked = list[Any]()

    def run_all(groups: Any, pool: Any, home: Path, tell: Any) -> Any:
        asked.extend((groups, pool.jobs, home))
        raise Begun

    monkeypatch.setattr("wavetrain.run.runner.run_all", run_all)
    monkeypatch.setattr("os.cpu_count", lambda: 5)
    monkeypatch.chdir(tmp_path)
    return asked


def test_a_run_is_ordered_as_it_is_asked_for(ran: list[Any], tmp_path: Path) -> None:
    words = ["wave_rnn_copy", "wave_rnn_waves", "wave_rnn_copy", "--scale", "full", "--seeds", "2"]
    with pytest.raises(Begun):
        main(["run", *words, "--out", "here", "--save-every", "0", "--results", "there"])
    groups, jobs, home = ran
    assert jobs == 5 and home == Path("there") and (tmp_path / "there").is_dir()
    assert [[(one.experiment.name, one.seed) for one in group] for group in groups] == [
        [("wave_rnn_copy", 0), ("wave_rnn_copy", 1)],
        [("wave_rnn_waves", 0), ("wave_rnn_waves", 1)],
    ]
    for one in [*groups[0], *groups[1]]:
        assert (one.scale, one.device, one.threads, one.save_every, one.out) == (
            "full",
            "cpu",
            1,
            0,
            Path("here"),
        )


def test_a_run_has_three_seeds_and_a_core_each(ran: list[Any]) -> None:
    with pytest.raises(Begun):
        main(["run", "wave_rnn_copy", "--jobs", "3"])
    groups, jobs, home = ran
    assert jobs == 3 and home == Path("runs/results") and [one.seed for one in groups[0]] == [0, 1, 2]
    assert {(one.scale, one.save_every, one.out) for one in groups[0]} == {("small", 10.0, Path("runs"))}


@pytest.mark.parametrize("words", [["all"], ["wave_rnn_copy", "all"]])
def test_all_are_all_experiments(words: list[str], ran: list[Any]) -> None:
    with pytest.raises(Begun):
        main(["run", *words, "--seeds", "1"])
    names = [group[0].experiment.name for group in ran[0]]
    assert names == [one.name for one in find.members("experiments")]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("run", "run what?"),
        ("run wave_rnn_copy --calibrate --confirm", "expected one of --calibrate, --confirm and --stale"),
        ("run wave_rnn_copy --confirm --stale", "expected one of --calibrate, --confirm and --stale"),
        ("run wave_rnn_copy --exact", "--exact goes with --calibrate"),
        ("run wave_rnn_copy --confirm --exact", "--exact goes with --calibrate"),
        ("run wave_rnn_copy --confirm --track wandb", "--track goes with runs"),
        ("run wave_rnn_copy --calibrate --track wandb", "--track goes with runs"),
        ("run wave_rnn_copy --track wanbd", "did you mean wandb"),
        ("run wave_rnn_copy --save-every -1", "expected seconds of at least 0 to save after, got -1"),
        ("run wave_rnn_copy --save-every inf", "expected seconds of at least 0 to save after, got inf"),
        ("run wave_rnn_copy --seeds 1001", "seeds must be from 1 to 1000, got 1001"),
        ("run wave_rnn_copy --jobs 1001", "jobs must be from 1 to 1000, got 1001"),
    ],
)
def test_what_makes_no_sense_is_said_before_the_work(
    words: str, said: str, ran: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(words.split())
    assert left.value.code == 2 and said in capsys.readouterr().err and not ran


def test_what_is_stale_is_ordered_again_with_its_seeds(
    ran: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    old = [
        SimpleNamespace(experiment="wave_rnn_copy", scale="smoke", seeds=(0, 1)),
        SimpleNamespace(experiment="wave_rnn_waves", scale="full", seeds=(0,)),
    ]
    asked = list[Any]()
    monkeypatch.setattr(
        "wavetrain.evidence.result.stale", lambda home, names: asked.append((home, names)) or old
    )
    with pytest.raises(Begun):
        main(["run", "wave_rnn_copy", "wave_rnn_waves", "--stale", "--seeds", "9"])
    assert asked == [(Path("runs/results"), ["wave_rnn_copy", "wave_rnn_waves"])]
    assert [[(one.experiment.name, one.scale, one.seed) for one in group] for group in ran[0]] == [
        [("wave_rnn_copy", "smoke", 0), ("wave_rnn_copy", "smoke", 1)],
        [("wave_rnn_waves", "full", 0)],
    ]


@pytest.mark.parametrize("worse", [False, True])
@pytest.mark.parametrize("json", [False, True])
def test_replays_are_told_one_by_one_and_news_that_are_bad_leave_with_one(
    worse: bool, json: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(name: str, standing: str, why: str, worse: bool) -> Any:
        one = SimpleNamespace(experiment=name, scale="small")
        return SimpleNamespace(result=one, standing=standing, why=why, worse=worse)

    found = [
        told("a", "confirmed", "", False),
        told("b", "stale", "a loss", worse),
        told("c", "stale", "x", False),
    ]
    asked = list[Any]()
    monkeypatch.setattr("wavetrain.run.confirm.checks", lambda *given: asked.append(given) or "checks")
    monkeypatch.setattr("wavetrain.run.confirm.confirmed", lambda *given: asked.append(given) or found)
    words = ["run", "wave_rnn_copy", "--confirm", "--jobs", "2", *(["--json"] if json else [])]
    if worse:
        with pytest.raises(SystemExit) as left:
            main(words)
        assert left.value.code == 1
    else:
        main(words)
    home = Path("runs/results")
    assert asked == [(home, ["wave_rnn_copy"], "cpu"), (home, "checks", Processes(2))]
    out, err = capsys.readouterr()
    if json:
        assert '"experiment": "b",\n  "scale": "small",\n  "standing": "stale",\n  "why": "a loss"' in out
    else:
        assert out.splitlines() == [
            "a small: confirmed",
            "b small: stale",
            "  a loss",
            "c small: stale",
            "  x",
        ]
    assert err == ("wavetrain: stale now: b; `wavetrain run --stale` runs again what is stale\n" * worse)


def test_numbers_of_seeds_and_jobs_have_their_limits() -> None:
    terminal.within(seeds=1, jobs=1000)
    for bad in (0, 1001, -1):
        with pytest.raises(BadInput, match=f"jobs must be from 1 to 1000, got {bad}"):
            terminal.within(seeds=3, jobs=bad)


def test_a_share_is_between_nothing_and_all() -> None:
    terminal.share("coverage", 0.001)
    terminal.share("coverage", 0.999)
    for bad in (0.0, 1.0, -0.5, float("nan")):
        with pytest.raises(BadInput, match=f"expected a coverage between 0 and 1, got {bad:g}"):
            terminal.share("coverage", bad)


def test_places_that_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file whose folder is there, also that in which one stands; a folder that can be made at any depth."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("kept")
    terminal.writable(None, Path("new.csv"), Path("file"), tmp_path / "new.csv")
    with pytest.raises(BadInput, match="none/x cannot be written: there is no folder none"):
        terminal.writable(Path("new.csv"), None, Path("none/x"))
    with pytest.raises(BadInput, match="it is a folder"):
        terminal.writable(tmp_path)
    for place in (tmp_path, Path("a/b/c"), Path("a")):
        terminal.folder(place)
    for place in ("file", "file/a/b"):
        with pytest.raises(BadInput, match=f"{place} cannot be a folder: {tmp_path}/file is a file"):
            terminal.folder(Path(place))


def test_what_says_that_memory_is_short() -> None:
    for error in (MemoryError(), RuntimeError("can't allocate 9 bytes"), RuntimeError("CUDA out of memory.")):
        assert terminal.out_of_memory(error)
    assert not terminal.out_of_memory(RuntimeError("other shapes"))


@pytest.mark.parametrize(
    ("box", "said"),
    [
        ("╭ Title ───╮\n│ one │\n│ two.  │\n╰───╯", "one two"),
        ("╭ Title ───╮\n│ ───── │\n│ one │\n│ ──── │\n│ more │\n╰───╯", "one"),
        ("+- Title -+\n| one - two |\n| --- |\n| more |\n+---+", "one - two"),
        ("only a title", "these words make no sense"),
        ("", "these words make no sense"),
    ],
)
def test_a_box_of_the_parser_becomes_one_line(box: str, said: str) -> None:
    assert terminal._sentence(box) == said


def test_lines_beside_the_answer_are_one_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.note(" a\n  b ")
    with pytest.raises(SystemExit) as left:
        terminal.leave("c\n\td", 7)
    out, err = capsys.readouterr()
    assert (out, err, left.value.code) == ("", "wavetrain: a b\nwavetrain: c d\n", 7)


def test_json_is_indented_and_keeps_its_letters(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.print_json({"µ": [1, Path("a")]})
    assert capsys.readouterr().out == '{\n "µ": [\n  1,\n  "a"\n ]\n}\n'


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("mps", "expected a device cpu, cuda, cuda:1 ..., got 'mps'"),
        ("gpu", "device 'gpu' cannot be used here"),
    ],
)
def test_devices(name: str, said: str) -> None:
    assert terminal.device("cpu") == terminal.device("cpu:0") == "cpu"
    with pytest.raises(BadInput, match=said) as error:
        terminal.device(name)
    assert "\n" not in str(error.value)
