"""UDP on this machine: free ports, a listener, a socket with Windows' ways."""

import select
import socket
from contextlib import contextmanager

from firmware_bridge.one_sender import TOO_LONG

HOST = "127.0.0.1"


def free_port(kind=socket.SOCK_DGRAM):
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def readable(endpoint):
    """Whether a socket has something to read or to accept now."""
    return bool(select.select([endpoint], [], [], 0.0)[0])


@contextmanager
def listener():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((HOST, 0))
        server.settimeout(2.0)
        yield server, server.getsockname()[1]


class SaysTooLong:
    """A socket as Windows has it: a datagram that is too long is not cut off, but told as an error."""

    def __init__(self, real):
        self._real = real

    def recvfrom(self, n_bytes):
        data, sender = self._real.recvfrom(65536)
        if len(data) > n_bytes:
            raise OSError(TOO_LONG[1], "message too long")
        return data, sender

    def __getattr__(self, name):
        return getattr(self._real, name)
