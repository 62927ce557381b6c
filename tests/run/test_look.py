"""Looking: each lens gets what it asks for by name, and says why where it does not apply."""

import base64
import csv
import json
import re
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from jaxtyping import Float
from PIL import Image

import wavetrain as wt
from wavetrain import find
from wavetrain.errors import BadInput
from wavetrain.evidence.picture import Curve, Field, Maps, Matrix
from wavetrain.lenses import space_time_spectrum
from wavetrain.report.moving import moving
from wavetrain.run.look import look
from wavetrain.run.look_kept import keep
from wavetrain.run.shown import figures, numbers, pictures

RATE = 200.0
FAKE = "#!{python}\nimport sys\nopen(sys.argv[-1], 'wb').write(sys.stdin.buffer.read())\n"
TIME = np.arange(800)[:, None] / RATE
RING = np.sin(2 * np.pi * (12 * TIME - np.arange(6) / 6)) + 0.1 * np.random.default_rng(0).normal(
    size=(800, 6)
)


class Shape(NamedTuple):
    """What a lens of these tests finds."""

    phase: Float[np.ndarray, "*trials time channels"]  # rad, of each sample
    # mV, of each channel
    level: Float[np.ndarray, "*trials channels"]
    table: Float[np.ndarray, "channels channels"]  # 0 to 1
    maps: Float[np.ndarray, "channels down across"]  # Hz
    null: Float[np.ndarray, "surrogates channels"]  # of shuffles
    p: float  # rank
    count: int  # of samples


FOUND = Shape(
    np.linspace(-np.pi, np.pi, 2 * 1500 * 3).reshape(2, 1500, 3),
    np.array([1.0, np.nan, 3.0]),
    np.eye(3),
    np.zeros((3, 4, 5)),
    np.zeros((99, 3)),
    0.25,
    1500,
)


def test_a_lens_gets_the_recording_itself() -> None:
    found = look(RING, rate=RATE, lenses=["space_time_spectrum"])
    np.testing.assert_array_equal(found["space_time_spectrum"].power, space_time_spectrum(RING).power)
    assert found["space_time_spectrum"].p < 0.02
    part = look(RING, rate=RATE, lenses=["space_time_spectrum"], between=(1, 2), channels=["0", "2", "4"])
    np.testing.assert_array_equal(
        part["space_time_spectrum"].power, space_time_spectrum(RING[200:400, [0, 2, 4]]).power
    )


def test_what_does_not_apply_says_why() -> None:
    found = look(RING, rate=RATE)
    why = {one.lens: one.why for one in found.seen if one.found is None}
    assert "name the lens" in why["space_time_spectrum"] and "effective_context" not in why
    with pytest.raises(BadInput, match="space_time_spectrum showed nothing"):
        found["space_time_spectrum"]
    with pytest.raises(BadInput, match="toeplitz does not apply: it asks for a layer"):
        look(RING, rate=RATE, lenses=["toeplitz"])
    with pytest.raises(BadInput, match=r"space_time_spectrum does not apply: .*NaN"):
        look(np.where(RING > 1, np.nan, RING), rate=RATE, lenses=["space_time_spectrum"])
    with pytest.raises(BadInput, match="did you mean toeplitz"):
        look(RING, rate=RATE, lenses=["toeplits"])


def test_a_layer_is_looked_at_the_same_each_time() -> None:
    torch.manual_seed(0)
    layer, lenses = wt.layers.LRU(4), ["effective_context", "toeplitz"]
    state = torch.get_rng_state()
    one, two = look(layer, lenses=lenses), look(layer, lenses=lenses)
    assert torch.equal(torch.get_rng_state(), state)
    for name in lenses:
        for a, b in zip(one[name], two[name], strict=True):
            np.testing.assert_array_equal(a, b)


def test_it_is_at_the_front_door() -> None:
    assert wt.look is look


def test_figures_say_what_they_are() -> None:
    told = {one.name: one for one in figures(FOUND)}
    assert told["phase"].about == "rad, of each sample"
    assert told["phase"].value.startswith("2 × 1500 × 3: -3.142 to 3.142, median ")
    assert told["level"].about == "mV, of each channel" and told["maps"].about == "Hz"
    assert told["level"].value == "1, nan, 3" and told["p"].value == "0.25" and told["count"].value == "1500"
    assert told["table"].value == "3 × 3: 0 to 1, median 0"
    nothing = FOUND._replace(level=np.full(9, np.nan))
    assert {one.name: one.value for one in figures(nothing)}["level"] == "9 numbers, none known"


def test_numbers_are_json() -> None:
    told = json.loads(json.dumps(numbers(FOUND), allow_nan=False))
    assert (
        told["level"] == [1.0, None, 3.0] and told["p"] == 0.25 and told["phase"] == {"shape": [2, 1500, 3]}
    )


def test_pictures_draw_what_was_found() -> None:
    drawn = pictures("shape", FOUND, {"rate": 100.0})
    assert list(drawn) == ["phase", "level", "table", "maps"]
    phase, level = drawn["phase"], drawn["level"]
    assert isinstance(phase, Field) and isinstance(level, Curve)
    np.testing.assert_array_equal(phase.values, FOUND.phase[0, :1000].T)  # a part, not computed anew
    assert phase.cyclic and phase.xlabel == "time (s)" and phase.extent == (0.0, 10.0, 2.5, -0.5)
    assert level.ylabel == "mV" and level.xlabel == "channels"
    assert isinstance(drawn["table"], Matrix) and isinstance(drawn["maps"], Maps)


