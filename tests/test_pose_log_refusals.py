"""Logs that were cut, damaged or made elsewhere: played as far as they go, or a sentence that says why not."""

import shutil

import numpy as np
import pytest
import soundfile
from pose_log_tools import FS_HZ, altered, live, wait_blocks, write_again, write_field

from rt_render.app import file_hash, pose_log
from rt_render.app.pose_log import source_hash
from rt_render.app.replay import replay_to_file
from rt_render.errors import ConfigurationError, InputFileError
from rt_render.io.pose_log_file import PoseLogReader, is_pose_log


@pytest.fixture
def field(tmp_path):
    """An order-2 noise field of 3 s."""
    return write_field(tmp_path)


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


@pytest.mark.parametrize("of_piece", [0, 5, 6, 60])
def test_a_damaged_byte_ends_the_log_before_its_piece_and_is_not_told_as_a_power_cut(logged, of_piece):
    """Of kind, size and content alike: a size may then reach beyond the end of the file."""
    data = bytearray(logged.read_bytes())
    begin = data.rindex(b"rows", 0, data.rindex(b"done"))
    data[begin + of_piece] ^= 0x80
    (bad := logged.with_name("bad.rtlog")).write_bytes(data)
    again, heard, said = replayed(bad)
    assert len(again) < len(heard) and not any("cut" in text for text in said)
    assert any(f"the log is damaged at byte {begin}, with more behind it" in text for text in said)


def test_damage_in_the_last_piece_is_like_a_cut(logged):
    data = bytearray(logged.read_bytes())
    data[-10] ^= 1
    (bad := logged.with_name("bad.rtlog")).write_bytes(data)
    again, heard, said = replayed(bad)
    np.testing.assert_array_equal(again, heard)
    assert any(text.startswith("the log was cut") for text in said)


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
    other = altered(logged, "other.rtlog", cpu="z80 zilog +64bit")
    said = replayed(other)[2][-1]
    assert "levels at both ears agree with the log exactly" in said and "bit for bit" not in said
    reader = PoseLogReader(other)
    pieces = list(reader.pieces())
    reader.close()
    for piece in pieces:
        if isinstance(piece, np.ndarray):
            piece["mean_square"] *= 1 + 1e-7
    write_again(other, reader, pieces)
    said = replayed(other)[2][-1]
    assert "other machine code" in said and "agree with the log within 0.001 dB at each of them" in said
    assert said.endswith("on the same kind of processor (zilog)")
    for piece in pieces:
        if isinstance(piece, np.ndarray):
            piece["mean_square"][50:] *= 1.01
    write_again(other, reader, pieces)
    assert "on this is not what was heard, the levels differ by up to 0.043 dB" in replayed(other)[2][-1]
    monkeypatch.setattr(pose_log, "cpu_target", lambda: "z80 zilog +64bit")
    assert "this is not what was heard" in replayed(other)[2][-1]


@pytest.mark.parametrize("name", ["order", "filter_set"])
def test_rows_that_cannot_be_are_refused(logged, name):
    with PoseLogReader(logged) as reader:
        pieces = list(reader.pieces())
    for piece in pieces:
        if isinstance(piece, np.ndarray):
            piece[name][9] = 77
    write_again(logged, reader, pieces)
    with pytest.raises(InputFileError, match=r"is damaged at block 1: what it says of it cannot be\."):
        replayed(logged)


def test_rows_that_the_engine_lost_make_the_log_end_there(logged):
    with PoseLogReader(logged) as reader:
        pieces = list(reader.pieces())
    first = next(at for at, piece in enumerate(pieces) if isinstance(piece, np.ndarray))
    pieces[first : first + 1] = [pieces[first][:40], pieces[first][50:]]
    write_again(logged, reader, pieces)
    again, heard, said = replayed(logged)
    assert len(again) == 40 * 128
    np.testing.assert_array_equal(again, heard[: len(again)])
    assert any("lacks rows from block 41 on" in text and "not replayable from there" in text for text in said)


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


def test_files_are_hashed_in_bounded_time_and_every_part_of_a_short_one_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(file_hash, "_PIECE_BYTES", 100)
    monkeypatch.setattr(file_hash, "_WHOLE_BYTES", 1000)
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
