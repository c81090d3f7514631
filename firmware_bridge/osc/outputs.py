"""Other renderers that get the poses too: several at once, each at its own rate, and none of them holds up another."""

import errno
import socket
import time
from collections.abc import Sequence
from math import inf
from typing import Protocol

from firmware_bridge.messages import Quat
from firmware_bridge.notices import Notices
from firmware_bridge.osc.dialect import OscDialect
from firmware_bridge.osc.encoder import datagrams
from firmware_bridge.osc.fudi import SsrOutput
from firmware_bridge.osc.output_host import OutputHost, Place
from firmware_bridge.osc.output_spec import OutputSpec, parse_output

QUIET_S = 2.0
"""A target that refused nothing for so long is there again."""


class Output(Protocol):
    """One renderer. It never raises and never waits. Thread: one."""

    def send(self, quat_world_from_head: Quat, now_s: float) -> None:
        """Send a pose."""

    def close(self) -> None:
        """Give the connection back."""


class OscOutput:
    """Sends each pose as UDP datagrams of a dialect.

    Parameters: `dialect`; `host` a name or address, `port`. A host that is not known, a target that is not there
    or a network that is not, is said once and tried all the same.
    """

    def __init__(self, dialect: OscDialect, host: str, port: int, notices: Notices) -> None:
        self.name = f"{dialect.name} at {host}:{port}"
        self._dialect, self._notices = dialect, notices
        self._host = OutputHost(host, port, notices)
        self._socket: socket.socket | None = None
        self._is_connected = False
        self._refused_s = -inf

    def send(self, quat_world_from_head: Quat, now_s: float) -> None:
        """Send a pose, in as many datagrams as the dialect takes."""
        place = self._host.place(now_s)
        if place is None:
            return
        for datagram in datagrams(self._dialect, quat_world_from_head):
            try:
                self._connected(place).send(datagram)
            except BlockingIOError:
                pass  # there is no room: the next pose is newer
            except OSError as error:
                self._tell_refused(error, now_s)

    def close(self) -> None:
        """Close the socket."""
        if self._socket is not None:
            self._socket.close()

    def _connected(self, place: Place) -> socket.socket:
        if self._socket is None:
            self._socket = socket.socket(place[0], socket.SOCK_DGRAM)
            self._socket.setblocking(False)
        # Only a connected socket is told that nobody listens.
        if not self._is_connected:
            self._socket.connect(place[1])
            self._is_connected = True
        return self._socket

    def _tell_refused(self, error: OSError, now_s: float) -> None:
        was_there, self._refused_s = now_s - self._refused_s > QUIET_S, now_s
        if not was_there:
            return
        if error.errno == errno.ECONNREFUSED:
            self._notices.say(f"nobody listens for {self.name} yet: start it, or check its port; sending goes on")
        else:
            self._notices.say(f"cannot reach {self.name} ({error.strerror}): trying again with every pose")


class LimitedOutput:
    """Sends no more than `rate_hz` poses a second, and always the newest in the end."""

    def __init__(self, output: Output, rate_hz: float | None) -> None:
        self._output = output
        self._period_s = 1.0 / rate_hz if rate_hz else 0.0
        self._sent_s = -inf
        self._waiting: Quat | None = None

    def send(self, quat_world_from_head: Quat, now_s: float) -> None:
        """Take a pose; it is sent now or waits for its time."""
        self._waiting = quat_world_from_head
        self.flush(now_s)

    def flush(self, now_s: float) -> None:
        """Send what waits if its time has come."""
        if self._waiting is not None and now_s - self._sent_s >= self._period_s:
            self._output.send(self._waiting, now_s)
            self._sent_s, self._waiting = now_s, None

    def close(self) -> None:
        """Send what waits, so that the last pose is where the head stayed, and end."""
        if self._waiting is not None:
            self._output.send(self._waiting, time.monotonic())
        self._output.close()


class OutputFan:
    """All outputs of a bridge. Thread: one."""

    def __init__(self, outputs: Sequence[LimitedOutput]) -> None:
        self._outputs = tuple(outputs)

    def send(self, quat_world_from_head: Quat, now_s: float) -> None:
        """Give a pose to each, at host monotonic `now_s`."""
        for output in self._outputs:
            output.send(quat_world_from_head, now_s)

    def flush(self, now_s: float) -> None:
        """Send what waited for a target that takes fewer poses; to be called while none come."""
        for output in self._outputs:
            output.flush(now_s)

    def close(self) -> None:
        """Give all connections back."""
        for output in self._outputs:
            output.close()


def open_outputs(texts: Sequence[str], notices: Notices) -> OutputFan:
    """Return the outputs that `texts` name; raises BridgeError for a text that is not understood."""
    specs = [parse_output(text) for text in texts]
    return OutputFan([LimitedOutput(_output(spec, notices), spec.rate_hz) for spec in specs])


def _output(spec: OutputSpec, notices: Notices) -> Output:
    if spec.dialect is not None:
        return OscOutput(spec.dialect, spec.host, spec.port, notices)
    return SsrOutput(spec.host, spec.port, notices)
