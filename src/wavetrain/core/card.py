"""Where a system comes from: its card, which names and lists are read from without importing the system."""

import sys
from typing import Any, NamedTuple

OURS = "The Wavetrain authors"  # of what rests on no paper


class Card(NamedTuple):
    """Where a system comes from. Written with plain literals, so that it can be read without importing.

    >>> from wavetrain.core import Card
    >>> from wavetrain.layers import Elman
    >>> isinstance(Elman.card, Card), Elman.card.year, Elman.card.family
    (True, 1990, 'recurrence')
    """

    title: str  # of the paper
    authors: str  # "Family, Given and Family, Given"
    year: int
    source: str  # venue and arXiv id or DOI
    family: str  # systems that carry the past in the same way: wave, recurrence, gate, attention ...
    topic: str  # of `evidence.topics`, as the storyline orders them


def card_of(member: Any) -> Card | None:
    """The card of a class, or of a lens, which is a function, that of its file; None where there is none."""
    holder = member if isinstance(member, type) else sys.modules.get(getattr(member, "__module__", ""))
    card = getattr(holder, "card", None)
    return card if isinstance(card, Card) else None
