"""Gradients of weights orthogonal to what came in on earlier tasks, so that old outputs stay as they are.

Of a linear map y = W x with rows B that span the inputs of tasks that are over, an update delta x' becomes
delta (x - B' B x)': the gradient G becomes G - G B' B. If the rows are orthonormal, W x then stays the same
for each x that they span. What goes back to the maps below is left as it is. How the rows are found is what
the rules differ in.

A map is a matrix that `F.linear` is called with, as each `nn.Linear` does. Its inputs are those of all steps,
and of all calls where it is used more than once. All that learns besides (biases, gains, weights that are
used otherwise, as in fused recurrences) cannot be protected so, and is held still from the second task on.
A map that is new, as the head of a new task, is free.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wavetrain.core import Batch, Rule, go_back
from wavetrain.errors import BadInput
from wavetrain.parts.kept import under, within
from wavetrain.rules._inputs import watched


class Projection(Rule):
    """Backpropagation whose gradients are projected; `rows` of each map on the first task, `then` on others.

    Both are one number for all maps, or one for each in the order in which they are called. No map gets
    more rows in all than it has inputs. A subclass says what it does with inputs, and when a task is over.
    """

    def __init__(self, rows: int | tuple[int, ...], then: int | tuple[int, ...] | None = None):
        self.rows, self.then = rows, rows if then is None else then
        for given in (self.rows, self.then):
            if any(not isinstance(one, int) or one < 0 for one in _listed(given)):
                raise BadInput(f"{type(self).__name__}: expected rows of at least 0, got {given!r}")
        self.tasks = 0  # that are over
        self.basis: dict[str, Tensor] = {}  # of each map, by the name of its weight: (rows, inputs)

    @abstractmethod
    def see(self, inputs: dict[str, Float[Tensor, "many inputs"]]) -> None:
        """What came into each map with a batch, by the name of its weight."""

    def learn(self, network: nn.Module, batch: Batch, loss: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        with watched(network) as seen:
            value = loss(network(batch.x), batch.y)
        inputs = self.checked(network, seen())
        hooks = [
            parameter.register_hook(partial(self.beyond, name) if name in inputs else torch.zeros_like)
            for name, parameter in network.named_parameters()
            if parameter.requires_grad and self.tasks
        ]
        try:
            go_back(value)
        finally:
            for hook in hooks:
                hook.remove()
        self.see(inputs)
        return value.detach()

    def state_dict(self) -> dict[str, Tensor]:
        """A file keeps numbers row by row, and products round by how they lie: some are kept turned."""
        rows = {name: one for name, one in self.basis.items() if one.is_contiguous()}
        turned = {name: one.mT for name, one in self.basis.items() if name not in rows}
        return {"tasks": torch.tensor(self.tasks)} | within("basis", rows) | within("turned", turned)

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        self.tasks = int(state["tasks"])
        self.basis = under("basis", state) | {name: one.mT for name, one in under("turned", state).items()}

    def checked(self, network: nn.Module, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """What came into the maps of a network; raises BadInput where it has none."""
        if not inputs:
            raise BadInput(
                f"{type(self).__name__}: expected a network with a linear map that learns, "
                f"got {type(network).__name__}"
            )
        return inputs

    def wanted(self, inputs: dict[str, Float[Tensor, "many inputs"]]) -> dict[str, int]:
        """How many rows this task adds to each map: as told, or as many as its inputs leave free.

        Raises BadInput where there are not as many numbers as maps.
        """
        told = self.then if self.tasks else self.rows
        each = (told,) * len(inputs) if isinstance(told, int) else told
        if len(each) != len(inputs):
            raise BadInput(
                f"{type(self).__name__}: expected rows for {len(inputs)} maps ({', '.join(inputs)}), "
                f"got {len(each)}"
            )
        free = {name: x.shape[-1] - len(self.basis.get(name, ())) for name, x in inputs.items()}
        return {name: min(rows, free[name]) for name, rows in zip(inputs, each, strict=True)}

    def over(self, rows: dict[str, Float[Tensor, "rows inputs"]]) -> None:
        """A task is over: its rows join those that are held."""
        for name, more in rows.items():
            self.basis[name] = torch.cat([self.basis[name], more]) if name in self.basis else more
        self.tasks += 1

    def beyond(self, name: str, x: Float[Tensor, "many inputs"]) -> Float[Tensor, "many inputs"]:
        """What the rows that are held leave of inputs, or of a gradient; all of it where there are none."""
        return x - x @ self.basis[name].mT @ self.basis[name] if name in self.basis else x


def _listed(rows: int | tuple[int, ...]) -> tuple[int, ...]:
    return rows if isinstance(rows, tuple) else (rows,)
