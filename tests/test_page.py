"""The page in a real browser, against a renderer that only speaks its protocol."""

import math
from itertools import combinations
from urllib.parse import urlsplit

import numpy as np
import pytest

pytest.importorskip("websockets", reason="needs the Python package websockets")

from fake_page_server import CONTROLS, FakeRenderer, control
from page_browser import axe_script, chromium, open_page

from firmware_bridge.quaternion import from_yaw_pitch_roll_deg, rotation_matrix

LIT = "document.getElementById('yaw').textContent !== '–' && document.querySelectorAll('#slots label').length > 0"
BEAM = """deg => {
    const c = document.getElementById('above'), dots = c.width / c.clientWidth;
    const radius = (Math.min(c.width, c.height) / 2 - 2 * dots) * 0.66 * 0.985, angle = deg * Math.PI / 180;
    const [x, y] = [c.width / 2 - radius * Math.sin(angle), c.height / 2 - radius * Math.cos(angle)];
    const [r, g, b] = c.getContext('2d').getImageData(Math.round(x), Math.round(y), 1, 1).data;
    return r > 150 && g > 150 && b < 110;
}"""
STRIP = """share => {
    const c = document.getElementById('strip');
    const [x, y] = [Math.round(share * c.width), Math.round(0.5 * c.height)];
    const [r, g, b] = c.getContext('2d').getImageData(x, y, 1, 1).data;
    return r + g + b;
}"""
SECTIONS = ("stage-title", "compare-title", "motion-title")


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def served(browser):
    renderer = FakeRenderer(still=True)
    page = open_page(browser, renderer.url, color_scheme="dark")
    until(page, LIT)
    yield renderer, page
    page.context.close()
    renderer.close()


@pytest.fixture
def renderer(served):
    served[0].reset()
    return served[0]


@pytest.fixture
def page(served, renderer):
    page = served[1]
    until(page, "document.getElementById('yaw').textContent === '+0°'")
    until(page, "document.querySelector('#slots input').checked")
    yield page
    page.evaluate("document.activeElement.blur()")
    assert page.errors == []
    assert all(urlsplit(url).port == renderer.port for url in page.requests)


def until(page, condition):
    """Wait for what Python or the page says; playwright's own waiting is forbidden by the page's security policy."""
    for _ in range(400):
        if page.evaluate(condition) if isinstance(condition, str) else condition():
            return
        page.wait_for_timeout(20)
    raise AssertionError(f"this did not come true within 8 s: {condition}")


def test_the_head_on_the_page_turns_as_the_head_does(page, renderer):
    renderer.sources = [(math.pi, 0.0, 1.0)]
    page.wait_for_timeout(700)
    renderer.head_deg = (50.0, -10.0, 5.0)
    until(page, "document.getElementById('yaw').textContent === '+50°'")
    assert page.text_content("#pitch") == "−10°"
    assert page.text_content("#roll") == "+5°"
    assert page.evaluate(BEAM, 50) and not page.evaluate(BEAM, -50)
    renderer.head_deg = (-50.0, 0.0, 0.0)
    until(page, "document.getElementById('yaw').textContent === '−50°'")
    assert page.evaluate(BEAM, -50) and not page.evaluate(BEAM, 50)


@pytest.mark.parametrize("angles_deg", [(40.0, 0.0, 0.0), (0.0, 35.0, 0.0), (0.0, 0.0, -25.0), (-120.0, 30.0, 15.0)])
def test_angles_and_matrix_of_the_page_are_those_of_the_bridge(page, angles_deg):
    quat = np.asarray(from_yaw_pitch_roll_deg(*angles_deg), dtype=float)
    found = page.evaluate(
        "async q => { const m = await import('/static/rotation.js'); return [m.anglesDeg(q), m.matrixOf(q)]; }",
        quat.tolist(),
    )
    assert [found[0][name] for name in ("yaw", "pitch", "roll")] == pytest.approx(angles_deg, abs=1e-9)
    np.testing.assert_allclose(found[1], rotation_matrix(quat), atol=1e-12)


