"""The report: pictures, tables, BibTeX and pages, from results that are made here."""

import html.parser
import io
import itertools
import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image
from rich.console import Console

from wavetrain import find
from wavetrain.errors import BadInput
from wavetrain.evidence import picture, today
from wavetrain.evidence.picture import Alarms, Curve, Field, Maps, Matrix, Paths, Points, Raster
from wavetrain.evidence.result import VERSION, Result, read_all
from wavetrain.evidence.shape import parsed
from wavetrain.report import catalogue, draw, pages, panels, results, tables
from wavetrain.report.ascii_matrix import ascii_matrix
from wavetrain.report.bibtex import bibtex
from wavetrain.report.prose import markdown, plain, prose

PLANT = "<script>window.planted = 1; alert(1)</script>"
PICTURES = {
    "curve": Curve(
        "Loss",
        np.arange(5),
        np.array([[1, 0.1, np.nan, 0.01, 0], [np.inf, 1, 1, 1, -1]]),
        ("a", "b"),
        log=True,
    ),
    "field": Field("Ring", np.sin(np.add.outer(np.arange(6), np.arange(40)))),
    "matrix": Matrix("Operator", np.tril(np.ones((9, 9)))),
    "alarms": Alarms(
        "Alarms", np.arange(9.0), np.ones(9), np.ones(9), np.arange(9.0), np.arange(9) == 8, 7.5, learned=4
    ),
    "maps": Maps("Cells", np.arange(60.0).reshape(5, 3, 4), ("a", "b", "c", "d", "e"), label="Hz"),
    "paths": Paths(
        "Drawn", np.random.default_rng(0).random((4, 2, 5, 2)), ("a", "b", "c", "d"), np.zeros((2, 5, 2))
    ),
    "raster": Raster("Spikes", np.array([0.1, 0.5, 0.7]), np.array([0, 3, 3])),
    "points": Points("Plane $x", np.arange(4.0), np.arange(4.0), np.array([0, 1, 1, 0]), ("one", "two")),
}


def result(name: str = "wave_rnn_adding", scale: str = "small", **changes) -> dict:
    """A result as the runner writes it."""
    whole = {
        "version": VERSION,
        "experiment": name,
        "about": "Does a wave help?\n\nKeller 2023, arXiv 2309.08045.\n\n    h_t = relu(u * h_{t-1})\n",
        "claim": {
            "title": "Adding is solved ten times sooner with waves",
            "sentence": "The wave RNN solves adding ten times sooner",
            "parts": [{"says": "It needs a tenth of the steps", "figures": ["wave_steps"]}],
            "source": "arXiv 2309.08045, table 2",
            "topic": "Travelling waves",
            "systems": ["wave_rnn", "identity_rnn", "copying"],
            "published": {"wave_steps": 300, "speed-up (slide)": "about 100 times"},
            "figures": [{"name": "{net}_steps", "says": "training of the {net}", "unit": "iterations"}],
            "notes": "",
            "unrun": "",
        },
        "scale": scale,
        "settings": {"length": 30, "rates": [0.001, 0.0001]},
        "verdict": {
            "word": "reproduced",
            "parts": [{"word": "reproduced", "agree": 3, "seeds": 3, "why": ""}],
        },
        "seeds": [0, 1, 2],
        "figures": [{"wave_steps": 290.0}, {"wave_steps": 310.0}, {"wave_steps": None}],
        "seconds": [41.0, 40.0, 44.0],
        "routes": {"wave": "plain"},
        "environment": {
            "hardware": "A processor",
            "threads": 1,
            "device": "cpu",
            "python": "3.12.3",
            "torch": "2.13.0",
        },
        "command": f"wavetrain run {name} --scale {scale}",
        "date": "2026-01-01",
        "pictures": [],
    }
    return whole | changes


def typed(*given: str, **changes) -> Result:
    """The same as the report reads it."""
    return parsed(Result, result(*given, **changes))


def lay(home: Path, *ones: dict) -> Path:
    """A folder of results; each with every picture of PICTURES where it names none."""
    home.mkdir(exist_ok=True)
    for one in ones:
        if not one["pictures"]:
            place = home / "pictures" / f"{one['experiment']}-{one['scale']}"
            place.mkdir(parents=True, exist_ok=True)
            picture.save(place / "operator.npz", PICTURES["matrix"])
            one["pictures"] = [path.relative_to(home).as_posix() for path in draw.draw_all(place)]
        (home / f"{one['experiment']}-{one['scale']}.json").write_text(json.dumps(one))
    return home


