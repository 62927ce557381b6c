"""Damaged and hostile checkpoints: each is answered in one line, or loaded rightly, soon, without memory."""

import collections
import io
import json
import math
import os
import pickle
import resource
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from tests.formats.test_checkpoints import FACES, THEIRS, TOKENS, lay, shaken, small, tensors_of
from wavetrain.errors import BadInput
from wavetrain.formats import checkpoints
from wavetrain.layers.state_space import mamba
from wavetrain.layers.state_space.mamba import Mamba
from wavetrain.layers.state_space.mamba2 import Mamba2
from wavetrain.networks.language_model import LanguageModel

SECONDS, BYTES = 5.0, 300 * 2**20  # of the processor; far above what the small models here need


def load(folder: Path) -> LanguageModel:
    """Loaded or refused, soon and without memory."""
    start, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        return checkpoints.load(folder)
    finally:
        assert time.process_time() - start < SECONDS
        assert 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) < BYTES


def loaded(folder: Path) -> LanguageModel | None:
    """The model, or None where one line says what is wrong; anything else is a failure."""
    try:
        return load(folder)
    except BadInput as error:
        message = str(error)
        assert message.isprintable() and len(message) < 600, message
        return None


def refused(folder: Path, *words: str) -> None:
    with pytest.raises(BadInput) as caught:
        load(folder)
    message = str(caught.value)
    assert message.isprintable() and all(word in message for word in words), message


def same(one: LanguageModel, other: LanguageModel) -> bool:
    with torch.no_grad():
        return torch.equal(one(TOKENS)[0], other(TOKENS)[0])


# --- config.json ----------------------------------------------------------------------------------------

WRONG: list[Any] = [None, "8", "", -1, 0, 1.5, True, [], [1], {}, 10**7, 2**31 - 1, 10**30, 10**4000, 1e308]
WRONG += [-math.inf, math.nan, "\ud800", "a\0b", ["x"] * 3, {"__float__": "Infinity"}, {"__float__": []}]


def built(kind: str) -> LanguageModel:
    torch.manual_seed(0)
    if kind == "mamba2":
        return shaken(
            LanguageModel([Mamba2(8, states=4, heads=4, groups=2) for _ in range(2)], 16, tied=False)
        )
    variant = mamba.Variant(inner_eps=1e-6 if kind == "falcon_mamba" else None)
    return shaken(LanguageModel([Mamba(8, states=4, rank=3, variant=variant) for _ in range(2)], 16))


KEYS = {
    kind: sorted(
        checkpoints.layout.of_transformers(built(kind)) | {"time_step_limit": 0, "quantization_config": 0}
    )
    for kind in ("mamba", "mamba2", "falcon_mamba")
}


@pytest.mark.parametrize(("kind", "key"), [(kind, key) for kind, keys in KEYS.items() for key in keys])
def test_every_setting_of_another_type_or_range(tmp_path: Path, kind: str, key: str):
    """Where it still loads, the setting is one that the map does not read, or reads and now has."""
    model = built(kind)
    words = checkpoints.layout.of_transformers(model)
    folder = lay(tmp_path, words, tensors_of(model))
    unread = {"architectures", "chunk_size", "dtype", *({"expand"} if "intermediate_size" in words else ())}
    for value in WRONG:
        (folder / "config.json").write_text(json.dumps(words | {key: value}))
        if (found := loaded(folder)) is None:
            assert key not in unread - {"expand"} or value == {"__float__": []}, value
        elif key == "layer_norm_epsilon":
            assert {block.norm.eps for block in found.blocks()} == {found.norm_f.eps} == {value}
        elif key == "mixer_rms_eps":
            assert {block.mixer.variant.inner_eps for block in found.blocks()} == {value}
        else:
            assert same(found, model)
            assert key in unread or (value, key) in ACCEPTED, value


ACCEPTED = [(None, "quantization_config"), (True, "tie_word_embeddings"), (True, "use_conv_bias")]


