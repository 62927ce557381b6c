"""Families as published, symbols as often as their law says, and a filter that sums over all paths."""

import itertools
import math

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.languages.hidden_markov import HiddenMarkov


def dice(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def table(rows: tuple[tuple[float, ...], ...]) -> torch.Tensor:
    return torch.tensor(rows, dtype=torch.float64)


@pytest.mark.parametrize(("states", "step"), [(2, 0.05), (3, 0.2236), (4, 0.3684), (5, 0.4729)])
def test_all_chains_are_passed_equally_often_and_emit_alike(states: int, step: float):
    task = HiddenMarkov.chain(states)
    moves = table(task.moves)
    assert float(moves[0, 1]) == pytest.approx(step, abs=1e-4)
    assert float(moves.diag(1).prod()) == pytest.approx(0.05, rel=1e-5)
    torch.testing.assert_close(moves, moves.T)  # so that all states are equally frequent
    torch.testing.assert_close(table(task.emits).mean(0), torch.tensor([0.495, 0.01, 0.495]).double())
    assert task == HiddenMarkov() or states != 3


def test_ring_and_full():
    ring, full = HiddenMarkov.ring(), HiddenMarkov.full()
    for task, stay in ((ring, 4), (full, 3)):
        moves = table(task.moves)
        assert (moves.diagonal() == 0.95).all() and moves.shape == (stay, stay)
        assert (moves.sum(0) - 1).abs().max() < 1e-12
    assert ring.moves[0] == (0.95, 0.025, 0.0, 0.025) and ring.moves[3] == (0.025, 0.0, 0.025, 0.95)
    assert full.emits[1] == (0.01, 0.98, 0.01)


@pytest.mark.parametrize("task", [HiddenMarkov(), HiddenMarkov.ring(), HiddenMarkov.full()])
def test_pairs_of_symbols_come_as_often_as_the_closed_form_says(task: HiddenMarkov):
    moves, emits = table(task.moves), table(task.emits)
    even = torch.full((len(moves), 1), 1 / len(moves), dtype=torch.float64)  # the even start stays even
    wanted = emits.T @ (even * moves) @ emits
    x, y = task.draw(20_000, dice())
    assert torch.equal(x[:, 1:], y[:, :-1])
    found = torch.zeros(3, 3).double()
    found.index_put_((x.flatten(), y.flatten()), torch.tensor(1 / x.numel()).double(), accumulate=True)
    assert (found - wanted).abs().max() < 0.004
    assert math.isclose(task.chance, float(torch.special.entr(wanted.sum(0)).sum()), abs_tol=1e-9)


def test_states_move_and_emit_by_their_rows():
    task = HiddenMarkov.full()
    symbols, states = task.walk(4000, 12, dice())
    assert float((states[:, 1:] == states[:, :-1]).double().mean()) == pytest.approx(0.95, abs=0.004)
    assert float((symbols == states).double().mean()) == pytest.approx(0.98, abs=0.003)
    assert states[:, 0].bincount().tolist() == pytest.approx([4000 / 3] * 3, rel=0.08)


def test_what_is_predicted_is_the_sum_over_all_paths():
    task = HiddenMarkov(3, *(((0.7, 0.3), (0.1, 0.9)), ((0.5, 0.2, 0.3), (0.0, 0.6, 0.4))))
    x = torch.tensor([[0, 2, 1], [1, 1, 2]])
    for row, said in zip(x.tolist(), task.predicted(x), strict=True):
        for steps in (1, 2, 3):
            joint = [0.0, 0.0, 0.0]
            for path in itertools.product(range(2), repeat=steps + 1):
                chance = 0.5
                for at, to, symbol in zip(path, path[1:], row, strict=False):
                    chance *= task.emits[at][symbol] * task.moves[at][to]
                for symbol in range(3):
                    joint[symbol] += chance * task.emits[path[-1]][symbol]
            wanted = [one / sum(joint) for one in joint]
            assert said[steps - 1].tolist() == pytest.approx(wanted)


def test_nobody_who_sees_only_the_symbols_predicts_better_than_the_filter():
    task = HiddenMarkov()
    x, y = task.test()
    best = float(task.objective.score(task.predicted(x).log(), y))
    last = torch.zeros(3, 3).double()
    last.index_put_((x.flatten(), y.flatten()), torch.tensor(1.0).double(), accumulate=True)
    by_last = float(task.objective.score((last / last.sum(1, keepdim=True))[x].log(), y))
    assert best < by_last - 0.005 < task.chance - 0.05


def test_tables_that_are_none_are_refused():
    for moves, emits in (
        (((1.0,),), ((1.0,),)),
        (((0.5, 0.5), (0.5, 0.5)), ((1.0, 0.0),)),
        (((0.5, 0.5),), ((1.0, 0.0),)),
        (((0.5, 0.4), (0.5, 0.5)), ((1.0, 0.0), (0.0, 1.0))),
        (((1.5, -0.5), (0.5, 0.5)), ((1.0, 0.0), (0.0, 1.0))),
        ((), ()),
    ):
        with pytest.raises(BadInput, match="each row of chances with the sum 1"):
            HiddenMarkov(3, moves, emits)
    with pytest.raises(BadInput, match="states must be"):
        HiddenMarkov.chain(1)
