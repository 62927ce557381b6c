"""Do a songbird's cells fire in the same order each time that it sings a syllable?

Twenty-two seconds of 75 cells in HVC of a zebra finch, as calcium events at 30 Hz, with the spectrogram of
its song. Renditions are found from the song alone. Sound that follows 15 ms of silence begins a candidate,
which is its first 0.2 s; candidates that correlate by 0.6 or more are alike, and the one that has most of
them, weighed by its loudness, and those like it are the renditions of the syllable.

From 0.1 s before to 0.4 s after each onset a cell's latency is the mean time of its events, weighted by their
size. A cell takes part where it is active in a quarter of the renditions or more. A seed draws halves of the
renditions, and the nulls:

    order     rank correlation, over cells that take part in both halves, of latencies in one half and the
    other single    rank correlation of the latencies in one rendition with those in all others, the mean over
    all cells     null: each cell's events are moved in time, round the end, by an amount of its own
    song      null: all cells' events are moved by one amount, so that they still know of each other
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.stats import rankdata

from wavetrain.data.neural._recordings import Sung, songbird_hvc
from wavetrain.evidence.claims import Claim, Figure, Measured, Part
from wavetrain.evidence.picture import Curve, Field, Raster
from wavetrain.parts import nulls
from wavetrain.parts.recording import Recording
from wavetrain.train.lab import Lab

SILENT, LOUD = 0.015, 0.02  # s before a candidate; mean of the spectrogram above which there is sound
LONG, ALIKE = 0.2, 0.6  # s of a candidate; correlation
BEFORE, AFTER = 0.1, 0.4  # s around an onset
PART, LEAST = 1 / 4, 1.0  # of the renditions; s that events are moved at least
ORDER, SINGLE, RARE = 0.5, 0.3, 0.01


def _rare(figures: Measured, *names: str) -> bool:
    return all(figures[name] <= RARE for name in names)


claim = Claim(
    title="A songbird's cells fire in the same order in each rendition",
    sentence="Over renditions of one syllable, found in the song alone, cells of HVC fire in an order that "
    "one half of the renditions shares with the other (rank correlation of at least 0.5), more than where "
    "each cell, or the song, is moved in time; single renditions show it, too.",
    topic="Waves in recordings",
    source="Mackevicius et al. 2019, eLife 8:e38471, recording of an untutored zebra finch; Hahnloser, "
    "Kozhevnikov and Fee 2002, Nature 419:65 (sequences in HVC)",
    systems=(),
    parts=(
        Part(
            says="Latencies in one half of the renditions and the other have a rank correlation of at least "
            "0.5",
            figures=("order",),
            holds=lambda figures: figures["order"] >= ORDER,
            learned=False,
        ),
        Part(
            says="That is more than in 99% of recordings in which each cell, or the song, is moved in time",
            figures=("p_cells", "p_song"),
            holds=lambda figures: _rare(figures, "p_cells", "p_song"),
            learned=False,
        ),
        Part(
            says="One rendition and all others have a rank correlation of at least 0.3 in the mean, more "
            "than in 99% of both",
            figures=("single", "p_single_cells", "p_single_song"),
            holds=lambda figures: (
                figures["single"] >= SINGLE and _rare(figures, "p_single_cells", "p_single_song")
            ),
            learned=False,
        ),
    ),
    figures=(
        Figure(name="order", says="latencies in one half and the other", unit="rank correlation"),
        Figure(name="single", says="latencies in one rendition and all others", unit="rank correlation"),
        Figure(name="order_{moved}", says="one half and the other, {moved}", unit="rank correlation"),
        Figure(name="single_{moved}", says="one rendition and all others, {moved}", unit="rank correlation"),
        Figure(name="p_single_{moved}", says="as large for single renditions, {moved}", unit="p-value"),
        Figure(name="p_{moved}", says="as large a correlation of halves, {moved}", unit="p-value"),
        Figure(name="renditions", says="renditions of the syllable", unit="count"),
        Figure(name="taking_part", says="cells that take part in both halves", unit="count"),
    ),
    names={"cells": "each cell moved in time", "song": "song moved in time"},
    notes="One bird, which never heard a tutor, and 22 s of its song; seeds are halves of the same "
    "renditions. What was seen before the limits were written is the song and how sparse the events are, not "
    "how the two go together. Events are those of the published file, calcium with its decay taken out.",
)


@dataclass(frozen=True, kw_only=True)
class Scale:
    recorded: bool = True  # else a made-up song with made-up cells
    draws: int = 199


smoke = Scale(recorded=False, draws=3)
small = Scale()
full = Scale(draws=1999)


class Order(NamedTuple):
    """What is measured of events around onsets."""

    halves: float
    single: float
    cells: int


def run(scale: Scale, lab: Lab) -> dict[str, float]:
    return _figures(songbird_hvc() if scale.recorded else planted(lab.seed), scale, lab)


def exact(scale: Scale, lab: Lab) -> dict[str, float]:
    """A made-up bird whose cells follow each other in each rendition."""
    return _figures(planted(lab.seed), scale, lab)


def planted(seed: int, fixed: bool = True) -> Sung:
    """Sixteen renditions in 22 s, in which each cell fires at its own time; or at any, if not `fixed`."""
    dice = np.random.default_rng(seed)
    song, cells = np.zeros((4440, 141)), np.zeros((666, 75))
    syllable = np.abs(dice.standard_normal((60, 141)))
    onset = 0.5 + 1.3 * np.arange(16) + 0.3 * dice.random(16)
    latency = dice.permutation(np.linspace(-0.05, 0.35, 75))
    for at in onset:
        song[round(200 * at) : round(200 * at) + 60] = syllable
        other = round(200 * (at + 0.6))
        song[other : other + 12] = np.abs(dice.standard_normal((12, 141)))
        times = at + (latency if fixed else dice.permutation(latency)) + 0.03 * dice.standard_normal(75)
        some = dice.random(75) < 0.7
        cells[np.floor(30 * times[some]).astype(int), np.flatnonzero(some)] = 0.5 + dice.random(some.sum())
    cells += (dice.random(cells.shape) < 0.03) * dice.random(cells.shape)
    return Sung(
        *(
            Recording(signal=one, rate=rate, channels=tuple(map(str, range(one.shape[1]))))
            for one, rate in ((cells, 30.0), (song, 200.0))
        )
    )


def renditions(song: Recording) -> np.ndarray:
    """Onsets (s) of the syllable that is repeated most, by the song alone."""
    energy, long = song.signal.mean(1), round(LONG * song.rate)
    sound, gap = energy > LOUD, round(SILENT * song.rate)
    starts = [at for at in range(gap, len(energy) - long) if sound[at] and not sound[at - gap : at].any()]
    first = np.stack([song.signal[at : at + long].ravel() for at in starts])
    first = first - first.mean(1, keepdims=True)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    alike = first @ first.T >= ALIKE
    loudness = np.array([energy[at : at + long].sum() for at in starts])
    best = int((alike.sum(1) * loudness).argmax())
    return np.array(starts)[alike[best]] / song.rate


def around(cells: Recording, onset: np.ndarray) -> np.ndarray:
    """Events (renditions, frames, cells) around onsets that have all of them."""
    frames = np.arange(-round(BEFORE * cells.rate), round(AFTER * cells.rate))
    at = np.floor(onset * cells.rate).astype(int)[:, None] + frames
    kept = (at[:, 0] >= 0) & (at[:, -1] < len(cells))
    return cells.signal[at[kept]]


def order(events: np.ndarray, half: np.ndarray) -> Order:
    """How far the order of cells is the same; `half` says which renditions (R,) are in the first half."""
    some = taking_part(events, half)
    events = events[..., some]
    active = np.any(events > 0, axis=1)  # (R, cells)
    if len(some) < 3:
        return Order(0.0, 0.0, len(some))
    whole = events.sum(0)
    single = [
        correlation(latency(one)[there], latency(whole - one)[there])
        for one, there in zip(events, active, strict=True)
        if there.sum() >= 3
    ]
    first, second = (latency(events[part].sum(0)) for part in (half, ~half))
    return Order(correlation(first, second), float(np.mean(single)) if single else 0.0, len(some))


def taking_part(events: np.ndarray, half: np.ndarray) -> np.ndarray:
    """Cells that are active in enough renditions of either half."""
    active = np.any(events > 0, axis=1)
    return np.flatnonzero((active[half].mean(0) >= PART) & (active[~half].mean(0) >= PART))


def latency(events: np.ndarray) -> np.ndarray:
    """Mean frame (cells,) of events (frames, cells), weighted by their size; NaN without any."""
    total = events.sum(0)
    mean = np.arange(len(events)) @ events
    return np.divide(mean, total, out=np.full(len(total), np.nan), where=total > 0)


def correlation(one: np.ndarray, two: np.ndarray) -> float:
    """Of ranks, over what both have; 0 where nothing varies."""
    both = np.isfinite(one) & np.isfinite(two)
    if both.sum() < 3:
        return 0.0
    first, second = (rankdata(part[both]) - (both.sum() + 1) / 2 for part in (one, two))
    size = np.sqrt((first @ first) * (second @ second))
    return float(first @ second / size) if size > 0 else 0.0


def moved(cells: Recording, draws: int, each: bool, dice: np.random.Generator) -> Iterator[Recording]:
    """Recordings in which each cell, or all together, are moved round the end by a second or more."""
    time, count = cells.signal.shape
    least = round(LEAST * cells.rate)
    for _ in range(draws):
        shift = dice.integers(least, time - least + 1, count if each else 1)
        signal = cells.signal[(np.arange(time)[:, None] - shift) % time, np.arange(count)]
        yield Recording(signal=signal, rate=cells.rate, channels=cells.channels)


def _figures(sung: Sung, scale: Scale, lab: Lab) -> dict[str, float]:
    dice = np.random.default_rng(lab.seed)
    onset = renditions(sung.song)
    events = around(sung.cells, onset)
    half = np.zeros(len(events), bool)
    half[dice.permutation(len(events))[: len(events) // 2]] = True
    found = order(events, half)
    figures = {
        "order": found.halves,
        "single": found.single,
        "renditions": len(events),
        "taking_part": found.cells,
    }
    null = []
    for name, each in (("cells", True), ("song", False)):
        drawn = [order(around(one, onset), half) for one in moved(sung.cells, scale.draws, each, dice)]
        for key, score, values in (
            ("", found.halves, [one.halves for one in drawn]),
            ("single_", found.single, [one.single for one in drawn]),
        ):
            figures[f"{key or 'order_'}{name}"] = float(np.mean(values))
            figures[f"p_{key}{name}"] = float(nulls.rank(np.array([score]), np.array(values)[:, None])[0])
        null.append([one.halves for one in drawn])
    _show(lab, sung, events, half)
    _show_null(lab, found.halves, null)
    return figures


def _show(lab: Lab, sung: Sung, events: np.ndarray, half: np.ndarray) -> None:
    """Cells that take part, in the order of their latency in one half, in that half and in the other."""
    some = taking_part(events, half)
    rows = some[np.argsort(latency(events[half].sum(0))[some], kind="stable")]
    extent = (-BEFORE, AFTER, len(rows), 0.0)
    words = "time from the onset of the syllable (s)", "cell", "mean of the events"
    for name, part in (("first", half), ("second", ~half)):
        title = f"Cells in the order of the first half of the renditions, {name} half"
        lab.show(f"cells-{name}", Field(title, events[part].mean(0)[:, rows].T, *words, extent))
    frame, cell = np.nonzero(sung.cells.signal[:, rows] > 0)
    lab.show("events", Raster("All events in that order", frame / sung.cells.rate, cell, "time (s)", "cell"))


def _show_null(lab: Lab, score: float, null: list[list[float]]) -> None:
    x = np.linspace(-1, 1, 201)
    lines = [[(np.array(values) >= least).mean() for least in x] for values in (*null, [score])]
    labels = "each cell moved in time", "song moved in time", "as recorded"
    title, words = "Correlation of the two halves", ("rank correlation of at least", "share of draws")
    lab.show("null", Curve(title, x, np.array(lines), labels, *words))