def planted(home: Path) -> Path:
    """Results with a script wherever a person could write one."""
    place = home / "pictures" / "wave_rnn_adding-small"
    place.mkdir(parents=True)
    picture.save(place / "x<script>y.npz", Matrix(PLANT, np.eye(3), PLANT, PLANT))
    paths = [path.relative_to(home).as_posix() for path in draw.draw_all(place)]
    bad = result(
        about=f"{PLANT}\n\n    {PLANT}\n\n- `{PLANT}`",
        settings={PLANT: PLANT, "many": [PLANT]},
        figures=[{PLANT: 1.0}] * 3,
        routes={PLANT: PLANT},
        environment={"hardware": PLANT, PLANT: PLANT},
        command=PLANT,
        date=PLANT,
        pictures=paths,
    )
    bad["claim"] |= dict.fromkeys(("title", "sentence", "source", "topic", "notes"), PLANT)
    bad["claim"] |= {"systems": [PLANT, "wave_rnn"], "published": {PLANT: PLANT}}
    bad["claim"] |= {"parts": [{"says": PLANT, "figures": [PLANT]}], "changed": [PLANT]}
    bad["verdict"] = {"word": PLANT, "parts": [{"word": PLANT, "agree": 3, "seeds": 3, "why": PLANT}]}
    return lay(home, bad, result(scale="full"))


class Page(html.parser.HTMLParser):
    """What a test wants to know of a page."""

    def __init__(self, path: Path):
        super().__init__()
        self.links, self.tags, self.alts = [], [], []
        self.feed(path.read_text())

    def handle_starttag(self, tag, attrs):
        words = dict(attrs)
        self.tags.append(tag)
        self.links += [words[name] for name in ("href", "src") if name in words]
        if tag == "img":
            self.alts.append(words["alt"])


def test_report_does_not_import_torch():
    names = "bibtex, draw, pages, prose, results, tables"
    code = f"import sys; from wavetrain.report import {names}; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


@pytest.mark.parametrize("name", PICTURES)
def test_the_same_picture_gives_the_same_bytes(name, tmp_path):
    draw.draw(PICTURES[name], tmp_path / "one.png")
    draw.draw(PICTURES[name], tmp_path / "two.png")
    whole = (tmp_path / "one.png").read_bytes()
    assert whole == (tmp_path / "two.png").read_bytes()
    assert whole.startswith(b"\x89PNG") and PICTURES[name].title.encode() in whole
    assert b"matplotlib" not in whole.lower()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.png", "one.svg", "two.png", "two.svg"]
    vector = (tmp_path / "one.svg").read_text()
    assert vector == (tmp_path / "two.svg").read_text() and "<dc:date>" not in vector


def test_drawing_does_not_depend_on_the_users_settings(tmp_path):
    import matplotlib

    draw.draw(PICTURES["field"], tmp_path / "one.png")
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red", "savefig.dpi": 20}):
        draw.draw(PICTURES["field"], tmp_path / "two.png")
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_odd_pictures_are_drawn(tmp_path):
    none, nan = np.zeros(0), np.full((3, 4), np.nan)
    labels = tuple(f"network {index} with a long name" for index in range(24))
    odd = [
        Field("No values", nan),
        Field("One value", np.full((2, 2), -3.0)),
        Field("Frequencies", np.eye(8), label="power", extent=(-0.5, 0.5, 0.5, -0.5)),
        Matrix("One by one", np.ones((1, 1))),
        Matrix("Both signs", np.array([[-1.0, 0], [2, 1]])),
        Curve("No values", np.arange(4), nan, ("a", "b", "c"), log=True),
        Curve("Nothing above 0", np.arange(4), np.zeros((1, 4)), ("",), log=True),
        Curve(
            "Many lines and a long title " * 6,
            np.arange(30),
            np.random.default_rng(0).random((24, 30)),
            labels,
        ),
        Raster("Silence", none, none),
        Points("No points", none, none, none.astype(int), ()),
        Points("Many", *np.zeros((2, 3000)), np.zeros(3000, int), ("dust",)),
        Maps("One map without a value", nan[None], ("a cell",)),
        Paths("Nowhere", nan.reshape(1, 1, 6, 2), ("a long name of a network " * 3,), nan.reshape(1, 6, 2)),
        Alarms("One row", *np.zeros((4, 1)), np.ones(1, bool), 0.5, learned=1, dates=True),
        Alarms("No score", np.arange(3.0), *np.full((3, 3), np.nan), np.zeros(3, bool), 1.0),
        Alarms("Many", np.arange(3000.0), *np.zeros((3, 3000)), np.ones(3000, bool), 1.0, dates=True),
    ]
    for index, one in enumerate(odd):
        draw.draw(one, tmp_path / f"{index}.png")
        assert draw.describe(one)


