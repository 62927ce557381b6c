"""Recurrences over slices of time on two and three ranks equal those of one process, on each rank."""

import functools
from collections.abc import Iterable
from typing import Any

import pytest
import torch
from torch import Tensor, distributed

from tests.scan import slices as cases
from tests.together import together
from wavetrain import scan
from wavetrain.errors import BadInput

EXACT = {torch.float32: 1e-5, torch.complex64: 1e-5, torch.float64: 1e-10, torch.complex128: 1e-10}


@functools.cache
def of_one() -> dict[str, cases.Results]:
    """What the cases come to in one process."""
    return {name: cases.whole(case) for name, case in {**cases.linear_cases(), **cases.other_cases()}.items()}


@functools.cache
def of_ranks(many: int) -> list[dict[str, Any]]:
    of_one()  # compiles the kernels, which the ranks then find
    return together(many, cases.work, seconds=cases.WAIT)


def near(found: Tensor, right: Tensor, where: str) -> None:
    """Relative to the size of all of it."""
    assert found.shape == right.shape and found.dtype == right.dtype, where
    error = (found - right).norm() / right.norm().clamp(min=1e-30)
    assert error < EXACT[right.dtype], f"{where}: {error:.2e}"


def check_ranks(of: Iterable[str], many: int) -> None:
    """All that each rank has is the same as in one process; shared gradients add up over the ranks."""
    ranks = of_ranks(many)
    for name in of:
        whole = of_one()[name]
        for lengths in cases.LENGTHS[many]:
            parts = [rank[f"{name}, {lengths}"] for rank in ranks]
            for place, part in enumerate(parts):
                here = f"{name}, {lengths}, rank {place}"
                near(part.y, whole.y.split(lengths, 1)[place], f"{here}: y")
                near(part.last, whole.last, f"{here}: last")
                for found, right in zip(part.steps, whole.steps, strict=True):
                    near(found, right.split(lengths, 1)[place], f"{here}: gradient of its steps")
                for found, right in zip(part.state, whole.state, strict=True):
                    right = right if place == 0 else torch.zeros_like(right)
                    near(found, right, f"{here}: gradient of the first state")
            for place, right in enumerate(whole.shared):
                near(sum(part.shared[place] for part in parts), right, f"{name}, {lengths}: shared")


@pytest.mark.parametrize("many", [2, 3])
def test_linear(many: int):
    check_ranks(cases.linear_cases(), many)


@pytest.mark.parametrize("many", [2, 3])
def test_selective_chunked_and_convolutions(many: int):
    check_ranks(cases.other_cases(), many)


def test_two_ranks_have_the_bits_of_one():
    """Where a step is computed alike whatever stands around it, as in all kernels of ours."""
    ranks = of_ranks(2)
    for name, whole in of_one().items():
        for lengths in cases.LENGTHS[2] if "chunked" not in name and "groups" not in name else ():
            parts = [rank[f"{name}, {lengths}"] for rank in ranks]
            assert torch.cat([part.y for part in parts], 1).equal(whole.y), name


def test_two_of_three_ranks_may_share_a_sequence():
    outside, *parts = (rank["of two"] for rank in of_ranks(3))
    whole = of_one()["float64, no state"]
    assert outside == "across_time: expected a process of the group, got one outside it"
    near(torch.cat([part.y for part in parts], 1), whole.y, "y")
    for place, right in enumerate(whole.steps):
        near(torch.cat([part.steps[place] for part in parts], 1), right, "gradient of the steps")


@pytest.mark.parametrize("many", [2, 3])
def test_documents_know_nothing_of_each_other_wherever_the_edge_is(many: int):
    for rank in of_ranks(many):
        for found in rank["documents"]:
            assert all(found.values()), [name for name, good in found.items() if not good]


@pytest.mark.parametrize("many", [2, 3])
def test_one_line_on_all_ranks(many: int):
    ranks = of_ranks(many)
    last, batch = many - 1, "of a state (2, 4)"
    right = {
        "wrong shape on one": f"rank {last}: linear: expected a (2, 3, 4) or (4,) to go with b, got (5,)",
        "no step on one": f"rank {last}: linear: expected b (batch, time, channels) with at least one step",
        "another batch on one": f"expected the same call on all ranks, got linear {batch}",
        "fewer steps than ranks": f"expected at least as many steps as ranks, got {last} steps for {many}",
        "one leaves early": f"on rank 0 and the end of across_time on rank {last}",
        "no gradient on one": f"expected gradients on all ranks or on none, got none on rank {last}",
        "another recurrence": "wave: expected a whole sequence in one process, got a slice of time inside",
        "gradients of gradients": "expected gradients without a graph, got create_graph=True",
        "a layer that walks": "LSTM: expected a whole sequence in one process, got a slice of time inside",
        "a layer with another width on one": f"rank {last}: LRU: expected x (batch, time, 4), got (2, 3, 3)",
        "another past on one": "expected the same call on all ranks, got short with a past (2, 2, 4)",
        "no step for a convolution": "dilated: expected x (batch, time, channels) with at least one step",
        "a step": "LRU.step: expected a whole sequence",
        "run again": "recomputed: expected a whole sequence in one process",
        "of unequal length": "padded: expected a whole sequence in one process",
        "a long kernel": "convolve: expected a whole sequence in one process",
        "step by step": "unroll: expected a whole sequence in one process",
        "an operator": "LRU.operator: expected a whole sequence in one process",
        "checkpointed": "expected to run once inside across_time, got checkpointing",
        "slices of slices": "expected to be entered once",
        "vmap": "linear: expected no transform of torch.func",
    }
    for place, rank in enumerate(ranks):
        for name, line in right.items():
            assert rank[name].startswith("BadInput: ") and line in rank[name], (name, place, rank[name])
        assert rank["all is well"] == "nothing"
        for name, route in (("linear", "numba"), ("short", "numba"), ("chunked", "matrix products")):
            assert rank["routes"][name] == f"{route}, {many} slices"
        outside = rank["checkpointed, and back outside"]
        assert "CheckpointError" in outside and "number of tensors" in outside, outside
        own = "ZeroDivisionError: division by zero"
        assert rank["another error on one"] == (own if place == last else f"BadInput: rank {last}: {own}")


@pytest.fixture
def alone():
    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


def test_one_rank_has_it_whole(alone: None):
    for name, case in {**cases.linear_cases(), **cases.other_cases()}.items():
        with scan.across_time() as slices:
            found = cases.part(case, [10], slices)
        right = of_one()[name]
        assert found.y.equal(right.y) and found.last.equal(right.last), name
        for one, other in zip(
            found.steps + found.shared + found.state, right.steps + right.shared + right.state, strict=True
        ):
            assert one.equal(other), name


def test_without_a_group_there_are_no_slices():
    with pytest.raises(BadInput, match="expected a process group, got none"), scan.across_time():
        pass
