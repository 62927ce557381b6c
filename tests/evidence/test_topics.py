"""Topics: every claim and every card has one, and they come in the order of the storyline."""

import re
from pathlib import Path

import pytest

from wavetrain import find
from wavetrain.evidence.topics import OTHER, TOPICS, by_topic, topic

ROOT = Path(__file__).resolve().parents[2]
LABELLED = [one for one in find.everything() if "topic" in one.facts]


@pytest.mark.parametrize("found", LABELLED, ids=lambda one: one.name)
def test_every_label_belongs_to_a_topic(found: find.Found):
    assert topic(found.facts["topic"]) in TOPICS


def test_what_no_topic_names_stands_apart():
    assert topic("nowhere") == topic("") == OTHER


def test_a_topic_is_named_by_its_title():
    assert topic("Gates").title == "Gates"


def test_groups_come_in_the_order_of_the_storyline():
    groups = by_topic([(TOPICS[3], "c"), (OTHER, "z"), (TOPICS[0], "a"), (TOPICS[3], "b")])
    assert groups == {TOPICS[0]: ["a"], TOPICS[3]: ["c", "b"], OTHER: ["z"]}
    assert list(groups) == [TOPICS[0], TOPICS[3], OTHER]


def test_the_storyline_tells_of_every_topic():
    told = " ".join(re.findall(r"\*\*(.+?)\.?\*\*", (ROOT / "docs/storyline.md").read_text(encoding="utf-8")))
    assert all(one.title in told for one in TOPICS)
