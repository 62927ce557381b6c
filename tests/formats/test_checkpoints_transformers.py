"""Checkpoints beside transformers: its models loaded here, ours loaded there, the same logits and text."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.formats.test_checkpoints import shaken
from wavetrain.formats import checkpoints
from wavetrain.layers.state_space import mamba, mamba2
from wavetrain.layers.state_space.mamba import Mamba
from wavetrain.layers.state_space.mamba2 import Mamba2
from wavetrain.networks.language_model import LanguageModel


def theirs(kind: str, seed: int = 0, **changes: Any):
    """A small random model of transformers."""
    import transformers

    transformers.logging.disable_progress_bar()
    sizes = {"vocab_size": 40, "hidden_size": 32, "num_hidden_layers": 3, "state_size": 8}
    if kind == "mamba2":
        sizes |= {"num_heads": 4, "head_dim": 16, "n_groups": 1, "tie_word_embeddings": True}
        sizes |= {"pad_token_id": 0, "chunk_size": 16}
    config, model = {
        "mamba": (transformers.MambaConfig, transformers.MambaForCausalLM),
        "mamba2": (transformers.Mamba2Config, transformers.Mamba2ForCausalLM),
        "falcon_mamba": (transformers.FalconMambaConfig, transformers.FalconMambaForCausalLM),
    }[kind]
    torch.manual_seed(seed)
    network = model(config(**sizes | changes)).eval()
    shaken(network, seed)
    return network


def answer(network: Any, tokens: Tensor) -> Tensor:
    with torch.no_grad():
        return network(tokens, use_cache=False).logits


LONG = torch.randint(40, (2, 67), generator=torch.Generator().manual_seed(1))


OWN = {"tie_word_embeddings": False}
CASES = [
    ("mamba", {}),
    ("mamba", {"use_bias": True, "use_conv_bias": False, "time_step_rank": 5, "expand": 3, "conv_kernel": 3}),
    ("mamba", {"layer_norm_epsilon": 0.1}),
    ("mamba", {"conv_kernel": 1, **OWN}),
    ("mamba2", {}),
    ("mamba2", {"n_groups": 2, "conv_kernel": 3}),
    ("mamba2", {"n_groups": 4, "use_bias": True, "use_conv_bias": False, **OWN}),
    ("mamba2", {"time_step_limit": (0.02, 0.05), "conv_kernel": 7}),
    ("mamba2", {"time_step_limit": (0.02, float("inf")), "use_bias": True}),
    ("falcon_mamba", {}),
    ("falcon_mamba", {"mixer_rms_eps": 0.1, "use_bias": True, "time_step_rank": 5, **OWN}),
]


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "changes"), CASES, ids=str)
def test_logits_are_those_of_transformers(tmp_path: Path, kind: str, changes: dict[str, Any]):
    network = theirs(kind, **changes)
    network.save_pretrained(tmp_path)
    ours = checkpoints.load(tmp_path)
    assert (ours.lm_head is None) == network.config.tie_word_embeddings
    expected = answer(network, LONG)
    with torch.no_grad():
        torch.testing.assert_close(ours(LONG)[0], expected, rtol=0, atol=1e-5 * float(expected.abs().max()))


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "changes"), CASES, ids=str)
def test_logits_in_float64_are_those_of_transformers(
    tmp_path: Path, kind: str, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    """With its casts to float32 turned into casts to float64, nothing is left but rounding."""
    network = theirs(kind, residual_in_fp32=False, **changes).double()
    network.save_pretrained(tmp_path)
    ours = checkpoints.load(tmp_path, torch.float64)
    monkeypatch.setattr(Tensor, "float", Tensor.double)
    monkeypatch.setattr(torch, "float32", torch.float64)
    expected = answer(network, LONG)
    monkeypatch.undo()
    assert expected.dtype == torch.float64
    with torch.no_grad():
        torch.testing.assert_close(ours(LONG)[0], expected, rtol=0, atol=1e-12 * float(expected.abs().max()))


@pytest.mark.slow
def test_the_inner_width_of_the_file_counts(tmp_path: Path):
    """As in the published FalconMamba, whose `expand` says another width than it has."""
    network = theirs("falcon_mamba", expand=16, intermediate_size=64)
    network.save_pretrained(tmp_path)
    assert network.backbone.layers[0].mixer.out_proj.in_features == 64
    expected = answer(network, LONG)
    with torch.no_grad():
        actual = checkpoints.load(tmp_path)(LONG)[0]
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-5 * float(expected.abs().max()))


@pytest.mark.slow
@pytest.mark.parametrize("largest", [5 * 10**9, 20_000])
@pytest.mark.parametrize("kind", ["mamba", "mamba2", "falcon_mamba"])
def test_transformers_reads_what_we_save(tmp_path: Path, kind: str, largest: int):
    import transformers

    torch.manual_seed(0)
    layers = {
        "mamba": lambda: Mamba(32, states=8, expand=3, variant=mamba.Variant(True, True)),
        "mamba2": lambda: Mamba2(
            32, states=8, heads=4, groups=2, variant=mamba2.Variant(True, False, 3, (0.01, 0.2), 16)
        ),
        "falcon_mamba": lambda: Mamba(32, states=8, variant=mamba.Variant(inner_eps=0.01)),
    }
    ours = shaken(LanguageModel([layers[kind]() for _ in range(3)], 40, tied=kind == "mamba"))
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
