"""The ablation on Lorenz 96: its predicate, equal sizes, and forecasts that are fed back."""

import math

import pytest
import torch
from torch import Tensor, nn

from tests.answers import answers
from tests.promises import ON_SEQUENCES, generic, normal
from wavetrain.experiments.recurrences.recurrence_ablation_lorenz96 import (
    Ahead,
    Carried,
    Rival,
    claim,
    forecast,
    mixers,
    small,
    widest,
)


def figures(**changed: float) -> dict[str, float]:
    """As the abstract has it, but for what is changed."""
    time = dict.fromkeys(mixers(4), 1.0) | {
        "highway_gate": 1.1,
        "highway_attention": 1.2,
        "highway_both": 1.3,
    }
    time |= {"attention_recurrence": 0.9, "persistence": 0.2}
    return {f"vpt_{name}": value for name, value in (time | changed).items()}


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ({}, [True, True, True, True]),
        ({"highway_gate": 1.0}, [False, True, True, True]),
        ({"highway_attention": 0.9}, [True, False, True, True]),
        ({"attention_recurrence": 1.0}, [True, True, False, True]),
        ({"lstm": 1.4}, [True, True, True, False]),
        ({"attention": 1.31}, [True, True, True, False]),
        ({"highway_both": math.nan}, [True, True, True, False]),
    ],
)
def test_predicates(changed: dict[str, float], parts: list[bool]):
    assert answers(claim, figures(**changed)) == parts
    assert claim.holds(figures(**changed)) is all(parts)


def test_nothing_is_decided_where_nobody_forecasts():
    """The best is 1.3; an untrained network says the last sample again."""
    assert answers(claim, figures(persistence=0.66)) == [None] * 4
    assert answers(claim, dict.fromkeys(figures(), 0.134)) == [None] * 4


def test_all_rivals_have_the_same_size():
    """Under the limit, and none more than 5% below it."""
    for name, rival in mixers(small.window).items():
        network = Ahead(rival, widest(rival, small, 40), small.depth, 40)
        count = sum(part.numel() for part in network.parameters())
        assert 0.95 * small.parameters < count <= small.parameters, name


@pytest.mark.parametrize("promise", ON_SEQUENCES, ids=lambda check: check.__name__)
def test_carried_attention_is_a_layer(promise):
    promise(generic(Carried, 6, 3, 1), normal(2, 7, 3))


def test_carried_attention_without_recurrence_is_attention():
    layer, x = generic(Carried, 6, 3, 1), normal(2, 7, 3)
    with torch.no_grad():
        for part in layer.cell.parameters():
            part.zero_()  # then h stays at zero
    assert torch.allclose(layer(x)[0], layer.attention(x)[0])


class Rotation(nn.Module):
    """Says the next sample of any mixture of two frequencies, from the last two."""

    def forward(self, x: Tensor) -> Tensor:
        before = torch.cat([torch.zeros_like(x[:, :1]), x[:, :-1]], 1)
        return 2 * math.cos(0.1) * x - before


def test_what_is_said_is_read_next():
    """The recurrence x_{t+1} = 2 cos(w) x_t - x_{t-1} runs on as the cosine that it began as."""
    wave = torch.cos(0.1 * torch.arange(60, dtype=torch.float64) + torch.tensor([[0.0], [1.0]]))[..., None]
    assert torch.allclose(forecast(Rotation(), wave[:, :8], 52), wave[:, 8:])


def test_nothing_learned_is_persistence():
    network = Ahead(Rival(Carried), 8, 1, 3)
    with torch.no_grad():
        for part in network.stack.decode.parameters():
            part.zero_()
    past = normal(2, 5, 3).float()
    assert torch.equal(forecast(network, past, 6), past[:, -1:].expand(2, 6, 3))