@pytest.mark.parametrize(
    "key", [*THEIRS, "d_intermediate", "attn_layer_idx", "tie_embeddings", "layer", "d_state"]
)
def test_every_setting_of_the_authors_of_another_type_or_range(tmp_path: Path, key: str):
    model = small()
    folder = lay(tmp_path, THEIRS, tensors_of(model))
    for value in WRONG:
        words = THEIRS | {key: value}
        if key in ("layer", "d_state"):
            words = THEIRS | {"ssm_cfg": THEIRS["ssm_cfg"] | {key: value}}
        (folder / "config.json").write_text(json.dumps(words))
        found = loaded(folder)
        assert found is None or same(found, model)


@pytest.mark.parametrize(
    "change",
    [
        {"num_hidden_layers": 10**7},
        {"vocab_size": 2**31 - 1},
        {"hidden_size": 2**17, "expand": 2**13},
        {"state_size": 2**31 - 1},
        {"conv_kernel": 2**31 - 1},
        {"time_step_rank": 2**31 - 1},
        {"num_hidden_layers": 2**31 - 1, "vocab_size": 1, "hidden_size": 1, "state_size": 1, "expand": 1},
    ],
    ids=str,
)
def test_sizes_that_the_weights_cannot_have(tmp_path: Path, change: dict[str, Any]):
    folder = lay(tmp_path, FACES | change, tensors_of(small()))
    size = (folder / "model.safetensors").stat().st_size
    refused(folder, "config.json", f"{size} bytes")


@pytest.mark.parametrize(
    "text",
    [
        "[" * 10**6,
        '{"a":' * 10**6,
        '{"hidden_size": ' + "[" * 10**5 + "]" * 10**5 + "}",
        '{"hidden_size": ' + "9" * 10**5 + "}",
        '{"hidden_size": 1e999}',
        "\ufeff{}",
        "null",
        "",
        "\0",
        '{"hidden_size": "\\u0000"}',
        '{"model_type": "\\ud800"}',
        '{"model_type": ["mamba"], "hidden_size": 8}',
        '{"ssm_cfg": {"layer": {}}}',
        '{"a": {"__float__": "x"}}',
    ],
    ids=range(14),
)
def test_a_config_that_is_none(tmp_path: Path, text: str):
    folder = lay(tmp_path, FACES, tensors_of(small()))
    (folder / "config.json").write_text(text)
    refused(folder, "config.json")


def test_a_config_that_is_no_text_or_no_file(tmp_path: Path):
    folder = lay(tmp_path, FACES, tensors_of(small()))
    (folder / "config.json").write_bytes(b'{"a": "\xff\xfe"}')
    refused(folder, "config.json")
    (folder / "config.json").unlink()
    (folder / "config.json").mkdir()
    refused(folder, "config.json")
    (folder / "config.json").rmdir()
    os.mkfifo(folder / "config.json")  # nobody writes to it
    refused(folder, "config.json", "file")
    (folder / "config.json").unlink()
    with (folder / "config.json").open("wb") as file:
        file.truncate(2**40)  # a hole of a terabyte
    refused(folder, "config.json", "bytes")


# --- weights --------------------------------------------------------------------------------------------


def archived(tensors: Any) -> bytes:
    stream = io.BytesIO()
    torch.save(tensors, stream)
    return stream.getvalue()


def stored(kind: str, folder: Path) -> tuple[LanguageModel, Path, bytes]:
    """A small model, its file of weights and what is in it."""
    model = small(depth=1)
    lay(folder, FACES | {"num_hidden_layers": 1})
    file = folder / {"safetensors": "model.safetensors", "bin": "pytorch_model.bin"}[kind]
    if kind == "safetensors":
        save_file(tensors_of(model), file)
    else:
        file.write_bytes(archived(tensors_of(model)))
    return model, file, file.read_bytes()


