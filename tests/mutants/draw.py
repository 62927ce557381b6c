"""The changes: which operators make them, where nothing is changed, and how some are drawn."""

import ast
import hashlib
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.plugins import get_operator

HERE = Path(__file__).resolve().parents[2]
SOURCE = Path("src/wavetrain")
LEFT_OUT = ("experiments", "report")
SUMS = {"arith_expr", "term", "power", "factor", "shift_expr", "expr", "and_expr", "xor_expr"}
BINARY = (
    "Add_Sub Sub_Add Mul_Div Div_Mul FloorDiv_Mul Mod_FloorDiv Pow_Mul "
    "RShift_LShift LShift_RShift BitOr_BitAnd BitAnd_BitOr BitXor_BitOr"
)
COMPARISON = "Eq_NotEq NotEq_Eq Lt_LtE Lt_Gt LtE_Lt LtE_GtE Gt_GtE Gt_Lt GtE_Gt GtE_LtE Is_IsNot IsNot_Is"
OPERATORS = [
    "NumberReplacer",
    *(f"Replace{change}" for change in ("TrueWithFalse", "FalseWithTrue", "AndWithOr", "OrWithAnd")),
    *(f"ReplaceUnaryOperator_Delete_{sign}" for sign in ("USub", "Invert", "Not")),
    *(f"ReplaceBinaryOperator_{change}" for change in BINARY.split()),
    *(f"ReplaceComparisonOperator_{change}" for change in COMPARISON.split()),
]


class Change(NamedTuple):
    """One place, and one change of it."""

    key: str
    path: str  # from the root of the repository
    line: int
    operator: str
    occurrence: int


def digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def draw(count: int, seed: int, only: str) -> list[Change]:
    """`count` places, each with one of the changes that it allows."""
    places: dict[str, list[Change]] = {}
    for path in sorted((HERE / SOURCE).rglob("*.py")):
        name = str(path.relative_to(HERE))
        if path.relative_to(HERE / SOURCE).parts[0] not in LEFT_OUT and only in name:
            for place, change in changes(name, path.read_text(encoding="utf-8"), seed):
                places.setdefault(place, []).append(change)
    chosen = sorted(places)[:count]  # a place is a digest
    return [min(places[place], key=lambda change: digest(place, change.key)) for place in chosen]


def changes(name: str, text: str, seed: int) -> list[tuple[str, Change]]:
    """All changes of a file, each with the digest of its place: the line's own words and where in them."""
    nodes, lines = list(ast_nodes(get_ast(text))), text.splitlines()
    quiet, seen, again = spared(ast.parse(text)), Counter[str](), Counter[tuple[str, str]]()
    nth = [0] * (len(lines) + 1)
    for at, line in enumerate(lines, 1):
        nth[at] = seen[line]
        seen[line] += 1
    found = []
    for operator in OPERATORS:
        acting, occurrence = get_operator(f"core/{operator}")(), -1
        for node in nodes:
            for start, _ in acting.mutation_positions(node):
                occurrence += 1
                if any(first <= start < last for first, last in quiet):
                    continue
                if "Binary" in operator and node.parent.type not in SUMS:
                    continue  # the star of a signature
                line, column = start
                place = digest(str(seed), name, lines[line - 1], str(nth[line]), str(column))
                again[place, operator] += 1  # a number goes up by one, then down
                key = digest(place, operator, str(again[place, operator]))
                found.append((place, Change(key, name, line, operator, occurrence)))
    return found


def spared(tree: ast.Module) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """From where to where nothing is changed: annotations, messages, what is raised, cards."""
    nodes: list[ast.AST] = []
    for node in ast.walk(tree):
        card = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "card"
        if card or isinstance(node, ast.Raise | ast.JoinedStr):
            nodes.append(node)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns:
            nodes.append(node.returns)
        elif isinstance(node, ast.AnnAssign | ast.arg) and node.annotation:
            nodes.append(node.annotation)
    return [((one.lineno, one.col_offset), (one.end_lineno, one.end_col_offset)) for one in nodes]  # type: ignore[attr-defined]
