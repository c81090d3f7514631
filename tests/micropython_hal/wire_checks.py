"""What the firmware must do with time, bytes and commands, whatever it runs on."""

import gc
import json
import os
import sys
from math import atan2, cos, pi, sin
from struct import pack_into

import hbf1
from clock import Clock
from commands import LineReader
from fake_chips import FakeBoard, FakeEdge
from icm20948 import Icm20948
from lsm6dsox import Lsm6dsox
from outbox import Outbox
from sample import Sample
from settings import Settings
from streamer import Streamer
from yaw_zero import YawZero

P0_WIRE = "15010134127856341203 01973D3E011A06 4010C78F00"
P0_GYRO_ACCEL_WIRE = "05010D35120F6A34120301973D3E011A064010 5C0649FF5F051903F6FF0408F0A500"
P0_LINE = b"$HT,4660,305419896,0.96234,0.01941,0.09534,0.25391,0103*0B\r\n"
"""Of the counts of the published frame: the published line, of the pose itself, differs in the fifth digits."""
STILL = (16384, 0, 0, 0)


class StillImu:
    """A new sample of the same pose whenever its time has come."""

    name, bias_free = "still", False

    def __init__(self, board, fields=hbf1.QUAT16 | hbf1.GYRO | hbf1.ACCEL):
        self.fields, self.usual_fields = fields, 5 if fields & 1 else fields
        self._board, self._due = board, board.now
        self.quat = STILL
        self.starts, self.rate_hz, self.broken = [], 0, False

    def start(self, rate_hz):
        if self.broken:
            raise OSError(5)
        self.starts.append(rate_hz)
        self.rate_hz = rate_hz

    def calibrate(self, what):
        pass

    def poll(self, sample):
        if self.broken:
            raise OSError(5)
        if self._board.now < self._due:
            return False
        sample.ticks = self._due & (1 << 30) - 1
        self._due += 1000000 // self.rate_hz
        for k in range(4):
            sample.quat[k] = self.quat[k]
        return True


def unstuffed(wire):
    """Return the raw bytes of one frame without its end, after its CRC was found right."""
    raw, at = bytearray(), 0
    while at < len(wire):
        code = wire[at]
        raw += wire[at + 1 : at + code]
        at += code
        if at < len(wire):
            raw.append(0)
    assert hbf1.crc16(raw, 0, len(raw) - 2) == raw[-2] | raw[-1] << 8
    return bytes(raw)


def frames(sent):
    """Return the raw frames in what was sent beside whole lines; half a frame is an error."""
    parts = bytes(sent).split(b"\0")
    for k, part in enumerate(parts):
        while part.startswith(b"$HT,"):
            part = part[part.index(b"\r\n") + 2 :]
        parts[k] = part
    assert parts[-1] == b""
    return [unstuffed(part) for part in parts if part]


def number(raw, at, n):
    return int.from_bytes(raw[at : at + n], "little")


def streaming(first_ticks=0, fields=13, settings_path=None):
    board = FakeBoard(first_ticks)
    if settings_path:
        board.settings_path = settings_path
    imu = StillImu(board, fields)
    return board, imu, Streamer(board, imu)


def run(board, streamer, ms):
    for _ in range(ms):
        streamer.turn()
        board.now += 1000


def said(board, streamer, line):
    """Return what the device answers to a line."""
    board.sent = bytearray()
    board.heard = line
    streamer.turn()
    streamer.turn()
    return [raw for raw in frames(board.sent) if raw[0] != hbf1.MOTION]


def p0_sample(clock):
    sample = Sample()
    for k, part in enumerate((15767, 318, 1562, 4160)):
        sample.quat[k] = part
    for k in range(3):
        sample.gyro[k] = (92, -183, 1375)[k]
        sample.accel[k] = (25, -10, 2048)[k]
    sample.ticks = clock.ticks
    return sample


def at_time(t_us):
    clock = Clock(FakeBoard())
    clock.high, clock.low = t_us >> 16, t_us & 0xFFFF
    return clock


def unhex(text):
    text = text.replace(" ", "")
    return bytes(int(text[k : k + 2], 16) for k in range(0, len(text), 2))


def check_the_check_word_of_the_crc():
    assert hbf1.crc16(b"123456789", 0, 9) == 0x29B1


def check_the_published_frames_are_written_byte_for_byte():
    buf = bytearray(80)
    for fields, seq, t_us, wire in ((1, 4660, 305419896, P0_WIRE), (13, 4661, 305424896, P0_GYRO_ACCEL_WIRE)):
        clock = at_time(t_us)
        end = hbf1.put_motion(buf, 7, fields, seq, clock, 0x0103, p0_sample(clock))
        assert buf[7:end] == unhex(wire), (wire, buf[7:end])


