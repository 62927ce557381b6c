"""The line on which every seed is a dot."""

import re

from wavetrain.report.results import Row
from wavetrain.report.strips import EDGE, WIDTH, span, strip
from wavetrain.report.words import Named

NAME = Named("Symbols recalled", "share")


def test_shares_lie_between_0_and_1_and_others_begin_at_0():
    assert span([0.2, 0.9]) == (0, 1)
    assert span([70, 60]) == (0, 70)
    assert span([-3, 5]) == (-3, 5)
    assert span([-3, -2]) == (-3, 0)


def test_every_seed_is_a_dot_and_the_published_figure_a_diamond():
    drawn = str(strip(Row("recall", NAME, 0.5, (0.0, 0.25, 1.0, None))))
    places = [float(x) for x in re.findall(r'circle cx="([\d.]+)"', drawn)]
    inside = WIDTH - 2 * EDGE
    assert places == [EDGE, EDGE + inside / 4, EDGE + inside]
    assert f'd="M{EDGE + inside / 2:.1f} ' in drawn
    assert 'aria-label="3 seeds: 0, 0.25, 1; published: 0.5; on a line from 0 to 1"' in drawn


def test_what_has_no_value_or_only_zeros_is_drawn_too():
    assert strip(Row("lost", NAME, None, (None, None))) == ""
    assert str(strip(Row("wrong", NAME, "none", (0.0, 0.0)))).count("<circle") == 2
    assert "<path" not in strip(Row("wrong", NAME, "none", (0.0, 0.0)))
