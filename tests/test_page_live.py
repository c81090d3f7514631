"""The page of a session that really plays, in a browser: the two halves of the protocol meet."""

import re
from contextlib import contextmanager

import pytest

pytest.importorskip("websockets", reason="needs the Python package websockets")

from page_browser import chromium, open_page

from rt_render.app.session import Session
from rt_render.app.settings_file import load_settings
from rt_render.app.web.web_page import WebPage

QUICK = {"method": "ls", "taps": 64, "head": "sphere", "device": "virtual", "tracker": "simulated", "remote_port": 0}


@contextmanager
def playing(**choices):
    """A session with its page; `work` is its main loop's step."""
    settings = load_settings(None, {**QUICK, "web": True, "web_port": 0, **choices})
    with WebPage(settings.web, lambda text: None) as page:
        session = Session(settings, seconds=60.0)
        page.show(session)
        with session:
            yield page, session


def until(session, browser_page, condition):
    for _ in range(400):
        session.desk.work(session)
        if browser_page.evaluate(condition) if isinstance(condition, str) else condition():
            return
        browser_page.wait_for_timeout(20)
    raise AssertionError(f"this did not come true within 8 s: {condition}")


def text_of(name):
    return f"document.getElementById('{name}').textContent"


def test_a_browser_with_the_link_sees_the_head_move_and_controls_the_session():
    with chromium() as browser, playing(web_token="a-right-token") as (page, session):
        shown = open_page(browser, page.link)
        until(session, shown, f"{text_of('playing-title')} === 'garden' && /°/.test({text_of('yaw')})")
        until(session, shown, f"!['–', ''].includes({text_of('motion')})")
        yaw = shown.evaluate(text_of("yaw"))
        until(session, shown, f"{text_of('yaw')} !== {yaw!r}")
        assert "token" not in shown.url
        shown.keyboard.press("m")
        until(session, shown, lambda: session.muted)
        session.set_muted(False)
        until(session, shown, "!document.querySelector('#token-dialog').open")
        assert shown.errors == []
        assert all(re.match(rf"(http|ws)://127\.0\.0\.1:{page.port}/", url) for url in shown.requests)


def test_a_browser_without_the_token_is_asked_for_it():
    with chromium() as browser, playing(web_token="a-right-token") as (page, session):
        shown = open_page(browser, page.link.partition("#")[0])
        until(session, shown, "document.querySelector('#token-dialog').open")
        shown.keyboard.type("a-right-token")
        shown.keyboard.press("Enter")
        until(session, shown, f"{text_of('playing-title')} === 'garden'")
