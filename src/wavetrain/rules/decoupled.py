"""Decoupled learning: a cerebellum foresees the gradient that the future will send, and nobody waits for it.

Pemberton, Boven, Apps and Costa 2021, arXiv 2110.11501, after the decoupled neural interfaces of Jaderberg et
al. 2017, arXiv 1608.05343. The sequence is cut in windows of K steps, and the state is handed on without its
gradient, as in truncated backpropagation. At the end of window i, whose state is s_i, stands in for what does
not come back

    alpha C(s_i)                                   C: the cerebellum, an MLP whose last layer starts at zero

It learns from the gradient that is there one window later, where L_{i+1} is the loss of that window:

    g_i = dL_{i+1} / ds_i + (ds_{i+1} / ds_i)' alpha C(s_{i+1}),       C(s_i) moves by 2 / B (C(s_i) - g_i)

that is, by the slope of the squared distance to a target that holds C's own next word, and that learns
nothing itself. alpha is in it twice: were C exact, what comes from k windows on would count alpha^k. Nothing
comes after the last window, and yet C is asked there, as in the authors' code. What all windows ask is added
up, and left for one step of any optimiser. C foresees the gradient of the loss as it is: where that is a mean
over B sequences, a B-th of what each would send.

What a step asks is there when the step is over, and what C asks with the end of its window (`walk`). C does
not know which error is to come; so the lens `credit_operator` shows its word in the row of every step, and
takes a cerebellum that no longer learns.
Left out: a context that C sees beside the state, as labels; the regression of C's next word on this state;
and that on the first state, which no window ends in, and which the authors' code has.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wavetrain.core import Batch, Card, State, check_width, detached, leaves, map_state
from wavetrain.core.terms import Online, Sight, Terms, as_many, learns
from wavetrain.errors import BadInput
from wavetrain.parts.cerebellar_reader import CerebellarReader, flat
from wavetrain.parts.kept import into_optimiser, of_optimiser, under, within
from wavetrain.parts.reader import one_hot
from wavetrain.parts.synthetic_gradient import predictor
from wavetrain.rules._apart import errors_of
from wavetrain.rules._halves import Halves, halves


class Decoupled(Online):
    """Teaches a `Reader` of one layer, or a stack that answers, in windows of so many `steps`.

    A `CerebellarReader` holds its cerebellum itself, which then learns by the optimiser that follows. For any
    other network the rule keeps the one that it is given, or makes one with `hidden` layers at the first
    batch, and teaches it by Adam of this `rate`, or not at all where that is 0. `together` takes all windows
    at once: the same update in less time, for which the states of all steps are stored.

    Raises BadInput for another network, and for one whose state grows or has no real numbers.

    >>> from wavetrain.core import VALUES, Batch
    >>> from wavetrain.layers import LSTM
    >>> from wavetrain.parts.reader import Reader
    >>> from wavetrain.rules import Decoupled
    >>> rule, network = Decoupled(steps=2, alpha=0.1), Reader(LSTM(6, inputs=3), outputs=2, every_step=True)
    >>> batch = Batch(torch.randn(4, 12, 3), torch.randn(4, 12, 2))
    >>> for _ in range(5):
    ...     loss = rule.learn(network, batch, VALUES.loss)
    >>> rule.cerebellum(torch.randn(4, 12)).shape  # it foresees the gradient of h and c
    torch.Size([4, 12])
    """

    card = Card(
        title="Cortico-cerebellar networks as decoupling neural interfaces",
        authors="Pemberton, Joseph and Boven, Ellen and Apps, Richard and Costa, Rui Ponte",
        year=2021,
        source="NeurIPS 2021, arXiv 2110.11501",
        family="gradient",
        topic="Learning rules",
    )

    def __init__(
        self,
        steps: int = 1,
        alpha: float = 0.1,
        *,
        hidden: Sequence[int] = (300,),
        rate: float = 1e-3,
        together: bool = False,
        cerebellum: nn.Module | None = None,
    ):
        check_width("Decoupled", steps=steps, **{f"hidden[{at}]": size for at, size in enumerate(hidden)})
        if not (0 <= alpha < math.inf and 0 <= rate < math.inf):
            raise BadInput(f"Decoupled: expected alpha and rate of at least 0, got {alpha} and {rate}")
        self.steps, self.alpha, self.hidden = steps, alpha, tuple(hidden)
        self.rate, self.together, self.cerebellum = rate, together, cerebellum
        self.adam: torch.optim.Adam | None = None

    def terms(self, network: nn.Module) -> Terms:
        halves("Decoupled", network)
        return Terms(
            trains=learns(network),
            blind=frozenset({Sight.LATER_STEPS}),
            passes=2,
            stored=as_many if self.together else lambda depth, time: depth * min(time, self.steps),
        )

    def state_dict(self) -> dict[str, Tensor]:
        """Its own cerebellum and what Adam knows of it; one that a network holds is the network's."""
        if self.cerebellum is None:
            return {}
        known = {} if self.adam is None else of_optimiser(self.adam)
        both = within("cerebellum", self.cerebellum.state_dict()) | within("adam", known)
        return {name: one.clone() for name, one in both.items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        numbers, known = under("cerebellum", state), under("adam", state)
        if not numbers:
            return
        if self.cerebellum is None:
            first = numbers["0.weight"]
            self.cerebellum = _made(first.shape[1], self.hidden, first)
        self.cerebellum.load_state_dict(numbers)
        self.adam = None
        if known:
            self.adam = torch.optim.Adam(_taught(self.cerebellum), self.rate)
            into_optimiser(self.adam, known)

    def learn(self, network: nn.Module, batch: Batch, loss: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        cortex = halves("Decoupled", network)
        if not learns(network):
            raise BadInput("expected a loss of something that learns, got one of frozen parameters alone")
        x = one_hot(batch.x, cortex.layer.inputs, next(network.parameters()).dtype)
        outputs, starts = self._outputs(cortex, x)
        cerebellum = self._asked(network, flat(starts[0]))
        value, errors = errors_of(outputs, batch.y, loss)
        if not cortex.every_step:  # the loss is one of the last step
            errors = nn.functional.pad(errors[:, None], (0, 0, x.shape[1] - 1, 0))
        carried = isinstance(network, CerebellarReader)
        says = cerebellum if carried or self.rate else lambda states: cerebellum(states).detach()
        self._through(cortex, list(_learning(network).values()), says, x, errors, starts)
        if self.rate and not carried:
            self._move(cerebellum)
        return value

    def injected(
        self, guess: Float[Tensor, "windows batch numbers"]
    ) -> Float[Tensor, "windows batch numbers"]:
        """What of the cerebellum's word, detached, is fed back at the ends of windows: all of it."""
        return guess

    def walk(
        self, network: nn.Module, x: Tensor, errors: Float[Tensor, "batch time outputs"]
    ) -> Iterator[Mapping[str, Tensor]]:
        """The share of each step of x (B, T, inputs) in the update of each parameter, a window at a time."""
        cortex, learning = halves("Decoupled", network), _learning(network)
        x = one_hot(x, cortex.layer.inputs, next(network.parameters()).dtype)
        state, waiting = cortex.layer.begin(len(x)), None
        cerebellum = self._asked(network, flat(state))
        for now, wrong in zip(x.split(self.steps, 1), errors.split(self.steps, 1), strict=True):
            start = state = map_state(_traced, state)
            numbers = [one for one in leaves(start) if one.requires_grad]
            slopes = [torch.zeros_like(one) for one in numbers]
            for step in range(now.shape[1]):
                y, state = cortex.layer.step(now[:, step], state)
                roots = [(cortex.read(y), wrong[:, step])]
                if last := step == now.shape[1] - 1:
                    given = flat(state)
                    guess = cerebellum(given.detach())
                    roots.append((given, self.alpha * self.injected(guess.detach()[None])[0]))
                found = _back(roots, [*learning.values(), *numbers], keep=not last)
                shares, more = found[: len(learning)], found[len(learning) :]
                slopes = [one + other for one, other in zip(slopes, more, strict=True)]
                share = dict(zip(learning, shares, strict=True))
                if last and waiting is not None and waiting.requires_grad:
                    pull = 2 / len(x) * (waiting.detach() - flat(_like(start, slopes)))
                    told = _back([(waiting, pull)], list(learning.values()), keep=False)
                    share = {name: one + two for (name, one), two in zip(share.items(), told, strict=True)}
                yield share
            state, waiting = detached(state), guess

    def _outputs(self, cortex: Halves, x: Tensor) -> tuple[Tensor, list[State]]:
        """What the network gives, found window by window; the states windows start from, or the first."""
        state, outputs = cortex.layer.begin(len(x)), []
        starts, size = [state], flat(state).shape
        with torch.no_grad():
            for now in x.split(self.steps, 1):
                y, state = cortex.layer(now, state)
                outputs.append(cortex.read(y if cortex.every_step else y[:, -1]))
                if flat(state).shape != size:
                    raise BadInput(
                        f"Decoupled: expected a state of as many numbers throughout, {size[1]} as at first, "
                        f"got {flat(state).shape[1]} of {type(cortex.layer).__name__} {self.steps} on"
                    )
                if self.together:
                    starts.append(state)
        return (torch.cat(outputs, 1) if cortex.every_step else outputs[-1]), starts

    def _asked(self, network: nn.Module, first: Float[Tensor, "batch numbers"]) -> nn.Module:
        """The cerebellum of a network; the rule's own is made where it is asked for the first time."""
        size = first.shape[1]
        if not size:
            raise BadInput("Decoupled: expected a layer whose state has real numbers, got one without")
        found = network.cerebellum if isinstance(network, CerebellarReader) else self.cerebellum
        if found is None:
            found = self.cerebellum = _made(size, self.hidden, first)
        try:
            fits = found(first[:1].detach()).shape == (1, size)
        except RuntimeError:  # of shapes that do not fit
            fits = False
        if not fits:
            raise BadInput(f"Decoupled: expected a cerebellum of states of {size} numbers, got one of others")
        return found

    def _through(
        self,
        cortex: Halves,
        learning: list[nn.Parameter],
        says: Callable[[Tensor], Tensor],
        x: Float[Tensor, "batch time inputs"],
        errors: Float[Tensor, "batch time outputs"],
        starts: list[State],
    ) -> None:
        """Back through one window after the other, or through all that are whole, and then the rest."""
        (batch, time, _), state, waiting, at = x.shape, starts[0], None, 0
        while at * self.steps < time:
            many = max(1, time // self.steps - at) if self.together else 1
            span = slice(at * self.steps, (at + many) * self.steps)
            now, wrong = (_beside(part[:, span], many) for part in (x, errors))
            if self.together:
                state = map_state(lambda *each: torch.cat(each), *starts[at : at + many])
            start = map_state(_traced, state)
            numbers = [one for one in leaves(start) if one.requires_grad]
            y, end = cortex.layer(now, start)
            given = flat(end)
            guess = says(given.detach()).unflatten(0, (many, batch))
            pull = self.alpha * self.injected(guess.detach()).flatten(0, 1)
            found = _back([(cortex.read(y), wrong), (given, pull)], [*learning, *numbers], keep=False)
            for one, slope in zip(learning, found, strict=False):
                one.grad = slope if one.grad is None else one.grad + slope
            slopes = flat(_like(start, found[len(learning) :])).unflatten(0, (many, batch))
            foreseen = guess[:-1] if waiting is None else torch.cat([waiting, guess[:-1]])
            if len(foreseen) and foreseen.requires_grad:
                target = slopes[-len(foreseen) :]  # what the first state is blamed for nobody foresaw
                foreseen.backward(2 / batch * (foreseen.detach() - target), retain_graph=True)
            state, waiting, at = detached(end), guess[-1:], at + many

    def _move(self, cerebellum: nn.Module) -> None:
        """A step of the rule's own cerebellum."""
        learning = _taught(cerebellum)
        if self.adam is None and learning:
            self.adam = torch.optim.Adam(learning, self.rate)
        if self.adam is not None:
            self.adam.step()
        for one in learning:
            one.grad = None


def _made(size: int, hidden: Sequence[int], like: Tensor) -> nn.Module:
    """A cerebellum of states of so many numbers, always the same."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return predictor(size, size, hidden).to(like)


def _taught(cerebellum: nn.Module) -> list[nn.Parameter]:
    return [one for one in cerebellum.parameters() if one.requires_grad]


def _learning(network: nn.Module) -> dict[str, nn.Parameter]:
    return {name: one for name, one in network.named_parameters() if one.requires_grad}


def _traced(one: Tensor) -> Tensor:
    """A part of a state whose slopes are asked for, where it has any; a first state that learns stays one."""
    real = one.is_floating_point() or one.is_complex()
    return one.clone().requires_grad_() if real and not one.requires_grad else one


def _like(state: State, numbers: list[Tensor]) -> State:
    """The numbers in the form of a state, whose counts stay."""
    left = iter(numbers)
    return map_state(lambda one: next(left) if one.requires_grad else one, state)


def _back(roots: list[tuple[Tensor, Tensor]], to: list[Tensor], keep: bool) -> list[Tensor]:
    """What the pulls on some roots ask of each; zeros where nothing leads there."""
    roots = [(one, pull) for one, pull in roots if one.requires_grad]
    found = torch.autograd.grad(
        [one for one, _ in roots], to, [pull for _, pull in roots], retain_graph=keep, allow_unused=True
    )
    return [torch.zeros_like(one) if slope is None else slope for one, slope in zip(to, found, strict=True)]


def _beside(part: Float[Tensor, "batch time numbers"], many: int) -> Float[Tensor, "rows steps numbers"]:
    """Windows of a sequence as sequences of their own, all of the first window first."""
    return part.unflatten(1, (many, -1)).transpose(0, 1).flatten(0, 1)
