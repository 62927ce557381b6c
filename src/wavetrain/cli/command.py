"""The command: each of its words (list, show, run, compare, fit, predict ...) has a file of its name.

What only reads (list, cite, site) never imports torch. Bad input is one line on the error stream and exit
code 2.
"""

import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

import wavetrain
from wavetrain.cli import several, terminal
from wavetrain.cli.anomalies import anomalies
from wavetrain.cli.bench import bench
from wavetrain.cli.cite import cite
from wavetrain.cli.compare import compare
from wavetrain.cli.evaluate import evaluate
from wavetrain.cli.fetch import fetch
from wavetrain.cli.fit import fit
from wavetrain.cli.list_ import list_
from wavetrain.cli.look import look
from wavetrain.cli.new import new
from wavetrain.cli.predict import predict
from wavetrain.cli.run import run
from wavetrain.cli.show import show
from wavetrain.cli.site import site
from wavetrain.cli.stream import stream
from wavetrain.errors import BadInput, unknown
from wavetrain.run.pools.slurm import Elsewhere

COMMANDS: dict[str, Callable[..., None]] = {
    "list": list_,
    "show": show,
    "new": new,
    "run": run,
    "compare": compare,
    "fit": fit,
    "predict": predict,
    "evaluate": evaluate,
    "stream": stream,
    "anomalies": anomalies,
    "look": look,
    "bench": bench,
    "site": site,
    "cite": cite,
    "fetch": fetch,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; leaves with 0, with 2 for bad input, with 130 when interrupted."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    terminal.prepare()
    terminal.hear(words)
    try:
        try:
            several.answer(words, lambda: _answer(words), COMMANDS)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        terminal.abandon()
        sys.exit(141)
    except Elsewhere as told:
        print(told)
    except (BadInput, OSError) as error:
        _leave(str(error), 2, error)
    except (MemoryError, RuntimeError) as error:
        if not terminal.out_of_memory(error):
            raise
        _leave(f"not enough memory for this size: {error}", 2, error)
    except KeyboardInterrupt:
        _leave("stopped; the same command goes on from here", 130)


def _leave(why: str, code: int, error: BaseException | None = None) -> NoReturn:
    """End, with one line however many processes end."""
    if several.speaks(error):
        terminal.leave(several.said(why), code)
    sys.exit(code)


def _answer(words: Sequence[str]) -> None:
    if list(words) == ["--version"]:
        print(f"wavetrain {wavetrain.__version__}")
        return
    if words and not words[0].startswith("-") and words[0] not in COMMANDS:
        raise unknown("command", words[0], COMMANDS)
    terminal.parsed(COMMANDS, words, "wavetrain", "Sequence learning in brains and machines.")()
