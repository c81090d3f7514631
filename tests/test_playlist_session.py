"""A playlist in a session on the virtual card: no gap, next and previous by key and over OSC, status, log."""

import shutil
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile
from playlist_tools import FS_HZ, QUICK, noise, write

from rt_render.app import api, cli
from rt_render.app.controls.keys import handle_keys
from rt_render.app.live_view import plain_line, view_of
from rt_render.app.offline import render_to_file
from rt_render.app.outcome import session_json
from rt_render.app.session import Session, run_session
from rt_render.app.settings_file import load_settings
from rt_render.app.words import summary
from rt_render.errors import ConfigurationError

BLOCK = 256


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def three(tmp_path):
    """Three fields of noise, the middle one broken, and where they lie."""
    files = [write(tmp_path / f"item {k}.wav", noise(60, 1, seed=k)) for k in (1, 2, 3)]
    files[1].write_text("broken")
    return files


def wait_for(condition, seconds=10.0):
    give_up_s = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up_s, "nothing happened"
        time.sleep(0.002)


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def session_of(files, said, **choices):
    first, *further = map(str, files)
    wanted = {**QUICK, "block_size": BLOCK, "loudness_lufs": "off", "input": first, "further": further, **choices}
    return Session(load_settings(None, wanted), on_message=said.append)


