"""The host's commands: ASCII lines in, changes of the streamer and answers out."""

from struct import pack_into

from hbf1 import EVENT, INFO, PONG
from settings import MAX_RATE_HZ, can_send

MAX_LINE_BYTES = 64
FIRMWARE = "0.1"


class LineReader:
    """Collects a line; control characters such as 0x03 are passed over, lines that are too long forgotten."""

    def __init__(self):
        self._line = bytearray(MAX_LINE_BYTES)
        self._n = 0

    def feed(self, byte):
        """Take a byte; return the words of the line that it ends, else None."""
        if byte == 10:
            n, self._n = self._n, 0
            return bytes(self._line[:n]).decode().split() if n <= MAX_LINE_BYTES else None
        if 32 <= byte < 127:
            if self._n < MAX_LINE_BYTES:
                self._line[self._n] = byte
            self._n = min(self._n + 1, MAX_LINE_BYTES + 1)
        return None


def obey(streamer, words):
    """Do what a line says; what is not understood is answered and changes nothing."""
    if not words:
        return
    action = ACTIONS.get((words[0], len(words)))
    try:
        if action is None:
            raise ValueError("not understood: " + " ".join(words))
        action(streamer, *words[1:])
    except (ValueError, OSError) as error:
        _say(streamer, f"error={error}")


def info(streamer):
    """Return the words of INFO."""
    board, imu, settings = streamer.board, streamer.imu, streamer.settings
    pairs = (
        ("proto", "1"),
        ("fw", FIRMWARE),
        ("imu", imu.name),
        ("rate", f"{imu.rate_hz:g}"),
        ("fields", f"{settings.fields:02x}"),
        ("ticks", "us32"),
        ("id", board.id),
        ("dropped", streamer.dropped),
    )
    return "".join(f"{key}={value}\n" for key, value in pairs)


def _say(streamer, text):
    streamer.tell(EVENT, text.encode())


def _hello(streamer):
    streamer.tell(INFO, info(streamer).encode())


def _start(streamer):
    streamer.streaming = True
    _say(streamer, "start=ok")


def _stop(streamer):
    streamer.streaming = False
    _say(streamer, "stop=ok")


def _rate(streamer, hz):
    hz = _number(hz, 1, MAX_RATE_HZ)
    streamer.settings.rate_hz = hz
    streamer.imu.start(hz)
    _hello(streamer)


def _fields(streamer, fields):
    fields = int(fields, 16)
    if not can_send(fields, streamer.imu.fields, streamer.settings.text):
        raise ValueError(f"this sensor sends no fields {fields:02x}")
    streamer.settings.fields = fields
    _hello(streamer)


def _mode(streamer, mode):
    if mode not in ("BIN", "TXT"):
        raise ValueError("mode is BIN or TXT")
    text = mode == "TXT"
    if not can_send(streamer.settings.fields, streamer.imu.fields, text):
        raise ValueError("lines need a quaternion")
    streamer.settings.text = text
    _say(streamer, "mode=" + mode.lower())


def _zero(streamer):
    streamer.zero()
    _say(streamer, "zero")


def _cal(streamer, what):
    if what not in ("GYRO", "MAG", "STOP"):
        raise ValueError("cal is GYRO, MAG or STOP")
    streamer.imu.calibrate(what)
    _say(streamer, "cal=" + what.lower())


def _ping(streamer, token):
    body, clock = bytearray(12), streamer.clock
    pack_into("<IHH", body, 0, _number(token, 0, 0xFFFFFFFF), clock.low, clock.high)
    clock.tick()
    pack_into("<HH", body, 8, clock.low, clock.high)
    streamer.tell(PONG, body)


def _save(streamer):
    streamer.settings.save()
    _say(streamer, "saved")


def _reboot(streamer):
    streamer.board.reboot()


def _number(word, low, high):
    number = int(word)
    if not low <= number <= high:
        raise ValueError(f"{low} to {high} is allowed")
    return number


ACTIONS = {
    ("HELLO", 1): _hello,
    ("START", 1): _start,
    ("STOP", 1): _stop,
    ("RATE", 2): _rate,
    ("FIELDS", 2): _fields,
    ("MODE", 2): _mode,
    ("ZERO", 1): _zero,
    ("CAL", 2): _cal,
    ("PING", 2): _ping,
    ("SAVE", 1): _save,
    ("REBOOT", 1): _reboot,
}
