"""How a bridge does, for displays, reports and other programs."""

from dataclasses import dataclass, replace

from firmware_bridge.bridge_words import UNKNOWN, BridgeWords, StateWord
from firmware_bridge.stages.health import Health

STALE_S, LOW_BATTERY = 0.5, 0.2
_WHEN_SILENT = {"easing": ", turning to the front", "front": ", looking to the front"}


@dataclass(frozen=True, slots=True)
class BridgeStatus:
    """One moment of a bridge; `text` is for people, all else for programs (JSON-able).

    `source` is what was asked for and `sender` who is heard, in words; `dialect` "" where there is none.
    `newest_s` is the host monotonic time of the newest measurement, None before the first, and `age_s` its
    age; `rate_hz` is that of the poses that come; `dropped` counts what could not be used; `published` the
    measurements that became poses. `health` is None where there is nothing to be healthy.
    """

    text: str
    source: str
    sender: str = ""
    dialect: str = ""
    connected: bool = False
    state: str = "waiting"
    rate_hz: float = 0.0
    newest_s: float | None = None
    age_s: float | None = None
    dropped: int = 0
    published: int = 0
    health: Health | None = None


def with_age(status: BridgeStatus, newest_s: float | None, now_s: float) -> BridgeStatus:
    """Return a status with the newest measurement of this moment, its age (in the health too), and the text."""
    age_s = None if newest_s is None else max(0.0, now_s - newest_s)
    health = None if status.health is None else replace(status.health, age_s=age_s)
    status = replace(status, newest_s=newest_s, age_s=age_s, health=health)
    return replace(status, text=_in_words(status))


def _in_words(status: BridgeStatus) -> str:
    """Return one line: who, how many poses a second, how old, and what is out of the ordinary."""
    age_s = status.age_s
    if status.state == "none":
        return status.source
    if age_s is None:
        return f"{status.source}: waiting for the first pose"
    if age_s > STALE_S:
        return f"{status.source}: no pose for {age_s:.1f} s{_WHEN_SILENT.get(status.state, '')}"
    # The first pose alone gives no rate.
    rate = f"{status.rate_hz:.0f} poses/s" if status.rate_hz else "the first poses"
    words = [f"{status.sender or status.source}: {rate}", f"{1e3 * age_s:.0f} ms old"]
    health = status.health
    if health is not None and health.drift_deg_per_min is not None:
        words.append(f"drift {abs(health.drift_deg_per_min):.1f} °/min")
    if health is not None and health.battery is not None and health.battery <= LOW_BATTERY:
        words.append(f"battery {100 * health.battery:.0f} %")
    return ", ".join(words)


def words_of(status: BridgeStatus, process_id: int, now_s: float) -> BridgeWords:
    """Return a status as words of the mailbox."""
    health = status.health
    drift = None if health is None else health.drift_deg_per_min
    battery = None if health is None else health.battery
    return BridgeWords(
        state=StateWord[status.state.upper()],
        process_id=process_id,
        rate_mhz=round(1e3 * status.rate_hz),
        newest_ns=UNKNOWN if status.newest_s is None else round(1e9 * status.newest_s),
        jitter_us=UNKNOWN if health is None or health.jitter_ms is None else round(1e3 * health.jitter_ms),
        gaps=0 if health is None else health.gaps,
        dropped=status.dropped,
        drift_mdeg_per_min=UNKNOWN if drift is None else round(1e3 * abs(drift)),
        battery_per_mille=UNKNOWN if battery is None else round(1e3 * battery),
        heartbeat_ns=round(1e9 * now_s),
    )
