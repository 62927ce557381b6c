"""Checkpoints: the published layout key by key, both spellings, what does not fit, what is saved."""

import inspect
import itertools
import json
import math
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from wavetrain.errors import BadInput
from wavetrain.formats import checkpoints
from wavetrain.formats.checkpoints import config as settings
from wavetrain.formats.checkpoints import folder as folders
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.layers.state_space import mamba, mamba2
from wavetrain.layers.state_space.mamba import Mamba
from wavetrain.layers.state_space.mamba2 import Mamba2
from wavetrain.networks.language_model import LanguageModel

TOKENS = torch.tensor([[3, 1, 4, 1, 5, 9, 2, 6], [5, 3, 5, 8, 9, 7, 9, 3]])


def shaken(model: LanguageModel, seed: int = 0) -> LanguageModel:
    """In general position: a bias or gain at its start hides mistakes."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for part in model.parameters():
            part.add_(0.2 * torch.randn(part.shape, generator=generator))
    return model


def small(width: int = 8, depth: int = 2, variant: mamba.Variant = mamba.PUBLISHED) -> LanguageModel:
    torch.manual_seed(0)
    return shaken(LanguageModel([Mamba(width, states=4, rank=3, variant=variant) for _ in range(depth)], 16))


THEIRS = {"d_model": 8, "n_layer": 2, "vocab_size": 13, "pad_vocab_size_multiple": 8}
THEIRS |= {"ssm_cfg": {"d_state": 4, "dt_rank": 3}, "rms_norm": True, "residual_in_fp32": True}
FACES = {"hidden_size": 8, "num_hidden_layers": 2, "vocab_size": 16, "state_size": 4, "time_step_rank": 3}
FACES |= {"model_type": "mamba", "use_bias": False, "use_conv_bias": True, "expand": 2, "conv_kernel": 4}


def lay(folder: Path, config: dict[str, Any], tensors: dict[str, Tensor] | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    if tensors is not None:
        save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    return folder


def tensors_of(model: LanguageModel) -> dict[str, Tensor]:
    parts = {name: part.detach().clone() for name, part in model.state_dict().items()}
    return {name if name == "lm_head.weight" else f"backbone.{name}": part for name, part in parts.items()}


def refused(call: Callable[[], object], *words: str) -> None:
    with pytest.raises(BadInput) as caught:
        call()
    message = str(caught.value)
    assert "\n" not in message and all(word in message for word in words), message


# --- layout ---------------------------------------------------------------------------------------------


def test_names_and_shapes_of_the_130m_checkpoint(tmp_path: Path):
    """The keys of the published 130M model: V 50280, D 768, E 1536, R 48, N 16, 24 layers."""
    words = {"d_model": 768, "n_layer": 24, "vocab_size": 50277, "pad_vocab_size_multiple": 8, "ssm_cfg": {}}
    found = settings.read(lay(tmp_path, words) / "config.json")
    with torch.device("meta"):
        model = found.model(tied=True)
    assert found.numbers() == 129_135_360 - 24 * 1536  # biases of convolutions are left out
    shapes = {name: tuple(part.shape) for name, part in tensors_of(model).items()}
    expected = {"backbone.embeddings.weight": (50280, 768), "backbone.norm_f.weight": (768,)}
    for layer in range(24):
        start = f"backbone.layers.{layer}."
        expected |= {
            f"{start}norm.weight": (768,),
            f"{start}mixer.in_proj.weight": (3072, 768),
            f"{start}mixer.conv1d.weight": (1536, 1, 4),
            f"{start}mixer.conv1d.bias": (1536,),
            f"{start}mixer.x_proj.weight": (80, 1536),
            f"{start}mixer.dt_proj.weight": (1536, 48),
            f"{start}mixer.dt_proj.bias": (1536,),
            f"{start}mixer.A_log": (1536, 16),
            f"{start}mixer.D": (1536,),
            f"{start}mixer.out_proj.weight": (768, 1536),
        }
    assert shapes == expected
    assert sum(part.numel() for part in model.parameters()) == 129_135_360


@pytest.mark.parametrize(
    "variant",
    [mamba.Variant(*biases) for biases in itertools.product((False, True), (False, True), (None, 0.1))],
    ids=str,
)
def test_what_is_saved_is_loaded(tmp_path: Path, variant: mamba.Variant):
    model = small(variant=variant)
    checkpoints.save(tmp_path / "new", model)
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"config.json", "model.safetensors"}
    assert load_file(tmp_path / "new" / "model.safetensors").keys() == tensors_of(model).keys()
    for path in (tmp_path / "new", tmp_path / "new" / "model.safetensors"):
        other = checkpoints.load(path)
        torch.testing.assert_close(other(TOKENS), model(TOKENS), rtol=0, atol=0)
    logits, _ = other(TOKENS)
    logits.sum().backward()
    assert all(part.grad is not None for part in other.parameters())


def test_mamba2_makes_the_round_trip(tmp_path: Path):
    torch.manual_seed(0)
    model = shaken(LanguageModel([Mamba2(8, states=4, heads=2, groups=2) for _ in range(2)], 16))
    checkpoints.save(tmp_path / "new", model)
    torch.testing.assert_close(checkpoints.load(tmp_path / "new")(TOKENS), model(TOKENS))


def test_shards(tmp_path: Path):
    """No file is above the limit; all of them together are the model."""
    model = small(depth=3)
    checkpoints.save(tmp_path / "new", model, largest=3000)
    files = sorted((tmp_path / "new").glob("model-*.safetensors"))
    assert len(files) > 2
    assert files[0].name == f"model-00001-of-{len(files):05}.safetensors"
    assert all(sum(part.nbytes for part in load_file(file).values()) <= 3000 for file in files)
    index = json.loads((tmp_path / "new" / "model.safetensors.index.json").read_text())
    assert index["metadata"]["total_size"] == sum(part.nbytes for part in model.parameters())
    assert index["weight_map"].keys() == tensors_of(model).keys()
    torch.testing.assert_close(checkpoints.load(tmp_path / "new")(TOKENS), model(TOKENS), rtol=0, atol=0)
    one = tmp_path / "one"
    checkpoints.save(one, model, largest=1)  # every tensor by itself
    assert len(list(one.glob("model-*.safetensors"))) == len(tensors_of(model))


def test_norms_have_the_epsilon_of_the_file(tmp_path: Path):
    model = small()
    for norm in (model.norm_f, *(block.norm for block in model.blocks())):
        norm.eps = 0.3
    checkpoints.save(tmp_path / "new", model)
    assert {part.eps for part in checkpoints.load(tmp_path / "new").modules() if hasattr(part, "eps")} == {
        0.3
    }


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_types(tmp_path: Path, dtype: torch.dtype):
    """A file of another type is turned into float32, or into what is asked for."""
    tensors = {name: part.to(dtype) for name, part in tensors_of(small()).items()}
    folder = lay(tmp_path, FACES, tensors)
    assert {part.dtype for part in checkpoints.load(folder).parameters()} == {torch.float32}
    double = checkpoints.load(folder, torch.float64)
    for name, part in tensors_of(double).items():
        assert part.equal(tensors[name].double())


# --- spellings ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["safetensors", "bin"])
@pytest.mark.parametrize("head", [True, False])
@pytest.mark.parametrize("key", ["backbone.embeddings.weight", "backbone.embedding.weight"])
@pytest.mark.parametrize("config", [THEIRS, FACES, THEIRS | FACES], ids=["authors", "transformers", "both"])
def test_both_families(tmp_path: Path, config: dict[str, Any], key: str, head: bool, kind: str):
    model = small()
    tensors = tensors_of(model)
    tensors[key] = tensors.pop("backbone.embeddings.weight")
    if head:
        tensors["lm_head.weight"] = tensors[key].clone()
    folder = lay(tmp_path, config)
    if kind == "bin":
        torch.save(tensors, folder / "pytorch_model.bin")
    else:
        save_file(tensors, folder / "model.safetensors")  # without the metadata of transformers
    torch.testing.assert_close(checkpoints.load(folder)(TOKENS), model(TOKENS), rtol=0, atol=0)


def test_rank_is_a_sixteenth_of_the_width_by_default(tmp_path: Path):
    torch.manual_seed(0)
    model = LanguageModel([Mamba(40)], 16)
    assert model.layers[0].mixer.rank == 3
    for place, config in enumerate(({}, {"time_step_rank": "auto"})):
        config = {"hidden_size": 40, "num_hidden_layers": 1, "vocab_size": 16, **config}
        folder = lay(tmp_path / str(place), config, tensors_of(model))
        torch.testing.assert_close(checkpoints.load(folder)(TOKENS), model(TOKENS))


def test_the_authors_mamba2(tmp_path: Path):
    torch.manual_seed(0)
    model = LanguageModel([Mamba2(64, states=128)], 16)
    config = {"d_model": 64, "n_layer": 1, "vocab_size": 15, "ssm_cfg": {"layer": "Mamba2"}}
    config |= {"d_intermediate": 0, "attn_layer_idx": [], "tie_embeddings": True, "rms_norm": True}
    folder = lay(tmp_path, config, tensors_of(model))
    torch.testing.assert_close(checkpoints.load(folder)(TOKENS), model(TOKENS))


# --- what does not fit ----------------------------------------------------------------------------------


def test_keys_that_do_not_fit_are_named(tmp_path: Path):
    key = "backbone.layers.1.mixer.A_log"
    whole = tensors_of(small())
    without = {name: part for name, part in whole.items() if name != key}
    load = checkpoints.load
    refused(lambda: load(lay(tmp_path, FACES, without)), key, "(16, 4)", "none")
    refused(lambda: load(lay(tmp_path, FACES, whole | {key: torch.zeros(16, 5)})), key, "(16, 4)", "(16, 5)")
    more = whole | {"backbone.layers.2.norm.weight": torch.zeros(8)}
    refused(lambda: load(lay(tmp_path, FACES, more)), "backbone.layers.2.norm.weight", "not at all", "(8,)")
    both = whole | {"backbone.embedding.weight": whole["backbone.embeddings.weight"].clone()}
    refused(lambda: load(lay(tmp_path, FACES, both)), "backbone.embedding.weight", "not at all")
    loose = whole | {"lm_head.weight": torch.zeros(16, 8)}
    tied = FACES | {"tie_word_embeddings": True}
    refused(lambda: load(lay(tmp_path, tied, loose)), "lm_head.weight", "is tied")
    apart = FACES | {"tie_word_embeddings": False}
    refused(lambda: load(lay(tmp_path, apart, whole)), "lm_head.weight", "(16, 8)", "none")
    head = whole | {"lm_head.weight": torch.zeros(15, 8)}
    refused(lambda: load(lay(tmp_path, FACES, head)), "lm_head.weight", "(16, 8)", "(15, 8)")
    refused(lambda: load(lay(tmp_path, FACES | {"use_bias": True}, whole)), "in_proj.bias", "(32,)", "none")
    unconvolved = FACES | {"use_conv_bias": False}
    refused(lambda: load(lay(tmp_path, unconvolved, whole)), "conv1d.bias", "not at all", "(16,)")
    refused(
        lambda: load(lay(tmp_path, FACES | {"vocab_size": 17}, whole)), "embeddings", "(17, 8)", "(16, 8)"
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"hidden_act": "gelu"}, ("hidden_act", "gelu", "silu")),
        ({"model_type": "falcon_h1"}, ("model_type", "falcon_h1")),
        ({"quantization_config": {"bits": 4}}, ("quantization_config", "bits")),
        ({"intermediate_size": 17}, ("intermediate_size", "17", "8")),
        ({"num_hidden_layers": 0}, ("num_hidden_layers", "0")),
        ({"hidden_size": "8"}, ("hidden_size", "'8'")),
        ({"vocab_size": None}, ("vocab_size", "None")),
        ({"use_bias": 1}, ("use_bias", "1")),
        ({"layer_norm_epsilon": "tiny"}, ("layer_norm_epsilon", "tiny")),
        ({"time_step_limit": [0.0, 0.1]}, ("time_step_limit", "0.1")),
        ({"model_type": "mamba2", "head_dim": 2, "n_groups": 3}, ("n_groups", "8", "3")),
        (
            {"model_type": "mamba2", "head_dim": 2, "time_step_limit": [0.2, 0.1]},
            ("time_step_limit", "0.2"),
        ),
        ({"model_type": "mamba2", "head_dim": 3, "num_heads": 5}, ("16", "5 times 3")),
    ],
    ids=str,
)
def test_settings_that_are_not_supported_are_named(tmp_path: Path, change: dict[str, Any], words: tuple):
    folder = lay(tmp_path, FACES | change, tensors_of(small()))
    refused(lambda: checkpoints.load(folder), "config.json", *words)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rms_norm": False}, ("rms_norm", "False")),
        ({"d_intermediate": 64}, ("d_intermediate", "64")),
        ({"attn_layer_idx": [3]}, ("attn_layer_idx", "[3]")),
        ({"ssm_cfg": {"layer": "Mamba3"}}, ("Mamba3",)),
        ({"ssm_cfg": {"layer": "Mamba2", "norm_before_gate": True}}, ("norm_before_gate", "True")),
        ({"d_model": None}, ("hidden_size", "None")),
    ],
    ids=str,
)
def test_settings_of_the_authors_that_are_not_supported(tmp_path: Path, change: dict[str, Any], words: tuple):
    folder = lay(tmp_path, THEIRS | change, tensors_of(small()))
    refused(lambda: checkpoints.load(folder), "config.json", *words)


class Trap:
    """What a malicious file would do."""

    def __reduce__(self):
        return Path.touch, (Path("trapped"),)


def test_files_that_are_damaged_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    load = checkpoints.load
    refused(lambda: load(tmp_path / "none"), "config.json")
    folder = lay(tmp_path / "empty", FACES)
    refused(lambda: load(folder), "model.safetensors", "pytorch_model.bin")
    (folder / "config.json").write_text("{")
    refused(lambda: load(folder), "config.json")
    (folder / "config.json").write_text("[1]")
    refused(lambda: load(folder), "config.json", "list")
    folder = lay(tmp_path / "cut", FACES, tensors_of(small()))
    whole = (folder / "model.safetensors").read_bytes()
    for bad in (whole[:-10], b"", b"\xff" * 20):
        (folder / "model.safetensors").write_bytes(bad)
        refused(lambda: load(folder), "model.safetensors", "not a whole file")
    folder = lay(tmp_path / "bin", FACES)
    for bad in (b"", b"not a pickle", pickle.dumps(3, protocol=2)):
        (folder / "pytorch_model.bin").write_bytes(bad)
        refused(lambda: load(folder), "pytorch_model.bin")
    torch.save([1], folder / "pytorch_model.bin")
    refused(lambda: load(folder), "tensors by name")
    monkeypatch.chdir(tmp_path)
    torch.save({"backbone.norm_f.weight": Trap()}, folder / "pytorch_model.bin")
    refused(lambda: load(folder), "pytorch_model.bin", "not a whole file")
    assert not Path("trapped").exists()


def test_an_index_names_files_of_its_own_folder(tmp_path: Path):
    folder = lay(tmp_path, FACES)
    for places in (
        {"a": "../x.safetensors"},
        {"a": "/etc/passwd"},
        {"a": "model.safetensors.index.json"},
        [1],
    ):
        index = {"metadata": {}, "weight_map": places}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))
        refused(lambda: checkpoints.load(folder), "index.json", "same folder")
    index = {"weight_map": {"a": "model-00001-of-00001.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    refused(lambda: checkpoints.load(folder), "model-00001-of-00001.safetensors")


def test_what_has_no_place_in_the_layout_is_not_saved(tmp_path: Path):
    odd = small()
    odd.layers[1].norm.eps = 0.2
    for model, word in (
        (LanguageModel([Mamba(8)], 16, mlp=4), "MLP"),
        (LanguageModel([Mamba(8)], 16, positions=4), "positions"),
        (LanguageModel([Mamba(8), Mamba2(8)], 16), "Mamba, Mamba2"),
        (LanguageModel([Elman(8)], 16), "Elman"),
        (LanguageModel([Mamba(8), Mamba(8, states=3)], 16), "one size"),
        (odd, "epsilon"),
    ):
        refused(lambda: checkpoints.save(tmp_path / "new", model), word)  # noqa: B023
    inner = small(variant=mamba.Variant(inner_eps=1e-6))
    refused(lambda: checkpoints.save(tmp_path / "new", inner, authors=True), "authors", "norms inside")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("second", [True, False])
def test_the_authors_names_on_request(tmp_path: Path, second: bool, tied: bool):
    """The keys of mamba_ssm's own state, its settings, no padding of the vocabulary; and the way back."""
    variant = mamba2.Variant(True, False, 3, (0.01, math.inf))
    layers = [
        Mamba2(8, states=4, heads=4, groups=2, variant=variant) if second else Mamba(8, states=4, rank=3)
        for _ in range(2)
    ]
    model = shaken(LanguageModel(layers, 13, tied=tied))
    checkpoints.save(tmp_path / "new", model, authors=True)
    told = json.loads((tmp_path / "new" / "config.json").read_text())
    inner = told.pop("ssm_cfg")
    assert told == {
        "d_model": 8,
        "d_intermediate": 0,
        "n_layer": 2,
        "vocab_size": 13,
        "attn_layer_idx": [],
        "attn_cfg": {},
        "rms_norm": True,
        "residual_in_fp32": True,
        "fused_add_norm": True,
        "pad_vocab_size_multiple": 1,
        "tie_embeddings": tied,
    }
    if second:
        sizes = {"layer": "Mamba2", "d_state": 4, "d_conv": 3, "headdim": 4, "ngroups": 2, "chunk_size": 64}
        settings = {"expand": 2, "dt_limit": [0.01, math.inf], "bias": True, "conv_bias": False}
        assert inner == sizes | settings
    else:
        sizes = {"layer": "Mamba1", "d_state": 4, "d_conv": 4, "expand": 2, "dt_rank": 3}
        assert inner == sizes | {"bias": False, "conv_bias": True}
    tensors = load_file(tmp_path / "new" / "model.safetensors")
    head = model.embeddings.weight if tied else model.lm_head.weight
    assert tensors["lm_head.weight"].equal(head)
    own = {name for name in tensors_of(model) if name not in ("backbone.embeddings.weight", "lm_head.weight")}
    assert tensors.keys() == own | {"backbone.embedding.weight", "lm_head.weight"}
    again = checkpoints.load(tmp_path / "new")
    assert (again.lm_head is None) == tied
    torch.testing.assert_close(again(TOKENS % 13), model(TOKENS % 13), rtol=0, atol=0)


