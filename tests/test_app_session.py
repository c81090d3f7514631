"""A session on the virtual card: equal to the offline render, and its controls do what they say."""

import gc
import time
from dataclasses import replace
from threading import Event

import numpy as np
import pytest
import soundfile

from firmware_bridge.errors import BridgeError
from rt_render.app import winding
from rt_render.app.controls.keys import handle_keys
from rt_render.app.excerpt import Excerpt
from rt_render.app.offline import render_to_file
from rt_render.app.parts import block_note, live_block_size, offline_block_size
from rt_render.app.session import Session, run_session
from rt_render.app.settings_file import load_settings
from rt_render.app.winding import Winding
from rt_render.conventions import BLOCK_SIZES, n_sh
from rt_render.errors import ConfigurationError, DeviceError, InputFileError
from rt_render.io import ring_feeder
from rt_render.io.audio_file import AudioFileReader
from rt_render.io.card_keeper import CardKeeper
from rt_render.io.ring_feeder import RingFeeder
from rt_render.scene.scene_source import SceneSource

FS_HZ, TAPS = 48000, 64
QUICK = {"method": "ls", "taps": TAPS, "head": "sphere", "device": "virtual", "tracker": "none"}
"""Settings whose decoder is designed in no time."""


@pytest.fixture
def field(tmp_path):
    """An order-2 noise field of 0.7 s whose length is no multiple of a block."""
    path = tmp_path / "field.wav"
    noise = np.random.default_rng(5).normal(0, 0.2, (33333, n_sh(2)))
    soundfile.write(path, noise.astype(np.float32), FS_HZ, subtype="FLOAT")
    return path


@pytest.fixture
def poses(tmp_path):
    """A head that turns about a changing oblique axis."""
    path = tmp_path / "poses.csv"
    times_s = np.arange(0.0, 1.0, 0.01)
    angles = np.stack([np.sin(3 * times_s), 0.7 * np.sin(5 * times_s + 1), 0.5 * np.cos(4 * times_s)], 1)
    half = np.linalg.norm(angles, axis=1, keepdims=True) / 2
    quats = np.hstack([np.cos(half), np.sin(half) * angles / (2 * half)])
    rows = "\n".join(",".join(f"{v:.9f}" for v in (t, *q)) for t, q in zip(times_s, quats, strict=True))
    path.write_text("time_s,w,x,y,z\n" + rows)
    return path


def wait_for(condition, seconds=5.0):
    give_up_s = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up_s, "nothing happened"
        time.sleep(0.005)


