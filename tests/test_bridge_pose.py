import dataclasses
import math

import pytest

from firmware_bridge.errors import BridgeError
from firmware_bridge.pose import PoseSample


def test_a_pose_is_normalised_and_tells_its_angles():
    pose = PoseSample(1.0, (1.9, 0.0, 0.0, 0.0))
    assert pose.quat_world_from_head == (1.0, 0.0, 0.0, 0.0)
    p0 = PoseSample(1.0, (0.962318, 0.019437, 0.095352, 0.253917))
    assert p0.yaw_pitch_roll_deg() == pytest.approx((30.0, -10.0, 5.0), abs=1e-3)


def test_a_pose_cannot_be_changed():
    pose = PoseSample(1.0, (1.0, 0.0, 0.0, 0.0))
    with pytest.raises(dataclasses.FrozenInstanceError):
        pose.time_s = 2.0


@pytest.mark.parametrize(
    "arguments",
    [
        (math.nan, (1, 0, 0, 0)),
        (0.0, (math.nan, 0, 0, 0)),
        (0.0, (math.inf, 0, 0, 0)),
        (0.0, (0, 0, 0, 0)),
        (0.0, (3, 0, 0, 0)),
        (0.0, (1, 0, 0, 0), (0, math.inf, 0)),
        (0.0, (1, 0, 0, 0), None, -1),
        (0.0, (1, 0, 0, 0), None, 2**53),
    ],
)
def test_a_pose_that_means_nothing_is_refused(arguments):
    with pytest.raises(BridgeError):
        PoseSample(*arguments)
