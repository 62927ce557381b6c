"""The config.json of a model of ours, in the words of transformers or in those of the authors."""

import math
from typing import Any

from wavetrain.core import Layer
from wavetrain.errors import BadInput
from wavetrain.layers.state_space.mamba import Mamba
from wavetrain.layers.state_space.mamba2 import Mamba2
from wavetrain.networks.language_model import EPS, LanguageModel


def of_transformers(model: LanguageModel) -> dict[str, Any]:
    """Raises for a model that has no place in the layout."""
    layer = _layer_of(model)
    return {
        **(_of_mamba(layer) if isinstance(layer, Mamba) else _of_mamba2(layer)),
        "hidden_size": model.width,
        "num_hidden_layers": len(model.blocks()),
        "vocab_size": model.vocabulary,
        "layer_norm_epsilon": model.norm_f.eps,
        "hidden_act": "silu",
        "tie_word_embeddings": model.lm_head is None,
        "dtype": str(model.embeddings.weight.dtype).removeprefix("torch."),
    }


def of_the_authors(model: LanguageModel) -> dict[str, Any]:
    """Raises for a model that has no place in the layout; that of the authors knows one epsilon alone."""
    layer = _layer_of(model)
    theirs = _of_mamba(layer) if isinstance(layer, Mamba) else _of_mamba2(layer)
    if model.norm_f.eps != EPS or "mixer_rms_eps" in theirs:
        raise BadInput(f"the authors' layout has no place for norms inside a layer, or an epsilon but {EPS}")
    names = {
        "d_state": "state_size",
        "d_conv": "conv_kernel",
        "expand": "expand",
        "dt_rank": "time_step_rank",
        "headdim": "head_dim",
        "ngroups": "n_groups",
        "dt_limit": "time_step_limit",
        "chunk_size": "chunk_size",
        "bias": "use_bias",
        "conv_bias": "use_conv_bias",
    }
    inner = {name: theirs[other] for name, other in names.items() if other in theirs}
    return {
        "d_model": model.width,
        "d_intermediate": 0,
        "n_layer": len(model.blocks()),
        "vocab_size": model.vocabulary,
        "ssm_cfg": {"layer": "Mamba1" if isinstance(layer, Mamba) else "Mamba2", **inner},
        "attn_layer_idx": [],
        "attn_cfg": {},
        "rms_norm": True,
        "residual_in_fp32": True,
        "fused_add_norm": True,
        "pad_vocab_size_multiple": 1,
        "tie_embeddings": model.lm_head is None,
    }


def _layer_of(model: LanguageModel) -> Mamba | Mamba2:
    """The first layer of a model whose layers are all alike, with nothing around them that has no place."""
    if model.positions is not None or any(block.mlp is not None for block in model.blocks()):
        raise BadInput("this layout has no place for an MLP or a table of positions")
    layers = [block.mixer for block in model.blocks()]
    kinds = {type(layer) for layer in layers}
    if kinds not in ({Mamba}, {Mamba2}):
        names = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise BadInput(f"this layout has a place for Mamba alone or Mamba2 alone, not for {names}")
    sizes = [_of_mamba(one) if isinstance(one, Mamba) else _of_mamba2(one) for one in layers]
    if any(one != sizes[0] for one in sizes):
        raise BadInput("this layout has a place for layers of one size alone")
    norms = [block.norm for block in model.blocks()] + [one.norm for one in layers if isinstance(one, Mamba2)]
    if any(norm.eps != model.norm_f.eps for norm in norms):
        raise BadInput("this layout has a place for one epsilon of all norms alone")
    (layer,) = layers[:1]
    assert isinstance(layer, Mamba | Mamba2)
    return layer


def _of_mamba(layer: Layer) -> dict[str, Any]:
    assert isinstance(layer, Mamba)
    inner, _, kernel = layer.conv1d.weight.shape
    found = {
        "model_type": "mamba",
        "architectures": ["MambaForCausalLM"],
        "state_size": layer.states,
        "expand": inner // layer.width,
        "intermediate_size": inner,
        "conv_kernel": kernel,
        "time_step_rank": layer.rank,
        "use_bias": layer.variant.projection_bias,
        "use_conv_bias": layer.variant.convolution_bias,
    }
    if (eps := layer.variant.inner_eps) is not None:
        found |= {"model_type": "falcon_mamba", "architectures": ["FalconMambaForCausalLM"]}
        found |= {"mixer_rms_eps": eps}
    return found


def _of_mamba2(layer: Layer) -> dict[str, Any]:
    assert isinstance(layer, Mamba2)
    found = {
        "model_type": "mamba2",
        "architectures": ["Mamba2ForCausalLM"],
        "state_size": layer.states,
        "expand": layer.inner // layer.width,
        "num_heads": layer.heads,
        "head_dim": layer.inner // layer.heads,
        "n_groups": layer.groups,
        "conv_kernel": layer.variant.kernel,
        "chunk_size": layer.variant.chunk,
        "use_bias": layer.variant.projection_bias,
        "use_conv_bias": layer.variant.convolution_bias,
    }
    least, most = layer.variant.limit
    if (least, most) != (0.0, math.inf):
        found["time_step_limit"] = [least, most]
    return found
