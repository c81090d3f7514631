"""Motion sensors as their buses see them: registers, banks, data-ready bits, scales, and SHTP transfers."""

from struct import pack, pack_into, unpack


class FakeBoard:
    """Time that passes when told to; what it is sent and what it takes, byte by byte."""

    id, settings_path = "fake", "no-such-folder/settings.json"

    def __init__(self, first_ticks=0):
        self.now = first_ticks
        self.room = 1 << 60
        self.sent = bytearray()
        self.heard = b""
        self.pressed = False

    def ticks_us(self):
        return self.now & (1 << 30) - 1

    def ticks_diff(self, end, start):
        return (end - start + (1 << 29) & (1 << 30) - 1) - (1 << 29)

    def sleep_ms(self, n):
        self.now += 1000 * n

    def read_byte(self):
        if not self.heard:
            return -1
        byte, self.heard = self.heard[0], self.heard[1:]
        return byte

    def write_some(self, buf, start, n_bytes):
        n = min(n_bytes, self.room)
        self.room -= n
        self.sent += buf[start : start + n]
        return n

    def button(self):
        return self.pressed

    def battery(self):
        return 15

    def wait(self):
        pass


class FakeEdge:
    """The interrupt wire of a fake chip."""

    def __init__(self, chip):
        self._chip = chip

    def is_up(self):
        return self._chip.interrupt()

    def ticks(self):
        return self._chip.ready_ticks


class FakeBus:
    """An I2C bus with one chip on it, which can be pulled off."""

    def __init__(self, chip):
        self.chip, self.broken = chip, False

    def scan(self):
        return [self.chip.address]

    def _ask(self, address):
        if self.broken or address != self.chip.address:
            raise OSError(5)
        return self.chip

    def readfrom_mem_into(self, address, register, buf):
        self._ask(address).read(register, buf)

    def writeto_mem(self, address, register, buf):
        self._ask(address).write(register, buf)

    def readfrom_into(self, address, buf):
        self._ask(address).receive(buf)

    def writeto(self, address, buf):
        self._ask(address).send(bytes(buf))


class FakeIcm20948:
    """Four banks of registers; asleep after a reset, as the data sheet says."""

    address = 0x69

    def __init__(self):
        self._reset()
        self.ready_ticks = 0

    def _reset(self):
        self.banks = [bytearray(128) for _ in range(4)]
        self.banks[0][0x00], self.banks[0][0x06] = 0xEA, 0x41
        self.banks[2][0x01] = self.banks[2][0x14] = 0x01
        self.bank, self.is_latched = 0, False

    def read(self, register, buf):
        for k in range(len(buf)):
            at = register + k
            buf[k] = self.bank << 4 if at == 0x7F else self.banks[self.bank][at]
            if self.bank == 0 and at == 0x1A:
                self.banks[0][at] = 0
        if self.banks[0][0x0F] & 0x10:
            self.is_latched = False

    def write(self, register, buf):
        for k, value in enumerate(buf):
            if register + k == 0x7F:
                self.bank = value >> 4 & 3
            elif self.bank == 0 and register + k == 0x06 and value & 0x80:
                self._reset()
            else:
                self.banks[self.bank][register + k] = value

    def rates_hz(self):
        gyro, accel = self.banks[2][0x00], self.banks[2][0x10] << 8 | self.banks[2][0x11]
        return 1125 / (1 + gyro), 1125 / (1 + accel)

    def measure(self, accel_g, gyro_deg_s, ticks):
        if self.banks[0][0x06] & 0x40 or self.banks[0][0x07] & 0x3F:
            return
        gyro_full, accel_full = self.banks[2][0x01], self.banks[2][0x14]
        assert gyro_full & 1 and accel_full & 1, "the low-pass filters are on"
        per_g, per_deg_s = 16384 >> (accel_full >> 1 & 3), (131, 65.5, 32.8, 16.4)[gyro_full >> 1 & 3]
        values = [_clip(v * per_g) for v in accel_g] + [_clip(v * per_deg_s) for v in gyro_deg_s]
        pack_into(">6h", self.banks[0], 0x2D, *values)
        self.banks[0][0x1A] = 1
        self.is_latched, self.ready_ticks = bool(self.banks[0][0x11] & 1), ticks

    def interrupt(self):
        return self.is_latched and bool(self.banks[0][0x0F] & 0x20)


