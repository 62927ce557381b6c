"""Names of figures in words."""

import pytest

from wavetrain.report.words import readable


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("identity100_delay0", "identity RNN 100 delay 0"),
        ("mamba_x16", "Mamba 16 times as long"),
        ("aussm_c6", "AUSSM C6"),
        ("r2_wave", "R² wave RNN"),
        ("speed-up (slide)", "speed-up (slide)"),
        ("<b>", "<b>"),
    ],
)
def test_names_are_words(name, words):
    assert readable(name) == words
