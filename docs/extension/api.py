"""The API reference: a page for each public module, with signatures, read from the syntax trees.

Public is what does not begin with an underscore, outside members, kernels and the command.
"""

import ast
from pathlib import Path

from wavetrain import find
from wavetrain.report.members import shapes
from wavetrain.report.prose import markdown

LEFT_OUT = {*find.KINDS, "cpu", "gpu", "cli", "terminal", "progress", "__main__"}


def modules() -> dict[str, Path]:
    """The public modules of the package, by their dotted names."""
    found = {}
    for path in sorted(find.ROOT.rglob("*.py")):
        parts = path.relative_to(find.ROOT).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        if not any(part in LEFT_OUT or part.startswith("_") for part in parts):
            found[".".join(("wavetrain", *parts))] = path
    return found


def written() -> dict[str, str]:
    """The pages of the modules that define anything, and their index."""
    pages = {}
    for name, path in modules().items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        body = _definitions(tree)
        if body:
            about = markdown(ast.get_docstring(tree) or "")
            pages[f"{name}.md"] = f"# {name}\n\n:::{{py:module}} {name}\n:::\n\n{about}\n\n{body}\n"
    listed = "\n".join(page.removesuffix(".md") for page in pages)
    pages["index.md"] = f"# API reference\n\n{START}\n\n```{{toctree}}\n:maxdepth: 1\n\n{listed}\n```\n"
    return pages


START = """The public modules, with the signature of everything in them. Layers, memories, networks, rules,
tasks, data and lenses have [pages of their own](../members/index.md)."""


def _definitions(tree: ast.Module) -> str:
    parts = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            parts.append(definition(node))
    return "\n\n".join(parts)


def definition(node: ast.FunctionDef | ast.ClassDef) -> str:
    """A class with its public methods, or a function, as a directive."""
    if isinstance(node, ast.FunctionDef):
        return directive("py:function", f"{node.name}{signature(node)}", ast.get_docstring(node) or "", "")
    methods = [one for one in node.body if isinstance(one, ast.FunctionDef)]
    start = next((signature(one) for one in methods if one.name == "__init__"), "")
    inner = [
        directive("py:method", one.name + signature(one), ast.get_docstring(one) or "", "", "::::")
        for one in methods
        if one.name[0] != "_" and (ast.get_docstring(one) or "") and not _is_property(one)
    ]
    inner += [
        directive("py:property", one.name, ast.get_docstring(one) or "", "", "::::")
        for one in methods
        if one.name[0] != "_" and _is_property(one)
    ]
    text = ast.get_docstring(node) or ""
    return directive("py:class", f"{node.name}{start}", text, fields(node) + "\n\n" + "\n\n".join(inner))


def directive(kind: str, head: str, text: str, more: str, fence: str = ":::::") -> str:
    return f"{fence}{{{kind}}} {head}\n\n{markdown(text)}\n\n{more}\n{fence}"


def signature(node: ast.FunctionDef) -> str:
    """Its arguments and what it returns, as they are written, without `self`."""
    arguments = ast.parse(ast.unparse(ast.Module([node], []))).body[0].args  # type: ignore[attr-defined]
    if arguments.args and arguments.args[0].arg in ("self", "cls"):
        arguments.args.pop(0)
    returns = f" -> {ast.unparse(node.returns)}" if node.returns and node.name != "__init__" else ""
    return shapes(f"({ast.unparse(arguments)}){returns}")


def fields(node: ast.ClassDef) -> str:
    """The fields of a dataclass or named tuple, with their types."""
    found = [one for one in node.body if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)]
    return "\n".join(
        f"- `{shapes(ast.unparse(one))}`" for one in found if not ast.unparse(one).startswith("_")
    )


def _is_property(node: ast.FunctionDef) -> bool:
    return any(isinstance(one, ast.Name) and one.id == "property" for one in node.decorator_list)
