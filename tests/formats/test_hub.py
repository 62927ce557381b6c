"""Models on the hub: three files without pickles, paths, rows or tokens; no network for a folder."""

import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.layers.gate.gru import GRU
from wavetrain.layers.state_space.mamba import Mamba
from wavetrain.networks.language_model import LanguageModel
from wavetrain.parts.stack import MLP, Stack

hub_mixin = pytest.importorskip("huggingface_hub.hub_mixin")
from wavetrain.formats import hub  # noqa: E402
from wavetrain.formats.hub import Published  # noqa: E402

FILES = ["README.md", "config.json", "model.safetensors"]
TOKEN = "hf_thisisnotatoken0123456789"
ROWS = torch.full((6, 5, 3), 0.123456789)  # what it learns from
X = torch.linspace(-1, 1, 24).view(1, 8, 3)


class Hub:
    """What takes the place of the hub's interface: keeps what is pushed."""

    kept: Path
    asked: list[dict[str, Any]]

    def __init__(self, token: str | None = None):
        assert token in (None, TOKEN)

    def create_repo(self, repo_id: str, private: bool | None, exist_ok: bool) -> SimpleNamespace:
        return SimpleNamespace(repo_id=repo_id)

    def upload_folder(self, repo_id: str, folder_path: Path, **words: object) -> str:
        shutil.copytree(folder_path, self.kept / repo_id)
        self.asked.append(words)
        return f"https://huggingface.co/{repo_id}/commit/1"


@pytest.fixture
def pushed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that stands for the hub; any look at the network fails."""
    Hub.kept, Hub.asked = tmp_path / "hub", []
    monkeypatch.setattr(hub_mixin, "HfApi", Hub)
    monkeypatch.setenv("HF_TOKEN", TOKEN)

    def download(repo_id: str, filename: str, **words: object) -> str:
        return str(Hub.kept / repo_id / filename)

    monkeypatch.setattr(hub, "hf_hub_download", download)
    return Hub.kept


def learned() -> Stack:
    """A stack that has seen ROWS."""
    torch.manual_seed(0)
    stack = Stack([GRU(8), Mamba(8, states=3)], 3, 2, MLP.PLAIN)
    optimiser = torch.optim.Adam(stack.parameters(), 1e-2)
    stack(ROWS)[0].square().mean().backward()
    optimiser.step()
    return stack


def test_a_folder_needs_no_network(tmp_path: Path):
    stack = learned()
    Published(stack).save_pretrained(tmp_path / "model")
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == FILES
    for place in (tmp_path / "model", str(tmp_path / "model")):
        again = Published.from_pretrained(place).model
        assert torch.equal(again(X)[0], stack(X)[0])


def test_what_is_pushed_holds_the_model_and_nothing_else(pushed: Path):
    url = Published(learned()).push_to_hub("me/waves", token=TOKEN, commit_message="first")
    assert url.endswith("me/waves/commit/1") and Hub.asked[0]["commit_message"] == "first"
    folder = pushed / "me" / "waves"
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*")) == FILES
    places = [str(Path.home()), str(Path.cwd()), str(pushed), os.environ.get("TMPDIR", "/tmp")]
    rows = ROWS.numpy().tobytes()[:4]
    for path in folder.iterdir():
        content = path.read_bytes()
        for word in (TOKEN, "hf_", *places):
            assert word.encode() not in content, f"{path.name} holds {word}"
        assert rows not in content and b"0.123456" not in content
        assert not content.startswith((b"\x80", b"PK")), f"{path.name} is a pickle or an archive"
    told = json.loads((folder / "config.json").read_text())
    assert [one["layer"] for one in told["layers"]] == ["gru", "mamba"]


def test_what_is_pushed_comes_back(pushed: Path):
    torch.manual_seed(0)
    model = LanguageModel([GRU(8)], vocabulary=11, mlp=16)
    Published(model).push_to_hub("me/words")
    again = Published.from_pretrained("me/words").model
    assert isinstance(again, LanguageModel)
    prompt = torch.tensor([[1, 2, 3]])
    assert [int(token) for token in again.generate(prompt, 5)] == [
        int(token) for token in model.generate(prompt, 5)
    ]


def test_the_card_says_what_the_model_is(tmp_path: Path):
    words = {"title": "Waves of my own", "sentence": "It hears waves."}
    Published(learned()).save_pretrained(tmp_path, model_card_kwargs=words)
    card = hub.ModelCard.load(tmp_path / "README.md")
    assert card.data.library_name == "wavetrain" and "model_hub_mixin" in card.data.tags
    assert "# Waves of my own" in card.text and "It hears waves." in card.text
    assert "| gru | 8 |" in card.text and "| mamba | 8 |" in card.text and Mamba.card.title in card.text


def test_a_card_of_ones_own_stays(tmp_path: Path):
    (tmp_path / "README.md").write_text("mine")
    Published(learned()).save_pretrained(tmp_path)
    assert (tmp_path / "README.md").read_text() == "mine"


@pytest.mark.parametrize("place", ["nowhere", "./no/such/folder", "/no/such", "a/b/c"])
def test_a_place_that_is_none_is_one_line(place: str):
    with pytest.raises(BadInput, match="expected a folder, or the name of a model on the hub, owner/name"):
        Published.from_pretrained(place)


def test_a_model_of_another_kind_is_refused():
    with pytest.raises(BadInput, match="expected a Stack or a LanguageModel, got Linear"):
        Published(torch.nn.Linear(2, 2))  # type: ignore[arg-type]
