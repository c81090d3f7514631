"""`python -m rt_render` is `rt-render`."""

import sys


def main() -> int | None:
    """Run the command line; return the exit status."""
    try:
        from rt_render.app.cli import main as command_line
    except KeyboardInterrupt:
        # Most of a second of imports, before anything answers to Ctrl-C.
        return 130
    return command_line()


if __name__ == "__main__":
    sys.exit(main())
