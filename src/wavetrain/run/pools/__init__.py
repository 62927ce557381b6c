"""Where pieces of work are done: processes of this machine, a Ray cluster, a job array of SLURM."""

from wavetrain.run.pools.chosen import On, check, placed, pool_called
from wavetrain.run.pools.pool import Pool, named_in
from wavetrain.run.pools.processes import Processes
from wavetrain.run.pools.slurm import Elsewhere
from wavetrain.run.pools.together import Together, led

__all__ = [
    "Elsewhere",
    "On",
    "Pool",
    "Processes",
    "Together",
    "check",
    "led",
    "named_in",
    "placed",
    "pool_called",
]
