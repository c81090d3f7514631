"""The log of a live session, and the session from it again: sample for sample, or a sentence that says why not."""

import ctypes
import json
import shutil
import time
from threading import Event
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from test_sound_card_loss import PretendedCard

from rt_render.app import api, pose_log, pose_logger
from rt_render.app.pose_log import source_hash
from rt_render.app.replay import replay_to_file
from rt_render.app.session import Session
from rt_render.app.settings_file import load_settings
from rt_render.conventions import n_sh
from rt_render.errors import ConfigurationError, InputFileError, RenderError
from rt_render.io import card_keeper
from rt_render.io.pose_log_file import Card, Done, PoseLogReader, PoseLogWriter, Taps, is_pose_log
from rt_render.io.wav_writer import OutputFileError
from rt_render.kernels.state import FLAG_CLEARED, FLAG_FROZEN, FLAG_UNDERRUN, trace_dtype

FS_HZ, TAPS = 48000, 64
QUICK = {"method": "ls", "taps": TAPS, "head": "sphere", "device": "virtual", "tracker": "simulated"}


def write_field(folder):
    path = folder / "field.wav"
    noise = np.random.default_rng(5).normal(0, 0.2, (3 * FS_HZ + 77, n_sh(2)))
    soundfile.write(path, noise.astype(np.float32), FS_HZ, subtype="FLOAT")
    return path


@pytest.fixture
def field(tmp_path):
    """An order-2 noise field of 3 s."""
    return write_field(tmp_path)


def wait_for(condition, seconds=20.0):
    give_up_s = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up_s, "nothing happened"
        time.sleep(0.003)


def wait_blocks(session, n):
    goal = session.engine.snapshot().blocks + n
    wait_for(lambda: session.engine.snapshot().blocks >= goal)


def play_with_everything(session):
    """Gain, tracking, other filters, pause, seeks on and back: all that a listener can do, and a lower order."""
    filters = session.decoder.filters
    wait_blocks(session, 30)
    session.change_gain(6.0)
    session.toggle_tracking()
    wait_blocks(session, 20)
    session.engine.publish_filters(0.5 * filters[:, :4])
    wait_blocks(session, 20)
    session.toggle_pause()
    wait_blocks(session, 5)
    session.toggle_pause()
    session.toggle_tracking()
    session.seek(1.0)
    session.engine.publish_filters(filters[::-1])
    wait_blocks(session, 30)
    session.toggle_mute()
    session.seek(0.0)
    session.toggle_mute()
    wait_blocks(session, 40)


def live(tmp_path, act, **choices):
    """Play a session, recorded and logged; return what it said."""
    said = []
    settings = load_settings(
        None, {**QUICK, "record": tmp_path / "live.wav", "log": tmp_path / "live.rtlog", "force": True, **choices}
    )
    with Session(settings, on_message=said.append) as session:
        act(session)
    return said


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
        wait_for(lambda: session._card.on_virtual)
        wait_blocks(session, 40)
        JitteringCard.plugged = JitteringCard.calling = True
        wait_for(lambda: not session._card.on_virtual)
        wait_blocks(session, 40)

    live(tmp_path, act, input=str(field), loop=True, block_size=128, device="auto")
    rows, pieces = assert_heard_again(tmp_path)
    cards = [piece for piece in pieces if isinstance(piece, Card)]
    assert len(cards) == 3 and cards[1].stream == 0 and cards[0].stream != cards[2].stream
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


# what is found and what is refused


@pytest.fixture(scope="module")
def one_session(tmp_path_factory):
    """A folder with a field, and a short session's log and recording."""
    folder = tmp_path_factory.mktemp("session")
    field = write_field(folder)
    live(folder, lambda session: wait_blocks(session, 100), input=str(field), block_size=128)
    return folder


@pytest.fixture
def logged(one_session, field, tmp_path):
    """A copy of the log, beside a copy of its recording and its field."""
    for name in ("live.wav", "live.rtlog", "field.wav"):
        shutil.copy(one_session / name, tmp_path)
    chosen = {"source": {"input": str(field)}, "audio": {"fs_hz": FS_HZ}}
    return altered(tmp_path / "live.rtlog", "live.rtlog", settings=chosen)


