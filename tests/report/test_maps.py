"""Maps side by side: their titles do not run into each other."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from wavetrain.evidence.picture import Maps
from wavetrain.report import draw


@pytest.mark.parametrize("letters", [1, 12, 28])
@pytest.mark.parametrize("columns", [2, 4])
def test_titles_do_not_meet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, letters: int, columns: int
) -> None:
    made: list[Figure] = []

    class Kept(Figure):
        def __init__(self, *given: object, **more: object):
            super().__init__(*given, **more)  # type: ignore[arg-type]
            made.append(self)

    monkeypatch.setattr(draw, "Figure", Kept)
    labels = tuple("m" * letters for _ in range(4))
    draw.draw(Maps("Four maps", np.zeros((4, 12, 12)), labels, columns=columns), tmp_path / "maps.png")
    (figure,) = made
    figure.canvas.draw()
    titles = [axes.title.get_window_extent() for axes in figure.axes if axes.get_title()]
    assert len(titles) == 4
    assert not any(a.overlaps(b) for at, a in enumerate(titles) for b in titles[at + 1 :])
