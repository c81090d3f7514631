"""How long `play` takes from the command line to its first block, warm."""

import os
import subprocess
import sys
import time
from collections.abc import Callable

REQUIRED_S = 2.0
_TIMES_IMPORTS = 3.0
_ROUNDS = 3
_PLAY = ["-m", "rt_render", "play", "--device", "virtual", "--tracker", "none", "--seconds", "0.2"]


def _first_block_s() -> float:
    """Start `play` and return the time until it shows the first rendered block."""
    start = time.perf_counter()
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, *_PLAY], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        shown = []
        for line in process.stdout:
            shown.append(line)
            if line.startswith("0:00"):
                break
        else:
            raise RuntimeError("play did not start: " + "".join(shown))
        elapsed = time.perf_counter() - start
        process.stdout.read()
    return elapsed


def _imports_s() -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import numba, scipy"], check=True)
    return time.perf_counter() - start


def run(on_progress: Callable[[str], None]) -> dict[str, object]:
    """Measure the warm start of `play` beside the import of numba and scipy, best of three each."""
    on_progress("start: once to warm the caches")
    _first_block_s()
    on_progress("start: warm")
    imports_s = min(_imports_s() for _ in range(_ROUNDS))
    start_s = min(_first_block_s() for _ in range(_ROUNDS))
    return {
        "start_s": round(start_s, 3),
        "start_allowed_s": round(max(REQUIRED_S, _TIMES_IMPORTS * imports_s), 3),
        "import_numba_scipy_s": round(imports_s, 3),
    }
