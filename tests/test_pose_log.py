"""The log of a live session, and the session from it again: sample for sample."""

import ctypes
import time

import numpy as np
import pytest
import soundfile
from pose_log_tools import FS_HZ, QUICK, live, wait_blocks, wait_for, write_field
from test_sound_card_loss import PretendedCard

from rt_render.app import api
from rt_render.app.replay import replay_to_file
from rt_render.errors import ConfigurationError
from rt_render.io import card_keeper
from rt_render.io.pose_log_file import Card, Done, PoseLogReader, Taps
from rt_render.kernels.state import FLAG_CLEARED, FLAG_FROZEN, FLAG_UNDERRUN


@pytest.fixture
def field(tmp_path):
    """An order-2 noise field of 3 s."""
    return write_field(tmp_path)


def play_with_everything(session):
    """Gain, tracking, other filters, pause, seeks on and back: all that a listener can do, and a lower order."""
    filters = session.decoder.filters
    wait_blocks(session, 30)
    session.set_gain_db(6.0)
    session.set_tracking(False)
    wait_blocks(session, 20)
    session.engine.publish_filters(0.5 * filters[:, :4])
    wait_blocks(session, 20)
    session.set_playing(False)
    wait_blocks(session, 5)
    session.set_playing(True)
    session.set_tracking(True)
    session.seek(1.0)
    session.engine.publish_filters(filters[::-1])
    wait_blocks(session, 30)
    session.set_muted(True)
    session.seek(0.0)
    session.set_muted(False)
    wait_blocks(session, 40)


def assert_heard_again(tmp_path):
    """Play the log back and compare; return its rows and all that is said."""
    said = []
    replay_to_file(tmp_path / "live.rtlog", tmp_path / "again.wav", force=True, on_message=said.append)
    heard, _ = soundfile.read(tmp_path / "live.wav", dtype="float32")
    again, fs_hz = soundfile.read(tmp_path / "again.wav", dtype="float32")
    assert fs_hz == FS_HZ and np.abs(heard).max() > 0.01
    np.testing.assert_array_equal(again, heard)
    assert "bit for bit" in said[-1]
    with PoseLogReader(tmp_path / "live.rtlog") as reader:
        pieces = list(reader.pieces())
    assert isinstance(pieces[-1], Done) and not reader.cut
    return np.concatenate([piece for piece in pieces if isinstance(piece, np.ndarray)]), pieces


@pytest.mark.parametrize("block_size", [64, 512])
def test_a_live_session_is_heard_again_bit_for_bit(field, tmp_path, block_size):
    live(tmp_path, play_with_everything, input=str(field), block_size=block_size)
    rows, pieces = assert_heard_again(tmp_path)
    assert (rows["flags"] & FLAG_CLEARED != 0).sum() == 2 and (rows["flags"] & FLAG_FROZEN).any()
    assert len({tuple(q) for q in rows["knots"][:, -1]}) > 20
    assert sum(isinstance(piece, Taps) for piece in pieces) == 3 and len(set(rows["order"])) == 2
    assert [piece.stream for piece in pieces if isinstance(piece, Card)] == [0]


def test_a_source_that_starves_is_heard_again_bit_for_bit(field, tmp_path):
    def act(session):
        wait_blocks(session, 20)
        read = session.source.read
        session.source.read = lambda n: (time.sleep(0.15), read(n))[1]
        wait_for(lambda: session.engine.snapshot().underruns >= 2)
        wait_blocks(session, 40)

    live(tmp_path, act, input=str(field), loop=True, block_size=128)
    rows, _ = assert_heard_again(tmp_path)
    assert (rows["flags"] & FLAG_UNDERRUN).any()


def test_the_end_of_a_source_and_the_scene_are_heard_again(field, tmp_path):
    live(tmp_path, lambda session: (session.seek(2.9), wait_for(lambda: session.ended)), input=str(field))
    assert_heard_again(tmp_path)
    live(tmp_path, lambda session: (wait_blocks(session, 50), session.seek(3.3), wait_blocks(session, 50)))
    assert_heard_again(tmp_path)


