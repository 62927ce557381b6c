"""The global workspace: what is conserved, what hard gates do, and what the controller cannot know."""

import pytest
import torch
from torch import Tensor, nn

from wavetrain.errors import BadInput
from wavetrain.networks.global_workspace import GlobalWorkspace, Shift, Table, Trace

PAIRS = torch.cartesian_prod(torch.arange(10), torch.arange(10))


def network(**sizes: int) -> GlobalWorkspace:
    torch.manual_seed(1)
    return GlobalWorkspace(**sizes).double()


class Script(nn.Module):
    """Stands in for a gate: opens what is written down, for all sequences alike."""

    def __init__(self, gates: list[int]):
        super().__init__()
        self.gates, self.out_features, self.weight, self.time = gates, 3, torch.zeros(1), 0

    def forward(self, h: Tensor) -> Tensor:
        self.time += 1
        return 50.0 * torch.eye(3, dtype=h.dtype)[self.gates[self.time - 1]].expand(len(h), 3)


def scripted(gates: list[int], first: Tensor) -> Trace:
    model = network(steps=len(gates))
    model.gate = Script(gates)  # type: ignore[assignment]
    return model.trace(torch.stack([first, torch.zeros_like(first)], 1), hard=True)


def test_parameters():
    """The LSTM 4 x 32 x (13 + 32) + 8 x 32, the gates 99; a learned increment is a table of 19 x 19."""
    assert sum(part.numel() for part in network().parameters()) == 6016 + 99
    assert sum(part.numel() for part in GlobalWorkspace(modules=[Table(19)]).parameters()) == 6115 + 361


@pytest.mark.parametrize("hard", [True, False])
def test_all_are_distributions(hard: bool):
    trace = network().trace(PAIRS, hard)
    assert trace.gates.shape == (100, 12, 3) and trace.workspace.shape == (100, 13, 19)
    for part in trace:
        assert (part >= 0).all() and torch.allclose(part.sum(-1), torch.ones(()).double())
    assert torch.equal(trace.workspace[:, 0], torch.full((100, 19), 1 / 19, dtype=torch.float64))


@pytest.mark.parametrize("number", range(10))
def test_input_then_n_increments_then_output_adds_n(number: int):
    first = torch.arange(10)
    trace = scripted([0, *[1] * number, 2], first)
    assert torch.equal(trace.said.argmax(-1), first + number)
    assert torch.equal(trace.said.amax(-1), torch.ones(10).double())
    late = scripted([1, 2, 1, 0, *[1] * number], first)  # the uniform workspace is said at once
    assert torch.allclose(late.said, torch.full((10, 19), 1 / 19, dtype=torch.float64))
    forgotten = scripted([1, 1, 0, *[1] * number], first)  # an input forgets what was; the end is read
    assert torch.equal(forgotten.said.argmax(-1), first + number)


@pytest.mark.parametrize("hard", [True, False])
def test_a_run_written_out(hard: bool):
    """The controller hears the number at the first step alone, and at each what it opened last."""
    model = GlobalWorkspace(5, 3, 4, steps=4, modules=[Shift(), Table(5)]).double()
    with torch.no_grad():
        model.operations[1].scores.normal_(generator=torch.Generator().manual_seed(1))
    x = torch.tensor([[4, 2], [1, 0], [0, 1]])
    trace, logs = model.trace(x, hard), model(x)
    table = model.operations[1].scores.softmax(1)
    for (first, told), gates, held, said, log in zip(x.tolist(), *trace, logs, strict=True):
        h = c = torch.zeros(1, 4).double()
        gate, rest = torch.zeros(4).double(), 1.0
        now, spoken = torch.full((5,), 0.2, dtype=torch.float64), torch.zeros(5).double()
        for step in range(4):
            heard = torch.eye(3).double()[told] * (step == 0)
            h, c = model.controller(torch.cat([heard, gate])[None], (h, c))
            gate = model.gate(h)[0].softmax(0)
            gate = torch.eye(4).double()[gate.argmax()] if hard else gate
            torch.testing.assert_close(gates[step], gate, rtol=1e-9, atol=1e-12)
            torch.testing.assert_close(held[step], now, rtol=1e-9, atol=1e-12)
            spoken, rest = spoken + rest * gate[3] * now, rest * (1 - gate[3])
            written = torch.eye(5).double()[first]
            now = gate[0] * written + gate[1] * now.roll(1) + gate[2] * now @ table + gate[3] * now
        torch.testing.assert_close(held[4], now, rtol=1e-9, atol=1e-12)
        torch.testing.assert_close(said, spoken + rest * now, rtol=1e-9, atol=1e-12)
        if not hard:
            torch.testing.assert_close(log, (said + 1e-6).log(), rtol=1e-12, atol=0)


