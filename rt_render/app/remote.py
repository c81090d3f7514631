"""Remote control over OSC: a UDP port, a thread, and a table of addresses with what they do."""

import select
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Event, Thread

from firmware_bridge.osc.encoder import message_datagram
from firmware_bridge.osc.wire import MAX_PACKET_BYTES, Argument, OscFormatError, OscMessage, parse_packet
from rt_render.app.beat import Beat
from rt_render.app.osc_pattern import NUMBER_PART, numbers_meant
from rt_render.app.rate import Rate
from rt_render.app.remote_guard import Guard, is_this_machine
from rt_render.errors import RenderError
from rt_render.io.shown import shown

Handler = Callable[[int, tuple[Argument, ...]], None]
"""Called with the number in the address (0 where it has none) and the arguments; raises RenderError to refuse them."""

Place = tuple[str, int]
"""Address and port of a program."""
AUTO, USUAL_PORT = "auto", 4001
ANSWERS_PER_S = 500.0
_HERE: Place = ("127.0.0.1", 0)
_LOOK_S, _PAUSE_S = 0.2, 0.01
STOP_S = 2.0
"""A handler that takes longer is left behind."""
_TOKEN_BEGIN = b"/token\0"
_MAX_TOLD, _MAX_SHOWN = 32, 80


@dataclass(slots=True)
class RemoteCounts:
    """What became of packets and messages: `done` did something, the others could not be used.

    `unheard`: packets that came too fast; `strangers`: messages of other machines that did not say the token.
    """

    done: int = 0
    damaged: int = 0
    unknown: int = 0
    refused: int = 0
    unheard: int = 0
    strangers: int = 0