def check_a_line_is_written_byte_for_byte():
    buf, clock = bytearray(200), at_time(305419896)
    end = hbf1.put_line(buf, 3, 1, 4660, clock, 0x0103, p0_sample(clock))
    assert buf[3:end] == P0_LINE, buf[3:end]


def check_nothing_written_is_longer_than_the_room_that_is_asked_for():
    clock, sample = at_time(0xFFFFFFFF), Sample()
    for k in range(3):
        sample.quat[k] = sample.quat[3] = sample.gyro[k] = sample.accel[k] = -12345
    buf = bytearray(300)
    assert hbf1.put_motion(buf, 0, 13, 65535, clock, 65535, sample) <= hbf1.MAX_MOTION_BYTES
    assert hbf1.put_line(buf, 0, 13, 65535, clock, 65535, sample) <= hbf1.MAX_LINE_BYTES
    for n in (0, 1, hbf1.MAX_TEXT_BYTES):
        assert hbf1.put_told(buf, 0, hbf1.EVENT, clock, b"x" * n) == n + hbf1.TOLD_BYTES
        unstuffed(buf[: n + hbf1.TOLD_BYTES - 1])


def check_the_clock_counts_through_the_wrap_of_the_port():
    board = FakeBoard((1 << 30) - 3000)
    clock, total = Clock(board), 0
    for step_us in (1, 999, 5000, 70000, 400000000, 7, 500000000, 536870911):
        board.now += step_us
        total += step_us
        clock.tick()
        assert clock.high << 16 | clock.low == total & 0xFFFFFFFF
        assert 0 <= clock.low < 65536 and 0 <= clock.high < 65536


def check_the_clock_wraps_at_32_bits_and_samples_may_lie_before_that():
    board = FakeBoard()
    clock, sample, buf = Clock(board), Sample(), bytearray(80)
    clock.high, clock.low = 0xFFFF, 0xFFF0
    board.now += 20
    clock.tick()
    assert (clock.high, clock.low) == (0, 4)
    for late_us, t_us in ((0, 4), (5, 0xFFFFFFFF), (100000, 4 - 100000 + (1 << 32))):
        sample.ticks, sample.late_us = clock.ticks, late_us
        end = hbf1.put_motion(buf, 0, 1, 0, clock, 0, sample)
        assert number(unstuffed(buf[: end - 1]), 4, 4) == t_us


def check_a_zeroed_heading_leaves_pitch_and_roll():
    state = 1
    for _ in range(300):
        parts = []
        for _ in range(4):
            state = (state * 1103515245 + 12345) & 0x7FFFFFFF
            parts.append(state / 0x40000000 - 1)
        norm = sum(part * part for part in parts) ** 0.5
        if norm < 0.1:
            continue
        sample, zero = Sample(), YawZero()
        for k in range(4):
            sample.quat[k] = round(16384 * parts[k] / norm)
        before = angles(sample.quat)
        zero.take(sample.quat)
        zero.apply(sample.quat)
        after = angles(sample.quat)
        if abs(before[1]) < 1.4:  # nearer to the vertical a heading means little
            assert abs(after[0]) < 2e-3 and abs(after[1] - before[1]) < 2e-3
            assert abs((after[2] - before[2] + pi) % (2 * pi) - pi) < 2e-3
        norm = sum(part * part for part in sample.quat) ** 0.5 / 16384
        assert abs(norm - 1) < 2e-4 and zero.ref == 1


def angles(quat):
    w, x, y, z = [part / 16384 for part in quat]
    yaw = atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))
    sin_pitch = 2 * (w * y - x * z)
    pitch = atan2(sin_pitch, max(0, 1 - sin_pitch * sin_pitch) ** 0.5)
    return yaw, pitch, atan2(2 * (w * x + y * z), 1 - 2 * (x * x + y * y))


def check_control_characters_are_passed_over_and_endless_lines_forgotten():
    lines = LineReader()

    def heard(data):
        return [words for words in map(lines.feed, data) if words is not None]

    assert heard(b"\x03\x03HEL\x03LO\r\n\xff\x80\x00 PING  7 \n") == [["HELLO"], ["PING", "7"]]
    assert heard(b"x" * 1000) == [] and heard(b"\nHELLO\n") == [["HELLO"]]
    assert heard(b"y" * 64 + b"\n" + b"y" * 65 + b"\n") == [["y" * 64]]


