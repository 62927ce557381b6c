"""The claims by topic, as one page; each claim's own page is one of the result pages."""

from wavetrain.evidence.topics import by_topic
from wavetrain.report.catalogue import Catalogue, Claimed
from wavetrain.report.prose import escaped


def written(found: Catalogue) -> dict[str, str]:
    """The page, by its name."""
    lines = ["# Claims by topic", "", START, ""]
    tally: dict[str, int] = {}
    for one in found.claimed:
        word = one.outcomes[0].result.verdict.word if one.outcomes else "not run"
        tally[word] = tally.get(word, 0) + 1
    counted = ", ".join(f"{count} {word}" for word, count in sorted(tally.items(), key=lambda one: -one[1]))
    lines += [f"There are {len(found.claimed)} claims: {counted}.", ""]
    for topic, claimed in by_topic((one.topic, one) for one in found.claimed).items():
        lines += [f"({topic.anchor})=", f"## {topic.title}", "", escaped(topic.about), ""]
        for one in claimed:
            lines += [f"(claim-{one.name})=", *_entry(one), ""]
    return {"index.md": "\n".join(lines) + "\n"}


START = """One entry a claim: what was asked, the verdict at the scale it was run at, and the sentence that
the verdict is about. The links lead to all figures of every seed, the pictures, and the command that makes
them again. The order is that of [the storyline](../../storyline.md)."""


def _entry(one: Claimed) -> list[str]:
    verdict = "{verdict}`" + one.name + "`" if one.outcomes else "*not run*"
    return ["**{claim}`" + one.name + "`** " + verdict + "\\", escaped(one.claim.sentence) + "."]
