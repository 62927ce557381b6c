"""The command `compare`: several layers on one data set."""

import os
from pathlib import Path

from wavetrain.cli import terminal
from wavetrain.cli.arguments import Json, Name
from wavetrain.cli.progress import progress

console = terminal.Terminal()


def compare(
    data: Name,
    layers: tuple[str, ...] = (),
    parameters: int = 20_000,
    steps: int = 400,
    batch: int = 32,
    depth: int = 2,
    rates: tuple[float, ...] = (1e-3, 3e-3, 1e-2),
    seeds: int = 3,
    device: str = "cpu",
    jobs: int = 0,
    out: Path = Path("runs"),
    json: Json = False,
) -> None:
    """Several layers on one data set under one budget: which kind of memory does it need?

    Args:
        data: a name from `wavetrain list`, or a file: .npz (x and y), .csv (forecast), .txt (next byte)
        layers: names from `wavetrain list layers`, or all; one of each family where none is given
        parameters: of the whole stack
        steps: of training
        batch: sequences in a step
        depth: layers in the stack
        rates: learning rates to search
        seeds: how many
        device: cpu, cuda, cuda:1 ...
        jobs: layers at a time, one torch thread each; 0 for one per core (one on a GPU)
        out: folder of the runs
    """
    from wavetrain.evidence.shape import written
    from wavetrain.report.tables import columns_table, comparison
    from wavetrain.run.compare import Terms, compare_layers
    from wavetrain.tables.load import load

    terminal.within(seeds=seeds, jobs=jobs or 1)
    device = terminal.device(device)
    terms = Terms(parameters, steps, batch, depth, rates, seeds=tuple(range(seeds)))
    jobs = jobs or (1 if device != "cpu" else os.cpu_count() or 1)
    loaded = load(data)
    if not json:
        console.print(loaded.what)  # before hours of training, as it says what was left out
    with progress(console, quiet=json) as tell:
        result = compare_layers(loaded, layers or None, terms, out, device, jobs, tell)
    if json:
        terminal.print_json(written(result))
        return
    console.print(columns_table(comparison(result)))
    console.print(f"chance: {result.chance.answer}")
    for why in result.left_out.values():
        console.print(f"left out: {why}")
    for layer, path in result.pictures.items():
        console.print(f"operator of {layer}: {Path(result.folder) / path}", soft_wrap=True)