def test_a_long_vertical_label_stays_below_the_title(tmp_path):
    """The rows of pixels with the title are those of a picture without a label."""
    from matplotlib.image import imread

    tops = []
    for ylabel in (
        "",
        "squared error of a coordinate, in units of length²",
        "share of test images that are right",
        "accuracy on novel classes, one example (share)",
    ):
        line = Curve("A title", np.arange(4.0), np.ones((1, 4)), ("a",), ylabel=ylabel)
        draw.draw(line, tmp_path / "one.png")
        tops.append(imread(tmp_path / "one.png")[:40])
    for top in tops[1:]:
        np.testing.assert_array_equal(top, tops[0])


def test_draw_all_lists_what_it_drew_and_names_what_is_damaged(tmp_path):
    for name, one in PICTURES.items():
        picture.save(tmp_path / f"{name}.npz", one)
    drawn = draw.draw_all(tmp_path)
    assert all(path.with_suffix(".svg").is_file() for path in drawn)
    assert drawn == [tmp_path / f"{name}.png" for name in sorted(PICTURES)]
    (tmp_path / "field.npz").write_bytes(b"PK not an archive")
    with pytest.raises(BadInput, match=r"field\.npz"):
        draw.draw_all(tmp_path)


def test_arrays_that_do_not_fit_are_refused_and_nothing_is_lost(tmp_path):
    path = tmp_path / "one.png"
    path.write_bytes(b"before")
    with pytest.raises(BadInput, match=r"'Loss'.*\(2, 3\), 2 labels, x \(4,\)"):
        draw.draw(Curve("Loss", np.arange(4), np.zeros((2, 3)), ("a", "b")), path)
    with pytest.raises(BadInput, match="1 labels"):
        draw.draw(Points("P", np.zeros(2), np.zeros(2), np.array([0, 1]), ("a",)), path)
    with pytest.raises(BadInput, match=r"values \(2, 3, 3\), 1 labels"):
        draw.draw(Maps("Cells", np.zeros((2, 3, 3)), ("a",)), path)
    for lines, wanted in (((1, 2, 5, 2), (3, 5, 2)), ((2, 2, 5, 2), (2, 5, 2)), ((1, 2, 5, 3), (2, 5, 3))):
        with pytest.raises(BadInput, match=r"wanted \(.*\), 1 labels, 3 columns"):
            draw.draw(Paths("Drawn", np.zeros(lines), ("a",), np.zeros(wanted)), path)
    with pytest.raises(BadInput, match="there is no folder"):
        draw.draw(PICTURES["matrix"], tmp_path / "nowhere" / "one.png")
    assert path.read_bytes() == b"before"


def test_text_shows_a_thin_diagonal_of_a_large_matrix():
    assert ascii_matrix(np.eye(2)) == "██\n  ██"
    lines = ascii_matrix(np.eye(1000), width=48).splitlines()
    assert len(lines) == 24 and all(line.endswith("█") for line in lines)
    assert max(map(len, lines)) == 48
    assert ascii_matrix(np.zeros((2, 2))).strip() == ""
    assert ascii_matrix(np.array([[-4.0, 3, 2, 1, 0.01, np.nan]]), width=12) == "██▓▓▒▒░░"
    with pytest.raises(BadInput, match=r"\(3,\)"):
        ascii_matrix(np.ones(3))


