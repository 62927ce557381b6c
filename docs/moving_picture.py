"""Draws the moving picture of the README: a wave RNN that has learned to copy, one token a frame.

`python docs/moving_picture.py` trains the network (a minute on one core) and writes docs/static/wave.gif.
"""

import io
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from PIL import Image

from wavetrain.layers.wave.wave_rnn import WaveRNN
from wavetrain.parts.reader import Reader
from wavetrain.rules.backpropagation import Backpropagation
from wavetrain.tasks.recall.copying import Copying
from wavetrain.train.fit import fit

OUT = Path(__file__).parent / "static" / "wave.gif"
RING, CHANNELS, STEPS = 32, 18, 150


def trained() -> tuple[Reader, Copying]:
    """A network as in the claim `wave_rnn_copy`, on smaller rings, so that the wave is seen to go round."""
    torch.manual_seed(0)
    task = Copying(5)
    network = Reader(WaveRNN(RING * CHANNELS, inputs=10, channels=CHANNELS), task.outputs, every_step=True)
    optimiser = torch.optim.Adam(network.parameters(), 1e-2)
    generator = torch.Generator().manual_seed(0)
    for _ in fit(network, task, Backpropagation(), optimiser, generator, 24, range(STEPS), 1.0):
        pass
    return network, task


def frames(network: Reader, task: Copying) -> list[Image.Image]:
    x, _ = task.draw(1, torch.Generator().manual_seed(5))
    with torch.no_grad():
        h, _ = network.layer(x)
        told = network(x).argmax(-1)[0]
    activity = h[0].unflatten(-1, (CHANNELS, RING)).numpy()  # (T, channels, ring)
    channel = int(activity.std((0, 2)).argmax())
    field = activity[:, channel]
    field = np.sqrt(field / field.max())  # so that what is faint is seen too
    angle = 2 * np.pi * np.arange(RING) / RING
    symbols = x[0].argmax(-1) if x.ndim == 3 else x[0]
    pictures = []
    for now in range(len(field)):
        figure = plt.figure(figsize=(7.2, 3.0), layout="constrained", dpi=80)
        ring, past = figure.subplots(1, 2, width_ratios=(1, 1.6))
        ring.scatter(np.cos(angle), np.sin(angle), c=field[now], vmin=0, vmax=1, cmap="viridis", s=90)
        ring.set(aspect="equal", xlim=(-1.35, 1.35), ylim=(-1.35, 1.35), title="one ring, now")
        ring.axis("off")
        ring.text(0, 0.15, f"in: {int(symbols[now])}", ha="center", va="center")
        ring.text(0, -0.15, f"out: {int(told[now])}", ha="center", va="center")
        shown = np.where(np.arange(len(field))[:, None] <= now, field, np.nan)
        past.imshow(
            shown.T, aspect="auto", origin="lower", interpolation="nearest", vmin=0, vmax=1, cmap="viridis"
        )
        past.set(xlabel="time (tokens)", ylabel="place on the ring", title="the same ring over time")
        file = io.BytesIO()
        figure.savefig(file, format="png")
        plt.close(figure)
        pictures.append(Image.open(file).convert("P", palette=Image.Palette.ADAPTIVE, colors=64))
    return pictures


if __name__ == "__main__":
    first, *rest = frames(*trained())
    first.save(
        OUT, save_all=True, append_images=[*rest, *[rest[-1]] * 8], duration=220, loop=0, optimize=True
    )
