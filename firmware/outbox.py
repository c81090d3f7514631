"""What waits to be sent: whole frames in one buffer, so that nothing ever waits for the host."""


class Outbox:
    """Bytes `start` to `end` of `buf` wait; writers append at `end` after asking for room."""

    def __init__(self, n_bytes):
        self.buf = bytearray(n_bytes)
        self.start = self.end = 0

    def has_room(self, n_bytes):
        """Return whether so many bytes fit behind `end`, after moving what waits to the front if that helps."""
        if self.end + n_bytes <= len(self.buf):
            return True
        waiting = self.end - self.start
        if waiting + n_bytes > len(self.buf):
            return False
        self.buf[:waiting] = self.buf[self.start : self.end]
        self.start, self.end = 0, waiting
        return True

    def pump(self, board):
        """Give the board what it takes at once."""
        if self.start < self.end:
            self.start += board.write_some(self.buf, self.start, self.end - self.start)
            if self.start == self.end:
                self.start = self.end = 0
