"""The duplex run as text for people."""

from typing import Any


def duplex_in_words(r: dict[str, Any]) -> str:
    """Return what `duplex.run` found, beside what is required."""
    trip, claimed = r["round_trip_frames"], r["claimed_frames"]
    ms = "" if trip is None else f" ({1e3 * trip / r['fs_hz']:.2f} ms)"
    return "\n".join(
        [
            f"Duplex: live input through JACK for {r['minutes']:.3g} minutes, {r['fs_hz'] / 1000:g} kHz, blocks of "
            f"{r['block_size']}, calls of {' to '.join(map(str, sorted(set(r['host_frames']))))}",
            f"  {r['frames']} frames counted at the field tap, {r['n_breaks']} breaks among them; "
            f"{r['xruns']} xruns of JACK, {r['missed_periods']} periods of "
            f"{r['period_frames']} frames missed by the player {_mark(r['whole'])}",
            f"  drift: {r['drift_frames']} frames {_mark(r['no_drift'])}",
            *(f"  unexplained: {what}" for what in r["unexplained"]),
            f"  round trip of {r['clicks']} clicks, converters as JACK tells them: {trip} frames{ms}, spread "
            f"{r['round_trip_spread_frames']}; claimed {claimed} {_mark(r['equal'])}",
            f"  silence stood in for {r['padded_frames']} frames; the tap lost {r['tap_lost']}",
        ]
    )


def _mark(ok: bool) -> str:
    return "ok" if ok else "MISSED"
