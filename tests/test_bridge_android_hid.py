"""Android's head tracker protocol over HID: descriptors read, never assumed."""

import random
from math import pi

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.dialects.android_hid import (
    EXAMPLE_DESCRIPTOR,
    AndroidHidDecoder,
    AndroidHidDevice,
    find_head_tracker,
)
from firmware_bridge.dialects.hid_descriptor import MAX_VALUES, Kind, parse_descriptor
from firmware_bridge.dialects.turn_forms import (
    matrix_from_quat,
    quat_from_matrix,
    quat_from_rotation_vector,
    rotation_vector_from_quat,
)
from firmware_bridge.dialects.turns import angles_deg_from_quat, quat_from_angles_deg
from firmware_bridge.errors import BridgeError
from firmware_bridge.quaternion import from_rotation_vector, rotation_matrix
from firmware_bridge.virtual.device import DeviceState

P0 = quat_from_angles_deg(30.0, -10.0, 5.0)
REPORT = bytes.fromhex("01 22 F8 9B 01 F4 14 66 00 33 FF 00 06 07")

OTHER_DESCRIPTOR = bytes.fromhex(
    # A mouse in front of it, report 3.
    "05 01 09 02 A1 01 85 03 09 30 15 81 25 7F 75 08 95 01 81 06 C0"
    # Report 14: an 8-bit counter first, 8-bit rates, padding, then three 32-bit rotations, one field each.
    "05 20 09 E1 A1 01 85 0E"
    "0A 46 05 15 00 25 FF 75 08 95 01 81 02"
    "0A 45 05 15 81 25 7F 35 EC 45 14 55 00 75 08 95 03 81 02"
    "75 08 95 02 81 03"
    "17 01 00 00 80 27 FF FF FF 7F 37 D1 34 FB FF 47 2F CB 04 00 55 0B 75 20 95 01"
    "0A 44 05 81 02 0A 44 05 81 02 0A 44 05 81 02"
    # Report 9: interval first, then transport, reporting with its values the other way round, power.
    "85 09 0A 0E 03 15 00 26 E8 03 35 00 46 E8 03 55 0D 75 10 95 01 B1 02"
    "0A 10 F4 15 01 25 02 35 00 45 00 55 00 75 02 95 01 A1 02 0A 00 F8 0A 01 F8 B1 00 C0"
    "0A 16 03 15 00 25 01 75 01 A1 02 0A 41 08 0A 40 08 B1 00 C0"
    "0A 19 03 A1 02 0A 51 08 0A 55 08 B1 00 C0"
    "75 04 95 01 B1 03"
    "85 05 0A 08 03 15 00 26 FF 00 75 08 95 18 B1 03 C0"
)
NUMBERLESS_DESCRIPTOR = bytes.fromhex(
    "05 20 09 E1 A1 01 0A 44 05 16 01 80 26 FF 7F 36 47 F4 46 B9 0B 55 0D 75 10 95 03 81 02 C0"
)
DESCRIPTORS = {"example": EXAMPLE_DESCRIPTOR, "other": OTHER_DESCRIPTOR, "numberless": NUMBERLESS_DESCRIPTOR}


def vector_form(field):
    usages = [usage & 0xFFFF for usage in field.usages]
    if field.collection != field.application:
        usages.insert(0, field.collection & 0xFFFF)
    return (
        field.kind.value[0].upper(),
        field.report_id,
        usages,
        (field.bits, field.count, field.bit_offset),
        (field.logical_min, field.logical_max, field.physical_min, field.physical_max, field.exponent),
    )


def test_the_example_descriptor_reads_as_the_protocol_says():
    parsed = parse_descriptor(EXAMPLE_DESCRIPTOR)
    assert [vector_form(field) for field in parsed.fields] == [
        ("F", 2, [776], (8, 23, 0), (0, 255, 0, 0, 0)),
        ("F", 2, [770], (8, 16, 184), (0, 255, 0, 0, 0)),
        ("F", 1, [790, 2112, 2113], (1, 1, 0), (0, 1, 0, 0, 0)),
        ("F", 1, [793, 2133, 2129], (1, 1, 1), (0, 1, 0, 0, 0)),
        ("F", 1, [782], (6, 1, 2), (0, 63, 10, 100, -3)),
        ("I", 1, [1348], (16, 3, 0), (-32767, 32767, -314159264, 314159265, -8)),
        ("I", 1, [1349], (16, 3, 48), (-32767, 32767, -32, 32, 0)),
        ("I", 1, [1350], (8, 1, 96), (0, 255, 0, 0, 0)),
    ]
    assert parsed.payload_bytes == {(Kind.FEATURE, 2): 39, (Kind.FEATURE, 1): 1, (Kind.INPUT, 1): 13}
    assert len(EXAMPLE_DESCRIPTOR) == 170


