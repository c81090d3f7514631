"""The wiring of a Raspberry Pi Pico (RP2040), and what its port of MicroPython offers. Untried on hardware."""

import machine
from board import Board

SDA_PIN, SCL_PIN, INT_PIN, BUTTON_PIN = 4, 5, 6, 15


class Rp2040(Board):
    """A Pico: I2C0 on GP4 and GP5, the sensor's interrupt on GP6, a button from GP15 to ground."""

    def __init__(self):
        # The BNO08x holds the clock down for a while: the timeout must be longer than that.
        bus = machine.I2C(0, sda=machine.Pin(SDA_PIN), scl=machine.Pin(SCL_PIN), freq=400000, timeout=50000)
        super().__init__(bus, INT_PIN, BUTTON_PIN, {"hard": True})