def test_rows_set_published_beside_measured():
    wave, slide = results.rows(typed())
    assert (wave.named.whole, wave.published, wave.median, wave.span, wave.lost) == (
        "Training of the wave RNN (iterations)", 300, "300", "290 to 310", "1 diverged",
    )  # fmt: skip
    assert (slide.published, slide.median, slide.span, slide.lost) == ("about 100 times", "–", "", "")
    lost = results.rows(typed(figures=[{"a": None}] * 3))[0]
    assert (lost.median, lost.span, lost.lost) == ("diverged", "", "3 diverged")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (300, "300"),
        (14000.0, "14,000"),
        (0.16666, "0.1667"),
        (-1.2e-7, "−1.2e−7"),
        (3e9, "3e9"),
        (None, "diverged"),
        ("a", "a"),
    ],
)
def test_numbers_are_short(value, words):
    assert results.number(value) == words


def shown(table) -> str:
    """A table as a narrow terminal without colour has it."""
    file = io.StringIO()
    Console(file=file, width=80, color_system=None).print(table)
    return file.getvalue()


def test_tables_fit_80_columns_and_say_all_without_colour():
    claim = result()["claim"]
    one = typed(claim=claim | {"title": "[red]" + claim["title"]})
    text = shown(tables.verdict_table([one]))
    assert max(map(len, text.splitlines())) <= 80
    for words in (
        "[red]",
        "Training of the wave RNN (iterations)",
        "300",
        "1 diverged",
        "✓ reproduced",
        "3 of 3",
        "small, 2 min",
        "wave_rnn_adding",
    ):
        assert words in text
    text = shown(tables.listing_table(find.everything()))
    assert max(map(len, text.splitlines())) <= 80 and "wave_rnn" in text
    assert "2309.08045" in shown(tables.card_table(find.named("wave_rnn")))
    copying = " ".join(shown(tables.card_table(find.named("wave_rnn_copy"))).split())
    assert "625 units (weaker than the source: about 100 times sooner" in copying and "_delay" not in copying
    claim = shown(tables.card_table(find.named("worm_set_size")))
    assert "1. The LSTM is" in claim and "2. The transformer is" in claim and "says" not in claim


def test_markdown_keeps_its_cells():
    one = typed(claim=result()["claim"] | {"title": "a | b\n<i>c</i> [d](e)"})
    lines = tables.markdown_claims([one, typed()]).splitlines()
    assert len(lines) == 4
    assert lines[0] == "| claim | verdict | measured | parts and seeds | experiment |"
    assert r"a \| b \<i\>c\</i\> \[d\](e)" in lines[2]
    assert (
        "Training of the wave RNN (iterations): 300 (290 to 310, 1 diverged)" in lines[3]
        and "; published" in lines[3]
    )
    assert lines[3].endswith(f"| [{result()['experiment']}]({result()['experiment']}-small.json) |")


WITNESS = {"smoke": {"trainings": {}, "figures": {}}, "start": None}


def standing_in(word: str) -> dict:
    """What a result says that stands so with the code of today."""
    last = {"same": word == "confirmed", "code": today.digest("wave_rnn_adding"), "date": "2026-02-03"}
    last["hardware"] = "Another processor"
    if word == "not confirmed":
        last["code"] = "of other code"
    return {} if word == "from an older version" else {"code": "1", "witness": WITNESS, "confirmation": last}


@pytest.mark.parametrize("word", today.MEANING)
def test_how_a_result_stands_with_todays_code_is_said(word, tmp_path):
    one = result(data={"mnist.gz": "ab12"}, **standing_in(word))
    index = pages.build(lay(tmp_path / "results", one), tmp_path / "site")
    assert f'<span class="quiet">{word}</span>' in index.read_text()
    page = (index.parent / "claims" / "wave_rnn_adding.html").read_text()
    assert f"<strong>{word.capitalize()}</strong>: {today.MEANING[word]}." in page and "sha256 ab12" in page
    assert ("2026-02-03, Another processor: " in page) == (word != "from an older version")
    (read,) = read_all(tmp_path / "results")
    table = " ".join(shown(tables.verdict_table([read])).split())
    assert all(part in table for part in word.split())
    stored = {"not confirmed": "stale"}.get(word, word)  # the README says what the last replay came to
    assert f"| reproduced<br>{stored} |" in tables.markdown_claims([read])


