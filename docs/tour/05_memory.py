"""
5. Associative memory: part of a pattern brings back the rest
=============================================================

A memory is written and read. Hopfield's network stores patterns as minima of an energy. From a damaged
cue it goes downhill and ends at the stored pattern.
"""

import matplotlib.pyplot as plt
import torch

from wavetrain.memories.dense_hopfield import DenseHopfield, Steepness
from wavetrain.memories.hopfield import Hopfield
from wavetrain.memories.sparse_distributed import SparseDistributed

torch.manual_seed(0)
patterns = torch.randn(1, 40, 64).sign()
damaged = torch.cat([-patterns[..., :6], patterns[..., 6:]], -1)  # six bits of 64 are wrong
memory = Hopfield(64)
written = memory.write(memory.empty(1), patterns[:, :5], patterns[:, :5])
print("five patterns recovered:", memory.settle(written, damaged[:, :5]).equal(patterns[:, :5]))

# %%
# Five patterns are few. How many fit depends on how steeply the energy grows with the overlap. With
# squares it is a fraction of the number of units. With cubes it is many more, and one update of all units
# is enough.

dense = DenseHopfield(64, steepness=Steepness.POWER, power=3)
written = dense.write(dense.empty(1), patterns, patterns)
print(f"capacity with squares {memory.capacity():.1f}, with cubes {dense.capacity():.1f} patterns")
print("forty patterns recovered:", dense.update(written, damaged).equal(patterns))

# %%
# We can watch the squares fail: the share of right bits after settling, for more and more patterns. The
# library warns when a memory holds more than it can; here that is what we want to see.

import warnings

warnings.filterwarnings("ignore", "Hopfield: .* patterns are more")


def right(many: int) -> float:
    """The share of right bits when `many` patterns are stored."""
    kept = memory.write(memory.empty(1), patterns[:, :many], patterns[:, :many])
    return float((memory.settle(kept, damaged[:, :many]) == patterns[:, :many]).float().mean())


counts = list(range(1, 21))
figure, axes = plt.subplots(layout="constrained")
axes.plot(counts, [right(many) for many in counts], "o-", label="after settling")
axes.axhline(58 / 64, color="grey", linestyle=":", label="the cue itself")
axes.axvline(memory.capacity(), color="C1", linestyle="--", label="capacity in theory")
axes.set(title="Hopfield's network of 64 units", xlabel="stored patterns", ylabel="share of right bits")
axes.legend()
plt.show()

# %%
# Sparse distributed memory writes each pattern into all neurons whose random address is near it, and
# reads by their vote. No single neuron is needed for any pattern: half of them may die.

sparse = SparseDistributed(64, neurons=5000)
written = sparse.write(sparse.empty(1), patterns[:, :5], patterns[:, :5])
half = sparse.without(written, 0.5, torch.Generator().manual_seed(0))
print("recovered with half of the neurons:", sparse.read(half, damaged[:, :5]).sign().equal(patterns[:, :5]))

# %%
# Each of these memories is held against its theory: :claim:`hopfield_capacity`,
# :claim:`dense_hopfield_capacity`, :claim:`sdm_capacity` and :claim:`sdm_neuron_loss`.
