"""Remote control over OSC: a UDP port, a thread, and a table of addresses with what they do."""

import re
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from threading import Event, Thread

from firmware_bridge.osc.wire import MAX_PACKET_BYTES, Argument, OscFormatError, OscMessage, parse_packet
from rt_render.errors import RenderError

Handler = Callable[[int, tuple[Argument, ...]], None]
"""Called with the number in the address (0 where it has none) and the arguments; raises RenderError to refuse them."""

_LOOK_S = 0.2
_MAX_TOLD = 32
_NUMBER = re.compile(r"(?<=/)[0-9*?]{1,4}(?=/|$)")


@dataclass(slots=True)
class RemoteCounts:
    """What became of packets and messages: `done` did something, the others could not be used."""

    done: int = 0
    damaged: int = 0
    unknown: int = 0
    refused: int = 0


class Remote:
    """Listens for OSC messages and calls what was registered for their addresses, until it is stopped.

    `host`, `port`: where to listen; port 0 listens nowhere. A port in use is told to `on_message`, and the program
    goes on without. The messages of a packet, a bundle's too, are handled in order before anything is published.
    What is damaged, unknown or refused is counted, and each kind is told once. Thread: `add`, `start`, `stop`:
    control; handlers run on the remote's own thread, one at a time.
    """

    def __init__(self, host: str, port: int, on_message: Callable[[str], None]) -> None:
        self.counts = RemoteCounts()
        self._place, self._on_message = (host, port), on_message
        self._handlers: dict[str, tuple[Handler, Sequence[int]]] = {}
        self._publishers: list[Callable[[], None]] = []
        self._told: set[str] = set()
        self._leaves = Event()
        self._socket: socket.socket | None = None
        self._thread: Thread | None = None

    @property
    def port(self) -> int | None:
        """The port that is listened at; None while it is not."""
        return int(self._socket.getsockname()[1]) if self._socket else None

    def add(self, address: str, handler: Handler, numbers: Sequence[int] = ()) -> None:
        """Let messages of an address call a handler; `{n}` in it stands for one of `numbers`, or for * and ? of them.

        Before `start`.
        """
        self._handlers[address] = (handler, numbers)

    def after_packet(self, publish: Callable[[], None]) -> None:
        """Call `publish` once behind each packet of which something was done. Before `start`."""
        self._publishers.append(publish)

    def start(self) -> None:
        """Open the port and listen; without handlers, or where the port cannot be had, do nothing but say so."""
        host, port = self._place
        if not self._handlers or port == 0:
            return
        listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        listener.settimeout(_LOOK_S)
        try:
            listener.bind(self._place)
        except OSError as error:
            listener.close()
            reason = (error.strerror or str(error)).lower()
            self._on_message(
                f"no remote control over OSC: {host} port {port} cannot be opened ({reason}); "
                "choose another with --remote-port, or 0 for none."
            )
            return
        self._socket = listener
        self._thread = Thread(target=self._run, args=(listener,), name="osc-remote", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop listening and free the port; may be called twice, and without a start."""
        self._leaves.set()
        if self._thread:
            self._thread.join()
            self._thread = None
        if self._socket:
            self._socket.close()
            self._socket = None

    def take(self, packet: bytes) -> None:
        """Do what a packet says; never raises. The remote's thread, or a test's."""
        try:
            messages = parse_packet(packet)
        except OscFormatError as error:
            self.counts.damaged += 1
            self._tell("damaged", f"a packet to the remote control is no OSC message: {error}.")
            return
        n_done = sum(self._handle(message) for message in messages)
        if n_done:
            for publish in self._publishers:
                publish()

    def _run(self, listener: socket.socket) -> None:
        while not self._leaves.is_set():
            with suppress(OSError):  # nothing came, or a sender that went away
                self.take(listener.recv(MAX_PACKET_BYTES + 1))

    def _handle(self, message: OscMessage) -> bool:
        """Call the handler for each number that is meant; whether anything was done."""
        found = _NUMBER.search(message.address)
        handler, numbers = self._handlers.get(message.address, (None, ()))
        meant = [0]
        if handler is None and found:
            general = f"{message.address[: found.start()]}{{n}}{message.address[found.end() :]}"
            handler, numbers = self._handlers.get(general, (None, ()))
            meant = [number for number in numbers if fnmatchcase(str(number), found[0])]
        if handler is None or not meant:
            self.counts.unknown += 1
            there = f": there are {numbers[0]} to {numbers[-1]}" if numbers else ""
            self._tell(f"unknown {message.address}", f"OSC {message.address} is not known here{there}.")
            return False
        try:
            for number in meant:
                handler(number, message.arguments)
        except RenderError as error:
            self.counts.refused += 1
            self._tell(f"refused {message.address}", f"OSC {message.address}: {error}")
            return False
        self.counts.done += 1
        return True

    def _tell(self, kind: str, text: str) -> None:
        if kind not in self._told and len(self._told) < _MAX_TOLD:
            self._told.add(kind)
            self._on_message(text)
