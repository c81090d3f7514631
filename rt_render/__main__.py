"""`python -m rt_render` is `rt-render`."""

import os
import sys


def main() -> int | None:
    """Run the command line; return the exit status."""
    # The matrices here are small: on a busy machine OpenBLAS's threads waited for each other, and synthesising the
    # scene at order 5 took 0.17 of a core in place of 0.01. It looks once, when numpy is imported.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        from rt_render.app.cli import main as command_line
    except KeyboardInterrupt:
        # Most of a second of imports, before anything answers to Ctrl-C.
        return 130
    return command_line()


if __name__ == "__main__":
    sys.exit(main())
