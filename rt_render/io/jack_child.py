"""What the processes share that run Python in JACK's own thread: a player's two ports, and words for who began them.

They speak on standard output, a line each, and end with exit code 1 behind a sentence about what is wrong.
"""

import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import jack


class RefusedError(Exception):
    """What is wrong, in a sentence."""


def two_inputs(client: Any, player: str) -> list[Any]:
    """Return the two ports into which the client called `player` listens. Raises RefusedError where it has others."""
    return _two(client, player, "inputs", is_input=True)


def two_outputs(client: Any, player: str) -> list[Any]:
    """Return the two ports from which the client called `player` plays. Raises RefusedError where it has others."""
    return _two(client, player, "outputs", is_output=True)


def _two(client: Any, player: str, words: str, **kind: bool) -> list[Any]:
    ports = [port for port in client.get_ports(is_audio=True, **kind) if port.name.startswith(f"{player}:")]
    if len(ports) != 2:
        raise RefusedError(
            f"the JACK client {player!r} should have two {words} and has {len(ports)}: let nothing else of this "
            "program play, and run the command again."
        )
    return ports


def say(line: str) -> None:
    """Tell the process that began this one a line, at once; nobody may be there any more."""
    with suppress(BrokenPipeError):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


def run(main: Callable[[], None]) -> None:
    """Run a child's `main`; what refuses it is said, and ends the process with exit code 1."""
    try:
        main()
    except RefusedError as refusal:
        say(str(refusal))
    except jack.JackError as refusal:
        reason = str(refusal).rstrip(".")
        say(f"JACK lets nobody in ({reason}): see whether its server runs, and run the command again.")
    else:
        return
    sys.exit(1)
