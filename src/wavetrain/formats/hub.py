"""Models on the Hugging Face hub, and in folders of its form: a stack of layers, or a language model.

    Published(model).save_pretrained("folder")         writes config.json, model.safetensors and README.md
    Published.from_pretrained("folder").model          the same model; a folder needs no network
    Published(model).push_to_hub("owner/name")         the same three files on the hub
    Published.from_pretrained("owner/name").model      from there

The mixin of `huggingface_hub` does the sending. Weights are safetensors, and nothing is unpickled. What a
folder holds is said by `wavetrain.formats.recipes`: no training data, no path, no token. Mamba models in the
layout of transformers are read and written by `wavetrain.formats.checkpoints`.

Needs `pip install wavetrain[hub]`; nothing else in the package imports this file.
"""

import re
from pathlib import Path
from typing import Any, Self

from wavetrain.core import Layer
from wavetrain.errors import BadInput
from wavetrain.formats import recipes
from wavetrain.networks.language_model import LanguageModel
from wavetrain.parts.stack import Stack

try:
    from huggingface_hub import ModelCard, ModelHubMixin, hf_hub_download
except ModuleNotFoundError as error:
    raise BadInput(f"the hub needs the package {error.name}: pip install 'wavetrain[hub]'") from error

CARD = """---
{{ card_data }}
---

# {{ title }}

{{ sentence }} Made with Wavetrain, a library on sequence learning in brains and machines.

```python
from wavetrain.formats.hub import Published

model = Published.from_pretrained("owner/name").model  # or a local folder of these files
```

| layer | width | parameters | paper |
|---|---|---|---|
{{ rows }}

{{ count }} parameters in all. The weights are safetensors; nothing is unpickled. What the model was trained
on, how well it does, and what it should not be used for is not known to the library: say it here.
"""


class Published(
    ModelHubMixin,
    library_name="wavetrain",
    tags=["wavetrain", "sequence-modeling"],
    model_card_template=CARD,
):
    """A model with the methods of the hub.

    >>> from wavetrain.formats.hub import Published
    >>> from wavetrain.layers import GRU
    >>> from wavetrain.networks import LanguageModel
    >>> hub = Published(LanguageModel([GRU(8)], vocabulary=20))
    >>> "gru" in hub.generate_model_card().text
    True
    """

    def __init__(self, model: Stack | LanguageModel):
        if not isinstance(model, Stack | LanguageModel):
            raise BadInput(f"expected a Stack or a LanguageModel, got {type(model).__name__}")
        self.model = model

    @classmethod
    def from_pretrained(  # type: ignore[override]  # the mixin's takes any further keyword; here there are none
        cls,
        pretrained_model_name_or_path: str | Path,
        *,
        force_download: bool = False,
        token: str | bool | None = None,
        cache_dir: str | Path | None = None,
        local_files_only: bool = False,
        revision: str | None = None,
    ) -> Self:
        """A model from a folder, without a network, or from the hub by its name there, `owner/name`."""
        place = Path(pretrained_model_name_or_path)
        if place.is_dir():
            return cls(recipes.load(place))
        name = str(pretrained_model_name_or_path)
        if not re.fullmatch(r"[\w.-]+/[\w.-]+", name):
            raise BadInput(f"expected a folder, or the name of a model on the hub, owner/name; got {name!r}")
        files = [
            hf_hub_download(
                repo_id=name,
                filename=file,
                revision=revision,
                cache_dir=cache_dir,
                force_download=force_download,
                token=token,
                local_files_only=local_files_only,
            )
            for file in (recipes.CONFIG, recipes.WEIGHTS)
        ]
        return cls(recipes.read(*map(Path, files)))

    def _save_pretrained(self, save_directory: Path) -> None:
        recipes.save(save_directory, self.model)

    def generate_model_card(self, title: str = "", sentence: str = "") -> ModelCard:
        """The page of the model; `model_card_kwargs` of the other methods takes a title and a sentence."""
        model = self.model
        layers: list[Any] = list(model.layers)
        if isinstance(model, LanguageModel):
            layers = [block.mixer for block in model.blocks()]
            usual = f"A language model of {len(layers)} layers over {model.vocabulary} tokens."
        else:
            usual = f"A stack of {len(layers)} layers, from {model.inputs} inputs to {model.width} outputs."
        info = self._hub_mixin_info
        return ModelCard.from_template(
            card_data=info.model_card_data,
            template_str=info.model_card_template,
            title=title or f"A model of {', '.join(dict.fromkeys(map(_name, layers)))}",
            sentence=sentence or usual,
            rows="\n".join(map(_row, layers)),
            count=f"{_count(model):,}",
        )


def _name(layer: Layer) -> str:
    name: str = recipes.described_layer(layer)["layer"]
    return name


def _row(layer: Layer) -> str:
    card = layer.card
    return (
        f"| {_name(layer)} | {layer.width} | {_count(layer):,} | {card.title}, {card.year}, {card.source} |"
    )


def _count(model: Any) -> int:
    return sum(part.numel() for part in model.parameters())