def test_sound_from_the_left_is_bright_at_the_left_whatever_the_head_does(page, renderer):
    renderer.sources = [(math.pi / 2, 0.0, 1.0)]
    for yaw_deg in (0.0, 40.0):
        renderer.head_deg = (yaw_deg, 0.0, 0.0)
        until(page, f"document.getElementById('yaw').textContent === '+{yaw_deg:.0f}°'")
        page.wait_for_timeout(700)
        assert page.evaluate(STRIP, 0.24) > 2 * page.evaluate(STRIP, 0.74)


def test_recentre_is_one_touch(page, renderer):
    renderer.head_deg = (25.0, 0.0, 0.0)
    until(page, "document.getElementById('yaw').textContent === '+25°'")
    page.click("#do-recentre")
    until(page, "document.getElementById('yaw').textContent === '+0°'")
    assert ("recentre", None) in renderer.asked


def test_a_card_or_a_key_changes_what_is_compared(page, renderer):
    page.click("#slots label:nth-child(3)")
    until(page, lambda: renderer.values["compare"] == "stereo")
    page.keyboard.press("a")
    until(page, lambda: renderer.values["compare"] == "order 1")
    page.keyboard.press("1")
    until(page, lambda: renderer.values["compare"] == "tracked")
    until(page, "document.querySelector('#slots input').checked")


def test_a_blind_comparison_shows_letters_only(page, renderer):
    renderer.values |= {"compare_blind": True, "compare": "B"}
    until(page, "document.getElementById('slots').textContent.includes('Version B')")
    assert "racked" not in page.text_content("#compare")


def test_keys_do_what_they_do_in_the_terminal(page, renderer):
    for key in "r+-mt[]np ":
        before = len(renderer.asked)
        page.keyboard.press("Space" if key == " " else key)
        until(page, lambda before=before: len(renderer.asked) > before)
        # The page counts from what the renderer told last.
        page.wait_for_timeout(60)
    names = [name for name, _ in renderer.asked]
    expected = "recentre gain_db gain_db muted tracking position_s position_s next previous playing"
    assert names == expected.split()
    assert [renderer.values[name] for name in ("muted", "tracking", "playing")] == [True, False, False]


def test_what_has_no_end_shows_how_long_it_played_and_no_place_to_seek(page, renderer):
    renderer.length_s = None
    until(page, "document.querySelector('#position input').offsetParent === null")
    assert page.evaluate("document.getElementById('length').textContent").endswith(" played, without end")
    renderer.length_s = 312.0
    until(page, "document.querySelector('#position input').offsetParent !== null")
    assert page.evaluate("document.getElementById('length').textContent") == "5:12"


def test_keys_can_be_switched_off_and_are_explained(page, renderer):
    page.keyboard.press("?")
    assert "recentre" in page.text_content("#keys-dialog")
    page.uncheck("#keys-on")
    page.click("#keys-dialog button")
    page.keyboard.press("m")
    page.wait_for_timeout(150)
    assert renderer.asked == []
    page.click("#help")
    page.check("#keys-on")
    page.click("#keys-dialog button")


def test_every_control_that_the_session_has_is_on_the_page_and_no_other(page, renderer):
    for one in CONTROLS:
        if one["name"] not in ("compare", "bypass"):
            assert page.locator(f"[title='{one['about']}']").first.is_visible(), one["name"]
    assert not page.locator("[title*='only a live input']").is_visible()


def test_a_control_that_comes_later_appears_and_the_one_in_use_keeps_the_focus(page, renderer):
    page.get_by_label("Panorama width", exact=True).focus()
    renderer.values["brightness"] = 0.5
    renderer.controls = [*CONTROLS, control("brightness", "number", "how bright it sounds", low=0, high=1)]
    page.get_by_label("Brightness", exact=True).wait_for()
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Panorama width"


