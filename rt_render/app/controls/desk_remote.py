"""The desk over OSC: every control in and out, subscriptions, and signs of life."""

import time
from threading import Lock

from firmware_bridge.osc.wire import Argument
from rt_render import __version__
from rt_render.app.controls.control import Value
from rt_render.app.controls.desk import Change, Desk
from rt_render.app.controls.table import CONTROLS
from rt_render.app.rate import RateOfEach
from rt_render.app.remote import Place, Remote
from rt_render.errors import ConfigurationError

PREFIX = "/rt/"
MAX_SUBSCRIBERS, SUBSCRIBED_S = 8, 600.0
STATES_PER_S, ALL_STATES_PER_S = 5.0, 50.0
"""How often a place, and all together, are told everything: some 25 messages for one that asks."""
FACTS = {
    "playing_title": "what plays",
    "next_title": "what comes next in a playlist, or nothing",
    "length_s": "how long it is, in s; 0 where it has no end",
    "tracker": "how the head tracker does, in words",
    "late": "blocks that were late since the start",
    "underruns": "how often the source ran dry",
}
"""What `/state` tells beside the controls."""


class DeskRemote:
    """Lets a remote set the controls of a desk, and tells those who subscribed of each change.

    A subscription ends by itself `SUBSCRIBED_S` after the last `/subscribe` or `/ping` from that host.
    """

    def __init__(self, desk: Desk, remote: Remote) -> None:
        """Register all addresses; before the remote starts."""
        self._desk, self._remote = desk, remote
        self._lock = Lock()
        self._subscribers: dict[Place, float] = {}
        self._states = RateOfEach(STATES_PER_S, ALL_STATES_PER_S)
        for control in CONTROLS:
            self._add_control(control.name)
        remote.add("/ping", lambda number, arguments: self._ping())
        remote.add("/state", lambda number, arguments: self._tell_state())
        remote.add("/subscribe", lambda number, arguments: self._subscribe(arguments))
        remote.add("/unsubscribe", lambda number, arguments: self._unsubscribe(arguments))
        desk.subscribe(self._tell)

    def _add_control(self, name: str) -> None:
        def handle(number: int, arguments: tuple[Argument, ...]) -> None:
            if len(arguments) > 1:
                raise ConfigurationError(f"it wants one value, got {len(arguments)}.")
            refused = self._desk.ask(name, arguments[0] if arguments else None, f"osc {self._remote.sender[0]}")
            if refused:
                raise ConfigurationError(refused)

        self._remote.add(PREFIX + name, handle)

    def _ping(self) -> None:
        host, now_s = self._remote.sender[0], time.monotonic()
        with self._lock:
            for place in self._subscribers:
                if place[0] == host:
                    self._subscribers[place] = now_s
        self._remote.answer("/pong", __version__)

    def _subscribe(self, arguments: tuple[Argument, ...]) -> None:
        place = self._place(arguments)
        with self._lock:
            self._forget_silent()
            if place not in self._subscribers and len(self._subscribers) >= MAX_SUBSCRIBERS:
                raise ConfigurationError(f"there are {MAX_SUBSCRIBERS} subscribers already: end one with /unsubscribe.")
            self._keep_pace(place)
            self._subscribers[place] = time.monotonic()
        self._tell_all(place)

    def _tell_state(self) -> None:
        self._keep_pace(self._remote.sender)
        self._tell_all(self._remote.sender)

    def _keep_pace(self, place: Place) -> None:
        if not self._states.allows(place, time.monotonic()):
            raise ConfigurationError(f"everything is told {STATES_PER_S:g} times a second at most: ask less often.")

    def _unsubscribe(self, arguments: tuple[Argument, ...]) -> None:
        with self._lock:
            self._subscribers.pop(self._place(arguments), None)

    def _place(self, arguments: tuple[Argument, ...]) -> Place:
        """Return where a subscriber listens: at the sender's own host, so that nobody is sent what he did not want."""
        host, port = self._remote.sender
        if arguments and isinstance(arguments[0], str):
            named, *arguments_left = arguments
            if named not in (host, "localhost" if host in ("127.0.0.1", "::1") else host):
                raise ConfigurationError(f"changes are told to the host that asks, {host}, and to no other.")
        else:
            arguments_left = list(arguments)
        if arguments_left:
            wanted = arguments_left[0]
            if len(arguments_left) > 1 or isinstance(wanted, bool) or not isinstance(wanted, int):
                raise ConfigurationError("it wants a port, or a host and a port, or nothing.")
            port = wanted
        if not 1 <= port <= 65535:
            raise ConfigurationError(f"port {port} cannot be used: allowed is 1 to 65535.")
        if self._remote.is_own((host, port)):
            raise ConfigurationError(f"port {port} is where I listen myself: name the one where you do.")
        return host, port

    def _tell(self, change: Change) -> None:
        with self._lock:
            self._forget_silent()
            places = list(self._subscribers)
        for place in places:
            self._send(place, change.name, change.value)

    def _tell_all(self, place: Place) -> None:
        state = self._desk.state()
        for name, value in state.get("values", {}).items():
            if value is not None:
                self._send(place, name, value)
        for name, value in _facts(state).items():
            self._send(place, name, value)

    def _send(self, place: Place, name: str, value: Value) -> None:
        arguments = () if value is None else (int(value) if isinstance(value, bool) else value,)
        self._remote.send(place, PREFIX + name, *arguments)

    def _forget_silent(self) -> None:
        now_s = time.monotonic()
        self._subscribers = {p: at_s for p, at_s in self._subscribers.items() if now_s - at_s <= SUBSCRIBED_S}


def _facts(state: dict[str, object]) -> dict[str, Value]:
    if not state:
        return {}
    tracker, block = state["tracker"], state["block"]
    assert isinstance(tracker, dict)
    assert isinstance(block, dict)
    found = {"playing_title": state["playing_title"], "next_title": state["next_title"] or ""}
    found |= {"length_s": state["length_s"] or 0.0, "tracker": tracker["text"]}
    return {**found, "late": block["late"], "underruns": block["underruns"]}
