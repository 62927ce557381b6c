"""Roles for hand-written pages, so that no title, verdict or figure is typed twice.

{claim}`wave_rnn_copy`                    a link to the page of a claim, by its title
{member}`mamba`                           a link to the page of a member, by what its file defines
{verdict}`wave_rnn_copy`                  the verdict, and the scale it was reached at
{measured}`wave_rnn_copy wave_delay5`     a measured figure: the median over seeds, with the range
"""

import posixpath
import re
import statistics

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxRole

from wavetrain import find
from wavetrain.report.catalogue import Catalogue, Claimed, Outcome
from wavetrain.report.results import Row, number


class Reading(SphinxRole):
    """A role that looks something up in the catalogue of claims and systems."""

    @property
    def catalogue(self) -> Catalogue:
        return self.env.app.wavetrain_catalogue

    def claimed(self, name: str) -> Claimed:
        for one in self.catalogue.claimed:
            if one.name == name:
                return one
        raise ValueError(f"there is no claim {name!r}, named in {self.env.docname}")

    def outcome(self, name: str) -> Outcome:
        outcomes = self.claimed(name).outcomes
        if not outcomes:
            raise ValueError(f"{name!r}, named in {self.env.docname}, has no result")
        return outcomes[0]


class Claim(Reading):
    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        one = self.claimed(self.text)
        address = posixpath.relpath(
            f"results/claims/{one.name}.html", posixpath.dirname(self.env.docname) or "."
        )
        return [nodes.reference("", one.title, refuri=address, internal=True)], []


class Member(Reading):
    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        found = find.named(self.text, tuple(kind for kind in find.KINDS if kind != "experiments"))
        target = f"/generated/members/{found.kind}/{found.name}"
        link = pending_xref(
            "", refdomain="std", reftype="doc", reftarget=target, refexplicit=True, refdoc=self.env.docname
        )
        link.append(nodes.literal("", found.symbol))
        return [link], []


class Verdict(Reading):
    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        one = self.outcome(self.text)
        words = f"{one.result.verdict.word}, {one.result.scale} scale"
        return [nodes.inline("", words, classes=["badge", one.badge])], []


class Measured(Reading):
    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        name, figure = self.text.split(maxsplit=1)
        for row in self.outcome(name).rows:
            if row.name == figure:
                return [nodes.inline("", measured(row), classes=["measured"])], []
        raise ValueError(f"{name!r} has no figure {figure!r}, named in {self.env.docname}")


def measured(row: Row) -> str:
    """The median over the seeds and the range, in three digits, as advice needs no more."""
    low, high = min(row.finite), max(row.finite)
    middle = _short(statistics.median(row.finite))
    return middle if _short(low) == _short(high) else f"{middle} ({_short(low)} to {_short(high)})"


def _short(value: float) -> str:
    return number(value) if abs(value) >= 1000 else number(float(f"{value:.3g}"))


def sources(app: Sphinx, docname: str, source: list[str]) -> None:
    """Links that lead somewhere in the repository lead to its page here."""
    text = source[0]
    text = re.sub(r"\]\((tour|loops)/(\d\d_\w+)\.py\)", r"](generated/\1/\2.rst)", text)
    source[0] = text


def add(app: Sphinx) -> None:
    app.add_role("claim", Claim())
    app.add_role("member", Member())
    app.add_role("verdict", Verdict())
    app.add_role("measured", Measured())
