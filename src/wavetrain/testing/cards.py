"""What a card promises: every field is filled in, and authors and year can be cited."""

import datetime
from typing import Any

from wavetrain.core import Card


def check_card(member: Any) -> None:
    """A system has a card whose fields are all filled in.

    >>> from wavetrain.layers import Elman
    >>> check_card(Elman)
    """
    card = getattr(member, "card", None)
    assert isinstance(card, Card), (
        "expected a class attribute `card = Card(title=..., authors=..., year=...)`"
    )
    empty = [name for name, value in card._asdict().items() if value in ("", None)]
    assert not empty, f"the card leaves {', '.join(empty)} empty"
    assert 1850 < card.year <= datetime.date.today().year, f"the card's year is {card.year}"
    named = all("," in author for author in card.authors.split(" and "))
    assert named, f"expected authors 'Family, Given and Family, Given', got {card.authors!r}"