@pytest.mark.parametrize("block_size", [64, 512])
def test_the_virtual_card_plays_bit_for_bit_what_the_offline_render_writes(field, poses, tmp_path, block_size):
    choices = {**QUICK, "input": str(field), "poses": poses, "block_size": block_size}
    render_to_file(load_settings(None, choices), tmp_path / "offline.wav")
    live = {**choices, "record": tmp_path / "live.wav"}
    status = run_session(Session(load_settings(None, live)))

    offline, fs_hz = soundfile.read(tmp_path / "offline.wav", dtype="float32")
    played, _ = soundfile.read(tmp_path / "live.wav", dtype="float32")
    assert fs_hz == FS_HZ and len(offline) == 33333 + TAPS - 1
    # A machine that was too busy let slots pass in silence: take those out, as many as were counted.
    blocks = played[: len(played) // block_size * block_size].reshape(-1, block_size, 2)
    sounding = np.flatnonzero(np.any(blocks != 0, axis=(1, 2)))
    assert np.sum(np.diff(sounding) - 1) <= status.engine.missed_slots
    heard = blocks[sounding].reshape(-1, 2)[: len(offline)]
    np.testing.assert_array_equal(heard, offline[: len(heard)])
    assert len(heard) == len(offline)
    assert np.abs(offline).max() > 0.01


def test_the_offline_render_holds_the_whole_tail_and_depends_on_the_poses(field, poses, tmp_path):
    choices = {**QUICK, "input": str(field)}
    render_to_file(load_settings(None, choices), tmp_path / "still.wav")
    render_to_file(load_settings(None, {**choices, "poses": poses}), tmp_path / "turned.wav")
    still, _ = soundfile.read(tmp_path / "still.wav")
    turned, _ = soundfile.read(tmp_path / "turned.wav")
    assert np.abs(still[-TAPS + 1 :]).max() > 0
    assert np.abs(still - turned).max() > 0.01


def test_the_offline_render_does_not_depend_on_the_block_size_while_the_head_is_still(field, tmp_path):
    rendered = []
    for block_size in (32, 2048):
        path = tmp_path / f"{block_size}.wav"
        settings = load_settings(None, {**QUICK, "input": str(field), "block_size": block_size})
        render_to_file(settings, path)
        rendered.append(soundfile.read(path)[0])
    np.testing.assert_allclose(rendered[0], rendered[1], atol=2e-6)


def test_an_endless_scene_is_not_rendered_without_a_length_and_leaves_no_file(tmp_path):
    with pytest.raises(ConfigurationError, match="never ends: say how much of it to render with --seconds"):
        render_to_file(load_settings(None, {**QUICK, "order": 1}), tmp_path / "scene.wav")
    assert not list(tmp_path.iterdir())


def test_a_file_of_lower_order_is_rendered_at_its_own_order_and_that_is_said(field, tmp_path):
    said = []
    render_to_file(
        load_settings(None, {**QUICK, "input": str(field), "order": 4}), tmp_path / "a.wav", on_message=said.append
    )
    assert "rendered at the file's own order 2, not at 4" in said


def test_a_file_that_is_cut_while_it_is_rendered_is_told_once_and_what_there_was_is_kept(field, tmp_path, monkeypatch):
    read, said = AudioFileReader.read, []

    def cut(self, n_frames):
        frames = read(self, n_frames)
        if self._position > 20000 and n_frames > 1:  # one frame is the look at the end
            self.failure = "ended at 0.4 s of 0.7 s"
            return frames[:0]
        return frames

    monkeypatch.setattr(AudioFileReader, "read", cut)
    render_to_file(load_settings(None, {**QUICK, "input": str(field)}), tmp_path / "a.wav", on_message=said.append)
    assert sum("ended at 0.4 s of 0.7 s" in text for text in said) == 1
    assert 16000 < soundfile.info(tmp_path / "a.wav").frames < 33333


def test_what_is_missing_is_told_before_anything_sounds(tmp_path):
    with pytest.raises(InputFileError, match="does not exist"):
        Session(load_settings(None, {**QUICK, "input": str(tmp_path / "no.wav")}))


def test_a_session_that_cannot_start_leaves_nothing_behind(field, tmp_path):
    record = tmp_path / "kept.wav"
    choices = {**QUICK, "input": str(field), "record": record}
    with pytest.raises(BridgeError, match=r"no\.csv"):
        Session(load_settings(None, {**choices, "tracker": "csv:no.csv"}))
    session = Session(load_settings(None, {**choices, "device": "no such card"}))
    with pytest.raises(DeviceError), session:
        pass
    assert session._feeder._thread is None
    assert [path.name for path in tmp_path.iterdir()] == ["field.wav"]


def refuse(*_, **__):
    raise DeviceError("stuck within a block")


def interrupt(*_, **__):
    raise KeyboardInterrupt


@pytest.mark.parametrize(("part", "name"), [(Winding, "prefill"), (CardKeeper, "start"), (Session, "_lock_memory")])
def test_an_interrupted_start_leaves_nothing_behind(field, tmp_path, monkeypatch, part, name):
    monkeypatch.setattr(part, name, interrupt)
    choices = {**QUICK, "input": str(field), "record": tmp_path / "kept.wav", "tracker": "simulated"}
    session = Session(load_settings(None, choices))
    with pytest.raises(KeyboardInterrupt), session:
        pass
    assert session._feeder._thread is None and not session._bridge.is_running
    assert not session._files._recorders[0]._thread.is_alive() and gc.get_freeze_count() == 0
    assert [path.name for path in tmp_path.iterdir()] == ["field.wav"]


@pytest.mark.parametrize(("part", "name"), [(CardKeeper, "stop"), (RingFeeder, "close")])
def test_what_fails_at_the_end_is_raised_when_all_the_rest_is_closed(field, tmp_path, monkeypatch, part, name):
    record = tmp_path / "kept.wav"
    choices = {**QUICK, "input": str(field), "loop": True, "record": record, "tracker": "simulated"}
    session = Session(load_settings(None, choices))
    end = getattr(part, name)
    monkeypatch.setattr(part, name, lambda self: (end(self), refuse()))
    with pytest.raises(DeviceError, match="stuck within a block"), session:
        wait_for(lambda: session.engine.snapshot().frame > 4800)
    assert session._feeder._thread is None and not session._bridge.is_running
    assert gc.get_freeze_count() == 0
    assert soundfile.info(record).frames >= 4800 and not list(tmp_path.glob("*.partial"))


@pytest.fixture
def looped(field):
    """A session on a field that never ends, and what it says."""
    said = []
    settings = load_settings(None, {**QUICK, "input": str(field), "loop": True})
    return Session(settings, on_message=said.append), said


def test_no_seek_while_the_audio_thread_may_be_within_a_block_even_at_the_end(looped, monkeypatch):
    session, said = looped
    with session:
        wait_for(lambda: session.engine.snapshot().frame > 0)
        snapshot = session.engine.snapshot
        resets = []
        monkeypatch.setattr(session.engine, "reset", resets.append)
        with monkeypatch.context() as patch:
            patch.setattr(session.engine, "snapshot", lambda: replace(snapshot(), ended=True, silent=False))
            session.seek(0.1)
    assert not resets
    assert said[-1] == "the position was not changed: the card does not take sound at this moment"


def test_a_source_that_hangs_keeps_its_position_and_the_person_is_told(looped, monkeypatch):
    session, said = looped
    release, hangs = Event(), Event()
    monkeypatch.setattr(ring_feeder, "HANG_S", 0.05)
    monkeypatch.setattr(session.source, "read", lambda n: (hangs.set(), release.wait(30), np.zeros((n, 9)))[-1])
    monkeypatch.setattr(winding, "_PREFILL_TIMEOUT_S", 0.0)
    with session:
        assert hangs.wait(10)
        session.seek(0.1)
        assert session.engine.snapshot().frame == 0
    release.set()
    assert "the position was not changed: field does not answer at this moment" in said
    assert said[-1] == "field does not answer: it was left behind"


def test_at_the_end_one_can_pause_and_seek_back_and_stop(field):
    session = Session(load_settings(None, {**QUICK, "input": str(field)}))
    with session:
        session.seek(0.6)
        wait_for(lambda: session.ended)
        session.set_playing(False)
        session.seek(0.2)
        assert session.engine.snapshot().frame == 9600 and not session.ended
        session.set_playing(True)
        wait_for(lambda: session.ended)
        assert session._winding.wait_until_silent() is False  # playing still
        session.engine.pause()
        assert session._winding.wait_until_silent()


def test_controls_pause_mute_gain_tracking_and_seek(field):
    settings = load_settings(None, {**QUICK, "input": str(field), "loop": True, "block_size": 128, "gain_db": 23.5})
    session = Session(settings)
    with session:
        engine = session.engine
        wait_for(lambda: engine.snapshot().frame > 0)

        session.set_playing(False)
        wait_for(lambda: engine.snapshot().silent)
        held = engine.snapshot().frame
        assert not session.status().playing
        session.seek(0.5)
        assert engine.snapshot().frame == 24000 != held
        session.set_playing(True)
        wait_for(lambda: engine.snapshot().frame > 24000)

        session.set_muted(True)
        wait_for(lambda: engine.snapshot().gain_lin < 1e-3)
        assert session.status().muted
        handle_keys("++", session, lambda: None)
        assert not session.status().muted
        assert session.status().gain_db == 24.0  # no more than the engine takes
        wait_for(lambda: engine.snapshot().gain_lin > 10)

        session.set_tracking(False)
        wait_for(lambda: engine.snapshot().tracking_mix == 0.0)
        session.set_tracking(True)
        wait_for(lambda: engine.snapshot().tracking_mix == 1.0)
    assert session.status().position_s > 0.5


def test_a_simulated_head_turns_the_field_and_recentring_makes_its_heading_the_front(field):
    settings = load_settings(None, {**QUICK, "input": str(field), "loop": True, "tracker": "simulated:3"})
    session = Session(settings)
    with session:
        wait_for(lambda: session.engine.snapshot().poses > 20)
        before = session._bridge.mailbox.recentre_count()
        session.recentre()
        assert session._bridge.mailbox.recentre_count() == before + 1
        status = session.status()
        assert status.tracker is not None and status.tracker.source == "simulated head"


def test_a_looped_file_tells_the_lap_and_what_was_played_is_counted_however_it_is_wound(field):
    session = Session(load_settings(None, {**QUICK, "input": str(field), "loop": True, "block_size": 128}))
    with session:
        wait_for(lambda: session.engine.snapshot().frame > 4800)
        session.set_playing(False)
        wait_for(lambda: session.engine.snapshot().silent)
        played_s = session.status().played_s
        session.seek((2 * 33333 + 4800) / FS_HZ)
        status = session.status()
    assert status.lap == 3 and status.length_s == 33333 / FS_HZ
    assert status.position_s == pytest.approx(0.1) and status.played_s == played_s > 0.1


def test_a_step_onwards_stays_within_the_file_and_never_ends_it(field):
    session = Session(load_settings(None, {**QUICK, "input": str(field)}))
    with session:
        wait_for(lambda: session.engine.snapshot().frame > 0)
        session.set_playing(False)
        wait_for(lambda: session.engine.snapshot().silent)
        before = session.engine.snapshot().frame
        assert handle_keys("]", session, lambda: None)
        assert session.engine.snapshot().frame == before and not session.ended
        handle_keys("[", session, lambda: None)
        assert session.engine.snapshot().frame == 0


def test_an_excerpt_ends_softly_and_reads_the_same_in_any_split():
    def excerpt():
        return Excerpt(SceneSource(order=0, fs_hz=FS_HZ), 0.1)

    whole = excerpt().read(100000)
    source = excerpt()
    parts = np.concatenate([source.read(n) for n in (1, 4000, 77, 5000)])
    assert whole.shape == (4800, 1) and source.n_frames == 4800
    np.testing.assert_array_equal(whole, parts)
    straight = SceneSource(order=0, fs_hz=FS_HZ).read(4800)
    np.testing.assert_array_equal(whole[:3840], straight[:3840])
    assert abs(whole[-1, 0]) <= abs(straight[-1, 0]) / 900
    source.seek(4000)
    np.testing.assert_array_equal(source.read(9999), whole[4000:])
    assert len(source.read(10)) == 0


def test_block_sizes_are_chosen_for_live_and_offline():
    assert live_block_size("auto")[0] in (128, 256)
    assert live_block_size(64) == (64, 64)
    block, host_frames = live_block_size(480)
    assert host_frames == 480 and block in BLOCK_SIZES
    assert offline_block_size("auto") == 128
    assert offline_block_size(480) == block
    assert block_note(512, FS_HZ) is None and block_note("auto", FS_HZ) is None
    assert block_note(100, FS_HZ).startswith("blocks of 100 frames are met by blocks of 32: on a sound card this adds")


def test_a_heart_hears_what_follows_the_sound_and_the_watch_of_the_card(field):
    session = Session(load_settings(None, {**QUICK, "input": str(field)}))
    names = [beat.name for beat in session.beats]
    run_session(session)
    assert {"the remote control", "what follows the sound", "the watch of the sound card"} <= set(names)
    assert all(beat.trouble(0.0) is None for beat in session.beats), "what ended as it should is no trouble"
