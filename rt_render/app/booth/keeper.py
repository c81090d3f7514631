"""Keeps the booth's program running: starts it, starts it again when it ends or hangs, and keeps the reason.

It plays nothing and knows nothing of sound, so that little in it can go wrong.
"""

import json
import re
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

from rt_render import __version__
from rt_render.app.booth.impersonal import impersonal
from rt_render.app.booth.logged_visits import BEGINS, ENDS, OpenVisit
from rt_render.app.booth.notify import ALIVE, READY, STOPPING, notify
from rt_render.app.booth.only_one import ANOTHER_RUNS, OnlyOne
from rt_render.app.booth.visit_log import LogPlace, VisitLog

BACK_OFF_S = (0.1, 1.0, 2.0, 5.0, 10.0, 30.0)
LIVED_S = 30.0
"""A program that played so long was well; the next one that ends is started again at once."""
START_S, USUAL_HUNG_S = 300.0, 20.0
"""A start may compile the kernels and design decoders."""
STOP_S = 8.0
_LOOK_S, _ALIVE_EVERY_S, _SAID_EVERY_S = 0.1, 2.0, 60.0
_STACK_LINES, _FOR_STACKS_S, _LAST_LINES_S = 200, 0.5, 2.0
_FOLDERS = re.compile(r'File ".*?([^/\\"]+)"')

Line = dict[str, Any]


