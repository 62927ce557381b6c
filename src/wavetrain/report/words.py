"""What figures are called: full names in the field's words, with a unit, or what kind of number it is.

A claim says it of its own figures (`Claim.figures`, `Claim.names`). Here the patterns are applied, and the
names of systems that many claims share are spelled out.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from wavetrain import find
from wavetrain.evidence.claims import Figure
from wavetrain.evidence.result import Result, Words

SYSTEMS = {
    "adam": "Adam",
    "arima": "ARIMA",
    "aussm": "AUSSM",
    "elman": "Elman network",
    "esn": "echo state network",
    "gru": "GRU",
    "identity": "identity RNN",
    "lru": "LRU",
    "lssl": "LSSL",
    "lstm": "LSTM",
    "mamba": "Mamba",
    "mega": "MEGA",
    "s4": "S4",
    "s4d": "S4D",
    "sgd": "SGD",
    "softmax": "softmax attention",
    "tcnca": "TCNCA",
    "wave": "wave RNN",
}
GENERAL = (Figure(name="parameters_{net}", says="parameters, {net}", unit="count"),)
SLOT = re.compile(r"\{(\w+)(?::([^}]*))?\}")  # {net}, or {net:wave|lstm} where only these are meant


class Named(NamedTuple):
    """A figure as a reader meets it."""

    says: str
    unit: str  # empty where the claim does not name the figure

    @property
    def whole(self) -> str:
        """Both: `Symbols recalled by the wave RNN, delay 5 (share)`."""
        return f"{self.says} ({self.unit})" if self.unit else self.says


def named(name: str, claim: Words) -> Named:
    """What a claim calls a figure; a name that it does not know stays as it is, with spaces."""
    for figure in (*GENERAL, *claim.figures):
        if fit := _pattern(figure.name).fullmatch(name):
            slots = dict(zip((slot for slot, _ in SLOT.findall(figure.name)), fit.groups(), strict=True))
            says = figure.says
            for slot, held in slots.items():
                says = says.replace("{" + slot + "}", spelled(held, claim.names))
            return Named(says[:1].upper() + says[1:], figure.unit)
    return Named(spelled(name, claim.names), "")


def naming(result: Result) -> Words:
    """The claim whose words a result's figures are called by: its own, or today's where it is older."""
    known = [one for one in find.members("experiments") if one.name == result.experiment]
    return Words.of(known[0].facts) if known and not result.claim.figures else result.claim


def spelled(held: str, names: Mapping[str, str]) -> str:
    """The words for what a slot holds: those of the claim, of the whole or of its pieces, or of a system.

    >>> spelled("lstm_wide", {"wide": "128 units"}), spelled("delay_5", {})
    ('LSTM 128 units', 'delay 5')
    """
    if held in names:
        return names[held]
    return " ".join(names.get(piece, SYSTEMS.get(piece, piece)) for piece in held.split("_") if piece)


@cache
def _pattern(name: str) -> re.Pattern[str]:
    """The names that fit; a slot that may hold anything holds one character or more."""
    texts = SLOT.split(name)  # text, slot, what it may hold, text ...
    slots = (f"({'|'.join(map(re.escape, held.split('|')))})" if held else "(.+?)" for held in texts[2::3])
    return re.compile(
        "".join(text for pair in zip(map(re.escape, texts[::3]), (*slots, ""), strict=True) for text in pair)
    )
