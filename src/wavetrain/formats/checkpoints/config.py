"""What config.json says of a model: every setting by type and range in one place, from both families."""

import math
import reprlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wavetrain.core import Layer
from wavetrain.errors import BadInput
from wavetrain.formats.checkpoints import words
from wavetrain.layers.state_space import mamba, mamba2
from wavetrain.layers.state_space.mamba import Mamba
from wavetrain.layers.state_space.mamba2 import Mamba2
from wavetrain.networks.language_model import LanguageModel

KINDS = ("mamba", "mamba2", "falcon_mamba")
LARGEST = 2**31 - 1  # of any whole number
SPELLINGS = {  # of the authors, and of transformers
    "d_model": "hidden_size",
    "n_layer": "num_hidden_layers",
    "d_state": "state_size",
    "d_conv": "conv_kernel",
    "dt_rank": "time_step_rank",
    "bias": "use_bias",
    "conv_bias": "use_conv_bias",
    "headdim": "head_dim",
    "ngroups": "n_groups",
    "dt_limit": "time_step_limit",
    "tie_embeddings": "tie_word_embeddings",
}
ONLY: dict[str, Any] = {  # settings that change the map, and the values that are had here
    "hidden_act": ("silu", "swish"),  # two names of one function
    "rms_norm": (True,),
    "rmsnorm": (True,),
    "norm_before_gate": (False,),
    "D_has_hdim": (False,),
    "d_ssm": (None,),
    "d_intermediate": (0,),
    "attn_layer_idx": ([], None),
    "quantization_config": (None,),
}


@dataclass(frozen=True, kw_only=True)
class Config:
    """The sizes and settings of a model; `rank` is of Mamba alone, `heads` and `groups` of Mamba-2 alone."""

    path: Path
    second: bool  # Mamba-2
    width: int
    depth: int
    vocabulary: int
    states: int
    expand: int
    kernel: int
    rank: int
    heads: int
    groups: int
    projection_bias: bool
    convolution_bias: bool
    limit: tuple[float, float]
    eps: float
    inner_eps: float | None
    tied: bool | None  # None where the file does not say

    def numbers(self) -> int:
        """How many parameters the model has, biases and a head of its own left out; no size is too large."""
        inner = self.expand * self.width
        mixed = inner + 2 * self.groups * self.states if self.second else inner
        each = self.width + mixed * self.kernel + inner * self.width
        if self.second:
            each += (inner + mixed + self.heads) * self.width + 3 * self.heads + inner
        else:
            each += inner * (2 * self.width + 2 * self.rank + 3 * self.states + 2)
        return self.vocabulary * self.width + self.depth * each + self.width

    def model(self, tied: bool) -> LanguageModel:
        model = LanguageModel([self._layer() for _ in range(self.depth)], self.vocabulary, tied=tied)
        model.norm_f.eps = self.eps
        for block in model.blocks():
            block.norm.eps = self.eps
            if isinstance(block.mixer, Mamba2):
                block.mixer.norm.eps = self.eps
        return model

    def _layer(self) -> Layer:
        sizes = (self.width, None, self.states, self.expand)
        if self.second:
            other = mamba2.Variant(self.projection_bias, self.convolution_bias, self.kernel, self.limit)
            return Mamba2(*sizes, self.heads, self.groups, other)
        variant = mamba.Variant(self.projection_bias, self.convolution_bias, self.inner_eps)
        return Mamba(*sizes, self.kernel, self.rank, variant)


def read(path: Path) -> Config:
    """What a config.json says; raises BadInput for what is missing, of another type, or not supported."""
    found = words.read(path)
    authors = "hidden_size" not in found  # both spellings in one file: that of transformers is meant
    inner = found.pop("ssm_cfg", None)
    inner = {} if inner is None else inner
    if not isinstance(inner, dict):
        raise BadInput(f"{path}: ssm_cfg must hold names and values, not {reprlib.repr(inner)}")
    kind = found.get("model_type", "mamba")
    if authors:
        kind = inner.pop("layer", "Mamba1")
        kind = "mamba" if kind == "Mamba1" else "mamba2" if kind == "Mamba2" else kind
        found |= inner
        found = {SPELLINGS.get(name, name): value for name, value in found.items()}
    if kind not in KINDS:
        raise BadInput(f"{path}: model_type {reprlib.repr(kind)} is not supported, only {', '.join(KINDS)}")
    return _config(_Settings(path, found), kind, authors)


