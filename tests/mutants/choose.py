"""Which tests try a file of the library."""

import ast
import re
from pathlib import Path

from tests.mutants.draw import HERE, SOURCE, digest
from wavetrain.find import KINDS

CONTRACT = sorted(str(path.relative_to(HERE)) for path in (HERE / "tests").glob("test_contract*.py"))
DEFAULTS = [
    "tests/test_defaults.py",
    "tests/test_function_defaults.py",
    "tests/test_lens_defaults.py",
    "tests/test_norms.py",
    "tests/test_settings.py",
    "tests/test_starts.py",
    "tests/test_task_defaults.py",
    "tests/test_task_sizes.py",
]
STRUCTURE = "tests/test_structure.py"  # tries every file
CASES = [
    *CONTRACT,
    *DEFAULTS,
    "tests/parts/test_recall.py",
    "tests/test_examples.py",  # of docstrings: a case for each module that has some
    STRUCTURE,
]  # a case for each member
FEW = 10  # test files that import a file
PLAIN = {
    "elman",
    "toy",
    "adding",
    "backpropagation",
    "toeplitz",
    "temporal_memory",
}  # members on which promises are tried


def imported(path: Path) -> set[str]:
    """The modules of the library that a file imports, by their paths."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{one.name}" for one in node.names)}
    paths = set()
    for name in names:
        place = HERE / "src" / name.replace(".", "/")
        for there in (place.with_suffix(".py"), place / "__init__.py"):
            if there.is_file():
                paths.add(str(there.relative_to(HERE)))
    return paths


class Tests:
    """Which tests try a file."""

    def __init__(self, contract: list[str]):
        self.contract = contract
        self.uses = {str(path.relative_to(HERE)): imported(path) for path in (HERE / SOURCE).rglob("*.py")}
        tests = [path for path in (HERE / "tests").rglob("test_*.py") if path.parent.name != "experiments"]
        listed = (HERE / "tests/slow.txt").read_text(encoding="utf-8").splitlines()
        self.slow = {name.partition("::")[0] for name in listed}
        self.named = {str(path.relative_to(HERE)): imported(path) for path in tests}

    def of(self, name: str) -> list[list[str]]:
        """What pytest is given for the path of a source file, one run after another."""
        mirror, near = self.mirror(name) or self.beside(name), [name]
        while not mirror and near:  # of those who import it, or import those
            near = [user for user, used in self.uses.items() if used & set(near) and user not in near]
            mirror = self.first(name, {test for one in near for test in self.mirror(one)})[:FEW]
        member = Path(name).stem
        own = Path(name).relative_to(SOURCE).parts[0] in KINDS and member[0] != "_"
        # what members share is tried by the contract of those who use it
        promised = self.promised({member} if own else set(self.users(name)[: FEW // 2]))
        if Path(name).parent.name == "testing":  # the promises themselves, and the faults that they must see
            promised += self.promised(PLAIN) + [one for one in self.contract if "planted" in one]
        module = ".".join(Path(name).relative_to("src").with_suffix("").parts)
        called = tuple(f"[{Path(name).stem}{mark}" for mark in ".,]")  # a setting or default of the file
        promised += [
            one for one in self.contract if one.endswith(f"[{module}]") or any(word in one for word in called)
        ]
        naming = {test for test, used in self.named.items() if name in used}
        naming = naming if len(naming) <= FEW else set()
        beside = (
            user
            for user, used in self.uses.items()
            if name in used and Path(user).parent == Path(name).parent
        )
        near_by = {test for user in beside for test in self.mirror(user)}
        naming |= near_by if Path(name).stem == "__init__" or len(near_by) <= FEW else set()
        last = sorted(naming - {*mirror, *CONTRACT})
        slow = [
            test
            for test in mirror
            if test in self.slow or "pytest.mark.slow" in (HERE / test).read_text("utf-8")
        ]
        runs = [["-m", "not slow", *some] for some in (mirror, last) if some]
        runs += [promised] if promised else []
        return [*runs, *([["-m", "slow", *slow]] if slow else []), [STRUCTURE]]

    def promised(self, members: set[str]) -> list[str]:
        """The cases that are called like some members, or like a file."""
        return [one for one in self.contract if members & set(re.split(r"[\[\]-]", one)[1:])]

    def users(self, name: str) -> list[str]:
        """The members that the contract knows and that import a file, or import those who do."""
        known = {part for one in self.contract for part in re.split(r"[\[\]-]", one)[1:]}
        near, seen = {name}, {name}
        while near:
            near = {user for user, used in self.uses.items() if used & near} - seen
            found = {Path(one).stem for one in near} & known
            if found:  # first those that are called like it: wave_rnn tries scan/wave.py
                return sorted(found, key=lambda one: (Path(name).stem.split("_")[0] not in one, one))
            seen |= near
        return []

    def mirror(self, name: str) -> list[str]:
        """test_NAME.py and test_NAME_MORE.py, or the tests that carry its name among others.

        They lie in the folder that mirrors its own, or above: scan/test_linear.py tries scan/cpu/linear.py.
        A private file has them in its own folder alone, without the dash: test_kept.py tries _kept.py.
        """
        place = Path(name).relative_to(SOURCE)
        stem = place.parent.name if place.stem == "__init__" else place.stem.lstrip("_")
        private = place.stem.startswith("_") and place.stem != "__init__"
        for folder in (place.parent,) if private else (place.parent, *place.parent.parents):
            here = [one for one in self.named if Path(one).parent == "tests" / folder and one not in CONTRACT]
            found = sorted(one for one in here if f"_{stem}_" in f"{Path(one).stem}_")
            if found:
                return [one for one in found if f"{Path(one).stem}_".startswith(f"test_{stem}_")] or found
        return []

    def beside(self, name: str) -> list[str]:
        """The tests in the folder that mirrors its own, where they are few."""
        folder = "tests" / Path(name).relative_to(SOURCE).parent
        here = sorted(one for one in self.named if Path(one).parent == folder)
        return here if len(here) <= FEW else []

    def first(self, name: str, tests: set[str]) -> list[str]:
        """First the tests that speak of a file: those of scan.attention try scan/attention.py."""
        word = re.compile(rf"\b{Path(name).stem}\b")
        return sorted(tests, key=lambda test: (not word.search((HERE / test).read_text("utf-8")), test))

    def digest(self, runs: list[list[str]]) -> str:
        """Of the tests' own text and of what they share."""
        files = {word.partition("::")[0] for run in runs for word in run if word.startswith("tests/")}
        files |= {"tests/conftest.py"}
        shared = [*(HERE / "tests/promises").glob("*.py"), *(HERE / "src/wavetrain/testing").glob("*.py")]
        files |= {str(path.relative_to(HERE)) for path in shared}
        return digest(*((HERE / file).read_text(encoding="utf-8") for file in sorted(files)))
