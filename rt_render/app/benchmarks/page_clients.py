"""Ten pages and a storm of OSC as a program of its own: `python -m rt_render.app.benchmarks.page_clients`.

Its arguments are the ports of the page and of the remote. A line "on" on standard input lets it begin, "off" end; to
"off" it answers with a line of JSON. It ends with its standard input. It stands for other machines, and so gives way
to the sound on this one.
"""

import json
import os
import random
import select
import socket
import sys
import time
from collections.abc import Callable
from threading import Event, Thread
from typing import Any

from firmware_bridge.osc.encoder import message_datagram

N_CLIENTS = 10
PACKETS_PER_S = 2000
_STEP_S = 0.005
_NICE = 10
_UPGRADE = (
    "GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Client:
    """A page that only counts what it gets."""

    def __init__(self, port: int) -> None:
        self.n_messages = 0
        self._data = b""
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=5.0)
        self.socket.sendall(_UPGRADE.format(port=port).encode())
        while b"\r\n\r\n" not in self._data:
            self._data += self.socket.recv(65536)
        self._data = self._data.split(b"\r\n\r\n", 1)[1]

    def read(self) -> None:
        """Take what has come and count whole messages; raises ConnectionError where the server has gone."""
        got = self.socket.recv(1 << 20)
        if not got:
            raise ConnectionError("the page has closed the connection")
        self._data += got
        while (size := _message_bytes(self._data)) is not None:
            self._data = self._data[size:]
            self.n_messages += 1


def _message_bytes(data: bytes) -> int | None:
    """Return how long the frame at the front is in all; None where it is not whole. RFC 6455, 5.2, unmasked."""
    if len(data) < 2:
        return None
    n_more = {126: 2, 127: 8}.get(data[1], 0)
    size = 2 + n_more + (int.from_bytes(data[2 : 2 + n_more], "big") if n_more else data[1])
    return size if len(data) >= max(size, 2 + n_more) else None


def _packet(chance: random.Random) -> bytes:
    """Return a packet of the storm: a control, an address that nobody knows, or half a packet."""
    kind = chance.random()
    if kind < 0.5:
        return message_datagram("/rt/gain_db", chance.uniform(-40.0, -20.0))
    if kind < 0.8:
        return message_datagram(f"/nobody/{chance.randrange(1000)}", 1.0)
    return message_datagram("/rt/gain_db", -30.0)[: chance.randrange(1, 16)]


def _storm(page_port: int, remote_port: int, off: Event) -> dict[str, Any]:
    chance, n_packets, begin_s = random.Random(1), 0, time.monotonic()  # noqa: S311 - nothing is secret here
    clients = [Client(page_port) for _ in range(N_CLIENTS)]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect(("127.0.0.1", remote_port))
        while not off.is_set():
            due = int((time.monotonic() - begin_s) * PACKETS_PER_S)
            for _ in range(due - n_packets):
                sender.send(_packet(chance))
            n_packets = due
            for client in clients:
                if select.select([client.socket], [], [], 0.0)[0]:
                    client.read()
            time.sleep(_STEP_S)
    for client in clients:
        client.socket.close()
    return {
        "packets": n_packets,
        "messages": sum(client.n_messages for client in clients),
        "seconds": time.monotonic() - begin_s,
    }


def main(page_port: int, remote_port: int, say: Callable[[str], None]) -> None:
    """Do what standard input says until it ends."""
    if hasattr(os, "nice"):
        os.nice(_NICE)
    off, found, thread = Event(), {}, Thread()
    for line in sys.stdin:
        if line.strip() == "on":
            off.clear()
            thread = Thread(target=lambda: found.update(_storm(page_port, remote_port, off)))
            thread.start()
        else:
            off.set()
            thread.join()
            say(json.dumps(found))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), lambda text: print(text, flush=True))
