"""HID devices that are Android head trackers, as links; needs the extra `hid`.

Untried on hardware: tested against a stand-in for the library.
"""

import contextlib
import time
from dataclasses import dataclass
from typing import Any

from firmware_bridge.decoder import Decoder
from firmware_bridge.dialects.android_hid import (
    DESCRIPTION,
    USAGE,
    USAGE_PAGE,
    AndroidHidDecoder,
    HeadTracker,
    find_head_tracker,
)
from firmware_bridge.errors import BridgeError
from firmware_bridge.transports.link import ByteLink, LinkError, Piece

MAX_REPORT_BYTES = 1024
MAX_PER_READ = 64
LOOK_EVERY_S = 1.0
GONE = "is gone: connect it again; looking for it"


@dataclass(frozen=True, slots=True)
class HidTracker:
    """A HID device that calls itself a custom sensor: `path` opens it."""

    path: str
    product: str
    device_id: str


def load_hid() -> Any:
    """Return hidapi's module; raises BridgeError where it is not installed."""
    try:
        import hid
    except ImportError:
        hid = None
    # Another library of the same name has no such class.
    if hid is None or not hasattr(hid, "device"):
        raise BridgeError(
            "HID head trackers need one more library: install it with `pip install 'rt-render[hid]'`."
        ) from None
    return hid


def hid_trackers() -> list[HidTracker]:
    """Return the devices with a collection of usage page 0x20 and usage 0xE1; none is opened.

    Raises BridgeError where the extra is not installed.
    """
    return [
        HidTracker(
            _text(found["path"]),
            found.get("product_string") or "",
            "-".join(
                (f"{found['vendor_id']:04x}", f"{found['product_id']:04x}", found.get("serial_number") or "")
            ).rstrip("-"),
        )
        for found in load_hid().enumerate()
        if (found.get("usage_page"), found.get("usage")) == (USAGE_PAGE, USAGE)
    ]


class HidLink(ByteLink):
    """The first head tracker whose path is `wanted` or whose product name contains it; "" takes any.

    Opening reads the report descriptor and the description, and only then switches reporting on. Each input
    report is one piece. Raises BridgeError where the extra is not installed.
    """

    def __init__(self, wanted: str = "") -> None:
        self._hid = load_hid()
        self.name = f"HID head tracker {wanted}".rstrip()
        self._wanted = wanted
        self._device: Any = None
        self._path = ""
        self._tracker: HeadTracker | None = None
        self._looked_s = 0.0

    def make_decoder(self) -> Decoder:
        """Return a decoder of this device's own reports; the link must have been opened."""
        return AndroidHidDecoder(self.descriptor)

    def open(self, timeout_s: float) -> bool:
        """Open, check and start. Raises LinkError that says what to do."""
        found = next((one for one in hid_trackers() if self._is_wanted(one)), None)
        if found is None:
            raise LinkError("is not there: connect headphones with head tracking; trying again")
        device = self._hid.device()
        try:
            device.open_path(found.path.encode())
            # Else a timeout of 0 would mean to wait for ever.
            device.set_nonblocking(1)
            self._device = device
            descriptor = bytes(device.get_report_descriptor())
        except (OSError, ValueError):
            self.close()
            raise LinkError(
                "may not be opened by you: on Linux add a udev rule with `uaccess` for its hidraw device; trying again"
            ) from None
        tracker = find_head_tracker(descriptor)
        if tracker is None:
            self.close()
            raise LinkError("does not describe a head tracker in its reports: choose another device; trying again")
        self.descriptor, self.device_id, self._path = descriptor, found.device_id, found.path
        self._start(tracker)
        return True

    def read(self, timeout_s: float) -> list[Piece]:
        """Return the input reports that came."""
        if self._device is None:
            raise LinkError(GONE)
        pieces: list[Piece] = []
        wait_ms = round(timeout_s * 1000.0)
        try:
            while len(pieces) < MAX_PER_READ and (report := self._device.read(MAX_REPORT_BYTES, wait_ms)):
                pieces.append(Piece(bytes(report), time.monotonic()))
                wait_ms = 0
        except (OSError, ValueError):
            raise LinkError(GONE) from None
        now_s = time.monotonic()
        if not pieces and now_s - self._looked_s > LOOK_EVERY_S:
            self._looked_s = now_s
            if self._path not in (one.path for one in hid_trackers()):
                raise LinkError(GONE)
        return pieces

    def close(self) -> None:
        """Switch reporting off and give the device back."""
        device, tracker = self._device, self._tracker
        self._device = self._tracker = None
        if device is None:
            return
        with contextlib.suppress(OSError, ValueError):
            if tracker is not None:
                for report in tracker.stop(self._features(device, tracker)):
                    device.send_feature_report(report)
        device.close()

    def _is_wanted(self, found: HidTracker) -> bool:
        return found.path == self._wanted or self._wanted.lower() in found.product.lower()

    def _start(self, tracker: HeadTracker) -> None:
        try:
            self._check_description(tracker)
            for report in tracker.start(self._features(self._device, tracker)):
                self._device.send_feature_report(report)
        except (OSError, ValueError):
            self.close()
            raise LinkError("does not take its settings: connect it again; trying again") from None
        self._tracker, self._looked_s = tracker, time.monotonic()

    def _check_description(self, tracker: HeadTracker) -> None:
        field = tracker.properties.get(DESCRIPTION)
        report = bytes(self._device.get_feature_report(field.report_id, MAX_REPORT_BYTES)) if field else b""
        if tracker.version(report) is None:
            self.close()
            raise LinkError("does not describe itself as an Android head tracker: choose another device; trying again")

    def _features(self, device: Any, tracker: HeadTracker) -> dict[int, bytes]:
        return {key: bytes(device.get_feature_report(key, MAX_REPORT_BYTES)) for key in tracker.to_read()}


def _text(path: Any) -> str:
    return path.decode("utf-8", "replace") if isinstance(path, bytes) else str(path)
