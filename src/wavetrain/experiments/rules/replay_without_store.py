"""Can a network replay an old sequence to itself while it learns a new one, with nothing of it stored?

Hayes et al. 2021, Neural Computation 33:2908, arXiv 2104.04132: brains replay spontaneously, in order, and
keep no copy of their inputs. A predictive autoencoder, a model of CA3, learns to predict the activity of
place cells on a first track, and then on a second one, where the same cells have other places. A copy of it
from the end of the first track is frozen, and what it replays is learned in between, as many steps as the
second track:

    none       nothing is replayed: the second track alone, with as many steps
    stored     the first track itself, which is kept
    shuffled   the moments of the first track, each time in another order
    cued       what the copy does after the first 10 steps of the first track, its outputs fed back as inputs
    noise      what the copy does under noise alone (1% of the maximum): nothing is kept at all

`kept` is how much of the first track is predicted in the end (R2), `second` of the second track, `first` of
the first track before the second. `dream` is how much of the first track the cued replay has, and `bytes`
what is kept of it.
"""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from wavetrain.core import VALUES, Batch, Recorded
from wavetrain.evidence.claims import Claim, Figure, Measured, Part, given
from wavetrain.evidence.picture import Field
from wavetrain.networks.predictive_autoencoder import PredictiveAutoencoder
from wavetrain.train.lab import Lab, Plan, Training, curve

ARMS = ("none", "stored", "shuffled", "cued", "noise")
CUE, NOISE = 10, 0.01
LEARNED, LOST = 0.95, 0.3


def _learned(figures: Measured) -> bool:
    return figures["first"] >= LEARNED


def _forgotten(figures: Measured) -> bool:
    """Whether there is something that replay can keep, and the real thing keeps it."""
    lost = figures["first"] - figures["kept_none"] >= LOST
    return _learned(figures) and lost and figures["kept_stored"] >= figures["kept_none"] + LOST


def _share(figures: Measured, name: str) -> float:
    """Of what the stored track keeps."""
    floor = figures["kept_none"]
    return (figures[f"kept_{name}"] - floor) / (figures["kept_stored"] - floor)


