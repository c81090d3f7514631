"""What ambisonic plug-ins and research renderers mean by their addresses, to read and to send."""

from math import degrees

from firmware_bridge.osc.dialect import OscDialect
from firmware_bridge.osc.row import components, row

HEAD = row("w x y z")
SCENE = row("w x y z", of_scene=True)
PITCH_DOWN = row("yaw -pitch roll")
RIGHT_UP = row("-yaw pitch roll")
SCENE_ANGLES = row("yaw -pitch roll", of_scene=True)
"""IEM's default sequence (roll, pitch, yaw): its numbers are angles of the scene's turn."""
SWAPPED = row("w -z -y -x")
"""SPARTA's rotator has the first and the last vector part of a quaternion the other way round."""

_YPR = "/yaw /pitch /roll"
_SCENE_PARTS = "/SceneRotator/qw /SceneRotator/qx /SceneRotator/qy /SceneRotator/qz"
_SCENE_ANGLES = "/SceneRotator/yaw /SceneRotator/pitch /SceneRotator/roll"
_SCENE_SWITCHES = {
    "/SceneRotator/invertYaw": frozenset({"yaw"}),
    "/SceneRotator/invertPitch": frozenset({"pitch"}),
    "/SceneRotator/invertRoll": frozenset({"roll"}),
    "/SceneRotator/invertQuaternion": frozenset({"x", "y", "z"}),
}
_MODEL = "the published matrices of the program"
_SOURCE = "the program's source"
_LIST = "a list of others, signs not checked"

DEFAULT = OscDialect(
    "default",
    "/ypr and /yaw /pitch /roll as SPARTA AmbiBIN, /quaternion as ambix, /SceneRotator/quaternions as IEM",
    {
        "/ypr": PITCH_DOWN,
        **components(_YPR, PITCH_DOWN),
        "/quaternion": HEAD,
        "/SceneRotator/quaternions": SCENE,
    },
    _MODEL,
    port=9000,
)

