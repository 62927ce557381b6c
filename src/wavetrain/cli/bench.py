"""The command `bench`: how fast the recurrences and the layers are on this machine."""

from pathlib import Path

from wavetrain.cli import terminal
from wavetrain.cli.arguments import Json, Name

console = terminal.Terminal()


def bench(name: Name = "", device: str = "cpu", out: Path = Path("runs"), json: Json = False) -> None:
    """How fast is this machine? Each recurrence, and layers built on it, beside what the machine can do.

    A share is the least time that the bytes or the multiplications take, at the rates of a copy and of a
    large matrix product measured in turn with it, over the time taken. Beside it stand the plain route, which
    mostly goes step by step, and packages that are installed; errors are against float64. It takes two
    minutes at most on two idle cores.

    Args:
        name: a recurrence (linear, selective, wave ...) or a layer; all where none is named
        device: cpu, cuda, cuda:1 ...
        out: folder of the runs; the table goes into OUT/speed, where `wavetrain site` finds it
    """
    from wavetrain.evidence.shape import written
    from wavetrain.evidence.speed import write
    from wavetrain.report.speed import columns, lines
    from wavetrain.report.tables import columns_table
    from wavetrain.run.speed import measured, named

    named(name)  # a wrong name is said before anything is measured
    device = terminal.device(device)
    terminal.folder(out)
    with console.status("") as status:
        one = measured(name, device, say=lambda line: status.update(line))
    path = write(out, one)
    if json:
        terminal.print_json(written(one))
        return
    console.print(columns_table(columns(one)))
    for line in lines(one):
        console.print(line, soft_wrap=True)
    console.print(f"table: {path}", soft_wrap=True)