claim = Claim(
    title="A network keeps an old sequence by replaying it to itself from a cue",
    sentence="While a network that predicts learns a second track, its own replay of the first from a cue of "
    "10 steps keeps at least 80% of what the stored track keeps; replay under noise alone, or of the same "
    "moments in any order, keeps at most half.",
    topic="Learning without forgetting",
    source="Hayes et al. 2021, Neural Computation 33:2908, arXiv 2104.04132, a survey without measurements: "
    "the protocol and the limits are ours",
    systems=("predictive_autoencoder",),
    parts=(
        Part(
            says="Without replay at least 0.3 of R² on the first track is lost.",
            holds=given(_learned, lambda figures: figures["first"] - figures["kept_none"] >= LOST),
            figures=("first", "kept_none"),
        ),
        Part(
            says="Replay from a cue keeps at least 80% of what the stored track keeps.",
            holds=given(_forgotten, lambda figures: _share(figures, "cued") >= 0.8),
            figures=("kept_cued", "kept_stored", "kept_none"),
        ),
        Part(
            says="Replay under noise alone keeps at most half of that.",
            holds=given(_forgotten, lambda figures: _share(figures, "noise") <= 0.5),
            figures=("kept_noise", "kept_stored", "kept_none"),
        ),
        Part(
            says="The same moments in any order keep at most half of that.",
            holds=given(_forgotten, lambda figures: _share(figures, "shuffled") <= 0.5),
            figures=("kept_shuffled", "kept_stored", "kept_none"),
        ),
        Part(
            says="It costs nothing of what is new: with replay from a cue the second track is predicted with "
            "an R² of at least 0.9.",
            holds=given(_learned, lambda figures: figures["second_cued"] >= 0.9),
            figures=("second_cued", "second_none"),
        ),
    ),
    figures=(
        Figure(name="kept_{arm}", says="fit of the first track in the end, {arm}", unit="R²"),
        Figure(name="second_{arm}", says="fit of the second track in the end, {arm}", unit="R²"),
        Figure(name="bytes_{arm}", says="kept of the first track, {arm}", unit="bytes"),
        Figure(name="first", says="fit of the first track before the second", unit="R²"),
        Figure(name="dream", says="fit of the replay from a cue to the first track", unit="R²"),
    ),
    names={
        "none": "no replay",
        "stored": "the stored track",
        "shuffled": "stored moments in any order",
        "cued": "replay from a cue",
        "noise": "replay under noise",
    },
    notes="That replay under noise would keep little was expected from an earlier claim, in which such a "
    "network nearly stands still under noise. An R² below 0 is worse than the mean activity.",
    changed=(
        "Before the first run: on a seed that does not count replay under noise kept 70% of what the stored "
        "track kept; no limit was moved.",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Scale:
    cells: int
    time: int  # steps of a lap
    hidden: int
    steps: int  # of each track
    rate: float = 3e-3
    batch: int = 4
    many: int = 16  # replays
    every: int = 50


smoke = Scale(cells=12, time=16, hidden=8, steps=4, batch=2, many=3, every=2)
small = Scale(cells=100, time=50, hidden=100, steps=1000)
full = Scale(cells=200, time=100, hidden=200, steps=20_000, every=500)


def run(scale: Scale, lab: Lab) -> dict[str, float]:
    tracks = [track(scale, lab.seed, which) for which in range(2)]
    looks = [_asked(one[None]) for one in tracks]

    def fit(name: str, make: Callable[[], nn.Module], sequences: Tensor) -> Training:
        train = _asked(sequences)
        task = Recorded(train, looks[0], looks[0], scale.cells, scale.cells, False, True, VALUES, 0.0)
        plan = Plan(scale.steps, scale.batch, scale.rate, 1.0, scale.every)
        return lab.fit(name, make, task, plan, others=looks)

    first = fit("first", lambda: PredictiveAutoencoder(scale.hidden, scale.cells), tracks[0][None])
    frozen = first.network
    assert isinstance(frozen, PredictiveAutoencoder)
    replays = _replays(frozen, tracks, scale, lab)
    ends = {
        name: fit(
            f"second-{name}",
            lambda: copy.deepcopy(frozen),
            torch.cat([tracks[1].expand(scale.many, -1, -1), replays[name]]),
        )
        for name in ARMS
    }
    moment = 4 * scale.cells
    stored = {"stored": scale.time + 1, "shuffled": scale.time + 1, "cued": CUE}
    figures = {
        "first": first.marks[-1].others[0],
        "dream": float(VALUES.score(replays["cued"][:1, CUE:], tracks[0][None, CUE:])),
    }
    for name, end in ends.items():
        figures |= {f"kept_{name}": _last(end, 0), f"second_{name}": _last(end, 1)}
        figures[f"bytes_{name}"] = float(moment * stored.get(name, 0))
    lab.show(
        "kept", curve("The first track while the second is learned", ends, "R²", lambda one: one.others[0])
    )
    order = tracks[0].argmax(0).argsort()
    for name in ("cued", "noise"):
        title = f"What the frozen copy does, {claim.names[name]}"
        ylabel = "cell, by its place on the first track"
        lab.show(f"replay-{name}", Field(title, replays[name][0].T[order].numpy(), ylabel=ylabel))
    return figures


def track(scale: Scale, seed: int, which: int) -> Tensor:
    """Activity (time + 1, cells) on a circular track: bells on a ring, cells in an order of its own."""
    dice = torch.Generator().manual_seed(2 * seed + which)
    centre = torch.rand(scale.cells, generator=dice).argsort() / scale.cells
    place = torch.arange(scale.time + 1) / scale.time
    away = 2 * math.pi * (place[:, None] - centre)
    return (8 * (away.cos() - 1)).exp()


@torch.no_grad()
def _replays(
    frozen: PredictiveAutoencoder, tracks: list[Tensor], scale: Scale, lab: Lab
) -> dict[str, Tensor]:
    """Sequences (many, time + 1, cells) that are learned beside the second track."""
    old, steps, many = tracks[0], scale.time + 1, scale.many
    dice = lab.generator()
    orders = torch.stack([torch.randperm(steps, generator=dice) for _ in range(many)])
    noise = NOISE * torch.randn(many, steps, scale.cells, generator=dice)
    device = lab.device
    cued = frozen.replay(old[None, :CUE].to(device), steps - CUE).cpu()
    return {
        "none": tracks[1].expand(many, -1, -1),
        "stored": old.expand(many, -1, -1),
        "shuffled": old[orders],
        "cued": torch.cat([old[None, :CUE], cued], 1).expand(many, -1, -1),
        "noise": frozen(noise.to(device)).cpu(),
    }


def _asked(sequences: Tensor) -> Batch:
    """At each step the next one is asked."""
    return Batch(sequences[:, :-1], sequences[:, 1:])


def _last(end: Training, which: int) -> float:
    return math.nan if end.diverged else end.marks[-1].others[which]