class FakeLsm6dsox:
    """One bank; powered down after a reset; addresses count up only where that is switched on."""

    address = 0x6A
    _RATES_HZ = (0, 12.5, 26, 52, 104, 208, 417, 833, 1667, 3333, 6667)

    def __init__(self):
        self._reset()
        self.ready_ticks = 0

    def _reset(self):
        self.registers = bytearray(128)
        self.registers[0x0F], self.registers[0x12] = 0x6C, 0x04

    def read(self, register, buf):
        for k in range(len(buf)):
            at = register + (k if self.registers[0x12] & 4 else 0)
            buf[k] = self.registers[at]
            if at == 0x23:
                self.registers[0x1E] &= ~2
            if at == 0x29:
                self.registers[0x1E] &= ~1

    def write(self, register, buf):
        for k, value in enumerate(buf):
            self.registers[register + k] = value
        if self.registers[0x12] & 1:
            self._reset()

    def rates_hz(self):
        return self._RATES_HZ[self.registers[0x11] >> 4], self._RATES_HZ[self.registers[0x10] >> 4]

    def measure(self, accel_g, gyro_deg_s, ticks):
        accel, gyro = self.registers[0x10], self.registers[0x11]
        if not accel >> 4 or not gyro >> 4:
            return
        mg = (0.061, 0.488, 0.122, 0.244)[accel >> 2 & 3]
        mdeg_s = (8.75, 17.5, 35.0, 70.0)[gyro >> 2 & 3]
        values = [_clip(v * 1000 / mdeg_s) for v in gyro_deg_s] + [_clip(v * 1000 / mg) for v in accel_g]
        pack_into("<6h", self.registers, 0x22, *values)
        self.registers[0x1E] |= 3
        self.ready_ticks = ticks

    def interrupt(self):
        return bool(self.registers[0x0D] & self.registers[0x1E] & 2)


class FakeBno08x:
    """SHTP over I2C: a queue of transfers; what is not read to its end continues in the next one.

    `max_rate_hz` is the most that it grants, in its answer to Set Feature.
    """

    address = 0x4A

    def __init__(self, max_rate_hz=1000):
        self.queue, self.commands, self.features = [], [], {}
        self.ready_ticks, self._seqs, self._max_rate_hz = 0, [0] * 6, max_rate_hz
        self.restart()

    def restart(self):
        self.features = {}
        self.say(0, bytes(270))
        self.say(1, b"\1")
        self.say(2, b"\xf1" + bytes(15))

    def say(self, channel, cargo, ticks=0):
        self.queue.append(pack("<HBB", 4 + len(cargo), channel, self._seqs[channel]) + cargo)
        self._seqs[channel] = self._seqs[channel] + 1 & 255
        self.ready_ticks = ticks

    def receive(self, buf):
        transfer = self.queue[0] if self.queue else bytes(4)
        n = min(len(buf), len(transfer))
        buf[:n] = transfer[:n]
        for k in range(n, len(buf)):
            buf[k] = 0
        if not self.queue or len(buf) <= 4:
            return
        self.queue.pop(0)
        if n < len(transfer):
            rest = transfer[n:]
            self.queue.insert(0, pack("<H", 4 + len(rest) | 0x8000) + transfer[2:4] + rest)

    def send(self, data):
        length, channel, _ = unpack("<HBB", data[:4])
        assert length == len(data)
        cargo = data[4:]
        if channel == 1 and cargo == b"\1":
            self.queue = []
            self.restart()
        elif channel == 2 and cargo[0] == 0xFD:
            assert len(cargo) == 17
            interval_us = max(unpack("<I", cargo[5:9])[0], 1000000 // self._max_rate_hz)
            self.features[cargo[1]] = interval_us
            self.say(2, b"\xfc" + cargo[1:5] + pack("<I", interval_us) + cargo[9:])
        elif channel == 2 and cargo[0] == 0xF2:
            assert len(cargo) == 12
            self.commands.append(cargo[2:])

    def interrupt(self):
        return bool(self.queue)


def _clip(value):
    return max(-32768, min(32767, round(value)))