def _config(given: "_Settings", kind: str, authors: bool) -> Config:
    for name, values in ONLY.items():
        given.only(name, *values)
    second = kind == "mamba2"
    width, vocabulary = given.whole("hidden_size"), given.whole("vocab_size")
    if authors:
        multiple = given.whole("pad_vocab_size_multiple", 16 if second else 8)
        vocabulary = -(-vocabulary // multiple) * multiple
    inner = given.whole("intermediate_size", given.whole("expand", 2) * width)
    size = given.whole("head_dim", 64)
    rank = given.found.get("time_step_rank", "auto")
    heads = given.whole("num_heads", max(1, inner // size)) if second else 1
    groups = given.whole("n_groups", 1 if authors else 8) if second else 1
    if inner % width:
        raise BadInput(
            f"{given.path}: expected intermediate_size to be a multiple of hidden_size, {width}, got {inner}"
        )
    if second and heads * size != inner:
        raise BadInput(
            f"{given.path}: expected num_heads times head_dim to be expand times hidden_size, "
            f"{inner}, got {heads} times {size}"
        )
    if heads % groups:
        raise BadInput(f"{given.path}: expected n_groups to divide the {heads} heads, got {groups}")
    limit = given.pair("time_step_limit", (0.0, math.inf))
    if not second and limit != (0.0, math.inf):
        raise BadInput(f"{given.path}: time_step_limit = {list(limit)} is not supported, only for mamba2")
    return Config(
        path=given.path,
        second=second,
        width=width,
        depth=given.whole("num_hidden_layers"),
        vocabulary=vocabulary,
        states=given.whole("state_size", 128 if second else 16),
        expand=inner // width,
        kernel=given.whole("conv_kernel", 4),
        rank=-(-width // 16) if second or rank == "auto" else given.whole("time_step_rank"),
        heads=heads,
        groups=groups,
        projection_bias=given.flag("use_bias", False),
        convolution_bias=given.flag("use_conv_bias", True),
        limit=limit,
        eps=given.number("layer_norm_epsilon", 1e-5),
        inner_eps=given.number("mixer_rms_eps", 1e-6) if kind == "falcon_mamba" else None,
        tied=given.flag("tie_word_embeddings", False) if "tie_word_embeddings" in given.found else None,
    )


class _Settings:
    """Names and values, in the words of transformers, asked for by type and range."""

    def __init__(self, path: Path, found: dict[str, Any]):
        self.path, self.found = path, found

    def whole(self, name: str, default: int | None = None) -> int:
        value = self.found.get(name, default)
        if type(value) is not int or not 1 <= value <= LARGEST:
            raise self._wrong(name, "a whole number of at least 1 that fits in 32 bits", value)
        return value

    def flag(self, name: str, default: bool) -> bool:
        value = self.found.get(name, default)
        if not isinstance(value, bool):
            raise self._wrong(name, "true or false", value)
        return value

    def number(self, name: str, default: float) -> float:
        value = self.found.get(name, default)
        if not _real(value) or not 0 <= value < math.inf:
            raise self._wrong(name, "a number of at least 0", value)
        return float(value)

    def pair(self, name: str, default: tuple[float, float]) -> tuple[float, float]:
        value = self.found.get(name, default)
        if not isinstance(value, list | tuple) or len(value) != 2 or not all(_real(one) for one in value):
            raise self._wrong(name, "two numbers", value)
        if not 0 <= value[0] <= value[1]:
            raise self._wrong(name, "two numbers from 0 up, least first", value)
        return float(value[0]), float(value[1])

    def only(self, name: str, *values: Any) -> None:
        """Raise where a setting is there and is none of the values that can be had."""
        if name in self.found and self.found[name] not in values:
            value = reprlib.repr(self.found[name])
            raise BadInput(f"{self.path}: {name} = {value} is not supported, only {values[0]!r}")

    def _wrong(self, name: str, wanted: str, value: object) -> BadInput:
        return BadInput(f"{self.path}: {name} must be {wanted}, not {reprlib.repr(value)}")


def _real(value: object) -> bool:
    if type(value) is int:
        return abs(value) <= LARGEST  # larger ones may be no float
    return isinstance(value, float)
