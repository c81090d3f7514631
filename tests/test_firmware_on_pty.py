"""This very firmware under MicroPython's unix port: over a pseudo-terminal, into the bridge, into the renderer."""

import math
import os
import time
from itertools import pairwise

import numpy as np
import pytest

pytest.importorskip("pty", reason="this system has no pseudo-terminals")
from engine_tools import make_engine, noise_field, run_blocks
from firmware_tools import Firmware, needs_micropython

from firmware_bridge.device_store import DeviceStore
from firmware_bridge.mailbox import PoseMailbox
from firmware_bridge.messages import Motion, Pong, Told
from firmware_bridge.opening import open_thread
from firmware_bridge.settings import make_settings

pytestmark = needs_micropython
SWING_RAD, SWING_HZ = 0.8, 0.5
TICKS_WRAP = 1 << 30


@pytest.fixture
def boot(tmp_path):
    started = []

    def boot(**clock):
        started.append(Firmware(tmp_path / "settings.json", **clock))
        return started[-1]

    yield boot
    for firmware in started:
        firmware.close()


def micros(motions):
    return [round(motion.device_time_s * 1e6) for motion in motions]


def yaw_of_quat(quat):
    w, x, y, z = quat
    return math.atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))


def yaw_of(motion):
    return yaw_of_quat(motion.quat_wxyz)


def seq_steps(motions):
    return {(b.seq - a.seq) % 65536 for a, b in pairwise(motions)}


def test_it_streams_200_hz_and_every_frame_is_valid(boot):
    firmware = boot()
    motions = firmware.motions(600)
    assert firmware.raw[0] == 0 and firmware.raw[1] != 0
    assert firmware.decoder.counts.dropped == 0 and len(firmware.raw) < 28 * (len(motions) + 2)
    assert [motion.seq for motion in motions] == list(range(len(motions)))
    assert set(np.diff(micros(motions))) == {5000} and micros(motions)[0] < 1_000_000
    for k, motion in enumerate(motions):
        phase = 2 * math.pi * SWING_HZ * 0.005 * k
        assert yaw_of(motion) == pytest.approx(SWING_RAD * math.sin(phase), abs=2e-4)
        assert motion.gyro_rad_s[2] == pytest.approx(SWING_RAD * 2 * math.pi * SWING_HZ * math.cos(phase), abs=1e-3)
    assert motions[0].battery == pytest.approx(12 / 14) and not any(motion.overrun for motion in motions)


def test_pings_are_answered_with_their_tokens_and_times(boot):
    firmware = boot()
    firmware.motions(20)
    before_s = 0.0
    for token in (0, 7, 2**31, 2**32 - 1):
        pong, _ = firmware.ask(b"PING %d\n" % token, Pong)
        assert pong.token == token and before_s < pong.device_received_s <= pong.device_sent_s
        assert pong.device_sent_s - pong.device_received_s < 0.1
        before_s = pong.device_sent_s
    assert micros(firmware.motions(2))[-1] * 1e-6 > before_s and firmware.decoder.counts.dropped == 0


