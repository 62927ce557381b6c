"""The bench: who is asked for by which name, that least work is counted right, and that all is measured."""

import json
from pathlib import Path

import pytest
import torch

from wavetrain import find
from wavetrain.cli import main
from wavetrain.errors import BadInput
from wavetrain.evidence import speed as tables
from wavetrain.run import speed, speed_cases, speed_peers
from wavetrain.run.speed import measured, named
from wavetrain.run.speed_cases import CASES, Case

CPU = torch.device("cpu")
TINY = {"batch": 2, "time": 6, "width": 3, "states": 2, "heads": 2, "keys": 4, "channels": 3, "positions": 5}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same on a few numbers."""
    for name, value in {"ROW": 0.0, "COPIED": 1024, "SIDE": 16}.items():
        monkeypatch.setattr(speed, name, value)
    monkeypatch.setattr(speed, "LAYERED", {"batch": 1, "time": 5, "width": 8})
    monkeypatch.setattr(speed_cases, "TRIED", 7)
    tiny = [Case(one.name, one.make, {axis: TINY[axis] for axis in one.small}, one.large) for one in CASES]
    monkeypatch.setattr(speed, "CASES", tuple(tiny))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_least_work_is_that_of_its_arrays(case: Case) -> None:
    """Forward reads and writes each array of time once; backward as much again, and the gradients."""
    work = case.make({axis: TINY[axis] for axis in case.small}, CPU)
    y = work.call(*work.inputs)
    along = [one for one in work.inputs if one.dim() > 2 or one.numel() >= y.numel()]
    least = y.numel() + sum(one.numel() for one in along)
    kernels = sum(one.numel() for one in work.inputs) - sum(one.numel() for one in along)
    kernel = work.inputs[-1].numel() if case.name in ("wave", "dilated") else 0
    assert least - kernel <= work.moved <= least + kernels
    assert work.both >= 2 * work.moved and work.bytes(True) == 4 * work.both
    assert set(case.small) == set(case.large) and work.flops > 0


def test_names() -> None:
    cases, layers = named("linear")
    assert [one.name for one in cases] == ["linear"] and "lru" in [one.name for _, one in layers]
    assert named("lru") == ([], [("linear", find.named("lru", ("layers",)))])
    cases, layers = named("")
    assert len(cases) == len(CASES) and len({one.name for _, one in layers}) == len(layers) >= len(CASES)
    assert not named("lif")[0] and named("lif")[1]
    with pytest.raises(BadInput, match=r"no recurrence or layer.*did you mean linear"):
        named("linaer")


@pytest.mark.parametrize("name", ["linear", "mamba", "lif"])
def test_everything_is_measured(small: None, name: str) -> None:
    said = list[str]()
    one = measured(name, "cpu", said.append)
    assert len(said) == len(one.rows) and one.asked == name and one.copy > 0 and one.product > 0
    for row in one.rows:
        assert row.seconds > 0 and row.rounds == 3 and row.beside[0].name == "plain route"
        assert (row.share is None) == bool(row.built_on) and (row.built_on or row.route == "numba")
        assert row.error is None or 0 <= row.error < 1e-5
    assert {row.does for row in one.rows} == {"forward", "forward + backward"}


def test_a_peer_is_timed_and_one_that_fails_is_left_out(small: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def same(package: object, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return a * b

    def odd(package: object, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("no such shape")

    others = (("json", "json", "", same), ("odd", "json", "", odd), ("none", "no_such", "", same))
    monkeypatch.setattr(speed_peers, "PEERS", {"linear": (*others, ("gpu", "json", "cuda", same))})
    one = measured("linear", "cpu")
    assert [it.name for it in one.rows[0].beside] == ["plain route", "json"]
    assert one.skipped[0].startswith("linear: none cannot be imported")
    assert one.skipped[1] == "linear: gpu needs cuda"
    assert one.skipped[2:] == ("linear: odd failed (no such shape)",) * 2


def test_the_command_keeps_its_table_and_the_site_shows_it(
    small: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    main(["bench", "lru", "--out", "mine"])
    out, err = capsys.readouterr()
    assert "lru (on linear)" in out and "table: mine/speed/lru-cpu.json" in out and err == ""
    main(["bench", "lru", "--out", "mine", "--json"])
    assert json.loads(capsys.readouterr().out)["asked"] == "lru"
    (one,) = tables.found(Path("mine"))
    assert [row.name for row in one.rows] == ["lru", "lru"]
    main(["site", "--runs", "mine", "--out", "page"])
    page = (tmp_path / "page" / "speed.html").read_text(encoding="utf-8")
    assert "lru (on linear)" in page and "float64" in page
    assert 'href="speed.html"' in (tmp_path / "page" / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            "bench linaer",
            "no recurrence or layer that is built on one is called 'linaer'; did you mean linear",
        ),
        ("bench linear --device cuda:7", "device 'cuda:7' cannot be used here"),
        ("bench linear --device mps", "expected a device cpu, cuda, cuda:1 ..., got 'mps'"),
    ],
)
def test_bad_words(words: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(words.split())
    error = capsys.readouterr().err
    assert left.value.code == 2 and said in error and error.count("\n") == 1
