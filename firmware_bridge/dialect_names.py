"""Dialects by the names that commands and recordings take: those of devices, and "osc-NAME" for those of OSC."""

from firmware_bridge.dialect import Check, Dialect, Transport
from firmware_bridge.dialects.table import DIALECTS
from firmware_bridge.errors import BridgeError
from firmware_bridge.nearest import meant
from firmware_bridge.osc.dialects import DIALECTS as OSC_DIALECTS
from firmware_bridge.osc.dialects import OSC_PREFIX, find_dialect


def dialect_named(name: str) -> Dialect:
    """Return a dialect; raises BridgeError that says which there are.

    "iem" and "osc-iem" are the same; a name that devices have too, such as "nvsonic", is the device's.
    """
    if name in DIALECTS:
        return DIALECTS[name]
    if name.startswith((OSC_PREFIX, "/")) or name in OSC_DIALECTS:
        from firmware_bridge.osc.device import device_of

        return device_of(find_dialect(name))
    raise BridgeError(
        f"unknown dialect {name!r}: {meant(name, (*DIALECTS, *OSC_DIALECTS))}allowed are {', '.join(DIALECTS)}, "
        "and osc-NAME for those of OSC (`firmware-bridge dialects` lists them all)."
    )


def check_of(dialect: Dialect) -> Check:
    """Return what guards the frames: OSC comes from programs, one message now and then, and is believed at once."""
    return Check.CRC16 if dialect.transport is Transport.OSC else dialect.check
