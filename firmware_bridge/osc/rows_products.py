"""What studio programs mean by their addresses, to read and to send."""

from firmware_bridge.osc.dialect import OscDialect
from firmware_bridge.osc.row import components, row
from firmware_bridge.osc.rows_plugins import HEAD, PITCH_DOWN, RIGHT_UP

_LIST = "a list of others, signs not checked"

PRODUCTS = (
    OscDialect(
        "adm-osc",
        "/adm/lis/ypr: yaw left, pitch up, roll right",
        {"/adm/lis/ypr": row("yaw pitch roll")},
        "its definition",
        4001,
        renderer=True,
    ),
    OscDialect(
        "mach1",
        "Mach1 Monitor and M1-AirPodOSC (port 9901): /orientation yaw right, pitch up, roll right",
        {"/orientation": RIGHT_UP},
        "two lists of others that agree, and the sender's source",
        9898,
        renderer=True,
    ),
    OscDialect(
        "commercial",
        "most studio programs: /ypr yaw right, pitch up, roll right",
        {"/ypr": RIGHT_UP},
        _LIST,
        8000,
        renderer=True,
    ),
    OscDialect("dolby", "Dolby Atmos Renderer: /ypr as commercial", {"/ypr": RIGHT_UP}, _LIST, 8000, renderer=True),
    OscDialect("resolve", "DaVinci Resolve: /ypr as commercial", {"/ypr": RIGHT_UP}, _LIST, 8000, renderer=True),
    OscDialect("dearvr", "dearVR: /ypr as commercial", {"/ypr": RIGHT_UP}, _LIST, 7001, renderer=True),
    OscDialect("ear", "EAR Production Suite: /ypr as SPARTA", {"/ypr": PITCH_DOWN}, _LIST, 8000, renderer=True),
    OscDialect("spat", "SPAT Revolution: /room/1/ypr", {"/room/1/ypr": RIGHT_UP}, _LIST, 8000, renderer=True),
    OscDialect("virtuoso", "APL Virtuoso: /Virtuoso/quat", {"/Virtuoso/quat": HEAD}, _LIST, 8000, renderer=True),
    OscDialect(
        "nuendo",
        "Nuendo: /head_pose, at most 25 a second",
        {"/head_pose": row("-pitch yaw -roll", leading=(0.0, 0.0, 0.0, 0.0))},
        _LIST,
        7000,
        renderer=True,
        max_rate_hz=25.0,
    ),
    OscDialect(
        "genelec",
        "Genelec Aural ID: /euler_x /euler_y /euler_z",
        components("/euler_x /euler_y /euler_z", row("-pitch -yaw -roll")),
        _LIST,
        5005,
        renderer=True,
        uncertain=("pitch",),
    ),
)
