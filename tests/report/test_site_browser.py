"""The site in a browser, opened as files: it fits a phone, can be used by all, and runs nothing planted.

Accessibility is checked by axe-core, whose script comes with the package `axe_core_python`.
"""

import html.parser
import importlib.resources
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.report.test_report import lay, planted, result
from wavetrain.evidence.picture import Picture
from wavetrain.report import pages
from wavetrain.run import look_kept
from wavetrain.run.look import look

BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
OPTIONS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
WIDTHS = [390, 1280]  # pixels: a phone, and a desk
SCHEMES = ["light", "dark"]
LONG = "a_long_name_" * 8
RESULTS = {"wave_rnn_adding", "wave_rnn_copy", LONG}
LOADED = "return [...document.images].map(image => image.naturalWidth)"

pytestmark = pytest.mark.skipif(
    BROWSER is None or DRIVER is None, reason="needs `chromium` and `chromedriver` on the path"
)


@pytest.fixture(scope="module")
def index(tmp_path_factory) -> Path:
    home = planted(tmp_path_factory.mktemp("browser") / "results")
    long = result(LONG, figures=[{"a_figure_with_a_very_long_name_" * 4: 123456789.123}] * 3)
    long["claim"]["title"] = "Unbreakable" * 30
    return pages.build(lay(home, long, result("wave_rnn_copy")), home.parent / "site")


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Iterator:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for option in (*OPTIONS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(option)
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()
    driver.command_executor.close()


def open_page(browser, page: Path, width: int, scheme: str) -> None:
    screen = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    scheme_of = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", scheme_of)
    browser.get(page.as_uri())


def settled(browser) -> int:
    """How wide the page is once it is drawn: two frames after it was loaded."""
    return browser.execute_async_script(
        "const done = arguments[arguments.length - 1];"
        "const draw = () => requestAnimationFrame(() => requestAnimationFrame("
        "() => done(document.documentElement.scrollWidth)));"
        "document.fonts.ready.then(draw)"
    )


def check(browser, width: int) -> None:
    """No sideways scrolling, nothing planted ran, and nothing came from elsewhere."""
    assert settled(browser) <= width, browser.current_url
    assert browser.execute_script("return typeof window.planted") == "undefined"
    scripts = browser.execute_script("return [...document.scripts].map(script => script.src)")
    assert all(script.endswith("/site.js") for script in scripts)
    loaded = browser.execute_script(
        "return performance.getEntriesByType('resource').map(entry => entry.name)"
    )
    assert all(name.startswith(("file:", "data:")) for name in loaded)


def faults(browser) -> list[str]:
    """What axe-core has to say against the page that is open."""
    axe = importlib.resources.files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    browser.execute_script(axe)
    found = browser.execute_async_script(
        "const done = arguments[arguments.length - 1];"
        "axe.run(document).then(found => done(JSON.stringify(found.violations)))"
    )
    return [
        f"{one['id']}: {one['help']} ({', '.join(str(node['target']) for node in one['nodes'][:3])})"
        for one in json.loads(found)
    ]


class Form(html.parser.HTMLParser):
    """What a page is made of: kinds of element, with their classes and the names of other attributes."""

    def __init__(self, path: Path):
        super().__init__()
        self.parts: set[tuple[str, ...]] = set()
        self.words: list[str] = []
        self.lines: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = (f"{name}={value}" if name in ("class", "role", "type") else name for name, value in attrs)
        self.parts.add((tag, *sorted(said)))

    def handle_data(self, data: str) -> None:
        self.words += data.split()
        self.lines += data.splitlines()


@pytest.fixture(scope="module")
def others(index) -> dict[Path, Form]:
    """The claims without a result: one template makes them all."""
    claims = sorted((index.parent / "claims").iterdir())
    return {page: Form(page) for page in claims if page.stem not in RESULTS}


@pytest.fixture(scope="module")
def forms(others) -> list[Path]:
    """One of each form that there is."""
    found = list({frozenset(form.parts): page for page, form in others.items()}.values())
    assert 4 < len(found) < len(others) / 2
    return found


@pytest.fixture(scope="module")
def widest(others, forms) -> set[Path]:
    """Of each form those with the longest word, the longest line and the most words."""
    return {
        max((page for page in others if others[page].parts == others[form].parts), key=size)
        for form in forms
        for size in (
            lambda page: max(map(len, others[page].words)),
            lambda page: max(map(len, others[page].lines)),
            lambda page: len(others[page].words),
        )
    }


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_every_page_fits(browser, index, forms, widest, width, scheme):
    """Those with a result fit everywhere, of each other form the widest at each width.

    Asking axe-core takes most of the time: it sees those with a result at each width and in each scheme, and
    of each other form one.
    """
    system = index.parent / "systems" / "wave_rnn.html"
    full = {index, *(index.parent / "claims" / f"{name}.html" for name in RESULTS), system}
    turn = 2 * WIDTHS.index(width) + SCHEMES.index(scheme)
    seen = set(forms[turn::4])
    for page in sorted(full | seen | (widest if (width < 600) == (scheme == "light") else set())):
        open_page(browser, page, width, scheme)
        check(browser, width)
        if page in full | seen:
            assert not faults(browser), page.name
    background = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    light = sum(int(part) for part in background.removeprefix("rgb(").removesuffix(")").split(",")) > 3 * 128
    assert light == (scheme == "light")


@pytest.mark.parametrize("width", WIDTHS)
def test_from_the_table_to_a_claim_and_its_pictures(browser, index, width):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.wait import WebDriverWait

    open_page(browser, index, width, "light")
    claims = browser.find_element(By.ID, "claims")
    assert claims.is_displayed() and "published 300" in claims.text and "3 of 3 seeds" in claims.text
    link = browser.find_element(By.CSS_SELECTOR, 'a[href="claims/wave_rnn_adding.html"]')
    browser.execute_script("arguments[0].scrollIntoView()", link)
    link.click()
    WebDriverWait(browser, 10).until(
        lambda browser: browser.current_url.endswith("claims/wave_rnn_adding.html")
    )
    assert browser.find_element(By.TAG_NAME, "h1").is_displayed()
    browser.execute_script("for (const image of document.images) image.loading = 'eager'")
    WebDriverWait(browser, 10).until(lambda browser: all(browser.execute_script(LOADED)))
    assert len(browser.execute_script(LOADED)) == 2
    check(browser, width)


def shown(browser) -> list[str]:
    return browser.execute_script(
        "return [...document.querySelectorAll('[data-claim]')].filter(one => one.offsetParent)"
        ".map(one => one.querySelector('a').getAttribute('href'))"
    )


def test_claims_are_found_by_words_and_verdict_with_keys_alone(browser, index):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.wait import WebDriverWait

    open_page(browser, index, 1280, "light")
    everything = shown(browser)
    words = browser.find_element(By.ID, "words")
    words.send_keys("solved waves")
    assert "claims/wave_rnn_copy.html" in shown(browser) and len(shown(browser)) < len(everything)
    told = browser.find_element(By.ID, "told")
    assert told.text == f"{len(shown(browser))} of {len(everything)} claims"
    words.send_keys(" nowhere")
    assert not shown(browser) and told.text.startswith("0 of")
    assert not browser.execute_script(
        "return [...document.querySelectorAll('[data-topic]')].some(t => !t.hidden)"
    )
    words.send_keys(Keys.CONTROL, "a")
    words.send_keys(Keys.DELETE)
    words.send_keys(Keys.TAB)
    browser.switch_to.active_element.send_keys(Keys.SPACE)  # no more those that are reproduced
    assert shown(browser) and "claims/wave_rnn_copy.html" not in shown(browser)
    for _ in range(4):
        browser.switch_to.active_element.send_keys(Keys.TAB)
    browser.switch_to.active_element.send_keys(Keys.ENTER)  # the button that resets
    WebDriverWait(browser, 10).until(lambda browser: shown(browser) == everything)


def test_claims_can_be_read_without_the_script(browser, index):
    from selenium.webdriver.support.wait import WebDriverWait

    whole = "return document.readyState === 'complete'"  # a script that is still to come would run after all
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        open_page(browser, index, 1280, "light")
        WebDriverWait(browser, 10).until(lambda browser: browser.execute_script(whole))
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
        assert shown(browser)
        assert not browser.execute_script("return document.getElementById('find').offsetParent")
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


@pytest.fixture(scope="module")
def seen(tmp_path_factory) -> Path:
    """The page of a look at two recordings side by side, with their moving pictures.

    Drawing takes seconds: all that stands still is white here, and wider than a page.
    """

    def white(one: Picture, path: Path) -> None:
        Image.new("L", (1600, 1000), 255).save(path)
        vector = '<svg xmlns="http://www.w3.org/2000/svg" width="1600" height="1000"/>'
        path.with_suffix(".svg").write_text(vector, encoding="utf-8")

    time = np.arange(600)[:, None] / 200
    place = np.stack(np.meshgrid(np.arange(3.0), np.arange(2.0)), -1).reshape(-1, 2)
    wave = np.sin(2 * np.pi * (12 * time - place[:, 0] / 6))
    found = look(wave, beside=wave[:, ::-1], rate=200, positions=place, lenses=["generalized_phase", "dsa"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(look_kept, "draw", white)
        return look_kept.keep(found, tmp_path_factory.mktemp("looked") / "seen")


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_of_a_look_fits_and_its_pictures_are_there(browser, seen, width):
    from selenium.webdriver.support.wait import WebDriverWait

    open_page(browser, seen, width, "light")
    browser.execute_script("for (const image of document.images) image.loading = 'eager'")
    WebDriverWait(browser, 10).until(lambda browser: all(browser.execute_script(LOADED)))
    assert browser.execute_script("return document.querySelectorAll('img[src$=gif], video').length") == 2
    check(browser, width)
    assert not faults(browser)
