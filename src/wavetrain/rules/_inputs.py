"""What comes into the linear maps of a network while it runs: of any network, however its maps are called."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from wavetrain.core import examined


class _Watch(TorchFunctionMode):
    """Notes the inputs of each `F.linear` whose weight learns, which is what an `nn.Linear` calls too."""

    def __init__(self, names: dict[nn.Parameter, str]):
        super().__init__()
        self.names = names
        self.inputs: dict[str, list[Tensor]] = {}

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        given = dict(kwargs or {})
        if func is F.linear:
            x, weight = (*args, *(given[name] for name in ("input", "weight") if name in given))[:2]
            if isinstance(weight, nn.Parameter) and weight in self.names:
                rows = x.detach().reshape(-1, x.shape[-1])
                self.inputs.setdefault(self.names[weight], []).append(rows)
        return func(*args, **given)


@contextmanager
def watched(network: nn.Module) -> Iterator[Callable[[], dict[str, Float[Tensor, "many inputs"]]]]:
    """Inside, a network runs; what is yielded then says what came into each map, by the name of its weight.

    One row for each sequence, step and call, in the order in which maps are first called. Maps whose weights
    do not learn, and weights that are used otherwise, are left out.
    """
    names = {one: name for name, one in network.named_parameters() if one.requires_grad and one.ndim == 2}
    with _Watch(names) as watch:
        yield lambda: {name: torch.cat(parts) for name, parts in watch.inputs.items()}


@torch.no_grad()
def inputs_of(network: nn.Module, x: Float[Tensor, "batch ..."]) -> dict[str, Float[Tensor, "many inputs"]]:
    """What x sends into each map of a network in evaluation mode, by the name of its weight."""
    with examined(network), watched(network) as inputs:
        network(x)
    return inputs()
