"""The page's server: files over HTTP and one WebSocket for each client, on a thread of its own."""

import asyncio
import logging
import socket
import time
from asyncio import BaseTransport
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from http import HTTPStatus
from threading import Event, Thread
from typing import Any, ClassVar
from urllib.parse import urlsplit
from weakref import WeakSet

from websockets.asyncio.server import Server, ServerConnection, broadcast, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.protocol import State

from rt_render.app.beat import Beat
from rt_render.app.controls.desk import Desk
from rt_render.app.remote_guard import is_this_machine
from rt_render.app.web.gate import Gate
from rt_render.app.web.messages import MAX_MESSAGE_BYTES, encode, read_wish
from rt_render.app.web.pace import Pace
from rt_render.app.web.page_files import page_files
from rt_render.app.web.roles import Role

RATE_HZ = 30.0
STATE_EVERY = 15
MAX_CLIENTS, KEPT_FOR_OPERATORS = 16, 4
MAX_VISITORS_OF_ONE_HOST = 4
"""Of one other machine, so that none takes the room of all visitors."""
MAX_CONNECTIONS, MAX_OF_ONE_HOST = 128, 12
"""Of all, and of one other machine: a browser opens some eight, besides the pages that it shows."""
MESSAGES_PER_S, MESSAGE_BURST = 40.0, 80
WRONG_TOKEN, TOO_MANY = 4401, 4429
"""Close codes that the page knows."""

_OPEN_TIMEOUT_S, _CLOSE_TIMEOUT_S, _STOP_TIMEOUT_S = 2.0, 0.5, 2.0
_WRONG_TOKEN_WAIT_S = 1.0
_MAX_UNSENT_BYTES = 65536
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.2, 10.0
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
    "Connection": "close",
}
_QUIET = logging.getLogger("rt_render.page")
_QUIET.addHandler(logging.NullHandler())
_QUIET.propagate = False  # what strangers send is no news, and a log of it could be filled by them


class _Connection(ServerConnection):
    """Ends at once where too many are open, of all or of its host, before anything of it is read."""

    alive: ClassVar[WeakSet["_Connection"]] = WeakSet()

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        self.alive.add(self)
        host = _host_of(self)
        of_host = sum(one.server is self.server and _host_of(one) == host for one in self.alive)
        too_many = of_host > MAX_OF_ONE_HOST and not is_this_machine(host)
        if too_many or len(self.server.handler_tasks) > MAX_CONNECTIONS:
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.alive.discard(self)


