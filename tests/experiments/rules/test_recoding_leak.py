"""Recoding and its leak: the predicates, the words of a text and the arms."""

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.answers import answers
from wavetrain.core import Batch
from wavetrain.errors import BadInput
from wavetrain.experiments.rules._recoding_arms import ARMS, SIZES, arm, plain, reading, told
from wavetrain.experiments.rules._word_text import END, UNKNOWN, Words, kinds, numbered, split, streams
from wavetrain.experiments.rules.recoding_leak import claim, run, smoke
from wavetrain.find import named
from wavetrain.networks._word_model import WordModel
from wavetrain.run.order import settings
from wavetrain.train.lab import Lab

RIGHT = (
    {"perplexity": 60.0, "frequencies": 200.0, "sure_none": 0.25, "sure_entropy_one": 0.5}
    | {f"honest_{name}_{size}": 0.001 for name in ARMS for size in SIZES}
    | {"leaking_surprisal_tenth": -0.16, "leaking_printed_one": 0.14}
    | {"after_entropy_tenth": -0.01, "after_entropy_one": 0.8}
    | {"taught_recoded": 60.5}
)


@pytest.mark.parametrize(
    ("changed", "failed"),
    [
        ({}, []),
        ({"honest_printed_tenth": 0.011}, [0]),
        ({"honest_surprisal_hundredth": -0.011}, [0]),
        ({"honest_surprisal_one": 0.02}, []),
        ({"honest_shuffled_tenth": 0.011}, [1]),
        ({"honest_random_tenth": -0.011}, [1]),
        ({"honest_ascent_tenth": 0.011}, [1]),
        ({"leaking_surprisal_tenth": -0.09}, [2]),
        ({"leaking_printed_one": 0.04}, [3]),
        ({"after_entropy_tenth": -0.021}, [4]),
        ({"after_entropy_one": 0.19}, [4]),
        ({"sure_entropy_one": 0.24}, [4]),
        ({"taught_recoded": 59.3}, [5]),
    ],
)
def test_predicates(changed: dict[str, float], failed: list[int]):
    assert answers(claim, RIGHT | changed) == [part not in failed for part in range(6)]


def test_a_model_that_knows_nothing_decides_nothing_about_words():
    assert answers(claim, RIGHT | {"perplexity": 101.0}) == [None] * 6


# --- words ----------------------------------------------------------------------------------------------


def test_the_vocabulary_is_of_the_commonest_words():
    words = split(b"a b a c\n\na <unk> b\n")
    assert words == ["a", "b", "a", "c", END, END, "a", UNKNOWN, "b", END]
    known = kinds(words, 4)
    assert known == {UNKNOWN: 0, END: 1, "a": 2, "b": 3}
    assert numbered(["c", "a", "nobody", UNKNOWN], known).tolist() == [0, 2, 0, 0]


def test_what_is_drawn_is_not_what_is_looked_at():
    task = Words(torch.arange(100), 100, window=5, held=21)
    x, y = task.draw(500, torch.Generator().manual_seed(0))
    assert torch.equal(x + 1, y) and x.shape == (500, 5)
    assert int(x.min()) == 0 and int(y.max()) == 78
    look = task.valid()
    assert torch.equal(look.x.flatten(), torch.arange(79, 99)) and torch.equal(look.y, look.x + 1)
    with pytest.raises(BadInput, match="more words than a window"):
        Words(torch.arange(10), 10, window=5, held=5)


def test_frequencies_are_counted_where_it_is_trained():
    task = Words(torch.tensor([0, 0, 0, 1, 1, 2, 3, 3, 3, 3]), 4, window=2, held=4)
    chance = torch.tensor([4, 3, 2, 1]) / 10  # one more than each came
    assert task.by_frequency(torch.tensor([[0, 3]])) == pytest.approx(float((chance[0] * chance[3]) ** -0.5))


def test_settings_are_the_same_in_every_process():
    """A function that is bound to arguments has no name, and would be written with its place in memory."""
    for scale in ("smoke", "small", "full"):
        assert "0x" not in str(settings(named("recoding_leak", ("experiments",)), scale))


def test_streams_lie_apart_and_differ_by_seed():
    x, y = streams(torch.arange(100), 4, 10, seed=0)
    assert torch.equal(x + 1, y) and torch.equal(x[1:] - x[:-1], torch.full((3, 10), 25))
    assert len({int(streams(torch.arange(100), 4, 10, seed=seed).x[0, 0]) for seed in range(9)}) > 3
    with pytest.raises(BadInput, match="a text of more than"):
        streams(torch.arange(40), 4, 10, seed=0)


# --- arms -----------------------------------------------------------------------------------------------


def reader() -> tuple[WordModel, Batch]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = WordModel(9, 6).double().eval()
    return model, streams(torch.randint(9, (300,), generator=torch.Generator().manual_seed(1)), 5, 20, seed=0)


def test_reading_with_steps_of_zero_is_reading_without():
    model, text = reader()
    nats, sure = plain(model, text)
    for name in ARMS:
        found = reading(name, arm(name, model, 0.0, 0), text)
        assert found.before == pytest.approx(nats, rel=1e-9) == pytest.approx(found.after, rel=1e-9)
        assert found.sure == pytest.approx(sure, rel=1e-9) and found.fell == 0
        assert found.signal == found.signal_after


def test_signals_fall_but_uphill_and_at_random():
    model, text = reader()
    found = {name: reading(name, arm(name, model, 1e-3, 0), text) for name in ARMS}
    assert {name: round(one.fell) for name, one in found.items()} == {
        **dict.fromkeys(ARMS, 1),
        "ascent": 0,
        "random": round(found["random"].fell),
    }
    assert 0.2 < found["random"].fell < 0.8
    assert found["surprisal"].after < found["surprisal"].before < found["ascent"].after


def test_the_random_direction_is_as_long_as_the_gradient():
    model, text = reader()
    states: dict[str, Tensor] = {}
    begun = model.begin(5)
    ((h, c),) = model.cells(model.see(text.x[:, 0]), begun)
    for name in ("surprisal", "random"):
        ((moved, cell),) = arm(name, model, 0.1, 0).step(text.x[:, 0], begun, text.y[:, 0]).state
        states[name] = torch.cat([moved - h, cell - c], 1).detach()
        assert states[name].any()
    for part in (slice(6), slice(6, 12)):
        lengths = [one[:, part].norm(dim=-1) for one in states.values()]
        torch.testing.assert_close(*lengths)
    assert not torch.allclose(*states.values())


def test_who_is_told_which_word():
    words = torch.arange(6).view(3, 2)
    assert told("likeliest", words) is None and told("entropy", words) is None
    assert torch.equal(told("shuffled", words), words[[2, 0, 1]])
    assert all(told(name, words) is words for name in ("printed", "surprisal", "random", "ascent"))


def test_all_arms_run(tmp_path: Path):
    figures = run(smoke, Lab(tmp_path, seed=0))
    assert set(RIGHT) - set(figures) == {
        f"honest_{name}_{size}" for name in ("likeliest", "entropy") for size in SIZES
    }
    assert all(math.isfinite(one) for one in figures.values())
    assert {path.stem for path in (tmp_path / "pictures").iterdir()} == {"perplexity"}
    assert run(smoke, Lab(tmp_path, seed=0)) == figures