def test_a_folder_holds_page_figures_and_arrays(tmp_path: Path) -> None:
    found = look(RING, rate=RATE, lenses=["space_time_spectrum"])
    page = keep(found, tmp_path / "seen")
    text = page.read_text(encoding="utf-8")
    assert "space time spectrum" in text and "share of power" in text and found.said[0] in text
    told = json.loads((tmp_path / "seen/look.json").read_text(encoding="utf-8"))
    (one,) = told["lenses"]
    assert one["figures"]["p"] == found["space_time_spectrum"].p
    with np.load(tmp_path / "seen/space_time_spectrum.npz") as arrays:
        np.testing.assert_array_equal(arrays["power"], found["space_time_spectrum"].power)
    rows = list(csv.reader((tmp_path / "seen/figures.csv").read_text(encoding="utf-8").splitlines()))
    assert rows[0] == ["lens", "figure", "value", "what it is"] and len(rows) == 1 + len(
        figures(found.seen[0].found)
    )
    for name in ("space_time_spectrum-power.png", "space_time_spectrum-power.svg"):
        assert (tmp_path / "seen" / name).stat().st_size > 1000


def test_all_lenses_have_words_for_their_fields() -> None:
    """What a user reads in the table: a comment beside each field of what a lens finds."""
    layer = wt.layers.Elman(4)
    found = look(layer, lenses=["effective_context"])
    assert all(one.about for one in figures(found["effective_context"]))
    assert {one.name for one in find.members("lenses")} >= {one.lens for one in look(RING, rate=RATE).seen}


def test_a_moving_picture_keeps_its_colours(tmp_path: Path) -> None:
    """The frames of two moments with the same phases are the same but for the time."""
    phase = np.tile(np.linspace(-np.pi, np.pi, 5), (3, 1))
    phase[1] = 0.1
    places = np.stack([np.arange(5.0), np.zeros(5)], 1)
    made = moving(tmp_path / "one.gif", phase, places, np.zeros(3), title="a wave")
    path = made.gif
    with Image.open(path) as film:
        frames = []
        for at in range(film.n_frames):
            film.seek(at)
            frames.append(np.asarray(film.convert("RGB")).astype(int))
    assert len(frames) == 3
    np.testing.assert_array_equal(frames[0], frames[2])
    assert np.abs(frames[0] - frames[1]).max() > 50
    shown = re.fullmatch(r'<img alt="[^"]+" src="data:image/gif;base64,([^"]+)">', made._repr_html_())
    assert shown and base64.b64decode(shown[1]) == path.read_bytes()
    with pytest.raises(BadInput, match="moving picture: expected phases"):
        moving(tmp_path / "two.gif", phase, places[:4], np.zeros(3), title="a wave")


def test_an_mp4_lies_beside_where_ffmpeg_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program of that name gets the pixels of each frame, as many as the GIF has, and their size."""
    phase, places = np.array([[0.0, 1.0], [2.0, 3.0]]), np.eye(2)
    monkeypatch.setenv("PATH", str(tmp_path))
    film = moving(tmp_path / "one.gif", phase, places, np.zeros(2), title="a wave")
    assert film.video is None and film.why == "ffmpeg is not on the path"
    program = tmp_path / "ffmpeg"
    program.write_text(FAKE.format(python=sys.executable))
    program.chmod(0o755)
    film = moving(tmp_path / "one.gif", phase, places, np.zeros(2), title="a wave")
    assert film.video == tmp_path / "one.mp4" and not film.why
    frames = np.frombuffer(film.video.read_bytes(), np.uint8).reshape(2, 320, 336, 4)
    with Image.open(film.gif) as gif:
        near = np.abs(np.asarray(gif.convert("RGB")).astype(int) - frames[0, ..., :3])
    assert near.mean() < 3  # but for the colours that a GIF has
    program.write_text("#!/bin/sh\nexit 1\n")
    film = moving(tmp_path / "one.gif", phase, places, np.zeros(2), title="a wave")
    assert film.video is None and "could not write one" in film.why and not (tmp_path / "one.mp4").exists()


def test_two_stand_side_by_side(tmp_path: Path) -> None:
    places = np.random.default_rng(1).random((6, 2))
    found = look(
        RING, beside=RING[:700, ::-1], rate=RATE, positions=places, lenses=["generalized_phase", "dsa"]
    )
    page = keep(found, tmp_path / "two").read_text(encoding="utf-8")
    assert page.count("phase-moving.gif") == page.count("phase-moving-beside.gif") == 1
    assert "of both" in page and "ndarray beside ndarray (beside)" in page
    rows = list(csv.reader((tmp_path / "two/figures.csv").read_text(encoding="utf-8").splitlines()))
    assert rows[0] == ["lens", "figure", "value", "beside", "what it is"]
    phase = next(row for row in rows if row[:2] == ["generalized_phase", "phase"])
    assert phase[2].startswith("800 × 6") and phase[3].startswith("700 × 6")
    told = json.loads((tmp_path / "two/look.json").read_text(encoding="utf-8"))
    assert [one["lens"] for one in told["beside"]["lenses"]] == [one["lens"] for one in told["lenses"]]
    with np.load(tmp_path / "two/generalized_phase-beside.npz") as arrays:
        assert found.beside is not None
        np.testing.assert_array_equal(arrays["phase"], found.beside["generalized_phase"].phase)
