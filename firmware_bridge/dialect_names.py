"""Dialects by the names that commands and recordings take: those of devices, and "osc-NAME" for those of OSC."""

from firmware_bridge.dialect import Check, Dialect, Transport
from firmware_bridge.dialects.table import DIALECTS
from firmware_bridge.errors import BridgeError

OSC_PREFIX = "osc-"


def dialect_named(name: str) -> Dialect:
    """Return a dialect; raises BridgeError that says which there are."""
    if name in DIALECTS:
        return DIALECTS[name]
    if name.startswith(OSC_PREFIX):
        from firmware_bridge.osc.device import device_of
        from firmware_bridge.osc.dialects import find_dialect

        return device_of(find_dialect(name.removeprefix(OSC_PREFIX)))
    raise BridgeError(
        f"unknown dialect {name!r}: allowed are {', '.join(DIALECTS)}, and osc-NAME for those of OSC "
        "(`firmware-bridge dialects` lists them all)."
    )


def check_of(dialect: Dialect) -> Check:
    """Return what guards the frames: OSC comes from programs, one message now and then, and is believed at once."""
    return Check.CRC16 if dialect.transport is Transport.OSC else dialect.check