class PageServer:
    """Serves the page to at most 16 clients from `start` to `stop`, and begins again by itself should it fail.

    Of these at most 12 are visitors, and 4 of one other machine, so that an operator always gets in.

    `listener`: a listening socket, closed by `stop`; `tell_pose`: returns the message of the moment, for the time in
    seconds it is given, and is called 30 times a second on the page's thread while somebody looks. Wishes go to the
    desk. Who may come in, and as whom, is the gate's to say; a message has at most 4096 bytes, and beyond 40 a second
    they wait.
    Thread: `start`, `stop`: control.
    """

    def __init__(
        self,
        listener: socket.socket,
        gate: Gate,
        desk: Desk,
        tell_pose: Callable[[float], dict[str, Any]],
        *,
        greeting: dict[str, Any],
        on_message: Callable[[str], None],
    ) -> None:
        """Read the page's files; `greeting`: what the first message to each client has besides the controls."""
        self._listener, self._gate, self._desk, self._tell_pose = listener, gate, desk, tell_pose
        self._greeting, self._on_message, self._files = greeting, on_message, page_files()
        self.beat = Beat("the page")
        self._clients: dict[ServerConnection, Role] = {}
        self._controls: list[dict[str, Any]] = []
        self._news, self._leaves = Event(), Event()
        self._thread: Thread | None = None
        self._unsubscribe: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Begin to serve."""
        self._unsubscribe = self._desk.subscribe(lambda change: self._news.set())
        self._thread = Thread(target=self._run, name="page", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Say good-bye to all clients and free the port; may be called twice, and without a start.

        A thread that hangs is left behind after two seconds: what ends must not wait for it.
        """
        self._leaves.set()
        self._unsubscribe()
        if self._thread:
            self._thread.join(_STOP_TIMEOUT_S)
            self._thread = None
        self._listener.close()

    def _run(self) -> None:
        wait_s = _FIRST_WAIT_S
        while not self._leaves.is_set():
            began_s = time.monotonic()
            try:
                asyncio.run(self._serve())
            except Exception as error:  # whatever it is, sound goes on and the page comes back
                if time.monotonic() - began_s > _LONGEST_WAIT_S:
                    wait_s = _FIRST_WAIT_S
                self.beat.rest()
                with suppress(Exception):
                    self._on_message(
                        f"the page failed ({type(error).__name__}: {error}) and begins again in {wait_s:g} s; "
                        "sound is not touched."
                    )
                self._leaves.wait(wait_s)
                wait_s = min(2.0 * wait_s, _LONGEST_WAIT_S)
        self.beat.rest()

    async def _serve(self) -> None:
        self._clients.clear()
        # A copy of the socket is closed with the loop; who knocks in between waits for the next.
        async with self._server(self._listener.dup()) as server:
            number, next_s = 0, time.monotonic()
            while not self._leaves.is_set():
                self.beat.go()
                self._tell(number)
                number, next_s = number + 1, max(next_s + 1.0 / RATE_HZ, time.monotonic())
                await asyncio.sleep(next_s - time.monotonic())
            for one in [one for one in _Connection.alive if one.server is server and one.state is State.CONNECTING]:
                one.transport.abort()  # browsers keep some in reserve, which would be waited for

    def _server(self, listener: socket.socket) -> Server:
        return serve(
            self._talk,
            sock=listener,
            process_request=self._answer,
            compression=None,
            server_header=None,
            open_timeout=_OPEN_TIMEOUT_S,
            close_timeout=_CLOSE_TIMEOUT_S,
            max_size=MAX_MESSAGE_BYTES,
            max_queue=4,
            logger=_QUIET,
            create_connection=_Connection,
        )

    def _tell(self, number: int) -> None:
        if not self._clients:
            return
        self._send(self._tell_pose(time.monotonic()), self._clients)
        if self._news.is_set() or number % STATE_EVERY == 0:
            self._news.clear()
            before, self._controls = self._controls, self._usable_controls()
            for role in Role:
                clients = [client for client, of_client in self._clients.items() if of_client is role]
                if clients:
                    self._tell_how_all_stands(role, clients, introduce=self._controls != before)

    def _tell_how_all_stands(self, role: Role, clients: Sequence[ServerConnection], introduce: bool) -> None:
        controls = [control for control in self._controls if role.may_use(control)]
        if introduce:
            self._send({"type": "hello", **self._greeting, "controls": controls}, clients)
        self._send({"type": "state", **role.told(self._desk.state(), controls)}, clients)

    def _send(self, message: dict[str, Any], clients: Iterable[ServerConnection]) -> None:
        """Send to all who keep up: who does not gets the next one, and nothing piles up."""
        ready = [one for one in clients if one.transport.get_write_buffer_size() < _MAX_UNSENT_BYTES]
        broadcast(ready, encode(message))

    def _usable_controls(self) -> list[dict[str, Any]]:
        values = self._desk.state().get("values", {})
        return [control for control in self._desk.controls() if control["name"] in values]

    def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """Return a file or a refusal, or None for a client whose WebSocket may be opened."""
        refused = self._gate.refusal(request.headers.get_all("Host"), request.headers.get_all("Origin"))
        if refused:
            return _response(HTTPStatus.FORBIDDEN, f"{refused}\n".encode())
        path = urlsplit(request.path).path
        if path == "/ws":
            return None
        if request.method not in ("GET", "HEAD"):
            return _response(HTTPStatus.METHOD_NOT_ALLOWED, b"Only GET is understood here.\n")
        if path not in self._files:
            return _response(HTTPStatus.NOT_FOUND, b"There is nothing here: the page is at /.\n")
        kind, content = self._files[path]
        return _response(HTTPStatus.OK, b"" if request.method == "HEAD" else content, kind)

    async def _talk(self, client: ServerConnection) -> None:
        assert client.request is not None
        role = self._gate.role(client.request.path)
        if role is None:
            await asyncio.sleep(_WRONG_TOKEN_WAIT_S)  # who tries them all is slow
            await client.close(WRONG_TOKEN, "The token is not the right one.")
            return
        while client.state is State.OPEN and not self._desk.state():
            await asyncio.sleep(1.0 / RATE_HZ)  # the session begins in a moment
        if full := self._full(role, client):
            await client.close(TOO_MANY, full)
            return
        if not self._clients:
            self._controls = self._usable_controls()
        self._tell_how_all_stands(role, [client], introduce=True)
        self._clients[client] = role
        try:
            await self._listen(client, role)
        except ConnectionClosed:
            pass
        finally:
            self._clients.pop(client, None)

    def _full(self, role: Role, client: ServerConnection) -> str | None:
        """Return why there is no room for a client, None where there is."""
        is_full = len(self._clients) >= MAX_CLIENTS
        if role is Role.VISITOR:
            visitors = [one for one, of_one in self._clients.items() if of_one is Role.VISITOR]
            is_full = is_full or len(visitors) >= MAX_CLIENTS - KEPT_FOR_OPERATORS
            host = _host_of(client)
            of_host = sum(_host_of(one) == host for one in visitors)
            if of_host >= MAX_VISITORS_OF_ONE_HOST and not is_this_machine(host):
                return f"{of_host} pages of your device are open already: close one of them."
        return f"{len(self._clients)} pages are open already: close one of them." if is_full else None

    async def _listen(self, client: ServerConnection, role: Role) -> None:
        pace = Pace(MESSAGES_PER_S, MESSAGE_BURST)
        async for message in client:
            wish = read_wish(message)
            why = wish.why or self._not_for(role, wish.name) or self._desk.ask(wish.name, wish.value, "page")
            answer = {"type": "refused", "id": wish.id, "why": why} if why else {"type": "done", "id": wish.id}
            await client.send(encode(answer))
            await asyncio.sleep(pace.wait_s(time.monotonic()))

    def _not_for(self, role: Role, name: str) -> str | None:
        if all(role.may_use(control) for control in self._desk.controls() if control["name"] == name):
            return None
        return f"{name} belongs to the set-up, which visitors leave to the operator: open the operator's link."


def _host_of(client: ServerConnection) -> str:
    """Return the address of the machine at the other end."""
    place = client.transport.get_extra_info("peername")
    return str(place[0]) if place else ""


def _response(status: HTTPStatus, content: bytes, kind: str = "text/plain; charset=utf-8") -> Response:
    headers = Headers({**_HEADERS, "Content-Type": kind, "Content-Length": str(len(content))})
    return Response(status.value, status.phrase, headers, content)