def altered(log, name, **changes):
    """Write a log again with another header, all pieces kept."""
    line, _, rest = log.read_bytes().partition(b"\n")
    path = log.with_name(name)
    path.write_bytes(json.dumps({**json.loads(line), **changes}).encode() + b"\n" + rest)
    return path


def replayed(log, **more):
    said = []
    replay_to_file(log, log.with_name("again.wav"), force=True, on_message=said.append, **more)
    again, _ = soundfile.read(log.with_name("again.wav"), dtype="float32")
    heard, _ = soundfile.read(log.with_name("live.wav"), dtype="float32")
    return again, heard, said


def test_the_source_is_found_beside_the_log_or_given_and_must_be_the_same(logged, field, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    moved = elsewhere / "other name.wav"
    field.rename(moved)
    with pytest.raises(InputFileError, match=r"field\.wav, of which .* tells, is not there: name that file as INPUT\."):
        replayed(logged)
    again, heard, _ = replayed(logged, input=str(moved))
    np.testing.assert_array_equal(again, heard)
    beside = altered(logged, "moved.rtlog", settings={"source": {"input": str(elsewhere / "field.wav")}})
    moved.rename(field)
    np.testing.assert_array_equal(replayed(beside)[0], heard)
    samples, _ = soundfile.read(field, dtype="float32")
    samples[70_000, 3] += 1e-6
    soundfile.write(field, samples, FS_HZ, subtype="FLOAT")
    with pytest.raises(InputFileError, match="is not what was played: its content is not that"):
        replayed(logged)


def test_a_log_that_was_cut_anywhere_is_played_back_up_to_there(logged):
    whole, heard, _ = replayed(logged)
    data = logged.read_bytes()
    first_line = data.index(b"\n") + 1
    lengths = []
    for size in (first_line, first_line + 5, len(data) // 2, len(data) - 60, len(data) - 1):
        cut = logged.with_name("cut.rtlog")
        cut.write_bytes(data[:size])
        if size < first_line + 100:
            with pytest.raises(InputFileError, match="ends before its first filters"):
                replayed(cut)
            continue
        again, _, said = replayed(cut)
        np.testing.assert_array_equal(again, heard[: len(again)])
        assert any(text.startswith("the log was cut, by a power cut maybe") for text in said)
        lengths.append(len(again))
    assert lengths[-1] == len(whole) and lengths == sorted(lengths)


def test_a_byte_that_was_damaged_ends_the_log_before_its_piece(logged):
    data = bytearray(logged.read_bytes())
    data[-200] ^= 1
    (bad := logged.with_name("bad.rtlog")).write_bytes(data)
    again, heard, said = replayed(bad)
    assert len(again) < len(heard) and any("the log was cut" in text for text in said)


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"version": "0.0.9"}, ConfigurationError, r"is of rt-render 0\.0\.9, .*: install rt-render 0\.0\.9"),
        ({"plan_hash": "other"}, ConfigurationError, "fades and limits otherwise"),
        ({"taps_hash": "other"}, InputFileError, "filters in .* are not those"),
        ({"rt-render pose log": 2}, InputFileError, "has format 2, and this is a program for format 1"),
        ({"plan": {"order": 2}, "settings": 3}, InputFileError, "the first line of .* is damaged"),
        ({"row": [["block", "<i8", []]]}, InputFileError, "tells other things of a block"),
        ({"row": [["block", "|O", []]]}, InputFileError, "the first line of .* is damaged"),
        ({"row": 7}, InputFileError, "the first line of .* is damaged"),
    ],
)
def test_a_log_of_another_program_is_refused_in_a_sentence(logged, changes, error, says):
    with pytest.raises(error, match=says) as raised:
        replayed(altered(logged, "other.rtlog", **changes))
    assert str(raised.value).endswith(".")


def test_on_another_machine_it_is_said_how_near_it_is(logged, monkeypatch):
    other = altered(logged, "other.rtlog", cpu="z80")
    assert "bit for bit" in replayed(other)[2][-1]  # equal, though nothing promised it
    reader = PoseLogReader(other)
    pieces = list(reader.pieces())
    reader.close()
    for piece in pieces:
        if isinstance(piece, np.ndarray):
            piece["mean_square"] *= 1 + 1e-7
    header = {k: v for k, v in reader.header.items() if k not in ("row", "rt-render pose log")}
    writer = PoseLogWriter(other, header, reader.row, force=True)
    for piece in pieces:
        writer.write(piece)
    writer.close()
    assert "so within -120 dBFS and not bit for bit" in replayed(other)[2][-1]
    monkeypatch.setattr(pose_log, "cpu_target", lambda: "z80")
    assert "this is not what was heard" in replayed(other)[2][-1]