PLUGINS = (
    OscDialect(
        "sparta",
        "SPARTA AmbiBIN, rotator, 6DoFconv: yaw left, pitch down, roll right; rotator's own /quaternion",
        {
            "/ypr": PITCH_DOWN,
            **components(_YPR, PITCH_DOWN),
            "/quaternion": SWAPPED,
            **components("/qw /qx /qy /qz", SWAPPED),
            "/xyzypr": row("yaw -pitch roll", leading=(0.0, 0.0, 0.0)),
        },
        _MODEL,
        port=9000,
        renderer=True,
    ),
    OscDialect(
        "sparta-quaternion", "SPARTA rotator's /quaternion only", {"/quaternion": SWAPPED}, _MODEL, 9000, renderer=True
    ),
    OscDialect(
        "sparta-binauraliser",
        "SPARTA binauraliser: /ypr yaw right, pitch up, roll left; exact about one axis at a time",
        {"/ypr": row("-yaw pitch -roll")},
        f"{_SOURCE}; not by ear",
        9000,
        renderer=True,
    ),
    OscDialect(
        "ambix",
        "ambix_rotator: /quaternion, /rotation pitch yaw roll, /head_pose",
        {
            "/quaternion": HEAD,
            "/rotation": row("pitch -yaw roll"),
            "/head_pose": row("pitch -yaw roll", leading=(0.0, 0.0, 0.0, 0.0)),
        },
        _MODEL,
        7120,
        renderer=True,
    ),
    OscDialect(
        "ambix-rotation",
        "ambix_rotator's /rotation only",
        {"/rotation": row("pitch -yaw roll")},
        _MODEL,
        7120,
        renderer=True,
    ),
    OscDialect(
        "ambix-head-pose",
        "ambix_rotator's /head_pose only",
        {"/head_pose": row("pitch -yaw roll", leading=(0.0, 0.0, 0.0, 0.0))},
        _MODEL,
        7120,
        renderer=True,
    ),
    OscDialect(
        "iem",
        "IEM SceneRotator, default sequence: the scene's rotation; its quaternion is sent",
        {
            "/SceneRotator/quaternions": SCENE,
            **components(_SCENE_PARTS, SCENE),
            "/SceneRotator/ypr": SCENE_ANGLES,
            **components(_SCENE_ANGLES, SCENE_ANGLES),
        },
        _MODEL,
        7000,
        renderer=True,
        switches=_SCENE_SWITCHES,
        ignored=("/SceneRotator/*",),
    ),
    OscDialect(
        "iem-yaw-first",
        "IEM SceneRotator's /ypr with the sequence yaw, pitch, roll",
        {
            "/SceneRotator/ypr": row("-yaw pitch -roll"),
            **components(_SCENE_ANGLES, row("-yaw pitch -roll")),
            "/SceneRotator/quaternions": SCENE,
            **components(_SCENE_PARTS, SCENE),
        },
        _MODEL,
        7000,
        renderer=True,
        switches=_SCENE_SWITCHES,
        ignored=("/SceneRotator/*",),
    ),
    OscDialect(
        "iem-roll-first",
        "IEM SceneRotator's /ypr with its default sequence",
        {"/SceneRotator/ypr": SCENE_ANGLES},
        _MODEL,
        7000,
        renderer=True,
    ),
    OscDialect(
        "ssa",
        "SSA aXRotate, a1Rotate: yaw left, pitch up, roll left",
        {"/ypr": row("yaw pitch -roll"), **components(_YPR, row("yaw pitch -roll"))},
        "two lists of others that disagree on roll",
        9001,
        renderer=True,
        uncertain=("roll",),
    ),
    OscDialect(
        "ssa-roll-right",
        "SSA aXRotate, a1Rotate by the other list: roll right",
        {"/ypr": row("yaw pitch roll"), **components(_YPR, row("yaw pitch roll"))},
        "two lists of others that disagree on roll",
        9001,
        renderer=True,
        uncertain=("roll",),
    ),
    OscDialect(
        "ambi-head-hd",
        "Ambi Head HD: /yaw /pitch /roll as turns around 0.5",
        components(_YPR, row("yaw pitch -roll", unit=360.0, centre=0.5)),
        _LIST,
        4040,
        renderer=True,
    ),
    OscDialect(
        "3dti",
        "3D Tune-In Toolkit: pitch, roll, yaw right in radians",
        {"/3DTI-OSC/receiver/pry": row("pitch roll -yaw", unit=degrees(1.0))},
        _LIST,
        12300,
        renderer=True,
    ),
    OscDialect(
        "salte",
        "SALTE: roll, pitch, yaw right",
        {"/rendering/htrpy": row("roll pitch -yaw")},
        _LIST,
        9000,
        renderer=True,
    ),
    OscDialect(
        "berta",
        "BeRTA: /listener/orientation name, yaw right, pitch, roll in radians",
        {"/listener/orientation": row("-yaw pitch roll", leading=("DefaultListener",), unit=degrees(1.0))},
        "its documentation",
        10017,
        renderer=True,
    ),
    OscDialect(
        "retisar",
        "ReTiSAR: /tracker/azimuth, yaw left, nothing else",
        {"/tracker/azimuth": row("yaw")},
        _SOURCE,
        5005,
        renderer=True,
    ),
    OscDialect(
        "pybinsim",
        "pyBinSim 1: channel, then whole degrees yaw (0 to 359) pitch roll, as the keys of a filter list",
        {"/pyBinSim": row("yaw+ pitch roll", leading=(0,), whole=True)},
        f"{_SOURCE}; the keys are whatever the filter list has",
        10000,
        renderer=True,
    ),
    *(
        OscDialect(
            f"pybinsim2{'' if part == 'ds' else f'-{part}'}",
            f"pyBinSim 2, {sound}: channel, then whole degrees as for pybinsim",
            {f"/pyBinSim_{part}_Filter_Orientation": row("yaw+ pitch roll", leading=(0,), whole=True)},
            f"{_SOURCE}; the keys are whatever the filter list has",
            port,
            renderer=True,
        )
        for part, sound, port in (
            ("ds", "direct sound", 10000),
            ("early", "early reflections", 10001),
            ("late", "late reverberation", 10002),
        )
    ),
    OscDialect(
        "tascar",
        "TASCAR: /SCENE/OBJECT/zyxeuler, sent to /scene/out/zyxeuler",
        {"/scene/out/zyxeuler": PITCH_DOWN, "/*/*/zyxeuler": PITCH_DOWN},
        "the address its source, the signs not checked",
        9877,
        renderer=True,
        uncertain=("pitch", "roll"),
    ),
)
