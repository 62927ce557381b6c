"""Words in, text out: how a command line becomes a call, and how text reaches any terminal.

All that a user named (files, folders, columns) is printed as it is, never as markup. A terminal that lacks a
character gets `?` in its place: a table is not lost after hours of work for one µ. What cannot be read on the
command line is one line, like any other bad input.
"""

import contextlib
import functools
import io
import itertools
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, ParamSpec

import tyro
from rich.console import Console

from wavetrain.errors import BadInput
from wavetrain.train.joining import started

if TYPE_CHECKING:
    from wavetrain.run.pools import On

P = ParamSpec("P")

MOST = 1000  # seeds, and jobs at a time
FRAME = "╭╮╰╯│─ +|"  # what the parser's boxes are drawn with, on any terminal


class Terminal(Console):
    """A console for text that is not markup."""

    def __init__(self) -> None:
        super().__init__(highlight=False, markup=False, emoji=False)

    def on_broken_pipe(self) -> None:
        """Left to the command, like that of any other output."""
        raise BrokenPipeError


def out_of_memory(error: BaseException) -> bool:
    """Whether it says so; torch has no error of its own for the memory of a CPU."""
    return isinstance(error, MemoryError) or "allocate" in str(error) or "out of memory" in str(error)


def device(name: str) -> str:
    """The device under its plainest name: there is one `cpu`, whatever number it is given."""
    import torch

    try:
        found = torch.device(name)
        if found.type not in ("cpu", "cuda"):
            raise BadInput(f"expected a device cpu, cuda, cuda:1 ..., got {name!r}")
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError) as error:
        raise BadInput(f"device {name!r} cannot be used here: {str(error).splitlines()[0]}") from error
    return "cpu" if found.type == "cpu" else name


def place(on: str, name: str) -> tuple["On", str]:
    """The pool, and the device under its plainest name; which one of other machines it is, they say."""
    from wavetrain.run.pools import On, check, pool_called

    where = pool_called(on)
    if where is On.PROCESSES:
        return where, device(name)
    check(where)
    if name not in ("cpu", "cuda"):
        raise BadInput(f"expected a device cpu or cuda of other machines, got {name!r}")
    return where, name


_words: tuple[str, ...] = ()


def hear(words: Sequence[str]) -> None:
    """Keep the words of the command line, for who says them again."""
    global _words
    _words = tuple(words)


def words_said() -> tuple[str, ...]:
    """The words of the command line."""
    return _words


def within(**numbers: int) -> None:
    """Refuse numbers of seeds or jobs that nobody means."""
    for name, value in numbers.items():
        if not 1 <= value <= MOST:
            raise BadInput(f"{name} must be from 1 to {MOST}, got {value}")


def share(name: str, value: float) -> None:
    """Refuse what is to be a share and is none, before any work."""
    if not 0 < value < 1:
        raise BadInput(f"expected a {name} between 0 and 1, got {value:g}")


def writable(*paths: Path | None) -> None:
    """Refuse files that cannot be written, before any work."""
    for path in paths:
        if path is None:
            continue
        if not path.absolute().parent.is_dir():
            raise BadInput(f"{path} cannot be written: there is no folder {path.parent}")
        if path.is_dir():
            raise BadInput(f"{path} cannot be written: it is a folder")


def folder(path: Path) -> None:
    """Refuse a folder that cannot be made, before any work."""
    there = next((one for one in (path.absolute(), *path.absolute().parents) if one.exists()), Path("/"))
    if not there.is_dir():
        raise BadInput(f"{path} cannot be a folder: {there} is a file")


def prepare() -> None:
    """From here on no character can stop the output, nor one that was closed before the command began."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def abandon() -> None:
    """Whoever read the output has read enough: the rest goes nowhere, and nothing is said about it."""
    with Path(os.devnull).open("w") as nowhere:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                os.dup2(nowhere.fileno(), stream.fileno())


def as_json(value: Any) -> str:
    """JSON that the output can carry: what it lacks, or what is no text at all, is written as `\\uXXXX`."""
    text = json.dumps(value, indent=1, ensure_ascii=False, default=str)
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(value, indent=1, default=str)
    return text


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    print(as_json(value))


def note(line: str) -> None:
    """Say something beside the answer, on the error stream, so that the answer can be read by a program."""
    if started()[0]:
        return  # the first of several processes says it
    with contextlib.suppress(OSError):
        print(f"wavetrain: {' '.join(line.split())}", file=sys.stderr)


def leave(why: str, code: int) -> NoReturn:
    """End with one line on the error stream and an exit code."""
    with contextlib.suppress(OSError):  # where nobody can be told, the exit code still is
        print(f"wavetrain: {' '.join(why.split())}", file=sys.stderr)
    sys.exit(code)


def parsed(
    commands: Mapping[str, Callable[..., None]], words: Sequence[str], prog: str, description: str
) -> Callable[[], None]:
    """The command that the words name, with its arguments: ready to be called.

    Raises BadInput for words that make no sense, and SystemExit(0) where help was asked for and given.
    """
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            call = tyro.extras.subcommand_cli_from_dict(
                {name: _postponed(command) for name, command in commands.items()},
                prog=prog,
                description=description,
                args=list(words),
            )
    except SystemExit as left:
        if not left.code:
            raise
        command = f" {words[0]}" if words and words[0] in commands else ""
        raise BadInput(f"{_sentence(said.getvalue())}; see `{prog}{command} --help`") from None
    return call


def _postponed(command: Callable[P, None]) -> Callable[P, Callable[[], None]]:
    """What takes the same arguments, and returns the call in place of making it."""

    @functools.wraps(command)
    def later(*arguments: P.args, **named: P.kwargs) -> Callable[[], None]:
        return functools.partial(command, *arguments, **named)

    return later


def _sentence(box: str) -> str:
    """What a box of the parser says, as one line: what stands below its title, up to the next rule."""
    lines = [line.strip(FRAME) for line in box.strip().splitlines()[1:]]
    below = itertools.dropwhile(_is_rule, lines)
    words = itertools.takewhile(lambda line: not _is_rule(line), below)
    return " ".join(" ".join(words).split()).rstrip(".") or "these words make no sense"


def _is_rule(line: str) -> bool:
    return not line.strip("-")
