"""The thread that writes the log, and the file: a disk may hang or be full, and the sound goes on."""

import os
import stat
from threading import Event
from types import SimpleNamespace

import numpy as np
import pytest
from pose_log_tools import QUICK, live, pieces_of, rows_of, wait_blocks, wait_for, write_field

from rt_render.app import pose_logger
from rt_render.app.session import Session
from rt_render.app.settings_file import load_settings
from rt_render.errors import RenderError
from rt_render.io.pose_log_file import Card, Done, Moved, PoseLogReader, PoseLogWriter, Taps
from rt_render.io.wav_writer import OutputFileError
from rt_render.kernels.state import trace_dtype


@pytest.fixture
def field(tmp_path):
    """An order-2 noise field of 3 s."""
    return write_field(tmp_path)


@pytest.mark.parametrize("block_size", [32, 128, 2048])
def test_rows_filters_and_words_are_read_as_they_were_written(tmp_path, block_size):
    rows = np.frombuffer(
        np.random.default_rng(1).bytes(700 * trace_dtype(block_size).itemsize), trace_dtype(block_size)
    )
    taps = Taps(3, np.random.default_rng(2).standard_normal((2, 9, 33)))
    writer = PoseLogWriter(tmp_path / "a.rtlog", {"a": "ü"}, rows.dtype)
    for piece in (taps, Card(7, "Ωmega"), rows[:1], rows, Moved(), Done(5, 6)):
        writer.write(piece)
    writer.take_name()
    writer.close()
    with PoseLogReader(tmp_path / "a.rtlog") as reader:
        assert reader.header["a"] == "ü" and reader.row == rows.dtype
        read = list(reader.pieces())
    assert read[1] == Card(7, "Ωmega") and read[4:] == [Moved(), Done(5, 6)] and read[0].number == 3
    np.testing.assert_array_equal(read[0].filters, taps.filters)
    assert read[2].tobytes() == rows[:1].tobytes() and read[3].tobytes() == rows.tobytes()
    with pytest.raises(OutputFileError, match="exists already"):
        PoseLogWriter(tmp_path / "a.rtlog", {}, rows.dtype)


class QuietEngine:
    """As much of an engine as a logger sees."""

    def __init__(self, block_size):
        self.plan = SimpleNamespace(block_size=block_size, fs_hz=48000)
        self.objects = SimpleNamespace(changes=1)
        self.lost = 0

    def tell_filters(self, tell):
        self.tell = tell

    def snapshot(self):
        return SimpleNamespace(trace_lost=self.lost, missed_slots=0)


def begun(folder, block_size=128):
    """A logger of a session that is about to play; `said` is what it said."""
    said = []
    logger = pose_logger.PoseLogger(
        QuietEngine(block_size),
        folder / "a.rtlog",
        {},
        np.zeros((2, 1, 4)),
        card_text="card {}".format,
        force=False,
        on_message=said.append,
    )
    logger.said = said
    return logger


@pytest.fixture
def logger(tmp_path):
    return begun(tmp_path)


@pytest.mark.parametrize("block_size", [32, 128, 2048])
def test_rows_of_a_second_and_one_look_at_most_are_held_back(tmp_path, block_size):
    logger = begun(tmp_path, block_size)
    per_second, look = 48000 // block_size, max(1, 2400 // block_size)
    held, n_pieces = 0, 0
    for first in range(1, 4 * per_second, look):
        logger.take_rows(rows_of(look, first))
        held += look
        while not logger._waiting.empty():
            piece = logger._waiting.get()
            if isinstance(piece, np.ndarray):
                held, n_pieces = held - len(piece), n_pieces + 1
        assert held < per_second + look
    assert n_pieces in (3, 4), "and not a piece for each look"
    logger.abandon()


def test_each_piece_and_the_name_are_on_the_disk_before_the_next(logger, tmp_path, monkeypatch):
    synced = []
    sync = os.fsync

    def fsync(number):
        sync(number)
        status = os.fstat(number)
        synced.append(None if stat.S_ISDIR(status.st_mode) else status.st_size)

    monkeypatch.setattr("rt_render.io.pose_log_file.os.fsync", fsync)
    logger.start()
    for i in range(3):
        logger.take_rows(rows_of(600, 1 + 600 * i))
    logger.close()
    sizes = [size for size in synced if size is not None]
    assert synced.index(None) == 1, "the file, then its folder, then the pieces"
    n_pieces = len(pieces_of(tmp_path / "a.rtlog"))
    assert len(sizes) == 1 + n_pieces == len(set(sizes)) and sizes == sorted(sizes)
    assert sizes[-1] == (tmp_path / "a.rtlog").stat().st_size


