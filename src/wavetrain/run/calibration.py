"""What the predicates of a claim say where the answer is known before anything is trained.

Untrained networks know nothing, so they must not satisfy a part about what is learned; where they do, its
limit says nothing. The exact solution of a task must not fail a part; where it does, nobody can satisfy it.
Both are computed at the scale of the result, for the first seed, before the claim is run.

For the first, the whole experiment runs with trainings of one step that moves no weight. A claim that trains
nothing has no such figures. For the second, an experiment may define `exact(scale, lab)`, which returns the
figures of a circuit, a closed form or an oracle, as far as they are known.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from torch import nn

from wavetrain.core import Batch, Rule, Task
from wavetrain.evidence.claims import Claim, Measured
from wavetrain.evidence.result import Calibration, Figures, finite, read, write
from wavetrain.find import Found
from wavetrain.run.pools import Pool
from wavetrain.run.threads import limited, used
from wavetrain.train.generators import Shared, seed_of
from wavetrain.train.lab import Lab, News, Plan, Training

SEED = 0


class Order(NamedTuple):
    """What to calibrate."""

    experiment: Found
    scale: str
    device: str
    exact_only: bool  # without the untrained networks, which take longer


class Untrained(Lab):
    """A lab in which no training changes a weight."""

    count = 0  # trainings

    def fit(
        self,
        name: str,
        make: Callable[[], nn.Module],
        task: Task,
        plan: Plan,
        rule: Rule | None = None,
        others: Sequence[Batch] = (),
    ) -> Training:
        self.count += 1
        still = replace(plan, steps=1, rate=0.0, every=1, until=None, drops=())
        return super().fit(name, make, task, still, rule, others)


class Told(NamedTuple):
    """What a calibration came to."""

    experiment: str
    known: list[str]  # what its predicates were held to
    refused: list[str]  # parts whose limits say nothing or cannot be met, with the reason


def calibrated(
    experiments: Sequence[Found], scale: str, device: str, pool: Pool, home: Path, exact_only: bool = False
) -> Iterator[Told]:
    """Calibrate claims at a scale; writes the figures into their results in `home`, where there are any.

    With `exact_only` a result keeps the figures of untrained networks that it has.
    """
    orders = [Order(one, scale, device, exact_only) for one in experiments]
    for order, found in pool.each(_made, orders, lambda news: None):
        module, name = order.experiment.load(), order.experiment.name
        path = home / f"{name}-{scale}.json"
        result = read(path) if path.exists() else None
        if exact_only and result is not None and result.calibration is not None:
            found = replace(result.calibration, exact=found.exact)
        if result is not None:
            write(home, replace(result, calibration=found))
        pairs = {"untrained networks": found.untrained, "the exact solution": found.exact}
        known = [what for what, figures in pairs.items() if figures]
        yield Told(name, known, refused(module.claim, found, getattr(module, scale)))


def _made(order: Order, tell: Callable[[News], None]) -> Calibration:
    return made(order.experiment, order.scale, SEED, order.device, order.exact_only)


def made(experiment: Found, scale: str, seed: int, device: str, exact_only: bool = False) -> Calibration:
    """The figures of untrained networks and of the exact solution, where there are any."""
    module = experiment.load()
    with tempfile.TemporaryDirectory(prefix="wavetrain-") as folder, limited(used(device)):
        untrained: Figures = {}
        if not exact_only:
            untrained = _untrained(module, scale, Path(folder), seed, device)
        exact: Figures = {}
        if hasattr(module, "exact"):
            exact = _figures(module.exact, getattr(module, scale), Lab(Path(folder) / "exact", seed, device))
    return Calibration(untrained=untrained, exact=exact)


def _untrained(module: ModuleType, scale: str, folder: Path, seed: int, device: str) -> Figures:
    """The figures of networks that learned nothing; none where nothing is trained."""
    lab = Untrained(folder / "smoke", seed, device)
    figures = _figures(module.run, module.smoke, lab)  # in seconds: is there anything to train?
    if not lab.count:
        return {}
    if scale == "smoke":
        return figures
    return _figures(module.run, getattr(module, scale), Untrained(folder / "untrained", seed, device))


def refused(claim: Claim, calibration: Calibration, scale: Any) -> list[str]:
    """The parts whose limits say nothing or cannot be met, each with the reason."""
    found = []
    for part in claim.parts:
        if part.learned and _answer(part.holds, calibration.untrained, scale) is True:
            found.append(f"untrained networks satisfy: {part.says}")
        if _answer(part.holds, calibration.exact, scale) is False:
            found.append(f"the exact solution fails: {part.says}")
    return found


def _answer(holds: Callable[[Measured], bool | None], figures: Figures, scale: Any) -> bool | None:
    """What a predicate says; None where the figures that it needs are not known."""
    try:
        return holds(Measured(figures, scale))
    except KeyError:
        return None


def _figures(run: Callable[[Any, Lab], Mapping[str, float]], scale: Any, lab: Lab) -> Figures:
    """What an experiment returns, from the generators that its seed has in a run."""
    with Shared(seed_of(lab.seed, "run"), lab.device).drawn():
        figures = run(scale, lab)
    return finite({name: float(value) for name, value in figures.items()})
