"""What is said of a member beside its docstring: how it is called, and which claims are about it."""

import inspect
import re
from typing import Any, NamedTuple

from wavetrain.find import Found, members

SIZES = {"width": "64", "size": "64", "vocabulary": "256"}  # of an example
SUBJECTS = ("layers", "memories", "spiking", "rules", "networks")  # kinds that a claim may be about


class Use(NamedTuple):
    """How a member is used from Python."""

    imports: str  # the line that imports it
    signature: str
    call: str


def use(found: Found, one: Any) -> Use:
    """The import line, signature and call of a member that is loaded."""
    kind = "" if found.place else f"wavetrain.{found.kind}"
    if not found.symbol:
        line = f"from {kind} import {found.name}" if kind else f"import {found.name}"
        return Use(line, f"{found.name}.run(scale, lab)", f"wavetrain run {found.place or found.name}")
    signature = inspect.signature(one)
    needed = [name for name, part in signature.parameters.items() if part.default is part.empty]
    given = ", ".join(SIZES.get(name, name) for name in needed)
    short = f"wt.{found.kind}.{found.symbol}" if kind else found.symbol
    line = f"from {kind or found.module} import {found.symbol}"
    return Use(line, _plain(found.symbol, signature), f"{short}({given})")


def example(text: str) -> tuple[str, str]:
    """The docstring of a member, parted: what it says, and the example it ends with, which may be empty.

    An example takes torch to be there; where it uses it, the import is put before it.

    >>> example("Twice x.\\n\\n>>> twice(2)\\n4")
    ('Twice x.', '>>> twice(2)\\n4')
    """
    about, mark, code = inspect.cleandoc(text).partition("\n\n>>> ")
    shown = (mark + code).strip()
    typed = [line for line in shown.splitlines() if line.startswith((">>>", "..."))]
    needed = any("torch." in line for line in typed)
    return about.rstrip(), (">>> import torch\n" if needed else "") + shown


def _plain(name: str, signature: inspect.Signature) -> str:
    """A signature in short names: `Tensor`, not `torch._tensor.Tensor`."""
    text = re.sub(r"<(\w+\.\w+): [^>]*>", r"\1", shapes(str(signature)))  # a member of an enumeration
    text = re.sub(r"<(?:function|class) '?([\w.]+)[^>]*>", r"\1", text)
    text = re.sub(r"<[^<>]*object at 0x[0-9a-f]+>", "...", text)
    return name + re.sub(r"\b(?:[A-Za-z_]\w*\.)+(?=[A-Z]\w*)", "", text).replace("'", "")


def shapes(text: str) -> str:
    """Annotations of shapes as they are written.

    >>> shapes("(x: Float[Tensor, 'batch time'])")
    '(x: Float[Tensor, "batch time"])'
    """
    return re.sub(r"(\w\[[\w.]+, )'([^']*)'\]", r'\1"\2"]', text)


def claims_about(found: Found) -> tuple[list[Found], int]:
    """The claims about a member, and how many more it only takes part in.

    A system is in a claim as its subject or as a rival. It is the subject where the claim speaks of it, or
    names it first. Tasks, recordings and lenses have no rivals.
    """
    part = [one for one in members("experiments") if found.name in one.facts.get("systems", ())]
    if found.kind not in SUBJECTS:
        return part, 0
    names = {_bare(found.name), _bare(found.symbol)}
    about = [one for one in part if _first(one) == found.name or any(name in _said(one) for name in names)]
    return about, len(part) - len(about)


def _first(claim: Found) -> str:
    return str(next(iter(claim.facts.get("systems", ())), ""))


def _said(claim: Found) -> str:
    """What a claim says, and the name of its experiment, in letters and digits alone."""
    return _bare(f"{claim.facts.get('title', '')} {claim.facts.get('sentence', '')} {claim.name}")


def _bare(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())
