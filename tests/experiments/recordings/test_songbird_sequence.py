"""Order of cells over renditions: the predicates, planted sequences and their absence, and what is moved."""

import numpy as np
import pytest

from tests.answers import answers, exact_answers
from wavetrain.data.neural._recordings import songbird_hvc
from wavetrain.errors import BadInput
from wavetrain.experiments.recordings import songbird_sequence as module
from wavetrain.experiments.recordings.songbird_sequence import (
    around,
    claim,
    correlation,
    latency,
    moved,
    order,
    planted,
    renditions,
    smoke,
)
from wavetrain.train.lab import Lab

WHOLE = {"order": 0.5, "single": 0.3}
WHOLE |= {f"p_{name}": 0.01 for name in ("cells", "song", "single_cells", "single_song")}
HALF = np.arange(16) % 2 == 0


def test_each_part_on_either_side():
    assert answers(claim, WHOLE) == [True, True, True]
    assert answers(claim, WHOLE | {"order": 0.49}) == [False, True, True]
    for one in ("p_cells", "p_song"):
        assert answers(claim, WHOLE | {one: 0.011}) == [True, False, True]
    for one in ("p_single_cells", "p_single_song"):
        assert answers(claim, WHOLE | {one: 0.011}) == [True, True, False]
    assert answers(claim, WHOLE | {"single": 0.29}) == [True, True, False]


def test_a_planted_sequence_meets_all_limits():
    assert exact_answers("songbird_sequence") == [True, True, True]


def test_cells_at_any_time_of_a_rendition_have_no_order(tmp_path):
    """They are as active around the syllable, and in another order each time."""
    sung = planted(0, fixed=False)
    found = order(around(sung.cells, renditions(sung.song)), HALF)
    assert abs(found.halves) < 0.3 and abs(found.single) < 0.15 and found.cells > 60
    assert answers(claim, module._figures(sung, smoke, Lab(tmp_path, seed=0)))[0] is False


def test_renditions_are_found_in_the_song_alone():
    sung = planted(3)
    onset = renditions(sung.song)
    assert len(onset) == 16
    dice = np.random.default_rng(3)
    dice.standard_normal((60, 141))
    np.testing.assert_allclose(onset, 0.5 + 1.3 * np.arange(16) + 0.3 * dice.random(16), atol=0.005)


def test_events_around_onsets_that_have_all_of_them():
    cells = planted(0).cells
    events = around(cells, np.array([0.05, 1.0, 22.1]))
    assert events.shape == (1, 15, 75)
    np.testing.assert_array_equal(events[0], cells.signal[27:42])


def test_latency_is_a_weighted_mean():
    events = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [3.0, 2.0, 0.0]])
    np.testing.assert_allclose(latency(events), [1.5, 2.0, np.nan])


def test_correlation_of_ranks():
    one = np.array([1.0, 2.0, 30.0, np.nan])
    assert correlation(one, np.array([5.0, 6.0, 7.0, 8.0])) == pytest.approx(1)
    assert correlation(one, -one) == pytest.approx(-1)
    assert correlation(one, np.ones(4)) == correlation(one[:2], one[:2]) == 0


@pytest.mark.parametrize("each", [True, False])
def test_what_is_moved_keeps_its_events(each: bool):
    cells = planted(0).cells
    (one,) = moved(cells, 1, each, np.random.default_rng(0))
    np.testing.assert_allclose(np.sort(one.signal, 0), np.sort(cells.signal, 0))
    shifts = {
        int(np.argmax([np.array_equal(np.roll(a, shift), b) for shift in range(666)]))
        for a, b in zip(cells.signal.T, one.signal.T, strict=True)
    }
    assert min(shifts) >= 30 and max(shifts) <= 636
    assert len(shifts) == 1 if not each else len(shifts) > 50


def test_the_recording_is_75_cells_with_their_song():
    try:
        found = songbird_hvc()
    except BadInput as error:
        pytest.skip(str(error))
    assert found.cells.signal.shape == (666, 75) and found.song.signal.shape == (4440, 141)
    assert found.cells.seconds == pytest.approx(found.song.seconds) == pytest.approx(22.2)
    assert 10 <= len(renditions(found.song)) <= 20
