"""What a person writes to name another renderer that gets the poses too."""

from dataclasses import dataclass

from firmware_bridge.errors import BridgeError
from firmware_bridge.nearest import meant
from firmware_bridge.osc.dialect import OscDialect
from firmware_bridge.osc.dialects import DIALECTS, OSC_PREFIX, find_dialect

GRAMMAR = "DIALECT[@HOST[:PORT]][@HZ], such as sparta, sparta@9000, iem@192.168.1.20:7000 or nuendo@127.0.0.1:7000@20"
DEFAULT_HOST = "127.0.0.1"
MAX_PORT, MAX_RATE_HZ = 65535, 1000.0
SSR, SSR_PORT = "ssr", 1174
OUTPUTS: tuple[str, ...] = (*(dialect.name for dialect in DIALECTS.values() if dialect.renderer), SSR)
"""The renderers that can be named; a dialect of a sender, or a message of one's own, can be sent as well."""


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """A renderer as named; `dialect` None is the SoundScape Renderer, which speaks no OSC. `rate_hz` None: all."""

    name: str
    dialect: OscDialect | None
    host: str
    port: int
    rate_hz: float | None


def parse_output(text: str) -> OutputSpec:
    """Return what `text` names; raises BridgeError that says what is allowed."""
    name, *rest = text.split("@")
    if not name or len(rest) > 2:
        raise BridgeError(f"unknown output {text!r}: write {GRAMMAR}.")
    dialect = None if name == SSR else _dialect(name)
    place, rate = [*rest, "", ""][:2]
    host, port = _place(text, place)
    port = port or (SSR_PORT if dialect is None else dialect.port)
    if port is None:
        raise BridgeError(f"output {text!r} has no usual port: name one, as in {name}@{host}:9000.")
    rate_hz = _rate_hz(text, rate) if len(rest) == 2 else None
    most_hz = dialect.max_rate_hz if dialect is not None else None
    if most_hz is not None:
        rate_hz = min(most_hz, rate_hz or most_hz)
    return OutputSpec(name, dialect, host, port, rate_hz)


def _dialect(name: str) -> OscDialect:
    bare = name.removeprefix(OSC_PREFIX)
    if name.startswith("/") or (bare in DIALECTS and bare != "default"):
        return find_dialect(name)
    raise BridgeError(
        f"unknown output dialect {name!r}: {meant(bare, OUTPUTS)}allowed are {', '.join(OUTPUTS)}, or a "
        "message such as '/my/head yaw pitch roll'."
    )


def _place(text: str, place: str) -> tuple[str, int | None]:
    """Return host and port of "HOST", "HOST:PORT", ":PORT", "PORT", "[V6]:PORT" or nothing."""
    host, colon, port = (f":{place}" if place.isdigit() else place).rpartition(":")
    if not colon or place.endswith("]"):
        return place.strip("[]") or DEFAULT_HOST, None
    if not (port.isascii() and port.isdigit() and 1 <= int(port) <= MAX_PORT):
        raise BridgeError(f"output {text!r}: port {port!r} must be a whole number, 1 to {MAX_PORT}.")
    if ":" in host and not host.startswith("["):
        raise BridgeError(f"output {text!r}: write an IPv6 address in brackets, as in sparta@[::1]:9000.")
    return host.strip("[]") or DEFAULT_HOST, int(port)


def _rate_hz(text: str, rate: str) -> float:
    try:
        rate_hz = float(rate)
    except ValueError:
        rate_hz = 0.0
    if not 0.0 < rate_hz <= MAX_RATE_HZ:
        raise BridgeError(f"output {text!r}: rate {rate!r} must be a number of Hz, above 0 and up to 1000.")
    return rate_hz
