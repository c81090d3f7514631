"""Head trackers over OSC: what is heard from whom, whom is believed, and what is said of the rest."""

import random
import shutil
import socket
import subprocess
import time
from contextlib import ExitStack, closing

import pytest
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.udp_client import SimpleUDPClient
from udp_tools import HOST, SaysTooLong, free_port

from firmware_bridge.dialect import Transport
from firmware_bridge.errors import BridgeError
from firmware_bridge.messages import Told
from firmware_bridge.notices import QUIET_S, Notices
from firmware_bridge.one_sender import RELEASE_S
from firmware_bridge.osc.source import OscSource
from firmware_bridge.pose import PoseSample


@pytest.fixture
def heard():
    return []


@pytest.fixture
def source(heard):
    source = OscSource(HOST, free_port(), None, Notices(heard.append))
    source.poll(0.0)
    yield source
    source.close()


def port_of(source):
    return int(source.name.rpartition(":")[2])


@pytest.fixture
def new_client():
    with ExitStack() as stack:
        yield lambda port: stack.enter_context(closing(SimpleUDPClient(HOST, port)))


def test_a_packet_that_is_too_long_for_windows_is_one_packet_less(source, new_client, heard):
    source._socket = SaysTooLong(source._socket)
    client = new_client(port_of(source))
    client.send_message("/ypr", "x" * 9000)
    client.send_message("/ypr", [30.0, 0.0, 0.0])
    (pose,) = poses_within(source, 1)
    assert pose.yaw_pitch_roll_deg()[0] == pytest.approx(30.0, abs=1e-4)
    assert source.health().dropped == 1 and not any("too long" in text for text in heard)


def poses_of(heard):
    return [PoseSample(one.arrival_s, one.message.quat_wxyz) for one in heard]


def poses_within(source, n_poses, seconds=3.0):
    poses, end = [], time.monotonic() + seconds
    while len(poses) < n_poses and time.monotonic() < end:
        poses += poses_of(source.poll(0.05))
    return poses


def test_a_python_osc_client_is_heard_and_repeated_in_words(source, heard, new_client):
    client = new_client(port_of(source))
    client.send_message("/ypr", [30.0, 10.0, 5.0])
    (pose,) = poses_within(source, 1)
    assert pose.yaw_pitch_roll_deg() == pytest.approx((30.0, -10.0, 5.0))
    assert 0.0 <= time.monotonic() - pose.time_s < 5.0
    assert "says: you look 30° to the left, 10° down, your head leans 5° to the right" in heard[-1]
    assert source.health().connected and source.health().sender in heard[-1]


@pytest.mark.skipif(shutil.which("oscsend") is None, reason="oscsend (liblo-tools) is not installed")
def test_liblos_oscsend_is_heard(source):
    command = ["oscsend", HOST, str(port_of(source)), "/SceneRotator/quaternions", "ffff"]
    subprocess.run([*command, "0.962318", "-0.019437", "-0.095352", "-0.253917"], check=True)
    (pose,) = poses_within(source, 1)
    assert pose.yaw_pitch_roll_deg() == pytest.approx((30.0, -10.0, 5.0), abs=1e-3)


@pytest.mark.skipif(shutil.which("oscsend") is None, reason="oscsend (liblo-tools) is not installed")
def test_single_angles_of_oscsend_turn_the_head_each_at_once(source, heard):
    # Each call is a port of its own, a few milliseconds after the last.
    for address, angle in [("/yaw", "60"), ("/pitch", "10"), ("/roll", "5")]:
        subprocess.run(["oscsend", HOST, str(port_of(source)), address, "f", angle], check=True)
        source.poll(0.0)
    poses = poses_within(source, 1, 0.3) or poses_within(source, 1, 0.3)
    subprocess.run(["oscsend", HOST, str(port_of(source)), "/yaw", "f", "-20"], check=True)
    (last,) = poses_within(source, 1)
    assert last.yaw_pitch_roll_deg() == pytest.approx((-20.0, -10.0, 5.0), abs=1e-3)
    assert source.health().dropped == 0 and len(poses) <= 3


def test_a_single_yaw_turns_the_head_left(source, heard, new_client):
    before_s = time.monotonic()
    new_client(port_of(source)).send_message("/yaw", 60.0)
    (pose,) = poses_within(source, 1)
    assert pose.yaw_pitch_roll_deg() == pytest.approx((60.0, 0.0, 0.0))
    assert before_s <= pose.time_s and source.poll(0.03) == []
    assert heard[-1].endswith("says: you look 60° to the left")