def test_the_readme_shows_few_figures_and_points_to_all():
    figures = {name: float(place) for place, name in enumerate("abcdefg")}
    parts = [{"says": "c is 2", "figures": ["c"]}]
    claim = result()["claim"] | {"published": {"g": 7.0}, "parts": parts}
    many = typed("many", figures=[figures] * 3, claim=claim)
    line = tables.markdown_claims([many]).splitlines()[2]
    assert (
        tables.FEW == 2 and "| c: 2<br>g: 6; published 7 and 5 more |" in line
    )  # what is judged comes first


def test_the_readme_shows_a_picture_beside_what_came_out():
    line = tables.markdown_pictures([(typed(), "a/b.png")]).splitlines()[2]
    about, shown = line.strip("| ").split(" | ")
    assert about.startswith("**Adding is solved ten times sooner with waves**<br>The wave RNN solves adding")
    assert '<img src="a/b.png" alt="Adding is solved' in shown
    assert "**reproduced (small scale, 3 of 3 seeds)**<br>Training of the wave RNN (iterations): 300" in shown


def test_labels_of_a_claims_pictures_are_spelled_out(tmp_path):
    x, lines = np.arange(2.0), np.ones((3, 2))
    picture.save(tmp_path / "loss.npz", Curve("Loss", x, lines, ("identity100", "lstm", "what is said")))
    (path,) = draw.draw_all(tmp_path, {"identity100": "identity RNN of 100 units"})
    with Image.open(path) as image:
        assert "identity RNN of 100 units, LSTM, what is said." in image.info["Description"]
    picture.save(tmp_path / "loss.npz", Maps("Loss", np.ones((2, 3, 3)), ("identity100", "what is said")))
    (path,) = draw.draw_all(tmp_path, {"identity100": "identity RNN of 100 units"})
    with Image.open(path) as image:
        assert image.info["Description"].endswith("identity RNN of 100 units, what is said.")


def test_numbers_between_powers_of_ten_are_written_as_numbers(tmp_path):
    line = Curve("A title", np.arange(2.0), np.array([[0.3, 2.0]]), ("a",), log=True)
    draw.draw(line, tmp_path / "one.png")
    figure = Figure()
    axes = figure.add_subplot()
    draw._curve(line, figure, axes)
    figure.draw_without_rendering()
    said = {one.get_text() for one in axes.yaxis.get_minorticklabels()}
    assert {"0.4", "2"} <= said and not any("e" in one for one in said)


def test_lines_of_a_label_are_of_one_length():
    assert draw._even("share of test images that are right", 34) == ["share of test images", "that are right"]
    assert draw._even("accuracy over the tasks so far", 34) == ["accuracy over the tasks so far"]
    assert draw._even("", 34) == []


def test_other_seeds_are_drawn_where_they_belong(tmp_path):
    x, lines = np.arange(2.0), np.ones((1, 2))
    for seed in range(3):
        (tmp_path / str(seed)).mkdir()
        for name, belongs in (("loss", True), ("trial", False)):
            one = Curve(name, x, seed * lines, ("lstm",), seeds=belongs)
            picture.save(tmp_path / str(seed) / f"{name}.npz", one)
    picture.save(tmp_path / "0" / "alone.npz", Curve("alone", x, lines, ("lstm",), seeds=True))
    drawn = draw.draw_all(tmp_path / "0", {}, [tmp_path / "1", tmp_path / "2"])
    said = {}
    for path in drawn:
        with Image.open(path) as image:
            said[path.stem] = image.info["Description"]
    assert said["loss"].endswith("LSTM. Thick, means of 3 seeds; thin, each.")
    assert said["trial"].endswith("LSTM.") and said["alone"].endswith("LSTM.")


def test_titles_of_maps_do_not_meet(tmp_path):
    """Long ones stand in several lines, and a break is never inside a pair that a no-break space joins."""
    labels = (
        "decoupled, with a cerebellum, cosine\N{NO-BREAK SPACE}0.82",
        "short",
        "one that is as long as this",
    )
    figure = Figure(figsize=(6.4, 4.0), dpi=150, layout="constrained")
    panels.panels(Maps("Maps", np.ones((3, 4, 4)), labels, columns=3, label="what is seen " * 9), figure, ())
    figure.draw_without_rendering()
    boxes = [axes.title.get_window_extent() for axes in figure.axes[:3]]
    assert all(one.x1 < other.x0 for one, other in itertools.pairwise(boxes))
    assert "cosine\N{NO-BREAK SPACE}0.82" in figure.axes[0].title.get_text()
    bar = figure.axes[-1]
    assert bar.yaxis.label.get_window_extent().height < figure.bbox.height