@pytest.mark.parametrize("name", ["order", "filter_set"])
def test_rows_that_cannot_be_are_refused(logged, name):
    with PoseLogReader(logged) as reader:
        pieces = list(reader.pieces())
        header = {k: v for k, v in reader.header.items() if k not in ("row", "rt-render pose log")}
        writer = PoseLogWriter(logged, header, reader.row, force=True)
    for piece in pieces:
        if isinstance(piece, np.ndarray):
            piece[name][9] = 77
        writer.write(piece)
    writer.close()
    with pytest.raises(InputFileError, match=r"is damaged at block 1: what it says of it cannot be\."):
        replayed(logged)


def test_what_is_no_log_is_told_apart(tmp_path, field):
    for name, content in (("a.csv", b"time_s,w,x,y,z\n0,1,0,0,0\n"), ("b", b""), ("c", b"\xff" * 999)):
        path = tmp_path / name
        path.write_bytes(content)
        assert not is_pose_log(path)
        with pytest.raises(InputFileError, match="is no pose log"):
            PoseLogReader(path)
    assert not is_pose_log(tmp_path / "none")
    with pytest.raises(InputFileError, match="cannot be read"):
        PoseLogReader(tmp_path / "none")


# the logger


def rows_of(n, first=1, stream=0):
    rows = np.zeros(n, trace_dtype(128))
    rows["block"], rows["stream"] = np.arange(first, first + n), stream
    rows["knots"] = np.random.default_rng(first).standard_normal(rows["knots"].shape)
    return rows


@pytest.mark.parametrize("block_size", [32, 128, 2048])
def test_rows_filters_and_words_are_read_as_they_were_written(tmp_path, block_size):
    rows = np.frombuffer(
        np.random.default_rng(1).bytes(700 * trace_dtype(block_size).itemsize), trace_dtype(block_size)
    )
    taps = Taps(3, np.random.default_rng(2).standard_normal((2, 9, 33)))
    writer = PoseLogWriter(tmp_path / "a.rtlog", {"a": "ü"}, rows.dtype)
    for piece in (taps, Card(7, "Ωmega"), rows[:1], rows, Done(5, 6)):
        writer.write(piece)
    writer.close()
    with PoseLogReader(tmp_path / "a.rtlog") as reader:
        assert reader.header["a"] == "ü" and reader.row == rows.dtype
        read = list(reader.pieces())
    assert read[1] == Card(7, "Ωmega") and read[4] == Done(5, 6) and read[0].number == 3
    np.testing.assert_array_equal(read[0].filters, taps.filters)
    assert read[2].tobytes() == rows[:1].tobytes() and read[3].tobytes() == rows.tobytes()
    with pytest.raises(OutputFileError, match="exists already"):
        PoseLogWriter(tmp_path / "a.rtlog", {}, rows.dtype)


class QuietEngine:
    """As much of an engine as a logger sees."""

    def __init__(self):
        self.plan = SimpleNamespace(block_size=128)
        self.lost = 0

    def tell_filters(self, tell):
        self.tell = tell

    def snapshot(self):
        return SimpleNamespace(trace_lost=self.lost, missed_slots=0)


@pytest.fixture
def logger(tmp_path):
    said = []
    logger = pose_logger.PoseLogger(
        QuietEngine(),
        tmp_path / "a.rtlog",
        {},
        np.zeros((2, 1, 4)),
        card_text=lambda: "a card",
        force=False,
        on_message=said.append,
    )
    logger.said = said
    return logger


def pieces_of(path):
    with PoseLogReader(path) as reader:
        return list(reader.pieces())


