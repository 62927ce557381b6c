"""What every rule promises: it leaves updates in `.grad`, and changes nothing else."""

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import nn

from wavetrain.core import Batch, Rule
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.parts.reader import Reader
from wavetrain.testing import shapes
from wavetrain.testing.promise import Promise, keep
from wavetrain.testing.tools import normal


def lesson(seed: int) -> tuple[nn.Module, Batch]:
    """A small network, and a batch of sequences with an answer for every step."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Reader(Elman(6, inputs=3), outputs=2, every_step=True)
    x = normal(4, 7, 3, dtype=torch.float32)
    return network, Batch(x, x[..., :2].cumsum(1).tanh())


def check_learns(make: Callable[[], Rule]) -> None:
    """The loss is the network's, detached; every parameter gets a finite update and keeps its value."""
    network, batch = lesson(seed=3)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    expected = nn.functional.mse_loss(network(batch.x), batch.y).detach()
    torch.manual_seed(4)
    loss = make().learn(network, batch, nn.functional.mse_loss)
    assert loss.shape == () and not loss.requires_grad, "expected one detached number as the loss"
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(network.state_dict(), before, rtol=0, atol=0, msg="learn changed parameters")
    for key, parameter in network.named_parameters():
        assert parameter.grad is not None, f"no update is left for {key}"
        assert parameter.grad.shape == parameter.shape, f"the update of {key} has another shape"
        assert parameter.grad.isfinite().all(), f"the update of {key} is not finite"


def check_annotations(make: Callable[[], Rule]) -> None:
    """What is given and returned has the shapes of the annotations: the rule's own, and those of `Rule`."""
    network, batch = lesson(seed=3)
    rule = make()
    with shapes.held(type(rule)):
        rule.learn(network, batch, nn.functional.mse_loss)


def check_same_again(make: Callable[[], Rule]) -> None:
    """The same seed gives the same updates."""
    grads = []
    for _ in range(2):
        network, batch = lesson(seed=3)
        torch.manual_seed(4)
        make().learn(network, batch, nn.functional.mse_loss)
        grads.append({key: parameter.grad for key, parameter in network.named_parameters()})
    torch.testing.assert_close(grads[0], grads[1], rtol=0, atol=0, msg="the same seed gives other updates")


PROMISES = (check_learns, check_annotations, check_same_again)


def promises(make: Callable[[], Rule]) -> Iterator[Promise]:
    """All promises of a rule that is built as make()."""
    for check in PROMISES:
        yield Promise(check.__name__.removeprefix("check_"), partial(check, make))


def check_rule(make: Callable[[], Rule]) -> None:
    """Hold a rule to the contract: a class, or a `functools.partial` of it.

    >>> from wavetrain.rules import Backpropagation
    >>> from wavetrain.testing import check_rule
    >>> check_rule(Backpropagation)  # says nothing where all is well
    """
    keep(make, promises(make))
