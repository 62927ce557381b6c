"""Does a sheet of waves forecast a moving bump, and is it the waves that do it?

Benigno, Budzinski, Davis, Reynolds and Muller 2023, Nature Communications 14:3409. A sheet of coupled phases
sees three rounds of a film and a read-out is fitted to say the next frame; then forecasts are fed back for
two rounds. They write that the forecast stays good, and that it is lost without recurrence, or when the
connections are shuffled and the read-out is fitted anew. How strong the coupling is was a matter of their
search. Two strengths are tried here, which differ in what shuffling does:

    strong   strength 1, reach 0.84 pixels, frames come in with 0.03; ridge 1e-6
    weak     strength 0.1, reach 2 pixels, frames come in with 2.3e-6; ridge 1e-9

    wave      the sheet                          shuffled   its connections between units at random
    none      without connections                at_once    without delays
    linear    a linear map from frame to next frame, fed back, with the same ridge
    mean      the mean of the frames learned from           last   the last frame that was seen

All are fitted to the same frames. A score is the structural similarity to the true frames, in the mean over
the closed loop. What differs from seed to seed is where on its path the bump begins, and the shuffling.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from wavetrain.evidence.claims import Claim, Figure, Part
from wavetrain.evidence.picture import Curve, Maps
from wavetrain.networks.wave_predictor import WavePredictor, least_squares, scaled
from wavetrain.parts.structural_similarity import structural_similarity
from wavetrain.tasks.dynamics.moving_bump import MovingBump
from wavetrain.train.lab import Lab


class Coupling(NamedTuple):
    """How strongly units are coupled to each other and to the film."""

    strength: float
    reach: float  # pixels
    drive: float
    ridge: float


COUPLINGS = {"strong": Coupling(1.0, 0.84, 0.03, 1e-6), "weak": Coupling(0.1, 2.0, 2.3e-6, 1e-9)}
SPEED = 4.2  # pixels a step
SEEN = 5  # frames of the picture

claim = Claim(
    title="A sheet of waves forecasts a moving bump in closed loop",
    sentence="A sheet of phases whose neighbours are coupled strongly goes on with the film of a bump by "
    "itself for two rounds, which it does not without recurrence, with shuffled connections, or where a "
    "linear map takes its place.",
    topic="Travelling waves",
    source="Benigno, Budzinski, Davis, Reynolds and Muller 2023, Nature Communications 14:3409, Figures 2, 6",
    systems=("wave_predictor", "moving_bump"),
    parts=(
        Part(
            says="Strongly coupled, it has a structural similarity of at least 0.8 over two rounds.",
            holds=lambda figures: figures["wave_strong"] >= 0.8,
            figures=("wave_strong",),
        ),
        Part(
            says="That is at least 0.38 more than without recurrence, with either coupling.",
            holds=lambda figures: all(
                figures[f"wave_{one}"] - figures[f"none_{one}"] >= 0.38 for one in COUPLINGS
            ),
            figures=("wave_*", "none_*"),
        ),
        Part(
            says="Strongly coupled, it has at least 0.2 more than with shuffled connections, the best draw.",
            holds=lambda figures: figures["wave_strong"] - figures["best_strong"] >= 0.2,
            figures=("wave_strong", "best_strong", "shuffled_strong"),
            stronger="shuffled, the ability to predict is eliminated",
        ),
        Part(
            says="It has more than a linear map from frame to frame, with the ridge of either coupling.",
            holds=lambda figures: figures["wave_strong"] > max(figures[f"linear_{one}"] for one in COUPLINGS),
            figures=("wave_strong", "linear_*"),
        ),
        Part(
            says="With weak coupling shuffled connections, the best draw, forecast as well, to 0.05.",
            holds=lambda figures: figures["best_weak"] >= figures["wave_weak"] - 0.05,
            figures=("wave_weak", "best_weak", "shuffled_weak"),
            learned=False,
        ),
    ),
    published={"shuffled_strong": "no prediction"},
    figures=(
        Figure(name="at_once_{coupling}", says="structural similarity, no delays, {coupling}", unit="0 to 1"),
        Figure(name="{arm}_{coupling}", says="structural similarity, {arm}, {coupling}", unit="0 to 1"),
        Figure(name="{arm}", says="structural similarity, {arm}", unit="0 to 1"),
    ),
    names={
        "wave": "sheet of waves",
        "shuffled": "shuffled connections",
        "best": "shuffled connections, best draw",
        "none": "no recurrence",
        "at_once": "no delays",
        "linear": "linear map",
        "mean": "mean frame",
        "last": "last frame held",
        "strong": "strong coupling",
        "weak": "weak coupling",
    },
    notes="The paper shows pictures and curves without a number. Its sheet of 50 by 50 units is 20 by 20 "
    "here, reach and speed being kept in pixels; its strength and drive are tuned to its size, and gave 0.18 "
    "at ours, so both settings are ours: of 36 that were tried the weak one was the best. With it the sheet "
    "is nearly a linear reservoir, and a change of connections or delays decides little but whether the loop "
    "runs away, as one of three shuffled sheets did in a try on two other seeds; so that part is about the "
    "best draw, as the one of strong coupling is. Strongly coupled, the sheet is as good to 0.1 without "
    "delays, and its state shows the bump with a trace behind it rather than waves that cross the sheet. "
    "Similarity is of 7 by 7 windows on frames from 0 to 1; most of a frame is dark, so that leaving it dark "
    "already counts.",
)


@dataclass(frozen=True, kw_only=True)
class Scale:
    side: int = 20
    period: int = 100  # frames
    learned: int = 3  # rounds
    ahead: int = 2
    draws: int = 3  # of shuffled connections


smoke = Scale(side=7, period=12, learned=2, ahead=1, draws=1)
small = Scale()
full = Scale(side=50, draws=10)


def run(scale: Scale, lab: Lab) -> dict[str, float]:
    film, cue = _film(scale, lab)
    seen, true = film[:, :cue], film[:, cue:]
    wash, steps = scale.period, true.shape[1]
    learned = seen[0, 1 + wash :]
    ahead = {"mean": learned.mean(0).expand_as(true), "last": seen[:, -1:].expand_as(true)}
    dice, sheets = lab.generator(), {}
    for name, coupling in COUPLINGS.items():
        sheet = _sheet(scale, lab, coupling)
        arms: dict[str, WavePredictor] = {"wave": sheet}
        arms |= {f"shuffled-{draw}": sheet.shuffled(dice) for draw in range(scale.draws)}
        arms["none"] = _sheet(scale, lab, coupling._replace(strength=0.0))
        arms["at_once"] = _sheet(scale, lab, coupling, speed=math.inf)
        for arm, network in arms.items():
            network.fit(seen, wash, coupling.ridge)
            ahead[f"{arm}_{name}"] = network.forecast(seen, steps)
        ahead[f"linear_{name}"] = linear(seen, wash, coupling.ridge, steps)
        sheets[name] = {"wave": sheet, "shuffled": arms["shuffled-0"]}
    course = {arm: alike(frames, true, scale.side) for arm, frames in ahead.items()}  # (steps,)
    figures = {arm: float(one.mean()) for arm, one in course.items() if "-" not in arm}
    for name in COUPLINGS:
        drawn = [float(course[f"shuffled-{draw}_{name}"].mean()) for draw in range(scale.draws)]
        figures |= {f"shuffled_{name}": float(np.mean(drawn)), f"best_{name}": max(drawn)}
    _show(scale, lab, true, ahead, course)
    _show_phases(scale, lab, seen, ahead, sheets["strong"])
    return figures


def exact(scale: Scale, lab: Lab) -> dict[str, float]:
    """The film itself, forecast by who knows it."""
    film, cue = _film(scale, lab)
    true = film[:, cue:]
    return {"wave_strong": float(alike(true, true, scale.side).mean())}


def _film(scale: Scale, lab: Lab) -> tuple[Tensor, int]:
    """The film (1, frames, pixels) from somewhere on, and how many frames of it are seen."""
    task = MovingBump(scale.side, period=scale.period)
    start = scale.period * torch.rand(1, generator=lab.generator(), dtype=torch.float64)
    cue = (1 + scale.learned) * scale.period + 1
    return task.film(start, cue + scale.ahead * scale.period).to(lab.device), cue


def _sheet(scale: Scale, lab: Lab, coupling: Coupling, speed: float = SPEED) -> WavePredictor:
    network = WavePredictor(
        scale.side, strength=coupling.strength, reach=coupling.reach, drive=coupling.drive, speed=speed
    )
    return network.double().to(lab.device)


def linear(seen: Tensor, wash: int, ridge: float, steps: int) -> Tensor:
    """A linear map from a scaled frame to the next frame, fitted as the sheet's read-out is, and fed back."""
    now = scaled(seen[0])
    weight = least_squares(now[wash:-1], seen[0, 1 + wash :], ridge)
    frames = [now[-1] @ weight]
    while len(frames) < steps:
        frames.append(scaled(frames[-1]) @ weight)
    return torch.stack(frames)[None]