def test_the_example_report_is_the_test_pose():
    (motion,) = AndroidHidDecoder().feed(REPORT)
    assert angles_deg_from_quat(motion.quat_wxyz) == pytest.approx((30.0, -10.0, 5.0), abs=0.01)
    # Told (0.0996, -0.2002, 1.5) along right, front, up.
    assert motion.gyro_rad_s == pytest.approx((-0.2002, -0.0996, 1.5), abs=1e-4)
    assert motion.reference == 7
    assert motion.device_time_s is None and motion.seq is None


def test_starting_changes_only_the_bits_concerned_in_androids_order():
    tracker = find_head_tracker(EXAMPLE_DESCRIPTOR)
    assert tracker.to_read() == (1,)
    assert tracker.start({1: b"\x01\x00"}, 0.02) == [b"\x01\x02", b"\x01\x03", b"\x01\x1f"]
    assert tracker.start({1: b"\x01\xfc"}, 0.5)[-1] == b"\x01\xff"
    assert tracker.start({}, 0.0)[-1] == b"\x01\x03"
    assert tracker.stop({1: b"\x01\x1f"}) == [b"\x01\x1e", b"\x01\x1c"]


def test_starting_follows_another_descriptor_as_well():
    tracker = find_head_tracker(OTHER_DESCRIPTOR)
    assert tracker.to_read() == (9,)
    # Interval 16 bits in ms; transport 2 bits, 1 for ACL; then reporting and power, 0 for on; 4 bits are kept.
    assert tracker.start({9: b"\x09\xff\xff\xff"}, 0.02) == [
        b"\x09\xff\xff\xfd",
        b"\x09\xff\xff\xf5",
        b"\x09\xff\xff\xf1",
        b"\x09\x14\x00\xf1",
    ]
    assert tracker.stop({9: b"\x09\x14\x00\xf1"}) == [b"\x09\x14\x00\xf5", b"\x09\x14\x00\xfd"]


@pytest.mark.parametrize("version", ["1.0", "2.0#1"])
@pytest.mark.parametrize(("descriptor", "report_id"), [(EXAMPLE_DESCRIPTOR, 2), (OTHER_DESCRIPTOR, 5)])
def test_the_description_tells_head_trackers_and_their_version(descriptor, report_id, version):
    device = AndroidHidDevice(descriptor, version=version)
    report = device._features[report_id]
    tracker = find_head_tracker(descriptor)
    n_told = tracker.properties[0x200308].count - len("#AndroidHeadTracker#")
    assert tracker.version(report) == version[:n_told]
    assert tracker.version(report.replace(b"Head", b"Hand")) is None
    assert tracker.version(b"") is None


def test_descriptors_without_a_head_tracker_are_refused_in_words():
    mouse = OTHER_DESCRIPTOR[:21]
    assert find_head_tracker(mouse) is None
    with pytest.raises(BridgeError, match=r"no head tracker in its report descriptor: .*\.$"):
        AndroidHidDecoder(mouse)


@pytest.mark.parametrize("name", DESCRIPTORS)
def test_what_the_virtual_device_sends_comes_back(name):
    device, decoder = AndroidHidDevice(DESCRIPTORS[name]), AndroidHidDecoder(DESCRIPTORS[name])
    random_ = random.Random(1)
    for n in range(200):
        quat = quat_from_angles_deg(random_.uniform(-180, 180), random_.uniform(-89, 89), random_.uniform(-180, 180))
        gyro = tuple(random_.uniform(-15.0, 15.0) for _ in range(3))
        device.counter = n % 256
        (motion,) = decoder.feed(device.encode(DeviceState(0.01 * n, n, quat, gyro)))
        assert abs(np.dot(motion.quat_wxyz, quat)) > 1.0 - 1e-6
        if name == "numberless":
            assert motion.gyro_rad_s is None and motion.reference is None
        else:
            assert motion.gyro_rad_s == pytest.approx(gyro, abs=0.08 if name == "other" else 0.001)
            assert motion.reference == n % 256
    assert decoder.counts.frames == 200 and decoder.counts.dropped == 0


def test_the_virtual_device_obeys_its_features():
    device = AndroidHidDevice(reporting=False)
    state = DeviceState(0.0, 0, P0)
    assert device.encode(state) == b""
    for report in device.tracker.start({1: device._features[1]}):
        device.answer(report, 0.0)
    assert len(device.encode(state)) == 14
    for report in device.tracker.stop({1: device._features[1]}):
        device.answer(report, 0.0)
    assert device.encode(state) == b""
    device.answer(bytes(40), 0.0)
    device.answer(b"", 0.0)
    assert device.tracker.version(device._features[2]) == "1.0"


def test_reports_that_cannot_be_true_are_counted_and_dropped():
    decoder = AndroidHidDecoder()
    assert decoder.feed(REPORT[:-1]) == decoder.feed(b"") == decoder.feed(b"\x07" + REPORT[1:]) == []
    assert decoder.counts.damaged == 3
    assert decoder.feed(b"\x01\x00\x80" + REPORT[3:]) == []
    assert decoder.feed(b"\x01" + b"\xff\x7f" * 3 + REPORT[7:]) == []
    assert decoder.counts.implausible == 2
    assert len(decoder.feed(REPORT * 3)) == 3