def test_files_of_a_tokenizer_stay_beside_the_weights(tmp_path: Path):
    source = tmp_path / "source"
    source.mkdir()
    for name in ("tokenizer.json", "special_tokens_map.json", "notes.txt"):
        (source / name).write_text(name)
    checkpoints.save(tmp_path / "new", small(), tokenizer=source)
    files = {path.name for path in (tmp_path / "new").iterdir()}
    assert files == {"config.json", "model.safetensors", "tokenizer.json", "special_tokens_map.json"}
    assert (tmp_path / "new" / "tokenizer.json").read_text() == "tokenizer.json"
    checkpoints.save(source, small(), tokenizer=source)  # they are there already
    assert (source / "notes.txt").exists() and (source / "model.safetensors").exists()
    (tmp_path / "none").mkdir()
    refused(
        lambda: checkpoints.save(tmp_path / "other", small(), tokenizer=tmp_path / "none"), "tokenizer.json"
    )
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "tokenizer.json").write_text("mine")
    refused(lambda: checkpoints.save(tmp_path / "other", small(), tokenizer=source), "already holds")
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["tokenizer.json"]


def test_the_name_of_a_model_on_the_hub_is_answered_with_the_way_to_a_folder():
    refused(
        lambda: checkpoints.load("state-spaces/mamba-130m-hf"),
        "local folder",
        "hf download state-spaces/mamba-130m-hf --local-dir mamba-130m-hf",
    )


def test_a_model_that_is_there_is_not_written_over(tmp_path: Path):
    checkpoints.save(tmp_path, small())
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    refused(lambda: checkpoints.save(tmp_path, small(depth=1)), str(tmp_path), "config.json")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_tensors_are_parted_in_their_order():
    """Each of 8 bytes; one that is larger than the limit is by itself."""
    eight = {name: torch.zeros(2) for name in "abcde"}
    for largest, parts in (
        (16, ["ab", "cd", "e"]),
        (15, list("abcde")),
        (24, ["abc", "de"]),
        (40, ["abcde"]),
    ):
        assert ["".join(part) for part in folders._shards(eight, largest)] == parts
    assert folders._shards({}, 8) == [{}]
    assert inspect.signature(checkpoints.save).parameters["largest"].default == 5 * 10**9