def test_the_controller_never_sees_the_first_number():
    gates = network().trace(PAIRS).gates.unflatten(0, (10, 10))
    assert torch.equal(gates, gates[:1].expand_as(gates))
    assert (gates[0, 0] != gates[0, 1]).any()


def test_one_more_in_is_one_more_out():
    said = network().trace(PAIRS).said.unflatten(0, (10, 10))
    assert torch.allclose(said[1:], said[:-1].roll(1, -1), atol=1e-15)


def test_nineteen_increments_are_none():
    workspace = torch.rand(4, 19)
    again = workspace
    for _ in range(19):
        again = Shift()(again)
    assert torch.equal(again, workspace) and not torch.equal(Shift()(workspace), workspace)
    assert torch.allclose(Table(19)(workspace), workspace.mean(-1, keepdim=True).expand(4, 19))


def test_influence_is_what_changes_when_another_number_is_written():
    """Everything that was said of the input is said, shifted, of another: the share is what is left over."""
    trace = network().trace(PAIRS)
    shares = GlobalWorkspace.influence(trace.gates)
    assert shares.shape == (100, 13, 12) and (shares >= 0).all()
    assert torch.equal(shares, shares.tril(-1))  # what is written at s is there from s + 1 on
    model = network()
    nothing = model.trace(PAIRS)  # the same, but nothing is ever written
    kept = torch.where(torch.arange(3) == 0, 0.0, nothing.gates)
    rest = (1 - nothing.gates[..., 2]).cumprod(1)
    rest = torch.cat([torch.ones_like(rest[:, :1]), rest], 1)
    mass, said = torch.ones(100).double(), torch.zeros(100).double()
    for t in range(12):
        said = said + rest[:, t] * kept[:, t, 2] * mass
        mass = mass * kept[:, t].sum(-1)
    assert torch.allclose(shares.sum((1, 2)), 1 - said - rest[:, 12] * mass)


def test_gradients_and_images():
    seen = nn.Linear(16, 19).double()
    model = GlobalWorkspace(see=seen).double()
    model(torch.rand(3, 2, 16).double()).sin().sum().backward()
    assert all(part.grad is not None and part.grad.any() for part in model.parameters())
    certain = GlobalWorkspace(see=nn.Identity())
    certain.load_state_dict(network().float().state_dict())
    scores = 100.0 * torch.eye(19)[PAIRS]
    assert torch.allclose(certain(scores), network().float()(PAIRS), atol=1e-4)


def test_bad_input():
    with pytest.raises(BadInput, match=r"whole numbers below 19 and 10, got \(1, 2\) of torch.int64"):
        network()(torch.tensor([[0, 10]]))
    with pytest.raises(BadInput, match=r"expected x \(batch, 2\), got \(1, 3\)"):
        network()(torch.zeros(1, 3).long())
    with pytest.raises(BadInput, match="told of at most 5 values, got 6"):
        GlobalWorkspace(5, 6)
    assert GlobalWorkspace(5, 5)(torch.tensor([[4, 4]])).shape == (1, 5)
    for x in ([[19, 0]], [[-1, 0]], [[0, -1]]):
        with pytest.raises(BadInput, match="whole numbers below 19 and 10"):
            network()(torch.tensor(x))
    assert network()(torch.tensor([[18, 9], [0, 0]])).isfinite().all()
    with pytest.raises(BadInput, match=r"scores \(batch, 19\) of what is seen, got \(4,\) of each"):
        GlobalWorkspace(see=nn.Linear(3, 4))(torch.rand(2, 2, 3))
