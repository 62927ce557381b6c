"""The public contract: it needs no pytest, passes for ours, and names the promise that is broken."""

import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.fresh import python, warm
from tests.promises import planted
from wavetrain import find
from wavetrain.core import Batch, Rule
from wavetrain.errors import BadInput
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.memories.hopfield import Hopfield
from wavetrain.rules.backpropagation import Backpropagation
from wavetrain.tasks.recall.copying import Copying
from wavetrain.testing import (
    check_card,
    check_layer,
    check_lens,
    check_memory,
    check_rule,
    check_task,
    contract,
)

TERMS = (
    "goes_on",
    "any_network",
    "what_is_frozen",
    "later_layers",
    "later_steps",
    "forward_weights",
    "passes",
    "stored",
)
CHECKS = ("check_layer", "check_memory", "check_rule", "check_task", "check_lens", "check_card", "contract")


def test_it_is_imported_without_pytest_and_the_plugin_without_torch() -> None:
    names = ", ".join(CHECKS)
    script = f"import sys; sys.modules['pytest'] = None; from wavetrain.testing import {names}; print('well')"
    done = warm("-c", script)
    assert done.stdout.strip() == "well", done.stderr
    script = "import sys, wavetrain.testing.plugin; print('torch' in sys.modules)"
    assert python(script) == "False"


def test_without_assertions_nothing_is_said_to_hold() -> None:
    done = subprocess.run(
        [sys.executable, "-O", "-c", "from wavetrain.testing import contract; contract('elman')"],
        capture_output=True,
        text=True,
        check=False,
        cwd=find.ROOT.parent,
    )
    assert done.returncode and "takes out what the contract checks" in done.stderr


def test_ours_keep_it() -> None:
    check_layer(partial(Elman))
    check_memory(Hopfield)
    check_rule(Backpropagation)
    check_task(Copying)
    check_task(Copying(3))
    check_lens(find.named("toeplitz").load())
    check_card(Elman)


@pytest.mark.parametrize("name", ["LateStep", "SeesTheFuture", "TakesAnyInput", "HasOneType"])
def test_a_layer_that_breaks_it_is_named(name: str) -> None:
    with pytest.raises(AssertionError, match=rf"^{name} breaks the promise '\w+': "):
        check_layer(getattr(planted, name))


class Nowhere(Rule):
    """Leaves no update."""

    def learn(self, network, batch, loss) -> Tensor:
        with torch.no_grad():
            return loss(network(batch.x), batch.y)


class Twice(Copying):
    """Draws from a generator of its own."""

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        x, y = super().draw(batch, generator)
        return Batch(x.roll(int(torch.randint(9, ())), 0), y)


class Wordy(Copying):
    """Prints more than one line."""

    def __repr__(self) -> str:
        return "Wordy(\n)"


def listed(layer):
    """A lens that returns a list."""
    return [1.0]


def asking(layer, colour):
    """A lens that asks for what nobody has."""


@pytest.mark.parametrize(
    ("check", "member", "what"),
    [
        (check_rule, Nowhere, "Nowhere breaks the promise 'learns': no update is left for"),
        (check_task, Twice, "Twice breaks the promise 'draws': two batches differ"),
        (check_task, Wordy, "Wordy breaks the promise 'repr': expected one line of at most 250 characters"),
        (check_lens, listed, "listed breaks the promise 'returns': expected a NamedTuple, got list"),
        (
            check_lens,
            asking,
            "asking breaks the promise 'returns': it asks for colour; a lens takes layer, x",
        ),
        (check_card, Nowhere, "expected a class attribute `card"),
        (check_card, listed, "expected in its file `card"),
    ],
)
def test_others_that_break_it_are_named(check, member, what: str) -> None:
    with pytest.raises(AssertionError, match=what):
        check(member)


def test_a_contract_is_of_a_name_a_place_or_a_member(tmp_path: Path) -> None:
    assert contract("wave_rnn").kind == contract(Elman).kind == "layers"
    (tmp_path / "mine.py").write_text(
        "from wavetrain.rules import Backpropagation\nclass Mine(Backpropagation): pass\n"
    )
    held = contract(f"{tmp_path / 'mine.py'}:Mine")
    assert held.kind == "rules" and [one.name for one in held.promises] == [
        "card",
        "learns",
        "annotations",
        "same_again",
        "what_it_cannot_teach",
        *TERMS,
    ]
    held.check()
    with pytest.raises(BadInput, match="no member is called 'wave_rn'"):
        contract("wave_rn")
    with pytest.raises(BadInput, match="is one of the networks, which have no contract"):
        contract(torch.nn.Linear)


def test_one_line_in_a_file_of_tests_is_a_test_for_each_promise(tmp_path: Path) -> None:
    path = tmp_path / "test_mine.py"
    path.write_text(
        "import torch\n"
        "from wavetrain.core import Rule\n"
        "from wavetrain.testing import contract\n\n\n"
        "class Nowhere(Rule):\n"
        "    def learn(self, network, batch, loss):\n"
        "        with torch.no_grad():\n"
        "            return loss(network(batch.x), batch.y)\n\n\n"
        "test_nowhere = contract(Nowhere)\n"
        "test_ours = contract('backpropagation')\n"
        "beside = contract('copying')\n"
    )
    words = ["-p", "wavetrain.testing.plugin", "-q", "-rA", "--rootdir", str(tmp_path), str(path)]
    done = warm("-c", f"import sys, pytest; sys.exit(pytest.main({words!r}))")
    lines = [line.split(" - ")[0] for line in done.stdout.splitlines() if line[:6] in ("PASSED", "FAILED")]
    names = {"card", "learns", "annotations", "same_again", "what_it_cannot_teach", *TERMS}
    broken = {"card", "learns", "any_network", "what_is_frozen", "stored"}  # of a rule that leaves nothing
    outcomes = sorted(re.sub(r" \S*test_mine", " test_mine", line) for line in lines)
    assert outcomes == [
        *(f"FAILED test_mine.py::test_nowhere::{name}" for name in sorted(broken)),
        *(f"PASSED test_mine.py::test_nowhere::{name}" for name in sorted(names - broken)),
        *(f"PASSED test_mine.py::test_ours::{name}" for name in sorted(names)),
    ], done.stdout + done.stderr
    assert "no update is left for" in done.stdout
