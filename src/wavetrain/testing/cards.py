"""What a card promises: every field is filled in, and authors and year can be cited."""

import datetime
from typing import Any

from wavetrain.core.card import OURS, card_of


def check_card(member: Any) -> None:
    """A system, or the file of a lens, has a card whose fields are all filled in.

    >>> from wavetrain.layers import Elman
    >>> from wavetrain.testing import check_card
    >>> check_card(Elman)  # says nothing where all is well
    """
    card = card_of(member)
    where = "a class attribute" if isinstance(member, type) else "in its file"
    assert card is not None, f"expected {where} `card = Card(title=..., authors=..., year=...)`"
    empty = [name for name, value in card._asdict().items() if value in ("", None)]
    assert not empty, f"the card leaves {', '.join(empty)} empty"
    assert 1850 < card.year <= datetime.date.today().year, f"the card's year is {card.year}"
    named = card.authors == OURS or all("," in author for author in card.authors.split(" and "))
    assert named, f"expected authors 'Family, Given and Family, Given', got {card.authors!r}"
