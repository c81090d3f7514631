"""A session whose head is that of a wearable on a cable, read by a process of its own."""

import sys
import time

import pytest
from pty_tools import Playing, Wearable

from firmware_bridge.dialects.hbf1 import DIALECT
from rt_render.app.live_view import tracker_text
from rt_render.app.session import Session
from rt_render.app.settings_file import load_settings

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are of POSIX")


@pytest.mark.parametrize("process", ["own", "thread"])
def test_the_field_follows_a_wearable_and_its_health_is_shown(tmp_path, process):
    wearable = Wearable(tmp_path / "tty")
    playing = Playing(wearable, DIALECT)
    choices = {"method": "ls", "taps": 64, "head": "sphere", "device": "virtual", "order": 1, "process": process}
    said = []
    session = Session(load_settings(None, {**choices, "tracker": str(wearable.link)}), on_message=said.append)
    try:
        with session:
            give_up_s = time.monotonic() + 20.0
            while not (session.status().engine.poses > 50 and "poses/s" in tracker_text(session.status())):
                assert time.monotonic() < give_up_s, said
                time.sleep(0.01)
            status = session.status().tracker
            assert status.dialect == "hbf1" and status.health.clock.startswith("device clock")
            session.recentre()
            while "recentred: where you look now is straight ahead" not in said:
                assert time.monotonic() < give_up_s, said
                time.sleep(0.01)
    finally:
        playing.stop()
        wearable.unplug()
    assert any("speaks hbf1" in text for text in said)
    assert not any("stopped" in text or "starting it again" in text for text in said)
