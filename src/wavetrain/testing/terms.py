"""What a rule says of itself is so: what it trains, what it is blind to, and what it costs.

A rule that states no terms is held to those of backpropagation, where it teaches any network.
"""

import itertools
import math
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from wavetrain.core import Batch, Lesson, Rule
from wavetrain.core.terms import Online, Sight, Stated, Terms, terms_of
from wavetrain.errors import BadInput
from wavetrain.layers.gate.gru import GRU
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.parts.leaky_reader import LeakyReader
from wavetrain.parts.reader import Reader
from wavetrain.parts.stack import MLP, Answer, Stack
from wavetrain.spiking.lif import LIF
from wavetrain.testing.tools import normal

WIDTH, BATCH = 32, 8  # of networks whose cost is measured
SHORT, LONG = 32, 128  # steps
SHALLOW, DEEP = 4, 16  # layers

Make = Callable[[], Rule]


def perceptron(depth: int, width: int = 6, outputs: int = 2) -> nn.Sequential:
    """So many hidden layers of units, of three inputs."""
    sizes = [3, *(width,) * depth, outputs]
    maps = [nn.Linear(one, other) for one, other in itertools.pairwise(sizes)]
    return nn.Sequential(*(part for one in maps[:-1] for part in (one, nn.Tanh())), maps[-1])


class Odd(nn.Module):
    """A network whose weight no linear map has."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(0.5 * torch.ones(3, 2))

    def forward(self, x: Tensor) -> Tensor:
        return (x[..., None] * self.weight).sum(-2)


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "a linear map": partial(nn.Linear, 3, 2),
    "a perceptron": partial(perceptron, 2),
    "an Elman network": lambda: Reader(Elman(6, inputs=3), outputs=2, every_step=True),
    "a GRU": lambda: Reader(GRU(6, inputs=3), outputs=2, every_step=True),
    "units that fire, with a leaky read-out": lambda: LeakyReader(LIF(6, inputs=3), outputs=2, tau=5.0),
    "a stack": lambda: Answer(Stack([Elman(6), Elman(6)], 3, 2, MLP.NONE), every_step=True),
    "a weight that no linear map has": Odd,
}


def seeded(make: Callable[[], nn.Module]) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return make()


def on(network: nn.Module, *, batch: int = 4, time: int = 7, outputs: int = 2) -> Lesson:
    """Sequences of three inputs, with answers for every step."""
    x = normal(batch, time, 3, dtype=torch.float32)
    return Lesson(network, Batch(x, x[..., :outputs].cumsum(1).tanh()), nn.functional.mse_loss)


def taught(rule: Rule, lesson: Lesson) -> dict[str, Tensor | None]:
    """What the rule leaves in `.grad`, from nothing."""
    lesson.network.zero_grad()
    torch.manual_seed(4)
    rule.learn(*lesson)
    return {
        name: None if one.grad is None else one.grad.clone()
        for name, one in lesson.network.named_parameters()
    }


def check_updates(network: nn.Module, terms: Terms) -> None:
    """Each parameter that is trained has a finite update of its shape, and no other one has any."""
    named = dict(network.named_parameters())
    unknown = terms.trains - {name for name, one in named.items() if one.requires_grad}
    assert not unknown, f"it says that it trains {', '.join(sorted(unknown))}, which does not learn"
    for name, parameter in named.items():
        if name not in terms.trains:
            idle = parameter.grad is None or not parameter.grad.any()
            assert idle, f"an update is left for {name}, which it does not say it trains"
            continue
        assert parameter.grad is not None, f"no update is left for {name}"
        assert parameter.grad.shape == parameter.shape, f"the update of {name} has another shape"
        assert parameter.grad.isfinite().all(), f"the update of {name} is not finite"


def accepted(make: Make, network: nn.Module, outputs: int = 2) -> bool:
    """Whether the rule teaches a network; if not it says so in one line, and leaves no update."""
    rule = make()
    try:
        rule.learn(*on(network, outputs=outputs))
    except BadInput as error:
        said = str(error)
        assert "\n" not in said, f"expected one line, got {said!r}"
        left = [name for name, one in network.named_parameters() if one.grad is not None]
        assert not left, f"it refuses {type(network).__name__}, but leaves updates of {', '.join(left)}"
        network.zero_grad()
        return False
    return True


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


def own_or(make: Make, *others: Callable[[], nn.Module]) -> Iterator[Lesson]:
    """The rule's own lesson, if it has one, and others on networks that it teaches."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        own = make().lesson()
    if own is not None:
        yield own
    for one in others:
        network = seeded(one)
        if accepted(make, network):
            yield on(network)


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
            if not torch._C._functorch.is_functorch_wrapped_tensor(x):
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


class Peak(TorchDispatchMode):
    """The most bytes of new tensors that there were at once."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.most = 0
        self.seen: dict[int, Any] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        before = {id(one.untyped_storage()) for one in tree_leaves((args, kwargs)) if isinstance(one, Tensor)}
        made = func(*args, **(kwargs or {}))
        for one in tree_leaves(made):
            if isinstance(one, Tensor):
                self._note(one.untyped_storage(), before)
        return made

    def _note(self, storage: Any, before: set[int]) -> None:
        if id(storage) in before or id(storage) in self.seen:
            return
        key, size = id(storage), storage.nbytes()

        def gone(_: object) -> None:
            self.now -= size
            self.seen.pop(key, None)

        self.seen[key] = weakref.ref(storage, gone)
        self.now += size
        self.most = max(self.most, self.now)


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
    check_passes,
    check_stored,
)
