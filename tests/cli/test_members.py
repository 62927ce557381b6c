"""`list` has one line a member; `show` says how it is called, and which claims are about it."""

import json
from pathlib import Path

import pytest

from wavetrain import find
from wavetrain.cli import main
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

    assert names("layers", "wave") == {"wave_rnn", "wave_working_memory"} == names("wave")
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
