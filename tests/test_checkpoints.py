"""Checkpoints: the published layout key by key, both spellings, what does not fit, logits of transformers."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from tests.promises import close
from wavetrain import checkpoints
from wavetrain.errors import BadInput
from wavetrain.layers.elman import Elman
from wavetrain.layers.mamba import Biases, Mamba
from wavetrain.layers.mamba2 import Mamba2
from wavetrain.networks.language_model import LanguageModel

TOKENS = torch.tensor([[3, 1, 4, 1, 5, 9, 2, 6], [5, 3, 5, 8, 9, 7, 9, 3]])


def shaken(model: LanguageModel, seed: int = 0) -> LanguageModel:
    """In general position: a bias or gain at its start hides mistakes."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for part in model.parameters():
            part.add_(0.2 * torch.randn(part.shape, generator=generator))
    return model


def small(width: int = 8, depth: int = 2, biases: Biases = Biases()) -> LanguageModel:  # noqa: B008 (a tuple)
    torch.manual_seed(0)
    return shaken(LanguageModel([Mamba(width, states=4, rank=3, biases=biases) for _ in range(depth)], 16))


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
    return {f"backbone.{name}": part.detach().clone() for name, part in model.state_dict().items()}


def refused(call: Callable[[], object], *words: str) -> None:
    with pytest.raises(BadInput) as caught:
        call()
    message = str(caught.value)
    assert "\n" not in message and all(word in message for word in words), message


# --- layout ---------------------------------------------------------------------------------------------


def test_names_and_shapes_of_the_130m_checkpoint(tmp_path: Path):
    """The keys of the published 130M model: V 50280, D 768, E 1536, R 48, N 16, 24 layers."""
    config = {"d_model": 768, "n_layer": 24, "vocab_size": 50277, "pad_vocab_size_multiple": 8, "ssm_cfg": {}}
    with torch.device("meta"):
        model = checkpoints._Config(lay(tmp_path, config) / "config.json").model()
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


@pytest.mark.parametrize("biases", [Biases(), Biases(True, True), Biases(False, False), Biases(True, False)])
def test_what_is_saved_is_loaded(tmp_path: Path, biases: Biases):
    model = small(biases=biases)
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
    model = shaken(LanguageModel([Mamba2(8, states=4, heads=2, chunk=16) for _ in range(2)], 16))
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
    model.norm_f.eps = 0.3
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
    refused(lambda: load(lay(tmp_path, FACES, loose)), "lm_head.weight", "not tied")
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
        ({"model_type": "falcon_mamba"}, ("model_type", "falcon_mamba")),
        ({"intermediate_size": 17}, ("intermediate_size", "17", "16")),
        ({"num_hidden_layers": 0}, ("num_hidden_layers", "0")),
        ({"hidden_size": "8"}, ("hidden_size", "'8'")),
        ({"vocab_size": None}, ("vocab_size", "None")),
        ({"use_bias": 1}, ("use_bias", "1")),
        ({"layer_norm_epsilon": "tiny"}, ("layer_norm_epsilon", "tiny")),
        ({"time_step_limit": [0.0, 0.1]}, ("time_step_limit", "0.1")),
        ({"model_type": "mamba2", "n_groups": 8}, ("n_groups", "8")),
        ({"model_type": "mamba2", "conv_kernel": 3}, ("conv_kernel", "3")),
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
    for model, word in (
        (LanguageModel([Mamba(8)], 16, mlp=4), "MLP"),
        (LanguageModel([Mamba(8)], 16, positions=4), "positions"),
        (LanguageModel([Mamba(8), Mamba2(8)], 16), "Mamba, Mamba2"),
        (LanguageModel([Elman(8)], 16), "Elman"),
        (LanguageModel([Mamba(8), Mamba(8, states=3)], 16), "one size"),
        (LanguageModel([Mamba2(8, heads=4, groups=2)], 16), "2"),
    ):
        refused(lambda: checkpoints.save(tmp_path / "new", model), word)  # noqa: B023
    assert not (tmp_path / "new").exists()


