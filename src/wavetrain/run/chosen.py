"""Which layers a comparison is of: those that are asked for, or one of each family."""

from collections.abc import Sequence

from wavetrain import find
from wavetrain.errors import BadInput


def founders() -> list[find.Found]:
    """The layer with the oldest paper of each family, by family."""
    oldest: dict[str, find.Found] = {}
    carded = [one for one in find.members("layers") if "year" in one.facts and "family" in one.facts]
    for one in sorted(carded, key=lambda one: (one.facts["year"], one.name)):
        oldest.setdefault(one.facts["family"], one)
    return [oldest[family] for family in sorted(oldest)]


def asked(names: Sequence[str]) -> list[find.Found]:
    """The layers of these names or places, once each; "all" takes every layer."""
    chosen = [find.named(name, ("layers",)) for name in dict.fromkeys(names) if name != "all"]
    if "all" in names:
        return list(find.members("layers"))
    twice = [one.name for place, one in enumerate(chosen) if one.name in {two.name for two in chosen[:place]}]
    if twice:
        raise BadInput(f"compare: expected layers of different names, got more than one {twice[0]}")
    return chosen
