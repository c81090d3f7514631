"""Bluetooth Low Energy devices as links; needs the extra `ble`.

The library lives in asyncio: each link has a thread with a loop of its own, and meets the caller in a queue.
Untried on hardware: tested against a stand-in for the library.
"""

import asyncio
import concurrent.futures
import contextlib
import queue
import threading
import time
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from firmware_bridge.errors import BridgeError
from firmware_bridge.transports.link import ByteLink, LinkError, Piece

FIND_S = 5.0
CONNECT_S = 10.0
WRITE_S = 2.0
MAX_WAITING = 4096


@dataclass(frozen=True, slots=True)
class BleProfile:
    """Where a kind of device talks: part of its advertised name, and the characteristics by UUID."""

    name: str
    notify: str
    write: str


PROFILES = {
    "waves-nx": BleProfile(
        "nx tracker", "0000a015-5761-7665-7341-7564696f4c74", "0000a011-5761-7665-7341-7564696f4c74"
    ),
    # The ending 9a34fb is the maker's own, not the usual 9b34fb.
    "witmotion-ble": BleProfile("WT", "0000ffe4-0000-1000-8000-00805f9a34fb", "0000ffe9-0000-1000-8000-00805f9a34fb"),
    "metamotion": BleProfile(
        "MetaWear", "326a9006-85cb-9195-d9dd-464cfbbae75a", "326a9001-85cb-9195-d9dd-464cfbbae75a"
    ),
}


def load_bleak() -> ModuleType:
    """Return bleak; raises BridgeError where it is not installed."""
    try:
        import bleak
    except ImportError:
        raise BridgeError(
            "Bluetooth head trackers need one more library: install it with `pip install 'rt-render[ble]'`."
        ) from None
    return bleak


def _why(error: Exception) -> str:
    """Return why Bluetooth does not answer, without numbers: the system's service is missing where a socket is."""
    if isinstance(error, FileNotFoundError | ConnectionError | PermissionError):
        return "it is off, or its service does not run, or this user may not use it"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[0].lower() + error.strerror[1:]
    return str(error).rstrip(".") or type(error).__name__


@dataclass(frozen=True, slots=True)
class BleTracker:
    """A Bluetooth device that is called like one we know."""

    name: str
    address: str
    dialect: str


def ble_trackers(seconds: float = FIND_S) -> list[BleTracker]:
    """Return the devices in reach that are called like head trackers, after so many seconds; none is connected.

    Raises BridgeError where the extra is not installed or Bluetooth does not answer.
    """
    bleak = load_bleak()
    try:
        found = asyncio.run(bleak.BleakScanner.discover(timeout=seconds))
    except (OSError, EOFError, bleak.exc.BleakError) as error:
        raise BridgeError(f"Bluetooth cannot be searched ({_why(error)}): switch it on.") from None
    return [
        BleTracker(one.name, str(one.address), dialect)
        for one in found
        for dialect, profile in PROFILES.items()
        if one.name and profile.name.lower() in one.name.lower()
    ]


