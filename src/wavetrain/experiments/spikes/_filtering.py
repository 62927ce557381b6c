"""What a filter gains of what decoders tell of a record: constants of two records, figures, pictures."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from wavetrain.evidence.picture import Curve
from wavetrain.experiments.spikes import _decoding
from wavetrain.experiments.spikes._decoding import RAW, Record, Scored
from wavetrain.parts.bessel import Bessel, Cutoff
from wavetrain.train.lab import Lab


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What differs between the two records."""

    filters: tuple[Bessel, ...]  # to choose from
    scored: Scored  # length of a block, and how late its middle is
    each: int  # steps in a part of the window of `windowed`, which has seven
    summed: int  # steps that the LSTM is given at once
    sums: tuple[int, int]  # that ridge regression sees: how many, and of how many steps


KINDS = {
    "recorded": Kind(
        filters=tuple(Bessel(4, cutoff) for cutoff in (0.2, 0.3, 0.4, 0.5)),
        scored=Scored(16, 8),
        each=1,
        summed=1,
        sums=(10, 1),
    ),
    "made_up": Kind(
        filters=(Bessel(4, 0.05, Cutoff.PHASE),), scored=Scored(32, 16), each=7, summed=8, sums=(6, 8)
    ),
}


def measured(kind: str, record: Record, told: dict[str, np.ndarray]) -> dict[str, float]:
    """The figures of one record, of what networks tell at all its steps; ridge regression is added."""
    chosen, scored, figures = KINDS[kind], KINDS[kind].scored, {}
    _, choose, report = record.parts
    y = record.y.double().numpy()
    told = told | {"ridge": _decoding.ridge(record, scored, chosen.sums, 0)}
    seen = _decoding.ridge(record, scored, chosen.sums, scored.late // chosen.sums[1])
    figures[f"ahead_{kind}_ridge"] = scored.r2(RAW, seen[report], y[report])
    rivals = {
        "raw": [RAW],
        "last": _decoding.blocks(chosen.filters, scored.length, scored.length - 1),
        "middle": _decoding.blocks(chosen.filters, scored.length, scored.length - 1 - scored.late),
        "smoother": _decoding.smoothers(scored.late),
    }
    for net, outputs in told.items():
        for name, ways in rivals.items():
            way = _decoding.best(ways, scored, outputs[choose], y[choose])
            figures[f"{name}_{kind}_{net}"] = scored.r2(way, outputs[report], y[report])
            if name == "middle" and len(ways) > 1:
                figures[f"cutoff_{kind}_{net}"] = way.value
        figures[f"gain_{kind}_{net}"] = figures[f"middle_{kind}_{net}"] - figures[f"raw_{kind}_{net}"]
    return figures


def show(lab: Lab, kind: str, record: Record, told: dict[str, np.ndarray], names: Mapping[str, str]) -> None:
    """R² over the cut-off, and some steps of one component of the velocity with what is told of it."""
    chosen, scored, report = KINDS[kind], KINDS[kind].scored, record.parts[2]
    y, words = record.y.double().numpy()[report], names[kind]
    cutoffs = np.linspace(0.02, 0.8, 27)
    where = chosen.filters[0].where
    ways = _decoding.blocks(
        [Bessel(4, float(one), where) for one in cutoffs], scored.length, scored.length - 1 - scored.late
    )
    lines = np.array([[scored.r2(way, one[report], y) for way in ways] for one in told.values()])
    lines -= np.array([[scored.r2(RAW, one[report], y)] for one in told.values()])
    lab.show(
        f"cutoffs-{kind}",
        Curve(
            f"Gain by the middle of a block, {words}",
            cutoffs,
            np.where(lines > -0.1, lines, np.nan),
            tuple(names[net] for net in told),
            "cut-off (share of the Nyquist frequency)",
            "R² gained",
        ),
    )
    way = _decoding.best(
        _decoding.blocks(chosen.filters, scored.length, scored.length - 1 - scored.late),
        scored,
        told["streaming"][record.parts[1]],
        record.y.double().numpy()[record.parts[1]],
    )
    outputs = told["streaming"][report]
    first, many = scored.length - 1, min(6 * scored.length, len(y) - scored.length - scored.late)
    rows = (y[first:], outputs[first:], scored.told(way, outputs))
    lab.show(
        f"velocity-{kind}",
        Curve(
            f"One component of the velocity, and what streaming spikes tell, {words}",
            np.arange(first, first + many, dtype=float),
            np.stack([row[:many, 0] for row in rows]),
            ("velocity", "told", "told and filtered"),
            "step of the part to report",
            "velocity (deviations)",
        ),
    )
