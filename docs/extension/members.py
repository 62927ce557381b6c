"""A page for each member: what it is, its equations, its operator drawn, an example, its claims, its source.

All is read: from the docstring, the card, the syntax tree and the results. The example is that of the
docstring, which a test runs.
"""

import ast
import zlib
from pathlib import Path

import numpy as np

from extension import api
from wavetrain import find
from wavetrain.evidence.picture import Matrix
from wavetrain.evidence.topics import by_topic, topic
from wavetrain.find import Found
from wavetrain.report.bibtex import bibtex
from wavetrain.report.catalogue import Catalogue, Claimed
from wavetrain.report.draw import draw
from wavetrain.report.members import example
from wavetrain.report.prose import escaped, markdown

HEADINGS = {
    "layers": "Layers",
    "memories": "Memories",
    "spiking": "Spiking networks",
    "rules": "Learning rules",
    "networks": "Networks",
    "tasks": "Tasks",
    "data": "Data",
    "lenses": "Lenses",
}
STEPS = 32  # of the sequence on which an operator is drawn


def written(found: Catalogue, folder: Path) -> dict[str, str]:
    """The pages by their names, with an index; pictures are drawn into the folder."""
    pages, listed = {}, []
    for kind, heading in HEADINGS.items():
        members = find.members(kind)
        if not members:
            continue
        lines = [f"# {heading}", "", "| member | what it is |", "|---|---|"]
        for one in members:
            about = [claim for claim in found.claimed if one.name in claim.claim.systems]
            pages[f"{kind}/{one.name}.md"] = _page(one, about, folder / kind)
            lines.append(f"| [`{one.name}`]({one.name}.md) | {escaped(one.summary)} |")
        lines += ["", "```{toctree}", ":hidden:", "", *(one.name for one in members), "```", ""]
        pages[f"{kind}/index.md"] = "\n".join(lines)
        listed.append(f"{kind}/index")
    pages["index.md"] = "\n".join(["# Members", "", START, "", "```{toctree}", *listed, "```", ""])
    return pages


START = """Everything that the library holds, by kind. Each page says what a member is and where it comes
from, shows how it is called, and lists the claims about it with their verdicts."""


def module_of(found: Found) -> str:
    """The module that a member's file is."""
    return ".".join(found.path.relative_to(find.ROOT.parent).with_suffix("").parts)


def _page(found: Found, claimed: list[Claimed], folder: Path) -> str:
    parts = [f"# {_title(found)}", "", markdown(_about(found)), ""]
    if _is_layer(found):
        parts += ["## What it mixes into what", "", *_operator(found, folder), ""]
    parts += ["## In Python", "", *_example(found), "", _signature(found), ""]
    parts += ["## Claims", "", *_claims(found, claimed), ""]
    if found.facts.get("title"):
        parts += ["## Source", "", *_source(found), ""]
    return "\n".join(parts)


def _is_layer(found: Found) -> bool:
    """Whether it has an operator: all layers have, of spikes or not."""
    from wavetrain.core import Layer

    return found.kind in ("layers", "spiking") and issubclass(found.load(), Layer)


def _title(found: Found) -> str:
    before, colon, _ = found.summary.partition(": ")
    return escaped(before if colon and len(before) <= 60 else found.symbol)


def _about(found: Found) -> str:
    """The docstring without the title that it opens with."""
    before, colon, after = found.about.partition(": ")
    return after[:1].upper() + after[1:] if colon and escaped(before) == _title(found) else found.about


def _operator(found: Found, folder: Path) -> list[str]:
    """The operator of an untrained layer, drawn, and how to read it."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layer = found.load()(8)
        x = torch.randn(2, STEPS, 8)
        operator = layer.operator(x)
        strength = operator.strength().mean(0).detach().double().numpy()
    path = folder / f"{found.name}.png"
    folder.mkdir(parents=True, exist_ok=True)
    if _changed(path, strength):
        draw(Matrix(f"Operator of {found.symbol}, untrained", strength), path)
    exact = (
        "It is exact: the output is this matrix applied to the layer's values."
        if operator.exact
        else "The layer is not linear in its values, so these are derivatives of outputs by inputs."
    )
    return [
        f"```{{image}} {found.name}.png",
        f":alt: The influence of each past step (across) on each step (down), {STEPS} by {STEPS}",
        ":width: 420px",
        "```",
        "",
        f"How much each step (down) takes from each earlier step (across), on {STEPS} random inputs, before "
        f"any training. {exact}",
    ]


def _changed(path: Path, values: np.ndarray) -> bool:
    """Whether a picture must be drawn anew; what was drawn is remembered beside it."""
    seen, mark = path.with_suffix(".crc"), str(zlib.crc32(np.ascontiguousarray(values).tobytes()))
    if path.exists() and seen.exists() and seen.read_text() == mark:
        return False
    seen.write_text(mark)
    return True


def _example(found: Found) -> list[str]:
    """The example of the docstring, which a test runs; without one, the name."""
    code = example(ast.get_docstring(_definition(found)) or "")[1]
    if not code:
        return ["```python", "import wavetrain as wt", "", f"wt.{found.kind}.{found.symbol}", "```"]
    return ["```pycon", code, "```"]


def _signature(found: Found) -> str:
    """The class or function with its methods, and its docstring without the example, which stands above."""
    node = _definition(found)
    text = ast.get_docstring(node)
    if text:
        node.body[0] = ast.Expr(ast.Constant(example(text)[0]))
    return f":::{{py:currentmodule}} {module_of(found)}\n:::\n\n{api.definition(node)}"


def _definition(found: Found) -> ast.FunctionDef | ast.ClassDef:
    tree = ast.parse(found.path.read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == found.symbol:
            return node
    raise ValueError(f"{found.path} does not define {found.symbol}")


def _claims(found: Found, claimed: list[Claimed]) -> list[str]:
    """The claims that name a member: those of its own topic first, the others as the storyline has them."""
    if not claimed:
        return ["No claim names it yet."]
    own = topic(str(found.facts.get("topic", "")))
    order = [own, *by_topic((one.topic, one) for one in claimed)]
    lines = []
    for one in sorted(claimed, key=lambda one: order.index(one.topic)):
        verdict = " {verdict}`" + one.name + "`" if one.outcomes else " *not run*"
        lines.append("- {claim}`" + one.name + "`" + verdict)
    return lines


def _source(found: Found) -> list[str]:
    card = found.facts
    authors = escaped(str(card["authors"]).replace(" and ", "; "))
    place = topic(str(card.get("topic", "")))
    return [
        f"{authors} ({card['year']}). *{escaped(str(card['title']))}*. {escaped(str(card['source']))}.",
        "",
        f"Topic in the [storyline](../../../storyline.md): {escaped(place.title)}.",
        "",
        "```bibtex",
        bibtex(found).rstrip(),
        "```",
    ]
