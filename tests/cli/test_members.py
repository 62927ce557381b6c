"""`list` has one line a member; `show` says how it is called, and which claims are about it."""

import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console

from wavetrain import find
from wavetrain.cli import main, show
from wavetrain.evidence import result
from wavetrain.report import results
from wavetrain.report.members import claims_about, example, use


def answered(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    main(words)
    return capsys.readouterr().out


def test_list_has_one_line_a_member_in_its_kind(capsys: pytest.CaptureFixture[str]) -> None:
    lines = answered(capsys, "list").splitlines()
    there = [kind for kind in find.KINDS if find.members(kind)]
    assert len(lines) == len(find.everything()) + 2 * len(there) - 1
    assert max(map(len, lines)) <= 80
    assert [line.split(" ")[0] for line in lines if line and line[0] != " "] == there
    names = [line.split()[0] for line in lines if line.startswith("  ")]
    assert names == [one.name for one in find.everything()]
    assert f"layers ({len(find.members('layers'))})" in lines


def test_list_is_chosen_by_kind_tag_and_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    def names(*words: str) -> set[str]:
        return {one["name"] for one in json.loads(answered(capsys, "list", *words, "--json"))}

    assert names("layers", "wave") == {"wave_rnn", "wave_working_memory"}
    assert names("wave") == {"wave_rnn", "wave_working_memory", "wave_predictor"}
    assert names("lenses", "rules") == {
        one.name for one in find.everything() if one.kind in ("lenses", "rules")
    }
    assert names("all") == {one.name for one in find.everything()}
    (tmp_path / "mine.py").write_text("from wavetrain.layers import GRU\n\n\nclass Mine(GRU):\n    pass\n")
    assert names(str(tmp_path / "mine.py")) == {"Mine"}


def test_show_tells_only_of_claims_about_the_member(capsys: pytest.CaptureFixture[str]) -> None:
    facts = json.loads(answered(capsys, "show", "wave_rnn", "--json"))
    assert {"wave_rnn_copy", "wave_rnn_waves"} <= set(facts["claims"])
    assert not [name for name in facts["claims"] if name.startswith("worm_")]
    part = [one for one in find.members("experiments") if "wave_rnn" in one.facts["systems"]]
    assert len(facts["claims"]) + facts["rival_in"] == len(part)
    assert facts["claims"]["wave_rnn_copy"]["verdict"] == "reproduced (small, 2 of 2 parts, 3 seeds)"
    text = answered(capsys, "show", "wave_rnn")
    assert "claim wave_rnn_copy, " in text and "as a rival" in text and "worm_" not in text


def test_show_without_results_says_so(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = ("show", "wave_rnn", "--results", str(tmp_path), "--json")
    verdicts = {one["verdict"] for one in json.loads(answered(capsys, *words))["claims"].values()}
    assert verdicts == {f"no result in {tmp_path}"}


@pytest.mark.parametrize(
    ("name", "signature", "imports", "call"),
    [
        (
            "elman",
            "Elman(width: int, inputs: int | None = None)",
            "layers import Elman",
            "wt.layers.Elman(64)",
        ),
        (
            "toeplitz",
            'toeplitz(layer: Layer, x: Float[Tensor, "batch time inputs"]) -> Toeplitz',
            "lenses import toeplitz",
            "(layer, x)",
        ),
        ("hopfield", "Hopfield(size: int", "memories import Hopfield", "wt.memories.Hopfield(64)"),
        ("copying", "Copying(delay: int", "tasks import Copying", "wt.tasks.Copying("),
        (
            "wave_rnn_copy",
            "wave_rnn_copy.run(scale, lab)",
            "experiments import wave_rnn_copy",
            "wavetrain run wave",
        ),
    ],
)
def test_show_says_how_it_is_called(
    name: str, signature: str, imports: str, call: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = answered(capsys, "show", name)
    lines = text.splitlines()
    assert lines[0].startswith(signature) and f"from wavetrain.{imports}" == lines[1] and call in lines[2]


def test_show_has_the_example_of_the_docstring(capsys: pytest.CaptureFixture[str]) -> None:
    """As it stands there, with the import of torch where torch is used."""
    text = answered(capsys, "show", "copying")
    assert (
        "\n>>> import torch\n>>> from wavetrain.tasks import Copying\n>>> task = Copying(delay=3)\n" in text
    )
    assert "[5, 8, 6, 1, 4, 4, 4, 8, 2, 4, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0]\n" in text
    shown = json.loads(answered(capsys, "show", "digits", "--json"))["example"]
    assert shown.startswith(">>> from wavetrain.data import digits\n")
    assert json.loads(answered(capsys, "show", "wave_rnn_copy", "--json"))["example"] == ""


def test_an_example_is_parted_from_what_is_said() -> None:
    said = """Twice a number.

    Of any kind.

    >>> twice(torch.ones(2))
    tensor([2., 2.])
    """
    shown = ">>> import torch\n>>> twice(torch.ones(2))\ntensor([2., 2.])"
    assert example(said) == ("Twice a number.\n\nOf any kind.", shown)
    assert example("Twice a number.") == ("Twice a number.", "")


@pytest.mark.parametrize(
    "found", [one for one in find.everything() if one.kind != "experiments"], ids=lambda one: one.name
)
def test_what_show_says_runs(found: find.Found) -> None:
    """The import line imports the member, and the signature has no dotted names and no addresses."""
    line, signature, call = use(found, found.load())
    names: dict[str, object] = {}
    exec(line, names)
    assert names[found.symbol] is found.load()
    assert "0x" not in signature and "wavetrain." not in signature and call.startswith(f"wt.{found.kind}.")


def test_a_task_has_all_claims_that_use_it() -> None:
    about, more = claims_about(find.named("copying"))
    assert {"wave_rnn_copy", "wave_rnn_ablation"} <= {one.name for one in about} and more == 0


def test_the_signature_and_the_names_of_claims_stand_out(monkeypatch: pytest.MonkeyPatch) -> None:
    said = io.StringIO()
    monkeypatch.setattr(show, "console", Console(file=said, force_terminal=True, width=200, highlight=False))
    facts = {
        "signature": "Mine(width: int)",
        "imports": "from mine import Mine",
        "call": "mine.Mine(64)",
        "example": ">>> 1 + 1\n2",
        "parameters": {"16": 3, "64": 1234, "256": 9},
        "claims": {"one_claim": {"title": "A title", "verdict": "reproduced"}},
        "rival_in": 2,
    }
    show._print(find.named("elman"), facts, np.eye(48))
    lines = said.getvalue().splitlines()
    assert lines[:3] == ["\x1b[1mMine(width: int)\x1b[0m", "from mine import Mine", "mine.Mine(64)"]
    assert "claim \x1b[1mone_claim\x1b[0m, reproduced: A title" in lines
    plain = said.getvalue()
    assert "\n\n>>> 1 + 1\n2\n" in plain and "64 channels in and out: 1234" in plain
    assert lines[-1] == "Takes part in 2 more claims, as a rival."
    said.truncate(0)
    show._print(find.named("copying"), facts | {"example": "", "claims": {}, "rival_in": 0}, None)
    plain = said.getvalue()
    assert ">>>" not in plain and "claim" not in plain and "channels" not in plain


def test_the_operator_of_a_layer_is_that_of_its_start() -> None:
    """The mean over four sequences of noise."""
    counts, operator = show._operator(find.named("elman"))
    assert counts == {str(width): 2 * width**2 + 2 * width for width in (16, 64, 256)}
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        layer = find.named("elman").load()(16)
        strength = layer.operator(torch.randn(4, 48, 16)).strength()
    np.testing.assert_array_equal(operator, strength.mean(0).numpy())


def test_the_verdict_is_that_of_the_largest_scale_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {scale: SimpleNamespace(verdict=SimpleNamespace(word=f"of {scale}")) for scale in result.SCALES}
    monkeypatch.setattr(result, "read", lambda path: found[path.stem.partition("-")[2]])
    monkeypatch.setattr(results, "tally", lambda one: "3 seeds")
    for scale in reversed(result.SCALES):
        (tmp_path / f"mine-{scale}.json").write_text("")
        assert show._verdict(tmp_path, "mine") == f"of {scale} ({scale}, 3 seeds)"
    assert show._verdict(tmp_path, "other") == f"no result in {tmp_path}"


@pytest.mark.parametrize("name", ["copying", "toeplitz", "."])
def test_only_a_layer_has_an_operator_to_picture(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(["show", name, "--picture", str(tmp_path / "a.png")])
    assert left.value.code == 2 and "only a layer has an operator to picture" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_picture_of_a_layer_is_its_operator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn = list[tuple[Any, Path]]()
    monkeypatch.setattr("wavetrain.report.draw.draw", lambda one, path: drawn.append((one, path)))
    path = tmp_path / "a.png"
    for name in ("elman", "lif"):
        drawn.clear()
        facts = json.loads(answered(capsys, "show", name, "--picture", str(path), "--json"))
        ((one, where),) = drawn
        assert where == path and facts["picture"] == str(path)
        assert one.title == f"Operator of {name} at its start" and one.values.shape == (48, 48)
