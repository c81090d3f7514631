"""The loop of the wearable: hear the host, take a sample, send a frame, and never wait for the host.

Only a sensor that is started, by RATE or after its bus broke, takes its time: 80 ms at the most (ICM-20948).
"""

import hbf1
from clock import Clock
from commands import LineReader, obey
from outbox import Outbox
from sample import Sample
from settings import Settings
from yaw_zero import YawZero

OUTBOX_BYTES = 512
"""Eighteen frames: what the host may be late by before samples are dropped, 90 ms at 200 Hz."""
MAX_HEARD_BYTES = 64
RETRY_US = 500000


class Streamer:
    """A board and an IMU made into an HBF-1 device.

    The board: `ticks_us()`, `ticks_diff(a, b)`, `read_byte()` (-1 for none), `write_some(buf, start, n)` (bytes
    taken at once), `button()`, `battery()` (0..14, 15 unknown), `wait()`, `reboot()`, `id`, `settings_path`;
    for drivers also `sleep_ms(n)`.
    The IMU: `name`, `fields` it can send and `usual_fields`, `rate_hz`, `bias_free`, `start(rate_hz)`,
    `poll(sample)` (whether there was a new one), `calibrate(what)`; a broken bus raises OSError.
    """

    def __init__(self, board, imu):
        self.board, self.imu = board, imu
        self.clock = Clock(board)
        self.settings = Settings(board.settings_path, imu)
        self.streaming = True
        self.dropped = 0
        self._sample, self._outbox = Sample(), Outbox(OUTBOX_BYTES)
        self._lines, self._yaw_zero = LineReader(), YawZero()
        self._seq = 0
        self._is_overrun = self._zero_is_asked = False
        self._broken_ticks = None
        self._outbox.buf[0] = 0
        self._outbox.end = 1
        self._restart_imu()

    def run(self):
        """Work for ever."""
        while True:
            self.turn()
            self.board.wait()

    def turn(self):
        """Do what there is to do now; about a sample's worth of work at most."""
        self.clock.tick()
        self._hear()
        if self._broken_ticks is None:
            self._measure()
        elif self.board.ticks_diff(self.clock.ticks, self._broken_ticks) > RETRY_US:
            self._restart_imu()
        self._outbox.pump(self.board)

    def tell(self, kind, body):
        """Send INFO, EVENT or PONG; where there is no room the host may ask again."""
        outbox = self._outbox
        body = body[: hbf1.MAX_TEXT_BYTES]
        if outbox.has_room(hbf1.TOLD_BYTES + len(body)):
            outbox.end = hbf1.put_told(outbox.buf, outbox.end, kind, self.clock, body)

    def zero(self):
        """Make the heading of the next sample ahead; raises ValueError where there is no quaternion."""
        if not self.imu.fields & hbf1.QUAT16:
            raise ValueError("this sensor has no heading: the host fuses")
        self._zero_is_asked = True

    def _hear(self):
        for _ in range(MAX_HEARD_BYTES):
            byte = self.board.read_byte()
            if byte < 0:
                return
            words = self._lines.feed(byte)
            if words is not None:
                self.clock.tick()
                obey(self, words)

    def _measure(self):
        sample = self._sample
        try:
            if not self.imu.poll(sample):
                return
        except OSError as error:
            self._broken_ticks = self.clock.ticks
            self.tell(hbf1.EVENT, b"error=the motion sensor does not answer: %s" % str(error).encode())
            return
        if self._zero_is_asked:
            self._zero_is_asked = False
            self._yaw_zero.take(sample.quat)
        self._yaw_zero.apply(sample.quat)
        if self.streaming:
            self._send(sample)

    def _send(self, sample):
        settings, outbox, seq = self.settings, self._outbox, self._seq
        # A sample that finds no room has a number too: so the host sees how many there were.
        self._seq = (seq + 1) & 0xFFFF
        if not outbox.has_room(hbf1.MAX_LINE_BYTES if settings.text else hbf1.MAX_MOTION_BYTES):
            self.dropped += 1
            self._is_overrun = True
            return
        put = hbf1.put_line if settings.text else hbf1.put_motion
        outbox.end = put(outbox.buf, outbox.end, settings.fields, seq, self.clock, self._status(sample), sample)
        self._is_overrun = False

    def _status(self, sample):
        status = sample.accuracy | self._yaw_zero.ref << 8 | self.board.battery() << 12
        if self.imu.bias_free:
            status |= hbf1.BIAS_FREE
        if self.board.button():
            status |= hbf1.BUTTON
        if self._is_overrun:
            status |= hbf1.OVERRUN
        if sample.saturated:
            status |= hbf1.SATURATED
        return status

    def _restart_imu(self):
        try:
            self.imu.start(self.settings.rate_hz)
            self._broken_ticks = None
        except OSError:
            self._broken_ticks = self.clock.ticks
