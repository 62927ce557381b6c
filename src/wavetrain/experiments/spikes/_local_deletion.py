"""Digits of MNIST, learned by units with windows and by fully connected ones, which then lose synapses."""

import torch

from wavetrain.data.images.digits import digits
from wavetrain.data.images.mnist import mnist
from wavetrain.experiments.spikes._competing import CLASSES, Drive, Images, Net, begun, counted, teach
from wavetrain.parts import saved
from wavetrain.parts.competition import Competition
from wavetrain.parts.deletion import deleted
from wavetrain.parts.votes import assigned
from wavetrain.parts.windows import Windows
from wavetrain.train.generators import seed_of
from wavetrain.train.lab import Lab, News

CELL = Competition(inhibition=250.0, raised=0.2)
DRIVE = Drive(rate=128.0)
SHARES = (0.0, 0.2, 0.4, 0.6, 0.8)  # of synapses that are deleted


def network(kind: str, windows: Windows, units: int, lab: Lab) -> Net:
    """A network of the kind for MNIST, before it learns; both have as many synapses."""
    inputs, width, taps = windows.side**2, units * windows.places, windows.kernel**2
    pixels, total = (windows.pixels(), 0.2 * taps) if kind == "local" else (None, 0.196 * inputs)
    width = width if kind == "local" else width * taps // inputs
    return begun(width, inputs, pixels, total, cell=CELL, seed=seed_of(lab.seed, "mnist"))


def images(learned: int, asked: int, lab: Lab, *, small: bool) -> tuple[Images, Images, Windows]:
    """Images to learn from and to be asked about, and the windows of them; `small` ones are 8 x 8 digits."""
    task, side = (digits(), 8) if small else (mnist(), 28)
    edge = 0 if small else 4
    generator = torch.Generator().manual_seed(seed_of(lab.seed, "images"))
    parts = []
    for part, many in ((task.train, learned), (task.test(), asked)):
        rows = torch.randperm(len(part.y), generator=generator)[:many]
        middle = part.x[rows].reshape(-1, side, side)[:, edge : side - edge, edge : side - edge]
        parts.append(Images(middle.flatten(1), part.y[rows]))
    windows = Windows(side=8, kernel=5, stride=3) if small else Windows(side=20, kernel=12, stride=4)
    return parts[0], parts[1], windows


def told(kind: str, net: Net, learn: Images, ask: Images, lab: Lab) -> list[float]:
    """What votes say right with each share of synapses deleted, after the network has learned."""
    path = lab.folder / "checkpoints" / f"mnist-{kind}.safetensors"
    if path.exists():
        tensors, words = saved.load(path)
        net.layer.load_state_dict(tensors)
        found: list[float] = words["right"]
        return found
    teach(net, learn.x, DRIVE, seed_of(lab.seed, "mnist learn"))
    votes = assigned(counted(net.layer, learn.x, DRIVE, seed_of(lab.seed, "mnist fit")), learn.y, CLASSES)
    whole, right = net.layer.encode.weight.detach().clone(), []
    for number, share in enumerate(SHARES):
        dice = torch.Generator().manual_seed(seed_of(lab.seed, "deleted"))  # what is lost stays lost
        with torch.no_grad():
            net.layer.encode.weight.copy_(deleted(whole, share, generator=dice))
        counts = counted(net.layer, ask.x, DRIVE, seed_of(lab.seed, "mnist ask"))
        right.append(float((votes.answers(counts) == ask.y).double().mean()))
        name = f"{kind} on MNIST"
        lab.tell(News(lab.folder.name, name, number + 1, len(SHARES), float("nan"), right[-1], float("nan")))
    with torch.no_grad():
        net.layer.encode.weight.copy_(whole)
    saved.save(path, net.layer.state_dict(), {"right": right})
    return right
