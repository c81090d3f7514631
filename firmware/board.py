"""What the boards have in common: the streamer's whole view of the hardware. Untried on hardware."""

import time
from binascii import hexlify

import machine
from edge import Edge, NoEdge
from usb_stdio import UsbStdio

BATTERY_UNKNOWN = 15


class Board(UsbStdio):
    """Clock, bytes, button and sensor bus; see `Streamer` for what is asked of it.

    `int_pin` is None where that wire is missing; `irq` are the port's own words for its interrupts.
    """

    settings_path = "settings.json"

    def __init__(self, bus, int_pin, button_pin, irq):
        super().__init__()
        self.bus = bus
        self.id = hexlify(machine.unique_id()).decode()
        self.ticks_us, self.ticks_diff, self.sleep_ms = time.ticks_us, time.ticks_diff, time.sleep_ms
        self._int_pin, self._irq = int_pin, irq
        self._button = machine.Pin(button_pin, machine.Pin.IN, machine.Pin.PULL_UP)

    def edge(self, active):
        """Return the sensor's interrupt wire, or what does without where no pin is named."""
        if self._int_pin is None:
            return NoEdge(self.ticks_us)
        pull = machine.Pin.PULL_DOWN if active else machine.Pin.PULL_UP
        return Edge(machine.Pin(self._int_pin, machine.Pin.IN, pull), active, self.ticks_us, **self._irq)

    def button(self):
        """Return whether the button is pressed."""
        return self._button.value() == 0

    def battery(self):
        """Return the charge, 0..14, or 15 for unknown: these boards do not measure it."""
        return BATTERY_UNKNOWN

    def wait(self):
        """Give way to what the port has to do, a millisecond at most."""
        machine.idle()

    def reboot(self):
        """Start anew, as after power-on."""
        machine.reset()
