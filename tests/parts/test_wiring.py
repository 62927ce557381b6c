"""Whom cells reach and how late: clouds, controls, delays by distance, and what is refused."""

import math
import tracemalloc

import numpy as np
import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.parts.sheet import Sheet
from wavetrain.parts.wiring import Wiring, distance_delays, scattered, topographic, wired

SHEET = Sheet(2000, length=4.0)  # 40 by 40 and 20 by 20


def apart(sheet: Sheet, targets: np.ndarray) -> np.ndarray:
    """Ways from each cell to its targets in mm, the shorter way round."""
    way = sheet.positions()[targets] - sheet.positions()[:, None]
    return (way + sheet.length / 2) % sheet.length - sheet.length / 2


@pytest.mark.parametrize("local", [True, False])
def test_nobody_reaches_itself_or_anybody_twice_and_kinds_are_counted(local: bool):
    targets = wired(SHEET, each=50, local=local).targets.numpy()
    ranked = np.sort(targets, 1)
    assert (ranked[:, 1:] > ranked[:, :-1]).all()
    assert not (targets == np.arange(2000)[:, None]).any()
    assert ((targets < 1600).sum(1) == 40).all() and targets.min() >= 0 and targets.max() < 2000


def test_the_cloud_has_the_spread_that_was_asked():
    """Few targets of many places, so that hardly any is drawn twice; the lattice adds its twelfth."""
    targets = topographic(Sheet(12_500), each=5, sigma=0.5, seed=1)
    way = apart(Sheet(12_500), targets)
    assert way.mean((0, 1)) == pytest.approx([0, 0], abs=4 * 0.5 / math.sqrt(targets.size))
    expected = math.sqrt(0.25 + 0.04**2 / 12)
    assert way[:, :4].std((0, 1)) == pytest.approx([expected] * 2, rel=4 / math.sqrt(2 * 50_000))
    assert np.hypot(*way.T).max() <= 4 / math.sqrt(2) + 0.08


def test_excitatory_targets_are_scattered_and_inhibitory_cells_keep_theirs():
    targets = topographic(SHEET, each=50, sigma=0.3)
    found = scattered(SHEET, targets)
    assert (found[1600:] == targets[1600:]).all()
    far = np.hypot(*apart(SHEET, found)[:1600].T)
    uniform = 4 * (math.sqrt(2) + math.asinh(1)) / 6  # mean distance on a torus of length 4
    assert far.mean() == pytest.approx(uniform, abs=0.02)
    counts = np.bincount(found[:1600, :40].ravel(), minlength=1600)
    assert counts.var() == pytest.approx(40, rel=0.2)  # as of independent draws


def test_the_same_seed_gives_the_same_wiring_and_another_one_does_not():
    one, same, other = (wired(SHEET, each=20, seed=seed).targets for seed in (3, 3, 4))
    assert torch.equal(one, same) and not torch.equal(one, other)


def test_wiring_that_is_alike_looks_the_same_from_everywhere():
    sheet = Sheet(180)
    wiring = wired(sheet, each=10, alike=True)
    targets, delays = wiring.targets.numpy(), wiring.delays.numpy()
    for by in ((1, 0), (0, 1), (4, 5)):
        there = sheet.moved(by)
        assert (targets[there] == there[targets]).all() and (delays[there] == delays).all()


def test_delays_of_one_speed_are_symmetric_and_lie_between_their_bounds():
    """To every cell, so that targets (N, N) are the whole matrix."""
    sheet = Sheet(180, length=6.0)
    everyone = np.tile(np.arange(180, dtype=np.int32), (180, 1))
    delays = distance_delays(sheet, everyone, speed=0.2)
    assert (delays == delays.T).all() and (np.diag(delays) == 3).all()
    assert delays.max() == round((0.3 + 6 / math.sqrt(2) / 0.2) / 0.1) == 215  # to the opposite corner
    far = np.hypot(*apart(sheet, everyone).T).T
    np.testing.assert_array_equal(delays, np.rint((0.3 + far / 0.2) / 0.1))


def test_no_distance_takes_time_where_speed_is_infinite():
    assert wired(SHEET, each=10, speed=math.inf).delays.unique().tolist() == [3]  # 0.3 / 0.1 is below 3


def test_speeds_are_those_of_sources():
    speeds = np.where(np.arange(2000) % 2, 0.1, 0.4)
    targets = topographic(SHEET, each=10, sigma=0.4)
    delays = distance_delays(SHEET, targets, speed=speeds)
    slow, fast = (distance_delays(SHEET, targets, speed=speed) for speed in (0.1, 0.4))
    assert (delays[1::2] == slow[1::2]).all() and (delays[::2] == fast[::2]).all() and (slow > fast).any()


def test_the_smallest_sheet_and_targets_of_one_kind_alone():
    wiring = wired(Sheet(5), each=1, sigma=5.0)
    assert (wiring.targets < 4).all() and wiring.targets.shape == (5, 1)


def test_nothing_of_the_size_of_all_pairs_is_made():
    """A hundred thousand cells: all pairs would take 40 GB in the smallest float."""
    sheet = Sheet(100_820)
    tracemalloc.start()
    wiring = wired(sheet, each=5)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 400e6
    assert wiring.targets.element_size() + wiring.delays.element_size() == 6
    assert int(wiring.targets.max()) > 2**16 and len(wiring.targets.unique()) > 90_000


@pytest.mark.parametrize(
    "ask, words",
    [
        (lambda: wired(Sheet(20), each=20), "fewer targets than the 16 cells of their kind, got 16"),
        (lambda: wired(Sheet(500), each=200, sigma=0.01), "expected a wider cloud or fewer targets: 160"),
        (lambda: wired(SHEET, each=0), "a target and a sigma above 0 mm, got 0"),
        (lambda: wired(SHEET, each=5, sigma=0.0), "got 5 and 0.0"),
        (lambda: wired(SHEET, each=5, speed=0.0), "speeds and dt above 0"),
        (lambda: wired(SHEET, each=5, synapse=-0.1), "got 0.2, 0.1 and -0.1"),
        (lambda: wired(SHEET, each=5, dt=0.0), "speeds and dt above 0"),
        (lambda: wired(SHEET, each=5, speed=1e-6), "expected 1 to 32767 steps of 0.1 ms"),
        (lambda: wired(SHEET, each=5, synapse=0.0, speed=math.inf), "got 0 to 0"),
    ],
)
def test_what_cannot_be_drawn_is_refused(ask, words):
    with pytest.raises(BadInput, match=words):
        ask()


def test_a_wiring_that_does_not_fit_its_sheet_is_refused():
    targets, delays = torch.zeros(5, 2, dtype=torch.int32), torch.ones(5, 2, dtype=torch.int16)
    sheet = Sheet(5)
    assert Wiring(sheet, targets, delays).longest == 1
    for wrong, words in (
        ((targets.long(), delays), "targets .5, each. in int32"),
        ((targets[:4], delays[:4]), r"got \(4, 2\)"),
        ((targets + 5, delays), "targets from 0 to 4, got 5 to 5"),
        ((targets - 1, delays), "got -1 to -1"),
        ((targets, delays - 1), "at least one step, got 0"),
    ):
        with pytest.raises(BadInput, match=words):
            Wiring(sheet, *wrong)
