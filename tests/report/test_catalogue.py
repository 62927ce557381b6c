"""Which picture a page opens with."""

from pathlib import Path

import pytest

from tests.report.test_report import typed
from wavetrain.evidence.result import Result
from wavetrain.report.catalogue import Outcome, Shown


def opened(result: Result, *names: str) -> list[str]:
    """The names of pictures in the order in which the page shows them."""
    pictures = [Shown(f"pictures/there/{name}.png", "", "", (1, 1)) for name in names]
    return [Path(one.path).stem for one in Outcome(result, "", [], pictures).shown]


def judged(*figures: str, name: str = "delay_sheet_waves") -> Result:
    """A result whose first part is judged by these figures, and whose second by another."""
    second = {"says": "nor is another", "figures": ["rate_at_once"]}
    words = {"title": "a", "sentence": "a", "source": "a", "topic": "Travelling waves", "systems": []}
    parts = [{"says": "it is seen", "figures": list(figures)}, second]
    part = {"word": "reproduced", "agree": 1, "seeds": 1, "why": ""}
    return typed(
        name,
        claim=words | {"parts": parts, "published": {}, "figures": [], "notes": "", "unrun": ""},
        verdict={"word": "reproduced", "parts": [part, part]},
        figures=[dict.fromkeys(["rate_at_once", "waves_random", "waves_topographic"], 1.0)],
        seeds=[0],
    )


@pytest.mark.parametrize(
    ("figures", "first"),
    [
        (("waves_topographic", "waves_random"), "field-topographic"),
        (("waves_random", "waves_topographic"), "field-random"),
        (("waves_t*",), "field-topographic"),  # as the claim writes it for several
        (("waves_*",), "field-random"),  # in the order in which they were measured
        (("rate_at_once",), "field-at_once"),
    ],
)
def test_a_page_opens_with_what_its_first_part_is_judged_by(figures: tuple[str, ...], first: str) -> None:
    names = "field-at_once", "field-delayed", "field-random", "field-topographic", "phase-topographic"
    found = opened(judged(*figures), *names)
    assert found[0] == first and sorted(found) == sorted(names)


def test_pictures_that_tell_of_no_figure_come_by_the_name_of_the_claim_and_stay_in_order() -> None:
    result = judged("waves_topographic", name="predictive_replay")
    names = "fresh-topographic", "learning", "noise-predictive", "replay-predictive", "sequence"
    expected = ["replay-predictive", "noise-predictive", "learning", "sequence", "fresh-topographic"]
    assert opened(result, *names) == expected
    assert opened(result, "once", "topo", "learning") == ["once", "topo", "learning"]  # parts of words
