"""The contract of any member: its promises by name, to be checked at once or one test each.

    test_tide = contract(Tide)        a class, a function, a name, or a place: contract("mine.py:Tide")

Under pytest this line becomes one test for each promise (see `plugin.py`). Elsewhere `contract(Tide).check()`
checks them all.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from wavetrain import find, outside
from wavetrain.core import Stream
from wavetrain.errors import BadInput
from wavetrain.testing import layers, lenses, memories, rules, sheets, spiking, streams, tasks
from wavetrain.testing.cards import check_card
from wavetrain.testing.promise import Promise, keep, name

OF: dict[str, Callable[[Any], Iterator[Promise]]] = {
    "layers": layers.promises,
    "memories": memories.promises,
    "spiking": spiking.promises,
    "rules": rules.promises,
    "tasks": tasks.promises,
    "data": tasks.promises,
    "lenses": lenses.promises,
}


@dataclass(frozen=True)
class Contract:
    """The promises of one member.

    >>> from wavetrain.testing import Contract, contract
    >>> found = contract("hopfield")
    >>> isinstance(found, Contract), found.kind, found.member.__name__
    (True, 'memories', 'Hopfield')
    >>> len(found.promises) > 3
    True
    """

    member: Any
    kind: str
    promises: tuple[Promise, ...]

    def check(self) -> None:
        """Check all promises; raises AssertionError that names the first broken one."""
        keep(self.member, self.promises)


def contract(member: Any) -> Contract:
    """What a member promises, by its kind.

    Raises BadInput for a member of a kind without a contract, and under `python -O`, which takes checks out.

    >>> from wavetrain.testing import contract
    >>> contract("elman").kind
    'layers'
    >>> [promise.name for promise in contract("backpropagation").promises][:5]
    ['card', 'learns', 'annotations', 'same_again', 'what_it_cannot_teach']
    """
    if not __debug__:
        raise BadInput("`python -O` takes out what the contract checks; run it without -O")
    kind = None
    if isinstance(member, str):
        found = find.named(member, tuple(OF))
        kind, member = found.kind, found.load()
    whose = getattr(member, "func", member)  # of a partial, what it calls
    sheet = sheets.is_sheet(whose)
    if kind is None:
        kind = "spiking" if sheet else outside.kind(name(member), whose)
    if kind not in OF:
        raise BadInput(
            f"{name(member)} is one of the {kind}, which have no contract; {', '.join(OF)} have one"
        )
    card = (Promise("card", partial(check_card, whose)),) if kind in find.CITED else ()
    online = isinstance(whose, type) and issubclass(whose, Stream)
    promises = streams.promises if online else sheets.promises if sheet else OF[kind]
    return Contract(member, kind, (*card, *promises(member)))