def test_what_is_heard_of_two_halves_is_what_is_heard_of_the_whole(tmp_path):
    field = noise(0.7, 4)
    write(tmp_path / "whole.wav", field)
    halves = [write(tmp_path / f"{k}.wav", part) for k, part in enumerate((field[:11111], field[11111:]))]
    choices = {**QUICK, "block_size": BLOCK}
    render_to_file(load_settings(None, {**choices, "input": str(tmp_path / "whole.wav")}), tmp_path / "offline.wav")
    status = run_session(session_of(halves, [], record=tmp_path / "live.wav"))
    whole, _ = soundfile.read(tmp_path / "offline.wav", dtype="float32")
    played, _ = soundfile.read(tmp_path / "live.wav", dtype="float32")
    blocks = played[: len(played) // BLOCK * BLOCK].reshape(-1, BLOCK, 2)
    sounding = np.flatnonzero(np.any(blocks != 0, axis=(1, 2)))
    assert np.sum(np.diff(sounding) - 1) <= status.engine.missed_slots
    heard = blocks[sounding].reshape(-1, 2)[: len(whole)]
    np.testing.assert_array_equal(heard, whole[: len(heard)])
    assert status.engine.underruns == 0 and len(heard) == len(whole)


def test_keys_go_to_the_next_and_the_previous_item_and_all_displays_tell(three):
    said = []
    with session_of(three, said) as session:
        wait_for(lambda: session.engine.snapshot().frame > 0)
        handle_keys("n", session, lambda: None)
        wait_for(lambda: session.status().position_s > 0)
        status = session.status()
        assert status.playlist.number == 3 and status.length_s == 60.0 and status.position_s < 5
        handle_keys("]", session, lambda: None)
        assert 10 <= session.status().position_s < 15 and session.status().playlist.number == 3
        assert session_json(status)["playlist"]["title"] == "item 3"
        assert plain_line(status, {}).startswith("3 of 3: item 3")
        assert view_of(session, status) and "1 item left out" in summary(status)
        handle_keys("p", session, lambda: None)
        assert session.status().playlist.number == 1
        handle_keys("nn", session, lambda: None)
    assert "this is the last item of the playlist" in said
    assert sum("item 2 is left out" in text for text in said) == 1
    assert session.ended_with(status).engine.underruns == 0


def test_ten_seconds_on_stay_in_the_item_and_its_length_stays_known(tmp_path):
    files = [write(tmp_path / f"{k}.wav", noise(seconds, 1)) for k, seconds in enumerate((30, 3, 30))]
    with session_of(files, []) as session:
        wait_for(lambda: session.engine.snapshot().frame > 0)
        for _ in range(5):
            handle_keys("]", session, lambda: None)
            status = session.status()
            assert status.playlist.number == 1 and status.length_s == 30.0
        assert 28.0 <= status.position_s < 29.5
        session.desk.ask("position_s", 1000.0)
        session.desk.work(session)
        status = session.status()
        assert status.playlist.number == 1 and 28.0 <= status.position_s < 29.7


def test_an_item_is_told_when_it_is_heard(tmp_path):
    files = [write(tmp_path / f"{k}.wav", noise(0.6, 1)) for k in "ab"]
    said = []
    with session_of(files, said) as session:
        heard = []
        wait_for(lambda: heard.append((session.engine.snapshot().frame, len(of_items(said)))) or session.ended)
        session.desk.work(session)
        assert of_items(session.desk.state()["messages"]) == []
    n_frames = round(0.6 * FS_HZ)
    assert all(n_told < 2 for frame, n_told in heard if frame < n_frames)
    assert [text[:9] for text in of_items(said)] == ["1 of 2: a", "2 of 2: b"]


def of_items(said):
    return [text for text in said if " of 2: " in text]


def test_a_list_that_ends_is_rendered_whole_and_one_that_does_not_needs_seconds(tmp_path):
    parts = [noise(seconds, 4, seed=k) for k, seconds in enumerate((0.3, 0.4))]
    files = [str(write(tmp_path / f"{k}.wav", part)) for k, part in enumerate(parts)]
    whole = str(write(tmp_path / "whole.wav", np.concatenate(parts)))
    choices = {key: QUICK[key] for key in ("method", "taps", "head")} | {"loudness_lufs": "off"}
    said, shares = [], []
    api.render(
        files,
        tmp_path / "list out.wav",
        field=tmp_path / "field.wav",
        on_message=said.append,
        on_progress=lambda share, _: shares.append(share),
        **choices,
    )
    api.render(whole, tmp_path / "whole out.wav", **choices)
    rendered, expected, field = (
        soundfile.read(tmp_path / name, dtype="float32")[0] for name in ("list out.wav", "whole out.wav", "field.wav")
    )
    np.testing.assert_array_equal(rendered, expected)
    np.testing.assert_array_equal(field, np.concatenate(parts).astype(np.float32))
    assert [text[:7] for text in of_items(said)] == ["1 of 2:", "2 of 2:"]
    assert all(0 <= share <= 1 for share in shares)
    api.render(files, tmp_path / "long.wav", seconds=100.0, crossfade_s=0.1, **choices)
    assert soundfile.info(tmp_path / "long.wav").frames == len(expected) - 4800
    api.render(whole, tmp_path / "laps.wav", seconds=1.0, loop=True, **choices)
    assert soundfile.info(tmp_path / "laps.wav").frames == FS_HZ + QUICK["taps"] - 1
    for inputs, loop, sentence in (
        (files, True, "playlist never ends, for it begins again at its end: .* --seconds"),
        ([*files, "scene"], False, "its item 3, the built-in scene, has no end"),
        (whole, True, "whole never ends: say how much of it to render with --seconds"),
    ):
        with pytest.raises(ConfigurationError, match=sentence):
            api.render(inputs, tmp_path / "never.wav", loop=loop, **choices)
    assert not list(tmp_path.glob("never*"))


def test_the_command_renders_several_files_faded_across_and_equally_loud(tmp_path, monkeypatch, capsys):
    for name, level in (("a.wav", 0.2), ("b.wav", 0.02)):
        write(tmp_path / name, noise(1.0, 4, level))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    options = ["--method", "ls", "--taps", "64", "--head", "sphere", "--crossfade-s", "0.2"]

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["rt-render", "render", *arguments, *options])
        with pytest.raises(SystemExit) as left:
            cli.main()
        return left.value.code or 0, capsys.readouterr()

    assert call("a.wav", "b.wav", "-o", "ears.wav", "--loudness-lufs", "-30")[0] == 0
    ears, _ = soundfile.read("ears.wav")
    assert len(ears) == round(1.8 * FS_HZ) + 63
    levels_db = [20 * np.log10(np.std(part)) for part in (ears[4800:33600], ears[52800:81600])]
    assert abs(levels_db[0] - levels_db[1]) < 0.5
    for inputs, sentence in (
        (("a.wav", "b.wav", "--loop"), "--seconds"),
        (("a.wav", "live"), "is played, not rendered"),
    ):
        code, told = call(*inputs, "-o", "never.wav")
        assert code == 2 and sentence in told.err


@pytest.mark.skipif(shutil.which("oscsend") is None, reason="oscsend is of liblo (apt-get install liblo-tools)")
def test_a_foreign_program_goes_through_the_list(three):
    said, port = [], free_port()

    def send(*words):
        subprocess.run(["oscsend", "127.0.0.1", str(port), *words], check=True)

    with session_of(three, said, remote_port=port) as session:

        def until(condition):
            wait_for(lambda: session.desk.work(session) or condition())

        until(lambda: session.engine.snapshot().frame > 0)
        send("/rt/next")
        until(lambda: session.status().playlist.number == 3)
        send("/rt/previous")
        until(lambda: session.status().playlist.number == 1)
        send("/rt/item", "i", "3")
        until(lambda: session.status().playlist.number == 3)
        send("/rt/item", "i", "7")
        until(lambda: any("there is no item 7" in text for text in said))
        send("/rt/item", "s", "x")
        until(lambda: session.remote.counts.refused == 1)
        assert session.status().playlist.number == 3