@pytest.mark.parametrize("stronger", ["100 times on the slide", "100 times on the slide."])
def test_a_claim_page_says_all_of_a_part_in_words(stronger, tmp_path):
    """A sentence ends with one full stop, whether the claim has it or not."""
    why = "the figure 'lstm_steps' was not measured"
    parts = [{"says": "It is sooner", "figures": ["*_steps", "speed*"], "stronger": stronger}]
    judged = {"word": "undecided", "parts": [{"word": "undecided", "agree": 0, "seeds": 3, "why": why}]}
    one = result(claim=result()["claim"] | {"parts": parts}, verdict=judged)
    pages.build(lay(tmp_path / "results", one), tmp_path / "site")
    page = (tmp_path / "site" / "claims" / "wave_rnn_adding.html").read_text(encoding="utf-8")
    assert "Weaker than the source: 100 times on the slide.<" in page
    assert "the figure “Training of the LSTM” was not measured" in page
    assert "Training of the wave RNN: <b>300</b>" in page and "iterations (290 to 310)</span>" in page
    assert page.count("about 100 times") == 1, "in the table of all figures; a part shows what was measured"
    table = " ".join(shown(tables.verdict_table([typed(claim=one["claim"], verdict=judged)])).split())
    assert "; published 300</span>" in page and "Weaker than the source: 100" in table and ".." not in table


def test_the_table_of_all_claims_points_to_the_rest(tmp_path):
    figures = {f"f{place}": float(place) for place in range(catalogue.FEW + 3)}
    many = result("many", figures=[figures] * 3)
    many["claim"]["published"] = {}
    home = lay(tmp_path / "results", many)
    index = pages.build(home, tmp_path / "site").read_text(encoding="utf-8")
    assert ">3 more</a>" in index and index.count("<b>") == catalogue.FEW
    whole = (tmp_path / "site" / "claims" / "many.html").read_text(encoding="utf-8")
    assert all(f">f{place}<" in whole for place in range(catalogue.FEW + 3))


def test_figures_of_untrained_networks_stand_beside_those_of_seeds(tmp_path):
    one = result(calibration={"untrained": {"wave_steps": 4321.0}, "exact": {}})
    pages.build(lay(tmp_path / "results", one), tmp_path / "site")
    page = (tmp_path / "site" / "claims" / "wave_rnn_adding.html").read_text(encoding="utf-8")
    assert '<th scope="col">Untrained</th>' in page and "<td>4,321</td>" in page and ">Exact<" not in page


def test_bibtex_takes_ids_out_of_the_source():
    text = bibtex(find.named("wave_rnn"))
    assert text.startswith("@misc{keller2023traveling,\n") and text.endswith("}\n")
    assert "{ICLR 2024}" in text and "{2309.08045}" in text and "{arXiv}" in text
    card = {
        "title": "The 5% & {more}",
        "authors": "Müller, Jo_n",
        "year": 1999,
        "source": "Brain 3, doi:10.1162/a.b_1(2).",
    }
    found = find.Found("layers", "x", Path("x.py"), "", "", "X", card)
    text = bibtex(found)
    assert text.startswith("@misc{muller19995,") and r"{{The 5\% \& \{more\}}}" in text
    assert "{Brain 3}" in text and "{10.1162/a.b_1(2)}" in text and "eprint" not in text
    with pytest.raises(BadInput, match="no title and no authors"):
        bibtex(find.Found("tasks", "x", Path("x.py"), "", "", "X", {"year": 1, "source": "a"}))


def test_prose_for_a_terminal_fills_paragraphs_and_keeps_equations():
    equation = "    a_t  =  b" + " c" * 30
    text = f"One two\nthree four five.\n\n{equation}\n\n- six seven eight nine\n- ten"
    shown = plain(text, 12)
    assert shown == f"One two\nthree four\nfive.\n\n{equation}\n\n- six seven\neight nine\n- ten"