class Remote:
    """Listens for OSC messages and calls what was registered for their addresses, until it is stopped.

    `host`, `port`: where to listen; port 0 listens nowhere, "auto" is 4001 where that is free, and nowhere otherwise. A
    port in use that was named is told to `on_message`, and the program goes on without. A host that others reach is
    opened only with a `token`, which other machines say first (`/token`). The messages of a packet, a bundle's too,
    are handled in order before anything is published. What is damaged, unknown or refused is counted, and each kind is
    told once. Thread: `add`, `start`, `stop`: control; handlers run on the remote's own thread, one at a time, and may
    read `sender`; `send`: any.
    """

    def __init__(self, host: str, port: int | str, on_message: Callable[[str], None], token: str | None = None) -> None:
        self.counts = RemoteCounts()
        self.beat = Beat("the remote control")
        self.sender = _HERE
        """Whose message is handled."""
        self._host, self._port, self._on_message = host, port, on_message
        self._needs_token = not is_this_machine(host) and token is None
        self._guard, self._answers = Guard(token), Rate(ANSWERS_PER_S)
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
        """Let messages of an address call a handler; `{n}` in it stands for one of `numbers`, or for a pattern of them.

        Before `start`.
        """
        self._handlers[address] = (handler, numbers)

    def after_packet(self, publish: Callable[[], None]) -> None:
        """Call `publish` once behind each packet of which something was done. Before `start`."""
        self._publishers.append(publish)

    def start(self) -> None:
        """Open the port and listen; where the port cannot be had, do nothing but say so."""
        if not self._handlers or self._port == 0:
            return
        if self._needs_token:
            self._on_message(
                f"no remote control over OSC: {self._host} is reached from other machines; name a word that they must "
                "say first, with remote_token in [remote], or listen at 127.0.0.1."
            )
            return
        port = USUAL_PORT if self._port == AUTO else int(self._port)
        listener = socket.socket(_family(self._host), socket.SOCK_DGRAM)
        listener.setblocking(False)
        try:
            listener.bind((self._host, port))
        except OSError as error:
            listener.close()
            reason = (error.strerror or str(error)).lower()
            if self._port != AUTO:
                self._on_message(
                    f"no remote control over OSC: {self._host} port {port} cannot be opened ({reason}); "
                    "choose another with --remote-port, or 0 for none."
                )
            return
        self._socket = listener
        self._thread = Thread(target=self._run, args=(listener,), name="osc-remote", daemon=True)
        self._thread.start()

    def is_own(self, place: Place) -> bool:
        """Whether what is sent to a place comes back here: the port is ours, and the address this machine's."""
        host, port = place
        if port != self.port:
            return False
        with suppress(OSError), socket.socket(_family(host), socket.SOCK_DGRAM) as probe:
            probe.bind((host, 0))  # which only a machine's own addresses allow
            return True
        return False

    def stop(self) -> None:
        """Stop listening and free the port, whatever a handler hangs on; may be called twice, and without a start."""
        self._leaves.set()
        if self._thread:
            self._thread.join(STOP_S)
            self._thread = None
        if self._socket:
            self._socket.close()
            self._socket = None

    def take(self, packet: bytes, sender: Place = _HERE) -> None:
        """Do what a packet says; nothing that a packet can hold raises. The remote's thread, or a test's."""
        now_s = time.monotonic()
        self.sender = sender
        if not self._guard.hears(sender[0], now_s, is_token=packet.startswith(_TOKEN_BEGIN)):
            self.counts.unheard += 1
            self._tell("unheard", "packets to the remote control come too fast: some are left out.")
            return
        try:
            messages = parse_packet(packet)
        except OscFormatError as error:
            self.counts.damaged += 1
            self._tell("damaged", f"a packet to the remote control is no OSC message: {error}.")
            return
        n_done = sum(self._handle(message) for message in messages if self._may(message, now_s))
        if n_done:
            for publish in self._publishers:
                publish()

    def send(self, place: Place, address: str, *arguments: int | float | str) -> None:
        """Send a message to a program, if there is room; never waits and never raises. Any thread."""
        sender = self._socket
        if sender:
            with suppress(OSError):
                texts_shown = (shown(one) if isinstance(one, str) else one for one in arguments)
                sender.sendto(message_datagram(address, *texts_shown), place)

    def answer(self, address: str, *arguments: int | float | str) -> None:
        """Send a message to whose message is handled, unless too many are answered. Handlers only."""
        if self._answers.allows(time.monotonic()):
            self.send(self.sender, address, *arguments)

    def _run(self, listener: socket.socket) -> None:
        while not self._leaves.is_set():
            self.beat.go()
            try:
                if select.select([listener], [], [], _LOOK_S)[0]:
                    packet, sender = listener.recvfrom(MAX_PACKET_BYTES + 1)
                    self.take(packet, sender[:2])
            except OSError:  # a sender that went away
                self._leaves.wait(_PAUSE_S)
            except Exception as error:  # a fault of ours: the next packet may be all right
                with suppress(Exception):
                    kind = type(error).__name__
                    self._tell(f"fault {kind}", f"a packet to the remote control did nothing ({kind}: {error}).")
                self._leaves.wait(_PAUSE_S)
        self.beat.rest()

    def _may(self, message: OscMessage, now_s: float) -> bool:
        """Whether a message may do something; one that says the token lets its host in and does nothing else."""
        host = self.sender[0]
        if message.address == "/token":
            if self._guard.admit(host, message.arguments[0] if message.arguments else None, now_s):
                self.answer("/welcome")
                return False
        elif self._guard.knows(host, now_s):
            return True
        self.counts.strangers += 1
        self._tell("strangers", f"OSC from {host} is not heard: it did not say the token of this remote control.")
        return False

    def _handle(self, message: OscMessage) -> bool:
        """Call the handler for each number that is meant; whether anything was done."""
        found = NUMBER_PART.search(message.address)
        handler, numbers = self._handlers.get(message.address, (None, ()))
        meant = [0]
        if handler is None and found:
            general = f"{message.address[: found.start()]}{{n}}{message.address[found.end() :]}"
            handler, numbers = self._handlers.get(general, (None, ()))
            meant = numbers_meant(found[0], numbers)
        if handler is None or not meant:
            self.counts.unknown += 1
            there = f": there are {numbers[0]} to {numbers[-1]}" if numbers else ""
            self._tell(f"unknown {message.address}", f"OSC {_shown(message.address)} is not known here{there}.")
            return False
        try:
            for number in meant:
                handler(number, message.arguments)
        except RenderError as error:
            self.counts.refused += 1
            self._tell(f"refused {message.address}", f"OSC {message.address}: {error}")
            self.answer("/refused", message.address, str(error))
            return False
        self.counts.done += 1
        return True

    def _tell(self, kind: str, text: str) -> None:
        if kind not in self._told and len(self._told) < _MAX_TOLD:
            self._told.add(kind)
            self._on_message(text)


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _shown(address: str) -> str:
    """What was sent, as a terminal can show it."""
    return address[:_MAX_SHOWN] if address.isprintable() else repr(address)[1:-1][:_MAX_SHOWN]
