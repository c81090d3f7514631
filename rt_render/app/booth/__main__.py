"""Starts the booth's program; for its keeper."""

import argparse
import faulthandler
import json
import os
import signal
import sys
from pathlib import Path


def main() -> int:
    """Run it as its keeper says."""
    parser = argparse.ArgumentParser(prog="booth")
    parser.add_argument("config", type=Path, nargs="?")
    parser.add_argument("--visit", type=int, default=0, help="the number of the last visit")
    parser.add_argument("--after-failure", action="store_true", help="the run before ended before it played")
    parser.add_argument("--rests", action="store_true", help="the headphones lay still when the run before ended")
    parser.add_argument("--why", type=json.loads, default='""', help="why the run before ended, in JSON")
    told = parser.parse_args()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(faulthandler, "register"):
        faulthandler.register(signal.SIGUSR1, all_threads=True)
    from rt_render.app.booth.program import Program

    return Program(told.config, told.visit, told.after_failure, told.rests, told.why).run()


if __name__ == "__main__":
    sys.exit(main())
