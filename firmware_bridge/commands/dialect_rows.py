"""The tables of dialects as rows for people and programs."""

from typing import Any

from firmware_bridge.dialect import Dialect, Transport
from firmware_bridge.dialects.table import DIALECTS


def dialect_rows() -> list[dict[str, Any]]:
    """Return one row per kind of device, in the order in which detection prefers them."""
    return [
        {
            "name": one.name,
            "about": one.about,
            "transport": str(one.transport),
            "where": _where(one),
            "check": str(one.check),
            "clock": "none" if one.clock_wrap_s is None else "its own",
            "clock_wrap_s": one.clock_wrap_s,
            "axes": str(one.axes),
            "rate_hz": one.rate_hz,
            "uncertain": list(one.uncertain),
            "asks": one.talk is not None,
            "verified": one.verified,
            # No hardware was there to try any.
            "hardware": False,
        }
        for one in DIALECTS.values()
    ]


def _where(dialect: Dialect) -> str:
    if dialect.transport is Transport.SERIAL:
        return "serial " + ", ".join(map(str, dialect.bauds))
    if dialect.transport is Transport.UDP:
        return f"udp {dialect.udp_port}"
    return " ".join(part for part in (str(dialect.transport), dialect.port_name) if part)


def osc_input_rows() -> list[dict[str, Any]]:
    """Return one row per OSC dialect that is understood."""
    from firmware_bridge.osc.dialects import DIALECTS as OSC_DIALECTS

    return [
        {
            "name": one.name,
            "about": one.about,
            "addresses": list(one.rows),
            "port": one.port,
            "axes": str(one.axes),
            "uncertain": list(one.uncertain),
            "verified": one.verified,
        }
        for one in OSC_DIALECTS.values()
    ]


def osc_output_rows() -> list[dict[str, Any]]:
    """Return one row per OSC dialect that is sent."""
    from firmware_bridge.osc.dialects import DIALECTS as OSC_DIALECTS
    from firmware_bridge.osc.output_spec import SSR, SSR_PORT

    rows = [
        {
            "name": one.name,
            "about": one.about,
            "addresses": list(one.sent),
            "port": one.port,
            "max_rate_hz": one.max_rate_hz,
            "uncertain": list(one.uncertain),
            "verified": one.verified,
        }
        for one in OSC_DIALECTS.values()
        if one.renderer
    ]
    ssr = {"name": SSR, "about": "SoundScape Renderer over FUDI (TCP); its WebSocket and XML are not spoken"}
    facts = {
        "addresses": [],
        "port": SSR_PORT,
        "max_rate_hz": None,
        "uncertain": [],
        "verified": "the program's source",
    }
    return [*rows, {**ssr, **facts}]
