"""Virtual WitMotion trackers: the serial one sends a burst per measurement, the BLE one a frame."""

from math import degrees
from struct import pack

from firmware_bridge.dialects.checksums import sum8
from firmware_bridge.dialects.counts import to_counts
from firmware_bridge.dialects.turns import GRAVITY_M_S2, angles_deg_from_quat
from firmware_bridge.dialects.witmotion_frame import (
    ACCEL,
    ACCEL_PER_G,
    ANGLE,
    ANGLE_PER_DEG,
    ANSWER,
    COMMAND,
    CONTENTS,
    GYRO,
    GYRO_PER_DEG_S,
    MAG_PER_UT,
    MAG_REGISTER,
    MOTION,
    QUAT,
    QUAT_ONE,
    QUAT_REGISTER,
    READ,
    REGISTERS,
    SEND_ACCEL,
    SEND_ANGLE,
    SEND_GYRO,
    SEND_QUAT,
    UNLOCK,
)
from firmware_bridge.virtual.device import DeviceState

AS_SHIPPED = SEND_ACCEL | SEND_GYRO | SEND_ANGLE
COMMAND_BYTES = 5


class WitmotionDevice:
    """Sends acceleration, gyro and angle until it is told otherwise; registers are written after an unlock only."""

    def __init__(self) -> None:
        self._contents = AS_SHIPPED
        self._unlocked = False
        self._heard = b""
        self._measured: dict[int, list[int]] = {}
        self._registers: dict[int, list[int]] = {}

    def encode(self, state: DeviceState) -> bytes:
        """Return the burst for one measurement."""
        self._measure(state)
        wanted = ((SEND_ACCEL, ACCEL), (SEND_GYRO, GYRO), (SEND_ANGLE, ANGLE), (SEND_QUAT, QUAT))
        return b"".join(_frame(kind, self._measured[kind]) for bit, kind in wanted if self._contents & bit)

    def answer(self, data: bytes, time_s: float) -> bytes:
        """Obey whole commands and return the registers that they ask for."""
        self._heard += data
        answers = b""
        while len(self._heard) >= COMMAND_BYTES:
            if not self._heard.startswith(COMMAND):
                self._heard = self._heard[1:]
                continue
            command, self._heard = self._heard[:COMMAND_BYTES], self._heard[COMMAND_BYTES:]
            register, value = command[2], command[3] | command[4] << 8
            if command == UNLOCK:
                self._unlocked = True
            elif register == READ:
                answers += self._tell(value, self._registers.get(value, [0, 0, 0, 0]))
            elif register == CONTENTS and self._unlocked:
                self._contents = value
        return answers

    def _measure(self, state: DeviceState) -> None:
        yaw, pitch, roll = angles_deg_from_quat(state.quat_world_from_head)
        self._measured = {
            ACCEL: [*to_counts(state.accel_m_s2, ACCEL_PER_G / GRAVITY_M_S2), 2500],
            GYRO: [*to_counts([degrees(rate) for rate in state.gyro_rad_s], GYRO_PER_DEG_S), 0],
            ANGLE: [*to_counts((roll, -pitch, yaw), ANGLE_PER_DEG), 0],
            QUAT: to_counts(state.quat_world_from_head, QUAT_ONE),
        }
        self._registers = {QUAT_REGISTER: self._measured[QUAT], MAG_REGISTER: [*to_counts(state.mag_ut, MAG_PER_UT), 0]}

    def _tell(self, register: int, values: list[int]) -> bytes:
        return _frame(REGISTERS, values)


class WitmotionBleDevice(WitmotionDevice):
    """Sends acceleration, gyro and angle in one frame, and answers reads with a frame of its own."""

    def encode(self, state: DeviceState) -> bytes:
        """Return the frame for one measurement."""
        self._measure(state)
        values = [value for kind in (ACCEL, GYRO, ANGLE) for value in self._measured[kind][:3]]
        return pack("<BB9h", 0x55, MOTION, *values)

    def _tell(self, register: int, values: list[int]) -> bytes:
        return pack("<BBH4h8x", 0x55, ANSWER, register & 0xFF, *values)


def _frame(kind: int, values: list[int]) -> bytes:
    body = pack("<BB4h", 0x55, kind, *values)
    return body + bytes([sum8(body)])