def test_a_jump_fades_out_and_in_and_the_next_item_begins_at_its_beginning(tmp_path):
    files = [write(tmp_path / f"{k}.wav", np.full((20 * FS_HZ, 1), level)) for k, level in ((1, 0.25), (2, 0.5))]
    said = []
    with session_of(files, said, record=tmp_path / "live.wav", gain_db=0.0) as session:
        wait_for(lambda: session.engine.snapshot().frame > 9600)
        session.playlist.next()
        wait_for(lambda: session.status().position_s > 0.2)
    played, _ = soundfile.read(tmp_path / "live.wav")
    jumps = np.abs(np.diff(played[2000:, 0]))
    assert jumps.max() < 0.02  # 5 ms fades of a constant; a step would be 0.25 times the ear's gain or more


def test_a_booth_with_a_broken_list_is_silent_and_says_so(tmp_path):
    said = []
    with session_of([tmp_path / "no.wav", tmp_path / "none.wav"], said, loop=True, order=1) as session:
        wait_for(lambda: any("another try" in text for text in said))
        status = session.status()
        assert status.playlist.number is None and not status.engine.highest_peak
        session.playlist.next()
        assert session.status().playlist.text.startswith("- of 2: nothing can be played")


def test_a_log_of_a_playlist_is_played_back_from_the_field_that_was_kept(three, tmp_path):
    said, kept = [], {"log": tmp_path / "a.rtlog", "field": tmp_path / "field.wav", "record": tmp_path / "live.wav"}
    with pytest.raises(ConfigurationError, match=r"a playlist may come otherwise: keep it with `--field FILE`"):
        api.play([str(file) for file in three], **{**QUICK, "log": tmp_path / "b.rtlog"})
    with session_of(three, said, **kept) as session:
        wait_for(lambda: session.engine.snapshot().frame > 4800)
        session.playlist.next()
        wait_for(lambda: session.status().position_s > 0.2)
    api.render(None, tmp_path / "again.wav", poses=tmp_path / "a.rtlog", on_message=said.append)
    assert any("bit for bit" in text for text in said)
    played, again = (soundfile.read(tmp_path / name, dtype="float32")[0] for name in ("live.wav", "again.wav"))
    n_frames = min(len(played), len(again))
    np.testing.assert_array_equal(played[:n_frames], again[:n_frames])


def test_each_item_is_heard_through_the_decoder_of_its_own_order(tmp_path):
    files = [write(tmp_path / "a.wav", noise(30, 4)), write(tmp_path / "b.wav", noise(30, 2))]
    with session_of(files, []) as session:
        wait_for(lambda: session.engine.snapshot().order == 1)
        session.playlist.next()
        wait_for(lambda: session.engine.snapshot().order == 7)
        session.playlist.previous()
        wait_for(lambda: session.engine.snapshot().order == 1)


def test_no_item_is_overwritten_by_a_recording_of_it(three):
    with pytest.raises(ConfigurationError, match="is read, so it cannot be written too"):
        api.play([str(three[0]), str(three[2])], **{**QUICK, "record": three[2], "force": True})


def test_stereo_in_a_list_may_be_a_panorama(tmp_path):
    write(tmp_path / "a.wav", noise(20, 2))
    write(tmp_path / "b.wav", noise(20, 2))
    list_file = tmp_path / "list.toml"
    list_file.write_text('[[item]]\nfile = "a.wav"\n[[item]]\nfile = "b.wav"\npanorama = true\n')
    said = []
    with session_of([list_file], said) as session:
        wait_for(lambda: session.engine.snapshot().frame > 0)
        session.playlist.next()
        wait_for(lambda: session.status().position_s > 0.1)
        assert session.status().playlist.number == 2
    assert any(text.startswith("2 of 2: b") and "panorama" in text for text in said)


def test_who_cannot_be_told_anything_keeps_nothing_from_sounding(tmp_path):
    def deaf(text):
        raise RuntimeError(text)

    files = [write(tmp_path / f"{k}.wav", noise(0.4, 1, seed=k)) for k in (1, 2)]
    files.append(tmp_path / "none.wav")
    first, *further = map(str, files)
    wanted = {**QUICK, "block_size": BLOCK, "input": first, "further": further}
    give_up_s = time.monotonic() + 20.0
    session = Session(load_settings(None, wanted), on_message=deaf)
    status = run_session(session, lambda session: time.monotonic() < give_up_s)
    assert session.ended and status.playlist.n_broken == 1
    assert any("is left out" in text for text in session.desk._messages)
