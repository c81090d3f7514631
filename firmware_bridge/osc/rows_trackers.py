"""What programs that track heads, and phones, mean by the addresses they send to."""

from math import degrees

from firmware_bridge.dialect import Axes
from firmware_bridge.osc.dialect import OscDialect
from firmware_bridge.osc.row import components, row
from firmware_bridge.osc.rows_plugins import HEAD, PITCH_DOWN

_RAD = degrees(1.0)
_ALL = ("yaw", "pitch", "roll")

TRACKERS = (
    OscDialect(
        "headitude",
        "Headitude's default message and its quaternions: the head in /SceneRotator/ypr, pitch down",
        {
            "/SceneRotator/ypr": PITCH_DOWN,
            "/SceneRotator/quaternions": HEAD,
            "/quaternion": HEAD,
            "/ypr": PITCH_DOWN,
        },
        "the sender's source",
        3001,
    ),
    OscDialect(
        "nvsonic",
        "nvsonic's /bridge/quat, the device's own quaternion",
        {"/bridge/quat": row("w -y x z")},
        "the sender's source",
        53101,
        renderer=True,
    ),
    OscDialect(
        "opentrack-osc",
        "opentrack's output OSC: /bridge/quat, x right, y down, z front",
        {"/bridge/quat": row("w -y -z x")},
        "the sender's source; the sign of pitch is not settled",
        53101,
        uncertain=("pitch",),
    ),
    OscDialect(
        "unity",
        "nvsonic's Unity preset: /quaternions",
        {"/quaternions": row("w y -z -x")},
        "a list of others, signs not checked",
        renderer=True,
    ),
    OscDialect(
        "hedrot",
        "hedrot's receiver: /hedrot/quaternion, or /hedrot/yaw /hedrot/pitch /hedrot/roll",
        {
            "/hedrot/quaternion": HEAD,
            **components("/hedrot/yaw /hedrot/pitch /hedrot/roll", row("yaw pitch roll")),
        },
        "the addresses the sender's source, the signs not checked",
        1001,
        uncertain=_ALL,
        ignored=("/hedrot/*",),
    ),
    OscDialect(
        "sensors2osc",
        "Sensors2OSC on a phone: /rotationvector, /gamerotationvector",
        {
            "/rotationvector": row("x y z w _", n_optional=1),
            "/gamerotationvector": row("x y z w _", n_optional=1),
        },
        "Android's definition of its sensors",
        9000,
        axes=Axes.SENSOR,
    ),
    OscDialect(
        "sensors2osc-head-tracker",
        "Sensors2OSC /headtracker: headphones that the phone tracks, with rates",
        {"/headtracker": row("-ry rx rz -vy vx vz reference", n_optional=1)},
        "Android's definition of its sensors",
        9000,
    ),
    OscDialect(
        "sensors2osc-orientation",
        "Sensors2OSC /orientation: a phone that lies flat on the head, its top ahead",
        {"/orientation": row("-yaw+ -pitch -roll")},
        "no, signs and order from memory",
        9000,
        uncertain=("pitch", "roll"),
    ),
    OscDialect(
        "gyrosc",
        "GyrOSC on a phone: /gyrosc/quat w x y z, rates in /gyrosc/rrate",
        {"/gyrosc/quat": HEAD, "/gyrosc/rrate": row("vx vy vz")},
        "no, the order is disputed",
        9000,
        axes=Axes.SENSOR,
        uncertain=_ALL,
        ignored=("/gyrosc/*",),
    ),
    OscDialect(
        "gyrosc-angles",
        "GyrOSC /gyrosc/gyro pitch, roll, yaw: a phone that lies flat on the head, its top ahead",
        {"/gyrosc/gyro": row("pitch roll yaw", unit=_RAD)},
        "no, the order is disputed",
        9000,
        uncertain=_ALL,
        ignored=("/gyrosc/*",),
    ),
    OscDialect(
        "gyrosc-angles-roll-first",
        "GyrOSC /gyrosc/gyro roll, pitch, yaw: the other order",
        {"/gyrosc/gyro": row("roll pitch yaw", unit=_RAD)},
        "no, the order is disputed",
        9000,
        uncertain=_ALL,
        ignored=("/gyrosc/*",),
    ),
    OscDialect(
        "zigsim",
        "ZIG SIM on a phone: /ZIGSIM/NAME/quaternion x y z w",
        {"/ZIGSIM/phone/quaternion": row("x y z w"), "/ZIGSIM/*/quaternion": row("x y z w")},
        "no, the order is from memory",
        9000,
        axes=Axes.SENSOR,
        uncertain=_ALL,
        ignored=("/ZIGSIM/*/*",),
    ),
)
