"""What networks promise: for each promise a network that breaks it, and a right one."""

from typing import Any

import pytest
import torch
from jaxtyping import Float
from torch import Tensor, nn

from wavetrain.core import Card, Carrying, Network, State
from wavetrain.testing import networks

X = torch.rand(3, 6, 5, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


class Scales(Network):
    """Each channel times a number of its own."""

    card = Card("A toy", "Nobody, No", 2026, "this file, pp. 1", "toy", "none")

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.rand(5))

    def forward(self, x: Tensor) -> Any:
        return self.gain * x


class Beside(Scales):
    """The answers stand in front of something else."""

    def forward(self, x: Tensor) -> Any:
        return super().forward(x), torch.rand(3)


class Sums(Scales, Carrying):
    """Sums over time, scaled."""

    def begin(self, batch: int) -> State:
        return self.gain.new_zeros(batch, 5)

    def carry(self, x: Tensor, state: State = None) -> tuple[Tensor, State]:
        total = (self.begin(len(x)) if state is None else state).unsqueeze(1) + x.cumsum(1)
        return self.gain * total, total[:, -1]

    def forward(self, x: Tensor) -> Any:
        return self.carry(x)[0]


class Draws(Scales):
    """A part that no seed decides."""

    made = 0

    def __init__(self) -> None:
        super().__init__()
        Draws.made += 1
        self.register_buffer("more", torch.tensor(float(Draws.made)))

    def forward(self, x: Tensor) -> Any:
        return super().forward(x) + self.more


class KeepsBack(Scales):
    """A random part that is not saved."""

    def __init__(self) -> None:
        super().__init__()
        self.more = torch.rand(())

    def forward(self, x: Tensor) -> Any:
        return super().forward(x) + self.more


class Last(Scales):
    def forward(self, x: Tensor) -> Any:
        return super().forward(x)[1:]


class Infinite(Scales):
    def forward(self, x: Tensor) -> Any:
        return super().forward(x) / 0


class Leaks(Scales):
    """A little more than is rounded away comes from the others."""

    def forward(self, x: Tensor) -> Any:
        return super().forward(x) * (1 + 2e-6 * len(x))


class Rounds(Scales):
    """Rounding may depend on how many there are."""

    def forward(self, x: Tensor) -> Any:
        return super().forward(x) * (1 + 2e-7 * len(x))


class Writes(Scales):
    def forward(self, x: Tensor) -> Any:
        self.seen = x
        return super().forward(x)


class Frozen(Scales):
    def forward(self, x: Tensor) -> Any:
        return super().forward(x).detach() + 0 * self.gain


class Spoils(Scales):
    """One of two parameters has a gradient that is not a number."""

    def __init__(self) -> None:
        super().__init__()
        self.more = nn.Parameter(torch.rand(5))

    def forward(self, x: Tensor) -> Any:
        return super().forward(x) + 0 * (self.more - self.more.detach()).abs().sqrt()


class SaysOther(Sums):
    """What carries says another thing than what answers."""

    def forward(self, x: Tensor) -> Any:
        return super().forward(x) * (1 + 1e-9)


class WritesToTheState(Sums):
    def carry(self, x: Tensor, state: State = None) -> Any:
        y, after = super().carry(x, state)
        return y, after if state is None else state.copy_(after)


class BeginsAnew(Sums):
    def carry(self, x: Tensor, state: State = None) -> Any:
        return super().carry(x)


class BeginsElsewhere(Sums):
    def begin(self, batch: int) -> State:
        return super().begin(batch) + 1e-4

    def carry(self, x: Tensor, state: State = None) -> Any:
        return super().carry(x, 0 * self.begin(len(x)) if state is None else state)


class MissesAnAxis(Sums):
    """A part of it is annotated with another shape than it is given."""

    def forward(self, x: Tensor) -> Any:
        self.extra(x[:, 0])
        return super().forward(x)

    def extra(self, x: Float[Tensor, "batch time inputs"]) -> None:
        """Told three axes, given two."""


BROKEN = [
    (Draws, networks.check_seed, "Tensor-likes are not equal"),
    (KeepsBack, networks.check_seed, "Tensor-likes are not equal"),
    (Last, networks.check_answers, r"expected answers to 3 sequences, got \(2, 6, 5\)"),
    (Infinite, networks.check_answers, "an answer is not finite"),
    (Leaks, networks.check_answers, "row 0 differs alone"),
    (MissesAnAxis, networks.check_annotations, "extra is annotated with"),
    (Writes, networks.check_keeps_nothing, "the network has changed"),
    (Frozen, networks.check_learns, "no parameter has a gradient"),
    (Spoils, networks.check_learns, "a gradient is not finite"),
    (SaysOther, networks.check_carries, "Tensor-likes are not equal"),
    (WritesToTheState, networks.check_carries, "the state that was given has changed"),
    (BeginsAnew, networks.check_carries, "Tensor-likes are not close"),
    (BeginsElsewhere, networks.check_carries, "Tensor-likes are not close"),
]


@pytest.mark.parametrize(("kind", "check", "what"), BROKEN, ids=lambda one: getattr(one, "__name__", None))
def test_a_network_that_breaks_a_promise_is_seen(kind, check, what: str):
    check(Sums, X)
    with pytest.raises(AssertionError, match=what):
        check(kind, X)


@pytest.mark.parametrize("kind", [Scales, Beside, Sums, Rounds])
def test_networks_that_keep_them(kind: type[Network]):
    networks.check_network(kind, X)


def test_all_promises_are_yielded():
    names = ["seed", "answers", "annotations", "keeps_nothing", "learns"]
    assert [one.name for one in networks.promises(Scales, X)] == names
    assert [one.name for one in networks.promises(Sums, X)] == [*names, "carries"]


def test_it_is_examined_in_float64_and_in_evaluation_and_no_dice_move():
    before = torch.get_rng_state()
    network = networks._built(Scales, 4)
    assert torch.equal(torch.get_rng_state(), before)
    assert network.gain.dtype == torch.float64 and not network.training
    torch.manual_seed(4)
    assert network.gain.equal(torch.rand(5).double())