def test_widgets_of_all_kinds_set_their_control(page, renderer):
    page.get_by_label("Panorama width").fill("120")
    page.get_by_label("Head", exact=True).select_option("spherical head")
    page.get_by_label("Playlist").select_option(index=1)
    page.get_by_role("radio", name="7").check(force=True)
    page.get_by_role("switch", name="Tracking").click()
    page.get_by_label("Volume").fill("-20")
    page.get_by_label("Pause").click()
    wanted = {"panorama_width_deg": 120, "head": "spherical head", "item": 2, "order": "7", "tracking": False}
    wanted |= {"gain_db": -20, "playing": False}
    until(page, lambda: all(renderer.values[name] == value for name, value in wanted.items()))


def test_what_others_change_is_shown(page, renderer):
    renderer.values |= {"gain_db": -31.0, "tracking": False, "playing": False}
    until(page, "document.querySelector('#volume .value').textContent === '−31 dB'")
    page.get_by_label("Play", exact=True).wait_for()
    assert page.text_content("#tracker-short") == "tracking off"


def test_a_slider_that_is_dragged_does_not_flood_and_ends_where_it_was_let_go(page, renderer):
    page.evaluate(
        """() => { const slider = document.querySelector('#volume input');
        for (let i = 0; i <= 300; i++) { slider.value = -60 + i / 10; slider.dispatchEvent(new Event('input')); } }"""
    )
    until(page, lambda: renderer.values["gain_db"] == -30)
    assert len(renderer.asked) < 20


def test_a_refusal_is_told_and_the_control_goes_back(page, renderer):
    renderer.refusals["head"] = "That head has no filters for 48 kHz: choose another."
    page.get_by_label("Head", exact=True).select_option("spherical head")
    until(page, "document.getElementById('toast').textContent.startsWith('That head has no')")
    assert page.get_by_label("Head", exact=True).locator("option:checked").text_content() == "KEMAR"


def test_what_the_renderer_says_is_text_and_never_markup(page, renderer):
    renderer.messages.append("<img src=x onerror=alert(1)> is no file.")
    until(page, "document.getElementById('messages').textContent.includes('<img')")
    assert page.locator("#messages img, #toast img").count() == 0


def test_a_tracker_that_is_silent_is_told_by_a_shape_and_a_word(page, renderer):
    renderer.tracker_state, renderer.age_ms = "easing", 2300.0
    until(page, "document.getElementById('tracker-short').textContent === 'tracker silent'")
    assert page.get_attribute("#tracker-pill", "data-health") == "bad"
    until(page, "document.getElementById('age').textContent === '2.3 s old'")


def test_a_glitch_is_a_reason_to_look_for_ten_minutes_and_is_counted_for_good(page, renderer):
    rows = [page.locator(f"#health-{name}") for name in ("blocks", "glitch")]
    for age_s, health in ((3.0, "waiting"), (599.0, "waiting"), (601.0, "good")):
        renderer.glitches = [{"text": "late block, by 4.0 ms", "time_s": 71.0, "age_s": age_s, "cause": f"at {age_s}"}]
        until(page, lambda age_s=age_s: f"at {age_s}" in rows[1].text_content())
        assert [row.get_attribute("data-health") for row in rows] == [health] * 2
        assert "1 late" in rows[0].text_content() and "late block, by 4.0 ms, at 1:11" in rows[1].text_content()


def test_blind_the_meters_show_one_mean_for_both_ears(page, renderer):
    texts = page.locator("#meters .db")
    until(page, lambda: texts.nth(0).text_content() != texts.nth(1).text_content())
    renderer.values["compare_blind"] = True
    until(page, "document.getElementById('ears-title').textContent.includes('mean')")
    until(page, lambda: texts.nth(0).text_content() == texts.nth(1).text_content() != "silent")
    renderer.values["compare_blind"] = False
    until(page, "document.getElementById('ears-title').textContent === 'Ears'")


def test_what_would_tell_blind_versions_apart_is_closed_until_they_are_told(page, renderer):
    tracking, recentre = (page.locator(f"[data-control={name}]") for name in ("tracking", "recentre"))
    renderer.values["compare_blind"] = True
    until(page, "document.querySelector('[data-control=tracking]').inert")
    assert page.locator("#settings-closed").is_visible()
    assert [node.get_attribute("inert") for node in (tracking, recentre)] == ["", None]
    assert page.locator("#compare-controls [data-control]:not([inert])").count() == 2
    renderer.values["compare_blind"] = False
    until(page, "!document.querySelector('[data-control=tracking]').inert")
    assert not page.locator("#settings-closed").is_visible()


