"""What is the same for all layers of a comparison, whatever it is on."""

import dataclasses
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wavetrain.errors import BadInput
from wavetrain.run.budget import Cost, steps_within

LARGEST = {"parameters": 10**8, "steps": 10**9, "batch": 10**6, "depth": 1000, "clip": math.inf}


@dataclass(frozen=True)
class Terms:
    """What is the same for all layers."""

    parameters: int = 20_000  # of the whole stack; a layer may come out a tenth above, never more
    steps: int = 400
    batch: int = 32
    depth: int = 2  # layers in the stack
    rates: tuple[float, ...] = (1e-3, 3e-3, 1e-2)  # of Adam, to choose from
    search: float = 0.25  # share of the steps that each rate is tried for
    seeds: tuple[int, ...] = (0, 1, 2)
    clip: float = 1.0  # largest norm of the gradient

    def __post_init__(self) -> None:
        for name in LARGEST:
            if not 0 < (got := getattr(self, name)) <= LARGEST[name]:
                raise BadInput(f"compare: expected {name} above 0, at most {LARGEST[name]:,}, got {got}")
        if not self.rates or not all(0 < rate <= 1 for rate in self.rates):
            raise BadInput(f"compare: expected learning rates in (0, 1], got {self.rates}")
        if not 0 < self.search <= 1:
            raise BadInput(f"compare: expected the share of steps to search in (0, 1], got {self.search}")
        if not self.seeds or len(set(self.seeds)) < len(self.seeds) or min(self.seeds) < 0:
            raise BadInput(f"compare: expected different seeds of at least 0, got {self.seeds}")


def plain(terms: Terms) -> dict[str, Any]:
    """As JSON has it."""
    found: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(terms)))
    return found


def with_steps(
    terms: Terms,
    folder: Path,
    costs: Callable[[], Sequence[Cost]],
    *,
    minutes: float,
    jobs: int,
    say: Callable[[str], None],
) -> Terms:
    """The terms with the steps that fit into the minutes, by what trainings of each layer cost here."""
    steps = steps_within(
        folder,
        costs,
        minutes,
        rates=len(terms.rates),
        search=terms.search,
        seeds=len(terms.seeds),
        jobs=jobs,
        say=say,
    )
    return dataclasses.replace(terms, steps=steps)
