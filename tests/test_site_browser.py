"""The site in a browser, opened as files: it fits a phone, shows its pictures, and runs nothing planted."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.test_report import lay, planted, result
from wavetrain.report import pages

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
LOADED = "return [...document.images].map(image => image.naturalWidth)"

pytestmark = pytest.mark.skipif(
    BROWSER is None or DRIVER is None, reason="needs `chromium` and `chromedriver` on the path"
)


@pytest.fixture(scope="module")
def index(tmp_path_factory) -> Path:
    home = planted(tmp_path_factory.mktemp("browser") / "results")
    long = result("a_long_name_" * 8, figures=[{"a_figure_with_a_very_long_name_" * 4: 123456789.123}] * 3)
    long["claim"]["text"] = "Unbreakable" * 30
    return pages.build(lay(home, long), home.parent / "site")


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


def check(browser, width: int) -> None:
    """No sideways scrolling, nothing planted ran, and nothing came from elsewhere."""
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width, browser.current_url
    assert browser.execute_script("return typeof window.planted") == "undefined"
    assert browser.execute_script("return document.scripts.length") == 0
    loaded = browser.execute_script(
        "return performance.getEntriesByType('resource').map(entry => entry.name)"
    )
    assert all(name.startswith(("file:", "data:")) for name in loaded)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_every_page_fits(browser, index, width, scheme):
    folder = index.parent
    for page in (index, *sorted((folder / "claims").iterdir()), folder / "systems" / "wave_rnn.html"):
        open_page(browser, page, width, scheme)
        check(browser, width)
    background = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    light = sum(int(part) for part in background.removeprefix("rgb(").removesuffix(")").split(",")) > 3 * 128
    assert light == (scheme == "light")


@pytest.mark.parametrize("width", [360, 1280])
def test_from_the_table_to_a_claim_and_its_pictures(browser, index, width):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.wait import WebDriverWait

    open_page(browser, index, width, "light")
    table = browser.find_element(By.CSS_SELECTOR, "table.claims")
    assert table.is_displayed() and "published" in table.text.lower() and "3 of 3 seeds" in table.text
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
