"""Virtual wearables: what they measure, what happens to it on the way, and where it can be heard."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cli_tools import PROGRAM, Beside, run
from hypothesis import given, settings
from hypothesis import strategies as st
from imu_tools import write_imu_recording
from pty_tools import heard_within
from udp_tools import free_port, listener

from firmware_bridge import quaternion
from firmware_bridge.dialect_names import dialect_named
from firmware_bridge.dialects.table import DIALECTS
from firmware_bridge.errors import BridgeError
from firmware_bridge.imu_recording import ImuRecording
from firmware_bridge.messages import Motion, Pong
from firmware_bridge.notices import Notices
from firmware_bridge.sources.open_source import serial_source, udp_source
from firmware_bridge.virtual.endpoint import EndpointClosedError, MidiEndpoint, PipeEndpoint, PtyEndpoint, UdpEndpoint
from firmware_bridge.virtual.faults import FaultyLine, LineFaults
from firmware_bridge.virtual.motions import make_motion
from firmware_bridge.virtual.playing import play
from firmware_bridge.virtual.simulated_head import SimulatedHead
from firmware_bridge.virtual.simulation import Measurements, PlayedDevice, PromptedDevice, SensorFaults

HBF1 = DIALECTS["hbf1"]


def played(dialect=HBF1, rate_hz=100.0, faults=None, seed=0):
    line = FaultyLine(faults or LineFaults(), seed)
    return PlayedDevice(dialect.make_device(), Measurements(make_motion("head:5"), rate_hz), line)


def frames(pieces):
    decoder = HBF1.make_decoder()
    return [one for piece in pieces for one in decoder.feed(piece) if isinstance(one, Motion)], decoder.counts


def test_a_perfect_line_changes_nothing_and_holds_nothing_back():
    line = FaultyLine(LineFaults())
    assert [line.carry(b"abc", k / 10) for k in range(3)] == [[(k / 10, b"abc")] for k in range(3)]


@given(
    st.lists(st.binary(max_size=40), max_size=60),
    st.floats(0, 1),
    st.floats(0, 1),
    st.floats(0, 0.1),
    st.floats(0, 0.1),
    st.booleans(),
)
@settings(max_examples=60)
def test_a_faulty_line_keeps_order_adds_nothing_and_is_late_as_told(
    data, drop, corrupt, latency_s, jitter_s, is_stream
):
    faults = LineFaults(drop, corrupt, latency_s, jitter_s)
    line, again = (FaultyLine(faults, 7, is_stream=is_stream) for _ in range(2))
    arrivals = [(k / 100, piece, line.carry(piece, k / 100)) for k, piece in enumerate(data)]
    assert [arrived for *_, arrived in arrivals] == [again.carry(piece, k / 100) for k, piece in enumerate(data)]
    times = [at_s for *_, arrived in arrivals for at_s, _ in arrived]
    assert times == sorted(times)
    for sent_s, piece, arrived in arrivals:
        for at_s, got in arrived:
            assert sent_s + latency_s <= at_s + 1e-12
            assert 0 < len(got) <= len(piece) if is_stream else len(got) == len(piece)


def test_a_corrupted_piece_has_one_bit_flipped():
    line = FaultyLine(LineFaults(corrupt=1.0), 3)
    flips = [int.from_bytes(line.carry(bytes(20), 0.0)[0][1], "big").bit_count() for _ in range(50)]
    assert flips == [1] * 50 and line.n_corrupted == 50


def test_so_many_pieces_are_lost_as_was_said():
    line = FaultyLine(LineFaults(drop=0.1), 3, is_stream=False)
    n_arrived = sum(len(line.carry(b"piece", k / 100)) for k in range(5000))
    assert line.n_dropped == 5000 - n_arrived
    # Five standard deviations.
    assert abs(line.n_dropped - 500) < 5 * np.sqrt(450)


def test_frames_that_lost_bytes_are_not_taken_for_others():
    device = played(faults=LineFaults(drop=0.2, corrupt=0.1), seed=4)
    pieces = [piece for second in range(11) for piece in device.due(float(second))]
    motions, counts = frames(pieces)
    truth = Measurements(make_motion("head:5"), 100.0)
    sent = {k: truth.state(k).quat_world_from_head for k in range(1001)}
    assert 600 < len(motions) < 850 and counts.damaged > 100
    for motion in motions:
        assert abs(np.dot(motion.quat_wxyz, sent[motion.seq])) > 1 - 1e-7


@pytest.mark.parametrize(
    ("faults", "words"),
    [
        ({"drop": 1.1}, "drop = 1.1: allowed is a share, 0 to 1."),
        ({"corrupt": float("nan")}, "corrupt = nan: allowed is a share, 0 to 1."),
        ({"latency_s": -0.001}, "latency = -1 ms: allowed are 0 ms and more."),
        ({"jitter_s": float("inf")}, "jitter = inf ms: allowed are 0 ms and more."),
    ],
)
def test_faults_that_cannot_be_are_refused(faults, words):
    with pytest.raises(BridgeError, match=words.replace(".", r"\.")):
        LineFaults(**faults)


def test_batches_give_what_single_questions_give():
    batched = Measurements(make_motion("head:2"), 200.0)
    head = SimulatedHead(2)
    for index in (0, 1, 2, 9, 10, 11, 500, 501, 4000):
        state = batched.state(index)
        truth = head.pose_at(index / 200.0)
        assert (state.seq, state.time_s) == (index, index / 200.0)
        assert state.quat_world_from_head == pytest.approx(truth.quat_world_from_head.tolist(), abs=1e-12)
        assert state.gyro_rad_s == pytest.approx(truth.gyro_rad_s.tolist(), abs=1e-12)


def test_the_heading_told_runs_away_as_fast_as_was_asked():
    measurements = Measurements(make_motion("still"), 10.0, SensorFaults(drift_deg_per_min=6.0))
    yaw_deg = quaternion.to_yaw_pitch_roll_deg(measurements.state(1200).quat_world_from_head)[0]
    assert yaw_deg == pytest.approx(12.0)


def test_noise_and_bias_are_those_of_the_sensor():
    measurements = Measurements(make_motion("still"), 200.0, SensorFaults(noise=1.0, gyro_bias_deg_s=2.0), seed=5)
    gyro_deg_s = np.degrees([measurements.state(k).gyro_rad_s for k in range(4000)])
    assert gyro_deg_s.mean(0) == pytest.approx([2.0] * 3, abs=0.01)
    # 0.008 °/s per root hertz over a bandwidth of half the rate.
    assert gyro_deg_s.std(0) == pytest.approx([0.08] * 3, rel=0.06)


def test_motions_are_as_their_words_say(tmp_path):
    assert make_motion("still").pose_at([0.0, 9.0]).gyro_rad_s.tolist() == [[0.0] * 3] * 2
    spinning = make_motion("spin:-90").pose_at(1.0)
    assert quaternion.to_yaw_pitch_roll_deg(spinning.quat_world_from_head)[0] == pytest.approx(-90.0)
    assert spinning.gyro_rad_s == pytest.approx([0.0, 0.0, -np.pi / 2])
    assert make_motion("head:4").pose_at(3.0).gyro_rad_s.tolist() == SimulatedHead(4).pose_at(3.0).gyro_rad_s.tolist()
    poses = tmp_path / "poses.csv"
    poses.write_text("time_s,w,x,y,z\n0,1,0,0,0\n2,0,0,0,1\n")
    turned = make_motion(f"csv:{poses}").pose_at(1.0)
    assert abs(quaternion.to_yaw_pitch_roll_deg(turned.quat_world_from_head)[0]) == pytest.approx(90.0, abs=1e-6)
    times = np.arange(50) / 50.0
    heads = SimulatedHead(1).pose_at(times)
    quats = np.where(times[:, None] < 0.1, np.nan, heads.quat_world_from_head)
    recording = ImuRecording("r", times, heads.gyro_rad_s, np.ones((50, 3)), None, quats, np.ones(50, bool))
    write_imu_recording(recording, tmp_path / "r.npz")
    # It begins with the first pose that is known.
    begun = make_motion(f"recording:{tmp_path / 'r.npz'}").pose_at(0.0)
    assert begun.quat_world_from_head == pytest.approx(heads.quat_world_from_head[5].tolist(), abs=1e-9)


@pytest.mark.parametrize("text", ["", "walk", "head:", "head:x", "spin", "spin:fast", "spin:1e9", "csv:", "still:1"])
def test_motions_of_other_words_are_refused(text):
    with pytest.raises(BridgeError):
        make_motion(text)


def test_a_device_measures_on_schedule_however_often_it_is_looked_at():
    often, once = played(), played()
    assert b"".join(piece for k in range(101) for piece in often.due(k / 100)) == b"".join(once.due(1.0))
    assert often.n_measured == 101 and once.next_s == pytest.approx(1.01)


def test_a_program_that_was_held_up_goes_on_with_the_present():
    device = played()
    device.due(1.0)
    motions, _ = frames(device.due(61.0))
    assert motions[0].seq == 6100 and device.n_skipped == 5999


def test_answers_come_over_the_same_line():
    device = played(faults=LineFaults(latency_s=0.02))
    device.due(0.5)
    device.hear(HBF1.make_ping(9), 0.5)
    early, late = (HBF1.make_decoder().feed(b"".join(device.due(at_s))) for at_s in (0.519, 0.521))
    assert not any(isinstance(one, Pong) for one in early) and any(isinstance(one, Pong) for one in late)


@pytest.mark.parametrize("name", DIALECTS)
def test_every_device_speaks_where_nobody_can_ask_it(name):
    dialect = dialect_named(name)
    device = PromptedDevice(dialect.make_device(), dialect.talk)
    pieces = PlayedDevice(device, Measurements(make_motion("head"), dialect.rate_hz), FaultyLine(LineFaults())).due(1.0)
    decoder = dialect.make_decoder()
    motions = [one for piece in pieces for one in decoder.feed(piece) if isinstance(one, Motion)]
    assert len(motions) > 0.2 * dialect.rate_hz and decoder.counts.damaged == 0


def test_a_terminal_that_nobody_reads_loses_bytes_and_never_waits(tmp_path):
    endpoint = PtyEndpoint(tmp_path / "port")
    for _ in range(2000):
        endpoint.send(bytes(100))
    assert 100_000 < endpoint.n_unread_bytes < 200_000
    assert endpoint.hear(0.0) == b""
    assert (tmp_path / "port").is_symlink()
    endpoint.close()
    assert not os.path.lexists(tmp_path / "port")


def test_a_name_without_a_folder_is_told_with_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    endpoint = PtyEndpoint(Path("port"))
    assert endpoint.place == str(tmp_path / "port")
    endpoint.close()


def test_a_name_that_is_a_file_is_never_overwritten(tmp_path):
    (tmp_path / "port").write_text("mine")
    with pytest.raises(BridgeError, match="is not overwritten"):
        PtyEndpoint(tmp_path / "port")
    with pytest.raises(BridgeError, match="cannot be made"):
        PtyEndpoint(tmp_path / "no" / "port")
    (tmp_path / "left").symlink_to("/dev/pts/4711")
    PtyEndpoint(tmp_path / "left").close()
    (tmp_path / "folder").symlink_to(tmp_path)
    with pytest.raises(BridgeError, match="no link to a terminal"):
        PtyEndpoint(tmp_path / "folder")
    assert (tmp_path / "folder").readlink() == tmp_path


def test_a_name_that_another_run_has_taken_over_is_left_to_it(tmp_path):
    first = PtyEndpoint(tmp_path / "port")
    second = PtyEndpoint(tmp_path / "port")
    first.close()
    assert (tmp_path / "port").is_symlink()
    second.close()
    assert not os.path.lexists(tmp_path / "port")


def test_without_pseudo_terminals_other_ways_are_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pty", None)
    with pytest.raises(BridgeError, match="no pseudo-terminals: use `--out udp:HOST:PORT` or `--out stdout`"):
        PtyEndpoint()


def test_a_pipe_that_nobody_reads_loses_bytes_and_one_that_is_closed_ends_it():
    reader, writer = os.pipe()
    endpoint = PipeEndpoint(writer)
    for _ in range(1000):
        endpoint.send(bytes(700))
    assert 500_000 < endpoint.n_unread_bytes < 700_000
    os.close(reader)
    with pytest.raises(EndpointClosedError):
        endpoint.send(b"x")
    assert play(played(), endpoint, 5.0) < 4.0
    os.close(writer)


def test_a_datagram_is_a_measurement_and_what_comes_back_is_the_hosts():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as host:
        host.bind(("127.0.0.1", 0))
        host.settimeout(5.0)
        endpoint = UdpEndpoint("127.0.0.1", host.getsockname()[1])
        endpoint.send(b"measured")
        data, device = host.recvfrom(100)
        host.sendto(b"asked", device)
        assert data == b"measured" and endpoint.hear(5.0) == b"asked" and endpoint.hear(0.0) == b""
        endpoint.close()
    with pytest.raises(BridgeError, match="is no address that can be found"):
        UdpEndpoint("no such host.invalid", 9)


class Ports:
    """A MIDI library with virtual ports."""

    def __init__(self, error=None):
        self.error, self.sent, self.callback, self.open = error, [], None, 0

    def parse_all(self, data):
        return [data[at : at + 3] for at in range(0, len(data), 3)]

    def open_output(self, name, virtual):
        if self.error:
            raise self.error
        self.open += 1
        return self

    def open_input(self, name, virtual, callback):
        self.open += 1
        self.callback = callback
        return self

    def send(self, message):
        self.sent.append(message)

    def close(self):
        self.open -= 1


class Bytes:
    def bytes(self):
        return [0xB0, 1, 2]


def test_a_virtual_midi_device_sends_whole_messages_and_hears_some():
    ports = Ports()
    endpoint = MidiEndpoint(ports, ports, "Head Tracker")
    endpoint.send(bytes.fromhex("B0307F B0107F"))
    assert ports.sent == [bytes.fromhex("B0307F"), bytes.fromhex("B0107F")]
    ports.callback(Bytes())
    assert endpoint.hear(1.0) == bytes((0xB0, 1, 2)) and endpoint.hear(0.0) == b""
    endpoint.close()
    assert ports.open == 0
    for error in (OSError("no sequencer"), NotImplementedError()):
        with pytest.raises(BridgeError, match="no virtual MIDI ports"):
            MidiEndpoint(ports, Ports(error), "Head Tracker")


def test_a_simulated_port_is_heard_out_pinged_and_goes_away_with_its_name(tmp_path):
    port = tmp_path / "port"
    with Beside(tmp_path, "simulate", "--dialect", "hbf1", "--link", port, "--noise", 1) as simulated:
        said = simulated.says("listen with")
        assert f"rt-render play --tracker {port}" in said.replace("\n", "")
        source = serial_source(str(port), Notices(lambda text: None))
        heard = heard_within(source, 50)
        assert source.dialect is HBF1
        source.say(HBF1.make_ping(3))
        heard += heard_within(source, 100)
        source.close()
        assert any(isinstance(one.message, Pong) and one.message.token == 3 for one in heard)
        seqs = [one.message.seq for one in heard if isinstance(one.message, Motion)]
        assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
        assert simulated.end() == 0
    assert not os.path.lexists(port) and "measurements in" in simulated.log.read_text()


def test_a_simulated_sender_of_datagrams_is_heard_and_answered(tmp_path):
    port = free_port()
    out = f"udp:127.0.0.1:{port}"
    with Beside(tmp_path, "simulate", "--dialect", "slimevr", "--out", out) as simulated:
        simulated.says(f"--tracker slimevr:{out}")
        source = udp_source(DIALECTS["slimevr"], Notices(lambda text: None), port=port)
        heard = heard_within(source, 60, 10.0)
        source.close()
    # It calls until it is answered, and only then sends rotations.
    assert sum(isinstance(one.message, Motion) for one in heard) > 30


def test_a_simulated_pipe_is_decoded_by_the_same_program():
    sent = run("simulate", "--dialect", "nvsonic", "--out", "stdout", "--rate", "100", "--seconds", "0.5")
    assert sent.returncode == 0 and b"measurements in 0.5 s." in sent.stderr
    decoded = run("decode", "--dialect", "nvsonic", stdin=sent.stdout)
    assert len(decoded.stdout.splitlines()) >= 45
    assert all("quat_wxyz" in json.loads(line) for line in decoded.stdout.splitlines())


def test_an_osc_program_is_simulated_at_its_own_port(call):
    with listener() as (host, port):
        out = f"udp:127.0.0.1:{port}"
        code, said, _ = call("simulate", "--dialect", "osc-sparta", "--out", out, "--seconds", 0.1, "--motion", "still")
        assert code == 0 and f"--tracker osc:{port} --osc-dialect sparta" in said
        assert host.recv(100) == bytes.fromhex("2F79707200000000 2C66666600000000") + bytes(12)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--dialect", "nope"], "unknown dialect 'nope'"),
        (["--dialect", "hbf1", "--out", "disk"], "--out 'disk' cannot be: allowed are pty, stdout, udp:HOST:PORT"),
        (["--dialect", "hbf1", "--out", "udp:127.0.0.1:0"], "UDP port '0': allowed is a whole number, 1 to 65535."),
        (["--dialect", "hbf1", "--out", "udp:host"], "UDP port 'host': allowed is a whole number"),
        (["--dialect", "hbf1", "--out", "stdout", "--link", "x"], "leave --link out."),
        (["--dialect", "hbf1", "--rate", "0"], "rate 0 Hz: allowed are more than 0 to 4000 Hz."),
        (["--dialect", "hbf1", "--noise", "-1"], "noise = -1: allowed are 0 (ideal), 1 (a typical sensor) to 1000."),
        (["--dialect", "hbf1", "--drop", "2"], "drop = 2: allowed is a share, 0 to 1."),
        (["--dialect", "hbf1", "--motion", "csv:no.csv"], "no.csv: No such file or directory"),
        (["--dialect", "hbf1", "--seed", "x"], "'--seed': a whole number is needed. See `firmware-bridge simulate"),
    ],
)
def test_what_cannot_be_simulated_is_told_in_one_sentence(call, arguments, sentence):
    code, _, err = call("simulate", *arguments)
    assert code == 2 and sentence in err and err.endswith(".\n") and err.count("\n") == 1


def test_a_simulation_ends_cleanly_when_its_reader_goes(tmp_path):
    reader, writer = os.pipe()
    with (tmp_path / "err").open("wb") as err:
        process = subprocess.Popen(
            [*PROGRAM, "simulate", "--dialect", "hbf1", "--out", "stdout"], stdout=writer, stderr=err
        )
    os.close(writer)
    assert os.read(reader, 10)
    os.close(reader)
    assert process.wait(20) == 0
    assert b"Traceback" not in (tmp_path / "err").read_bytes()
