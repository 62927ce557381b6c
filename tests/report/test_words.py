"""Figures are called by full names with units, as their claims say; every figure of ours has both."""

from pathlib import Path

import pytest

from wavetrain import find
from wavetrain.evidence.claims import Figure, chosen
from wavetrain.evidence.result import Result, Words, read_all
from wavetrain.report.words import named, naming, spelled

EXPERIMENTS = find.members("experiments")
COMMITTED = read_all(Path(__file__).parents[2] / "results")
CLAIM = Words(
    figures=(
        Figure(
            name="{when:fresh_|}recall_{net}_delay{delay}", says="{net}, delay {delay}{when}", unit="share"
        ),
        Figure(name="{net:wave|lstm}_steps", says="training of the {net}", unit="steps"),
        Figure(name="speed-up ({where})", says="how much sooner, {where}", unit="factor"),
        Figure(name="broken{twice}{twice}", says="{nothing}", unit="a result may be written by anyone"),
    ),
    names={"identity100": "identity RNN of 100 units", "fresh_": ", before training", "wide": "64 units"},
)


@pytest.mark.parametrize(
    ("name", "says", "unit"),
    [
        ("recall_wave_delay5", "Wave RNN, delay 5", "share"),
        ("fresh_recall_identity100_delay0", "Identity RNN of 100 units, delay 0, before training", "share"),
        ("recall_lstm_wide_delay0", "LSTM 64 units, delay 0", "share"),
        ("wave_steps", "Training of the wave RNN", "steps"),
        ("speed-up (slide)", "How much sooner, slide", "factor"),
        ("parameters_gru", "Parameters, GRU", "count"),
        ("parameters_wide_steps", "Parameters, 64 units steps", "count"),
        ("broken_steps", "{nothing}", "a result may be written by anyone"),
    ],
)
def test_names_are_those_of_the_claim(name: str, says: str, unit: str) -> None:
    assert named(name, CLAIM) == (says, unit)
    assert named(name, CLAIM).whole == f"{says} ({unit})"


def test_a_figure_that_nobody_named_keeps_its_key_as_words() -> None:
    assert named("mape_lstm_1000", Words()) == ("mape LSTM 1000", "")
    assert named("<b>", Words()).whole == "<b>"
    assert spelled("wave", {"wave": "shrinking wave"}) == "shrinking wave"


def test_an_older_result_is_read_in_the_words_of_today() -> None:
    one = next(one for one in COMMITTED if one.experiment == "wave_rnn_copy")
    old = Result(**vars(one) | {"claim": Words(title=one.claim.title)})
    assert named("wave_delay0", naming(old)).unit == "iterations"
    assert naming(Result(**vars(old) | {"experiment": "of_somebody_else"})) == Words(title=one.claim.title)


def keys(experiment: str) -> list[str]:
    """The figures that a claim's page shows: measured by a committed result, or published."""
    measured = [figures for one in COMMITTED if one.experiment == experiment for figures in one.figures]
    published = Words.of(find.named(experiment).load().claim.__dict__).published
    return list(dict.fromkeys([name for figures in measured for name in figures] + list(published)))


@pytest.mark.parametrize("found", EXPERIMENTS, ids=lambda found: found.name)
def test_every_figure_has_a_full_name_of_its_own_and_a_unit(found: find.Found) -> None:
    claim = Words.of(vars(found.load().claim))
    called = {name: named(name, claim) for name in keys(found.name)}
    for part in claim.parts:
        assert chosen(called, part.figures) or not any(one.experiment == found.name for one in COMMITTED)
    for name, words in called.items():
        assert words.unit, f"say in Claim.figures of {found.name} what {name} is, and in which unit"
        assert "{" not in words.whole and "_" not in words.whole.replace("T_", ""), words.whole
        assert len(words.says.split()) >= 2, f"{name}: {words.says} is a key, and no name"
    assert len(set(called.values())) == len(called), "two figures are called the same"


@pytest.mark.parametrize("found", EXPERIMENTS, ids=lambda found: found.name)
def test_no_name_is_given_to_a_figure_that_is_not_there(found: find.Found) -> None:
    claim = Words.of(vars(found.load().claim))
    known = keys(found.name) + [name for part in claim.parts for name in part.figures]
    run = any(one.experiment == found.name for one in COMMITTED)
    for one in claim.figures if run else ():
        alone = Words(figures=(one,), names=claim.names)
        assert any(named(name, alone).unit and name[:11] != "parameters_" for name in known), one.name