def check_what_waits_is_never_cut():
    outbox, board = Outbox(64), FakeBoard()
    wanted, n = bytearray(), 0
    for k in range(300):
        if outbox.has_room(9):
            outbox.buf[outbox.end : outbox.end + 9] = bytes((k & 255,)) * 9
            outbox.end += 9
            wanted += bytes((k & 255,)) * 9
            n += 1
        board.room = k * 7 % 11
        outbox.pump(board)
    assert 100 < n < 300
    board.room = 100
    outbox.pump(board)
    assert board.sent == wanted and outbox.end == 0


def check_it_boots_streaming_quaternion_and_gyro_at_200_hz_after_one_zero_byte():
    board, imu, streamer = streaming()
    run(board, streamer, 1000)
    raws = frames(board.sent)
    assert board.sent[0] == 0 and board.sent[1] != 0 and len(raws) == 200 and imu.starts == [200]
    for k, raw in enumerate(raws):
        assert len(raw) == 26 and raw[0] == 1 and raw[1] == 5
        assert number(raw, 2, 2) == k and number(raw, 4, 4) == 5000 * k and number(raw, 8, 2) == 0xF000


def check_raw_sensors_stream_what_the_host_fuses():
    board, _, streamer = streaming(fields=12)
    run(board, streamer, 100)
    assert {(len(raw), raw[1]) for raw in frames(board.sent)} == {(24, 12)}
    for line, answer in ((b"ZERO\n", b"heading"), (b"MODE TXT\n", b"quaternion"), (b"FIELDS 01\n", b"fields 01")):
        (raw,) = said(board, streamer, line)
        assert raw[0] == hbf1.EVENT and b"error=" in raw and answer in raw
    run(board, streamer, 100)
    assert raws_ref(board) == {0}


def raws_ref(board):
    return {raw[9] & 15 for raw in frames(board.sent) if raw[0] == hbf1.MOTION}


def check_a_host_that_stops_reading_costs_samples_but_never_half_a_frame():
    board, _, streamer = streaming()
    run(board, streamer, 100)
    board.room = 17
    run(board, streamer, 1000)
    board.room = 1 << 60
    run(board, streamer, 100)
    raws = frames(board.sent)
    seqs = [number(raw, 2, 2) for raw in raws]
    overruns = [seq for seq, raw in zip(seqs, raws) if raw[8] & 0x40]
    gaps = [(a, b) for a, b in zip(seqs, seqs[1:]) if b != a + 1]
    assert seqs[0] == 0 and seqs[-1] == 239 and len(gaps) == 1
    # The first that got through after the gap says so, and only that one.
    assert overruns == [gaps[0][1]] and gaps[0][1] - gaps[0][0] - 1 == streamer.dropped == 240 - len(seqs) > 170
    assert b"dropped=%d\n" % streamer.dropped in said(board, streamer, b"HELLO\n")[0]


def check_the_commands_are_answered():
    board, imu, streamer = streaming()
    (info,) = said(board, streamer, b"HELLO\n")
    assert info[0] == hbf1.INFO
    for pair in (b"proto=1", b"fw=0.1", b"imu=still", b"rate=200", b"fields=05", b"ticks=us32", b"id=fake"):
        assert pair + b"\n" in info, info
    for line, kind, word in (
        (b"RATE 50\n", 2, b"rate=50\n"),
        (b"FIELDS 0d\n", 2, b"fields=0d\n"),
        (b"MODE BIN\n", 4, b"mode=bin"),
        (b"STOP\n", 4, b"stop=ok"),
        (b"START\n", 4, b"start=ok"),
        (b"ZERO\n", 4, b"zero"),
        (b"CAL GYRO\n", 4, b"cal=gyro"),
    ):
        (raw,) = said(board, streamer, line)
        assert raw[0] == kind and word in raw, raw
    assert imu.starts == [200, 50]
    board.now += 12345
    streamer.turn()
    t_us = board.now
    (raw,) = said(board, streamer, b"PING 4294967295\n")
    assert raw[0] == hbf1.PONG and len(raw) == 22
    assert (number(raw, 8, 4), number(raw, 12, 4), number(raw, 16, 4)) == (4294967295, t_us, t_us)


def check_nonsense_is_answered_and_changes_nothing():
    board, imu, streamer = streaming()
    before = said(board, streamer, b"HELLO\n")[0][8:-2]
    for line in (
        b"RATE 0\n", b"RATE 1001\n", b"RATE x\n", b"RATE\n", b"FIELDS 02\n", b"FIELDS 04\n", b"FIELDS -1\n",
        b"FIELDS zz\n",
        b"MODE XML\n", b"CAL ALL\n", b"PING -1\n", b"PING 4294967296\n", b"hello\n", b"$HT,1\n", b"x" * 64 + b"\n",
    ):  # fmt: skip
        (raw,) = said(board, streamer, line)
        assert raw[0] == hbf1.EVENT and b"error=" in raw, (line, raw)
    assert said(board, streamer, b"\n \n\x03\r\n") == [] and imu.starts == [200]
    assert said(board, streamer, b"HELLO\n")[0][8:-2] == before


