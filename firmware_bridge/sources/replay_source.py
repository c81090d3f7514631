"""A recording of bytes as a source: the very messages of then."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from firmware_bridge.decoder import Counts
from firmware_bridge.dialect import Dialect
from firmware_bridge.dialects.android_hid import AndroidHidDecoder
from firmware_bridge.dialects.table import find_dialect
from firmware_bridge.notices import Notices
from firmware_bridge.raw_recording import read_raw_recording
from firmware_bridge.source import Heard, SourceHealth
from firmware_bridge.sources.link_source import LinkSource
from firmware_bridge.sources.recording_link import ReplayLink


class ReplaySource:
    """Plays a raw recording once; says where it ends or was cut off.

    Parameters: `dialect` instead of what the file says; where neither does it is found out by listening. `find`
    gives dialects by name. `in_real_time` false: as fast as it is polled, arrivals counted from 0. Raises
    BridgeError for a file that is no recording.
    """

    exact_times = False
    device_id = ""

    def __init__(
        self,
        path: Path,
        notices: Notices,
        dialect: str | None = None,
        in_real_time: bool = True,
        find: Callable[[str], Dialect] = find_dialect,
    ) -> None:
        recording = read_raw_recording(path)
        name = dialect or recording.dialect
        self.name = f"recording {path.name}"
        self._notices = notices
        self._link = ReplayLink(recording, self.name, in_real_time)
        self.dialect: Dialect | None = None if name is None else find(name)
        make_decoder = partial(AndroidHidDecoder, recording.descriptor) if recording.descriptor else None
        if make_decoder is not None:
            # A descriptor that cannot be used is told here: polling never raises.
            make_decoder()
        self._source = LinkSource(self._link, self.dialect, notices, make_decoder)
        self._is_told = False
        if recording.n_cut_bytes:
            notices.say(f"{self.name} was cut off: the last {recording.n_cut_bytes} bytes are no whole record")

    @property
    def is_over(self) -> bool:
        """Whether all was read."""
        return self._link.is_over

    def poll(self, timeout_s: float) -> Sequence[Heard]:
        """Return the messages that are due."""
        if not self._link.is_over:
            heard = self._source.poll(timeout_s)
            self.dialect = self._source.dialect
            return heard
        if not self._is_told:
            self._is_told = True
            self._notices.say(f"{self.name} has ended")
        time.sleep(timeout_s)
        return []

    def health(self) -> SourceHealth:
        """Return whether it still plays, and what could not be used."""
        counts = self.counts()
        return SourceHealth(not self._link.is_over, "" if self._link.is_over else self.name, counts.dropped, counts)

    def counts(self) -> Counts:
        """Return what became of all frames so far."""
        return self._source.counts()

    def say(self, data: bytes) -> bool:
        """Return False: nobody listens."""
        return False

    def close(self) -> None:
        """Give everything back."""
        self._source.close()
