"""What a bridge knows of single devices: recalled when one is met, remembered without holding up a pose."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from firmware_bridge.device_store import DeviceStore, Remembered, device_key
from firmware_bridge.dialect import Dialect
from firmware_bridge.errors import BridgeError
from firmware_bridge.messages import Quat

CLOSE_TIMEOUT_S = 1.0


class Memory:
    """The device store for a reader thread: errors are said through `say`, never raised.

    One thread writes, as long as there is something to write, and of each device the newest only.
    """

    def __init__(self, store: DeviceStore, say: Callable[[str], None]) -> None:
        self._store, self._say = store, say
        self._lock = threading.Lock()
        self._waiting: dict[str, Quat] = {}
        self._writer: threading.Thread | None = None

    def recall(self, dialect: Dialect, device_id: str) -> Remembered:
        """Return what is known of a device: nothing of one that is new."""
        try:
            return self._store.load(device_key(dialect.name, device_id)) or Remembered()
        except BridgeError as error:
            self._say(str(error))
            return Remembered()

    def remember_reference(self, dialect: Dialect, device_id: str, reference: Quat) -> None:
        """Write down what is ahead, on a thread of its own: a disk may take its time."""
        with self._lock:
            self._waiting[device_key(dialect.name, device_id)] = reference
            if self._writer is None:
                self._writer = threading.Thread(target=self._write_all, name="remember", daemon=True)
                self._writer.start()

    def close(self) -> None:
        """Wait until all is written down, but not for ever: a disk may hang."""
        writer = self._writer
        if writer is not None:
            writer.join(CLOSE_TIMEOUT_S)

    def _write_all(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._writer = None
                    return
                key, reference = self._waiting.popitem()
            self._write(key, reference)

    def _write(self, key: str, reference: Quat) -> None:
        try:
            known = self._store.load(key) or Remembered()
            # The date is the calibration's, where there is one.
            saved = known.saved if known.mounting is not None else datetime.now(UTC).isoformat(timespec="seconds")
            self._store.save(key, replace(known, reference=reference, saved=saved))
        except BridgeError as error:
            self._say(str(error))