def test_a_disk_that_hangs_holds_up_nobody_and_what_is_lost_is_counted(logger, tmp_path, monkeypatch):
    monkeypatch.setattr(pose_logger, "WAITING_PIECES", 4)
    release, write = Event(), PoseLogWriter.write
    monkeypatch.setattr(PoseLogWriter, "write", lambda self, piece: (release.wait(30), write(self, piece)))
    logger.start()
    for i in range(10):
        logger.take_rows(rows_of(600, 1 + 600 * i))
    release.set()
    logger.close()
    pieces = pieces_of(tmp_path / "a.rtlog")
    kept = sum(len(piece) for piece in pieces if isinstance(piece, np.ndarray))
    assert 0 < kept < 6000 and pieces[-1] == Done(6000 - kept, 0)
    assert logger.said[-1].startswith(f"{tmp_path / 'a.rtlog'} lacks {6000 - kept} blocks")


def test_a_disk_that_never_answers_does_not_keep_the_program(logger, monkeypatch):
    monkeypatch.setattr(pose_logger, "END_S", 0.05)
    release = Event()
    monkeypatch.setattr(PoseLogWriter, "write", lambda self, piece: release.wait(30))
    logger.start()
    with pytest.raises(OutputFileError, match="its disk has not answered for"):
        logger.close()
    release.set()
    logger._thread.join()


def test_a_full_disk_ends_the_log_and_not_the_playing(logger, tmp_path, monkeypatch):
    write, written = PoseLogWriter.write, []

    def fills_up(self, piece):
        if len(written) == 3:
            raise OutputFileError(f"{self.path} takes no more: No space left on device.")
        written.append(piece)
        write(self, piece)

    monkeypatch.setattr(PoseLogWriter, "write", fills_up)
    logger.start()
    for i in range(6):
        logger.take_rows(rows_of(600, 1 + 600 * i))
    wait_for(lambda: logger.said)
    logger.close()
    assert len(logger.said) == 1 and "No space left" in logger.said[0]
    assert len(pieces_of(tmp_path / "a.rtlog")) == 3


def test_rows_that_the_engine_lost_make_the_log_end_there(logged):
    with PoseLogReader(logged) as reader:
        pieces = list(reader.pieces())
        header = {k: v for k, v in reader.header.items() if k not in ("row", "rt-render pose log")}
    writer = PoseLogWriter(logged, header, reader.row, force=True)
    for piece in pieces:
        if isinstance(piece, np.ndarray):
            writer.write(piece[:40])
            writer.write(piece[50:])
        else:
            writer.write(piece)
    writer.close()
    again, heard, said = replayed(logged)
    assert len(again) == 40 * 128
    np.testing.assert_array_equal(again, heard[: len(again)])
    assert any("lacks rows from block 41 on" in text and "not replayable from there" in text for text in said)


def test_an_hour_takes_less_than_a_hundred_megabytes(tmp_path):
    """Of what a live session writes while its head moves all the time."""
    live(tmp_path, lambda session: wait_blocks(session, 1200), order=1, block_size=128)
    log = tmp_path / "live.rtlog"
    rows = np.concatenate([piece for piece in pieces_of(log) if isinstance(piece, np.ndarray)])
    fixed = 20_000  # header and filters
    assert (log.stat().st_size - fixed) / len(rows) * 375 * 3600 < 100e6


def test_a_session_that_cannot_begin_leaves_no_log(field, tmp_path):
    choices = {**QUICK, "input": str(field), "log": tmp_path / "a.rtlog"}
    with pytest.raises(Exception, match=r"no\.csv"):
        Session(load_settings(None, {**choices, "tracker": "csv:no.csv"}))
    session = Session(load_settings(None, {**choices, "device": "no such card"}))
    with pytest.raises(RenderError), session:
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["field.wav"]


def test_files_are_hashed_in_bounded_time_and_every_part_of_a_short_one_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(pose_log, "_PIECE_BYTES", 100)
    monkeypatch.setattr(pose_log, "_WHOLE_BYTES", 1000)
    path = tmp_path / "a"
    data = bytearray(np.random.default_rng(1).bytes(1000))
    path.write_bytes(data)
    whole = source_hash(str(path))
    data[555] ^= 1
    path.write_bytes(data)
    assert source_hash(str(path)) != whole
    for at in (0, 5000, 9999):
        long = bytearray(10_000)
        path.write_bytes(long)
        before = source_hash(str(path))
        long[at] = 1
        path.write_bytes(long)
        assert (source_hash(str(path)) != before) == (at != 5000)


# the functions


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
