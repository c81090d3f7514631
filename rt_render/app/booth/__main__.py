"""Starts the booth's program; for its keeper."""

import faulthandler
import os
import signal
import sys
from pathlib import Path


def main() -> int:
    """Run it with the configuration that the first argument names, if there is one."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(faulthandler, "register"):
        faulthandler.register(signal.SIGUSR1, all_threads=True)
    from rt_render.app.booth.program import Program

    return Program(Path(sys.argv[1]) if len(sys.argv) > 1 else None).run()


if __name__ == "__main__":
    sys.exit(main())
