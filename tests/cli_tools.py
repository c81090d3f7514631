"""Runs `firmware-bridge` in this process, or as a program beside it."""

import io
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from firmware_bridge.commands import cli

PROGRAM = [sys.executable, "-m", "firmware_bridge"]


class Typed(io.TextIOWrapper):
    """Standard input that holds these bytes."""

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data))


def caller(monkeypatch, capsys):
    """Return a function that runs the command line here and returns exit code, output and error output."""

    def call(*arguments, stdin=b""):
        monkeypatch.setattr(sys, "argv", ["firmware-bridge", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", Typed(stdin))
        monkeypatch.setattr(signal, "signal", lambda *_: None)
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            cli.main()
        captured = capsys.readouterr()
        return left.value.code or 0, captured.out, captured.err

    return call


def run(*arguments, stdin=b"", timeout=60):
    return subprocess.run(
        [*PROGRAM, *map(str, arguments)], input=stdin, capture_output=True, timeout=timeout, check=False
    )


class Beside:
    """The program in the background; its output goes to a file. Used as a context: it is interrupted at the end."""

    def __init__(self, folder: Path, *arguments) -> None:
        self.log = folder / f"{arguments[0]}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([*PROGRAM, *map(str, arguments)], stdout=log, stderr=log)

    def says(self, text: str, seconds: float = 30.0) -> str:
        """Wait until the output holds a text; return all of it."""
        end_s = time.monotonic() + seconds
        while text not in (said := self.log.read_text()):
            assert time.monotonic() < end_s and self.process.poll() is None, f"{text!r} was not said: {said}"
            time.sleep(0.02)
        return said

    def end(self, seconds: float = 20.0) -> int:
        """Interrupt it as Ctrl-C does; return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(seconds)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


def wait_for(path, seconds=20.0):
    end_s = time.monotonic() + seconds
    while not os.path.lexists(path):
        assert time.monotonic() < end_s, f"{path} does not come"
        time.sleep(0.02)


@contextmanager
def held_tracker(folder: Path):
    """A virtual HBF-1 tracker on a head that never moves, 10° down and the right ear 5° down; its port's name."""
    motion, name = folder / "held.csv", folder / "port"
    motion.write_text("time_s,w,x,y,z\n0,0.99524,0.04345,0.08704,-0.0038\n")
    with Beside(folder, "simulate", "--dialect", "hbf1", "--motion", f"csv:{motion}", "--link", name) as simulated:
        simulated.says("listen with")
        yield name
