"""
8. Waves in a spiking sheet: noise in one place, travel over all
================================================================

A sheet of 10,000 excitatory and 2,500 inhibitory cells, each of which reaches 800 others around it. What a
cell sends crosses the sheet at 0.2 m/s. Nothing drives it: the cells keep each other going, and each fires
as irregularly as noise.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch

from wavetrain.layers.wave.wave_rnn import Start, WaveRNN
from wavetrain.lenses import generalized_phase, space_time_spectrum
from wavetrain.parts.conductances import Conductances
from wavetrain.parts.sheet import Sheet
from wavetrain.parts.wiring import wired
from wavetrain.report.moving import moving
from wavetrain.spiking import DelaySheet

lies = Sheet(12_500, length=4.0)  # mm
sheet = DelaySheet(wired(lies, each=800), Conductances(weight_e=2.0, weight_i=20.0))  # nS
start = sheet.begin(1, torch.Generator().manual_seed(0))
seen, state = sheet.run(12_000, start, wide=5)  # 1.2 s in steps of 0.1 ms
gaps = [np.diff(train) for train in seen.trains(range(12_500)) if len(train) > 5]
print(f"spikes of a cell: {len(seen.time) / 12_500 / 1.2:.1f} a second")
print(f"variation of the time between two: {np.mean([one.std() / one.mean() for one in gaps]):.2f}")

# %%
# An electrode hears the currents of many cells. Here are those of 20 x 20 pools, after the first 0.2 s: the
# phase of each pool, slowed down twenty times. Fronts cross the sheet, meet, and die out.

field = seen.field()[0, 194:]  # (1000 ms, 400 pools)
field = (field - field.mean(0)) / field.std(0)
phase = generalized_phase(field, rate=1000.0, band=(5.0, 100.0)).phase
place = 0.2 * (np.stack(np.meshgrid(np.arange(20), np.arange(20)), -1).reshape(-1, 2) + 0.5)
moments = np.arange(300, 420, 4)
folder = Path(tempfile.mkdtemp())
moving(folder / "sheet.gif", phase[moments], place, moments / 1000, title="The sheet", unit="mm")

# %%
# Now the same lens for the sheet and for the ring of :ref:`the first stop
# <sphx_glr_generated_tour_01_wave.py>`, to which noise comes in. What moves at one speed has its power on a
# line. On the ring there is one such line. Waves of the sheet go all ways and at many speeds, so that the
# best of its lines has little more than fast and coarse noise would have. If its pools are exchanged, even
# that is gone.

square = field.reshape(1000, 20, 20)
mixed = field[:, np.random.default_rng(0).permutation(400)].reshape(1000, 20, 20)
ring = WaveRNN(20, inputs=1, channels=1, start=Start(zero_bias=True))
activity, _ = ring(torch.randn(1, 1000, 1, generator=torch.Generator().manual_seed(0)))
shown = {
    "ring": space_time_spectrum(activity.detach(), surrogates=39),
    "sheet": space_time_spectrum(square.swapaxes(0, 1), period=20.0, surrogates=39),  # of its rows
    "exchanged": space_time_spectrum(mixed.swapaxes(0, 1), period=20.0, surrogates=39),
}
for name, one in shown.items():
    print(f"{name}: {one.fraction:.3f} on one line, {one.excess:.1f} times what is expected, p = {one.p:.3f}")

figure, axes = plt.subplots(1, 3, figsize=(9.2, 4.0), layout="constrained", sharey=True)
for panel, (name, one) in zip(axes, shown.items()):
    ends = (one.temporal[0], one.temporal[-1], one.spatial[0], one.spatial[-1])
    power = (one.power.T / one.power.max()) ** 0.25
    image = panel.imshow(power, extent=ends, origin="lower", cmap="viridis", vmin=0, vmax=1)
    if name != "ring":
        panel.set_xlim(-0.1, 0.1)
    panel.set(title=name, xlabel="cycles per " + ("step" if name == "ring" else "ms"))

axes[0].set_ylabel("cycles per place, or per pool")
figure.colorbar(image, ax=axes, label="fourth root of power (share)")
plt.show()

# %%
# :claim:`delay_sheet_waves` takes local connections and delays away, one by one, and asks which of them makes
# the waves.
