"""What a rule says of itself is so: what it trains, and what it is blind to.

A rule that states no terms is held to those of backpropagation, where it teaches any network. What it costs
is measured in `costs`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn

from wavetrain.core import Lesson
from wavetrain.core.terms import Online, Sight, Terms, terms_of
from wavetrain.testing import costs
from wavetrain.testing.lessons import (
    NETWORKS,
    Make,
    accepted,
    check_updates,
    own_or,
    perceptron,
    seeded,
    taught,
)


def check_any_network(make: Make) -> None:
    """Any network is taught, with finite updates of what is said to be trained, or refused in one line."""
    taught_any = False
    for about, network in ((about, seeded(one)) for about, one in NETWORKS.items()):
        try:
            if accepted(make, network):
                taught_any = True
                check_updates(network, terms_of(make(), network))
        except AssertionError as error:
            raise AssertionError(f"{about}: {error}") from error
        except Exception as error:
            raise AssertionError(f"{about}: {type(error).__name__} instead of BadInput: {error}") from error
    assert taught_any or make().lesson() is not None, "it teaches none, and has no lesson of its own"


def check_what_is_frozen(make: Make) -> None:
    """A parameter that does not learn gets no update, nor is it said to; the others get theirs."""
    rule = make()
    if rule.lesson() is not None:
        return
    for make_network in NETWORKS.values():
        network = seeded(make_network)
        if len(list(network.parameters())) < 3 or not accepted(make, network):
            continue
        network.zero_grad()
        first = next(iter(dict(network.named_parameters())))
        network.get_parameter(first).requires_grad_(False)
        if not accepted(make, network):
            continue
        assert network.get_parameter(first).grad is None, f"an update is left for {first}, which is frozen"
        check_updates(network, terms_of(make(), network))


def check_later_layers(make: Make) -> None:
    """Where it is blind to later layers, whatever stands behind a map leaves its update as it is."""
    seen = False
    for lesson in own_or(make, partial(perceptron, 3)):
        network = lesson.network
        if Sight.LATER_LAYERS not in terms_of(make(), network).blind:
            continue
        before = taught(make(), lesson)
        parts = list(dict.fromkeys(name.rpartition(".")[0] for name in before))
        for place in range(len(parts) - 1):
            with _drawn_anew(
                network, {name for name in before if name.rpartition(".")[0] in parts[place + 1 :]}
            ):
                after = taught(make(), lesson)
            for name, update in before.items():
                if name.rpartition(".")[0] in parts[: place + 1]:
                    _same(after[name], update, f"the update of {name} changes with later layers")
                    seen = seen or bool(update is not None and update.any())
    said = any(Sight.LATER_LAYERS in one for one in _blind(make))
    assert seen or not said, "it says that it is blind to later layers, and no network shows it"


def check_later_steps(make: Make) -> None:
    """Where it is blind to later steps, the share of a step is there, whatever comes after: NaN here."""
    for lesson in own_or(make, NETWORKS["an Elman network"]):
        rule, network = make(), lesson.network
        if Sight.LATER_STEPS not in terms_of(rule, network).blind:
            continue
        assert isinstance(rule, Online), "it says that it is blind to later steps, and does not walk by steps"
        x = lesson.batch.x
        with torch.no_grad():
            errors = torch.randn_like(network(x))
        whole = [dict(share) for share in rule.walk(network, x, errors)]
        assert len(whole) == x.shape[1], f"expected a share of each of {x.shape[1]} steps, got {len(whole)}"
        for end in (1, x.shape[1] // 2, x.shape[1] - 1):
            cut, wrong = x.clone(), errors.clone()
            cut[:, end:], wrong[:, end:] = torch.nan, torch.nan
            shares = make().walk(network, cut, wrong)  # type: ignore[attr-defined]
            for step, (share, early) in enumerate(zip(whole[:end], shares, strict=False)):
                for name, update in share.items():
                    _same(early[name], update, f"the share of step {step} in {name} changes with later steps")
        _check_sum(make, lesson)


def _check_sum(make: Make, lesson: Lesson) -> None:
    """The shares of all steps are the update."""
    found = taught(make(), lesson)
    outputs = lesson.network(lesson.batch.x).detach().requires_grad_()
    (errors,) = torch.autograd.grad(lesson.loss(outputs, lesson.batch.y), outputs)
    rule = make()
    assert isinstance(rule, Online)
    total: dict[str, Tensor] = {}
    for share in rule.walk(lesson.network, lesson.batch.x, errors):
        total = {name: update + total.get(name, 0.0) for name, update in share.items()}
    for name, update in total.items():
        expected = found[name]
        assert expected is not None, f"a share of {name}, which gets no update"
        torch.testing.assert_close(
            update,
            expected,
            msg=f"shares of all steps add up to another update of {name} than it leaves",
        )


def check_forward_weights(make: Make) -> None:
    """Weights that it says it never looks at on the way back are drawn anew once the outputs are there."""
    for lesson in own_or(make, NETWORKS["a perceptron"], NETWORKS["an Elman network"]):
        network, batch = lesson.network, lesson.batch
        terms = terms_of(make(), network)
        if Sight.FORWARD_WEIGHTS not in terms.blind:
            continue
        assert terms.unseen, "it says that it is blind to forward weights, and to none of them"
        before = taught(make(), lesson)
        kept = {name: network.get_parameter(name).detach().clone() for name in terms.unseen}

        def anew(outputs: Tensor, answers: Tensor, terms: Terms = terms, of: Lesson = lesson) -> Tensor:
            value = of.loss(outputs, answers)
            draw = torch.Generator().manual_seed(7)
            for name in sorted(terms.unseen):
                part = of.network.get_parameter(name).data  # what autograd keeps is drawn anew, too
                part.copy_(torch.randn(part.shape, generator=draw, dtype=part.dtype))
            return value

        try:
            after = taught(make(), Lesson(network, batch, anew))
        finally:
            for name, one in kept.items():
                network.get_parameter(name).data.copy_(one)
        for name, update in before.items():
            _same(after[name], update, f"the update of {name} changes with forward weights")


def _blind(make: Make) -> Iterator[frozenset[Sight]]:
    for lesson in own_or(make, *NETWORKS.values()):
        yield terms_of(make(), lesson.network).blind


@contextmanager
def _drawn_anew(network: nn.Module, names: set[str]) -> Iterator[None]:
    """Inside, parameters have other values."""
    kept = {name: network.get_parameter(name).detach().clone() for name in names}
    draw = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for name in sorted(names):
            part = network.get_parameter(name)
            part.copy_(torch.randn(part.shape, generator=draw, dtype=part.dtype))
    try:
        yield
    finally:
        with torch.no_grad():
            for name, one in kept.items():
                network.get_parameter(name).copy_(one)


def _same(one: Tensor | None, other: Tensor | None, about: str) -> None:
    """Equal to the last bit."""
    alike = one is other or (one is not None and other is not None and torch.equal(one, other))
    assert alike, about


PROMISES = (
    check_any_network,
    check_what_is_frozen,
    check_later_layers,
    check_later_steps,
    check_forward_weights,
    costs.check_passes,
    costs.check_stored,
)
