"""The page in a real browser on its real server: a session that plays, seen and controlled."""

from urllib.parse import urlsplit

import pytest

pytest.importorskip("websockets", reason="needs the Python package websockets")

from page_browser import chromium, open_page
from page_tools import served

from firmware_bridge.quaternion import from_yaw_pitch_roll_deg
from rt_render.app.session import Session
from rt_render.app.settings_file import load_settings
from rt_render.app.web.web_page import WebPage

CHOICES = {
    "device": "virtual",
    "fs_hz": 48000,
    "block_size": 256,
    "order": 1,
    "head": "sphere",
    "web": True,
    "web_port": 0,
}


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


def come_true(page, session, condition):
    """Wait for what the page says, while the session's own thread works as it does under a live view."""
    for _ in range(600):
        session.desk.work(session)
        if page.evaluate(condition) if isinstance(condition, str) else condition():
            return
        page.wait_for_timeout(20)
    raise AssertionError(f"this did not come true within 12 s: {condition}")


def test_a_session_is_seen_and_controlled_on_its_page(browser, tmp_path):
    poses = tmp_path / "left.csv"
    w, x, y, z = from_yaw_pitch_roll_deg(35.0, 10.0, 0.0)
    poses.write_text(f"time_s,w,x,y,z\n0,{w},{x},{y},{z}\n")
    settings = load_settings(None, {**CHOICES, "poses": poses, "remote_port": 0})
    with WebPage(settings.web, lambda text: None) as web:
        session = Session(settings, seconds=120.0)
        web.show(session)
        with session:
            session.desk.work(session)
            page = open_page(browser, web.link)
            come_true(page, session, "document.getElementById('yaw').textContent === '+35°'")
            assert page.text_content("#pitch") == "+10°"
            come_true(page, session, "document.querySelector('#health-card dd')?.textContent.includes('virtual')")
            page.get_by_label("Mute").click()
            come_true(page, session, lambda: session.muted)
            page.get_by_label("Volume").fill("-20")
            come_true(page, session, lambda: session.gain_db == -20 and not session.muted)
            page.keyboard.press("t")
            come_true(page, session, "document.getElementById('tracker-short').textContent === 'tracking off'")
            assert not session.tracking
            # What a session has not, here a playlist, has no place on its page.
            assert page.locator("#do-next").count() == 0
            assert page.errors == []
            page.context.close()


def test_the_servers_own_security_policy_lets_the_page_work(browser):
    with served() as here:
        page = open_page(browser, f"http://127.0.0.1:{here.port}/")
        page.get_by_label("Mute").click()
        for _ in range(400):
            if here.desk.asked:
                break
            page.wait_for_timeout(20)
        assert here.desk.asked == [("muted", True, "page")]
        assert page.errors == []
        assert {urlsplit(url).port for url in page.requests} == {here.port}
        page.context.close()


def test_a_visitor_sees_no_set_up_and_the_operators_link_opens_it(browser):
    with served(token="right", visitors="") as here:
        for address, shown in (("", 0), ("#token=right", 1)):
            page = open_page(browser, f"http://127.0.0.1:{here.port}/{address}")
            page.get_by_label("Mute").wait_for()
            assert page.get_by_text("Prediction").count() == shown
            assert page.locator("#settings").is_visible() is bool(shown)
            assert page.errors == []
            page.context.close()


def test_a_wrong_token_at_the_real_door_is_told_and_the_right_one_opens(browser):
    with served(token="right") as here:
        page = open_page(browser, f"http://127.0.0.1:{here.port}/?token=wrong")
        page.wait_for_selector("#token-dialog[open]")
        page.keyboard.type("right")
        page.keyboard.press("Enter")
        page.get_by_label("Pause").wait_for()
        assert page.errors == []
        page.context.close()