@pytest.mark.parametrize("kind", ["safetensors", "bin"])
def test_files_cut_anywhere(tmp_path: Path, kind: str):
    _, file, whole = stored(kind, tmp_path)
    for part in range(40):
        file.write_bytes(whole[: len(whole) * part // 40])
        refused(tmp_path, file.name)
    file.write_bytes(whole + b"more")
    assert kind == "bin" or loaded(tmp_path) is None


@pytest.mark.parametrize("kind", ["safetensors", "bin"])
def test_flipped_bytes(tmp_path: Path, kind: str):
    """A flip in a number cannot be seen; elsewhere it is refused, or changes two tensors at most."""
    model, file, whole = stored(kind, tmp_path)
    generator = torch.Generator().manual_seed(0)
    head = 8 + int.from_bytes(whole[:8], "little") if kind == "safetensors" else whole.index(b"byteorder")
    places = torch.randint(len(whole), (60,), generator=generator).tolist()
    places += torch.randint(head, (140,), generator=generator).tolist()
    tensors = tensors_of(model)
    for place in places:
        bit = 1 << int(torch.randint(8, (), generator=generator))
        file.write_bytes(whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :])
        if (found := loaded(tmp_path)) is None:
            continue
        changed = [name for name, part in tensors_of(found).items() if not part.equal(tensors[name])]
        assert len(changed) <= (1 if place >= head or kind == "bin" else 2), (place, changed)


def test_flipped_bytes_of_the_index(tmp_path: Path):
    model = small(depth=1)
    checkpoints.save(tmp_path, model, largest=2000)
    file = tmp_path / "model.safetensors.index.json"
    whole = file.read_bytes()
    generator = torch.Generator().manual_seed(0)
    for place in torch.randint(len(whole), (150,), generator=generator).tolist():
        bit = 1 << int(torch.randint(8, (), generator=generator))
        file.write_bytes(whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :])
        found = loaded(tmp_path)
        assert found is None or same(found, model)


NAMES = [
    "../model.safetensors",
    "/etc/passwd",
    "a/b.safetensors",
    "a\0.safetensors",
    "\ud800.safetensors",
    "..",
    ".",
]
NAMES += ["", "x.txt", "a\n.safetensors", "..\\x.safetensors", "model.safetensors.index.json", "config.json"]


@pytest.mark.parametrize("name", [*NAMES, None, 3, ["model.safetensors"], {}], ids=repr)
def test_names_of_shards_stay_in_the_folder(tmp_path: Path, name: Any):
    folder = lay(tmp_path / "in", FACES)
    save_file(tensors_of(small()), tmp_path / "model.safetensors")
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": name}}))
    refused(folder, "index.json", "same folder")


def test_shards_hold_what_the_index_says(tmp_path: Path):
    tensors = tensors_of(small())
    first, second = dict(list(tensors.items())[:7]), dict(list(tensors.items())[7:])
    folder = lay(tmp_path, FACES)
    save_file(first, folder / "one.safetensors")
    save_file(second, folder / "two.safetensors")
    right = dict.fromkeys(first, "one.safetensors") | dict.fromkeys(second, "two.safetensors")
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": right}))
    found = loaded(folder)
    assert found is not None and same(found, small())
    name = next(iter(second))
    index.write_text(json.dumps({"weight_map": right | {name: "one.safetensors"}}))
    refused(folder, "one.safetensors", name)
    index.write_text(json.dumps({"weight_map": right | {name: "three.safetensors"}}))
    refused(folder, "three.safetensors")
    index.write_text(json.dumps({"weight_map": right}))
    save_file(first | {name: torch.zeros(1)}, folder / "one.safetensors")
    refused(folder, "two.safetensors", name, "in two")


# --- pickles --------------------------------------------------------------------------------------------

TABLE = "backbone.embeddings.weight"


class Ask:
    """A pickle that asks for a call."""

    def __init__(self, call: Any, *arguments: Any):
        self.call, self.arguments = call, arguments

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self.call, self.arguments


def replaced(part: Any) -> dict[str, Any]:
    return {**tensors_of(small()), TABLE: part}


HOSTILE = {
    "a call": lambda: replaced(Ask(print, "trapped")),
    "memory": lambda: replaced(Ask(bytearray, 2**45)),
    "sparse": lambda: replaced(torch.zeros(16, 8).to_sparse()),
    "rows": lambda: replaced(torch.zeros(16, 8).to_sparse_csr()),
    "meta": lambda: replaced(torch.zeros(16, 8, device="meta")),
    "quantised": lambda: replaced(torch.quantize_per_tensor(torch.zeros(16, 8), 0.1, 0, torch.qint8)),
    "whole numbers": lambda: replaced(torch.zeros(16, 8, dtype=torch.int64)),
    "complex": lambda: replaced(torch.zeros(16, 8, dtype=torch.complex64)),
    "expanded": lambda: replaced(torch.zeros(1, 1).expand(16, 8)),
    "terabytes": lambda: replaced(torch.zeros(1).expand(2**40)),
    "no tensors": lambda: {"a": 1, "b": "two"},
    "a list": lambda: [1, 2],
    "a module": lambda: torch.nn.Linear(2, 2),
    "a counter": lambda: collections.Counter("abc"),
    "numbers as names": lambda: {1: torch.zeros(1)},
    "NaN": lambda: replaced(torch.full((16, 8), math.nan)),
    "infinity": lambda: replaced(torch.full((16, 8), math.inf)),
    "too large": lambda: replaced(torch.full((16, 8), 1e300, dtype=torch.float64)),
}


