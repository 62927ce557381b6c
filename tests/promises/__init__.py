"""The promises of `wavetrain.testing` and its tools, under short names for the tests here."""

from wavetrain.testing import building, company, maps, memories, precision, transforms
from wavetrain.testing.layers import ON_BUILDING, ON_SEQUENCES
from wavetrain.testing.tools import Make, close, generic, normal, seeded, stepped, whole

__all__ = [
    "ON_BUILDING",
    "ON_SEQUENCES",
    "Make",
    "building",
    "close",
    "company",
    "generic",
    "maps",
    "memories",
    "normal",
    "precision",
    "seeded",
    "stepped",
    "transforms",
    "whole",
]