def alike(frames: Tensor, true: Tensor, side: int) -> np.ndarray:
    """The structural similarity of each frame of (1, steps, pixels), (steps,)."""
    one, other = (film[0].unflatten(-1, (side, side)) for film in (frames, true))
    return structural_similarity(one, other).cpu().numpy()


def _pick(scale: Scale) -> list[int]:
    """Which frames ahead are shown."""
    last = scale.ahead * scale.period
    return [max(1, round(last * part)) for part in np.linspace(0.05, 1, SEEN)]


def _grid(scale: Scale, films: Mapping[str, Tensor]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Maps of each film (steps, pixels) at each of the steps that are shown, and what they are."""
    steps = _pick(scale)
    maps = [film[step - 1].reshape(scale.side, scale.side).cpu() for film in films.values() for step in steps]
    return torch.stack(maps).numpy(), tuple(f"{name}, {step}" for name in films for step in steps)


def _show(
    scale: Scale, lab: Lab, true: Tensor, ahead: dict[str, Tensor], course: dict[str, np.ndarray]
) -> None:
    films = {
        "true": true[0],
        "waves": ahead["wave_strong"][0],
        "shuffled": ahead["shuffled-0_strong"][0],
        "no recurrence": ahead["none_strong"][0],
    }
    values, labels = _grid(scale, films)
    title = "Frames in closed loop, strong coupling (steps ahead)"
    across, down = "across (pixels)", "down (pixels)"
    shown = Maps(title, values.clip(-0.25, 1.25), labels, across, down, "light", SEEN)
    lab.show("frames", shown)
    steps = np.arange(1, true.shape[1] + 1)
    for name in COUPLINGS:
        lines = {
            "wave": course[f"wave_{name}"],
            "shuffled": course[f"shuffled-0_{name}"],
            "none": course[f"none_{name}"],
            "linear": course[f"linear_{name}"],
        }
        title = f"Structural similarity in closed loop, {claim.names[name]}"
        labels = tuple(claim.names[arm] for arm in lines)
        what = Curve(title, steps, np.stack(list(lines.values())), labels, "steps ahead", "similarity")
        lab.show(f"course_{name}", what)


def _show_phases(
    scale: Scale, lab: Lab, seen: Tensor, ahead: dict[str, Tensor], sheets: dict[str, WavePredictor]
) -> None:
    """The state of the sheet while it goes on alone."""
    rows = {}
    for name, sheet in sheets.items():
        frames = ahead[f"{'wave' if name == 'wave' else 'shuffled-0'}_strong"]
        states = sheet.sheet(torch.cat([seen, frames], 1))[0][0, seen.shape[1] :]
        rows[claim.names[name].split()[0]] = states.real
    values, labels = _grid(scale, rows)
    title = "Cosine of the state in closed loop, strong coupling (steps ahead)"
    lab.show(
        "phases", Maps(title, values, labels, "across (units)", "down (units)", "cosine of the phase", SEEN)
    )