@pytest.mark.filterwarnings("ignore")  # of PyTorch, on old kinds of tensors
@pytest.mark.parametrize("name", HOSTILE)
def test_pickles_of_other_things(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]):
    folder = lay(tmp_path, FACES)
    (folder / "pytorch_model.bin").write_bytes(archived(HOSTILE[name]()))
    refused(folder, "pytorch_model.bin")
    assert capsys.readouterr().out == ""


def test_a_call_is_refused_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """What looks into an archive may miss one; then torch reads nothing but weights."""
    monkeypatch.setattr("wavetrain.formats.checkpoints.weights._check_archive", lambda file, size: None)
    folder = lay(tmp_path, FACES)
    (folder / "pytorch_model.bin").write_bytes(archived(HOSTILE["a call"]()))
    with pytest.raises(BadInput, match="Weights only load failed"):
        checkpoints.load(folder)
    assert capsys.readouterr().out == ""


def test_pickles_that_are_no_archives(tmp_path: Path):
    folder, stream = lay(tmp_path, FACES), io.BytesIO()
    torch.save(tensors_of(small()), stream, _use_new_zipfile_serialization=False)
    bad = [pickle.dumps(tensors_of(small()), protocol) for protocol in (0, 2, 5)]
    for content in (*bad, stream.getvalue(), pickle.dumps(Ask(print, "trapped"))):
        (folder / "pytorch_model.bin").write_bytes(content)
        refused(folder, "pytorch_model.bin", "zip archive")


def test_archives_that_grow(tmp_path: Path):
    """A thousandfold by compression; or by members that say more than the file has."""
    folder = lay(tmp_path, FACES)
    file = folder / "pytorch_model.bin"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", b"\x80\x02}.")
        archive.writestr("a/data/0", b"\0" * 10**7)
    refused(folder, "pytorch_model.bin", "stored")
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a/data.pkl", b"\x80\x02}.")
        archive.writestr("b/data.pkl", b"\x80\x02}.")
    refused(folder, "pytorch_model.bin", "data.pkl")
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a/notes.txt", b"no weights")
    refused(folder, "pytorch_model.bin", "data.pkl")


def test_what_a_state_holds_beside_tensors_is_taken(tmp_path: Path):
    """As PyTorch and the authors write it: parameters, an ordered dictionary, a head that is the table."""
    model, folder = small(), lay(tmp_path, FACES)
    tensors: dict[str, Tensor] = collections.OrderedDict(
        (name, torch.nn.Parameter(part)) for name, part in tensors_of(model).items()
    )
    tensors["lm_head.weight"] = tensors[TABLE]
    (folder / "pytorch_model.bin").write_bytes(archived(tensors))
    found = loaded(folder)
    assert found is not None and same(found, model) and found.lm_head is None


def test_a_header_that_says_more_than_the_file_has(tmp_path: Path):
    folder = lay(tmp_path, FACES)
    for header in (
        {"a": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}},
        {"a": {"dtype": "F32", "shape": [2**62, 2**62], "data_offsets": [0, 4]}},
        {"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}},
        {"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}, "b\ud800": 3},
        {TABLE: {"dtype": "I64", "shape": [1], "data_offsets": [0, 8]}},
        {"x\n\x1b[31m": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}},
    ):
        text = json.dumps(header).encode()
        (folder / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + bytes(8))
        refused(folder, "model.safetensors")
    (folder / "model.safetensors").write_bytes((2**60).to_bytes(8, "little") + b"{}")
    refused(folder, "model.safetensors")