class BleLink(ByteLink):
    """The device whose address is `wanted` or whose name contains it; "" takes the profile's name.

    Each notification is one piece, stamped on the link's own thread when it came. Opening takes seconds, so
    `open` says False meanwhile. Raises BridgeError where the extra is not installed.
    """

    if_silent = "bring the head tracker nearer and charge it"

    def __init__(self, wanted: str, profile: BleProfile) -> None:
        self._bleak = load_bleak()
        self._wanted, self._profile = wanted or profile.name, profile
        self.name = f"Bluetooth device {self._wanted}"
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._client: Any = None
        self._found: Any = None
        self._connecting: asyncio.Task[Any] | None = None
        self._opening: concurrent.futures.Future[Any] | None = None
        self._waiting: queue.Queue[Piece | None] = queue.Queue(MAX_WAITING)

    def open(self, timeout_s: float) -> bool:
        """Look for the device and connect, a few seconds in all. Raises LinkError where it is not found."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._loop.run_forever, name="bluetooth", daemon=True)
            self._thread.start()
        if self._opening is None:
            self._waiting = queue.Queue(MAX_WAITING)
            self._opening = asyncio.run_coroutine_threadsafe(self._connect(), self._loop)
        try:
            self._client, self.device_id = self._opening.result(timeout_s)
        except concurrent.futures.TimeoutError:
            if not self._opening.done():
                return False
            self._opening = None
            raise LinkError("does not answer: bring it nearer, charge it; trying again") from None
        except LinkError:
            self._opening = None
            raise
        except (OSError, EOFError, self._bleak.exc.BleakError) as error:
            self._opening = None
            raise LinkError(f"does not connect ({_why(error)}): is Bluetooth on? trying again") from None
        self._opening = None
        return True

    def read(self, timeout_s: float) -> list[Piece]:
        """Return the notifications that came. Raises LinkError once the device disconnected."""
        if self._client is None:
            raise LinkError("is gone: bring it nearer, switch it on; looking for it")
        pieces: list[Piece | None] = []
        with contextlib.suppress(queue.Empty):
            pieces.append(self._waiting.get(timeout=timeout_s) if timeout_s > 0.0 else self._waiting.get_nowait())
            while True:
                pieces.append(self._waiting.get_nowait())
        if None in pieces:
            raise LinkError("is gone: bring it nearer, switch it on; looking for it")
        return [piece for piece in pieces if piece is not None]

    def write(self, data: bytes) -> bool:
        """Write to the device's command characteristic."""
        if self._client is None or self._loop is None:
            return False
        coroutine = self._client.write_gatt_char(self._profile.write, data, response=False)
        try:
            asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(WRITE_S)
        except (OSError, EOFError, concurrent.futures.TimeoutError, self._bleak.exc.BleakError):
            raise LinkError("does not take what is written: bring it nearer; looking for it") from None
        return True

    def close(self) -> None:
        """Disconnect, also what is just being connected, and end the thread."""
        loop, thread = self._loop, self._thread
        self._loop = self._thread = self._client = self._opening = None
        if loop is None or thread is None:
            return
        with contextlib.suppress(concurrent.futures.TimeoutError):
            asyncio.run_coroutine_threadsafe(self._leave(), loop).result(WRITE_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(WRITE_S)
        if not thread.is_alive():
            loop.close()

    async def _connect(self) -> tuple[Any, str]:
        self._connecting = asyncio.current_task()
        wanted = self._wanted.lower()
        device = await self._bleak.BleakScanner.find_device_by_filter(
            lambda found, advert: found.address.lower() == wanted or wanted in (advert.local_name or "").lower(),
            timeout=FIND_S,
        )
        if device is None:
            raise LinkError("is not there: switch it on and end other programs that use it; trying again")
        client = self._found = self._bleak.BleakClient(device, disconnected_callback=lambda _: self._put(None))
        try:
            await asyncio.wait_for(client.connect(), CONNECT_S)
            await client.start_notify(
                self._profile.notify, lambda _, data: self._put(Piece(bytes(data), time.monotonic()))
            )
        except Exception:
            # One that stays connected is found by nobody, not even by us.
            await self._disconnect()
            raise
        return client, str(device.address)

    async def _leave(self) -> None:
        # Only ours: the library has tasks of its own, which the parting needs.
        connecting, self._connecting = self._connecting, None
        if connecting is not None:
            connecting.cancel()
            await asyncio.gather(connecting, return_exceptions=True)
        await self._disconnect()

    async def _disconnect(self) -> None:
        client, self._found = self._found, None
        if client is not None:
            with contextlib.suppress(OSError, EOFError, self._bleak.exc.BleakError):
                await client.disconnect()

    def _put(self, piece: Piece | None) -> None:
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait(piece)
