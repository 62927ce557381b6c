"""What every rule promises: it leaves updates in `.grad`, changes nothing else, and keeps its terms."""

import copy
from collections.abc import Callable, Iterator
from functools import partial
from typing import cast

import safetensors.torch
import torch
from torch import nn

from wavetrain.core import Batch, Lesson, Rule
from wavetrain.core.terms import terms_of
from wavetrain.errors import BadInput
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.parts.plasticity import Plasticity
from wavetrain.parts.reader import Reader
from wavetrain.parts.task_end import end_task
from wavetrain.testing import plasticity, shapes, terms
from wavetrain.testing.lessons import NETWORKS, check_updates, own_or
from wavetrain.testing.promise import Promise, keep
from wavetrain.testing.tools import normal


def lesson(rule: Rule, seed: int) -> Lesson:
    """The rule's own; else a small network, and a batch of sequences with an answer for every step."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        own = rule.lesson()
        if own is not None:
            return own
        network = Reader(Elman(6, inputs=3), outputs=2, every_step=True)
    x = normal(4, 7, 3, dtype=torch.float32)
    return Lesson(network, Batch(x, x[..., :2].cumsum(1).tanh()), nn.functional.mse_loss)


def check_learns(make: Callable[[], Rule]) -> None:
    """The loss is the network's, detached; what it trains gets a finite update, and every value stays."""
    rule = make()
    network, batch, loss_of = lesson(rule, seed=3)
    before = {key: value.detach().clone() for key, value in network.named_parameters()}
    expected = loss_of(network(batch.x), batch.y).detach()
    torch.manual_seed(4)
    loss = rule.learn(network, batch, loss_of)
    assert loss.shape == () and not loss.requires_grad, "expected one detached number as the loss"
    torch.testing.assert_close(loss, expected)
    after = {key: value.detach() for key, value in network.named_parameters()}
    torch.testing.assert_close(after, before, rtol=0, atol=0, msg="learn changed parameters")
    check_updates(network, terms_of(rule, network))


def check_annotations(make: Callable[[], Rule]) -> None:
    """What is given and returned has the shapes of the annotations: the rule's own, and those of `Rule`."""
    rule = make()
    with shapes.held(type(rule)):
        rule.learn(*lesson(rule, seed=3))


def check_same_again(make: Callable[[], Rule]) -> None:
    """The same seed gives the same updates."""
    grads = []
    for _ in range(2):
        rule = make()
        given = lesson(rule, seed=3)
        torch.manual_seed(4)
        rule.learn(*given)
        grads.append({key: parameter.grad for key, parameter in given.network.named_parameters()})
    torch.testing.assert_close(grads[0], grads[1], rtol=0, atol=0, msg="the same seed gives other updates")


def check_what_it_cannot_teach(make: Callable[[], Rule]) -> None:
    """A rule that has a lesson of its own refuses another network, in one line."""
    rule = make()
    own = rule.lesson()
    if own is None:
        return
    x, y = (normal(4, 7, size, dtype=torch.float32) for size in (3, 2))
    try:
        rule.learn(nn.Linear(3, 2), Batch(x, y), nn.functional.mse_loss)
    except BadInput as error:
        said = str(error)
        assert "\n" not in said and type(own.network).__name__ in said and "Linear" in said, said
    else:
        raise AssertionError("expected BadInput for a network that it cannot teach")


def check_goes_on(make: Callable[[], Rule]) -> None:
    """Taken up by another one from its `state_dict`, as a file keeps it, it goes on to the last bit."""
    for given in own_or(make, *NETWORKS.values()):
        rule, updates = make(), torch.optim.SGD(given.network.parameters(), 0.1)
        torch.manual_seed(4)
        _step(rule, given, updates)
        end_task(rule, given.network, given.batch.x)
        _step(rule, given, updates)
        kept = rule.state_dict()
        odd = [name for name, one in kept.items() if not isinstance(one, torch.Tensor)]
        assert not odd, f"its state is to be made of tensors, and {', '.join(odd)} is none"
        kept = safetensors.torch.load(
            safetensors.torch.save({name: one.detach().contiguous() for name, one in kept.items()})
        )
        other, begun = make(), torch.get_rng_state()
        other.load_state_dict(kept)
        grown = copy.deepcopy(given.network)
        ends = []
        for one, network in ((rule, given.network), (other, grown)):
            torch.set_rng_state(begun)
            lesson = given._replace(network=network)
            updates = torch.optim.SGD(network.parameters(), 0.1)
            for _ in range(2):
                _step(one, lesson, updates)
            end_task(one, network, given.batch.x)
            _step(one, lesson, updates)
            ends.append((network.state_dict(), one.state_dict()))
        what = f"taken up from its state, it teaches {type(given.network).__name__} otherwise"
        torch.testing.assert_close(ends[0], ends[1], rtol=0, atol=0, equal_nan=True, msg=what)


def _step(rule: Rule, given: Lesson, updates: torch.optim.Optimizer) -> None:
    updates.zero_grad()
    rule.learn(*given)
    updates.step()


PROMISES = (
    check_learns,
    check_annotations,
    check_same_again,
    check_what_it_cannot_teach,
    check_goes_on,
    *terms.PROMISES,
)


def promises(make: Callable[[], Rule]) -> Iterator[Promise]:
    """All promises of a rule that is built as make(); of plasticity of spikes those too."""
    for check in PROMISES:
        yield Promise(check.__name__.removeprefix("check_"), partial(check, make))
    kind = getattr(make, "func", make)  # of a partial, what it calls
    if isinstance(kind, type) and issubclass(kind, Plasticity):
        yield from plasticity.promises(cast(Callable[[], Plasticity], make))


def check_rule(make: Callable[[], Rule]) -> None:
    """Hold a rule to the contract: a class, or a `functools.partial` of it.

    >>> from wavetrain.rules import Backpropagation
    >>> from wavetrain.testing import check_rule
    >>> check_rule(Backpropagation)  # says nothing where all is well
    """
    keep(make, promises(make))
