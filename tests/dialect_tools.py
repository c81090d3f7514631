"""What the tests of all dialects share; run as a program it storms the decoders with random bytes.

`python tests/dialect_tools.py --bytes 10000000 [NAME...]` prints, per dialect: the motions that random bytes gave,
those that passed the trust gate, and, for 8-bit sums, what came of random frames behind the right beginning
compared with what chance lets through after the sanity checks.
"""

import argparse
import math
import random
import struct
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from firmware_bridge.decoder import Decoder
from firmware_bridge.dialect import Dialect, Transport
from firmware_bridge.dialects.checksums import sum8, xor8
from firmware_bridge.dialects.table import DIALECTS
from firmware_bridge.messages import Message, Motion, Quat
from firmware_bridge.stages.trust import TrustGate
from firmware_bridge.virtual.device import DeviceState, VirtualDevice
from firmware_bridge.virtual.imu import VirtualImu
from firmware_bridge.virtual.simulated_head import SimulatedHead

DATAGRAMS = (Transport.UDP, Transport.MIDI, Transport.HID, Transport.BLE)
"""Transports with borders: there each feed is one datagram, message, report or notification."""
PIECE_BYTES = 48
BYTES_PER_S = 11520.0
"""Random bytes arrive as a line of 115200 bit/s brings them."""


def is_stream(dialect: Dialect) -> bool:
    return dialect.transport not in DATAGRAMS


def moving_head(n: int, rate_hz: float, seed: int = 0, start_seq: int = 0) -> list[DeviceState]:
    """What an ideal sensor on a natural head measures."""
    imu = VirtualImu(SimulatedHead(seed), rate_hz=rate_hz)
    return [imu.state_at(k / rate_hz, start_seq + k) for k in range(n)]


def random_states(n: int, rate_hz: float, seed: int, start_seq: int = 0, start_s: float = 0.0) -> list[DeviceState]:
    """Any orientations, moderate rates and accelerations, one after the other without any sense."""
    chance = random.Random(seed)

    def vector(size: float) -> tuple[float, float, float]:
        return (chance.uniform(-size, size), chance.uniform(-size, size), chance.uniform(-size, size))

    states = []
    for k in range(n):
        w, x, y, z = (chance.gauss(0.0, 1.0) for _ in range(4))
        norm = math.sqrt(w * w + x * x + y * y + z * z)
        quat = (w / norm, x / norm, y / norm, z / norm)
        states.append(DeviceState(start_s + k / rate_hz, start_seq + k, quat, vector(3.0), vector(8.0), vector(40.0)))
    return states


def angle_deg(p: Quat, q: Quat) -> float:
    """The turn between two orientations: from the chord, which is exact for small ones."""
    chord = min(math.dist(p, q), math.dist(p, [-part for part in q]))
    return math.degrees(4.0 * math.asin(min(1.0, 0.5 * chord)))


def spoken(dialect: Dialect, states: Sequence[DeviceState], device: VirtualDevice | None = None) -> list[bytes]:
    """What the virtual device sends, one piece a state, once it was greeted; asked where it waits to be asked."""
    device = device or dialect.make_device()
    talk = dialect.talk
    if talk is not None:
        for piece in (*talk.opening, talk.keep_alive):
            device.answer(piece, states[0].time_s)
    pieces = []
    for state in states:
        piece = device.encode(state)
        if not piece and talk is not None and talk.keep_alive:
            piece = device.answer(talk.keep_alive, state.time_s)
        pieces.append(piece)
    return pieces


def motions(messages: Sequence[Message]) -> list[Motion]:
    return [message for message in messages if isinstance(message, Motion)]


def fed(decoder: Decoder, pieces: Sequence[bytes]) -> list[Message]:
    return [message for piece in pieces for message in decoder.feed(piece)]


def vn_line(values: Sequence[float]) -> bytes:
    return b"VNQTN," + ",".join(f"{value:+.6f}" for value in values).encode()


def fletcher(data: bytes) -> bytes:
    a = b = 0
    for byte in data:
        a = (a + byte) & 255
        b = (b + a) & 255
    return bytes((a, b))


def planted_rvc(chance: random.Random) -> tuple[bytes, bytes]:
    body = chance.randbytes(16)
    return b"\xaa\xaa" + body, bytes([sum8(body)])


def planted_witmotion(chance: random.Random) -> tuple[bytes, bytes]:
    frame = b"\x55\x59" + chance.randbytes(8)
    return frame, bytes([sum8(frame)])


def planted_xsens(chance: random.Random) -> tuple[bytes, bytes]:
    quat = struct.pack(">4f", *(chance.uniform(-1.0, 1.0) for _ in range(4)))
    body = bytes.fromhex("FF 36 18 10 20 02") + chance.randbytes(2) + bytes.fromhex("20 10 10") + quat
    return b"\xfa" + body, bytes([-sum(body) & 255])


def planted_microstrain(chance: random.Random) -> tuple[bytes, bytes]:
    quat = struct.pack(">4f", *(chance.uniform(-1.0, 1.0) for _ in range(4)))
    frame = bytes.fromhex("75 65 82 14 14 03") + quat + b"\x00\x01"
    return frame, fletcher(frame)


