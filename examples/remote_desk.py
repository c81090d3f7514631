"""Another program at the controls: it subscribes, changes what it likes over OSC, and is told what became of it.

    python examples/remote_desk.py

Plays the built-in scene on the virtual card for a few seconds. The class `Desk` is all that a program needs; every
control and its range is in docs/remote.md.
"""

import socket
import time
from threading import Thread

from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

import rt_render
from rt_render.app.session import Session


class Desk:
    """Speaks OSC with a renderer from a port of its own, until it is closed."""

    def __init__(self, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect(("127.0.0.1", port))
        self._socket.settimeout(0.3)

    def send(self, address: str, *arguments: float | str) -> None:
        """Send a message."""
        builder = OscMessageBuilder(address)
        for argument in arguments:
            builder.add_arg(argument)
        self._socket.send(builder.build().dgram)

    def close(self) -> None:
        """Give the port back."""
        self._socket.close()

    def answers(self) -> list[str]:
        """Return what is told, until it is quiet for 0.3 s."""
        told = []
        try:
            while True:
                message = OscMessage(self._socket.recv(4096))
                told.append(f"{message.address} {' '.join(str(value) for value in message.params)}".rstrip())
        except TimeoutError:
            return told


def converse(port: int) -> None:
    """Be the other program."""
    desk = Desk(port)
    for address, *arguments in (
        ("/ping",),
        ("/subscribe",),
        ("/rt/gain_db", -6.0),
        ("/rt/tracking", 0),
        ("/rt/order", 1),
        ("/rt/recentre",),
        ("/rt/gain_db", 99.0),
    ):
        desk.send(address, *arguments)
        told = desk.answers()
        print(" ".join([address, *map(str, arguments)]))
        for line in told if address != "/subscribe" else [f"{len(told)} controls and facts"]:
            print(f"    {line}")
    desk.close()


def main() -> None:
    """Play while another thread is the other program."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    program = Thread(target=converse, args=(port,))
    began: list[float] = []

    def watch(session: Session) -> bool:
        if not began:
            began.append(time.monotonic())
            program.start()
        return program.is_alive()

    rt_render.play("scene", device="virtual", tracker="none", remote_port=port, watch=watch)
    program.join()


if __name__ == "__main__":
    main()
