"""Constants of a module: buffers that follow from its sizes. They are not saved, and made again on loading.

So a layer and a memory that are the same thing have the same saved tensors, and a module that was built on
the meta device, or emptied, has no garbage left in it once a state is loaded.
"""

import functools
from collections.abc import Callable
from typing import Any

from torch import Tensor, nn


def constant(module: nn.Module, name: str, make: Callable[[], Tensor]) -> None:
    """Give the module the buffer that `make` makes; `make` must not hold the module, which may be copied."""
    module.register_buffer(name, make(), persistent=False)
    module.register_load_state_dict_post_hook(functools.partial(_again, name, make))


def _again(name: str, make: Callable[[], Tensor], module: nn.Module, keys: Any) -> None:
    old = getattr(module, name)
    new = make().to(old.dtype)
    setattr(module, name, new if old.is_meta else new.to(old.device))