def test_without_tracking_no_time_from_motion_to_sound_is_shown(page, renderer):
    renderer.values["tracking"] = False
    until(page, "document.getElementById('motion-text').textContent.startsWith('Tracking is off')")
    assert page.text_content("#motion") == "–" and page.locator("#parts > *").count() == 0
    assert page.text_content("#tracker-short") == "tracking off"
    renderer.values["tracking"] = True
    until(page, "document.getElementById('motion').textContent === '9.2'")


def test_a_booth_says_who_is_there_and_that_it_rests(page, renderer):
    until(page, "document.getElementById('visit-pill').textContent.startsWith('visit 12 · ')")
    renderer.somebody = False
    until(page, "document.getElementById('visit-pill').textContent === 'nobody yet'")
    renderer.resting = True
    until(page, "document.getElementById('visit-pill').textContent === 'resting'")
    assert "it goes on as the headphones are taken" in page.text_content("#health-visit")


def test_a_link_that_drops_comes_back_by_itself(page, renderer):
    renderer.drop()
    page.wait_for_selector("#banner:not([hidden])")
    assert "the sound does not depend on this page" in page.text_content("#banner")
    page.wait_for_selector("#banner", state="hidden")
    renderer.head_deg = (33.0, 0.0, 0.0)
    until(page, "document.getElementById('yaw').textContent === '+33°'")


def test_a_renderer_that_is_started_again_is_found_again(browser):
    renderer = FakeRenderer(still=True)
    page = open_page(browser, renderer.url)
    until(page, LIT)
    renderer.close()
    page.wait_for_selector("#banner:not([hidden])")
    page.wait_for_timeout(700)
    renderer.head_deg = (12.0, 0.0, 0.0)
    renderer.listen(renderer.port)
    until(page, "document.getElementById('yaw').textContent === '+12°'")
    # The browser itself notes each try that found nobody, and its own late look for the icon.
    assert [error for error in page.errors if "WebSocket connection" not in error and "net::ERR" not in error] == []
    page.context.close()
    renderer.close()


def test_a_wrong_token_is_turned_away_and_the_right_one_opens(browser):
    renderer = FakeRenderer(still=True, token="right")
    page = open_page(browser, f"{renderer.url}?token=wrong")
    page.wait_for_selector("#token-dialog[open]")
    assert "not the right one" in page.text_content("#token-text")
    assert "token" not in page.url
    page.keyboard.type("right")
    page.keyboard.press("Enter")
    until(page, LIT)
    page.reload()
    until(page, LIT)
    assert page.errors == []
    page.context.close()
    renderer.close()


def test_a_bookmark_without_the_token_opens_until_the_token_is_another(browser):
    renderer = FakeRenderer(still=True, token="right")
    first = open_page(browser, f"{renderer.url}?token=right")
    until(first, LIT)
    bookmark, context = first.url, first.context
    first.close()
    later = context.new_page()
    later.goto(bookmark)
    until(later, LIT)
    renderer.token = "newer"
    renderer.drop()
    until(later, "document.getElementById('token-dialog').open")
    assert "not the right one" in later.text_content("#token-text")
    assert later.evaluate("localStorage.getItem('rt-render-token')") is None
    context.close()
    renderer.close()


def test_a_tab_that_is_turned_away_tries_what_another_tab_came_in_with(browser):
    renderer = FakeRenderer(still=True, token="right")
    old = open_page(browser, f"{renderer.url}?token=right")
    until(old, LIT)
    old.evaluate("localStorage.setItem('rt-render-token', 'newer')")
    renderer.token = "newer"
    renderer.drop()
    until(old, "!document.getElementById('banner').hidden")
    until(old, "document.getElementById('banner').hidden")
    assert not old.evaluate("document.getElementById('token-dialog').open")
    assert old.evaluate("localStorage.getItem('rt-render-token')") == "newer"
    old.context.close()
    renderer.close()