def planted_vectornav(chance: random.Random) -> tuple[bytes, bytes]:
    body = vn_line([chance.uniform(-1.0, 1.0) for _ in range(4)])
    return b"$" + body + b"*", b"%02X" % xor8(body)


def planted_hbf1(chance: random.Random) -> tuple[bytes, bytes]:
    values = ",".join(f"{chance.uniform(-1.0, 1.0):.5f}" for _ in range(4))
    body = f"HT,{chance.randrange(65536)},{chance.randrange(2**32)},{values},0103".encode()
    return b"$" + body + b"*", b"%02X" % xor8(body)


PLANTED: dict[str, Callable[[random.Random], tuple[bytes, bytes]]] = {
    "bno08x-rvc": planted_rvc,
    "witmotion": planted_witmotion,
    "xsens": planted_xsens,
    "microstrain": planted_microstrain,
    "vectornav": planted_vectornav,
    "hbf1": planted_hbf1,
}
"""Random content behind the right beginning, and its right sum, for all that is guarded by 8 bits (hbf1: lines)."""
TEXT = ("vectornav", "hbf1")
"""There the sum is two hexadecimal digits, and a line end follows."""


@dataclass(frozen=True)
class StormResult:
    """What random bytes did: motions that decoders accepted, those the trust gate passed; bytes kept at most."""

    n_bytes: int
    n_accepted: int
    n_passed: int
    max_pending: int
    seconds: float


@dataclass(frozen=True)
class PlantedResult:
    """Random frames with random sums: how many were accepted, and how many chance explains."""

    n_frames: int
    n_accepted: int
    n_expected: float
    n_passed: int


def storm(
    dialect: Dialect, n_bytes: int, seed: int, on_progress: Callable[[int], None] = lambda n: None
) -> StormResult:
    """Feed random bytes (datagrams: of the sizes the device sends) through decoder and trust gate."""
    chance = random.Random(seed)
    decoder, gate = dialect.make_decoder(), TrustGate(dialect.check)
    sizes = [PIECE_BYTES] if is_stream(dialect) else [len(p) for p in spoken(dialect, moving_head(20, 50.0)) if p]
    n_fed = n_accepted = n_passed = max_pending = 0
    begin_s = time.perf_counter()
    while n_fed < n_bytes:
        piece = chance.randbytes(chance.choice(sizes))
        n_fed += len(piece)
        for motion in motions(decoder.feed(piece)):
            n_accepted += 1
            n_passed += gate.admit(motion, n_fed / BYTES_PER_S)
        max_pending = max(max_pending, len(getattr(decoder, "_pending", b"")))
        on_progress(n_fed)
    return StormResult(n_fed, n_accepted, n_passed, max_pending, time.perf_counter() - begin_s)


def planted_storm(dialect: Dialect, n_frames: int, seed: int) -> PlantedResult:
    """Feed random frames with random sums; the expectation is the share that is accepted with right sums,
    measured on up to 20 000 of them, times the chance of a random sum to be right."""
    chance, make, end = random.Random(seed), PLANTED[dialect.name], b"\r\n" if dialect.name in TEXT else b""
    n_sealed = min(n_frames, 20_000)
    decoder = dialect.make_decoder()
    n_sane = sum(len(motions(decoder.feed(b"".join(make(chance)) + end))) for _ in range(n_sealed))
    decoder, gate, n_accepted, n_passed = dialect.make_decoder(), TrustGate(dialect.check), 0, 0
    for k in range(n_frames):
        frame, right = make(chance)
        check = b"%02X" % chance.randrange(256) if dialect.name in TEXT else chance.randbytes(len(right))
        for motion in motions(decoder.feed(frame + check + end)):
            n_accepted += 1
            n_passed += gate.admit(motion, k * 0.01)
    p_sum = 256.0 ** -(1 if dialect.name in TEXT else len(make(chance)[1]))
    return PlantedResult(n_frames, n_accepted, n_frames * p_sum * n_sane / n_sealed, n_passed)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bytes", type=int, default=10_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("names", nargs="*", metavar="NAME", help="dialects, all if none")
    options = parser.parse_args()
    print(f"{options.bytes} random bytes into each decoder (seed {options.seed})")
    print(f"{'dialect':15} {'check':10} {'accepted':>8} {'passed':>6} {'kept':>5} {'s':>5}   frames with random sums")
    for name in options.names or DIALECTS:
        dialect = DIALECTS[name]

        def show(n_fed: int, name: str = name) -> None:
            if sys.stderr.isatty() and n_fed % 65536 < PIECE_BYTES:
                print(f"\r{name}: {100 * n_fed // options.bytes} %   ", end="", file=sys.stderr)

        done = storm(dialect, options.bytes, options.seed, show)
        line = f"\r{name:15} {dialect.check:10} {done.n_accepted:8d} {done.n_passed:6d} {done.max_pending:5d} "
        line += f"{done.seconds:5.0f}   "
        if name in PLANTED:
            planted = planted_storm(dialect, options.bytes // 40, options.seed)
            line += f"{planted.n_accepted} of {planted.n_frames} accepted, {planted.n_expected:.1f} expected, "
            line += f"{planted.n_passed} passed"
        print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
