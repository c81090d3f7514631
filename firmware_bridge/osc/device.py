"""OSC dialects in the form that all dialects of the bridge have: a decoder, a virtual device, a row of the table."""

from functools import cache

from firmware_bridge.decoder import Counts
from firmware_bridge.dialect import Check, Dialect, Transport
from firmware_bridge.messages import Message
from firmware_bridge.osc.decoder import OscCounts, OscDecoder
from firmware_bridge.osc.dialect import OscDialect
from firmware_bridge.osc.dialects import DIALECTS
from firmware_bridge.virtual.device import DeviceState


class OscPacketDecoder:
    """Reads one packet a `feed`, knowing no time: numbers that come singly are a pose when all have come."""

    def __init__(self, dialect: OscDialect) -> None:
        self._dialect = dialect
        self._osc_counts = OscCounts()
        self.counts: Counts = self._osc_counts
        self.reset()

    def feed(self, data: bytes) -> list[Message]:
        """Return the motion of one packet. Never raises."""
        motion = self._decoder.feed(data, 0.0)
        return [] if motion is None else [motion]

    def reset(self) -> None:
        """Forget numbers that came singly; the counts stay."""
        self._decoder = OscDecoder(self._dialect, self._osc_counts)


class VirtualOscSender:
    """Sends what a program of a dialect sends, each pose in one packet."""

    def __init__(self, dialect: OscDialect) -> None:
        self._dialect = dialect

    def encode(self, state: DeviceState) -> bytes:
        """Return one packet."""
        from firmware_bridge.osc.encoder import one_datagram

        return one_datagram(self._dialect, state.quat_world_from_head, state.gyro_rad_s)

    def answer(self, data: bytes, time_s: float) -> bytes:
        """Return nothing: OSC trackers only send."""
        return b""


@cache
def device_of(dialect: OscDialect) -> Dialect:
    """Return an OSC dialect as the bridge's table has them, named "osc-NAME"; the same object each time."""
    name = dialect.name if dialect.name in DIALECTS else "message"
    return Dialect(
        name=f"osc-{name}",
        about=dialect.about,
        transport=Transport.OSC,
        check=Check.NONE,
        axes=dialect.axes,
        make_decoder=lambda: OscPacketDecoder(dialect),
        make_device=lambda: VirtualOscSender(dialect),
        verified=dialect.verified,
        rate_hz=100.0,
        udp_port=dialect.port,
        uncertain=dialect.uncertain,
    )
