"""Raw bytes that were written down come back as the very same messages at the very same times."""

import json
import random
import struct
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge.dialects.android_hid import AndroidHidDevice
from firmware_bridge.dialects.table import DIALECTS
from firmware_bridge.errors import BridgeError
from firmware_bridge.messages import Motion
from firmware_bridge.notices import Notices
from firmware_bridge.raw_recording import RawRecordingWriter, read_raw_recording
from firmware_bridge.sources.link_source import LinkSource
from firmware_bridge.sources.recording_link import RecordedLink, ReplayLink
from firmware_bridge.sources.replay_source import ReplaySource
from firmware_bridge.transports.link import ByteLink, LinkError, Piece
from firmware_bridge.virtual.device import DeviceState

HBF1 = DIALECTS["hbf1"]


class Played(ByteLink):
    """A link that hands out given pieces, one a read; None stands for a cable that is pulled."""

    def __init__(self, pieces):
        self.name, self.left, self.n_open = "a played link", list(pieces), 0

    def open(self, timeout_s):
        self.n_open += 1
        return True

    def read(self, timeout_s):
        piece = self.left.pop(0) if self.left else Piece(b"", 0.0)
        if piece is None:
            raise LinkError("is gone")
        return [piece] if piece.data else []

    def close(self):
        pass


def frames(n_frames, seed=0):
    device, chance = HBF1.make_device(), random.Random(seed)
    data = b"".join(device.encode(DeviceState(k * 0.005, k, (1.0, 0.0, 0.0, 0.0))) for k in range(n_frames))
    pieces, at, at_s = [], 0, 1234.5678
    while at < len(data):
        size = chance.randrange(1, 60)
        at_s += chance.random() * 0.01
        pieces.append(Piece(data[at : at + size], at_s))
        at += size
    return pieces


def recorded(pieces, path, dialect=HBF1):
    source = LinkSource(Played(pieces), dialect, Notices(lambda text: None))
    source.record(RawRecordingWriter(path))
    heard = []
    for _ in range(len(pieces) + 5):
        heard += source.poll(0.2)
    source.close()
    return heard


def replayed(path, texts=None, **more):
    source = ReplaySource(path, Notices((texts if texts is not None else []).append), in_real_time=False, **more)
    heard = []
    while not source.is_over:
        heard += source.poll(0.0)
    source.poll(0.0)
    source.close()
    return heard, source


def test_the_messages_are_bit_identical_and_the_times_exact(tmp_path):
    pieces = frames(200)
    heard = recorded(pieces, tmp_path / "one.rtraw")
    again, source = replayed(tmp_path / "one.rtraw")
    assert [one.message for one in again] == [one.message for one in heard] and len(heard) == 200
    start_s = pieces[0].arrival_s
    assert [one.arrival_s for one in again] == [one.arrival_s - start_s for one in heard]
    assert source.dialect is HBF1 and source.counts().frames == 200
    assert not source.health().connected and not source.say(b"PING 1\n")


def test_a_cable_that_was_pulled_is_pulled_again(tmp_path):
    pieces = frames(40)
    half = len(pieces) // 2
    heard = recorded([*pieces[:half], None, *pieces[half + 3 :]], tmp_path / "one.rtraw")
    again, _ = replayed(tmp_path / "one.rtraw")
    assert [one.message for one in again] == [one.message for one in heard]
    assert sum(not record.data for record in read_raw_recording(tmp_path / "one.rtraw").records) == 2


def test_a_recording_of_an_unnamed_dialect_is_heard_out(tmp_path):
    recorded(frames(30), tmp_path / "one.rtraw", None)
    again, source = replayed(tmp_path / "one.rtraw")
    assert source.dialect is HBF1 and len([one for one in again if isinstance(one.message, Motion)]) == 30


