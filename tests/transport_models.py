"""Ways from a device to the host, as models: when does what was measured at a moment arrive?

All moments are host seconds; a model is a seed and three numbers. As a script it prints how far the mapped
times are from the truth, the moment of measurement, with and without PING.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.messages import Pong
from firmware_bridge.stages.clock import DeviceClock
from firmware_bridge.stages.regular_times import RegularTimes

Array = NDArray[np.float64]
START_S = 1000.0
WRAP_S = 2.0**32 * 1e-6


@dataclass(frozen=True)
class Way:
    """`up` maps moments of sending to moments of arrival; `down` likewise for single questions to the device."""

    name: str
    up: Callable[[Array, np.random.Generator], Array]
    down: Callable[[float, np.random.Generator], float]


def _in_order(arrivals_s: Array) -> Array:
    return np.maximum.accumulate(arrivals_s)


def _usb_cdc(sent_s: Array, random: np.random.Generator) -> Array:
    # The device's own loop hands the frame over at any phase of the host's polls.
    polled_s = sent_s + 0.6e-3 + random.uniform(0.0, 1e-3, len(sent_s))
    return _in_order(polled_s + random.exponential(0.1e-3, len(sent_s)) + _stalls(len(sent_s), random))


def _usb_cdc_locked(sent_s: Array, random: np.random.Generator) -> Array:
    polled_s = np.ceil((sent_s + 0.03e-3) / 1e-3) * 1e-3 + 0.57e-3
    return _in_order(polled_s + random.exponential(0.05e-3, len(sent_s)) + _stalls(len(sent_s), random))


def _stalls(n: int, random: np.random.Generator) -> Array:
    return np.where(random.random(n) < 0.02, random.exponential(8e-3, n), 0.0)


def _ftdi(sent_s: Array, random: np.random.Generator) -> Array:
    polled_s = np.ceil((sent_s + 0.3e-3) / 16e-3) * 16e-3 + 0.36e-3
    return _in_order(polled_s + random.exponential(0.15e-3, len(sent_s)))


def _ble(sent_s: Array, random: np.random.Generator) -> Array:
    event = np.ceil((sent_s + 0.5e-3) / 15e-3)
    # Once an event is lost, all that waited goes with the next.
    lost = random.random(int(event[-1] - event[0]) + 1) < 0.02
    event = event + lost[(event - event[0]).astype(int)]
    return _in_order(event * 15e-3 + 0.37e-3 + random.exponential(1e-3, len(sent_s)))


USB_CDC = Way(
    "USB CDC, 1 ms poll, stalls", _usb_cdc, lambda t, r: float(np.ceil(t / 1e-3) * 1e-3 + r.exponential(1e-4))
)
USB_CDC_LOCKED = Way("USB CDC, measured in step with the polls", _usb_cdc_locked, USB_CDC.down)
FTDI = Way("FTDI, 16 ms timer", _ftdi, lambda t, r: float(np.ceil(t / 1e-3) * 1e-3 + 0.3e-3 + r.exponential(1e-4)))
BLE = Way("BLE, 15 ms, 2 % retries", _ble, lambda t, r: float(np.ceil(t / 15e-3) * 15e-3 + r.exponential(3e-4)))
WAYS = (USB_CDC, USB_CDC_LOCKED, FTDI, BLE)


@dataclass(frozen=True)
class Heard:
    """`true_s`, `device_s` (wrapped), `arrival_s` of each sample, (n,)."""

    true_s: Array
    device_s: Array
    arrival_s: Array
    skew: float

    def device_at(self, host_s: float) -> float:
        """Return the device's own time at a host moment."""
        return float(((host_s - START_S) * (1.0 + self.skew) + 4200.0) % WRAP_S)


def hear(way: Way, seconds: float, *, rate_hz: float = 200.0, skew_ppm: float = 35.0, seed: int = 0) -> Heard:
    """Return a stream as a host hears it; the device's clock wraps about a minute and a half after the start."""
    random = np.random.default_rng(seed)
    skew = skew_ppm * 1e-6
    true_s = START_S + random.uniform(0.0, 0.02) + np.arange(int(seconds * rate_hz)) / (rate_hz * (1.0 + skew))
    device_s = np.round(((true_s - START_S) * (1.0 + skew) + 4200.0) % WRAP_S, 6)
    return Heard(true_s, device_s, way.up(true_s, random), skew)


def map_by_clock(way: Way, heard: Heard, *, ping: bool, seed: int = 0) -> tuple[Array, DeviceClock]:
    """Return mapped times (n,) of a stream, with a PING about every second or none."""
    random = np.random.default_rng(seed + 1)
    clock = DeviceClock(WRAP_S)
    mapped_s = np.empty(len(heard.true_s))
    ask_s, pending = START_S + 0.5, None
    for i, (device_s, arrival_s) in enumerate(zip(heard.device_s, heard.arrival_s, strict=True)):
        if ping and pending is None and arrival_s > ask_s:
            received_s = way.down(ask_s, random)
            sent_s = received_s + 1e-4
            answered_s = float(way.up(np.array([sent_s]), random)[0])
            pending = (ask_s, Pong(0, heard.device_at(received_s), heard.device_at(sent_s)), answered_s)
            ask_s += 1.0 + random.uniform(-0.05, 0.05)
        if pending is not None and arrival_s >= pending[2]:
            clock.answer(pending[1], pending[0], pending[2])
            pending = None
        mapped_s[i] = clock.host_time_s(float(device_s), float(arrival_s))
    return mapped_s, clock


def map_by_count(heard: Heard, seqs: list[int] | None, seq_wrap: int | None) -> tuple[Array, RegularTimes]:
    """Return times (n,) of a stream without a clock, from `seqs` or from counting alone."""
    times = RegularTimes(seq_wrap)
    mapped_s = [
        times.host_time_s(None if seqs is None else seqs[i], float(arrival_s))
        for i, arrival_s in enumerate(heard.arrival_s)
    ]
    return np.array(mapped_s), times


def _line(name: str, error_s: Array) -> str:
    error_ms = 1e3 * error_s
    return (
        f"{name:<44} mean {error_ms.mean():+6.2f} ms  sd {error_ms.std():5.3f}  "
        f"largest {np.abs(error_ms).max():5.2f} ms"
    )


def main() -> None:
    """Print the table: errors against the moment of measurement, from the tenth second on."""
    for way in WAYS:
        heard = hear(way, 70.0)
        late = heard.true_s > heard.true_s[0] + 10.0
        print(_line(f"{way.name}: arrival itself", (heard.arrival_s - heard.true_s)[late]))
        for ping in (False, True):
            mapped_s, clock = map_by_clock(way, heard, ping=ping)
            print(
                _line(f"  device clock{', PING' if ping else ''}", (mapped_s - heard.true_s)[late]),
                clock.summary().in_words(),
            )
        for name, seqs in (("sequence", [i % 256 for i in range(len(heard.true_s))]), ("counting", None)):
            mapped_s, times = map_by_count(heard, seqs, 256)
            print(_line(f"  no clock, {name}", (mapped_s - heard.true_s)[late]), times.summary().in_words())


if __name__ == "__main__":
    main()
