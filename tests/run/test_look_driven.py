"""A network under an input: which states are gathered, what is cut off, and which layer is told of."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from wavetrain.core import Nonlinear, State
from wavetrain.errors import BadInput
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.parts.stack import MLP, Body, Stack
from wavetrain.run import look_driven
from wavetrain.run.look_driven import driven, noise, row, starts, walked


class Counter(Nonlinear):
    """Its state is how many steps it has seen, and the first number of the last one."""

    def __init__(self, size: int = 2):
        super().__init__(size, 1)
        self.size = size
        self.weight = nn.Parameter(torch.ones(1))

    def begin(self, batch: int) -> State:
        return self.weight.new_zeros(batch, self.size)

    def step(self, x: Tensor, state: Any) -> tuple[Tensor, State]:
        after = torch.cat([state[:, :1] + 1, x, state[:, 2:]], 1)
        return after, after


def test_states_are_gathered_after_the_first_quarter_of_a_walk() -> None:
    """Of 8 sequences and 256 steps: steps 65 to 256 of sequences 0 to 7; drawn by one fixed die."""
    x = torch.arange(10.0)[:, None, None].expand(10, 300, 1)
    visited = np.stack(
        [np.tile(np.arange(65, 257.0), 8), np.repeat(np.arange(8.0), 192)], 1
    )  # sequence by sequence
    dice = np.random.default_rng(0)
    some = visited[dice.integers(8 * 192, size=8)]
    near = some + 0.1 * visited.std(0) * dice.standard_normal((8, 2))
    found = starts(Counter(), x)
    assert found is not None
    np.testing.assert_allclose(found, np.concatenate([some, near]), rtol=0, atol=1e-12)


def test_a_state_of_more_than_512_numbers_is_none_to_start_from() -> None:
    x = torch.zeros(1, 8, 1)
    assert starts(Counter(512), x) is not None and starts(Counter(513), x) is None


class Growing(Counter):
    """Whose state grows."""

    def step(self, x: Tensor, state: Any) -> tuple[Tensor, State]:
        return super().step(x, state)[0], torch.cat([state, x], 1)


class Grown(Counter):
    """Whose state grows once."""

    def step(self, x: Tensor, state: Any) -> tuple[Tensor, State]:
        y, after = super().step(x, state[:, :2])
        return y, torch.cat([after, x], 1) if after[0, 0] > 3 else after


class Lost(Counter):
    """Whose state is no number after the first five steps."""

    def step(self, x: Tensor, state: Any) -> tuple[Tensor, State]:
        y, after = super().step(x, state)
        return y, torch.where(after[:, :1] > 5, torch.nan, after)


def test_states_that_grow_or_are_no_numbers_are_none_to_start_from() -> None:
    x = torch.zeros(2, 8, 1)
    for one in (Growing(), Grown()):
        assert starts(one, x) is None and walked(one, x) is None
    found = starts(Lost(), x)
    assert found is not None and set(found[:8, 0].tolist()) <= {3, 4, 5}  # of steps 3 to 8
    assert starts(Lost(), torch.zeros(2, 40, 1)) is None


def test_a_walk_has_the_state_after_each_step() -> None:
    x = torch.tensor([[[5.0], [6.0], [7.0]]])
    found = walked(Counter(), x)
    assert found is not None
    np.testing.assert_array_equal(found, [[[1, 5], [2, 6], [3, 7]]])


def test_a_state_is_a_row_of_its_real_numbers() -> None:
    one, two = torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[1 + 2j], [3 + 4j]])
    count = torch.tensor([[7], [8]])
    assert row((one, count, (two,))).tolist() == [[1, 2, 1, 2], [3, 4, 3, 4]]
    assert row((count,)).shape == (1, 0)


class Two(nn.Module):
    """Layers one after another."""

    def __init__(self, count: int, twice: bool = False):
        super().__init__()
        self.parts = nn.ModuleList(Elman(3) for _ in range(count))
        self.twice = twice

    def forward(self, x: Tensor) -> Tensor:
        for one in self.parts:
            x = one(x)[0]
        return self.parts[-1](x)[0] if self.twice else x


def test_of_layers_side_by_side_the_first_is_looked_at() -> None:
    torch.manual_seed(0)
    network, x = Two(10), torch.randn(5, 90, 3)
    found = driven(network, x, rate=4.0)
    names = ", ".join(f"parts.{place} (Elman)" for place in range(9))
    assert found.said == (
        "activity: what parts.0 (Elman) says, 3 units",
        f"layers: {names} and more",
        "dynamics: at an input of 0, from 16 states near those that it passes through",
    )
    assert found.shape == (5, 90) and found.offered["rate"] == 4.0
    assert found.offered["layer"] is found.offered["system"] is network.parts[0]
    torch.testing.assert_close(found.offered["x"], x[:2, :64])
    with torch.no_grad():
        said = network.parts[0](x)[0].double().numpy()
    np.testing.assert_array_equal(found.offered["recording"], said)
    one = driven(network, x[:1], part="parts.1")
    assert one.offered["layer"] is network.parts[1] and one.offered["recording"].shape == (90, 3)
    assert len(one.said) == 2 and "parts.1" in one.said[0]
    assert driven(Two(9), x).said[1] == f"layers: {names}"
    assert len(driven(Two(1), x).said) == 2


def test_of_layers_in_a_layer_the_last_is_the_activity() -> None:
    torch.manual_seed(0)
    stack, x = Stack([Elman(4), Elman(4)], 3, 2, MLP.NONE), torch.randn(2, 6, 3)
    found = driven(stack, x)
    assert found.said[0] == "activity: what layers.1 (Elman) says, 4 units"
    assert found.said[1] == "layers: layers.0 (Elman), layers.1 (Elman)"
    assert found.offered["layer"] is found.offered["system"] is stack
    assert found.offered["start"].shape == (16, 8)


def test_a_layer_that_is_called_twice_is_passed_over() -> None:
    network, x = Two(2, twice=True), torch.randn(2, 5, 3)
    assert "parts.0" in driven(network, x).said[0]
    with pytest.raises(
        BadInput, match=r"parts\.1: expected one that reads whole sequences, got none or several"
    ):
        driven(network, x, part="parts.1")
    with pytest.raises(BadInput, match=r"no layer is called .parts\.O."):
        driven(network, x, part="parts.O")
    with pytest.raises(BadInput, match="Two has no layer that reads a whole sequence"):
        driven(Two(1, twice=True), x)


@pytest.mark.parametrize("shape", [(5,), (0, 5, 3), (2, 0, 3)])
def test_an_input_is_sequences_of_steps(shape: tuple[int, ...]) -> None:
    with pytest.raises(BadInput, match="expected an input"):
        driven(Two(1), torch.zeros(shape))


def test_a_network_is_left_in_its_mode_and_without_hooks() -> None:
    network = Two(2)
    network.parts[1].eval()
    driven(network, torch.randn(2, 5, 3))
    assert [one.training for one in network.parts] == [True, False]
    assert not any(one._forward_hooks for one in network.modules())


def test_a_stack_of_tokens_is_looked_at_as_the_map_of_its_stream() -> None:
    torch.manual_seed(0)
    stack, x = Stack([Elman(4)], 6, 2, MLP.NONE), torch.randint(6, (3, 7))
    found = driven(stack, x)
    layer = found.offered["layer"]
    assert isinstance(layer, Body) and layer.stack is stack
    with torch.no_grad():
        torch.testing.assert_close(found.offered["x"], stack.encode.weight.T[x[:2]] + stack.encode.bias)
    assert found.offered["start"].shape == (16, 4)

    class Tokens(Elman):
        def check(self, x: Tensor) -> None:
            pass

        def whole(self, x: Tensor, state: Any) -> Any:
            return torch.zeros(*x.shape, 3), state

    with pytest.raises(BadInput, match="Tokens reads tokens: expected a stack, or numbers"):
        driven(Tokens(3), x)


def test_a_single_complex_sequence_is_twice_as_many_units() -> None:
    found = look_driven._recorded(torch.tensor([[[1 + 2j, 3 + 4j]]]), 2)
    assert found["rate"] == 2.0 and found["activity"] is found["recording"]
    np.testing.assert_array_equal(found["recording"], [[1, 2, 3, 4]])


def test_noise_is_that_of_one_seed_and_leaves_the_generator_alone() -> None:
    one, two = Elman(3, inputs=2), Elman(5, inputs=2)
    state = torch.get_rng_state()
    x = noise(one)
    assert torch.equal(torch.get_rng_state(), state)
    assert x.shape == (2, 64, 2) and torch.equal(x, noise(two))
    assert torch.equal(x, torch.randn(2, 64, 2, generator=torch.Generator().manual_seed(0)))
