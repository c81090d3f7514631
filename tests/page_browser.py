"""A headless Chromium for tests of the page: found where it is installed, or the tests say what is missing."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@contextmanager
def chromium() -> Iterator[Any]:
    """Open a browser of playwright's; skips the test where playwright or Chromium is missing."""
    api = pytest.importorskip("playwright.sync_api", reason="needs the Python package playwright")
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("needs Chromium (Debian: apt-get install chromium)")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


def axe_script() -> str:
    """Return the source of axe-core, from the package that carries it; skips the test where it is missing."""
    found = find_spec("axe_playwright_python")
    if found is None or not found.submodule_search_locations:
        pytest.skip("needs the Python package axe-playwright-python, which carries axe-core")
    return (Path(found.submodule_search_locations[0]) / "axe.min.js").read_text()


def open_page(browser: Any, url: str, *, size: tuple[int, int] = (1280, 800), **more: Any) -> Any:
    """Return a page at a URL, with `errors`: what its console and scripts complained of, and `requests`: URLs."""
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, **more)
    page = context.new_page()
    page.set_default_timeout(8000)
    page.errors, page.requests = [], []
    page.on("console", lambda line: page.errors.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on("request", lambda request: page.requests.append(request.url))
    page.goto(url)
    return page
