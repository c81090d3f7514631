"""The link to the page of a program that runs: what it tells, as it comes; lost, it comes back by itself."""

import json
import time
from collections import deque
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from rt_render.app.controls.control import Value
from rt_render.errors import ConfigurationError, DeviceError

WRONG_TOKEN = 4401
"""The page's close code."""
TRY_EVERY_S, _OPEN_S = 1.0, 5.0
_NO_PAGE = (InvalidHandshake, ConnectionClosed, EOFError)
"""What comes of speaking to something that is no page, or ends at once."""
_MAX_BYTES, _MAX_REFUSED = 1 << 20, 10


class PageLink:
    """Follows the page at a link such as http://127.0.0.1:8765/#token=WORD, from `open` to `close`. One thread.

    `state` is the newest message of that type, `pose` that of the head and levels, `energy` the newest levels from all
    around; empty before the first. `trouble` says why there is no link, None while there is one. Raises
    ConfigurationError for what is no link.
    """

    def __init__(self, link: str) -> None:
        self.state: dict[str, Any] = {}
        self.pose: dict[str, Any] = {}
        self.energy: list[float] = []
        self.trouble: str | None = None
        self.refused: deque[str] = deque(maxlen=_MAX_REFUSED)
        """Why what was asked for was not done, the newest last."""
        self._place, self._uri = _place_and_uri(link)
        self._page: ClientConnection | None = None
        self._stack = ExitStack()
        self._next_s = 0.0

    def open(self) -> Self:
        """Connect; raises DeviceError where nobody answers, or one that does not let this program in."""
        try:
            self._connect()
        except OSError as error:
            raise DeviceError(
                f"no page answers at {self._place} ({_reason(error)}): start the program with its page (web = true in "
                "[web], or --web), or name the link that it told."
            ) from None
        except _NO_PAGE:
            raise DeviceError(
                f"what answers at {self._place} is no page of rt-render: name the link that the program told."
            ) from None
        return self

    def look(self, seconds: float) -> None:
        """Take what comes for so long. Raises DeviceError where this program is no longer let in."""
        end_s = time.monotonic() + seconds
        if self._page is None:
            self._come_back(seconds)
        while self._page and (left_s := end_s - time.monotonic()) > 0.0:
            try:
                self._take(json.loads(self._page.recv(left_s)))
            except TimeoutError:
                return
            except ConnectionClosed as closed:
                self._lost(closed)

    def ask(self, name: str, value: Value | None) -> None:
        """Ask for a control to be set, None for an action; `state` has the new value at once, or `refused` why not."""
        if self._page is None:
            return
        if value is not None:
            self.state["values"][name] = value  # the next key counts from here
        with suppress(ConnectionClosed):  # which the next look finds
            self._page.send(json.dumps({"type": "set", "name": name, "value": value, "id": 0}))

    def close(self) -> None:
        """Hang up; may be called twice."""
        self._page = None
        self._stack.close()

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _connect(self) -> None:
        """Connect. Raises OSError where nobody answers, one of `_NO_PAGE` where no page does, and DeviceError where
        this program is not let in.
        """
        try:
            calling = connect(
                self._uri, proxy=None, compression=None, open_timeout=_OPEN_S, close_timeout=0.5, max_size=_MAX_BYTES
            )
            self._page = self._stack.enter_context(calling)
        except InvalidStatus as error:
            said = (error.response.body or b"").decode(errors="replace").strip()
            raise DeviceError(f"the page at {self._place} does not let this program in: {said}") from None
        self.trouble = None

    def _come_back(self, seconds: float) -> None:
        if time.monotonic() < self._next_s:
            time.sleep(seconds)
            return
        self._next_s = time.monotonic() + TRY_EVERY_S
        try:
            self._connect()
        except OSError as error:
            self.trouble = f"no page answers at {self._place} ({_reason(error)}); it is tried again every second."
        except _NO_PAGE:  # as through a tunnel, which answers also while no program does
            self.trouble = f"no page answers behind {self._place}; it is tried again every second."

    def _lost(self, closed: ConnectionClosed) -> None:
        self.close()
        if closed.rcvd and closed.rcvd.code == WRONG_TOKEN:
            raise DeviceError(
                f"the page at {self._place} wants its token: name the whole link that the program told at its start, "
                "in quotation marks, or the set-up with --config."
            )
        said = (closed.rcvd.reason if closed.rcvd else "") or "the link was lost."
        self.trouble = f"{self._place}: {said} It is tried again every second."

    def _take(self, message: dict[str, Any]) -> None:
        kind = message.get("type")
        if kind == "state":
            self.state = message
        elif kind == "pose":
            self.pose, self.energy = message, message.get("energy") or self.energy
        elif kind == "refused":
            self.refused.append(str(message.get("why")))


def _place_and_uri(link: str) -> tuple[str, str]:
    parts = urlsplit(link if "//" in link else f"//{link}")
    try:
        host, port = parts.hostname, parts.port or 80
    except ValueError:
        host, port = None, 0
    if not host or parts.scheme not in ("", "http"):
        raise ConfigurationError(f"{link} is no link to a page: name one such as http://127.0.0.1:8765/#token=WORD.")
    token = parse_qs(parts.fragment or parts.query).get("token", [""])[0]
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return place, f"ws://{place}/ws" + (f"?{urlencode({'token': token})}" if token else "")


def _reason(error: OSError) -> str:
    return (error.strerror or str(error) or "no answer").lower().rstrip(".")
