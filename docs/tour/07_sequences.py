"""
7. Sequences in memory: each thing leads to the next
====================================================

Tilt the energy of a memory by a delayed copy of its state. A pattern that has been held for a while then
gives way to the one that follows it. Three patterns in a cycle are visited in order, for ever.
"""

import matplotlib.pyplot as plt
import torch

from wavetrain.layers.recurrence.episodic import Episodic
from wavetrain.layers.wave.wave_working_memory import WaveWorkingMemory
from wavetrain.lenses.population.privileged_basis import privileged_basis
from wavetrain.memories.general_sequential import GeneralSequential

torch.manual_seed(0)
abc = torch.randn(1, 3, 64).sign()
tour = GeneralSequential(64)
written = tour.write(tour.empty(1), abc, abc.roll(-1, 1))  # each followed by the next
path = tour.walk(written, abc[:, :1], time=60)[0, 0]
overlap = path @ abc[0].T / 64
print("visited:", overlap.argmax(-1).unique_consecutive().tolist()[:5])

figure, axes = plt.subplots(layout="constrained")
for name, line, style in zip("ABC", overlap.numpy().T, ("-", "--", ":")):
    axes.plot(line, style, label=f"pattern {name}")

axes.set(
    title="A memory that walks through three patterns", xlabel="time (steps)", ylabel="overlap with the state"
)
axes.legend(loc="lower right")
plt.show()

# %%
# How long each pattern is held has a closed form, tested by :claim:`gsemm_dwell_time`. How many patterns
# can be put in order is the question of :claim:`gsemm_capacity`.
#
# A working memory can also be a wave, as at the first stop, with a boundary that composes the next value
# where the wave starts. Two columns and a boundary that adds them give Fibonacci's series.

wave = WaveWorkingMemory(1, columns=2)
with torch.no_grad():
    for weight in wave.parameters():
        weight.fill_(1)

pulse = torch.eye(1, 8).unsqueeze(-1)
print(wave(pulse)[0].flatten().int().tolist())

# %%
# In a trained network no unit need hold a variable by itself: the wave may be spread over all units. In a
# *privileged basis* it can be seen. Here four variables that pass round a ring are mixed into twenty
# units, and found again.

circuit, mixed = torch.eye(4).roll(1, 1), Episodic(1, hidden=20)  # each variable moves to the one before
mixed.bind(circuit, torch.randn(20, 4))
pulses = torch.tensor([3.0, 1.0, 4.0, 1.0, 5.0]).view(1, 5, 1)
seen = privileged_basis(mixed, pulses, circuit)
print(f"share of the transition that lies where the circuit has it: {seen.score:.4f}")

# %%
# :claim:`working_memory_waves` and :claim:`working_memory_convergence` ask whether training ends at such
# a circuit.
