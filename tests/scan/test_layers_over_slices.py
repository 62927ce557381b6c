"""Layers over slices of time on two and three ranks equal those of one process; all others refuse."""

import functools
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.scan.slice_layers import LAYERS, ran, work
from tests.scan.slices import LENGTHS, WAIT
from tests.together import together
from wavetrain import find
from wavetrain.core import Nonlinear

of_one = functools.cache(ran)


@functools.cache
def of_ranks(many: int) -> list[dict[str, Any]]:
    for name in LAYERS:
        of_one(name, True)  # compiles the kernels, which the ranks then find
    return together(many, work, seconds=WAIT)


def near(found: list[Tensor], right: list[Tensor], where: str) -> None:
    assert len(found) == len(right), where
    for one, other in zip(found, right, strict=True):
        assert one.shape == other.shape, where
        error = (one - other).norm() / other.norm().clamp(min=1e-9)
        assert error < 1e-10, f"{where}: {error:.1e}"


@pytest.mark.parametrize("many", [2, 3])
@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_has_on_each_rank_what_it_has_in_one_process(name: str, many: int):
    ranks = of_ranks(many)
    for given in (True, False):
        right = of_one(name, given)
        for lengths in LENGTHS[many][:2]:
            for place, rank in enumerate(ranks):
                here = f"{name}, {lengths}, rank {place}"
                found = rank[f"{name}, {given}, {lengths}"]
                for key, whole in right.items():
                    if key in ("y", "gradient of x"):
                        whole = [part.split(lengths, 1)[place] for part in whole]
                    if key == "gradients of the first state" and place > 0:
                        whole = [torch.zeros_like(part) for part in whole]
                    near(found[key], whole, f"{here}: {key}")


def test_all_layers_that_say_so_are_here_and_all_others_refuse():
    splits = {one.name for one in find.members("layers") if one.load().splits}
    assert splits == {name.partition(",")[0] for name in LAYERS} - {"a stack"}
    for one in find.members("layers"):
        if one.name not in splits:
            line = f"{one.load().__name__}: expected a whole sequence in one process, got a slice of time"
            assert all(rank[one.name].startswith(line) for rank in of_ranks(2)), one.name


def test_what_a_class_says_holds_for_its_own_recurrence():
    class Base(Nonlinear):
        splits = True

    class Other(Base):
        def step(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
            return x, state

    class Named(Base):
        pass

    assert Base.splits and Named.splits and not Other.splits