def test_the_first_move_of_an_object_is_told_once_and_marked_between_its_rows(logger, tmp_path):
    logger.start()
    for i in range(4):
        logger._engine.objects.changes += i > 1
        logger.take_rows(rows_of(50, 1 + 50 * i))
    logger.close()
    pieces = pieces_of(tmp_path / "a.rtlog")[2:]
    assert [len(piece) if isinstance(piece, np.ndarray) else piece for piece in pieces[:3]] == [100, Moved(), 100]
    assert len(logger.said) == 2 and "objects are moved by hand" in logger.said[0]


def test_a_panorama_that_is_changed_is_told_and_marked_like_objects(logger, tmp_path):
    changes = [0]
    logger._changes["panorama"] = lambda: changes[0]
    logger.start()
    for i in range(3):
        changes[0] = i
        logger.take_rows(rows_of(50, 1 + 50 * i))
    logger.close()
    pieces = pieces_of(tmp_path / "a.rtlog")[2:]
    assert [len(piece) if isinstance(piece, np.ndarray) else piece for piece in pieces[:3]] == [
        50,
        Moved("panorama"),
        100,
    ]
    assert ["by hand" in words for words in logger.said].count(True) == 1
    assert "the panorama is changed by hand" in logger.said[0]


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


def test_a_card_is_told_by_the_words_of_its_own_number(logger, tmp_path):
    logger.take_rows(np.concatenate([rows_of(3, stream=2), rows_of(3, 4), rows_of(3, 7, stream=5)]))
    logger.start()
    logger.close()
    cards = [piece for piece in pieces_of(tmp_path / "a.rtlog") if isinstance(piece, Card)]
    assert cards == [Card(2, "card 2"), Card(0, "card 0"), Card(5, "card 5")]


def test_a_log_has_its_name_as_soon_as_it_is_begun_and_reads_from_then_on(logger, tmp_path):
    assert [path.name for path in tmp_path.iterdir()] == ["a.rtlog.partial"]
    logger.start()
    logger.take_rows(rows_of(600))
    wait_for(lambda: (tmp_path / "a.rtlog").exists() and len(pieces_of(tmp_path / "a.rtlog")) == 3)
    assert [path.name for path in tmp_path.iterdir()] == ["a.rtlog"]
    logger.close()


def test_a_name_that_was_taken_meanwhile_is_left_and_the_log_goes_on_beside_it(logger, tmp_path):
    (tmp_path / "a.rtlog").write_text("another program's")
    logger.start()
    wait_for(lambda: logger.said)
    logger.take_rows(rows_of(600))
    logger.close()
    assert "it exists already): the log is kept in" in logger.said[0] and logger.said[0].endswith("a.rtlog.partial.")
    assert (tmp_path / "a.rtlog").read_text() == "another program's"
    assert len(pieces_of(tmp_path / "a.rtlog.partial")) == 4


def test_what_is_no_file_is_never_replaced_by_a_log(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for name, why in (("pipe", "no ordinary file"), (".", "no ordinary file"), ("absent/a.rtlog", "No such file")):
        with pytest.raises(OutputFileError, match=why):
            PoseLogWriter(tmp_path / name, {}, trace_dtype(128), force=True)
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


@pytest.mark.parametrize("there", [{}, {"a.rtlog": "an older log", "a.wav": "an older recording"}])
def test_a_session_that_cannot_begin_leaves_all_as_it_was(field, tmp_path, there):
    for name, text in there.items():
        (tmp_path / name).write_text(text)
    outputs = {"log": tmp_path / "a.rtlog", "record": tmp_path / "a.wav", "force": True}
    choices = {**QUICK, "input": str(field), **outputs}
    with pytest.raises(Exception, match=r"no\.csv"):
        Session(load_settings(None, {**choices, "tracker": "csv:no.csv"}))
    session = Session(load_settings(None, {**choices, "device": "no such card"}))
    with pytest.raises(RenderError), session:
        pass
    assert {path.name for path in tmp_path.iterdir()} == {"field.wav", *there}
    assert {name: (tmp_path / name).read_text() for name in there} == there


def test_an_hour_takes_less_than_a_hundred_megabytes(tmp_path):
    """Of what a live session writes while its head moves all the time."""
    live(tmp_path, lambda session: wait_blocks(session, 1200), order=1, block_size=128)
    log = tmp_path / "live.rtlog"
    rows = np.concatenate([piece for piece in pieces_of(log) if isinstance(piece, np.ndarray)])
    fixed = 20_000  # header and filters
    assert (log.stat().st_size - fixed) / len(rows) * 375 * 3600 < 100e6
