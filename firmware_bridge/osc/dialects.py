"""All dialects of OSC by name.

The same address means different things to different programs, so a meaning is chosen by name and never guessed.
The default reads only addresses that are unambiguous among the programs it names.
"""

from firmware_bridge.errors import BridgeError
from firmware_bridge.nearest import meant
from firmware_bridge.osc.dialect import OscDialect
from firmware_bridge.osc.message_pattern import dialect_of_message
from firmware_bridge.osc.rows_plugins import DEFAULT, PLUGINS
from firmware_bridge.osc.rows_products import PRODUCTS
from firmware_bridge.osc.rows_trackers import TRACKERS

OSC_PREFIX = "osc-"
"""May stand before a dialect's name, and does where dialects of devices stand beside those of OSC."""
DIALECTS: dict[str, OscDialect] = {dialect.name: dialect for dialect in (DEFAULT, *PLUGINS, *PRODUCTS, *TRACKERS)}
N_NAMED = 6
"""How many dialects a sentence may list."""


def find_dialect(name: str | None) -> OscDialect:
    """Return a dialect by name, the default for None, or the one of a message such as "/my/head yaw pitch roll".

    "iem" and "osc-iem" are the same. Raises BridgeError that lists the names, or says what is wrong with the message.
    """
    if name is not None and name.startswith("/"):
        return dialect_of_message(name)
    try:
        return DIALECTS[(name or "default").removeprefix(OSC_PREFIX)]
    except KeyError:
        raise BridgeError(
            f"unknown OSC dialect {name!r}: {meant(str(name), DIALECTS)}allowed are {', '.join(DIALECTS)}, or a "
            "message such as '/my/head yaw pitch roll'."
        ) from None


def why_unknown(dialect: OscDialect, address: str) -> str:
    """Return what to do about an address that a dialect does not read: another dialect, or another address."""
    names = [other.name for other in DIALECTS.values() if other.row(address) is not None]
    if len(names) == 1:
        return f"{address} is understood by the dialect {names[0]}: choose it with --osc-dialect {names[0]}"
    if names:
        more = f" and {len(names) - N_NAMED} more" if len(names) > N_NAMED else ""
        return f"{address} is understood by the dialects {', '.join(names[:N_NAMED])}{more}: choose with --osc-dialect"
    known = ", ".join(dialect.rows)
    return f"{address[:60]!r} has no meaning in any dialect: dialect {dialect.name} reads {known}"