def test_prose_keeps_equations_and_escapes():
    text = prose(
        "Title.\n\n    a  <  b\n\n    c\n\nSee `x<y` in arXiv 2309.08045.\n- no list\n\n- one\n  more\n- two"
    )
    assert '<pre tabindex="0">a  &lt;  b\n\nc</pre>' in text and "<code>x&lt;y</code>" in text
    assert 'href="https://arxiv.org/abs/2309.08045"' in text
    assert "<ul><li>one more</li><li>two</li></ul>" in text and text.count("<p>") == 2


def test_prose_keeps_examples_as_they_are_typed():
    code = ">>> twice([1, 2])  # <all>\n[[2, 4],\n        [0, 0]]"
    text = f"Twice.\nAll of it.\n\n{code}\n\nMore.\n\n    a = b"
    assert plain(text, 40) == f"Twice. All of it.\n\n{code}\n\nMore.\n\n    a = b"
    assert markdown(text).count("```pycon\n" + code + "\n```") == 1 and "```text\na = b\n```" in markdown(
        text
    )
    page = prose(text)
    assert page.count("<pre") == 2 and "# &lt;all&gt;\n[[2, 4],\n        [0, 0]]</pre>" in page


def test_site_is_whole_and_all_its_links_resolve(tmp_path):
    home = lay(tmp_path / "results", result(), result(scale="full"), result("another", figures=[{}, {}, {}]))
    (home / "compare-digits.json").write_text('{"something": "else"}')
    (home / "list.json").write_text("[1, 2]")
    index = pages.build(home, tmp_path / "site")
    assert index == tmp_path / "site" / "index.html"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["results", "site"]
    written = sorted(index.parent.rglob("*.html"))
    assert index.parent / "claims" / "another.html" in written
    assert {path.stem for path in (index.parent / "systems").iterdir()} == {
        found.name for found in find.everything() if found.kind in find.SYSTEMS
    }
    for path in written:
        page = Page(path)
        assert page.tags.count("h1") == 1 and page.tags.count("main") == 1
        assert page.tags.count("script") == (path == index)  # the one that finds claims
        assert all(page.alts), path
        for link in page.links:
            place, _, part = link.partition("#")
            if link != "data:," and not link.startswith(("https://arxiv.org/abs/", "https://doi.org/10.")):
                target = path.parent / unquote(place) if place else path
                assert target.is_file(), f"{path}: {link}"
                assert not part or f'id="{part}"' in target.read_text()
        assert "http://" not in path.read_text()
    assert (
        'src="../pictures/wave_rnn_adding-full/operator.svg"'
        in (index.parent / "claims/wave_rnn_adding.html").read_text()
    )
    assert "https" not in (index.parent / "site.css").read_text()


def test_site_is_the_same_each_time_and_replaces_itself(tmp_path):
    home, out = lay(tmp_path / "results", result(), result("another")), tmp_path / "deep" / "site"

    def read() -> dict[str, bytes]:
        return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}

    pages.build(home, out)
    first = read()
    pages.build(home, out)
    assert read() == first
    (home / "another-small.json").unlink()
    pages.build(home, out)
    assert "claims/another.html" in first and "claims/another.html" not in read()
    assert [path.name for path in out.parent.iterdir()] == ["site"]


def test_nothing_that_was_planted_runs(tmp_path):
    index = pages.build(planted(tmp_path / "results"), tmp_path / "site")
    for path in index.parent.rglob("*.html"):
        page = Page(path)
        assert page.tags.count("script") == (path == index), path
        assert "site.js" in page.links or path != index
    assert "&lt;script&gt;" in index.read_text()
    assert (
        'src="../pictures/wave_rnn_adding-small/x%3Cscript%3Ey.svg"'
        in (index.parent / "claims" / "wave_rnn_adding.html").read_text()
    )


def test_claims_of_found_experiments_without_result_are_listed(tmp_path, monkeypatch):
    facts = {
        "title": "A claim to come",
        "sentence": "Something will come of it",
        "source": "somewhere",
        "systems": ("wave_rnn",),
        "unrun": "needs a GPU",
    }
    found = find.Found("experiments", "to_come", Path("to_come.py"), "To come", "A claim to come", "", facts)
    all_found = (*find.everything(), found)
    monkeypatch.setattr(find, "everything", lambda: all_found)
    index = pages.build(lay(tmp_path / "results", result()), tmp_path / "site")
    for path in (index, index.parent / "claims" / "to_come.html", index.parent / "systems" / "wave_rnn.html"):
        assert "A claim to come" in path.read_text() and "needs a GPU" in path.read_text()


