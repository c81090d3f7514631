"""What OSC messages mean: a table from dialect and address to the head's quaternion in our frame.

The same address means different things to different programs, so a meaning is chosen by name and never
guessed. The default reads only addresses that are unambiguous among the programs it names.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import degrees

import numpy as np

from firmware_bridge import quaternion
from firmware_bridge.errors import BridgeError

Numbers = Sequence[float]
Convert = Callable[[Numbers], quaternion.Array]

MAX_ANGLE_DEG = 360.0
MAX_NORM_ERROR = 0.05


@dataclass(frozen=True, slots=True)
class Row:
    """One address of a dialect: how its numbers become a head.

    `component` names an address that carries one of several numbers (0, 1, 2), gathered by a
    `Sweep` (one that is never sent stays `at_rest`); otherwise the address carries all `n_numbers`.
    `n_leading` arguments before them are ignored.
    """

    convert: Convert
    n_numbers: int
    is_quaternion: bool
    component: int | None = None
    n_leading: int = 0
    angle_scale_deg: float = 1.0
    at_rest: float = 0.0


@dataclass(frozen=True, slots=True)
class Dialect:
    """A named set of addresses; `name` is what `--osc-dialect` takes."""

    name: str
    about: str
    rows: dict[str, Row]


def _angles(*order: str, scale_deg: float = 1.0, n_leading: int = 0) -> Row:
    """Row of angles in the order sent, such as ("+yaw", "-pitch", "+roll") in our signs."""
    return Row(_angle_converter(order), len(order), False, None, n_leading, scale_deg)


def _components(prefix: str, *order: str) -> dict[str, Row]:
    convert = _angle_converter(order)
    return {f"{prefix}/{name[1:]}": Row(convert, 3, False, index) for index, name in enumerate(order)}


def _angle_converter(order: Sequence[str]) -> Convert:
    def convert(numbers: Numbers) -> quaternion.Array:
        angles = {"yaw": 0.0, "pitch": 0.0, "roll": 0.0}
        for name, number in zip(order, numbers, strict=True):
            angles[name[1:]] = -number if name[0] == "-" else number
        return quaternion.from_yaw_pitch_roll_deg(angles["yaw"], angles["pitch"], angles["roll"])

    return convert


def _quat(convert: Callable[[float, float, float, float], tuple[float, float, float, float]]) -> Row:
    return Row(lambda numbers: np.array(convert(*numbers)), 4, True)


def _scene_euler(numbers: Numbers) -> quaternion.Array:
    """IEM's default sequence (roll, pitch, yaw): the numbers are Euler angles of the scene's rotation."""
    yaw, pitch, roll = numbers
    return quaternion.conjugate(quaternion.from_yaw_pitch_roll_deg(yaw, -pitch, roll))


def _turns_from_half(numbers: Numbers) -> quaternion.Array:
    yaw, pitch, roll = ((number - 0.5) * 360.0 for number in numbers)
    return quaternion.from_yaw_pitch_roll_deg(yaw, pitch, -roll)


_HEAD = _quat(lambda w, x, y, z: (w, x, y, z))
_SCENE = _quat(lambda w, x, y, z: (w, -x, -y, -z))
_RFU = _quat(lambda w, x, y, z: (w, y, -x, z))
_SPARTA_YPR = _angles("+yaw", "-pitch", "+roll")
_RIGHT_YPR = _angles("-yaw", "+pitch", "+roll")
_RADIANS = degrees(1.0)

DEFAULT = Dialect(
    "default",
    "/ypr and /yaw /pitch /roll as SPARTA AmbiBIN, /quaternion as ambix, /SceneRotator/quaternions as IEM",
    {
        "/ypr": _SPARTA_YPR,
        **_components("", "+yaw", "-pitch", "+roll"),
        "/quaternion": _HEAD,
        "/SceneRotator/quaternions": _SCENE,
    },
)

_OTHERS = [
    Dialect(
        "sparta",
        "SPARTA AmbiBIN, rotator, 6DoFconv: yaw left, pitch down, roll right; rotator's own /quaternion",
        {
            "/ypr": _SPARTA_YPR,
            **_components("", "+yaw", "-pitch", "+roll"),
            "/quaternion": _quat(lambda w, a, b, c: (w, -c, -b, -a)),
        },
    ),
    Dialect(
        "sparta-binauraliser",
        "/ypr yaw right, pitch up, roll left",
        {"/ypr": _angles("-yaw", "+pitch", "-roll")},
    ),
    Dialect(
        "ambix",
        "ambix_rotator: /quaternion, /rotation pitch yaw roll, /head_pose",
        {
            "/quaternion": _HEAD,
            "/rotation": _angles("+pitch", "-yaw", "+roll"),
            "/head_pose": _angles("+pitch", "-yaw", "+roll", n_leading=4),
        },
    ),
    Dialect(
        "iem",
        "IEM SceneRotator, default sequence: the scene's rotation",
        {
            "/SceneRotator/quaternions": _SCENE,
            "/SceneRotator/ypr": Row(_scene_euler, 3, False),
            **{
                f"/SceneRotator/{name}": Row(_scene_euler, 3, False, index)
                for index, name in enumerate(("yaw", "pitch", "roll"))
            },
        },
    ),
    Dialect(
        "iem-yaw-first",
        "IEM SceneRotator with the sequence yaw, pitch, roll",
        {"/SceneRotator/quaternions": _SCENE, "/SceneRotator/ypr": _angles("-yaw", "+pitch", "-roll")},
    ),
    Dialect(
        "headitude",
        "Headitude's default message: the head in /SceneRotator/ypr, pitch down",
        {"/SceneRotator/ypr": _SPARTA_YPR},
    ),
    Dialect(
        "adm-osc",
        "/adm/lis/ypr: yaw left, pitch up, roll right",
        {"/adm/lis/ypr": _angles("+yaw", "+pitch", "+roll")},
    ),
    Dialect("mach1", "/orientation: yaw right, pitch up, roll right", {"/orientation": _RIGHT_YPR}),
    Dialect(
        "commercial",
        "/ypr yaw right, pitch up, roll right (Dolby, Resolve, dearVR, SPAT and others)",
        {"/ypr": _RIGHT_YPR, "/room/1/ypr": _RIGHT_YPR},
    ),
    Dialect("virtuoso", "APL Virtuoso: /Virtuoso/quat", {"/Virtuoso/quat": _HEAD}),
    Dialect("nuendo", "Nuendo /head_pose", {"/head_pose": _angles("-pitch", "+yaw", "-roll", n_leading=4)}),
    Dialect("nvsonic", "nvsonic and opentrack /bridge/quat", {"/bridge/quat": _RFU}),
    Dialect(
        "unity",
        "nvsonic's Unity preset: /quaternions",
        {"/quaternions": _quat(lambda w, a, b, c: (w, -c, a, -b))},
    ),
    Dialect(
        "ambi-head-hd",
        "/yaw /pitch /roll as turns around 0.5",
        {
            f"/{name}": Row(_turns_from_half, 3, False, index, at_rest=0.5)
            for index, name in enumerate(("yaw", "pitch", "roll"))
        },
    ),
    Dialect(
        "3dti",
        "3D Tune-In Toolkit: pitch, roll, yaw right in radians",
        {"/3DTI-OSC/receiver/pry": _angles("+pitch", "+roll", "-yaw", scale_deg=_RADIANS)},
    ),
    Dialect("salte", "SALTE: roll, pitch, yaw right", {"/rendering/htrpy": _angles("+roll", "+pitch", "-yaw")}),
    Dialect(
        "berta",
        "BeRTA: /listener/orientation name, yaw right, pitch, roll in radians",
        {"/listener/orientation": _angles("-yaw", "+pitch", "+roll", scale_deg=_RADIANS, n_leading=1)},
    ),
    Dialect("retisar", "ReTiSAR: /tracker/azimuth", {"/tracker/azimuth": _angles("+yaw")}),
]

DIALECTS: dict[str, Dialect] = {dialect.name: dialect for dialect in (DEFAULT, *_OTHERS)}


def find_dialect(name: str | None) -> Dialect:
    """Return a dialect by name, the default for None; raises BridgeError that lists the names."""
    try:
        return DIALECTS[name or "default"]
    except KeyError:
        raise BridgeError(f"unknown OSC dialect {name!r}: allowed are {', '.join(DIALECTS)}.") from None


def objection(row: Row, numbers: Numbers) -> str:
    """Return why numbers cannot be what the row says (finite, a unit quaternion, angles within a turn), or ""."""
    values = np.asarray(numbers, np.float64)
    if not np.isfinite(values).all():
        return f"{values[~np.isfinite(values)][0]} is not a finite number"
    if row.is_quaternion:
        norm = float(np.linalg.norm(values))
        return "" if abs(norm - 1.0) < MAX_NORM_ERROR else f"the quaternion has length {norm:.3g}, it must be 1"
    widest = float(values[np.abs(values).argmax()])
    return "" if abs(widest) <= MAX_ANGLE_DEG else f"{widest:.6g}° is beyond ±{MAX_ANGLE_DEG:.0f}°"


def why_unknown(dialect: Dialect, address: str) -> str:
    """Return what to do about an address that a dialect does not read: another dialect, or another address."""
    names = [other.name for other in DIALECTS.values() if address in other.rows]
    if len(names) == 1:
        return f"{address} is understood by the dialect {names[0]}: choose it with --osc-dialect {names[0]}"
    if names:
        return f"{address} is understood by the dialects {', '.join(names)}: choose with --osc-dialect"
    known = ", ".join(dialect.rows)
    return f"{address[:60]!r} has no meaning in any dialect: dialect {dialect.name} reads {known}"
