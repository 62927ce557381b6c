"""Output on any terminal, and command lines that make no sense."""

import io
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fresh import warm
from wavetrain import find
from wavetrain.cli import command as cli
from wavetrain.cli import terminal

COMMAND = [sys.executable, "-m", "wavetrain.cli"]


def printed(monkeypatch: pytest.MonkeyPatch, encoding: str, *lines: str) -> tuple[list[object], str, str]:
    """The codes with which commands leave, and what both streams of such an encoding hold in the end."""
    streams = [io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2)]
    monkeypatch.setattr(sys, "stdout", streams[0])
    monkeypatch.setattr(sys, "stderr", streams[1])
    codes: list[object] = []
    for line in lines:
        try:
            cli.main(line.split())
        except SystemExit as left:
            codes.append(left.code)
    for stream in streams:
        stream.flush()
    text, said = (stream.buffer.getvalue().decode(encoding) for stream in streams)  # type: ignore[attr-defined]
    return codes, text, said


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_any_encoding(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A character that the terminal lacks is replaced; JSON loses nothing."""
    lines = ("list layers", "cite s4", "run --bad", "show wave_rnn", "show wave_rnn --json")
    codes, text, said = printed(monkeypatch, encoding, *lines)
    assert codes == [2]
    assert "Traveling waves encode the recent past" in " ".join(text.split())
    assert said.splitlines() == ["wavetrain: Unrecognized options: --bad; see `wavetrain run --help`"]
    assert json.loads(text[text.index("\n{\n") :])["about"] == find.named("wave_rnn").about


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_json_of_what_the_output_lacks(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    value = {"µ": "mine\udcff.csv"}  # a file name that is no UTF-8
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    assert json.loads(terminal.as_json(value).encode(encoding)) == value


def test_what_a_user_names_is_no_markup(
    capsys: pytest.CaptureFixture[str], undrawn: None, tmp_path: Path
) -> None:
    out = tmp_path / "red]x[/] [bold]a[/bold] :smile:"
    cli.main(["run", "wave_rnn_waves", "--scale", "smoke", "--seeds", "1", "--jobs", "1", "--out", str(out)])
    assert f"report: {out}/site/index.html" in capsys.readouterr().out
    file = tmp_path / "[red]mine.csv"
    file.write_text("[b]a[/b],[/x]\n" + "".join(f"{i % 7}.5,{(i * i) % 11}\n" for i in range(100)))
    words = ["compare", str(file), "--layers", "elman", "--steps", "2", "--seeds", "1", "--jobs", "1"]
    cli.main([*words, "--out", str(tmp_path)])
    assert "forecast [b]a[/b], [/x]\n" in capsys.readouterr().out


def test_names_that_are_no_text(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xe9"))
    words = ["run", "wave_rnn_waves", "--scale", "smoke", "--seeds", "1", "--jobs", "1", "--out", str(folder)]
    cli.main(words)
    assert "report: " in capsys.readouterr().out and (folder / "site" / "index.html").exists()


def test_a_reader_who_has_read_enough_of_what_needs_torch() -> None:
    """Its output leads into a pipe that nobody reads."""
    closed = "import os, runpy; read, write = os.pipe(); os.close(read); os.dup2(write, 1); "
    done = warm("-c", closed + "runpy.run_module('wavetrain.cli', run_name='__main__')", "show", "lstm")
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize("words", ["list --json", "list", "--help"])
def test_a_reader_who_has_read_enough(words: str) -> None:
    running = subprocess.Popen(
        [*COMMAND, *words.split()], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ
    )
    assert running.stdout is not None and running.stderr is not None
    running.stdout.close()
    assert running.stderr.read() == b""
    assert running.wait() == 141
    running.stderr.close()


@pytest.mark.parametrize(
    "line, code",
    [("list >&-", 0), ("list 2>&-", 0), ("nope 2>&-", 2), ("nope 2>/dev/full", 2), ("list >/dev/full", 2)],
)
def test_output_that_goes_nowhere(line: str, code: int) -> None:
    command = f"{shlex.join(COMMAND)} {line}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert done.stderr == (
        "wavetrain: [Errno 28] No space left on device\n" if ">/dev/full" in line[:15] else ""
    )


UNREADABLE = {
    "unknown flag": ("run x --sede 3", "Unrecognized options: --sede, 3"),
    "wrong type": ("run x --seeds many", "--seeds: invalid literal for int"),
    "a fraction": ("run x --seeds 1.5", "'1.5'"),
    "no value": ("run x --seeds", "Missing value for argument '--seeds'"),
    "no value, another flag": ("run x --seeds --json", "--seeds"),
    "no name": ("show", "name (required)"),
    "two names": ("show lstm gru", "Unrecognized options: gru"),
    "wrong type of many": ("compare digits --rates 0.1 fast", "--rates"),
    "flag of another command": ("list --seeds 3", "--seeds (applied to wavetrain list)"),
    "value of a switch": ("show lstm --json 4", "4"),
    "unknown flag alone": ("--bad", "--bad"),
    "nothing": ("", "Expected one of {list, show, new, run, compare"),
    "infinite number": ("compare digits --parameters 1e400", "--parameters"),
    "no such command": ("lst", "did you mean list"),
    "another case": ("LIST", "no command is called 'LIST'"),
}


@pytest.mark.parametrize("words, said", UNREADABLE.values(), ids=UNREADABLE)
@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_a_command_line_that_makes_no_sense_is_one_line(
    words: str, said: str, encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the parser draws its boxes with."""
    codes, text, errors = printed(monkeypatch, encoding, words)
    assert codes == [2] and text == ""
    (line,) = errors.splitlines()
    assert line.startswith("wavetrain: ") and said in line


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_help_says_what_a_command_does(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main([name, "--help"])
    first = (cli.COMMANDS[name].__doc__ or "").splitlines()[0]
    assert left.value.code == 0 and first[:60] in " ".join(capsys.readouterr().out.split())