class JitteringCard(PretendedCard):
    """Calls for another number of frames each time, irregularly."""

    rng = np.random.default_rng(8)

    def call_once(self):
        n = int(self.rng.integers(1, 400))
        out = np.empty((n, 2), np.float32)
        self._call(None, out.ctypes.data, n, None, 0, self._link.ctypes.data)
        time.sleep(float(self.rng.uniform(0, 0.004)))


def test_a_card_that_jitters_is_lost_and_comes_back_is_heard_again_bit_for_bit(field, tmp_path, monkeypatch):
    monkeypatch.setattr(card_keeper, "SoundCard", JitteringCard)
    monkeypatch.setattr(card_keeper, "look_again", lambda: None)
    monkeypatch.setattr(card_keeper, "RETRY_S", 0.1)
    monkeypatch.setattr(JitteringCard, "plugged", True)
    monkeypatch.setattr(JitteringCard, "calling", True)

    def act(session):
        wait_blocks(session, 40)
        JitteringCard.plugged = JitteringCard.calling = False
        wait_for(lambda: session.status().card.host_api == "rt-render")
        wait_blocks(session, 40)
        JitteringCard.plugged = JitteringCard.calling = True
        wait_for(lambda: session.status().card.host_api != "rt-render")
        wait_blocks(session, 40)

    live(tmp_path, act, input=str(field), loop=True, block_size=128, device="auto")
    rows, pieces = assert_heard_again(tmp_path)
    cards = [piece for piece in pieces if isinstance(piece, Card)]
    assert len(cards) == 3 and cards[1].stream == 0 and cards[0].stream != cards[2].stream
    assert [card.text.split(",")[0] for card in cards] == ["Pretended (Test)", "virtual sound card", "Pretended (Test)"]
    assert list(dict.fromkeys(rows["stream"])) == [card.stream for card in cards]


def test_slots_that_a_late_block_missed_are_silent_again(field, tmp_path):
    def act(session):
        prompt, calls = session.engine._call, []

        def sometimes_late(state, out):
            calls.append(0)
            prompt(state, out)
            if len(calls) in (20, 23):
                time.sleep(0.03)

        late = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64)(sometimes_late)
        swift = int(session.engine._s["process_block"])
        session.engine._s["process_block"] = ctypes.cast(late, ctypes.c_void_p).value
        wait_for(lambda: len(calls) > 40)
        session.engine._s["process_block"] = swift
        wait_blocks(session, 3)
        assert session.engine.snapshot().missed_slots >= 4

    live(tmp_path, act, input=str(field), loop=True, block_size=256)
    assert_heard_again(tmp_path)


def test_play_logs_and_render_plays_the_log_back(field, tmp_path, monkeypatch):
    log = tmp_path / "a.rtlog"
    quick = {k: v for k, v in QUICK.items() if k != "tracker"}
    api.play(field, seconds=0.4, log=log, record=tmp_path / "live.wav", tracker="simulated", **quick)
    said = []
    api.render(None, tmp_path / "again.wav", poses=log, on_message=said.append)
    again, heard = (soundfile.read(tmp_path / name, dtype="float32")[0] for name in ("again.wav", "live.wav"))
    np.testing.assert_array_equal(again, heard)
    with pytest.raises(ConfigurationError, match=r"order cannot be chosen: .* says how it was"):
        api.render(None, tmp_path / "b.wav", poses=log, order=1)
    with pytest.raises(ConfigurationError, match="`rt-render render --poses"):
        api.play(field, poses=log, device="virtual")
    with pytest.raises(ConfigurationError, match="exists already"):
        api.play(field, log=log, **quick)
    with pytest.raises(ConfigurationError, match="nothing to render"):
        api.render(None, tmp_path / "b.wav")