def check_stopping_is_silence_and_zero_turns_the_heading():
    board, imu, streamer = streaming()
    run(board, streamer, 50)
    said(board, streamer, b"STOP\n")
    board.sent = bytearray()
    run(board, streamer, 50)
    assert not board.sent
    said(board, streamer, b"START\n")
    imu.quat = (round(16384 * cos(0.5)), 0, 0, round(16384 * sin(0.5)))
    board.sent = bytearray()
    run(board, streamer, 20)
    assert raws_ref(board) == {0} and number(frames(board.sent)[0], 16, 2) == imu.quat[3]
    board.sent = bytearray()
    board.heard = b"ZERO\n"
    run(board, streamer, 20)
    motions = [raw for raw in frames(board.sent) if raw[0] == 1]
    assert raws_ref(board) == {1} and all(raw[10:18] == b"\0\x40\0\0\0\0\0\0" for raw in motions)


def check_what_was_saved_is_there_after_a_restart():
    path = f"checked-settings-{sys.implementation.name}.json"
    try:
        board, _, streamer = streaming(settings_path=path)
        said(board, streamer, b"RATE 100\nFIELDS 0D\nMODE TXT\n")
        assert b"saved" in said(board, streamer, b"SAVE\n")[0]
        board, imu, streamer = streaming(settings_path=path)
        run(board, streamer, 100)
        assert imu.starts == [100] and bytes(board.sent).count(b"$HT,") == 10 and bytes(board.sent).count(b",") == 130
        raw = Settings(path, StillImu(board, 12))
        assert (raw.rate_hz, raw.fields, raw.text) == (200, 12, False)  # another sensor cannot send this
        for damaged in ("", "{", "[1]", '{"rate": 0, "fields": 5, "text": false}', json.dumps({"rate": "x"})):
            with open(path, "w") as file:
                file.write(damaged)
            kept = Settings(path, imu)
            assert (kept.rate_hz, kept.fields, kept.text) == (200, 5, False)
    finally:
        os.remove(path)
    board, _, streamer = streaming(settings_path="no-such-folder/x.json")
    assert b"error=" in said(board, streamer, b"SAVE\n")[0]


def check_a_sensor_that_went_silent_is_told_and_started_again():
    board, imu, streamer = streaming()
    run(board, streamer, 100)
    imu.broken = True
    board.sent = bytearray()
    run(board, streamer, 2000)
    (raw,) = frames(board.sent)
    assert raw[0] == hbf1.EVENT and b"does not answer" in raw
    assert len(said(board, streamer, b"HELLO\n")) == 1
    imu.broken = False
    board.sent = bytearray()
    run(board, streamer, 1000)
    assert imu.starts == [200, 200] and len(frames(board.sent)) > 50


class QuietBus:
    """Registers that allocate nothing when read; the data-ready bits of both raw sensors are always on."""

    def __init__(self):
        self.registers = bytearray(128)
        self.registers[0x1A] = 1
        self.registers[0x1E] = 3
        pack_into("<12B", self.registers, 0x22, *range(12))

    def readfrom_mem_into(self, address, register, buf):
        for k in range(len(buf)):
            buf[k] = self.registers[register + k]

    def writeto_mem(self, address, register, buf):
        pass


class QuietBoard(FakeBoard):
    """Takes everything and keeps nothing."""

    def read_byte(self):
        return -1

    def write_some(self, buf, start, n_bytes):
        return n_bytes


class AlwaysUp:
    ready_ticks = 0

    def interrupt(self):
        return True


def check_frames_cost_no_memory():
    if not hasattr(gc, "mem_alloc"):
        return
    board = QuietBoard()
    edge = FakeEdge(AlwaysUp())
    for imu in (StillImu(board), Icm20948(QuietBus(), 0, edge, board), Lsm6dsox(QuietBus(), 0, edge, board)):
        streamer = Streamer(board, imu)
        streamer.turn()
        gc.collect()
        gc.disable()
        before = gc.mem_alloc()
        for _ in range(200):
            board.now += 5000
            streamer.turn()
        used = gc.mem_alloc() - before
        gc.enable()
        assert used == 0, (imu.name, used)
