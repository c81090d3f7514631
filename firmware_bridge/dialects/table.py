"""All dialects by name, in the order in which detection prefers them."""

from firmware_bridge.dialect import Dialect
from firmware_bridge.dialects import (
    adafruit,
    android_hid,
    bno055,
    bno08x_rvc,
    bno08x_shtp,
    freepie,
    hatire,
    hbf1,
    hedrot,
    metamotion,
    microstrain,
    mrheadtracker,
    nvsonic,
    opentrack,
    razor,
    slimevr,
    supperware,
    vectornav,
    waves_nx,
    witmotion,
    ximu3,
    xsens,
)
from firmware_bridge.errors import BridgeError

_ALL: tuple[Dialect, ...] = (
    hbf1.DIALECT,
    vectornav.DIALECT,
    razor.DIALECT,
    adafruit.DIALECT,
    nvsonic.DIALECT,
    bno08x_rvc.DIALECT,
    witmotion.DIALECT,
    witmotion.BLE_DIALECT,
    bno08x_shtp.DIALECT,
    hatire.DIALECT,
    bno055.DIALECT,
    hedrot.DIALECT,
    android_hid.DIALECT,
    supperware.DIALECT,
    opentrack.DIALECT,
    mrheadtracker.DIALECT,
    freepie.DIALECT,
    slimevr.DIALECT,
    waves_nx.DIALECT,
    metamotion.DIALECT,
    xsens.DIALECT,
    microstrain.DIALECT,
    ximu3.DIALECT,
)

DIALECTS: dict[str, Dialect] = {dialect.name: dialect for dialect in _ALL}


def find_dialect(name: str) -> Dialect:
    """Return a dialect by name; raises BridgeError that lists the names."""
    try:
        return DIALECTS[name]
    except KeyError:
        raise BridgeError(f"unknown dialect {name!r}: allowed are {', '.join(DIALECTS)}.") from None