def test_a_model_that_is_there_is_not_written_over(tmp_path: Path):
    checkpoints.save(tmp_path, small())
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    refused(lambda: checkpoints.save(tmp_path, small(depth=1)), str(tmp_path), "config.json")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


# --- transformers ---------------------------------------------------------------------------------------


def theirs(kind: str, seed: int = 0, **changes: Any):
    """A small random model of transformers."""
    import transformers

    transformers.logging.disable_progress_bar()
    sizes = {"vocab_size": 40, "hidden_size": 32, "num_hidden_layers": 3, "state_size": 8, **changes}
    if kind == "mamba2":
        sizes |= {"num_heads": 4, "head_dim": 16, "n_groups": 1, "tie_word_embeddings": True}
        sizes |= {"pad_token_id": 0, "chunk_size": 16}
    config, model = {
        "mamba": (transformers.MambaConfig, transformers.MambaForCausalLM),
        "mamba2": (transformers.Mamba2Config, transformers.Mamba2ForCausalLM),
    }[kind]
    torch.manual_seed(seed)
    network = model(config(**sizes)).eval()
    shaken(network, seed)
    return network


def answer(network: Any, tokens: Tensor) -> Tensor:
    with torch.no_grad():
        return network(tokens, use_cache=False).logits


LONG = torch.randint(40, (2, 67), generator=torch.Generator().manual_seed(1))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("mamba", {}),
        (
            "mamba",
            {"use_bias": True, "use_conv_bias": False, "time_step_rank": 5, "expand": 3, "conv_kernel": 3},
        ),
        ("mamba", {"layer_norm_epsilon": 0.1}),
        ("mamba2", {}),
    ],
    ids=str,
)
def test_logits_are_those_of_transformers(tmp_path: Path, kind: str, changes: dict[str, Any]):
    network = theirs(kind, **changes)
    network.save_pretrained(tmp_path)
    ours = checkpoints.load(tmp_path)
    expected = answer(network, LONG)
    with torch.no_grad():
        torch.testing.assert_close(ours(LONG)[0], expected, rtol=0, atol=1e-5 * float(expected.abs().max()))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["mamba", "mamba2"])
def test_logits_in_float64_are_those_of_transformers(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
):
    """With its casts to float32 turned into casts to float64, nothing is left but rounding."""
    network = theirs(kind, residual_in_fp32=False).double()
    network.save_pretrained(tmp_path)
    ours = checkpoints.load(tmp_path, torch.float64)
    monkeypatch.setattr(Tensor, "float", Tensor.double)
    monkeypatch.setattr(torch, "float32", torch.float64)
    expected = answer(network, LONG)
    monkeypatch.undo()
    assert expected.dtype == torch.float64
    close(ours(LONG)[0], expected, "ours, transformers")


@pytest.mark.slow
@pytest.mark.parametrize("largest", [5 * 10**9, 20_000])
@pytest.mark.parametrize("kind", ["mamba", "mamba2"])
def test_transformers_reads_what_we_save(tmp_path: Path, kind: str, largest: int):
    import transformers

    torch.manual_seed(0)
    layers = {
        "mamba": lambda: Mamba(32, states=8, expand=3, biases=Biases(True, True)),
        "mamba2": lambda: Mamba2(32, states=8, heads=4),
    }
    ours = shaken(LanguageModel([layers[kind]() for _ in range(3)], 40))
    checkpoints.save(tmp_path, ours, largest)
    network, report = transformers.AutoModelForCausalLM.from_pretrained(tmp_path, output_loading_info=True)
    assert not any(report[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys")), report
    with torch.no_grad():
        expected = ours(LONG)[0]
    actual = answer(network.eval(), LONG)
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-5 * float(expected.abs().max()))


@pytest.mark.slow
def test_greedy_continuation_is_that_of_transformers(tmp_path: Path):
    """Theirs by its cache, ours by steps."""
    network = theirs("mamba")
    network.save_pretrained(tmp_path)
    expected = network.generate(LONG[:, :9], max_new_tokens=40, do_sample=False, eos_token_id=None)
    told = torch.stack(list(checkpoints.load(tmp_path).generate(LONG[:, :9], 40)), 1)
    assert told.equal(expected[:, 9:])
