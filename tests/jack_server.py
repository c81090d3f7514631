"""A private JACK server with the dummy driver: started, killed and started again by tests."""

import ctypes
import importlib.util
import os
import shutil
import signal
import subprocess
from ctypes.util import find_library
from pathlib import Path

PERIOD, FS_HZ = 128, 48000
_PR_SET_PDEATHSIG = 1


def what_is_missing() -> str | None:
    """Return why no JACK test can run here, or None."""
    for command in ("jackd", "jack_wait"):
        if shutil.which(command) is None:
            return f"{command} is not installed (apt-get install jackd2 jack-example-tools)"
    if find_library("portaudio") is None:
        return "PortAudio is not installed (apt-get install libportaudio2)"
    if importlib.util.find_spec("jack") is None:
        return "JACK-Client is not installed (pip install jack-client)"
    return None


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class JackServer:
    """One server by the name of this process; clients started with `environment` find it and no other."""

    def __init__(self, period: int = PERIOD) -> None:
        self._period = period
        self.name = f"rt-render-{os.getpid()}"
        self.environment = {"JACK_DEFAULT_SERVER": self.name, "JACK_NO_START_SERVER": "1"}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, in synchronous mode (a period waits for its clients), and wait until it answers."""
        self._process = subprocess.Popen(
            ["jackd", "-n", self.name, "-r", "-S", "-d", "dummy", "-r", str(FS_HZ), "-p", str(self._period)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=_end_with_parent,
        )
        subprocess.run(
            ["jack_wait", "-s", self.name, "-w", "-t", "10"],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def kill(self) -> None:
        """End it without a word to its clients."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """End it in order."""
        assert self._process is not None
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self.kill()
        # what a killed server's clients left behind
        for left in Path("/dev/shm").glob(f"jack_sem.*_{self.name}_*"):
            left.unlink(missing_ok=True)

    def __enter__(self) -> "JackServer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
