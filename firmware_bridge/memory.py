"""What a bridge knows of single devices: recalled when one is met, remembered without holding up a pose."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from firmware_bridge.device_store import DeviceStore, Remembered, device_key
from firmware_bridge.dialect import Dialect
from firmware_bridge.errors import BridgeError
from firmware_bridge.messages import Quat


class Memory:
    """The device store for a reader thread: errors are said through `say`, never raised."""

    def __init__(self, store: DeviceStore, say: Callable[[str], None]) -> None:
        self._store, self._say = store, say
        self._lock = threading.Lock()

    def recall(self, dialect: Dialect, device_id: str) -> Remembered:
        """Return what is known of a device: nothing of one that is new."""
        try:
            return self._store.load(device_key(dialect.name, device_id)) or Remembered()
        except BridgeError as error:
            self._say(str(error))
            return Remembered()

    def remember_reference(self, dialect: Dialect, device_id: str, reference: Quat) -> None:
        """Write down what is ahead, on a thread of its own: a disk may take its time."""
        arguments = (device_key(dialect.name, device_id), reference)
        threading.Thread(target=self._write, args=arguments, name="remember", daemon=True).start()

    def _write(self, key: str, reference: Quat) -> None:
        with self._lock:
            try:
                known = self._store.load(key) or Remembered()
                saved = datetime.now(UTC).isoformat(timespec="seconds")
                self._store.save(key, replace(known, reference=reference, saved=saved))
            except BridgeError as error:
                self._say(str(error))