class Keeper:
    """Runs the booth until `stop`; `run` blocks. `on_message` gets sentences, `on_line` all that the program tells.

    Its log is that of the visits: what the program tells, and each new beginning with its reason. One thread calls
    `run`; `stop` and `process_id`: any thread.
    """

    def __init__(
        self,
        config: Path | None,
        on_message: Callable[[str], None],
        on_line: Callable[[Line], None] = lambda line: None,
    ) -> None:
        self._command = [
            sys.executable,
            "-P",
            "-m",
            "rt_render.app.booth",
            *([str(config.absolute())] if config else []),
        ]
        self._on_message, self._on_line = on_message, on_line
        self._log, self._only_one = VisitLog(self._say), OnlyOne()
        self._status = 0
        self._leaves = False
        self._child: subprocess.Popen[bytes] | None = None
        self._listener: Thread | None = None
        self._lines: SimpleQueue[Line] = SimpleQueue()
        self._last_words: deque[str] = deque(maxlen=_STACK_LINES)
        self._hung_after_s = USUAL_HUNG_S
        self._said: dict[str, tuple[float, int]] = {}
        self._ended_s: float | None = None
        self._told_s = 0.0
        self._visit, self._rests, self._open_visit = 0, False, OpenVisit()
        self._played, self._after_failure = False, False
        self._why = ""

    @property
    def process_id(self) -> int | None:
        """The program's process id; None while there is none."""
        child = self._child
        return None if child is None or child.poll() is not None else child.pid

    def stop(self) -> None:
        """Let `run` return soon."""
        self._leaves = True

    def run(self) -> int:
        """Keep the program running until `stop` or an interrupt; the program ends softly.

        Returns the exit status: 0, or `ANOTHER_RUNS` where another booth writes the same log.
        """
        self._log.add("starts", version=__version__)
        tries = 0
        try:
            while not self._leaves:
                begun_s = time.monotonic()
                why = self._why = self._attend()
                if self._leaves:
                    break
                tries = 0 if time.monotonic() - begun_s > LIVED_S else tries + 1
                # turn about: what kept a set-up from playing may be over
                self._after_failure = not self._played and not self._after_failure
                self._ended_s = time.monotonic()
                self._end_visit()
                self._say(f"the booth begins anew: {why}.")
                self._log.add("begins_anew", why=impersonal(why), stacks=self._stacks())
                self._wait(BACK_OFF_S[min(tries, len(BACK_OFF_S) - 1)])
        except KeyboardInterrupt:
            self._say("the booth ends.")
        finally:
            notify(STOPPING)
            self._end_child()
            self._end_visit()
            self._log.add("ends")
            self._log.stop()
            self._only_one.release()
        return self._status

    def _attend(self) -> str:
        """Start the program and listen to it until it is gone; return why in words."""
        self._last_words.clear()
        self._played = False
        how = [
            *([f"--why={json.dumps(self._why)}"] if self._why else []),
            f"--visit={self._visit}",
            *(["--after-failure"] if self._after_failure else []),
            *(["--rests"] if self._rests else []),
        ]
        try:
            child = subprocess.Popen(  # noqa: S603 - our own program
                [*self._command, *how],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            return f"its program cannot be started ({error.strerror})"
        self._child, self._lines = child, SimpleQueue()
        self._listener = Thread(target=self._listen, args=(child, self._lines), name="booth listener", daemon=True)
        self._listener.start()
        why, heard_s, beats, before_s = "", time.monotonic(), False, time.monotonic()
        while not self._leaves and (child.poll() is None or not self._lines.empty()):
            now_s = time.monotonic()
            if now_s - before_s > 10 * _LOOK_S:
                heard_s += now_s - before_s  # this process stood still as well
            before_s = now_s
            self._alive(now_s)
            with suppress(Empty):
                line = self._lines.get(timeout=_LOOK_S)
                heard_s, beats = time.monotonic(), beats or line.get("kind") == "beat"
                why = self._take(line) or why
                continue
            if time.monotonic() - heard_s > (self._hung_after_s if beats else START_S):
                silent = f"it gave no sign of life for {time.monotonic() - heard_s:.0f} s"
                why = f"{why}; then {silent}" if why else silent
                self._kill(child)
                break
        if self._leaves:
            return ""
        return self._last_lines(child) or why or f"its program ended by itself ({_how(child.wait())})"

    def _last_lines(self, child: "subprocess.Popen[bytes]") -> str:
        """Take what a program that is gone has told; return why it ended, if it said so."""
        with suppress(OSError):
            if child.stdin:
                child.stdin.close()
        if self._listener:
            self._listener.join(_LAST_LINES_S)
        why = ""
        while not self._lines.empty():
            why = self._take(self._lines.get()) or why
        return why

    def _listen(self, child: "subprocess.Popen[bytes]", lines: "SimpleQueue[Line]") -> None:
        assert child.stdout is not None
        with child.stdout:
            for raw in child.stdout:
                try:
                    line = json.loads(raw)
                    if not isinstance(line, dict) or "kind" not in line:
                        raise ValueError
                except (ValueError, RecursionError):
                    self._last_words.append(raw.decode(errors="replace").rstrip()[:300])
                    continue
                lines.put(line)

    def _take(self, line: Line) -> str:
        """Do what the program tells; return why it ends, if it says so."""
        try:
            return self._obey(line)
        except Exception as error:  # a line that makes no sense must not end the keeper
            self._say(f"a line of the booth's program was not understood ({type(error).__name__}: {error}).")
            return ""

    def _obey(self, line: Line) -> str:
        self._on_line(line)
        kind = line["kind"]
        if kind == "says":
            self._say(str(line.get("text", "")), private=bool(line.get("private")))
        elif kind == "log":
            event, details = str(line.get("event", "")), line.get("details", {})
            self._log.add(event, **details)
            self._open_visit.logged(event, details)
            if event in (BEGINS, ENDS):
                self._visit = max(self._visit, int(details.get("number", 0)))
        elif kind == "opens":
            self._open(LogPlace(Path(line["path"]), int(line["max_bytes"]), int(line["n_files"])))
            self._hung_after_s = float(line["hung_after_s"])
        elif kind == "plays":
            down_s = None if self._ended_s is None else round(time.monotonic() - self._ended_s, 1)
            self._log.add("plays", title=line.get("title"), down_s=down_s)
            notify(READY)
            self._played = True
        elif kind == "beat":
            self._rests = bool(line.get("resting"))
            self._open_visit.beat(line.get("visit"))
        elif kind in ("hangs", "anew"):
            self._rests = bool(line.get("resting", self._rests))
            return str(line["why"])
        return ""

    def _end_visit(self) -> None:
        """Write the end of a visit that the program has not lived to tell."""
        if end := self._open_visit.end():
            self._log.add(ENDS, **end)

    def _open(self, place: LogPlace) -> None:
        """Write the log there, unless another booth does: at the start this one ends, later the log stays."""
        if self._only_one.take(place.path):
            self._log.move(place)
            return
        what = f"a booth runs already, with the log {place.path}"
        if self._only_one.holds:
            self._say(f"{what}: the log stays where it was; name another file with visits in [booth].")
            return
        self._say(f"{what}: end it first, or name another file with visits in [booth] for this one.")
        self._leaves, self._status = True, ANOTHER_RUNS
        if self._child:
            self._child.kill()  # it prepares, and has not made a sound
        self._lines = SimpleQueue()  # what else it told is not true any more

    def _say(self, text: str, private: bool = False) -> None:
        """Tell a sentence, and keep it in the log, the same one once a minute at most."""
        with suppress(OSError, ValueError):  # where sentences go the disk may be full, and the booth plays on
            self._on_message(text)
        if private:
            return
        now_s = time.monotonic()
        if len(self._said) > 500:
            self._said.clear()
        last_s, times = self._said.get(text, (-_SAID_EVERY_S, 0))
        if now_s - last_s < _SAID_EVERY_S:
            self._said[text] = (last_s, times + 1)
            return
        self._said[text] = (now_s, 0)
        more = {"times_more": times} if times else {}
        self._log.add("said", text=impersonal(text), **more)

    def _stacks(self) -> str | None:
        """Return what the program left behind that was no line of ours: an error's stack, or those of all threads."""
        words = "\n".join(self._last_words)
        return _FOLDERS.sub(r'File "\1"', words) or None

    def _alive(self, now_s: float) -> None:
        if now_s - self._told_s > _ALIVE_EVERY_S:
            self._told_s = now_s
            notify(ALIVE)

    def _wait(self, seconds: float) -> None:
        end_s = time.monotonic() + seconds
        while not self._leaves and time.monotonic() < end_s:
            self._alive(time.monotonic())
            time.sleep(min(_LOOK_S, seconds))

    def _kill(self, child: "subprocess.Popen[bytes]") -> None:
        """End a program that hangs; before that it is asked where all its threads stand."""
        if hasattr(signal, "SIGUSR1"):
            with suppress(OSError):
                child.send_signal(signal.SIGUSR1)
                time.sleep(_FOR_STACKS_S)
        child.kill()
        child.wait()

    def _end_child(self) -> None:
        child = self._child
        if child is None:
            return
        with suppress(OSError):
            if child.stdin:
                child.stdin.close()
        try:
            child.wait(STOP_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        self._last_lines(child)


def _how(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit status {code}"
