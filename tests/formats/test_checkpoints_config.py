"""What config.json says: defaults of both families, how many numbers that makes, what is supported."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from wavetrain.errors import BadInput
from wavetrain.formats.checkpoints import config
from wavetrain.formats.checkpoints.config import Config, read

SIZES = {"hidden_size": 16, "num_hidden_layers": 2, "vocab_size": 10}
AUTHORS = {"d_model": 16, "n_layer": 2, "vocab_size": 10}


def of(folder: Path, **words: Any) -> Config:
    (folder / "config.json").write_text(json.dumps(words))
    return read(folder / "config.json")


@pytest.mark.parametrize("kind", ["mamba", "mamba2"])
@pytest.mark.parametrize("biases", [False, True])
def test_numbers_are_those_of_the_model_but_for_biases(kind: str, biases: bool, tmp_path: Path):
    second = {"head_dim": 8, "n_groups": 2, "state_size": 6} if kind == "mamba2" else {"state_size": 5}
    words = {**SIZES, **second, "model_type": kind, "time_step_rank": 3, "use_bias": biases}
    found = of(tmp_path, **words, use_conv_bias=biases, conv_kernel=3)
    parts = dict(found.model(tied=True).named_parameters())
    left = {name for name in parts if name.endswith(("in_proj.bias", "out_proj.bias", "conv1d.bias"))}
    assert bool(left) == biases
    assert found.numbers() == sum(part.numel() for name, part in parts.items() if name not in left)


USUAL = {
    ("transformers", "mamba"): {"states": 16, "rank": 1, "heads": 1, "groups": 1, "vocabulary": 10},
    ("transformers", "mamba2"): {"states": 128, "rank": 1, "heads": 8, "groups": 8, "vocabulary": 10},
    ("authors", "mamba"): {"states": 16, "rank": 1, "heads": 1, "groups": 1, "vocabulary": 16},
    ("authors", "mamba2"): {"states": 128, "rank": 1, "heads": 8, "groups": 1, "vocabulary": 16},
}


@pytest.mark.parametrize(("family", "kind"), USUAL)
def test_what_is_not_said_is_as_published(family: str, kind: str, tmp_path: Path):
    sizes = {"head_dim": 4} if kind == "mamba2" else {}
    if family == "authors":
        layer = {"ssm_cfg": {"layer": "Mamba2", "headdim": 4}} if kind == "mamba2" else {}
        found = of(tmp_path, **AUTHORS, **layer)
    else:
        found = of(tmp_path, **SIZES, **sizes, model_type=kind)
    told = asdict(found)
    usual = {"expand": 2, "kernel": 4, "projection_bias": False, "convolution_bias": True, "tied": None}
    usual |= {"eps": 1e-5, "inner_eps": None, "limit": (0.0, float("inf")), "second": kind == "mamba2"}
    for name, value in {**usual, **USUAL[family, kind]}.items():
        assert told[name] == value, name


def test_a_vocabulary_is_padded_to_a_multiple(tmp_path: Path):
    assert of(tmp_path, **{**AUTHORS, "vocab_size": 16}).vocabulary == 16
    assert of(tmp_path, **{**AUTHORS, "vocab_size": 17}).vocabulary == 24
    assert of(tmp_path, **{**AUTHORS, "vocab_size": 17}, pad_vocab_size_multiple=5).vocabulary == 20


@pytest.mark.parametrize(("width", "rank"), [(16, 1), (17, 2), (32, 2)])
def test_the_rank_is_a_sixteenth_of_the_width_or_more(width: int, rank: int, tmp_path: Path):
    assert of(tmp_path, **{**SIZES, "hidden_size": width}).rank == rank
    assert of(tmp_path, **{**SIZES, "hidden_size": width}, time_step_rank="auto").rank == rank


def test_what_is_had_and_what_is_not(tmp_path: Path):
    had = {
        **{"hidden_act": ("silu", "swish"), "rms_norm": (True,), "rmsnorm": (True,)},
        **{"norm_before_gate": (False,), "D_has_hdim": (False,), "d_ssm": (None,), "d_intermediate": (0,)},
        **{"attn_layer_idx": ([], None), "quantization_config": (None,)},
    }
    assert had == config.ONLY
    for name, values in had.items():
        for value in values:
            of(tmp_path, **SIZES, **{name: value})
        with pytest.raises(BadInput, match=f"{name} = 7 is not supported"):
            of(tmp_path, **SIZES, **{name: 7})


@pytest.mark.parametrize("value", [0, 2**31, True, 1.0, "2", -1])
def test_sizes_are_whole_numbers_above_zero(value: object, tmp_path: Path):
    with pytest.raises(BadInput, match="num_hidden_layers must be a whole number of at least 1"):
        of(tmp_path, **{**SIZES, "num_hidden_layers": value})
    assert of(tmp_path, **{**SIZES, "num_hidden_layers": 1}).depth == 1
    assert of(tmp_path, **{**SIZES, "vocab_size": 2**31 - 1}).vocabulary == 2**31 - 1


@pytest.mark.parametrize("limit", [[0.1], [0.2, 0.1], [-0.1, 1.0], [0.0, "1"], [0.0, 2**31]])
def test_a_limit_is_two_numbers_least_first(limit: list, tmp_path: Path):
    second = {**SIZES, "head_dim": 4, "model_type": "mamba2"}
    with pytest.raises(BadInput, match="time_step_limit must be two numbers"):
        of(tmp_path, **second, time_step_limit=limit)
    assert of(tmp_path, **second, time_step_limit=[0, 0]).limit == (0.0, 0.0)


def test_an_epsilon_may_be_zero_and_no_less(tmp_path: Path):
    assert of(tmp_path, **SIZES, layer_norm_epsilon=0).eps == 0.0
    for value in (-1e-9, float("inf"), "1"):
        with pytest.raises(BadInput, match="layer_norm_epsilon must be a number of at least 0"):
            of(tmp_path, **SIZES, layer_norm_epsilon=value)
    assert of(tmp_path, **SIZES, model_type="falcon_mamba").inner_eps == 1e-6
    assert of(tmp_path, **SIZES, model_type="falcon_mamba", mixer_rms_eps=0.5).inner_eps == 0.5
