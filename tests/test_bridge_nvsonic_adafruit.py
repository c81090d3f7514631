import numpy as np
import pytest

from firmware_bridge.dialects.adafruit import AdafruitDecoder, AdafruitDevice
from firmware_bridge.dialects.nvsonic import NvsonicDecoder, NvsonicDevice
from firmware_bridge.messages import Told
from firmware_bridge.quaternion import from_yaw_pitch_roll_deg, to_yaw_pitch_roll_deg
from firmware_bridge.virtual.device import DeviceState

P0_NVSONIC = b" 0.9623,-0.0954, 0.0194, 0.2539;"
P0_QUAT = (0.962318, 0.019437, 0.095352, 0.253917)
P0 = DeviceState(0.0, 0, P0_QUAT, gyro_rad_s=(0.1, -0.2, 1.5), accel_m_s2=(0.12, -0.05, 9.81))


def test_the_published_nvsonic_frame_is_p0():
    (motion,) = NvsonicDecoder().feed(P0_NVSONIC)
    np.testing.assert_allclose(to_yaw_pitch_roll_deg(motion.quat_wxyz), [30.0, -10.0, 5.0], rtol=0, atol=0.02)
    assert NvsonicDevice().encode(P0) == P0_NVSONIC


def test_nvsonic_frames_that_are_none_are_dropped_and_counted():
    decoder = NvsonicDecoder()
    assert decoder.feed(b"0.9,0.1;nan,0,0,0; 0.5000, 0.1000, 0.1000, 0.1000;" + b"9" * 100 + b";") == []
    assert decoder.counts.implausible == 1 and decoder.counts.damaged >= 3
    assert len(decoder.feed(P0_NVSONIC + P0_NVSONIC[10:] + P0_NVSONIC)) == 2


def test_noise_without_an_end_is_skipped_up_to_the_next_one():
    whole, pieces = NvsonicDecoder(), NvsonicDecoder()
    stream = b"x" * 1000 + P0_NVSONIC + P0_NVSONIC
    assert whole.feed(stream) == [m for byte in stream for m in pieces.feed(bytes([byte]))]
    assert whole.counts.frames == 1 and whole.n_explained < 100


def test_the_quaternion_line_is_the_sensors_own():
    (motion,) = AdafruitDecoder().feed(
        b"Orientation: 330.00, -10.00, 5.00\r\nQuaternion: 0.9623, 0.0194, 0.0954, 0.2539\r\n"
    )
    np.testing.assert_allclose(motion.quat_wxyz, P0_QUAT, rtol=0, atol=1e-4)


def test_orientation_lines_count_only_where_no_quaternion_comes():
    decoder = AdafruitDecoder()
    line = b"Orientation: 30.00, 10.00, 5.00\r\n"
    assert decoder.feed(line) == []
    motions = decoder.feed(line * 2)
    assert len(motions) == 2
    np.testing.assert_allclose(motions[0].quat_wxyz, from_yaw_pitch_roll_deg(30.0, -10.0, 5.0), rtol=0, atol=1e-9)
    quaternion_line = b"Quaternion: 1.0000, 0.0000, 0.0000, 0.0000\r\n"
    assert len(decoder.feed(quaternion_line + line + quaternion_line + line)) == 2


def test_unified_values_of_the_calibration_sketch_are_raw_motion():
    decoder = AdafruitDecoder()
    (motion,) = decoder.feed(AdafruitDevice(raw=True).encode(P0))
    assert motion.quat_wxyz is None
    np.testing.assert_allclose(motion.gyro_rad_s, P0.gyro_rad_s, rtol=0, atol=1e-4)
    np.testing.assert_allclose(motion.accel_m_s2, P0.accel_m_s2, rtol=0, atol=0.006)
    np.testing.assert_allclose(motion.mag_ut, P0.mag_ut, rtol=0, atol=0.006)


def test_calibration_is_told_and_talk_is_no_damage():
    decoder = AdafruitDecoder()
    messages = decoder.feed(b"Adafruit AHRS\r\nCalibration: 3, 3, 2, 0\r\nI2C took 3 ms\r\n")
    assert messages == [Told("event", {"sys": "3", "gyro": "3", "accel": "2", "mag": "0"})]
    assert decoder.counts.dropped == 0


@pytest.mark.parametrize(
    "line",
    [
        b"Quaternion: 0.9, 0.9, 0.9, 0.9",
        b"Quaternion: 0.9, 0.9, 0.9",
        b"Quaternion: nan, 0, 0, 0",
        b"Uni:0,0,0,0,0,0,20.1,3.0,40.0",
        b"Uni:900,0,0,0,0,0,20.1,3.0,40.0",
        b"Orientation: 30.00, 10.00, 5.00, 1.00",
        b"\xff\xfe\xfd",
    ],
)
def test_what_cannot_be_is_dropped_and_counted(line):
    decoder = AdafruitDecoder()
    assert decoder.feed(line + b"\r\n") == [] and decoder.counts.dropped == 1