def test_every_command_does_what_it_says(boot):
    firmware = boot()
    firmware.motions(5)
    info, _ = firmware.ask(b"HELLO\n")
    assert info.kind == "info"
    assert info.values.items() >= {"proto": "1", "rate": "200", "fields": "05", "ticks": "us32", "id": "unix"}.items()
    for rate_hz in (50, 400):
        assert firmware.ask(b"RATE %d\n" % rate_hz)[0].values["rate"] == str(rate_hz)
        firmware.motions(1)
        assert set(np.diff(micros(firmware.motions(20)))) == {1000000 // rate_hz}
    firmware.ask(b"FIELDS 0D\n")
    firmware.motions(1)
    assert firmware.motions(1)[0].accel_m_s2 == pytest.approx((0.0, 0.0, 9.80665))
    firmware.ask(b"MODE TXT\n")
    firmware.motions(5)
    n_raw = len(firmware.raw)
    assert seq_steps(firmware.motions(20)) == {1}
    assert 0 not in firmware.raw[n_raw:] and firmware.raw[n_raw:].count(b"$HT,") >= 20
    firmware.ask(b"MODE BIN\n")
    firmware.ask(b"STOP\n")
    firmware.read()
    time.sleep(0.1)
    assert firmware.read() == []
    firmware.ask(b"START\n")
    assert seq_steps(firmware.motions(20)) == {1}
    assert firmware.decoder.counts.dropped == 0


def test_zero_takes_the_heading_for_ahead_and_counts_its_reference(boot):
    firmware = boot()
    before = firmware.motions(80)[-1]
    assert before.reference == 0
    answer, motions = firmware.ask(b"ZERO\n")
    assert answer == Told("event", {"text": "zero"})
    motions += firmware.motions(3)
    assert yaw_of(motions[0]) == pytest.approx(0.0, abs=2e-4) and {motion.reference for motion in motions} == {1}
    phase = 2 * math.pi * SWING_HZ * 0.005
    zeroed = SWING_RAD * math.sin(phase * motions[0].seq)
    assert abs(zeroed) > 0.1
    for motion in motions:
        assert yaw_of(motion) == pytest.approx(SWING_RAD * math.sin(phase * motion.seq) - zeroed, abs=4e-4)


def test_nonsense_and_interrupts_change_nothing(boot):
    firmware = boot()
    n = len(firmware.motions(20))
    for noise in (b"\x03\x03\x04\x11\x13\x00\xff", b"NONSENSE 1 2 3\n", b"x" * 5000 + b"\n", os.urandom(300), b"\n"):
        firmware.write(noise)
    firmware.write(b"\nPI\x03NG 5\n")
    messages = firmware.read_until(lambda ms: any(isinstance(m, Pong) for m in ms))
    motions = [m for m in messages if isinstance(m, Motion)] + firmware.motions(20)
    assert motions[0].seq == n and seq_steps(motions) == {1} and {motion.reference for motion in motions} == {0}
    assert set(np.diff(micros(motions))) == {5000} and firmware.decoder.counts.dropped == 0


def test_what_was_saved_outlives_a_reboot(boot):
    firmware = boot()
    firmware.motions(60)
    assert firmware.ask(b"RATE 100\nFIELDS 01\nZERO\nSAVE\n")[0].kind == "info"
    firmware.motions(20)
    firmware.write(b"REBOOT\n")
    messages = firmware.read_until(lambda ms: any(isinstance(m, Motion) and m.seq == 0 for m in ms))
    first = next(m for m in messages if isinstance(m, Motion) and m.seq == 0)
    motions = firmware.motions(20)
    assert first.reference == 0 and first.gyro_rad_s is None and first.device_time_s < 1.0
    assert set(np.diff(micros(motions))) == {10000} and firmware.decoder.counts.dropped == 0


@pytest.mark.parametrize("clock_high", [0, 0xFFFF], ids=["only the counter wraps", "the clock wraps too"])
def test_the_clock_runs_through_its_wraps(boot, clock_high):
    first_ticks = TICKS_WRAP - 30_000  # 30 ms before the counter of the port wraps; 65.5 ms later the clock does
    firmware = boot(first_ticks=first_ticks, clock_high=clock_high)
    motions = firmware.motions(60)
    steps = np.diff(micros(motions))
    n_wraps = np.count_nonzero(steps < 0)
    assert n_wraps == (1 if clock_high else 0)
    assert set(steps % 2**32) == {5000} and firmware.decoder.counts.dropped == 0


def test_a_full_output_costs_samples_and_no_frame(boot):
    firmware = boot()
    firmware.motions(100)
    # At 1000 Hz a pseudo-terminal's few kilobytes and the firmware's own buffer are full after a second.
    firmware.ask(b"RATE 1000\n")
    time.sleep(1.5)
    motions = firmware.motions(1200)
    seqs = [motion.seq for motion in motions]
    assert firmware.decoder.counts.damaged == firmware.decoder.counts.implausible == 0
    gaps = [(a, b) for a, b in pairwise(motions) if b.seq != a.seq + 1]
    n_lost = sum(b.seq - a.seq - 1 for a, b in gaps)
    assert n_lost > 100 and firmware.decoder.counts.lost == n_lost
    assert all(b.overrun for _, b in gaps) and sum(motion.overrun for motion in motions) == len(gaps)
    # Every sample has its number and its time, sent or not.
    assert set(np.diff(micros(motions)) // np.diff(seqs)) == {1000}
    assert int(firmware.ask(b"HELLO\n")[0].values["dropped"]) >= n_lost


def test_from_the_firmware_through_the_bridge_to_the_renderer(boot, tmp_path):
    texts, mailbox = [], PoseMailbox.private()
    engine = make_engine(1, 64)
    engine.follow_mailbox(mailbox)
    engine.ring.write(noise_field(60000, 1))
    # The first block may be compiled, for seconds in which nobody would read.
    run_blocks(engine, 1)
    firmware = boot()
    settings = make_settings(tracker=f"hbf1:{firmware.path}")
    rows, end_s = [], time.monotonic() + 15.0
    bridge = open_thread(settings, mailbox, on_message=texts.append, store=DeviceStore(tmp_path))
    try:
        while len(rows) < 300:
            assert time.monotonic() < end_s, texts
            pose = mailbox.read()
            if pose is not None and (not rows or pose.seq != rows[-1][0].seq):
                run_blocks(engine, 1)
                rows.append((pose, mailbox.read(), engine.snapshot().quat_world_from_head))
            time.sleep(0.001)
        status = bridge.status()
    finally:
        bridge.stop()
    assert status.connected and status.dropped == 0, (status, texts)
    # The head swings by 0.8 rad to either side in two seconds; the bridge takes its first heading for ahead.
    times = np.array([pose.time_s for pose, _, _ in rows])
    yaws = np.array([yaw_of_quat(pose.quat_world_from_head) for pose, _, _ in rows])
    phases = 2 * np.pi * SWING_HZ * times
    course = np.stack([np.ones_like(phases), np.sin(phases), np.cos(phases)], axis=1)
    (_, a, b), *_ = np.linalg.lstsq(course, yaws, rcond=None)
    assert math.hypot(a, b) == pytest.approx(SWING_RAD, abs=0.02) and np.all(np.diff(times) > 0)
    assert np.ptp(yaws) > 0.8
    for before, after, quat in rows:
        # The engine followed the pose of its block, which was before or after this look at the mailbox.
        ends = [yaw_of_quat(before.quat_world_from_head), yaw_of_quat(after.quat_world_from_head)]
        assert min(ends) - 0.02 <= yaw_of_quat(quat) <= max(ends) + 0.02