def test_reports_of_another_function_are_nobodys_fault():
    decoder = AndroidHidDecoder(OTHER_DESCRIPTOR)
    assert decoder.feed(b"\x03\x05") == []
    assert decoder.counts.dropped == 0


@given(st.one_of(st.binary(max_size=200), st.tuples(st.integers(0, 169), st.binary(max_size=4))))
def test_no_descriptor_makes_the_parser_raise(noise):
    if isinstance(noise, tuple):
        at, data = noise
        noise = EXAMPLE_DESCRIPTOR[:at] + data + EXAMPLE_DESCRIPTOR[at + len(data) :]
    tracker = find_head_tracker(noise)
    if tracker is not None:
        decoder = AndroidHidDecoder(noise)
        decoder.feed(bytes(k % 256 for k in range(decoder.frame_bytes)))
        tracker.start({})
        tracker.version(b"\x02" + b"#AndroidHeadTracker#1.0")


@given(st.tuples(*[st.floats(-1.8, 1.8)] * 3))
def test_rotation_vectors_and_matrices_say_what_their_numpy_twins_say(vector):
    quat = quat_from_rotation_vector(vector)
    assert quat == pytest.approx(from_rotation_vector(vector).tolist(), abs=1e-12)
    assert rotation_vector_from_quat(tuple(-part for part in quat)) == pytest.approx(vector, abs=1e-9)
    matrix = matrix_from_quat(quat)
    assert matrix == pytest.approx(rotation_matrix(quat).ravel().tolist(), abs=1e-12)
    assert abs(np.dot(quat_from_matrix(matrix), quat)) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("turn", [(pi, 0, 0), (0, pi, 0), (0, 0, pi), (0, 0, 0)])
def test_half_turns_have_matrices_too(turn):
    quat = quat_from_rotation_vector(turn)
    assert abs(np.dot(quat_from_matrix(matrix_from_quat(quat)), quat)) == pytest.approx(1.0, abs=1e-9)


def test_matrices_that_are_no_rotation_are_refused():
    mirrored = (1, 0, 0, 0, 1, 0, 0, 0, -1)
    for rows in (mirrored, (0,) * 9, (1.1, 0, 0, 0, 1, 0, 0, 0, 1), (1e200,) * 9, (float("nan"),) * 9):
        assert quat_from_matrix(rows) is None


def test_values_of_which_no_step_is_worth_anything_are_not_read():
    rotation_limits = bytes.fromhex("37 60 4F 46 ED 47 A1 B0 B9 12")
    rates_limits = bytes.fromhex("35 E0 45 20")
    interval_limits = bytes.fromhex("35 0A 45 64")
    flat_rotation = EXAMPLE_DESCRIPTOR.replace(rotation_limits, bytes.fromhex("37 A1 B0 B9 12 47 A1 B0 B9 12"))
    assert find_head_tracker(flat_rotation) is None
    flat_rates = find_head_tracker(EXAMPLE_DESCRIPTOR.replace(rates_limits, bytes.fromhex("35 20 45 20")))
    assert flat_rates.gyro == () and len(flat_rates.rotation) == 3
    flat_interval = find_head_tracker(EXAMPLE_DESCRIPTOR.replace(interval_limits, bytes.fromhex("35 0A 45 0A")))
    assert len(flat_interval.start({}, 0.01)) == 3


def test_a_descriptor_cannot_ask_for_more_values_than_any_device_has():
    # Page, application, 16 bits a value, 4096 values a field; then usage and field, as often as 4 kB hold.
    hostile = bytes.fromhex("05 20 09 E1 A1 01 15 00 25 7F 75 10 96 00 10") + bytes.fromhex("0A 44 05 81 02") * 800
    parsed = parse_descriptor(hostile)
    assert 0 < sum(field.count for field in parsed.fields) <= MAX_VALUES
    tracker = find_head_tracker(hostile)
    assert [field.bit_offset for field in tracker.rotation] == [0, 16, 32]
    no_tracker = hostile.replace(bytes.fromhex("0A 44 05"), bytes.fromhex("0A 47 05"))
    assert find_head_tracker(no_tracker) is None


def test_usages_are_told_once_for_all_values_or_one_for_each():
    head = bytes.fromhex("05 20 09 E1 A1 01 15 00 25 7F 75 08")
    each = head + bytes.fromhex("0A 45 05 0A 44 05 0A 44 05 0A 44 05 0A 46 05 95 05 81 02")
    tracker = find_head_tracker(each)
    assert [field.bit_offset for field in tracker.rotation] == [8, 16, 24]
    assert tracker.gyro == () and tracker.counter.bit_offset == 32
    last_for_the_rest = head + bytes.fromhex("0A 46 05 0A 44 05 95 05 81 02")
    assert [field.bit_offset for field in find_head_tracker(last_for_the_rest).rotation] == [8, 16, 24]
