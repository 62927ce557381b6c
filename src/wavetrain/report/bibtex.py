"""BibTeX from a card: what to cite for a system.

A card does not say whether its source is a journal or a conference, so every entry is `@misc`, with the
venue in `howpublished` and the arXiv id and DOI, where the source names them, in their own fields.
"""

import re
import unicodedata

from wavetrain.errors import BadInput
from wavetrain.find import Found

ARXIV = re.compile(r"arXiv[:\s]\s*(\d{4}\.\d{4,5}(?:v\d+)?|[a-z-]+(?:\.[A-Z]{2})?/\d{7})", re.IGNORECASE)
DOI = re.compile(
    r"(?:doi[:\s]\s*|https?://(?:dx\.)?doi\.org/)?(10\.\d{4,9}/[^\s,;]*[^\s,;.\]])", re.IGNORECASE
)
SMALL = ("a", "an", "the", "on", "of", "in", "for", "and", "to", "with", "is", "are")  # passed over in a key
SPECIAL = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
SPECIAL |= {character: "\\" + character for character in "&%$#_{}"}


def bibtex(found: Found) -> str:
    """The BibTeX entry of a member that has a card; BadInput where it has none, or not all of one."""
    card = found.facts
    missing = [part for part in ("title", "authors", "year", "source") if not card.get(part)]
    if missing:
        lacks = " and no ".join(missing)
        raise BadInput(f"{found.kind}/{found.name} has no {lacks} on its card: nothing to cite")
    arxiv, doi = ARXIV.search(card["source"]), DOI.search(card["source"])
    fields = {
        "title": "{" + _escape(card["title"]) + "}",  # the second braces keep its capitals
        "author": _authors(card["authors"]),
        "year": str(card["year"]),
        "howpublished": _escape(venue(card["source"])),
    }
    if arxiv:
        fields |= {"eprint": arxiv[1], "archiveprefix": "arXiv"}
    if doi:
        fields["doi"] = doi[1]
    lines = [f"  {name:<13} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@misc{{{_key(card)},", *lines, "}"]) + "\n"


def venue(source: str) -> str:
    """The source without its arXiv id and DOI."""
    rest = DOI.sub("", ARXIV.sub("", source))
    return re.sub(r"\(\s*\)", "", re.sub(r"(\s*[,;]\s*)+", ", ", rest)).strip(" ,;.")


def _key(card: dict) -> str:
    """Family name, year, first telling word: keller2023traveling."""
    family = card["authors"].partition(",")[0].partition(" and ")[0]
    words = [_plain(word) for word in card["title"].split()]
    telling = next((word for word in words if word and word not in SMALL), "")
    return f"{_plain(family)}{card['year']}{telling}"


def _authors(authors: str) -> str:
    """People as they are; a group in braces of its own, or BibTeX would take its last word for a surname."""
    return _escape(authors) if "," in authors else "{" + _escape(authors) + "}"


def _plain(word: str) -> str:
    ascii_ = unicodedata.normalize("NFKD", word).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]", "", ascii_.lower())


def _escape(text: str) -> str:
    return "".join(SPECIAL.get(character, character) for character in text)
