"""
12. Recordings, and the dynamics behind them
============================================

Does a wave travel over the cortex? Is one rhythm bound to another? Where does a network go when it is left
alone? A lens takes an array with its rate, from a brain or from a network, and answers with a number and a
null: what the number would be if there were nothing to find.

Here is a wave that turns round the middle of a grid of electrodes at 12 Hz, in noise as strong as itself.
"""

import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch

from wavetrain.layers.recurrence.echo_state import EchoState
from wavetrain.lenses.dynamics.lyapunov import lyapunov
from wavetrain.lenses.space.generalized_phase import generalized_phase
from wavetrain.lenses.space.phase_amplitude_coupling import phase_amplitude_coupling
from wavetrain.lenses.space.wave_patterns import wave_patterns

dice = np.random.default_rng(0)
place = np.stack(np.meshgrid(np.arange(8.0), np.arange(8.0)), -1).reshape(-1, 2)  # mm
angle = np.arctan2(*(place - 3.5).T[::-1])
time = np.arange(2000) / 250  # s
rhythm = 2 * np.pi * 12 * time + 0.1 * dice.standard_normal(2000).cumsum()
turning = np.sin(rhythm[:, None] - angle) + dice.standard_normal((2000, 64))
found = wave_patterns(turning, rate=250.0, positions=place, band=(8.0, 16.0))
print(f"moments with a plane, a rotating, a radial wave: {np.bincount(found.kind, minlength=4)[1:]}")
print(f"it travels round: p = {found.p[1]:.2f}; turns of the phase: {np.median(found.winding):.0f}")

figure, axes = plt.subplots(1, 2, figsize=(8.4, 3.4), layout="constrained")
now = generalized_phase(turning, rate=250.0, band=(8.0, 16.0)).phase[1000]
image = axes[0].imshow(now.reshape(8, 8), origin="lower", cmap="twilight", vmin=-np.pi, vmax=np.pi)
axes[0].plot(*np.median(found.centre, 0), "w+", markersize=14)
axes[0].set(title="One moment, and the centre found", xlabel="x (mm)", ylabel="y (mm)")
figure.colorbar(image, ax=axes[0], label="phase (rad)")
axes[1].hist(found.null[:, 1], bins=8, color="grey", label="surrogates without travel")
axes[1].axvline(found.mean[1], color="C1", label="the recording")
axes[1].set(title="Does it travel?", xlabel="strength forth less back", ylabel="surrogates")
axes[1].legend()
plt.show()

# %%
# The next question is put to a recording, where it is there: twenty seconds of a rat's hippocampus (CA1) and
# entorhinal cortex. Without it, a made-up rhythm of 8 Hz with a faster one that follows it takes its place.

where = Path(os.environ.get("WAVETRAIN_DATA", "")) / "hippocampus_lfp.npz"
if where.is_file():
    stored = np.load(where)
    rate, names = float(stored["rate"]), ("CA1", "entorhinal cortex")
    field = np.stack([stored["ca1"], stored["ec3"]], 1)[:25_000]
else:
    rate, names = 1250.0, ("made up, coupled", "made up, not coupled")
    theta = 2 * np.pi * 8 * np.arange(25_000) / rate + 0.01 * dice.standard_normal(25_000).cumsum()
    depth = np.array([0.6, 0.0])
    fast = (1 + depth * np.cos(theta)[:, None]) * dice.standard_normal((25_000, 2))
    field = np.cos(theta)[:, None] + fast

coupled = phase_amplitude_coupling(field, rate, slow=(5.0, 11.0), fast=(50.0, 90.0), draws=39)
for site, name in enumerate(names):
    print(f"{name}: {coupled.z[site, site]:.0f} deviations above surrogates")

bins = coupled.profile.shape[-1]
phase = (np.arange(bins) + 0.5) * 2 * np.pi / bins - np.pi
figure, axes = plt.subplots(layout="constrained")
for site, name in enumerate(names):
    line = axes.plot(phase, bins * coupled.profile[site, site], label=name)

axes.set(
    title="Fast waves ride on slow ones",
    xlabel="phase of theta (rad; 0 is its peak)",
    ylabel="amplitude of gamma (times its mean)",
)
axes.legend()
plt.show()

# %%
# Behind what is recorded stands a system that moves by rules. Of a network the rules are known, so that one
# can ask where it goes. Two copies that start side by side come together or run apart, by a factor for each
# step; the logarithm of that is the largest Lyapunov exponent. Above 0 there is chaos.

radii = (0.5, 0.8, 1.1, 1.4, 1.7, 2.0)
exponents = []
for radius in radii:
    torch.manual_seed(0)
    network = EchoState(60, inputs=1, radius=radius, scale=0.01)
    apart = lyapunov(network, torch.randn(1, 60), steps=200, warm=100, count=1)
    exponents.append(float(apart.exponents[0]))

print("largest exponents:", np.round(exponents, 2))

figure, axes = plt.subplots(layout="constrained")
line = axes.plot(radii, exponents, marker="o")
axes.axhline(0, color="grey", linestyle=":")
axes.set(
    title="From rest to chaos",
    xlabel="spectral radius of the weights",
    ylabel="largest exponent (per step)",
)
plt.show()

# %%
# :claim:`lfp_theta_gamma` asks the whole recording, with controls for the shape of theta's waves;
# :claim:`eeg_alpha_waves` asks whether alpha travels over the scalp, and :claim:`songbird_sequence` whether a
# bird's cells keep their order. ``wavetrain look FILE`` puts a recording of your own through all lenses.
