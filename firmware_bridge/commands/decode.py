"""The command that translates: a device's bytes on standard input, JSON lines on standard output."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from firmware_bridge.commands.options import FusionKind
from firmware_bridge.commands.terminal import ERR
from firmware_bridge.commands.words import plural
from firmware_bridge.dialect import Transport
from firmware_bridge.dialect_names import check_of, dialect_named
from firmware_bridge.errors import BridgeError

if TYPE_CHECKING:
    from firmware_bridge.decoder import Decoder
    from firmware_bridge.dialect import Dialect
    from firmware_bridge.messages import Message, Motion
    from firmware_bridge.stages.fusion import Fusion

READ_BYTES = 65536
TEXT = frozenset(range(32, 127))


def decode(
    dialect: Annotated[str, typer.Option(help="What the bytes speak; `firmware-bridge dialects` lists them.")],
    is_hex: Annotated[bool, typer.Option("--hex", help="Input is hexadecimal; of datagrams one a line.")] = False,
    fuse: Annotated[bool, typer.Option("--fuse", help="Give raw sensors a quaternion.")] = False,
    fusion: FusionKind = None,
    everything: Annotated[bool, typer.Option("--all", help="Answers to pings and what else is told, too.")] = False,
    descriptor: Annotated[
        Path | None, typer.Option(help="HID report descriptor in a file; the protocol's own example by default.")
    ] = None,
) -> None:
    """Decode bytes on standard input to JSON lines: `quat_wxyz` (world from body, x front, y left, z up), `seq`, ..."""
    kind = dialect_named(dialect)
    decoder = _decoder(kind, descriptor)
    writer = LineWriter(kind, fusion or "vqf" if fuse or fusion else None, everything)
    for data in _pieces(kind, is_hex):
        for message in decoder.feed(data):
            line = writer.line(message)
            if line is not None:
                sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
    counts = decoder.counts
    ERR.print(
        f"{plural(counts.frames, 'frame')}, {counts.damaged} damaged, {counts.implausible} implausible, "
        f"{counts.lost} lost; {writer.n_motions} motions{writer.trust_in_words()}.",
        style="dim",
        soft_wrap=True,
    )


class LineWriter:
    """Messages as JSON objects; times for trust and fusion are the device's, else those of its usual rate."""

    def __init__(self, dialect: "Dialect", fusion: str | None, everything: bool) -> None:
        from firmware_bridge.stages.fusion import make_fusion
        from firmware_bridge.stages.trust import TrustGate

        self.n_motions = 0
        self._dialect, self._everything = dialect, everything
        self._gate = TrustGate(check_of(dialect))
        # Where there is no clock the usual rate is taken to be true, so nothing has to be learnt.
        rate_hz = dialect.rate_hz if dialect.clock_wrap_s is None else 0.0
        self._fusion: Fusion | None = None if fusion is None else make_fusion(fusion, rate_hz)
        self._turns, self._last_s = 0, 0.0

    def line(self, message: "Message") -> dict[str, Any] | None:
        """Return a message as an object of what it has; None for what was not asked for."""
        from firmware_bridge.messages import Motion, Pong

        if isinstance(message, Motion):
            return self._motion(message)
        if not self._everything:
            return None
        if isinstance(message, Pong):
            return {"pong": {name: getattr(message, name) for name in message.__slots__}}
        return {"told": message.kind, **message.values}

    def _motion(self, motion: "Motion") -> dict[str, Any]:
        time_s = self._time_s(motion)
        self.n_motions += 1
        line: dict[str, Any] = {
            "quat_wxyz": motion.quat_wxyz,
            "seq": motion.seq,
            "device_time_s": motion.device_time_s,
            "gyro_rad_s": motion.gyro_rad_s,
            "accel_m_s2": motion.accel_m_s2,
            "mag_ut": motion.mag_ut,
            "reference": motion.reference,
            "at_rest": motion.at_rest,
            "battery": motion.battery,
            "button": motion.button or None,
            "overrun": motion.overrun or None,
            "saturated": motion.saturated or None,
            "gyro_bias_known": motion.gyro_bias_known,
        }
        if motion.quat_wxyz is None and self._fusion is not None:
            fused = self._fusion.update(motion, time_s)
            line["quat_wxyz"] = None if fused is None else fused.quat_wxyz
        line = {name: value for name, value in line.items() if value is not None}
        return {**line, "trusted": self._gate.admit(motion, time_s)}

    def _time_s(self, motion: "Motion") -> float:
        wrap_s = self._dialect.clock_wrap_s
        if motion.device_time_s is None or wrap_s is None:
            return self.n_motions / self._dialect.rate_hz
        if motion.device_time_s < self._last_s - 0.5 * wrap_s:
            self._turns += 1
        self._last_s = motion.device_time_s
        return motion.device_time_s + self._turns * wrap_s

    def trust_in_words(self) -> str:
        """Return whether the bridge would believe the stream by now."""
        if not self.n_motions:
            return ""
        return ", trusted" if self._gate.trusted else f", not trusted yet ({self._gate.why})"


def _decoder(dialect: "Dialect", descriptor: Path | None) -> "Decoder":
    if descriptor is None:
        return dialect.make_decoder()
    from firmware_bridge.dialects.android_hid import AndroidHidDecoder

    if dialect.name != "android-hid":
        raise BridgeError(f"{dialect.name} has no report descriptor: leave --descriptor out.")
    try:
        return AndroidHidDecoder(descriptor.read_bytes())
    except OSError as error:
        raise BridgeError(f"{descriptor}: {error.strerror}; name a readable file.") from None


def _pieces(dialect: "Dialect", is_hex: bool) -> Iterator[bytes]:
    """Yield standard input as a device sends it: streams as it comes, datagrams whole."""
    from firmware_bridge.decoder import StreamDecoder

    is_stream = isinstance(dialect.make_decoder(), StreamDecoder)
    pieces: Iterator[bytes]
    if is_hex:
        pieces = (_from_hex(line, number) for number, line in enumerate(sys.stdin.buffer, start=1))
    elif is_stream:
        pieces = iter(lambda: os.read(0, READ_BYTES), b"")
    else:
        pieces = _datagrams(dialect, sys.stdin.buffer.read())
    last = b""
    for piece in pieces:
        if piece:
            last = piece
            yield piece
    if is_stream and TEXT.issuperset(last[-8:]):
        # A last line may lack its end where somebody typed it.
        yield b"\r\n"


def _datagrams(dialect: "Dialect", data: bytes) -> Iterator[bytes]:
    """Yield one OSC packet, or those that have their length before them (int32, big-endian); others as they are."""
    if dialect.transport is not Transport.OSC or data.startswith((b"/", b"#bundle")):
        yield data
        return
    at = 0
    while at < len(data):
        end = at + 4 + int.from_bytes(data[at : at + 4], "big")
        if end > len(data):
            raise BridgeError(
                f"byte {at} of the input begins no OSC packet: give one packet, or each after its length (4 bytes)."
            )
        yield data[at + 4 : end]
        at = end


def _from_hex(line: bytes, number: int) -> bytes:
    try:
        return bytes.fromhex(line.decode("ascii"))
    except ValueError:
        raise BridgeError(
            f"line {number} of the input is not hexadecimal: write two digits 0 to F a byte, spaces between or not."
        ) from None
