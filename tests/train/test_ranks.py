"""Several processes learn as one: sums are sums, nobody is counted twice, and all end where one does."""

import hashlib
import os
import time

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.fresh import python, warm
from tests.together import Together, together
from wavetrain.core import CLASSES, Batch, Objective
from wavetrain.errors import BadInput
from wavetrain.rules.backpropagation import Backpropagation
from wavetrain.train import joining
from wavetrain.train.fit import examine
from wavetrain.train.ranks import ALONE, Ranks, here
from wavetrain.train.shares import learn

WORLDS = (2, 3)


def test_rows_are_shared_out_in_order_as_evenly_as_can_be() -> None:
    for world in range(1, 5):
        for count in range(8):
            shares = [Ranks(rank, world).share(count) for rank in range(world)]
            rows = [row for share in shares for row in range(count)[share]]
            assert rows == list(range(count))
            sizes = [share.stop - share.start for share in shares]
            assert max(sizes) - min(sizes) <= 1


class Times(nn.Module):
    """w x: the gradient of the mean of its outputs is the mean of x."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight


def _mean(output: Tensor, y: Tensor) -> Tensor:
    return output.mean()


PLAIN = Objective("mean", False, _mean, _mean)
COUNTED = Objective("mean", False, _mean, _mean, Tensor.numel)


def _gradients() -> list[float]:
    x = torch.tensor([1.0, 2, 3, 10, 20], dtype=torch.float64)[:, None, None]
    found = []
    for objective in (PLAIN, COUNTED):
        network = Times()
        learn(Backpropagation(), network, Batch(x, x), objective, here())
        found.append(network.weight.grad.item())
    return found


def test_the_gradient_is_of_the_mean_over_all_and_no_mean_of_means() -> None:
    """Gradients 1, 2, 3 in one process and 10, 20 in the other: 36 / 5 = 7.2, where (2 + 15) / 2 is 8.5."""
    for found in together(2, _gradients):
        assert found == pytest.approx([7.2, 7.2], abs=1e-12)


def _asked(output: Tensor, y: Tensor) -> Tensor:
    return output[y >= 0].mean()


ASKED = Objective("asked", False, _asked, _asked, lambda y: (y >= 0).sum())


def test_pieces_of_unequal_numbers_of_answers_count_by_these() -> None:
    """Three steps of loss 3 and one of loss 0, in two pieces: 9 / 4 = 2.25, where (3 + 0) / 2 is 1.5."""
    x = torch.tensor([[3.0, 3, 3], [0, 7, 7]], dtype=torch.float64)[..., None]
    y = torch.tensor([[0, 0, 0], [0, -1, -1]])[..., None]
    network = Times()
    with torch.no_grad():
        network.weight += 1
    loss = learn(Backpropagation(), network, Batch(x, y), ASKED, ALONE, pieces=2)
    assert loss.item() == network.weight.grad.item() == 2.25


LENGTHS = (7, 3, 5, 2, 9)


class Tanh(nn.Module):
    """A small recurrent network; with `drops`, some of its input is lost at random."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(1)
        sizes = ((4, 3), (4, 4), (2, 4))
        self.read, self.carry, self.say = (
            nn.Parameter(torch.randn(*size, generator=generator, dtype=torch.float64) / 2) for size in sizes
        )

    def forward(self, x: Tensor) -> Tensor:
        h, outputs = x.new_zeros(len(x), 4), []
        for token in x.unbind(1):
            h = torch.tanh(token @ self.read.T + h @ self.carry.T)
            outputs.append(h @ self.say.T)
        return torch.stack(outputs, 1)


def ragged(count: int = 5, empty: tuple[int, ...] = ()) -> Batch:
    """Sequences of unequal lengths; those in `empty` have no answer at all."""
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(count, 9, 3, generator=generator, dtype=torch.float64)
    y = torch.randint(2, (count, 9), generator=generator)
    for row in range(count):
        y[row, 0 if row in empty else LENGTHS[row] :] = -100
    return Batch(x, y)


