"""A bridge that somebody else runs: its mailbox, and its health as far as the mailbox tells."""

import time
from collections.abc import Callable
from pathlib import Path

from firmware_bridge.bridge_words import UNKNOWN, StateWord
from firmware_bridge.mailbox import PoseMailbox
from firmware_bridge.mailbox_kernels import LOST_AFTER_S
from firmware_bridge.status import BridgeStatus, with_age

NAME = "the bridge that runs already"
_LIVING = tuple(state.value for state in StateWord if state is not StateWord.ENDED)


class AttachedBridge:
    """Same use as `Bridge`. Either side may leave and return: nothing is started or ended here.

    `path` None is where `firmware-bridge run` publishes; there either side may come first too. Raises BridgeError
    for a file that was named and is not there or no mailbox.
    """

    def __init__(self, path: Path | None, on_message: Callable[[str], None]) -> None:
        # A name may be a wrong one: nothing is made there.
        self.mailbox = PoseMailbox.create() if path is None else PoseMailbox.attach(path)
        if self.mailbox.told() is None:
            on_message("no bridge runs yet: start one with `firmware-bridge run`; waiting for it")

    def start(self) -> None:
        """Start nothing."""

    def stop(self) -> None:
        """Let go of the mailbox."""
        self.mailbox.close()

    def recentre(self) -> None:
        """Ask for the present heading to become straight ahead."""
        self.mailbox.request_recentre()

    def status(self) -> BridgeStatus:
        """Return what the bridge's words and the newest pose tell. Thread: the control thread."""
        now_s = time.monotonic()
        words = self.mailbox.told()
        if words is None:
            return BridgeStatus("the bridge is not there: start it with `firmware-bridge run`", NAME)
        is_new = 0.0 <= now_s - 1e-9 * words.heartbeat_ns <= LOST_AFTER_S
        if not is_new or words.state not in _LIVING:
            return BridgeStatus(f"{NAME}: it has ended; start it again with `firmware-bridge run`", NAME)
        status = BridgeStatus(
            text="",
            source=NAME,
            connected=words.state == StateWord.LIVE,
            state=StateWord(words.state).name.lower(),
            rate_hz=1e-3 * words.rate_mhz,
            dropped=words.dropped,
            published=self.mailbox.published_count(),
        )
        # The words come four times a second; the pose itself is newer.
        pose = self.mailbox.read() if words.newest_ns != UNKNOWN else None
        return with_age(status, None if pose is None else pose.time_s, now_s)
