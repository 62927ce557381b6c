"""What a rule costs is what it says: how often a batch goes through, and how what is kept at once grows."""

import math
from functools import partial
from typing import Any

from torch import Tensor, nn

from wavetrain.core.terms import Stated, terms_of
from wavetrain.core.transforms import at_work
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.parts.reader import Reader
from wavetrain.parts.stack import MLP, Answer, Stack
from wavetrain.testing.lessons import NETWORKS, Make, accepted, on, perceptron, seeded
from wavetrain.testing.peak import Peak

WIDTH, BATCH = 32, 8  # of networks whose cost is measured
SHORT, LONG = 32, 128  # steps
SHALLOW, DEEP = 4, 16  # layers


def check_passes(make: Make) -> None:
    """How often a batch goes through the layer is what it says."""
    network = seeded(NETWORKS["an Elman network"])
    if make().lesson() is not None and not isinstance(make(), Stated):
        return
    if not accepted(make, network):
        return
    lesson = on(network)
    rule, count = make(), Count(network)
    rule.learn(*lesson)  # what it finds out once for a network is known
    said = terms_of(rule, network).passes
    with count:
        rule.learn(*lesson)
    batch, time, _ = lesson.batch.x.shape
    assert count.steps == said * batch * time, (
        f"it says {said} passes, and takes {count.steps / (batch * time):g}"
    )


class Count:
    """How many steps of how many sequences a layer takes; those that only ask for slopes are not counted."""

    def __init__(self, network: nn.Module):
        assert isinstance(network, Reader)
        self.layer, self.steps = network.layer, 0

    def __enter__(self) -> None:
        step, forward = self.layer.step, self.layer.forward

        def stepped(x: Tensor, state: Any) -> Any:
            if not at_work():
                self.steps += len(x)
            return step(x, state)

        def gone(x: Tensor, state: Any = None) -> Any:
            self.steps += len(x) * x.shape[1]
            return forward(x, state)

        vars(self.layer).update(step=stepped, forward=gone)

    def __exit__(self, *_: object) -> None:
        del vars(self.layer)["step"], vars(self.layer)["forward"]


def check_stored(make: Make) -> None:
    """What is kept at once grows with time and depth as it says, to a factor of 2 where they do fourfold."""
    if make().lesson() is not None and not isinstance(make(), Stated):
        return
    for kind, depths, times in (
        (_single, (1, 1), (SHORT, LONG)),
        (partial(perceptron, width=WIDTH, outputs=1), (SHALLOW, DEEP), (SHORT, SHORT)),
        (_stacked, (SHALLOW, DEEP), (SHORT, SHORT)),
    ):
        networks = [seeded(partial(kind, depth)) for depth in depths]
        if not all(accepted(make, one, outputs=1) for one in networks):
            continue
        said, found = [], []
        for depth, time, network in zip(depths, times, networks, strict=True):
            rule, lesson = make(), on(network, batch=BATCH, time=time, outputs=1)
            rule.learn(*lesson)
            network.zero_grad()
            peak = Peak()
            with peak:
                rule.learn(*lesson)
            found.append(peak.most)
            said.append(terms_of(rule, network).stored(depth, time))
        grows, told = found[1] / found[0], said[1] / said[0]
        assert abs(math.log(grows / told)) < math.log(2), (
            f"from {depths[0]} layers and {times[0]} steps to {depths[1]} and {times[1]} it says that what "
            f"it stores grows {told:g} times, and it grows {grows:.2g} times"
        )


def _single(depth: int) -> nn.Module:
    return Reader(Elman(WIDTH, inputs=3), outputs=1, every_step=True)


def _stacked(depth: int) -> nn.Module:
    layers = [Elman(WIDTH) for _ in range(depth)]
    return Answer(Stack(layers, 3, 1, MLP.NONE), every_step=True)