def _cross(output: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(output.flatten(0, -2), y.flatten())


UNCOUNTED = Objective("accuracy", True, _cross, _cross)  # a mean over answers that does not say so


def _trained(batch: Batch, objective: Objective, pieces: int = 1, steps: int = 3) -> tuple[Tensor, float]:
    network = Tanh()
    optimiser = torch.optim.SGD(network.parameters(), 0.1)
    for _ in range(steps):
        optimiser.zero_grad(set_to_none=True)
        loss = learn(Backpropagation(), network, batch, objective, here(), pieces)
        optimiser.step()
    return nn.utils.parameters_to_vector(network.parameters()).detach(), float(loss)


CASES = [
    (ragged(), CLASSES, 1),
    (ragged(), CLASSES, 2),
    (ragged(), CLASSES, 5),
    (ragged(), UNCOUNTED, 1),
    (ragged(empty=(0, 1)), CLASSES, 2),  # a process and a piece without an answer
    (ragged(empty=(3, 4)), UNCOUNTED, 1),
    (ragged(1), CLASSES, 2),  # fewer sequences than processes
    (ragged(1), UNCOUNTED, 1),
    (ragged(2), UNCOUNTED, 1),
]


def _all_cases() -> list[tuple[Tensor, float]]:
    return [_trained(*case) for case in CASES]


@pytest.mark.parametrize("world", WORLDS)
def test_weights_are_those_of_one_process_and_one_piece(world: int) -> None:
    found = together(world, _all_cases)
    for place, (batch, _, _) in enumerate(CASES):
        weights, loss = _trained(batch, UNCOUNTED)
        for theirs in found:
            torch.testing.assert_close(theirs[place][0], weights, rtol=0, atol=1e-10)
            assert theirs[place][1] == pytest.approx(loss, abs=1e-10)
            assert torch.equal(theirs[place][0], found[0][place][0])


def test_alone_pieces_change_nothing_but_rounding() -> None:
    whole, _ = _trained(ragged(), CLASSES)
    for pieces in (1, 2, 5, 9):
        torch.testing.assert_close(_trained(ragged(), CLASSES, pieces)[0], whole, rtol=0, atol=1e-10)


class Branches(nn.Module):
    """Rows whose first number is negative go one way, the others another."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.ways, self.never = nn.ModuleList([nn.Linear(3, 2), nn.Linear(3, 2)]), nn.Linear(3, 2)
        self.double()

    def forward(self, x: Tensor) -> Tensor:
        which = (x[:, 0, 0] >= 0).long()
        out = x.new_zeros(*x.shape[:2], 2)
        for way in which.unique().tolist():
            out[which == way] = self.ways[way](x[which == way])
        return out


def _branched(together: Ranks, batches: list[Batch]) -> tuple[str, list[Tensor], list[bool]]:
    network = Branches()
    optimiser = torch.optim.Adam(network.parameters(), 0.1)
    for batch in batches:
        optimiser.zero_grad(set_to_none=True)
        learn(Backpropagation(), network, batch, CLASSES, together, pieces=2)
        optimiser.step()
        together.check_same(network)
    values = [one.detach() for one in network.parameters()]
    digest = hashlib.sha256(b"".join(one.numpy().tobytes() for one in values)).hexdigest()
    return digest, values, [one in optimiser.state for one in network.parameters()]


def _branched_here(batches: list[Batch]) -> tuple[str, list[Tensor], list[bool]]:
    return _branched(here(), batches)


@pytest.mark.parametrize("world", WORLDS)
def test_parameters_that_only_some_use_stay_the_same_in_all(world: int) -> None:
    """Two branches in turn, of other data in each process: the rows of one process never take both."""
    generator = torch.Generator().manual_seed(3)
    batches = []
    for signs in ((1, 1, -1, -1), (-1, -1, 1, 1), (1, 1, 1, 1), (-1, 1, -1, 1)):
        x = torch.randn(4, 2, 3, generator=generator, dtype=torch.float64)
        x[:, 0, 0] = x[:, 0, 0].abs() * torch.tensor(signs)
        batches.append(Batch(x, torch.randint(2, (4, 2), generator=generator)))
    _, values, states = _branched(ALONE, batches)
    assert states == [True] * 4 + [False] * 2
    found = together(world, _branched_here, batches)
    assert len({digest for digest, _, _ in found}) == 1
    for _, theirs, others in found:
        assert others == states
        for one, two in zip(values, theirs, strict=True):
            torch.testing.assert_close(one, two, rtol=0, atol=1e-10)


class Same(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.rows = 0

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight


def _mean_of_all(output: Tensor, y: Tensor) -> Tensor:
    return output.double().mean()


def _examined() -> list[float]:
    found = []
    for count in (1, 3, 5, 7):
        x = torch.arange(1.0, count + 1)[:, None, None]
        objective = Objective("mean", True, _mean, _mean_of_all)
        found.append(examine(Same(), Batch(x, x), objective, chunk=2, together=here()))
    return found


@pytest.mark.parametrize("world", (2, 3, 4))
def test_each_sequence_is_examined_once(world: int) -> None:
    """The mean of 1 to 5 is 3; with the last one twice it would be 16 / 6."""
    for found in together(world, _examined):
        assert found == [1.0, 2.0, 3.0, 4.0]


class Mixed(nn.Module):
    """Parameters of several types, one of which does not learn."""

    def __init__(self) -> None:
        super().__init__()
        self.single = nn.Parameter(torch.ones(3))
        self.long = nn.Parameter(torch.ones(2, dtype=torch.float64))
        self.turn = nn.Parameter(torch.full((2,), 1 + 1j, dtype=torch.complex64))
        self.short = nn.Parameter(torch.ones(2, dtype=torch.bfloat16))
        self.still = nn.Parameter(torch.ones(2), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        turned = torch.view_as_real(self.turn * x[..., :2]).sum((-1, -2))
        return turned + (x * self.single).sum(-1) + (x[..., :2] * self.long).sum(-1) + self.short.sum()


def _mixed(together: Ranks) -> list[Tensor]:
    network, x = Mixed(), torch.arange(24.0).view(4, 2, 3)
    learn(Backpropagation(), network, Batch(x, x), COUNTED, together)
    assert network.still.grad is None
    return [one.grad for one in network.parameters() if one.requires_grad]


def _mixed_here() -> list[Tensor]:
    return _mixed(here())


def test_gradients_of_all_types_are_summed() -> None:
    for found in together(2, _mixed_here):
        for ours, theirs in zip(_mixed(ALONE), found, strict=True):
            assert ours.dtype == theirs.dtype
            torch.testing.assert_close(ours, theirs)


def _told() -> list[object]:
    ours = here()
    complex_ = torch.complex(torch.arange(5.0), -torch.arange(5.0))[ours.share(5)]
    return [
        ours.agreed(ours.rank + 5),
        ours.once(lambda: f"by {ours.rank}"),
        ours.each(ours.rank),
        ours.whole(complex_, 5).tolist(),
    ]


def test_the_first_decides_and_all_tell() -> None:
    whole = [complex(one, -one) for one in range(5)]
    assert together(3, _told) == [[5, "by 0", [0, 1, 2], whole]] * 3
    assert [ALONE.agreed(3), ALONE.once(lambda: 4), ALONE.each(5), ALONE.first] == [3, 4, [5], True]


def _differ() -> str:
    network = nn.Linear(2, 2)
    nn.init.constant_(network.weight, 1.0)
    nn.init.constant_(network.bias, float(here().rank))
    try:
        here().check_same(network)
    except BadInput as error:
        return str(error)
    return "the same"


def test_what_differs_between_processes_is_said() -> None:
    assert all(
        said.startswith("bias of the network is not the same in all 2") for said in together(2, _differ)
    )


class Whole(Backpropagation):
    by_rows = False


def test_a_rule_that_needs_whole_batches_is_refused() -> None:
    with pytest.raises(BadInput, match="Whole learns from whole batches: expected one process and one piece"):
        learn(Whole(), Tanh(), ragged(), CLASSES, ALONE, pieces=2)
    with pytest.raises(BadInput, match="has a `count` of them, got 'accuracy' without"):
        learn(Backpropagation(), Tanh(), ragged(), UNCOUNTED, ALONE, pieces=2)


def _waits() -> None:
    ours = here()
    if ours.rank == 1:
        time.sleep(60)
    ours.agreed(0)


def test_where_one_is_killed_the_others_end() -> None:
    group = Together(3, _waits)
    begun = time.monotonic()
    while time.monotonic() - begun < 4:
        time.sleep(0.2)
    group.kill(1)
    first, killed, third = group.results(10)
    assert killed is None
    for one in (first, third):
        assert isinstance(one, ChildProcessError) and "one of the 3 processes has ended" in str(one)


def test_without_torchrun_nothing_is_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    assert joining.started() == (0, 1)
    monkeypatch.setenv("WORLD_SIZE", "4")  # as some clusters set it for other reasons
    assert joining.started() == (0, 1)
    assert not torch.distributed.is_initialized()


def test_what_a_joined_process_starts_is_none_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker inherits the environment; it must not wait for others, nor write as the first of them."""
    told = {"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500"}
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv(joining.JOINED, raising=False)
    assert joining.started() == (1, 2)
    monkeypatch.setenv(joining.JOINED, str(os.getpid()))
    assert joining.started() == (1, 2)
    monkeypatch.setenv(joining.JOINED, str(os.getppid()))
    assert joining.started() == (0, 1)


def _noises() -> tuple[list[float], list[float]]:
    found = []
    for ranks in (ALONE, here()):
        torch.manual_seed(3)
        with ranks.noise():
            found.append(torch.rand(4).tolist())
    return found[0], found[1]


def test_noise_is_of_its_own_in_each_but_the_first() -> None:
    found = together(3, _noises)
    assert found[0][0] == found[0][1] == found[1][0]
    assert len({tuple(own) for _, own in found}) == 3


def _by_itself() -> list[bool]:
    ours = here()
    return [here() is ALONE, ours.once(lambda: here() is ALONE), here() is ours]


def test_what_one_makes_for_all_it_makes_alone() -> None:
    assert together(2, _by_itself) == [[False, True, True]] * 2


def test_what_torchrun_says_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("MASTER_PORT", raising=False)
    with pytest.raises(BadInput, match="WORLD_SIZE is 2: expected MASTER_PORT beside it"):
        joining.started()
    monkeypatch.setenv("MASTER_PORT", "29500")
    assert joining.started() == (1, 2)
    for rank in ("2", "-1", "first"):
        monkeypatch.setenv("RANK", rank)
        with pytest.raises(BadInput, match="expected RANK from 0 to below WORLD_SIZE"):
            joining.started()


def test_what_is_for_several_is_loaded_by_several_alone() -> None:
    """The lab joins nothing and loads no sharded optimiser; telling who was started loads no PyTorch."""
    code = "import sys, wavetrain.train.joining as it; print(it.started(), 'torch' in sys.modules)"
    assert python(code) == "(0, 1) False"
    code = "import sys, wavetrain.train.lab, torch; print('torch.distributed.optim' in sys.modules, end=' ');"
    done = warm("-c", code + "print(torch.distributed.is_initialized())")
    assert done.stdout == "False False\n", done.stderr