def test_angles_that_wait_to_be_read_are_one_pose_however_late(source, new_client):
    client = new_client(port_of(source))
    client.send_message("/yaw", 1.0)
    assert source.poll(0.05) == []
    client.send_message("/pitch", 2.0)
    client.send_message("/roll", 3.0)
    time.sleep(0.05)
    (pose,) = poses_within(source, 1)
    assert pose.yaw_pitch_roll_deg() == pytest.approx((1.0, -2.0, 3.0))


def test_only_the_first_sender_is_trusted(source, heard, new_client):
    first, second = (new_client(port_of(source)) for _ in range(2))
    first.send_message("/ypr", [10.0, 0.0, 0.0])
    first.send_message("/ypr", [10.0, 0.0, 0.0])
    assert len(poses_within(source, 2)) == 2
    for _ in range(20):
        second.send_message("/ypr", [-90.0, 0.0, 0.0])
    first.send_message("/ypr", [20.0, 0.0, 0.0])
    (pose,) = poses_within(source, 1)
    assert pose.yaw_pitch_roll_deg()[0] == pytest.approx(20.0)
    assert source.health().dropped == 20
    (told,) = [text for text in heard if "also sends" in text]
    assert told.endswith("ignored until that one is silent for 0.25 s")


def test_every_call_of_a_one_shot_sender_is_heard(source, heard, new_client):
    for k in range(5):
        new_client(port_of(source)).send_message("/ypr", [float(k), 0.0, 0.0])
        (pose,) = poses_within(source, 1)
        assert pose.yaw_pitch_roll_deg()[0] == pytest.approx(k)
    assert source.health().dropped == 0 and not any("also sends" in text for text in heard)


def test_what_could_not_be_used_is_told_with_its_reason_the_rest_when_the_quiet_is_over(
    source, heard, new_client, monkeypatch
):
    client = new_client(port_of(source))
    client.send_message("/ypr", [30.0, 10.0])
    source.poll(1.0)
    assert "1 message could not be used, from 127.0.0.1:" in heard[-1]
    assert heard[-1].endswith("/ypr wants 3 numbers, got 2")
    for address, angle in [("/nothing", 1.0), ("/yaw", 30000.0)]:
        client.send_message(address, angle)
        source.poll(1.0)
    n_heard, now = len(heard), time.monotonic
    source.poll(0.0)
    assert len(heard) == n_heard
    monkeypatch.setattr(source._notices, "_clock", lambda: now() + QUIET_S)
    source.poll(0.0)
    assert "3 messages could not be used, the last from 127.0.0.1:" in heard[-1]
    assert heard[-1].endswith("/yaw: 30000° is beyond ±360° (1 more since the last such message)")


def test_a_silent_sender_makes_room_for_another(source, heard, new_client, monkeypatch):
    first, second = (new_client(port_of(source)) for _ in range(2))
    first.send_message("/ypr", [10.0, 0.0, 0.0])
    assert len(poses_within(source, 1)) == 1
    now = time.monotonic
    monkeypatch.setattr("firmware_bridge.osc.source.time.monotonic", lambda: now() + RELEASE_S + 0.1)
    second.send_message("/ypr", [20.0, 0.0, 0.0])
    poses = []
    for _ in range(20):
        poses += poses_of(source.poll(0.05))
    (pose,) = poses
    assert pose.yaw_pitch_roll_deg()[0] == pytest.approx(20.0)
    assert any("silent" in text for text in heard)


def requests_in(heard):
    return [one.message for one in heard if isinstance(one.message, Told)]


def asked(source, seconds=0.3):
    end, told = time.monotonic() + seconds, []
    while not told and time.monotonic() < end:
        told += requests_in(source.poll(0.02))
    return told


@pytest.mark.parametrize(
    ("address", "arguments", "is_asked"),
    [
        ("/recentre", [], True),
        ("/rt-render/recentre", [], True),
        ("/recentre", [1.0], True),
        ("/recentre", [True], True),
        ("/recentre", [0.0], False),
        ("/recentre", [False], False),
    ],
)
def test_a_button_asks_for_recentring_when_it_is_pressed(source, new_client, address, arguments, is_asked):
    new_client(port_of(source)).send_message(address, arguments)
    assert asked(source) == ([Told("recentre")] if is_asked else [])
    assert source.health().sender == "" and source.health().dropped == 0


