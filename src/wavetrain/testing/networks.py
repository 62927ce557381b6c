"""What every network promises. Networks are built in many ways, so a check takes one and what it reads.

check_network(make, x)    make() builds the network; x is a batch of two sequences or more that it takes
"""

import copy
from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor

from wavetrain.core.network import Carrying, Network
from wavetrain.testing import shapes
from wavetrain.testing.company import frozen
from wavetrain.testing.promise import Promise, keep

Make = Callable[[], Network]


def check_seed(make: Make, x: Tensor) -> None:
    """The same seed gives the same network, and a network that loads its parameters gives its answers."""
    one, two, other = _built(make, 1), _built(make, 1), _built(make, 2)
    torch.testing.assert_close(_answers(one, x), _answers(two, x), rtol=0, atol=0)
    other.load_state_dict(one.state_dict())
    torch.testing.assert_close(_answers(other, x), _answers(one, x), rtol=0, atol=0)


def check_answers(make: Make, x: Tensor) -> None:
    """There is one finite answer for each sequence, and each is what the sequence has alone."""
    network = _built(make, 1)
    y = _answers(network, x)
    assert len(y) == len(x), f"expected answers to {len(x)} sequences, got {tuple(y.shape)}"
    assert y.isfinite().all(), "an answer is not finite"
    for row in range(len(x)):
        alone = _answers(network, x[row : row + 1])
        torch.testing.assert_close(alone[0], y[row], rtol=1e-6, atol=1e-8, msg=f"row {row} differs alone")


def check_annotations(make: Make, x: Tensor) -> None:
    """What is given and returned has the shapes of the annotations: its own, and those of `Network`."""
    network = _built(make, 1)
    with shapes.held(type(network)):
        _answers(network, x)


def check_keeps_nothing(make: Make, x: Tensor) -> None:
    """In evaluation an answer leaves the network as it was."""
    network = _built(make, 1)
    before = frozen(network)
    _answers(network, x)
    assert frozen(network) == before, "the network has changed"


def check_learns(make: Make, x: Tensor) -> None:
    """The answers have a gradient, which is finite."""
    network = _built(make, 1)
    y = network(x)
    y = y[0] if isinstance(y, tuple) else y
    y.square().sum().backward()
    grads = [one.grad for one in network.parameters() if one.grad is not None]
    assert any(grad.abs().sum() > 0 for grad in grads), "no parameter has a gradient"
    assert all(grad.isfinite().all() for grad in grads), "a gradient is not finite"


def check_carries(make: Make, x: Tensor) -> None:
    """A sequence in two pieces, the state handed on, has the answers of the whole; a state given stays."""
    network = _built(make, 1)
    assert isinstance(network, Carrying)
    with torch.no_grad():
        whole, _ = network.carry(x)
        torch.testing.assert_close(whole, _answers(network, x), rtol=0, atol=0)
        first, state = network.carry(x[:, :2])
        kept = copy.deepcopy(state)
        rest, _ = network.carry(x[:, 2:], state)
        torch.testing.assert_close(state, kept, rtol=0, atol=0, msg="the state that was given has changed")
        torch.testing.assert_close(torch.cat([first, rest], 1), whole, rtol=1e-6, atol=1e-8)
        begun, _ = network.carry(x, network.begin(len(x)))
        torch.testing.assert_close(begun, whole, rtol=1e-6, atol=1e-8)


PROMISES = (check_seed, check_answers, check_annotations, check_keeps_nothing, check_learns)


def promises(make: Make, x: Tensor) -> Iterator[Promise]:
    """All promises of a network, on the batch x."""
    carries = (check_carries,) if isinstance(make(), Carrying) else ()
    for check in (*PROMISES, *carries):
        yield Promise(check.__name__.removeprefix("check_"), partial(check, make, x))


def check_network(make: Make, x: Tensor) -> None:
    """Hold a network to the contract.

    >>> from wavetrain.networks import PredictiveAutoencoder
    >>> from wavetrain.testing import check_network
    >>> check_network(lambda: PredictiveAutoencoder(4, 5), torch.rand(2, 6, 5, dtype=torch.float64))
    """
    keep(make(), promises(make, x))


def _built(make: Make, seed: int) -> Network:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make().double().eval()


def _answers(network: Network, x: Tensor) -> Tensor:
    with torch.no_grad():
        y = network(x)
    answers: Tensor = y[0] if isinstance(y, tuple) else y
    return answers
