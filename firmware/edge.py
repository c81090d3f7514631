"""When the motion sensor has data: by its interrupt wire, or by asking it."""


class Edge:
    """An interrupt wire that stays at its active level until the data are read; an interrupt keeps its moment."""

    def __init__(self, pin, active, ticks_us, **irq):
        self._pin, self._active, self._ticks_us = pin, active, ticks_us
        self._ticks = ticks_us()
        pin.irq(self._on_edge, pin.IRQ_RISING if active else pin.IRQ_FALLING, **irq)

    def is_up(self):
        """Return whether data wait."""
        return self._pin.value() == self._active

    def ticks(self):
        """Return the moment at which they came."""
        return self._ticks

    def _on_edge(self, pin):
        self._ticks = self._ticks_us()


class NoEdge:
    """No wire: the sensor is asked every time, and the moment is that of asking."""

    def __init__(self, ticks_us):
        self.ticks = ticks_us

    def is_up(self):
        """Return that data may wait."""
        return True