def test_another_program_of_this_machine_may_ask_and_the_tracker_stays_believed(source, heard, new_client):
    tracker = new_client(port_of(source))
    for _ in range(3):
        tracker.send_message("/ypr", [10.0, 0.0, 0.0])
    assert len(poses_within(source, 3)) == 3
    sender = source.health().sender
    new_client(port_of(source)).send_message("/recentre", [])
    assert asked(source) and source.health().sender == sender and source.health().dropped == 0
    assert not any("also sends" in text for text in heard)


def test_other_machines_may_ask_only_when_their_poses_are_believed(source):
    request, pose = b"/recentre\0\0\0", packet("/ypr", [10.0, 0.0, 0.0])
    assert source._accept(request, ("10.0.0.7", 5), 1.0) == []
    assert source.health().dropped == 1
    assert len(source._accept(pose, ("10.0.0.7", 5), 2.0)) == 1 and source.device_id == "10.0.0.7"
    assert requests_in(source._accept(request, ("10.0.0.7", 6), 3.0)) == [Told("recentre")]
    assert source._accept(request, ("10.0.0.8", 6), 4.0) == []


def test_a_thousand_requests_at_once_are_one(source):
    told = [one for k in range(1000) for one in source._accept(b"/recentre\0\0\0", ("127.0.0.1", 5), 1.0 + 1e-4 * k)]
    assert len(told) == 1


def test_a_request_beside_a_pose_comes_after_it(source):
    bundle = OscBundleBuilder(IMMEDIATELY)
    for address, arguments in [("/recentre", []), ("/ypr", [10.0, 0.0, 0.0])]:
        bundle.add_content(message(address, arguments))
    pose, request = source._accept(bundle.build().dgram, ("127.0.0.1", 5), 1.0)
    assert pose.message.quat_wxyz is not None and request.message == Told("recentre")


def message(address, arguments):
    builder = OscMessageBuilder(address)
    for argument in arguments:
        builder.add_arg(argument)
    return builder.build()


def packet(address, arguments):
    return message(address, arguments).dgram


def test_the_source_says_which_kind_of_device_it_hears(source, new_client):
    assert source.dialect.name == "osc-default" and source.dialect.transport is Transport.OSC
    assert source.device_id == "" and source.say(b"hello") is False
    new_client(port_of(source)).send_message("/ypr", [1.0, 0.0, 0.0])
    poses_within(source, 1)
    assert source.device_id == HOST


def test_hostile_packets_give_no_pose_and_few_words(source, heard):
    chance = random.Random(1)
    accept, n_packets = source._accept, 20_000
    shapes = [b"", b"/ypr\0\0\0\0,fff\0\0\0\0", b"#bundle\0\0\0\0\0\0\0\0\1", b"/quaternion\0,ffff\0\0\0"]
    n_poses = 0
    for k in range(n_packets):
        junk = chance.choice(shapes) + chance.randbytes(chance.choice([0, 4, 12, 16, 100, 5000]))
        n_poses += len(accept(junk, ("10.0.0.1", k % 9), 0.0))
    # Random floats that happen to be small angles are poses to anybody; most have absurd exponents.
    assert n_poses < n_packets * 0.05
    assert source.health().dropped + n_poses >= n_packets * 0.7
    assert len(heard) < 8


def test_garbage_does_not_win_the_trust(source, new_client):
    client = new_client(port_of(source))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as vandal:
        vandal.sendto(b"garbage", (HOST, port_of(source)))
        vandal.sendto(bytes(9000), (HOST, port_of(source)))
    client.send_message("/ypr", [15.0, 0.0, 0.0])
    (pose,) = poses_within(source, 1)
    assert pose.yaw_pitch_roll_deg()[0] == pytest.approx(15.0)


def test_a_port_in_use_is_said_and_taken_when_it_is_free(heard, new_client):
    port = free_port()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as squatter:
        squatter.bind((HOST, port))
        source = OscSource(HOST, port, None, Notices(heard.append))
        assert source.poll(0.01) == []
        assert f"port {port}" in heard[0] and "in use" in heard[0] and "every second" in heard[0]
    end = time.monotonic() + 5.0
    while not any("listening" in text for text in heard) and time.monotonic() < end:
        source.poll(0.05)
    new_client(port).send_message("/ypr", [15.0, 0.0, 0.0])
    assert len(poses_within(source, 1)) == 1
    source.close()


@pytest.mark.parametrize("port", [0, 65536])
def test_a_port_that_cannot_be_is_refused(port):
    with pytest.raises(BridgeError, match="1 to 65535"):
        OscSource(HOST, port, None, Notices(print))
