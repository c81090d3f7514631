"""A bridge in a process of its own: whatever happens in the renderer's interpreter, poses come on time.

The child writes into a mailbox file made for this session; sentences and status come as JSON lines on its
standard output. Its standard input is its life line: when that ends, so does the child.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from secrets import token_hex

from pydantic import TypeAdapter, ValidationError

from firmware_bridge.mailbox import PoseMailbox, runtime_directory
from firmware_bridge.notices import heedless
from firmware_bridge.settings import BridgeSettings
from firmware_bridge.status import BridgeStatus, with_age

BACK_OFF_S = (0.1, 0.5, 1.0, 2.0, 5.0)
LIVED_S = 10.0
"""A child that lived so long was well; the next one that ends is started again at once."""
STOP_TIMEOUT_S = 3.0
SILENT_S = 2.0
HUNG_S, START_S = 5.0, 60.0
"""A child that says nothing for so long hangs and is ended; longer while it starts, which may compile."""
_GUARD_EVERY_S = 0.25
EXIT_FOR_GOOD = 3
"""What the child ends with after it has said why another start would not help."""
_LAST_WORDS_CHARS = 200
_PREFIX = "rt-render-session-"
_STATUS = TypeAdapter(BridgeStatus)


class BridgeProcess:
    """Starts the child, starts it again when it dies, and passes on what it says. Same use as `Bridge`.

    `mailbox` is the renderer's own mapping: it stays the same through all restarts. `on_message` gets
    sentences on a thread of this object; what it raises is dropped. Raises BridgeError where the mailbox cannot
    be made.
    """

    def __init__(self, settings: BridgeSettings, on_message: Callable[[str], None]) -> None:
        _remove_leftovers()
        path = runtime_directory() / f"{_PREFIX}{os.getpid()}-{token_hex(4)}"
        self.mailbox = PoseMailbox.create(path)
        self._path = path
        self._on_message = heedless(on_message)
        self._settings, self._given_record = settings, settings.record_raw
        self._command = [sys.executable, "-P", "-m", "firmware_bridge", "serve", "--mailbox", str(path)]
        self._status = BridgeStatus(f"{settings.tracker}: starting", settings.tracker)
        self._heard_s = time.monotonic()
        self._n_lines, self._is_passing_on = 0, False
        self._ended = False
        self._stopping = threading.Event()
        self._child: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._watch, name="head-tracker-watch", daemon=True)

    def start(self) -> None:
        """Start the child and the thread that listens to it, once."""
        if self._thread.ident is None:
            self._thread.start()

    def stop(self) -> None:
        """End the child, the thread and the mailbox; safe to call twice."""
        with self._lock:
            self._stopping.set()
            child = self._child
        if child is not None and child.stdin is not None:
            child.stdin.close()
        if self._thread.ident is not None:
            self._thread.join(STOP_TIMEOUT_S)
            if self._thread.is_alive() and child is not None:
                child.kill()
                self._thread.join(STOP_TIMEOUT_S)
        self.mailbox.close()
        # Windows removes no file that is still mapped: the next session does.
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

    @property
    def process_id(self) -> int | None:
        """The child's process id, None while there is none."""
        child = self._child
        return None if child is None or child.poll() is not None else child.pid

    def recentre(self) -> None:
        """Ask for the present heading to become straight ahead."""
        self.mailbox.request_recentre()

    def status(self) -> BridgeStatus:
        """Return the child's latest status, with the pose's age of this moment. Thread: the control thread."""
        now_s, pose = time.monotonic(), self.mailbox.read()
        status = with_age(self._status, None if pose is None else pose.time_s, now_s)
        if self._ended:
            return replace(status, connected=False, text=f"{status.source}: not in use")
        if now_s - self._heard_s > SILENT_S:
            return replace(status, connected=False, text=f"{status.source}: its process does not answer")
        return status

    def _watch(self) -> None:
        tries = 0
        while True:
            started_s = time.monotonic()
            try:
                child = self._spawn()
            except OSError as error:
                how = f"cannot be started ({error.strerror})"
            else:
                if child is None:
                    return
                how = f"ended ({self._attend(child)})"
                if self._stopping.is_set():
                    return
                if child.returncode == EXIT_FOR_GOOD:
                    self._ended = True
                    return
            tries = 0 if time.monotonic() - started_s > LIVED_S else tries + 1
            self._say(f"the head tracker's process {how}; starting it again{self._another_recording()}")
            if self._stopping.wait(BACK_OFF_S[min(tries, len(BACK_OFF_S) - 1)]):
                return

    def _spawn(self) -> "subprocess.Popen[str] | None":
        with self._lock:
            if self._stopping.is_set():
                return None
            # A session of its own: Ctrl-C is for the renderer, which ends the child in its own time.
            self._child = subprocess.Popen(  # noqa: S603 - our own program
                [*self._command, "--settings", self._settings.model_dump_json()],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,
            )
            return self._child

    def _attend(self, child: "subprocess.Popen[str]") -> str:
        """Listen to a child until it ends; return how it did, in words."""
        guard = threading.Thread(target=self._guard, args=(child,), name="head-tracker-guard", daemon=True)
        guard.start()
        with child:
            last_words = self._listen(child)
        guard.join()
        return _how(child.returncode) + (f": {last_words}" if last_words else "")

    def _listen(self, child: "subprocess.Popen[str]") -> str:
        """Pass on what the child says until it ends; return the last line that was none of ours."""
        last_words = ""
        assert child.stdout is not None
        for line in child.stdout:
            self._n_lines += 1
            try:
                told = json.loads(line)
                if not isinstance(told, dict) or not told.keys() & {"message", "status"}:
                    raise ValueError
                if "status" in told:
                    self._status = _STATUS.validate_python(told["status"])
            except (ValueError, RecursionError, ValidationError):
                last_words = line.strip()[:_LAST_WORDS_CHARS] or last_words
                continue
            self._heard_s = time.monotonic()
            if "message" in told:
                self._say(str(told["message"]))
        return last_words

    def _guard(self, child: "subprocess.Popen[str]") -> None:
        """End a child that hangs. Counts looks instead of reading a clock: a machine may sleep meanwhile."""
        first, before, looks = self._n_lines, self._n_lines, 0
        while child.poll() is None and not self._stopping.wait(_GUARD_EVERY_S):
            looks = 0 if self._n_lines != before or self._is_passing_on else looks + 1
            before = self._n_lines
            if looks * _GUARD_EVERY_S >= (START_S if before == first else HUNG_S):
                child.kill()
                return

    def _say(self, text: str) -> None:
        self._is_passing_on = True
        self._on_message(text)
        self._is_passing_on = False

    def _another_recording(self) -> str:
        """Let the next child record into a file of its own, for none is overwritten; return this in words."""
        path = self._given_record
        if path is None:
            return ""
        number, free = 2, path
        while free.exists():
            number, free = number + 1, path.with_stem(f"{path.stem}-{number}")
        self._settings = self._settings.model_copy(update={"record_raw": free})
        return f", its bytes go to {free.name} now"


def _how(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit status {code}"


def _remove_leftovers() -> None:
    """Remove the mailboxes of sessions whose process was killed and could not."""
    for path in runtime_directory().glob(f"{_PREFIX}*"):
        owner = path.name.removeprefix(_PREFIX).partition("-")[0]
        # Windows itself refuses while somebody has it open.
        if sys.platform == "win32" or (owner.isdigit() and not _is_alive(int(owner))):
            with suppress(OSError):
                path.unlink(missing_ok=True)


if sys.platform != "win32":

    def _is_alive(process_id: int) -> bool:
        try:
            os.kill(process_id, 0)
        except ProcessLookupError:
            return False
        except OSError:
            return True
        return True