def test_a_token_in_the_address_opens_and_leaves_the_address(browser):
    renderer = FakeRenderer(still=True, token="s3cret")
    for address in ("?token=s3cret", "#token=s3cret"):
        page = open_page(browser, renderer.url + address)
        until(page, LIT)
        assert page.url == renderer.url
        page.context.close()
    renderer.close()


@pytest.mark.parametrize(
    ("scheme", "size", "blind"),
    [
        ("dark", (1440, 900), False),
        ("light", (390, 844), False),
        ("light", (1440, 900), True),
        ("dark", (390, 844), True),
    ],
)
def test_axe_finds_no_serious_fault(browser, renderer, scheme, size, blind):
    renderer.values["compare_blind"] = blind
    page = open_page(browser, renderer.url, size=size, color_scheme=scheme, reduced_motion="reduce")
    until(page, LIT)
    page.evaluate(axe_script())
    for opened in (None, "keys-dialog", "token-dialog"):
        if opened:
            page.evaluate("id => document.getElementById(id).showModal()", opened)
        found = page.evaluate("id => axe.run(id ? '#' + id : document)", opened)["violations"]
        page.evaluate("document.querySelectorAll('dialog[open]').forEach(dialog => dialog.close())")
        told = [f"{one['id']}: {node['html'][:120]}" for one in found for node in one["nodes"]]
        assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == [], told
    assert page.errors == []
    page.context.close()


def overlap(one, other):
    return all(
        one[at] < other[at] + other[size] and other[at] < one[at] + one[size]
        for at, size in (("x", "width"), ("y", "height"))
    )


def test_nothing_is_wider_than_the_screen_and_recentre_is_always_in_reach(page):
    for width in (320, 390, 720, 900, 1920, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        recentre = page.locator("#do-recentre").bounding_box()
        assert recentre["height"] >= 44 and recentre["y"] + recentre["height"] <= 800
        boxes = [box for button in page.locator(".transport button").all() if (box := button.bounding_box())]
        assert len(boxes) >= 5
        assert [pair for pair in combinations(boxes, 2) if overlap(*pair)] == []


def test_the_volume_can_be_read_on_every_screen_and_held_sideways_the_bar_is_one_low_row(page, renderer):
    renderer.values["gain_db"] = -12.5
    until(page, "document.querySelector('#volume .value').textContent === '−12.5 dB'")
    for size in ((320, 640), (390, 844), (568, 320), (812, 375), (1280, 800)):
        page.set_viewport_size({"width": size[0], "height": size[1]})
        value, bar = (page.locator(name).bounding_box() for name in ("#volume .value", ".transport"))
        assert value and value["width"] > 30 and value["x"] + value["width"] <= size[0]
        assert page.locator("#volume input").bounding_box()["width"] >= 44
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
        boxes = [
            box for one in page.locator(".transport button, .transport input").all() if (box := one.bounding_box())
        ]
        assert [pair for pair in combinations(boxes, 2) if overlap(*pair)] == []
        if size[1] < 420:
            assert bar["height"] <= 64 and all(box["y"] >= size[1] - 64 for box in boxes)
    page.set_viewport_size({"width": 1280, "height": 800})


def test_compare_comes_right_after_the_head_and_on_a_wide_screen_below_both_columns(page):
    for width, below_the_readings in ((390, False), (900, False), (1280, True)):
        page.set_viewport_size({"width": width, "height": 800})
        stage, compare, motion = (page.locator(f"section:has(#{name})").bounding_box() for name in SECTIONS)
        assert 0 <= compare["y"] - stage["y"] - stage["height"] < 20
        assert (compare["y"] > motion["y"]) is below_the_readings


def test_light_and_dark_follow_the_system_until_somebody_chooses(browser, renderer):
    page = open_page(browser, renderer.url, color_scheme="light")
    until(page, LIT)
    theme = "document.documentElement.dataset.theme"
    assert page.evaluate(theme) == "light"
    page.click("#theme")
    assert page.evaluate(theme) == "dark"
    page.reload()
    until(page, LIT)
    assert page.evaluate(theme) == "dark"
    page.context.close()
