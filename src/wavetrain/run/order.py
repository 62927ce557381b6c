"""What to run: one experiment at one scale with one seed, and all that its figures depend on."""

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

from wavetrain import __version__
from wavetrain.errors import unknown
from wavetrain.evidence import code
from wavetrain.find import Found

SCALES = ("smoke", "small", "full")


@dataclasses.dataclass(frozen=True)
class Order:
    """What to run."""

    experiment: Found
    scale: str
    seed: int
    device: str
    threads: int
    save_every: float
    out: Path

    @property
    def name(self) -> str:
        """Of no other order."""
        return f"{self.experiment.name}-{self.scale}-seed{self.seed}"

    @property
    def config(self) -> dict[str, Any]:
        """All that the figures depend on but the machine."""
        return {
            "experiment": self.experiment.name,
            "scale": self.scale,
            "settings": settings(self.experiment, self.scale),
            "seed": self.seed,
            "device": self.device,
            "version": __version__,
            "source": code.digest([self.experiment.path]),
        }

    @property
    def folder(self) -> Path:
        config = self.config
        digest = hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()[:8]
        return self.out / f"{self.name}-{digest}"


def settings(experiment: Found, scale: str) -> dict[str, Any]:
    """The fields of a scale, as JSON knows them."""
    module = experiment.load()
    if not hasattr(module, scale):
        raise unknown(f"scale of {experiment.name}", scale, [one for one in SCALES if hasattr(module, one)])
    return json.loads(json.dumps(dataclasses.asdict(getattr(module, scale)), default=_name))


def _name(value: Any) -> str:
    """A function or class by its name, the same in every process; anything else as text."""
    return str(getattr(value, "__qualname__", value))