@pytest.mark.parametrize("before", ["file", "foreign", "added", "damaged"])
def test_what_is_not_our_site_is_never_lost(before, tmp_path):
    home, out = lay(tmp_path / "results", result()), tmp_path / "site"
    mine = out / "thesis.tex"
    if before == "file":
        mine = out
    elif before == "added":
        pages.build(home, out)
    elif before == "damaged":
        pages.build(home, out)
        (out / pages.MARKER).write_text("[")
    else:
        out.mkdir()
    mine.write_text("years of work")
    with pytest.raises(BadInput, match="site"):
        pages.build(home, out)
    assert mine.read_text() == "years of work"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["results", "site"]


def test_an_older_site_stays_when_the_new_one_fails(tmp_path, monkeypatch):
    home, out = lay(tmp_path / "results", result()), tmp_path / "site"
    pages.build(home, out)
    (home / "wave_rnn_adding-small.json").write_text("{")
    with pytest.raises(BadInput, match=r"wave_rnn_adding-small\.json"):
        pages.build(home, out)
    lay(home, result())
    monkeypatch.setattr(pages, "templates", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        pages.build(home, out)
    assert (out / "index.html").is_file() and [path.name for path in sorted(tmp_path.iterdir())] == [
        "results",
        "site",
    ]


def test_a_place_that_cannot_be_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="no folder for the site"):
        pages.build(lay(tmp_path / "results", result()), tmp_path / "file" / "site")


def test_the_site_does_not_replace_its_results(tmp_path):
    out = tmp_path / "site"
    pages.build(lay(tmp_path / "results", result()), out)
    home = lay(out / "results", result())
    with pytest.raises(BadInput, match="must not replace its results"):
        pages.build(home, out)
    assert home.is_dir()


def test_no_results_is_told(tmp_path):
    with pytest.raises(BadInput, match="wavetrain run"):
        pages.build(tmp_path / "nowhere", tmp_path / "site")
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "compare-a.json").write_text("{}")
    with pytest.raises(BadInput, match="wavetrain run"):
        pages.build(tmp_path / "results", tmp_path / "site")
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seeds": None}, "`seeds` must be list, got null"),
        ({"seeds": [0]}, "equally many"),
        ({"figures": [{"a": "b"}] * 3}, r"`figures\[0\].a` must be int or float or NoneType"),
        ({"verdict": {"parts": []}}, "verdict.word"),
        ({"verdict": {"word": "reproduced"}}, "equally many"),
        ({"claim": {"title": 3}}, "claim.title"),
        ({"claim": result()["claim"] | {"systems": [["a"]]}}, r"`claim.systems\[0\]` must be str"),
        (
            {"claim": result()["claim"] | {"published": {"a": None}}},
            "`claim.published.a` must be int or float or str",
        ),
        ({"scale": "full"}, "must be called wave_rnn_adding-full.json"),
        ({"experiment": "../../x"}, "`experiment` must be the name"),
        ({"pictures": ["../outside.png"]}, "inside the folder of results"),
        ({"pictures": ["notes.txt"]}, "inside the folder of results"),
        ({"pictures": [3]}, r"`pictures\[0\]` must be str, got 3"),
        ({"version": VERSION + 1}, f"must be a number from 1 to {VERSION}, got {VERSION + 1}"),
        ({"version": [2]}, "`version` must be a number from 1"),
        ({"more": 1}, "`more` is none of version, experiment"),
        ({"seeds": [True]}, r"`seeds\[0\]` must be int, got true"),
        ({"pictures": ["pictures/gone.png"]}, "cannot be read as a picture"),
        ({"pictures": ["bad.png"]}, "cannot be read as a picture"),
        ({"seconds": [1, "2", 3]}, r"`seconds\[1\]` must be int or float"),
    ],
)
def test_damaged_results_are_named(changes, words, tmp_path):
    home = tmp_path / "results"
    home.mkdir()
    (home / "bad.png").write_bytes(b"not a picture")
    (home / "wave_rnn_adding-small.json").write_text(json.dumps(result(**changes)))
    with pytest.raises(BadInput, match=words) as caught:
        pages.build(home, tmp_path / "site")
    assert ".json" in str(caught.value)
    assert not (tmp_path / "site").exists()
