"""Where a system comes from: its card, which names and lists are read from without importing the system."""

from typing import NamedTuple


class Card(NamedTuple):
    """Where a system comes from. Written with plain literals, so that it can be read without importing."""

    title: str  # of the paper
    authors: str  # "Family, Given and Family, Given"
    year: int
    source: str  # venue and arXiv id or DOI
    family: str  # systems that carry the past in the same way: wave, recurrence, gate, attention ...
    topic: str  # of `evidence.topics`, as the storyline orders them