def test_a_recording_that_was_cut_off_is_used_as_far_as_it_goes(tmp_path):
    path = tmp_path / "one.rtraw"
    recorded(frames(50), path)
    content = path.read_bytes()
    whole = read_raw_recording(path)
    for n_cut in (1, 5, 12, 40):
        path.write_bytes(content[:-n_cut])
        cut = read_raw_recording(path)
        assert cut.records == whole.records[: len(cut.records)]
        assert len(whole.records) - 4 <= len(cut.records) < len(whole.records)
    texts = []
    replayed(path, texts)
    assert any("was cut off" in text for text in texts) and texts[-1] == "recording one.rtraw has ended"


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200), st.booleans())
def test_any_file_is_a_recording_or_one_sentence(content, with_head):
    head = b'{"rtraw": 1, "dialect": null, "place": "", "started": "", "descriptor": ""}\n' if with_head else b""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.rtraw"
        path.write_bytes(head + content)
        if not with_head:
            with pytest.raises(BridgeError, match=r"no recording that can be read: .*\.$"):
                read_raw_recording(path)
            return
        recording = read_raw_recording(path)
        n_bytes = sum(12 + len(record.data) for record in recording.records)
        assert n_bytes + recording.n_cut_bytes == len(content)
        assert recording.duration_s >= 0.0


def test_a_record_that_cannot_be_ends_the_recording(tmp_path):
    path = tmp_path / "x.rtraw"
    head = json.dumps({"rtraw": 1, "dialect": "hbf1", "place": "", "started": "", "descriptor": ""}).encode() + b"\n"
    good = struct.pack("<dI", 1.0, 2) + b"ab"
    for bad in (
        struct.pack("<dI", 0.5, 2) + b"cd",
        struct.pack("<dI", float("nan"), 0),
        struct.pack("<dI", 2.0, 1 << 30),
    ):
        path.write_bytes(head + good + bad + good)
        recording = read_raw_recording(path)
        assert [record.data for record in recording.records] == [b"ab"]
        assert recording.n_cut_bytes == len(bad + good)


def test_nothing_is_overwritten_and_places_that_cannot_be_are_said(tmp_path):
    RawRecordingWriter(tmp_path / "one.rtraw")
    with pytest.raises(BridgeError, match="is there already"):
        RawRecordingWriter(tmp_path / "one.rtraw")
    with pytest.raises(BridgeError, match="choose another place"):
        RawRecordingWriter(tmp_path / "none" / "one.rtraw")
    with pytest.raises(BridgeError, match="cannot be read"):
        read_raw_recording(tmp_path / "two.rtraw")
    with pytest.raises(BridgeError, match="no recording"):
        read_raw_recording(tmp_path / "one.rtraw")


def test_a_full_disk_ends_the_recording_and_not_the_poses(tmp_path, monkeypatch):
    texts, heard = [], []
    source = LinkSource(Played(frames(20)), HBF1, Notices(texts.append))
    source.record(RawRecordingWriter(tmp_path / "one.rtraw"))

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(RawRecordingWriter, "write", full)
    for _ in range(60):
        heard += source.poll(0.0)
    source.close()
    assert len(heard) == 20 and len([text for text in texts if "ends early: No space left on device" in text]) == 1


def test_in_real_time_nothing_comes_before_its_moment(tmp_path):
    recorded([Piece(piece.data, 7.0 + 0.01 * k) for k, piece in enumerate(frames(20))], tmp_path / "one.rtraw")
    recording = read_raw_recording(tmp_path / "one.rtraw")
    link = ReplayLink(recording, "it")
    link.open(0.0)
    pieces = []
    while not link.is_over:
        new = link.read(0.005)
        assert all(piece.arrival_s <= time.monotonic() for piece in new)
        pieces += new
    times_s = [piece.arrival_s - pieces[0].arrival_s for piece in pieces]
    assert times_s == pytest.approx([record.time_s for record in recording.records if record.data], abs=1e-9)


def test_a_hid_recording_carries_its_descriptor(tmp_path):
    device = AndroidHidDevice()
    link = Played([Piece(device.encode(DeviceState(0.0, 0, (0.6, 0.0, 0.0, 0.8))), 1.0)])
    link.descriptor = b"\x05\x20\x09\xe1\xa1\x01"
    tape = RecordedLink(link, RawRecordingWriter(tmp_path / "one.rtraw"), "android-hid", Notices(print))
    tape.open(0.0)
    tape.read(0.0)
    tape.close()
    assert read_raw_recording(tmp_path / "one.rtraw").descriptor == link.descriptor
    with pytest.raises(BridgeError, match="head tracker in its report descriptor"):
        replayed(tmp_path / "one.rtraw")
