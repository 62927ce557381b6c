"""Language models in the layout of the published Mamba checkpoints: config.json, and the weights beside it.

    weights   model.safetensors, or model.safetensors.index.json with its shards, or pytorch_model.bin (or its
              index), which is read as tensors only: nothing in it is run
    names     backbone.embeddings.weight (V, D), backbone.layers.0.norm.weight (D), backbone.layers.0.mixer.*
              with the names of `Mamba` or `Mamba2`, ..., backbone.norm_f.weight (D), and lm_head.weight
              (V, D), where the head is not tied to the table of tokens
    config    hidden_size, num_hidden_layers, state_size ... as transformers writes it for mamba, mamba2 and
              falcon_mamba, or d_model, n_layer, ssm_cfg ... as in the authors' own (Gu and Dao 2023, Dao and
              Gu 2024); those also say backbone.embedding.weight and mean a vocabulary that is filled up to a
              multiple of 8 or 16

`load` and `save` are a round trip, and transformers reads what `save` writes. Whatever a setting would change
in the map and is not supported here is refused by name. A file is not believed: no more is allocated than the
files of weights are long, whatever their headers and config.json say.
"""

from wavetrain.formats.checkpoints.folder import load, save

__all__ = ["load", "save"]
