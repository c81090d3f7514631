"""The renderer's end of the wearable's process: starts it, says where it is heard, lets its movements begin."""

import importlib.util
import socket
import subprocess
import sys

from rt_render.errors import TrackerError

PTY, UDP = "pty", "udp"
HOST = "127.0.0.1"


class VirtualWearable:
    """A wearable on a pseudo-terminal, or over UDP where there are none. Used as a context; control thread.

    `tracker` names it for a bridge, `text` for people.
    """

    def __init__(self, rate_hz: float, n_steps: int, n_turns: int, seed: int, slow: float, over: str = "") -> None:
        """Start it; `over` is "pty", "udp" or "" for what this system has. Raises TrackerError."""
        over = over or (PTY if importlib.util.find_spec("pty") and importlib.util.find_spec("termios") else UDP)
        place = PTY if over == PTY else f"{HOST}:{free_udp_port()}"
        module = "rt_render.app.latency.wearable"
        numbers = [str(number) for number in (rate_hz, n_steps, n_turns, seed, slow)]
        self._child = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", module, *numbers, place],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        heard_at = self._answer()
        self.tracker = f"hbf1:{heard_at}" if over == PTY else f"hbf1:udp:{heard_at}"
        self.text = f"HBF-1 at {rate_hz:g} Hz {'on a pseudo-terminal' if over == PTY else 'over UDP'}"

    def begin(self) -> float:
        """Let it move; return the monotonic time at which the movements begin. Raises TrackerError."""
        assert self._child.stdin is not None
        self._child.stdin.write("begin\n")
        self._child.stdin.flush()
        return float(self._answer())

    def _answer(self) -> str:
        assert self._child.stdout is not None
        line = self._child.stdout.readline().strip()
        if not line:
            raise TrackerError("the virtual wearable's process ended before its time: run the command again.")
        return line

    def close(self) -> None:
        """End it."""
        self._child.kill()
        self._child.communicate()

    def __enter__(self) -> "VirtualWearable":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def free_udp_port() -> int:
    """Return the number of a port of this machine that nobody listens at."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
