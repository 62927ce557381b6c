"""Writes what is generated of the README and of results/README.md: the tables of claims, from results/."""

from pathlib import Path

from wavetrain.evidence.result import Result, read_all
from wavetrain.report.tables import markdown_claims, markdown_pictures

ROOT = Path(__file__).resolve().parent.parent
START, END = "<!-- claims: written by `make readme` from results/ -->\n", "<!-- end of claims -->"
SHOWN = {  # claims of the README, each by the picture that says most
    "wave_rnn_copy": "recall-delay5",
    "wave_rnn_ablation": "loss",
    "mamba_induction_heads": "lengths",
    "aussm_solvable": "steps",
    "s4_delay_memory": "delays",
    "attention_sdm_betas": "weights",
    "dense_hopfield_capacity": "capacity",
    "tem_nodes": "nodes",
    "predictive_place_fields": "maps-predictive-rat",
    "working_memory_convergence": "spectrum-compose",
}
ALL = """# All results

Each row is a published claim, tested part by part. The link leads to every figure of every seed, with the
settings, the versions and the command that measured it. `wavetrain site` shows the same with pictures.

"""


def renewed(text: str, results: list[Result]) -> str:
    """The README with its table of claims made anew."""
    before, rest = text.split(START)
    _, after = rest.split(END)
    of = {one.experiment: one for one in results}
    shown = {
        name: f"results/pictures/{of[name].name.removesuffix('.json')}/{SHOWN[name]}.png" for name in SHOWN
    }
    return before + START + markdown_pictures([(of[name], shown[name]) for name in SHOWN]) + END + after


def everything(results: list[Result]) -> str:
    """The page of all results."""
    return ALL + markdown_claims(results)


if __name__ == "__main__":
    found = read_all(ROOT / "results")
    readme = ROOT / "README.md"
    readme.write_text(renewed(readme.read_text(encoding="utf-8"), found), encoding="utf-8")
    (ROOT / "results" / "README.md").write_text(everything(found), encoding="utf-8")
