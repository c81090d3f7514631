"""`python -m firmware_bridge`: the command line, or the child of a renderer, which starts without it."""

import sys


def main() -> int | None:
    """Run what the arguments name; return the exit status."""
    if sys.argv[1:2] == ["serve"]:
        from firmware_bridge.commands.serve import main as serve

        return serve()
    try:
        from firmware_bridge.commands.cli import main as command_line
    except KeyboardInterrupt:
        # Half a second of imports, before anything answers to Ctrl-C.
        return 130
    return command_line()


if __name__ == "__main__":
    sys.exit(main())
