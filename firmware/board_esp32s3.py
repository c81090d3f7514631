"""The wiring of an ESP32-S3 board, and what its port of MicroPython offers. Untried on hardware."""

import machine
from board import Board

SDA_PIN, SCL_PIN, INT_PIN, BUTTON_PIN = 8, 9, 10, 0


class Esp32S3(Board):
    """An ESP32-S3: I2C0 on IO8 and IO9, the sensor's interrupt on IO10, the BOOT button on IO0."""

    def __init__(self):
        # The BNO08x holds the clock down for a while: the timeout must be longer than that.
        bus = machine.I2C(0, sda=machine.Pin(SDA_PIN), scl=machine.Pin(SCL_PIN), freq=400000, timeout=50000)
        super().__init__(bus, INT_PIN, BUTTON_PIN, {})
