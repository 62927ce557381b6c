"""Where pieces of work are done: processes of this machine, the machines of a Ray cluster."""

from wavetrain.run.pools.chosen import On, check, placed, pool_called
from wavetrain.run.pools.pool import Pool, named_in
from wavetrain.run.pools.processes import Processes

__all__ = ["On", "Pool", "Processes", "check", "named_in", "placed", "pool_called"]
