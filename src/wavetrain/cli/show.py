"""The command `show`: all that is known of one member."""

from pathlib import Path
from typing import Any

from wavetrain import find
from wavetrain.cli import terminal
from wavetrain.cli.arguments import Json, Name
from wavetrain.errors import BadInput

console = terminal.Terminal()


def show(
    name: Name, picture: Path | None = None, results: Path = Path("results"), json: Json = False
) -> None:
    """One member: how it is called, its paper, its operator, and the claims about it with their verdicts.

    Of a folder that `wavetrain fit` wrote, what the model learned from, what it is, and how well it does.

    Args:
        picture: write the operator's picture to this PNG file too
        results: folder of the results that the verdicts are read from
    """
    if Path(name).is_dir():
        _show_model(Path(name), picture, json)
        return
    from wavetrain.report.members import claims_about, example, use

    found = find.named(name)
    about, more = claims_about(found)
    loaded = found.load()
    verdicts = {one.name: _verdict(results, one.name) for one in about}
    facts: dict[str, Any] = {
        "kind": found.kind,
        "name": found.name,
        "about": found.about,
        **use(found, loaded)._asdict(),
        "example": example(loaded.__doc__ or "")[1] if found.symbol else "",
        **found.facts,
        "claims": {one.name: {"title": one.facts["title"], "verdict": verdicts[one.name]} for one in about},
        "rival_in": more,
    }
    operator = None
    if _is_layer(loaded):
        facts["parameters"], operator = _operator(found)
        if picture is not None:
            from wavetrain.evidence.picture import Matrix
            from wavetrain.report.draw import draw

            draw(Matrix(f"Operator of {found.name} at its start", operator), picture)
            facts["picture"] = str(picture)
    elif picture is not None:
        raise BadInput(f"only a layer has an operator to picture; {name} is one of the {found.kind}")
    if json:
        terminal.print_json(facts)
        return
    _print(found, facts, operator)


def _is_layer(loaded: Any) -> bool:
    """Whether a member that is loaded has an operator, as layers have, of spikes or not."""
    from wavetrain.core import Layer

    return isinstance(loaded, type) and issubclass(loaded, Layer)


def _show_model(folder: Path, picture: Path | None, json: bool) -> None:
    """The card of a kept model of series."""
    from wavetrain.estimators import load_series_model
    from wavetrain.estimators._card import card, facts

    if picture is not None:
        raise BadInput(f"only a layer has an operator to picture; {folder} is a folder")
    kept = load_series_model(folder)
    if json:
        terminal.print_json(facts(kept))
        return
    for line in card(kept, str(folder)).splitlines():
        if not line.startswith("```"):
            console.print(line.removeprefix("# ").removeprefix("## "), soft_wrap=True)


def _print(found: find.Found, facts: dict[str, Any], operator: Any) -> None:
    from rich.text import Text

    from wavetrain.report.prose import plain
    from wavetrain.report.tables import card_table

    for line in (facts["signature"], facts["imports"], facts["call"]):
        console.print(Text(line, "bold" if line == facts["signature"] else ""), soft_wrap=True)
    console.print()
    console.print(card_table(found))
    console.print()
    console.print(plain(found.about, console.width), overflow="ignore", no_wrap=True, crop=False)
    if facts["example"]:
        console.print(Text("\n" + facts["example"]), soft_wrap=True)
    if operator is not None:
        from wavetrain.report.ascii_matrix import ascii_matrix

        console.print("\nparameters, 64 channels in and out: " + str(facts["parameters"]["64"]))
        console.print("operator at the start on 48 random steps (row = now, column = then)\n")
        console.print(ascii_matrix(operator))
    for name, claim in facts["claims"].items():
        console.print(Text.assemble("\nclaim ", (name, "bold"), f", {claim['verdict']}: {claim['title']}"))
    if facts["rival_in"]:
        console.print(f"\nTakes part in {facts['rival_in']} more claims, as a rival.")


def _verdict(results: Path, experiment: str) -> str:
    """The word of the committed result at the largest scale there is."""
    from wavetrain.evidence.result import SCALES, read
    from wavetrain.report.results import tally

    for scale in SCALES:
        path = results / f"{experiment}-{scale}.json"
        result = read(path) if path.exists() else None
        if result is not None:
            return f"{result.verdict.word} ({scale}, {tally(result)})"
    return f"no result in {results}"


def _operator(found: find.Found) -> tuple[dict[str, int], Any]:
    """Parameter counts of a layer at a few widths, and the strength of its operator on random input."""
    import torch

    make = found.load()
    counts = {str(width): sum(p.numel() for p in make(width).parameters()) for width in (16, 64, 256)}
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        layer = make(16)
        x = torch.randn(4, 48, 16)
        return counts, layer.operator(x).strength().mean(0).numpy()
